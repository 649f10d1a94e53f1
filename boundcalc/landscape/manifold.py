"""The set of zeros of the loss: its dimension, generically or proved near the given weights.

F: R^p → R^(r·d) takes the weights to the r outputs at d data points, {L = 0} = F⁻¹(y). Where
λ_min(DF DFᵀ) > 0, rank DF = r·d, and near a zero {L = 0} is a smooth manifold of dimension
p − r·d (implicit function theorem). A certificate about a ball says both: that a zero lies in it,
and λ_min ≥ μ > 0 at each of its points, so all zeros in the ball make up such a manifold.
For almost every y the same holds at all zeros (Sard's theorem), where F is smooth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.errors import InputError
from boundcalc.kernel.system.check import BallProved, is_genuine
from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.ball import Ball, ball
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.network import Network, parameters
from boundcalc.library.numbers import rounded

MOST_ENTRIES = 500_000  # of DF, for a proof at the given weights: less than a minute
_MOST_EXACT = 200_000  # products in rational arithmetic
_EXACT: Mapping[str, Callable[[Fraction], Fraction]] = {
    "linear": lambda z: z,
    "quadratic": lambda z: z * z,
}


@dataclass(frozen=True)
class Manifold:
    """value : p − r·d, which is below 0 where there are fewer parameters than equations.

    verdict : "proved" (near the given weights), "generic" (for almost every y) or "undecided".
    said : why, in words. exact_zero : whether L = 0 at the given weights, by rational arithmetic;
    None where that was not asked or not possible. least : encloses λ_min(K) at the given weights.
    residual : ≥ ‖F(w) − y‖ there. certificate : what `proved` was checked from.
    """

    value: int
    verdict: str
    said: str
    proved: BallProved | None = None
    exact_zero: bool | None = None
    least: Enclosure | None = None
    residual: float | None = None
    certificate: Mapping[str, Any] | None = None


def manifold(net: Network) -> Manifold:
    """The dimension of {L = 0}; proved where the network has data and weights near a zero."""
    value = parameters(net) - net.points * net.widths[-1]
    rough = [name for name in (net.activation, net.output) if not ACTIVATIONS[name].smooth]
    if rough:
        said = f"{rough[0]} has no Hessian: F is not smooth, and these theorems ask for that"
        return Manifold(value, "undecided", said)
    if net.x is None or net.weights is None:
        return _generic(value, net)
    entries = parameters(net) * net.points * net.widths[-1]
    zero = exact_zero(net)
    if value < 0:
        return Manifold(value, "undecided", _too_few(value, zero), exact_zero=zero)
    if entries > MOST_ENTRIES:
        said = (
            f"not tried at the given weights: DF has {entries:,} entries, and at most "
            f"{MOST_ENTRIES:,} are tried; boundcalc tangent does not have this limit"
        )
        return Manifold(value, "undecided", said, exact_zero=zero)
    try:
        return _near(value, zero, ball(net))
    except InputError as error:  # what the kernel cannot read, such as 201 outputs
        return Manifold(value, "undecided", error.faults[0].found, exact_zero=zero)


def _generic(value: int, net: Network) -> Manifold:
    missing = "data points and weights" if net.x is None else "weights"
    if value < 0:
        said = (
            "fewer parameters than equations: for almost every y there is no zero of the loss "
            "(Sard); for special y there may be"
        )
    else:
        said = (
            "for almost every y, {L = 0} is empty or a smooth manifold of this dimension (Sard); "
            f"without {missing} nothing is proved about a zero"
        )
    return Manifold(value, "generic", said)


def _too_few(value: int, zero: bool | None) -> str:
    if zero:
        return (
            f"the loss is exactly zero at the given weights, though there are {-value} more "
            "equations than parameters: such data are special, and rank DF < r·d says nothing"
        )
    return (
        "fewer parameters than equations: rank DF = r·d is impossible; for almost every y there "
        "is no zero of the loss (Sard)"
    )


def _near(value: int, zero: bool | None, found: Ball) -> Manifold:
    """What a search for a certificate at the given weights comes to."""
    least, residual = found.start.least, found.start.residual
    if found.proved is not None and is_genuine(found.proved):
        statement = found.proved.statement
        start = "the loss is exactly zero at the given weights w0; " if zero else ""
        said = (
            f"{start}a zero of the loss lies in a ball of radius R ≤ {_above(statement.radius)} "
            f"around w0, and λ_min(K) ≥ {_below(statement.mu)} in it: its zeros are regular "
            "(rank DF = r·d), and make up a smooth manifold of this dimension"
        )
        return Manifold(
            value, "proved", said, found.proved, zero, least, residual, found.certificate
        )
    ends = f"[{_below(Fraction(least.lower))}, {_above(Fraction(least.upper))}]"
    at = f"‖F(w) − y‖ ≤ {_above(Fraction(residual))}, λ_min(K) in {ends}"
    if zero:
        said = (
            "the loss is exactly zero at the given weights, but rank DF = r·d is not shown there "
            f"({at}): the zeros near them may have any dimension"
        )
    elif not least.lower > 0:
        said = f"rank DF = r·d is not shown at the given weights ({at})"
    else:
        said = f"no zero of the loss is proved near the given weights ({at})"
    said += "; for almost every y the dimension is as above, or there is no zero (Sard)"
    return Manifold(value, "undecided", said, None, zero, least, residual)


def _above(number: Fraction) -> str:
    return rounded((number, number), 1, 4)


def _below(number: Fraction) -> str:
    return rounded((number, number), -1, 4)


def exact_zero(net: Network) -> bool | None:
    """Whether F(w; x_i) = y_i exactly at the given weights, where the activations are polynomials.

    None for others, for networks without data or weights, and for large ones.
    """
    if net.x is None or net.y is None or net.weights is None:
        return None
    if not {net.activation, net.output} <= set(_EXACT):
        return None
    if parameters(net) * net.points > _MOST_EXACT:
        return None
    return all(
        _outputs(net, [Fraction(v) for v in x]) == [Fraction(v) for v in y]
        for x, y in zip(net.x.tolist(), net.y.tolist(), strict=True)
    )


def _outputs(net: Network, values: list[Fraction]) -> list[Fraction]:
    """F(w; x) in rational arithmetic."""
    parts = [part.tolist() for part in net.weights or ()]
    depth = len(net.widths) - 1
    for k in range(depth):
        matrix = parts.pop(0)
        shift = parts.pop(0) if net.bias else [0.0] * len(matrix)
        act = _EXACT[net.output if k == depth - 1 else net.activation]
        values = [
            act(sum((Fraction(a) * v for a, v in zip(row, values, strict=True)), Fraction(b)))
            for row, b in zip(matrix, shift, strict=True)
        ]
    return values
