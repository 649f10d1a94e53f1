"""Systems of formulas around a start: in words, and as the contract's JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from boundcalc.landscape.enclosure import Enclosure
from boundcalc.report.tighten_digits import outward
from boundcalc.systems.ball import Ball
from boundcalc.systems.level import Descent
from boundcalc.systems.nonconvex import Nonconvex
from boundcalc.systems.routes import Route
from boundcalc.systems.study import Study

SCHEMA = "boundcalc.tangent/1"
CONVENTION = "½‖∇L‖² ≥ μL, L = ½‖F‖²; K = DF DFᵀ"
STATUS = (
    "no certificate for the ball: how far it is from closing is computed in floating point and "
    "proves nothing; λ_min(K), λ_max(K) and ‖F‖ at w0 are enclosed"
)
_HOW = {
    "direct": "λ_min(K) bounded on the whole ball at once",
    "hessian": "(√λ_0 − H·R)², from the Lipschitz constant of DF",
    "output": "ρ²·λ_min of the kernel before the output map",
    "output-hessian": "ρ²·(√λ_0 − H·R)² before the output map",
    "input": "ρ²·λ_min of the kernel behind the input map",
    "parts": "λ_min of the parts' kernels, added",
}


def exit_code(study: Study) -> int:
    """0 where what was asked for is proved, or λ_min(K(w0)) = 0 exactly and no more was asked."""
    zero = study.start.least.upper == 0 and study.descent is None
    return 0 if study.proved or zero else 3


def system_json(study: Study, paths: Sequence[Path | None]) -> dict[str, Any]:
    """The keys of the contract, and more; numbers are rounded to the safe side."""
    n, m = study.size
    start = study.start
    kappa = start.largest.upper / start.least.lower if start.least.lower else math.inf
    places = _places(study, paths)
    return {
        "schema": SCHEMA,
        "answer": answer(study),
        "source": study.problem.name,
        "n": n,
        "m": m,
        "convention": CONVENTION,
        "start": {k: str(x) for k, x in zip(study.problem.variables, study.at, strict=True)},
        "snapshots": [{"lambda_min": _ends(start.least), "lambda_max": _ends(start.largest)}],
        "mu": start.least.lower,
        "kappa": kappa,
        "residual": _above(start.norm),
        "ball": None if study.ball is None else _ball_json(study.ball, places["ball"]),
        "level": None if study.descent is None else _level_json(study.descent, places["level"]),
        "transformations": [] if study.ball is None else _transformations(study.ball),
        "zero": None if study.nonconvex is None else _zero_json(study.nonconvex, places["zero"]),
        "seconds": study.seconds,
    }


def _places(study: Study, paths: Sequence[Path | None]) -> dict[str, str | None]:
    """The files of the certificates, in the order of `Study.certificates`."""
    rest = iter(paths)
    found = {}
    for name, one in (("ball", study.ball), ("level", study.descent), ("zero", study.nonconvex)):
        place = next(rest, None) if one is not None and one.certificate is not None else None
        found[name] = None if place is None else str(place)
    return found


def _ball_json(ball: Ball, path: str | None) -> dict[str, Any]:
    proved = ball.proved
    step = None if proved is None else proved.statement.step_size
    return {
        "radius": _above(ball.radius),
        "mu": None if proved is None else _below(proved.statement.mu),
        "closes": ball.closes,
        "step_size_limit": None if step is None else _below(step),
        "rate": None if proved is None else _above(1 - proved.statement.step_size * (ball.mu or 0)),
        "verdict": "proved" if ball.closes else "undecided",
        "fails": ball.fails,
        "factor": ball.factor,
        "certificate": path,
        "route": None if ball.best is None else ball.best.name,
        "routes": [_route_json(route) for route in ball.routes],
        "jacobian_norm": None if ball.jacobian_norm is None else _above(ball.jacobian_norm),
        "jacobian_lipschitz": None
        if ball.jacobian_lipschitz is None
        else _above(ball.jacobian_lipschitz),
    }


def _route_json(route: Route) -> dict[str, Any]:
    return {
        "route": route.name,
        "mu": None if route.mu is None else _below(route.mu),
        "theorem": route.theorem or None,
        "reason": route.reason or None,
    }


def _transformations(ball: Ball) -> list[dict[str, Any]]:
    """Constants of the parts, and of the whole by a theorem about transformations."""
    return [
        {
            **_route_json(route),
            "parts": {one.name: _below(one.value) for one in route.uses if _is_floor(one.name)},
        }
        for route in ball.routes
        if route.name not in ("direct", "hessian")
    ]


def _is_floor(name: str) -> bool:
    return name not in ("inner.L_F", "inner.H")


def _level_json(found: Descent, path: str | None) -> dict[str, Any]:
    return {
        "epsilon": _above(found.level),
        "radius": _above(found.radius),
        "mu": None if found.mu is None else _below(found.mu),
        "beta": None if found.beta is None else _above(found.beta),
        "step_size": None if found.step_size is None else _below(found.step_size),
        "steps": found.steps,
        "closes": found.closes,
        "verdict": "proved" if found.closes else "undecided",
        "already": found.already,
        "fails": found.fails,
        "theorem": "gd-pl-star-eps",
        "certificate": path,
    }


def _zero_json(found: Nonconvex, path: str | None) -> dict[str, Any]:
    return {
        "convex_nearby": False if found.certificate is not None else None,
        "verdict": "proved" if found.certificate is not None else "undecided",
        "hessian_ranks": list(found.ranks),
        "rank_needed": found.needed,
        "full_rank": found.full_rank,
        "proposition_applies": found.applies,
        "flat": [str(x) for x in found.flat],
        "toward": [str(x) for x in found.toward],
        "negative_at": None if found.near is None else str(found.near),
        "reason": found.reason or None,
        "certificate": path,
    }


def answer(study: Study) -> str:
    """One sentence: what is proved, or what fails."""
    if study.descent is not None:
        return _level_answer(study.descent)
    n, m = study.size
    if n > m:
        return (
            f"λ_min(K) = 0 exactly: {m} parameters are fewer than {n} equations, so no μ > 0 comes "
            "from the tangent kernel; --eps E asks how far down gradient descent gets"
        )
    if study.ball is None:
        if study.start.least.upper == 0:
            return "λ_min(K(w0)) = 0 exactly: no ball around this start has a μ > 0"
        return "undecided: λ_min(K(w0)) > 0 is not shown, so no μ > 0 near w0"
    ball = study.ball
    if ball.proved is None:
        return f"undecided: {ball.fails}"
    said = ball.proved.statement
    if not study.start.norm:
        return (
            f"proved: w0 is a zero of L, and λ_min(K) >= {_down(said.mu)} within "
            f"R = {_down(said.radius)} of it"
        )
    return (
        f"proved: a zero of L lies within R = {_up(said.radius)} of w0; gradient descent with step "
        f"η <= {_down(said.step_size)} stays in this ball and L(w_t) <= (1 − ημ)^t L(w0) with "
        f"μ = {_down(said.mu)}"
    )


def _level_answer(found: Descent) -> str:
    level = f"{float(found.level):.6g}"
    if found.already:
        return f"L(w0) <= {level} already: no step is needed"
    if found.mu is None or found.step_size is None:
        return f"undecided: {found.fails}"
    return (
        f"proved: gradient descent with step η = {_down(found.step_size)} has L <= {level} within "
        f"{found.steps} steps, inside R = {_up(found.radius)} of w0; within {_down(found.radius)} "
        f"of it ½‖∇L‖² ≥ μL where L >= {level}, with μ = {_down(found.mu)}"
    )


def system_lines(study: Study, paths: Sequence[Path | None]) -> list[str]:
    """The answer, the numbers behind it, all routes, and what is known of a zero."""
    start = study.start
    at = ", ".join(f"{k} = {x}" for k, x in zip(study.problem.variables, study.at, strict=True))
    n, m = study.size
    lines = [
        answer(study),
        f"  convention  {CONVENTION}",
        f"  system      {study.problem.name}: n = {n} equations, m = {m} parameters; w0: {at}",
        f"  at w0       λ_min(K) in {_interval(start.least)}, λ_max(K) in "
        f"{_interval(start.largest)}, ‖F(w0)‖ <= {_up(start.norm)}",
    ]
    if study.ball is not None:
        lines += _ball_lines(study.ball)
    if study.descent is not None and study.ball is not None and study.ball.proved is None:
        lines.append(f"  ball        undecided: {study.ball.fails}")
    if study.ball is not None and study.ball.proved is None and study.start.least.upper > 0:
        lines.append(f"  status      {STATUS}")
    if study.nonconvex is not None:
        lines += _zero_lines(study.nonconvex)
    written = [str(path) for path in paths if path is not None]
    if written:
        lines.append(f"  certificate {', '.join(written)}")
    return lines


def _ball_lines(ball: Ball) -> list[str]:
    lines = []
    if ball.jacobian_norm is not None and ball.jacobian_lipschitz is not None:
        lines.append(
            f"  on the ball R = {_up(ball.radius)}: ‖DF‖ <= {_up(ball.jacobian_norm)}, DF is "
            f"H-Lipschitz with H = {_up(ball.jacobian_lipschitz)}"
        )
    for route in ball.routes:
        mark = " (used)" if route is ball.best and route.mu is not None else ""
        said = f"no μ > 0: {route.reason}" if route.mu is None else f"μ = {_down(route.mu)}"
        rests = f"; theorem {route.theorem}" if route.theorem else ""
        parts = [
            f"{x.name} = {_down(x.value)}" for x in route.uses if "." in x.name or route.theorem
        ]
        of = (
            f" from {', '.join(parts)}" if parts and route.name not in ("direct", "hessian") else ""
        )
        lines.append(f"  route       {route.name}: {said}{mark}; {_HOW[route.name]}{of}{rests}")
    return lines


def _zero_lines(found: Nonconvex) -> list[str]:
    full = "rank DF = n" if found.full_rank else "rank DF not shown to be n"
    holds = "hold" if found.applies else "are not shown"
    lines = [
        f"  zero        F(w0) = 0 exactly; {full}, rank of a Hessian >= {max(found.ranks)}, "
        f"2n = {found.needed}: the hypotheses of local-nonconvexity {holds}"
    ]
    if found.certificate is None:
        return [*lines, f"              convexity nearby: undecided, {found.reason}"]
    near = "" if found.near is None else f" at w0 + {found.near}·d, d = ({_vector(found.toward)}),"
    return [
        *lines,
        f"              proved: L is convex in no neighbourhood of w0; ∇²L is negative{near} along "
        f"({_vector(found.flat)})",
    ]


def _vector(values: Sequence[Fraction]) -> str:
    return ", ".join(str(x) for x in values)


def _ends(enclosure: Enclosure) -> dict[str, float]:
    return {"lower": enclosure.lower, "upper": enclosure.upper}


def _interval(one: Enclosure) -> str:
    if one.lower == one.upper:
        return f"[{one.lower:.6g}], exactly"
    return f"[{_down(Fraction(one.lower))}, {_up(Fraction(one.upper))}]"


def _below(value: Fraction) -> float:
    found = float(value)
    return math.nextafter(found, -math.inf) if Fraction(found) > value else found


def _above(value: Fraction) -> float:
    found = float(value)
    return math.nextafter(found, math.inf) if Fraction(found) < value else found


def _down(value: Fraction) -> str:
    return outward(value, -1, 6)


def _up(value: Fraction) -> str:
    return outward(value, 1, 6)
