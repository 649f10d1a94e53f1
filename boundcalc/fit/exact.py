"""Exact arithmetic on logged numbers: every float64 is a rational, and it is treated as one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.log import Float

# Bound on the relative error of the float filters (a dozen roundings at most), with room to spare.
MARGIN = 2.0**-48
# Below this magnitude a product may have lost digits to underflow: the filters then keep the row.
TINY = 1e-290
HUGE = 1e290
# The same bound for tests in pairs of floats, which decide what floats alone leave open.
MARGIN2 = 2.0**-96
SPLIT = 134217729.0  # 2^27 + 1 halves a mantissa (Veltkamp)

Number = TypeVar("Number", float, Float)

SCALE = 1074  # every float64 is an integer multiple of 2^-1074
_HALF = 26  # mantissas are summed in two halves of 26/27 bits, so that float sums stay exact
_EXACT_ROWS = 1 << 25  # 2^25 rows × 2^27 < 2^53


def integers(*values: float) -> tuple[int, ...]:
    """The values times one common power of two, as integers (finite values only)."""
    ratios = [float(value).as_integer_ratio() for value in values]
    common = max(denominator for _, denominator in ratios)
    return tuple(numerator * (common // denominator) for numerator, denominator in ratios)


def exact_sum(values: Float) -> int:
    """Σ values in units of 2^-1074, exactly. values : (n,) float64, finite."""
    total = 0
    for start in range(0, len(values), _EXACT_ROWS):
        mantissa, exponent = np.frexp(values[start : start + _EXACT_ROWS])
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        lowest = int(exponent.min())
        bins = exponent - lowest
        high = np.bincount(bins, weights=whole >> _HALF)
        low = np.bincount(bins, weights=whole & ((1 << _HALF) - 1))
        for offset in np.flatnonzero((high != 0) | (low != 0)):
            part = (int(high[offset]) << _HALF) + int(low[offset])
            shift = lowest + int(offset) - 53 + SCALE
            total += part << shift if shift >= 0 else part >> -shift  # subnormals end in zeros
    return total


def two_floats(value: Fraction) -> tuple[float, float]:
    """The value as a sum of two floats to a relative error of 2^-106; NaN where that cannot be."""
    try:
        high = float(value)
    except OverflowError:
        return math.nan, math.nan
    if value and abs(high) < TINY:
        return math.nan, math.nan
    return high, float(value - Fraction(high))


# The next two are plain arithmetic on floats or arrays, so that compiled code can use them, too.


def difference(x: Number, y: Number) -> tuple[Number, Number]:
    """x − y as a sum of two floats, exactly (Knuth)."""
    high = x - y
    back = high - x
    return high, (x - (high - back)) - (y + back)


def product(x: Number, x_low: Number, w: Number, w_low: Number) -> tuple[Number, Number]:
    """(x + x_low)·(w + w_low) as a sum of two floats, to a relative error of 2^-100 (Dekker).

    Exact when both low parts are 0. Underflow costs less than 2^-1070, overflow gives NaN.
    """
    high = x * w
    t = SPLIT * x
    a = t - (t - x)
    t = SPLIT * w
    u = t - (t - w)
    b, v = x - a, w - u
    return high, ((a * u - high) + a * v + b * u) + b * v + (x * w_low + x_low * w)


def same_product(x: Float, y: Float, u: Float, v: Float) -> NDArray[np.bool_]:
    """Is x·y = u·v, exactly and beyond doubt? Arrays or numbers, broadcast."""
    x, y, u, v = np.broadcast_arrays(x, y, u, v)
    left, left_low = product(x, 0.0 * x, y, 0.0 * y)
    right, right_low = product(u, 0.0 * u, v, 0.0 * v)
    zero = ((x == 0) | (y == 0)) & ((u == 0) | (v == 0))
    equal = (left == right) & (left_low == right_low) & (np.abs(left) > TINY)
    return np.asarray(zero | equal)


def fraction_of_sum(total: int) -> Fraction:
    """The rational that `exact_sum` stands for."""
    return Fraction(total, 1 << SCALE)


def float_down(value: Fraction) -> float:
    """Largest float64 ≤ value (−inf below the range)."""
    return -float_up(-value) or 0.0  # no −0


def float_up(value: Fraction) -> float:
    """Smallest float64 ≥ value (inf above the range)."""
    try:
        nearest = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.nextafter(math.inf, 0.0)
    if Fraction(nearest) >= value:
        return nearest
    return math.nextafter(nearest, math.inf)


def float_near(value: Fraction) -> float:
    """The nearest float64, ±inf beyond the range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def sqrt_down(value: Fraction) -> float:
    """Largest float64 whose square is ≤ value, for value ≥ 0."""
    scale = max(0, 64 - value.numerator.bit_length() // 2 + value.denominator.bit_length() // 2)
    scaled = math.isqrt((value.numerator << (2 * scale)) // value.denominator)
    root = float_down(Fraction(scaled, 1 << scale))
    following = math.nextafter(root, math.inf)
    if math.isinf(following):
        return root
    return following if Fraction(following) ** 2 <= value else root
