"""How far a network moves on a ball of weights: bounds of DF and of D²F, layer by layer.

For a direction u = (U_1, c_1, U_2, ...) of length 1, ĥ = [h, 1], all norms over all data points
together (Frobenius), s = ‖(u_1, ..., u_{l-1})‖ and c = ‖U_l‖ with s² + c² ≤ 1:

    Dz_l[u]    = ĥ_{l-1}[U_l, c_l]ᵀ + Dh_{l-1}[u] W_lᵀ,
    D²z_l[u,u] = 2 Dh_{l-1}[u] U_lᵀ + D²h_{l-1}[u,u] W_lᵀ,
    D²h_l[u,u] = s''(z_l)·Dz_l[u]² + s'(z_l)·D²z_l[u,u]     (entry by entry).

D²F is symmetric, so its norm is attained on u = v (for each functional of it). Upper bounds are
integers in units of 2^-BITS, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.system.fixed import (
    UNIT,
    Balls,
    capped,
    dot,
    hypot,
    norm,
    root,
    rss,
    times,
    up,
)
from boundcalc.kernel.system.network import Layer, Network
from boundcalc.kernel.system.passes import Pass
from boundcalc.kernel.system.spectrum import norm as symmetric_norm
from boundcalc.kernel.system.spectrum import operator_norm


@dataclass(frozen=True)
class Motion:
    """Bounds, for all w of the ball and all u of length 1, of a map's derivatives.

    first : ≥ ‖D[u]‖ over all points; each : the same for one point, for each point.
    second : ≥ ‖D²[u,u]‖. bent : the part of `second` that comes from s'' of the last activation,
    as a bound of ‖(s''·Dz²) Wᵀ‖ in units of ‖W‖₂, and in units of ‖W‖_{2,∞}.
    """

    first: int
    each: list[int]
    second: int
    bent: tuple[int, int]


@dataclass(frozen=True)
class Sensitivity:
    """outputs : of F. inner : of z_L. margins : |z_l(w) − z_l(w0)|, layer, point, unit."""

    outputs: Motion
    inner: Motion
    margins: list[list[list[int]]]


@dataclass(frozen=True)
class _Inputs:
    """Bounds of ĥ on the ball: ‖ĥ‖₂ over all points, ‖ĥ_i‖ of each point."""

    joint: int
    each: list[int]


def sensitivity(network: Network, start: Pass, radius: int) -> Sensitivity:
    """Of all layers, on the ball of this radius around the start (in units of 2^-BITS)."""
    count = len(network.points)
    moved = Motion(0, [0] * count, 0, (0, 0))
    inner, margins = moved, []
    for layer, inputs, z in zip(network.layers, start.inputs, start.z, strict=True):
        met = _inputs(inputs, moved, radius)
        weights = _Weights(layer, radius) if moved.first else None
        entries = _entries(layer, met, moved, radius)
        inner = _affine(met, weights, moved)
        margins.append([[times(e, radius) for e in point] for point in entries])
        far = max(
            t + m
            for point, more in zip(z, margins[-1], strict=True)
            for t, m in zip(point.top, more, strict=True)
        )
        moved = _activated(layer, inner, max(map(max, entries)), capped(far))
    return Sensitivity(moved, inner, margins)


class _Weights:
    """Norms of W_l on the ball: ‖W‖₂, and ‖W‖_{2,∞} = √Σ_j max_k W_jk²."""

    def __init__(self, layer: Layer, radius: int) -> None:
        rows = [row.top for row in layer.weights]
        error = rss(r for row in layer.weights for r in row.rad)
        self.spectral = operator_norm([row.mid for row in layer.weights]) + error + radius
        self.tall = rss(map(max, rows)) + radius


def _inputs(inputs: list[Balls], moved: Motion, radius: int) -> _Inputs:
    """‖ĥ(w)‖ ≤ ‖ĥ(w0)‖ + sup‖Dh‖·R, on the segment from w0 to w."""
    gram = [[dot(a, b) for b in inputs] for a in inputs]
    error = max(sum(rad for _, rad in row) for row in gram)
    joint = root(symmetric_norm([[mid for mid, _ in row] for row in gram]) + error)
    return _Inputs(
        joint + times(moved.first, radius),
        [norm(h) + times(one, radius) for h, one in zip(inputs, moved.each, strict=True)],
    )


def _entries(layer: Layer, met: _Inputs, moved: Motion, radius: int) -> list[list[int]]:
    """|Dz[u]_ik| ≤ √(‖ĥ_i‖² + (‖row k of W‖·‖Dh_i‖)²)."""
    rows = [norm(row) + radius for row in layer.weights]
    return [
        [hypot(h, times(row, one)) for row in rows]
        for h, one in zip(met.each, moved.each, strict=True)
    ]


def _affine(met: _Inputs, weights: _Weights | None, moved: Motion) -> Motion:
    """z = ĥ[W, b]ᵀ; `weights` are not asked for where h does not move.

    max of 2·first·s·c + bow·s² over s² + c² ≤ 1 is (bow + √(bow² + 4 first²))/2.
    """
    if weights is None:
        return Motion(met.joint, met.each, 0, (0, 0))
    by_norm, by_entries = moved.bent
    bent = min(times(weights.spectral, by_norm), times(weights.tall, by_entries))
    rest = moved.second - by_norm
    bow = bent + times(weights.spectral, rest)
    return Motion(
        hypot(met.joint, times(weights.spectral, moved.first)),
        [
            hypot(h, times(weights.spectral, one))
            for h, one in zip(met.each, moved.each, strict=True)
        ],
        (bow + hypot(bow, 2 * moved.first)) // 2 + 1,
        (0, 0),
    )


def _activated(layer: Layer, z: Motion, entry: int, far: int) -> Motion:
    """h = s(z): ‖s''·Dz²‖ ≤ max|s''|·max|Dz_ik|·‖Dz‖, ‖s'·D²z‖ ≤ max|s'|·‖D²z‖.

    And √Σ_ij (Σ_k s''_ik Dz_ik² W_jk)² ≤ max|s''|·‖W‖_{2,∞}·max_i‖Dz_i‖·‖Dz‖.
    """
    steep, bend = up(layer.act.steepest(Fraction(far, UNIT))), up(layer.act.bend)
    bent = (times(bend, times(entry, z.first)), times(bend, times(max(z.each), z.first)))
    return Motion(
        times(steep, z.first),
        [times(steep, one) for one in z.each],
        bent[0] + times(steep, z.second),
        bent,
    )
