"""Intervals that hold a number, and exact scaling of matrices by powers of two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from boundcalc.logs.log import Float

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Enclosure:
    """lower ≤ the true number ≤ upper; proved, in float64 rounded outward."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """upper − lower; in the unit of the number."""
        return self.upper - self.lower

    @property
    def relative_width(self) -> float:
        """width / upper; 0 for a number that is known exactly."""
        return 0.0 if self.upper == self.lower else self.width / self.upper

    def within(self, other: Enclosure) -> Enclosure:
        """What both say: their intersection."""
        return Enclosure(max(self.lower, other.lower), min(self.upper, other.upper))


ZERO = Enclosure(0.0, 0.0)


def scaled(matrix: Float) -> tuple[Float, int]:
    """(A·2^-e, e) with largest |entry| in [1/2, 1); a matrix of zeros comes back as it is.

    Exact, but for entries 2^-1022 times smaller than the largest, which lose at most 2^-1075.
    """
    largest = float(np.abs(matrix).max(initial=0.0))
    if largest == 0.0:
        return matrix, 0
    _, exponent = math.frexp(largest)
    # In two steps: 2^-e itself may be beyond float64.
    half = exponent // 2
    return np.ldexp(np.ldexp(matrix, -half), half - exponent), exponent


def rescaled(enclosure: Enclosure, exponent: int) -> Enclosure:
    """The enclosure times 2^exponent, rounded outward."""
    return Enclosure(scale_down(enclosure.lower, exponent), scale_up(enclosure.upper, exponent))


def scale_down(value: float, exponent: int) -> float:
    """A float at most value·2^exponent, value ≥ 0."""
    found = _ldexp(value, exponent)
    if math.isinf(found):
        return LARGEST
    inexact = _ldexp(found, -exponent) != value
    return math.nextafter(found, 0.0) if inexact else found


def scale_up(value: float, exponent: int) -> float:
    """A float at least value·2^exponent, value ≥ 0."""
    found = _ldexp(value, exponent)
    if math.isinf(found):
        return found
    inexact = _ldexp(found, -exponent) != value
    return math.nextafter(found, math.inf) if inexact else found


def _ldexp(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf
