"""PL* on a ball of a network: in words, and as the contract's JSON."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from boundcalc.landscape.ball import Ball, Route
from boundcalc.landscape.network import Network
from boundcalc.report.tighten_digits import outward

SCHEMA = "boundcalc.tangent/1"
CONVENTION = "½‖∇L‖² ≥ μL, L = ½‖F(w) − y‖² (a sum over data points); K = DF DFᵀ"
LAW = (
    "with standard parametrisation λ_0 grows like the width m of the hidden layer, while H and the "
    "residual stay of order 1 (scaled by 1/√m, NTK: λ_0 of order 1, H of order 1/√m), so wide "
    "enough layers close: Liu, Zhu, Belkin 2022, Theorem 4; its constants are hidden, so this is "
    "a law and no number"
)
STATUS = (
    "no certificate: bounds above are of the kernel's arithmetic, rounded outward; how far it is "
    "from closing, and what would help, is computed in floating point and proves nothing"
)
_NAMES = {
    "hessian": "(√λ_0 − H·R)², from the Hessian's norm",
    "direct": "K(w) enclosed on the ball, entry by entry",
    "output-hessian": "ρ²(√λ_0 − H·R)² of the map before the output activation",
    "output-direct": "ρ²·λ_min of the enclosed kernel before the output activation",
}


def exit_code(ball: Ball) -> int:
    """0 proved, 3 undecided."""
    return 0 if ball.proved is not None else 3


def ball_json(net: Network, ball: Ball, path: Path | None) -> dict[str, Any]:
    """The keys of the contract, and more; every number rounded to the safe side."""
    start, proved = ball.start, ball.proved is not None
    ends = [{"lower": one.lower, "upper": one.upper} for one in (start.least, start.largest)]
    return {
        "schema": SCHEMA,
        "answer": answer(ball),
        "source": net.source,
        "n": start.outputs,
        "m": start.parameters,
        "convention": CONVENTION,
        "snapshots": [{"lambda_min": ends[0], "lambda_max": ends[1]}],
        "mu": start.least.lower,
        "kappa": _ratio_up(ends[1]["upper"], ends[0]["lower"]),
        "ball": {
            "radius": ball.radius,
            "mu": ball.best.mu if proved else None,
            "closes": proved,
            "step_size_limit": _step(ball),
            "rate": _rate(ball),
            "verdict": "proved" if proved else "undecided",
            "fails": ball.fails,
            "factor": ball.factor,
            "certificate": None if path is None else str(path),
            "route": ball.best.name,
            "routes": {route.name: route.mu for route in ball.routes},
            "lambda_0": start.least.lower,
            "residual": start.residual,
            "jacobian_norm": start.norm,
            "jacobian_lipschitz": start.lipschitz,
            "shortage": start.shortage,
        },
    }


def _ratio_up(top: float, bottom: float) -> float:
    return math.nextafter(top / bottom, math.inf) if bottom else math.inf


def _step(ball: Ball) -> Fraction | None:
    return None if ball.numbers is None else ball.numbers.step_size


def _rate(ball: Ball) -> float | None:
    """1 − ημ at the largest step, rounded up."""
    if ball.numbers is None:
        return None
    return math.nextafter(float(1 - ball.numbers.step_size * ball.numbers.mu), 1.0)


def answer(ball: Ball) -> str:
    """One sentence: what is proved, or what fails."""
    start = ball.start
    if ball.numbers is not None:
        numbers = ball.numbers
        return (
            f"proved: a global minimum (zero loss) lies within R = {_up(numbers.radius)} of w0; "
            f"gradient descent with step η <= {_down(numbers.step_size)} stays in this ball and "
            f"L(w_t) <= (1 − ημ)^t L(w0) with μ = {_down(numbers.mu)}"
        )
    if ball.fails == "lambda_min":
        if start.outputs > start.parameters:
            return (
                f"undecided: λ_min(K(w0)) = 0, since {start.parameters} parameters are fewer than "
                f"{start.outputs} outputs"
            )
        return "undecided: λ_min(K(w0)) > 0 is not shown, so no μ > 0 near w0"
    times = ""
    if ball.factor is not None:  # infinite for a radius next to 0
        finite = math.isfinite(ball.factor)
        times = f" by a factor {f'of {_up(Fraction(ball.factor))}' if finite else 'beyond 1E+308'}"
    if ball.fails == "jacobian_lipschitz":
        return (
            f"undecided: on the ball of R = {_up(Fraction(ball.radius))} the Jacobian may vary too "
            f"much: H·R exceeds √λ_0{times}"
        )
    if ball.fails == "radius":
        return (
            f"undecided: 2‖F(w0) − y‖/√μ exceeds R = {_up(Fraction(ball.radius))}{times}, the "
            "path of gradient descent may leave the ball on which μ holds"
        )
    return f"undecided: {ball.fails}"


def ball_lines(net: Network, ball: Ball, path: Path | None) -> list[str]:
    """The answer, the numbers behind it, both routes, and what would help."""
    start = ball.start
    lines = [
        answer(ball),
        f"  convention  {CONVENTION}",
        f"  network     {net.source}: widths {list(net.widths)}, {net.activation}, "
        f"n = {start.outputs} outputs, p = {start.parameters} parameters",
        f"  at w0       λ_min(K) in [{_down(start.least.lower)}, {_up(start.least.upper)}], "
        f"λ_max(K) in [{_down(start.largest.lower)}, {_up(start.largest.upper)}], "
        f"‖F(w0) − y‖ <= {_up(start.residual)}",
        f"  on the ball R = {_up(ball.radius)}: ‖DF‖ <= {_up(start.norm)}, "
        f"DF is H-Lipschitz with H = {_up(start.lipschitz)}",
        *_route_lines(ball),
    ]
    if ball.proved is None:
        lines.append(f"  status      {STATUS}")
        lines += _help(net, ball)
    else:
        lines.append(f"  rate        1 − ημ = {_rate(ball)!r} at the largest step")
        where = "not written (--certificate FILE)" if path is None else str(path)
        lines.append(f"  certificate {where}; {ball.proved.checks} hypotheses checked")
    return lines


def _route_lines(ball: Ball) -> list[str]:
    lines = []
    for route in ball.routes:
        won = " (the larger)" if route is ball.best and route.mu is not None else ""
        lines.append(f"  route       {route.name}: {_mu(route)}{won}; {_NAMES[route.name]}")
    hessian, direct = (route.mu for route in ball.routes[:2])
    least = Fraction(ball.start.root) ** 2
    if hessian and direct and hessian < least and direct < least:
        ratio = (least - direct) / (least - hessian)
        lines.append(
            f"              of λ_0 the direct route loses {float(ratio):.3g} times what the "
            "Hessian's norm loses"
        )
    return lines


def _mu(route: Route) -> str:
    return "no μ > 0" if route.mu is None else f"μ = {_down(route.mu)}"


def _help(net: Network, ball: Ball) -> list[str]:
    """What would have to change for the hypotheses to close."""
    start = ball.start
    lines = [
        f"  fails       8·H·‖F(w0) − y‖ <= λ_0 is needed for any R; it is {_up(start.shortage)} "
        "times too large at this R"
        if 1 < start.shortage < math.inf
        else "  fails       see the answer; a smaller or larger --ball may do"
    ]
    if start.root:
        closer = Fraction(start.root) ** 2 / (8 * Fraction(start.lipschitz))
        lines.append(
            f"  closer start: a residual below {_down(closer)} closes with these λ_0 and H "
            "(train first, take the checkpoint)"
        )
    lines.append(f"  more width: {LAW}")
    if len(net.widths) == 3:
        least = float(start.root) ** 2 / net.widths[1]
        lines.append(
            f"              λ_0/m = {least:.4g} here; its limit for wide layers is the smallest "
            "eigenvalue of the data's limiting kernel (data and activation alone)"
        )
    near = _closest(net)
    if near is not None:
        i, j, distance, cosine = near
        lines.append(
            f"  more separation: λ_0 is small where two points are close; points {i} and {j} are "
            f"{distance:.4g} apart (cosine {cosine:.6g}, with the bias as a coordinate)"
        )
    return lines


def _closest(net: Network) -> tuple[int, int, float, float] | None:
    """The two data points with the largest |cosine|."""
    if net.x is None or len(net.x) < 2:
        return None
    x = np.hstack([net.x, np.ones((len(net.x), int(net.bias)))])
    size = np.linalg.norm(x, axis=1)
    cosines = x @ x.T / np.maximum(np.outer(size, size), 1e-300)
    np.fill_diagonal(cosines, 0)
    i, j = (int(k) for k in np.unravel_index(np.abs(cosines).argmax(), cosines.shape))
    return i, j, float(np.linalg.norm(net.x[i] - net.x[j])), float(cosines[i, j])


def _down(value: Fraction | float) -> str:
    return _rounded(value, -1)


def _up(value: Fraction | float) -> str:
    return _rounded(value, 1)


def _rounded(value: Fraction | float, sign: int) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return outward(Fraction(value), sign, 6)
