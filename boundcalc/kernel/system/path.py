"""A path of weights of a network along which the loss stays below a level; no search.

{"schema": "boundcalc.path-certificate/1", "claim_sha256": ..., "precision": 106,
 "claim": {"network": {"widths", "activation", "output", "bias", "x", "y"},
           "start": W1, b1, W2, ... flat, "end": the same, "level": ..., "floor": ...},
 "proof": {"vertices": [flat weights, ...], "tree": packed bytes}}

The claim: start and end are joined by a path on which L = ½‖F(w) − y‖² is at most `level`; and
every path that joins them meets an L of at least `floor`. The path of the proof is straight between
start, the vertices, and end. Each straight piece has a tree of halvings, one after another in the
bytes: 0 halves, 64 is a piece on which the enclosure below shows L ≤ level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from fractions import Fraction
from itertools import pairwise
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Interval, Undefined
from boundcalc.kernel.analytic.paving import LEAF, unpacked
from boundcalc.kernel.claim import ClaimError, Json, digest, fields, items, text
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.activation import ACTIVATIONS, ONE
from boundcalc.kernel.system.decimals import decimal
from boundcalc.kernel.system.fixed import (
    BITS,
    UNIT,
    Balls,
    balls,
    capped,
    dot,
    ends,
    exact,
    interval,
    of_pairs,
)
from boundcalc.kernel.system.statement import number

SCHEMA = "boundcalc.path-certificate/1"
MAX_NUMBERS = 5_000_000  # of data, and of all vertices together
MAX_DEPTH = 60  # halvings of one straight piece
MAX_TREE = 1_000_000  # bytes: halvings and pieces
MIN_PRECISION = 53

Weights: TypeAlias = tuple[Fraction, ...]
TWO = iv.rational(Fraction(2))


def _relu(z: Interval) -> tuple[Interval, Interval]:
    """max(z, 0), and all slopes between two of its points."""
    zero, one = iv.ZERO[0], ONE[0]
    value = (z[0] if z[0] >= 0 else zero, z[1] if z[1] >= 0 else zero)
    return value, (one if z[0] >= 0 else zero, zero if z[1] <= 0 else one)


def _tanh_bend(z: Interval) -> Interval:
    """tanh'' = −2 tanh tanh'."""
    value, slope = ACTIVATIONS["tanh"].value_and_slope(z)
    return iv.mul(iv.mul(value, slope), iv.sub(iv.ZERO, TWO))


def _sigmoid_bend(z: Interval) -> Interval:
    """s'' = s'(1 − 2s)."""
    value, slope = ACTIVATIONS["sigmoid"].value_and_slope(z)
    return iv.mul(slope, iv.sub(ONE, iv.mul(TWO, value)))


# s''; relu has none, and its slopes do
BENDS: Mapping[str, Callable[[Interval], Interval]] = {
    "tanh": _tanh_bend,
    "sigmoid": _sigmoid_bend,
    "softplus": lambda z: ACTIVATIONS["sigmoid"].value_and_slope(z)[1],
    "quadratic": lambda z: TWO,
    "linear": lambda z: iv.ZERO,
}
NAMES = (*BENDS, "relu")


@dataclass(frozen=True)
class Shape:
    """A network without its weights, and its data. x : rows; y : flat, point by point."""

    widths: tuple[int, ...]
    activation: str
    output: str
    bias: bool
    x: tuple[Balls, ...]
    y: Balls

    @property
    def parameters(self) -> int:
        return sum(n * (m + self.bias) for m, n in pairwise(self.widths))


