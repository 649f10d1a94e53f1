"""Through a network and back in ball arithmetic: values, slopes, and the tangent kernel.

A pass encloses what it computes for all weights within its radii and all z within the margins
given: with radii 0 that is the start, with larger ones a ball around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.bounds import Matrix, Pair
from boundcalc.kernel.system.fixed import (
    BITS,
    UNIT,
    Balls,
    balls,
    capped,
    dot,
    ends,
    interval,
    of_pairs,
    pair,
    product,
    products,
    wider,
)
from boundcalc.kernel.system.network import Layer, Network

Square = list[list[tuple[int, int]]]


@dataclass(frozen=True)
class Pass:
    """For each layer l = 1..L, a vector for each point: z_l; h_l = s(z_l); s'(z_l).

    inputs : h_0, ..., h_{L-1}, with a last entry 1 where the network has biases.
    """

    z: list[list[Balls]]
    h: list[list[Balls]]
    slopes: list[list[Balls]]
    inputs: list[list[Balls]]


def forward(network: Network) -> Pass:
    """At the start w0."""
    z, h, slopes, inputs = [], [], [], []
    now = network.points
    for layer in network.layers:
        inputs.append([extended(point, layer) for point in now])
        z.append([_affine(layer, point) for point in now])
        pairs = [_activated(layer, point) for point in z[-1]]
        now = [value for value, _ in pairs]
        h.append(now)
        slopes.append([slope for _, slope in pairs])
    return Pass(z, h, slopes, inputs)


def widened(network: Network, start: Pass, margins: Sequence[Sequence[Sequence[int]]]) -> Pass:
    """All w with |z_l − z_l(w0)| ≤ margins[l][point][unit], in units of 2^-BITS."""
    z, h, slopes, inputs = [], [], [], [start.inputs[0]]
    for layer, before, more in zip(network.layers, start.z, margins, strict=True):
        z.append([wider(point, by) for point, by in zip(before, more, strict=True)])
        pairs = [_activated(layer, point) for point in z[-1]]
        h.append([value for value, _ in pairs])
        slopes.append([slope for _, slope in pairs])
    for layer, point in zip(network.layers[1:], h, strict=False):
        inputs.append([extended(one, layer) for one in point])
    return Pass(z, h, slopes, inputs)


def extended(point: Balls, layer: Layer) -> Balls:
    """The vector that a row [W, b] meets."""
    return point if layer.bias is None else balls([*point.mid, UNIT], [*point.rad, 0])


def _affine(layer: Layer, point: Balls) -> Balls:
    made = [dot(row, point) for row in layer.weights]
    mid, rad = [m for m, _ in made], [r for _, r in made]
    if layer.bias is not None:
        mid = [m + b for m, b in zip(mid, layer.bias.mid, strict=True)]
        rad = [r + b for r, b in zip(rad, layer.bias.rad, strict=True)]
    return balls(mid, rad)


def _activated(layer: Layer, z: Balls) -> tuple[Balls, Balls]:
    values: list[Pair] = []
    slopes: list[Pair] = []
    with iv.precision(BITS + 32):
        for mid, rad in zip(z.mid, z.rad, strict=True):
            capped(abs(mid) + rad)
            value, slope = layer.act.value_and_slope(interval(mid, rad))
            values.append(ends(value))
            slopes.append(ends(slope))
    return of_pairs(values), of_pairs(slopes)


def kernel(network: Network, passed: Pass, radius: int, *, inner: bool = False) -> Matrix:
    """K = DF DFᵀ for every matrix of weights within `radius`, entry by entry, of the start.

    K = Σ_l (δ_l·δ_l')(ĥ_{l-1}·ĥ'_{l-1}): the derivative of an output by row k of [W_l, b_l] is
    δ_lk ĥ_{l-1}, and δ_l is the derivative by z_l. inner : of z_L in place of φ(z_L).
    """
    points, last = len(network.points), len(network.layers) - 1
    deltas = [
        delta
        for point in range(points)
        for delta in _last_deltas(network, None if inner else passed.slopes[last][point])
    ]
    wide = len(deltas) // points
    total: Square = [[(0, 0)] * len(deltas) for _ in deltas]
    for number in range(last, -1, -1):
        met = _gram(passed.inputs[number])
        for i, row in enumerate(_gram(deltas)):
            for j, found in enumerate(row):
                mid, rad = product(found, met[i // wide][j // wide])
                total[i][j] = (total[i][j][0] + mid, total[i][j][1] + rad)
        if number:
            columns = _columns(network.layers[number], radius)
            slopes = passed.slopes[number - 1]
            deltas = [_back(columns, d, slopes[i // wide]) for i, d in enumerate(deltas)]
    return symmetric(total)


def symmetric(lower: Square) -> Matrix:
    """The matrix of which the entries j ≤ i are given."""
    n = len(lower)
    return tuple(tuple(pair(*lower[max(i, j)][min(i, j)]) for j in range(n)) for i in range(n))


def _last_deltas(network: Network, slopes: Balls | None) -> list[Balls]:
    """The derivatives of the outputs at one point by z_L: a diagonal matrix."""
    n = len(network.layers[-1].weights)
    found = balls([UNIT] * n, [0] * n) if slopes is None else slopes
    return [
        balls(
            [found.mid[k] * (j == k) for j in range(n)], [found.rad[k] * (j == k) for j in range(n)]
        )
        for k in range(n)
    ]


def _columns(layer: Layer, radius: int) -> list[Balls]:
    mids = zip(*(row.mid for row in layer.weights), strict=True)
    rads = zip(*(row.rad for row in layer.weights), strict=True)
    return [balls(mid, [r + radius for r in rad]) for mid, rad in zip(mids, rads, strict=True)]


def _back(columns: list[Balls], delta: Balls, slopes: Balls) -> Balls:
    made = [dot(column, delta) for column in columns]
    return products(balls([m for m, _ in made], [r for _, r in made]), slopes)


def _gram(vectors: Sequence[Balls]) -> Square:
    """Inner products, j ≤ i."""
    return [[dot(a, b) for b in vectors[: i + 1]] for i, a in enumerate(vectors)]
