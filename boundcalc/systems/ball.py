"""Is a zero of the loss near the start of a system, and does gradient descent find it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.check import BallProved, verify
from boundcalc.kernel.system.formula_bounds import PRECISION
from boundcalc.library.ball import Numbers, ball_certificate
from boundcalc.search.ball.constants import Search, Shown, rounded
from boundcalc.systems.routes import TINY, Route, routes
from boundcalc.systems.start import Start

WIDER = Fraction(103, 100)  # from one radius that is tried to the next, at first
STEPS = 90
ROOM = 1.02  # by which a radius is to close in floating point before proofs are looked for
TRIES = 4  # radii for which proofs are looked for


@dataclass(frozen=True)
class Ball:
    """The verdict on a ball.

    factor : R√μ/(2‖F(w0)‖) at the radius, in floating point where nothing was proved: > 1 closes.
    proved : what the kernel made of the certificate; None where nothing was proved.
    """

    radius: Fraction
    mu: Fraction | None
    factor: float
    routes: tuple[Route, ...]
    best: Route | None = None
    jacobian_norm: Fraction | None = None
    jacobian_lipschitz: Fraction | None = None
    fails: str | None = None
    certificate: dict[str, Any] | None = None
    proved: BallProved | None = None

    @property
    def closes(self) -> bool:
        """Whether the statement was proved."""
        return self.proved is not None


def ball_of(search: Search, start: Start, radius: Fraction | None = None) -> Ball | None:
    """The verdict on the ball of that radius, or on the first one that seems to close.

    None where λ_min(K(w0)) > 0 is not shown: then no ball can close.
    """
    if start.floor is None:
        return None
    seen: list[tuple[float, float]] = []
    tried: list[Ball] = []
    for candidate in _radii(search, start, radius):
        factor = _factor(search, start, float(candidate))
        seen.append((factor, float(candidate)))
        if factor < ROOM and radius is None:
            if factor == 0:
                break
            continue
        tried.append(_at(search, start, candidate, factor))
        if tried[-1].closes or len(tried) == TRIES:
            break
    closed = [ball for ball in tried if ball.closes]
    if closed or tried:
        return (closed or tried)[0]
    lowest = min(radius for _, radius in seen)
    for k in range(1, 25):  # below it nothing closes; but how near is the best?
        seen.append((_factor(search, start, lowest * 0.85**k), lowest * 0.85**k))
    top = max(seen)[0]
    best, factor = min((value, found) for found, value in seen if found >= 0.97 * top)
    return _open(Fraction(best), factor, start)


def _radii(search: Search, start: Start, radius: Fraction | None) -> Iterator[Fraction]:
    """Radii to try: from the smallest that could close, √λ_0·R > 2‖F(w0)‖, upward."""
    if radius is not None:
        yield radius
        return
    sigma = math.sqrt(start.floor or 0)
    if not start.norm:
        yield from (Fraction(1, 1 << k) for k in range(60))
        return
    value = 2 * float(start.norm) / sigma
    for k in range(STEPS):
        value *= float(WIDER) if k < 24 else 1.12
        yield rounded(Fraction(value), 1, 4)


def _factor(search: Search, start: Start, radius: float) -> float:
    """R√μ/(2‖F(w0)‖) by the better route in floating point; more than 1 closes."""
    sigma = math.sqrt(start.floor or 0)
    root = math.sqrt(max(search.seems("mu", radius), 0.0))
    curved = search.seems("H", radius)
    root = max(root, sigma - curved * radius if math.isfinite(curved) else 0.0)
    if not start.norm:
        return math.inf if root > 0.5 * sigma else 0.5
    return radius * root / (2 * float(start.norm))


def _open(radius: Fraction, factor: float, start: Start) -> Ball:
    """Floating point sees no radius that closes: how near the best one comes."""
    norm = float(start.norm)
    fails = (
        f"‖F(w0)‖ = {norm:.6g} is {1 / factor:.4g} times too large: the path 2‖F(w0)‖/√μ of "
        f"gradient descent fits into no ball; it comes nearest at R = {float(radius):.4g}, where "
        f"√μ = {2 * norm * factor / float(radius):.4g} allows ‖F(w0)‖ < {norm * factor:.4g}"
    )
    return Ball(radius, None, factor, (), fails=fails)


def _at(search: Search, start: Start, radius: Fraction, factor: float) -> Ball:
    """The verdict on one ball, with proofs."""
    smooth = search.defined(radius)
    steep, curved = search.show("L_F", radius), search.show("H", radius)
    found = routes(search, start, radius, curved)
    best = max(found, key=lambda route: route.mu or 0)
    ball = Ball(
        radius,
        best.mu,
        factor,
        found,
        best,
        None if steep is None else steep.value,
        None if curved is None else curved.value,
    )
    if smooth is None or steep is None or curved is None:
        name = "defined" if smooth is None else "L_F" if steep is None else "H"
        why = search.stopped.get(name, "it seems to be infinite")
        return replace(ball, fails=f"{name}: no bound on the ball was proved: {why}")
    if best.mu is None:
        return replace(ball, fails="mu: λ_min(K) > 0 on the ball was not proved by any route")
    if not best.closes(start, radius):
        return replace(ball, fails=_too_far(best.mu, start, radius))
    return _certified(search, start, ball, (steep, curved, *best.uses), smooth)


def _too_far(mu: Fraction, start: Start, radius: Fraction) -> str:
    """Which quantity fails, and by what factor."""
    path = 2 * float(start.norm) / math.sqrt(mu)
    times = path / float(radius)
    return (
        f"radius: the path 2‖F(w0)‖/√μ = {path:.6g} of gradient descent is {times:.4g} times the "
        f"radius {float(radius):.6g} on which μ = {float(mu):.6g} was proved; a start with a "
        f"residual {times:.4g} times smaller would do"
    )


def _certified(
    search: Search,
    start: Start,
    ball: Ball,
    used: tuple[Shown, ...],
    smooth: Mapping[str, Any],
) -> Ball:
    """The ball with its certificate, where the kernel accepts it. used : L_F and H first."""
    constants = {one.name: str(one.value) for one in used}
    proofs = {**smooth, **{goal: p for one in used for goal, p in one.proofs.items()}}
    steep, curved, norm = used[0].value, max(used[1].value, TINY), max(start.norm, TINY)
    route = ball.best
    if route is None or route.mu is None:
        return ball
    numbers = Numbers(
        radius=ball.radius,
        mu=route.mu,
        step_size=rounded(1 / (steep**2 + curved * norm), -1, 12),
        start=route.root,
        residual=norm,
        jacobian_norm=steep,
        jacobian_lipschitz=curved,
    )
    frames = {goal: frame for one in used for goal, frame in one.frames.items()}
    enclosures = {
        "constants": constants,
        "proofs": proofs,
        "frames": frames,
        "precision": PRECISION,
    }
    body = ball_certificate("formulas", search.data, route.kernel, numbers, enclosures)
    try:
        return replace(ball, certificate=body, proved=verify(body))
    except Rejected as error:
        return replace(ball, fails=f"kernel: {error}")
