"""Bounds of a network on a ball."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.claim import Json
from boundcalc.kernel.system.activation import slope_at_least
from boundcalc.kernel.system.bounds import Bounds, Pair
from boundcalc.kernel.system.fixed import UNIT, Balls, exact, pair, up
from boundcalc.kernel.system.network import read_network
from boundcalc.kernel.system.passes import forward, kernel, widened
from boundcalc.kernel.system.sensitivity import sensitivity


def network_bounds(data: Json, radius: Fraction, *, on_ball: bool, inner: bool) -> Bounds:
    """What the closing rule needs. on_ball : K on the ball, too. inner : bounds of z_L, too.

    Raises ClaimError where the data are not those of a smooth network.
    """
    network = read_network(data)
    reach = up(radius)
    start = forward(network)
    moves = sensitivity(network, start, reach)
    around = widened(network, start, moves.margins) if on_ball or inner else start
    targets = exact(network.targets)
    residual = [
        (lo - t[1], hi - t[0])
        for (lo, hi), t in zip(_flat(start.h[-1]), _flat([targets]), strict=True)
    ]
    before = slope = None
    if inner:
        before = Bounds(
            tuple(_flat(start.z[-1])),
            kernel(network, start, 0, inner=True),
            Fraction(moves.inner.first, UNIT),
            Fraction(moves.inner.second, UNIT),
            kernel(network, around, reach, inner=True) if on_ball else None,
        )
        slope = slope_at_least(_flat(around.slopes[-1]))
    first, second = moves.outputs.first, moves.outputs.second
    return Bounds(
        tuple(residual),
        kernel(network, start, 0),
        Fraction(first, UNIT),
        Fraction(second, UNIT),
        kernel(network, around, reach) if on_ball else None,
        inner=before,
        slope=slope,
    )


def _flat(vectors: list[Balls]) -> list[Pair]:
    """Point by point."""
    return [
        pair(mid, rad)
        for vector in vectors
        for mid, rad in zip(vector.mid, vector.rad, strict=True)
    ]
