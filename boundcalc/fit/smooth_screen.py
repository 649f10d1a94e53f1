"""Which pairs of points may ask for the largest L: float screens that drop only what is certain.

Two screens. The first takes a block of pairs at the price of two matrix products: with B the
largest L known so far, a pair asks for less than B iff  B²X − 4B|Δ| − G > 0, and all three are
inner products once the points are taken relative to one of them. The second takes pairs one by one
from the differences of their vectors, which loses nothing to cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.exact import HUGE, TINY
from boundcalc.logs.log import Float

_UNIT = 2.0**-53
_LARGEST = 2.0**400  # B beyond this (in scaled units) asks only whether X is zero
_ONE_THREAD = 1 << 18  # multiplications that OpenBLAS does in one thread
_SMALLEST = 2.0**-400  # B below this screens nothing

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Units:
    """Powers of two that bring x, grad (and loss) near 1: x = 2^x_power · scaled x, and so on."""

    x_power: int
    g_power: int

    @property
    def L_power(self) -> int:
        return self.g_power - self.x_power


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one function: x, g (n, d), f (n,), as logged, and the same in scaled units.

    exact : no number was lost to underflow in scaling.
    """

    row: Index
    x: Float
    g: Float
    f: Float
    scaled_x: Float
    scaled_g: Float
    scaled_f: Float
    exact: bool

    def __len__(self) -> int:
        return len(self.row)

    def part(self, at: slice) -> Points:
        """Some of the points."""
        return Points(
            self.row[at],
            self.x[at],
            self.g[at],
            self.f[at],
            self.scaled_x[at],
            self.scaled_g[at],
            self.scaled_f[at],
            self.exact,
        )


def points_of(row: Index, x: Float, g: Float, f: Float, units: Units) -> Points:
    """Points with their scaled copies (a power of two: exact but for underflow)."""
    powers = (units.x_power, units.g_power, units.x_power + units.g_power)
    with np.errstate(all="ignore"):
        u, v, w = (_shift(part, -power) for part, power in zip((x, g, f), powers, strict=True))
        back = [_shift(part, power) for part, power in zip((u, v, w), powers, strict=True)]
    exact = all(np.array_equal(p, q) for p, q in zip(back, (x, g, f), strict=True))
    return Points(row, x, g, f, u, v, w, exact)


def _shift(values: Float, power: int) -> Float:
    if abs(power) < 1000:
        return values * 2.0**power
    return np.asarray(np.ldexp(values, power), dtype=np.float64)


def candidates(left: Points, right: Points, floor: float) -> tuple[Index, Index]:
    """Positions of the pairs (i in left, j in right) that may ask for L ≥ floor (scaled units).

    `right is left`: pairs i < j. The test is homogeneous, so it is made with B·x and g brought near
    1 by one more power of two. Errors: an inner product of d terms in any order is off by at most
    (d + 2) units of the product of the norms; centring, scaling and the last additions add a few
    units of the same sizes, for which 64 and the factor 8 leave ample room.
    """
    same = right is left
    if floor < _SMALLEST:
        keep = np.ones((len(left), len(right)), dtype=bool)
    else:
        keep = _screened(left, right, min(floor, _LARGEST))
    if same:
        keep &= np.arange(len(left))[:, None] < np.arange(len(left))
    return np.divmod(np.flatnonzero(keep), len(right))


def _screened(left: Points, right: Points, floor: float) -> NDArray[np.bool_]:
    at = len(left) // 2
    with np.errstate(all="ignore"):
        one = _centred(left, left, at, floor)
        two = one if right is left else _centred(right, left, at, floor)
        power = max(one.power(), two.power())
        first = _balanced(one, power)
        second = first if right is left else _balanced(two, power)
        both = np.hstack([second.x, second.g]).T
        P = _product(np.hstack([first.x, -first.g]), both)
        P *= -2
        P += first.q[:, None]
        P += second.q
        A = _product(np.hstack([first.g, -first.x]), both)
        A *= 0.5
        A += first.phi[:, None]
        A -= second.phi
        np.abs(A, out=A)
        A *= 4
        P -= A
        unit = (left.x.shape[1] + 64) * _UNIT
        error = unit * (
            (first.radius + second.radius) ** 2
            + (first.turn + second.turn) ** 2
            + (first.size + second.size)
        )
        return np.asarray(~(8 * error + TINY < P))


