"""Guesses for the eigenvalues of an enclosed matrix, shown by the kernel."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from boundcalc.kernel.system.bounds import Matrix
from boundcalc.kernel.system.spectrum import exceeds
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.logs.log import Float

_TRIES = (1e-12, 1e-9, 1e-6, 1e-3)  # relative room below the guess


def middle(matrix: Matrix) -> Float:
    """(n, n): the middles."""
    return np.array([[float((lo + hi) / 2) for lo, hi in row] for row in matrix])


def floor(matrix: Matrix) -> Fraction | None:
    """A positive number below λ_min of every matrix enclosed, close to the best; or None.

    Raises OverflowError for entries beyond float64.
    """
    mid = middle(matrix)
    error = float(max(sum((hi - lo) / 2 for lo, hi in row) for row in matrix))
    guess = float(np.linalg.eigvalsh(mid)[0]) - error
    for room in _TRIES:
        value = Fraction(max(guess, 0.0) * (1 - room))
        if value > 0 and exceeds(matrix, value):
            return value
    return _bisected(matrix, float(np.trace(mid)))


def _bisected(matrix: Matrix, top: float) -> Fraction | None:
    """By bisection of the exponent, then of the number: where floats cannot tell."""
    smallest = Fraction(1, 1 << 120)
    if not (top > 0 and exceeds(matrix, smallest)):
        return None
    low, high = smallest, Fraction(top)
    while high / low > Fraction(1_000_001, 1_000_000):
        between = Fraction(math.sqrt(low) * math.sqrt(high))
        low, high = (between, high) if exceeds(matrix, between) else (low, between)
    return low


def root_below(value: Fraction) -> Fraction:
    """A float, exactly, whose square is at most the value."""
    found = math.sqrt(value)
    while Fraction(found) ** 2 > value:
        found = math.nextafter(found, 0.0)
    return Fraction(found)


def spectrum(matrix: Matrix, least: Fraction | None) -> tuple[Enclosure, Enclosure]:
    """Enclosures of λ_min and λ_max of a matrix in the enclosure; least : shown below λ_min."""
    values, vectors = np.linalg.eigh(middle(matrix))
    bottom = _quotient(matrix, vectors[:, 0])[1]
    peak = _quotient(matrix, vectors[:, -1])[0]
    negative = tuple(tuple((-hi, -lo) for lo, hi in row) for row in matrix)
    top = next(
        Fraction(float(values[-1]) * (1 + room))
        for room in (*_TRIES, 1.0, math.inf)
        if math.isinf(room) or exceeds(negative, -Fraction(float(values[-1]) * (1 + room)))
    )
    return (
        Enclosure(_down(least or Fraction(0)), _up(bottom)),
        Enclosure(_down(peak), _up(top)),
    )


def _quotient(matrix: Matrix, vector: Float) -> tuple[Fraction, Fraction]:
    """Enclosure of the Rayleigh quotient."""
    v = [Fraction(float(x)) for x in vector]
    low = high = Fraction(0)
    for a, row in zip(v, matrix, strict=True):
        for b, (lo, hi) in zip(v, row, strict=True):
            ends = (a * b * lo, a * b * hi)
            low, high = low + min(ends), high + max(ends)
    size = sum(x * x for x in v)
    return low / size, high / size


def _down(value: Fraction) -> float:
    found = float(value)
    return math.nextafter(found, -math.inf) if Fraction(found) > value else found


def _up(value: Fraction) -> float:
    found = float(value)
    return math.nextafter(found, math.inf) if Fraction(found) < value else found
