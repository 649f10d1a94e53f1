"""Ball arithmetic on integers: (m, r) stands for the numbers within r·2^-BITS of m·2^-BITS.

Sums and products are those of integers, rounded outward where digits are dropped; nothing else is
rounded. Vectors are balls side by side. Upper bounds of nonnegative numbers are single integers,
in the same unit, and rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from operator import mul

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.bounds import Pair

BITS = 128
UNIT = 1 << BITS
MAX_BITS = 20_000  # of arguments of activations, bounds of their size included
_TINY = iv.rational(Fraction(1, 1 << (BITS + 40)))[1]


@dataclass(frozen=True)
class Balls:
    """A vector: middles, radii ≥ 0, and what both make: |middle| and |middle| + radius."""

    mid: list[int]
    rad: list[int]
    size: list[int]
    top: list[int]


def balls(mid: Sequence[int], rad: Sequence[int]) -> Balls:
    """The vector with these middles and radii."""
    size = [abs(m) for m in mid]
    return Balls(list(mid), list(rad), size, [s + r for s, r in zip(size, rad, strict=True)])


def exact(values: Iterable[Fraction]) -> Balls:
    """Rationals as balls: radius 0 where they have at most BITS binary digits, else 1."""
    mid, rad = [], []
    for value in values:
        whole, rest = divmod(value.numerator * UNIT, value.denominator)
        mid.append(whole)
        rad.append(1 if rest else 0)
    return balls(mid, rad)


def wider(vector: Balls, by: Sequence[int]) -> Balls:
    """The vector with larger radii."""
    return balls(vector.mid, [r + more for r, more in zip(vector.rad, by, strict=True)])


def of_pairs(pairs: Iterable[Pair]) -> Balls:
    """Balls that contain rational intervals."""
    mid, rad = [], []
    for lo, hi in pairs:
        below = lo.numerator * UNIT // lo.denominator
        above = -(-hi.numerator * UNIT // hi.denominator)
        mid.append((below + above) // 2)
        rad.append(above - mid[-1])
    return balls(mid, rad)


def pair(mid: int, rad: int) -> Pair:
    """The ends of a ball."""
    return Fraction(mid - rad, UNIT), Fraction(mid + rad, UNIT)


def _dropped(mid: int, rad: int) -> tuple[int, int]:
    """A ball in units of 4^-BITS, in units of 2^-BITS: one more for each of two roundings."""
    return mid >> BITS, (rad >> BITS) + 2


def dot(a: Balls, b: Balls) -> tuple[int, int]:
    """The inner product: |xy − mn| ≤ (|m| + r)(|n| + s) − |m||n| term by term."""
    mid = sum(map(mul, a.mid, b.mid))
    rad = sum(map(mul, a.top, b.top)) - sum(map(mul, a.size, b.size))
    return _dropped(mid, rad)


def products(a: Balls, b: Balls) -> Balls:
    """Products entry by entry."""
    made = [
        _dropped(m * n, p * q - s * t)
        for m, n, p, q, s, t in zip(a.mid, b.mid, a.top, b.top, a.size, b.size, strict=True)
    ]
    return balls([m for m, _ in made], [r for _, r in made])


def product(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The product of two balls."""
    (m, r), (n, s) = a, b
    return _dropped(m * n, (abs(m) + r) * (abs(n) + s) - abs(m) * abs(n))


def interval(mid: int, rad: int) -> iv.Interval:
    """A ball for functions such as tanh."""
    return iv.between(*pair(mid, rad))


def ends(values: iv.Interval) -> Pair:
    """Rationals that enclose an interval; what is far below the last digit becomes 0 or a tiny end.

    (2^-k with k of millions of digits takes forever to write down.) Raises Undefined without ends.
    """
    low, high = values
    if not (low.is_finite() and high.is_finite()):
        raise iv.Undefined("a value without bounds")
    if -_TINY < low < _TINY:
        low = iv.ZERO[0] if low >= 0 else -_TINY
    if -_TINY < high < _TINY:
        high = iv.ZERO[1] if high <= 0 else _TINY
    return iv.outward((low, high))


def capped(value: int) -> int:
    """The number, where it has at most MAX_BITS digits; raises Undefined."""
    if value.bit_length() > MAX_BITS:
        raise iv.Undefined("a number of the network is too large")
    return value


def up(value: Fraction) -> int:
    """A rational, rounded up."""
    return -(-value.numerator * UNIT // value.denominator)


def times(a: int, b: int) -> int:
    """The product of upper bounds."""
    return -(-a * b >> BITS)


def root(a: int) -> int:
    """The square root of an upper bound."""
    return isqrt(a << BITS) + 1


def hypot(a: int, b: int) -> int:
    """√(a² + b²) of upper bounds."""
    return isqrt(a * a + b * b) + 1


def rss(values: Iterable[int]) -> int:
    """The root of the sum of squares of upper bounds."""
    return isqrt(sum(value * value for value in values)) + 1


def norm(vector: Balls) -> int:
    """An upper bound of the Euclidean norm."""
    return rss(vector.top)