def read_shape(data: Json) -> Shape:
    """The network of a claim. Raises ClaimError."""
    raw = fields(data, "network", {"widths", "activation", "output", "bias", "x", "y"}, set())
    widths = items(raw["widths"], "widths")
    if len(widths) < 2 or not all(type(w) is int and 0 < w <= MAX_NUMBERS for w in widths):
        raise ClaimError("widths: at least two positive integers")
    names = [text(raw[key], key) for key in ("activation", "output")]
    if not set(names) <= set(NAMES) or not isinstance(raw["bias"], bool):
        raise ClaimError(f"network: activations are {NAMES}, and bias is true or false")
    x, y = numbers(raw["x"], "x"), numbers(raw["y"], "y")
    rows, rest = divmod(len(x), widths[0])
    if rest or not rows or rows * widths[-1] != len(y):
        raise ClaimError("x, y: one row of n_0 and one of n_L numbers for each point")
    cut = tuple(exact(x[at : at + widths[0]]) for at in range(0, len(x), widths[0]))
    return Shape(tuple(widths), names[0], names[1], raw["bias"], cut, exact(y))


def numbers(data: Json, where: str) -> Weights:
    """Exact numbers. Raises ClaimError."""
    entries = items(data, where)
    if len(entries) > MAX_NUMBERS:
        raise ClaimError(f"{where}: at most {MAX_NUMBERS} numbers")
    return tuple(number(entry, where) for entry in entries)


@dataclass(frozen=True)
class Curve:
    """Vectors v(u) for −1 ≤ u ≤ 1: v(u) = c + u·d + u²/2·e, for some d, e in these balls."""

    c: Balls
    d: Balls
    e: Balls


def loss_bound(shape: Shape, start: Weights, end: Weights) -> Fraction:
    """An upper bound of L on the straight piece from start to end. Raises Undefined."""
    middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
    half = [(b - a) / 2 for a, b in zip(start, end, strict=True)]
    return _half_square(_outputs(shape, middle, half), shape.y)


def _outputs(shape: Shape, middle: Sequence[Fraction], half: Sequence[Fraction]) -> list[Curve]:
    """F(w(u); x_i) for each point, w(u) = middle + u·half."""
    layers = _layers(shape, middle, half)
    values = [Curve(row, _zeros(len(row.mid)), _zeros(len(row.mid))) for row in shape.x]
    for k, (rows, shift) in enumerate(layers):
        name = shape.output if k == len(layers) - 1 else shape.activation
        values = [_activated(_affine(value, rows, shift), name) for value in values]
    return values


def _half_square(values: Sequence[Curve], y: Balls) -> Fraction:
    """½Σr² ≤ ½Σc² + |Σcd| + ½(Σce + Σd²)₊ + ½Σ|d||e| + ⅛Σe², term by term in u."""
    c = _side_by_side([value.c for value in values])
    d = _side_by_side([value.d for value in values])
    e = _side_by_side([value.e for value in values])
    r = balls([m - t for m, t in zip(c.mid, y.mid, strict=True)], _plus(c.rad, y.rad))
    square, cross, mixed, slope = dot(r, r), dot(r, d), dot(r, e), dot(d, d)
    curved = mixed[0] + mixed[1] + slope[0] + slope[1]
    total = Fraction(square[0] + square[1], 2) + abs(cross[0]) + cross[1]
    total += Fraction(max(0, curved), 2)
    tops = sum(p * q for p, q in zip(d.top, e.top, strict=True)) * 4
    tops += sum(q * q for q in e.top)
    return (total + Fraction(tops, 8 << BITS)) / UNIT


def _zeros(size: int) -> Balls:
    return balls([0] * size, [0] * size)


def _plus(a: Sequence[int], b: Sequence[int]) -> list[int]:
    return [p + q for p, q in zip(a, b, strict=True)]


def _side_by_side(parts: Sequence[Balls]) -> Balls:
    return balls([m for part in parts for m in part.mid], [r for part in parts for r in part.rad])


@dataclass(frozen=True)
class Row:
    """A row of weights w(u) = w_c + u·w_d. both : w_c and w_d side by side; whole : their range."""

    c: Balls
    d: Balls
    both: Balls
    whole: Balls


def _layers(
    shape: Shape, middle: Sequence[Fraction], half: Sequence[Fraction]
) -> list[tuple[list[Row], tuple[Balls, Balls]]]:
    """Rows of W_l, and b_l with its slope, for each layer."""
    at, made = 0, []
    for m, n in pairwise(shape.widths):
        rows = []
        for k in range(at, at + n * m, m):
            c, d = exact(middle[k : k + m]), exact(half[k : k + m])
            rows.append(Row(c, d, _side_by_side([c, d]), balls(c.mid, _plus(c.rad, d.top))))
        at += n * m
        shift = (_zeros(n), _zeros(n))
        if shape.bias:
            shift = exact(middle[at : at + n]), exact(half[at : at + n])
            at += n
        made.append((rows, shift))
    return made


def _affine(h: Curve, rows: Sequence[Row], shift: tuple[Balls, Balls]) -> Curve:
    """W(u)h(u) + b(u): the coefficients of 1, u and u²/2, the rest of u³ counted with u²."""
    slopes = _side_by_side([h.d, h.c])  # against w_c and w_d
    c = [dot(row.c, h.c) for row in rows]
    d = [dot(row.both, slopes) for row in rows]
    e = [(dot(row.whole, h.e), dot(row.d, h.d)) for row in rows]
    return Curve(
        balls(_plus([m for m, _ in c], shift[0].mid), _plus([r for _, r in c], shift[0].rad)),
        balls(_plus([m for m, _ in d], shift[1].mid), _plus([r for _, r in d], shift[1].rad)),
        balls([p[0] + 2 * q[0] for p, q in e], [p[1] + 2 * q[1] for p, q in e]),
    )


