"""The smallest L that two logged points of one function allow, in exact arithmetic.

An L-smooth function through (x_i, f_i, g_i) and (x_j, f_j, g_j) exists iff, both ways round,
    f_i ≥ f_j + ½⟨g_i + g_j, x_i − x_j⟩ + ‖g_i − g_j‖²/(4L) − L‖x_i − x_j‖²/4.
Swapping i and j flips the sign of Δ = f_i − f_j − ½⟨g_i + g_j, x_i − x_j⟩, so with
X = ‖x_i − x_j‖² and G = ‖g_i − g_j‖² both say  X L² − 4|Δ| L − G ≥ 0, that is
    L ≥ (2|Δ| + √(4Δ² + X G)) / X.
Reference: Taylor, Hendrickx, Glineur 2017, Theorem 4 with μ = −L; docs/theory.md, section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from boundcalc.fit.exact import float_up
from boundcalc.kernel.value import sqrt_bounds
from boundcalc.logs.log import Float

_BITS = 128


@dataclass(frozen=True)
class Demand:
    """What the rows i < j ask of L: X L² − 4 D L − G ≥ 0, D = |Δ|. X = 0 stands for L = ∞."""

    i: int
    j: int
    X: Fraction
    D: Fraction
    G: Fraction

    @property
    def impossible(self) -> bool:
        """Same point, but another loss or gradient: no function, however rough, does that."""
        return self.X == 0

    def allows(self, L: float) -> bool:
        """Does L satisfy both rows?"""
        if self.impossible or not math.isfinite(L):
            return not self.impossible and L > 0
        exact = Fraction(L)
        return (self.X * exact - 4 * self.D) * exact >= self.G

    def bounds(self) -> tuple[float, float]:
        """A float at or just below L, and the smallest float at or above it."""
        if self.impossible:
            return math.inf, math.inf
        low, high = sqrt_bounds(4 * self.D**2 + self.X * self.G, _BITS)
        up = float_up((2 * self.D + high) / self.X)
        before = math.nextafter(up, 0.0)
        if up > 0 and self.allows(before) and (before > 0 or self.D == self.G == 0):
            up = before
        return -float_up(-(2 * self.D + low) / self.X), up


def demand_of(
    i: int, j: int, x: tuple[Float, Float], g: tuple[Float, Float], f: tuple[float, float]
) -> Demand | None:
    """The demand of rows i < j (x, g : two (d,) vectors; f : two losses), None for equal rows."""
    (x_i, x_j), x_unit = _integers(*x)
    (g_i, g_j), g_unit = _integers(*g)
    apart = [p - q for p, q in zip(x_i, x_j, strict=True)]
    turned = [p - q for p, q in zip(g_i, g_j, strict=True)]
    inner = sum(d * (p + q) for d, p, q in zip(apart, g_i, g_j, strict=True))
    X = _times_power(sum(d * d for d in apart), 2 * x_unit)
    G = _times_power(sum(d * d for d in turned), 2 * g_unit)
    D = abs(Fraction(f[0]) - Fraction(f[1]) - _times_power(inner, x_unit + g_unit - 1))
    return None if X == D == G == 0 else Demand(i, j, X, D, G)


def larger(one: Demand | None, other: Demand | None) -> Demand | None:
    """The one that asks for the larger L; of equal ones the one with the smaller (i, j)."""
    if one is None or other is None:
        return one if other is None else other
    if one.impossible or other.impossible:
        order = int(one.impossible) - int(other.impossible)
    else:
        order = _sign_of_difference(one, other)
    if order == 0:
        return one if (one.i, one.j) <= (other.i, other.j) else other
    return one if order > 0 else other


def _sign_of_difference(one: Demand, other: Demand) -> int:
    """Sign of L_1 − L_2 = p + √q − √r, by squaring."""
    p = 2 * one.D / one.X - 2 * other.D / other.X
    q = 4 * (one.D / one.X) ** 2 + one.G / one.X
    r = 4 * (other.D / other.X) ** 2 + other.G / other.X
    roots = (q > r) - (q < r)
    own = (p > 0) - (p < 0)
    if own * roots >= 0:
        return own or roots
    rest = p * p - q - r  # p² against (√q − √r)² = q + r − 2√(qr)
    if rest >= 0:
        return own if rest > 0 or q * r > 0 else 0
    against = (4 * q * r > rest * rest) - (4 * q * r < rest * rest)
    return own if against > 0 else roots if against < 0 else 0


def _integers(*vectors: Float) -> tuple[list[list[int]], int]:
    """The vectors as integers times 2^unit, and that unit."""
    mantissa, exponent = np.frexp(np.stack(vectors))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    used = exponent[whole != 0]
    least = int(used.min()) if used.size else 0
    shifts = np.where(whole == 0, 0, exponent - least)
    return [
        [number << shift for number, shift in zip(numbers, by, strict=True)]
        for numbers, by in zip(whole.tolist(), shifts.tolist(), strict=True)
    ], least - 53


def _times_power(value: int, power: int) -> Fraction:
    return Fraction(value << power) if power >= 0 else Fraction(value, 1 << -power)