def _product(left: Float, right: Float) -> Float:
    """left @ right; small ones in slabs that BLAS does not share among threads (the hand-over costs
    more than the product, a hundred times more on busy cores)."""
    per_row = left.shape[1] * right.shape[1]
    if not _ONE_THREAD < per_row * len(left) < 16 * _ONE_THREAD:
        return left @ right
    step = max(1, _ONE_THREAD // per_row)
    return np.concatenate([left[k : k + step] @ right for k in range(0, len(left), step)])


@dataclass(frozen=True, eq=False)
class _Centred:
    """B(x − c), g − g_c and B(f − f_c): taking an affine function away from f changes no L."""

    x: Float
    g: Float
    f: Float  # B(f − f_c)
    around: Float  # B⟨g_c, x − c⟩
    g_c: float  # ‖g_c‖

    def power(self) -> int:
        top = max(np.abs(self.x).max(), np.abs(self.g).max())
        return int(np.frexp(top)[1]) if np.isfinite(top) else 0


@dataclass(frozen=True, eq=False)
class _Balanced:
    """The same near 1; q = ‖x‖² − ‖g‖², phi = f − ½⟨g, x⟩; largest norms and terms of phi."""

    x: Float
    g: Float
    q: Float
    phi: Float
    radius: float
    turn: float
    size: float


def _centred(points: Points, centre: Points, at: int, floor: float) -> _Centred:
    g_c = centre.scaled_g[at]
    x = (points.scaled_x - centre.scaled_x[at]) * floor
    return _Centred(
        x,
        points.scaled_g - g_c,
        (points.scaled_f - centre.scaled_f[at]) * floor,
        x @ g_c,
        float(np.linalg.norm(g_c)),
    )


def _balanced(part: _Centred, power: int) -> _Balanced:
    x, g = _shift(part.x, -power), _shift(part.g, -power)
    f, around = _shift(part.f, -2 * power), _shift(part.around, -2 * power)
    x_norm, g_norm, inner = (np.einsum("ij,ij->i", p, q) for p, q in ((x, x), (g, g), (g, x)))
    radius, turn = float(np.sqrt(x_norm.max())), float(np.sqrt(g_norm.max()))
    size = float(np.abs(f).max()) + (float(np.ldexp(part.g_c, -power)) + turn) * radius
    return _Balanced(x, g, x_norm - g_norm, f - around - 0.5 * inner, radius, turn, size)


def bounds(left: Points, right: Points, i: Index, j: Index) -> tuple[Float, Float]:
    """Floats below and above what each pair asks of L (scaled units), (k,) each.

    (0, inf) where over- or underflow leaves it open; (−1, −1) where the two rows are equal.
    """
    with np.errstate(all="ignore"):
        apart = left.scaled_x[i] - right.scaled_x[j]
        turned = left.scaled_g[i] - right.scaled_g[j]
        rise = left.scaled_f[i] - right.scaled_f[j]
        mean = 0.5 * left.scaled_g[i] + 0.5 * right.scaled_g[j]
        lossless = left.exact and right.exact
        level = lossless & (rise == 0) & ~mean.any(axis=1)
        parallel = lossless & ~turned.any(axis=1)
        X = np.add.reduce(apart * apart, axis=1)
        G = np.add.reduce(turned * turned, axis=1)
        mean *= apart
        D = np.abs(rise - np.add.reduce(mean, axis=1))
        size = np.abs(rise) + np.add.reduce(np.abs(mean), axis=1)
        unit = (apart.shape[1] + 16) * 2 * _UNIT
        D_error = np.where(level, 0.0, unit * size + TINY)
        G_error = np.where(parallel, 0.0, unit * G + TINY)
        high = _root(D + D_error, X * (1 - unit), G + G_error) * (1 + 2.0**-48)
        low = _root(np.maximum(D - D_error, 0), X * (1 + unit), np.maximum(G - G_error, 0))
        low *= 1 - 2.0**-48
        fine = (X > TINY) & (X < HUGE) & (size < HUGE) & (G < HUGE) & (high < 1e140) & (low >= 0)
    low, high = np.where(fine, low, 0.0), np.where(fine, high, np.inf)
    for k in np.flatnonzero(~fine):  # rare: equal rows, and numbers of very different sizes
        if _equal(left, right, int(i[k]), int(j[k])):
            low[k] = high[k] = -1.0
    return low, high


def _root(D: Float, X: Float, G: Float) -> Float:
    q = D / X
    return 2 * q + np.sqrt(4 * q * q + G / X)


def _equal(left: Points, right: Points, i: int, j: int) -> bool:
    return (
        bool(left.f[i] == right.f[j])
        and np.array_equal(left.x[i], right.x[j])
        and np.array_equal(left.g[i], right.g[j])
    )