def _activated(z: Curve, name: str) -> Curve:
    """s(z(u)): with δ = u·d + u²/2·e, s(c + δ) = s(c) + s'(c)δ + ½s''(ξ)δ², δ² = u²(d + u/2·e)²."""
    if name == "linear":
        return z
    values, slopes, bends = [], [], []
    for m, r, d, e in zip(z.c.mid, z.c.rad, z.d.top, z.e.top, strict=True):
        capped(abs(m) + r + d + e)
        near, wide = interval(m, r), interval(m, r + d + e // 2 + 1)
        if name == "relu":
            values.append(ends(_relu(near)[0]))
            slopes.append(ends(_relu(wide)[1]))  # s(c + δ) = s(c) + σδ
            continue
        value, slope = ACTIVATIONS[name].value_and_slope(near)
        values.append(ends(value))
        slopes.append(ends(slope))
        bends.append(ends(BENDS[name](wide)))
    steep = of_pairs(slopes)
    second = _times(steep, z.e)
    if bends:
        chord = balls(z.d.mid, [r + t // 2 + 1 for r, t in zip(z.d.rad, z.e.top, strict=True)])
        curved = _times(of_pairs(bends), _times(chord, chord))
        second = balls(_plus(second.mid, curved.mid), _plus(second.rad, curved.rad))
    return Curve(of_pairs(values), _times(steep, z.d), second)


def _times(a: Balls, b: Balls) -> Balls:
    """Products entry by entry."""
    made = [
        dot(Balls([m], [0], [s], [p]), Balls([n], [0], [t], [q]))
        for m, s, p, n, t, q in zip(a.mid, a.size, a.top, b.mid, b.size, b.top, strict=True)
    ]
    return balls([m for m, _ in made], [r for _, r in made])


class _Seal:
    """The one object that makes `Joined`; it does not leave this file."""


_SEAL: Final = _Seal()


@dataclass(frozen=True, eq=False)
class Joined:
    """A path whose certificate was checked: L ≤ level on it, and L ≥ floor somewhere on any.

    checks : pieces on which the loss was enclosed.
    """

    shape: Shape
    level: Fraction
    floor: Fraction
    checks: int
    sha256: str
    seal: InitVar[_Seal]

    def __post_init__(self, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("only the kernel's checker makes Joined")
        _MADE[self] = (self.level, self.floor, self.sha256)


_MADE: WeakKeyDictionary[Joined, tuple[Fraction, Fraction, str]] = WeakKeyDictionary()


def is_genuine(outcome: object) -> bool:
    """Whether the checker made this very object, and it says what it said then."""
    if not isinstance(outcome, Joined):
        return False
    return _MADE.get(outcome) == (outcome.level, outcome.floor, outcome.sha256)


def least_loss(shape: Shape, weights: Weights) -> Fraction:
    """A lower bound of L at a point. Raises Undefined."""
    values = _outputs(shape, weights, [Fraction(0)] * len(weights))
    c = _side_by_side([value.c for value in values])
    total = 0
    for m, r, t, s in zip(c.mid, c.rad, shape.y.mid, shape.y.rad, strict=True):
        total += max(0, abs(m - t) - r - s) ** 2
    return Fraction(total, 2 * UNIT * UNIT)


def verify(data: Json) -> Joined:
    """Check a certificate. Raises Rejected."""
    try:
        keys = {"schema", "claim", "claim_sha256", "precision", "proof"}
        raw = fields(data, "certificate", keys, set())
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"certificate: expected schema {SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        bits = raw["precision"]
        if type(bits) is not int or not MIN_PRECISION <= bits <= iv.MAX_PRECISION:
            raise ClaimError(f"certificate: between {MIN_PRECISION} and {iv.MAX_PRECISION} bits")
        with iv.precision(bits):
            return _verify(raw)
    except (ClaimError, Undefined, OverflowError, RecursionError) as error:
        raise Rejected(str(error)) from error


def _verify(raw: dict[str, Json]) -> Joined:
    claim = fields(raw["claim"], "claim", {"network", "start", "end", "level", "floor"}, set())
    proof = fields(raw["proof"], "proof", {"vertices", "tree"}, set())
    shape = read_shape(claim["network"])
    level, floor = number(claim["level"], "level"), number(claim["floor"], "floor")
    rows = [claim["start"], *items(proof["vertices"], "vertices"), claim["end"]]
    if len(rows) * shape.parameters > MAX_NUMBERS:
        raise ClaimError(f"vertices: at most {MAX_NUMBERS} numbers in all")
    path = [numbers(row, "vertices") for row in rows]
    if any(len(weights) != shape.parameters for weights in path):
        raise ClaimError("start, end, vertices: as many numbers as the widths say")
    if floor > max(least_loss(shape, path[0]), least_loss(shape, path[-1])):
        raise Rejected("floor: neither end is shown to lie so high")
    tree, at, checks = unpacked(text(proof["tree"], "tree")), 0, 0
    if len(tree) > MAX_TREE:
        raise ClaimError(f"tree: at most {MAX_TREE} bytes")
    for one, other in pairwise(path):
        waiting = [(one, other, 0)]
        while waiting:
            start, end, depth = waiting.pop()
            code = tree[at] if at < len(tree) else -1
            at += 1
            if code == 0 and depth < MAX_DEPTH:
                middle = tuple((a + b) / 2 for a, b in zip(start, end, strict=True))
                waiting += [(middle, end, depth + 1), (start, middle, depth + 1)]
            elif code == LEAF:
                if not loss_bound(shape, start, end) <= level:
                    raise Rejected(f"path: piece {checks} is not shown to lie below the level")
                checks += 1
            else:
                raise Rejected("path: the tree ends too early, or has another byte")
    if at != len(tree):
        raise Rejected("path: something is left over after the tree")
    return Joined(shape, level, floor, checks, raw["claim_sha256"], _SEAL)


def summary(data: Json) -> tuple[str, int, str]:
    """What a certificate shows, in words; pieces; the hash of its claim. Raises Rejected."""
    found = verify(data)
    widths = "-".join(map(str, found.shape.widths))
    says = (
        f"two weights of a {found.shape.activation} network {widths} are joined by a path with "
        f"L at most {decimal(found.level, ROUND_CEILING, 8)}; every path meets "
        f"L of at least {decimal(found.floor, ROUND_FLOOR, 8)}"
    )
    return says, found.checks, found.sha256
