"""Coordinates in which a goal is easy: a known zero at the origin, coefficients near 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import frexp

from boundcalc.search.sos.packed import BITS, Packed, scaled, substituted, unpack


@dataclass(frozen=True)
class Frame:
    """x_k = origin_k + 2^exponent_k · x'_k."""

    origin: tuple[Fraction, ...]
    exponents: tuple[int, ...]

    def inward(self, p: Packed) -> Packed:
        """p as a polynomial in x'."""
        rows = zip(self.origin, self.exponents, strict=True)
        images = [_affine(k, Fraction(2) ** e, shift) for k, (shift, e) in enumerate(rows)]
        return substituted(p, images)

    def outward(self, p: Packed) -> Packed:
        """A polynomial in x' as one in x."""
        rows = zip(self.origin, self.exponents, strict=True)
        scales = [(Fraction(2) ** -e, shift) for shift, e in rows]
        images = [_affine(k, by, -shift * by) for k, (by, shift) in enumerate(scales)]
        return substituted(p, images)

    def point(self, x: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """x in the new coordinates."""
        rows = zip(x, self.origin, self.exponents, strict=True)
        return tuple((value - shift) / Fraction(2) ** e for value, shift, e in rows)


def _affine(k: int, by: Fraction, shift: Fraction) -> Packed:
    image = {1 << (BITS * k): by}
    return image | {0: shift} if shift else image


def frame_of(
    goals: Sequence[Packed],
    constraints: Sequence[Packed],
    origin: Sequence[Fraction],
    weight: float,
) -> Frame:
    """The frame at `origin` whose scales make the coefficients of each polynomial most alike.

    Least squares over all terms: log2|coefficient| + ⟨exponents, u⟩ + (a constant by polynomial).

    weight : of the constraints' terms, those of goals having 1.
    """
    import numpy as np

    count, plain = len(origin), Frame(tuple(origin), (0,) * len(origin))
    polynomials = [*((p, 1.0) for p in goals), *((p, weight) for p in constraints)]
    # a little weight on the exponents themselves: where nothing tells, scales stay 1
    rows = list(0.03 * np.eye(count, count + len(polynomials)))
    right = [0.0] * count
    for which, (p, by) in enumerate(polynomials):
        for m, c in plain.inward(p).items():
            row = np.zeros(count + len(polynomials))
            row[:count] = unpack(m, count)
            row[count + which] = 1
            rows.append(by * row)
            right.append(-by * magnitude(c))
    solution = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return Frame(tuple(origin), tuple(round(float(u)) for u in solution[:count]))


def magnitude(c: Fraction) -> int:
    """About log2|c|, for a number of any size."""
    try:
        return frexp(float(c))[1]
    except OverflowError:
        return c.numerator.bit_length() - c.denominator.bit_length()


def balanced(p: Packed) -> tuple[int, Packed]:
    """k and p/2^k with a largest coefficient near 1."""
    k = max((magnitude(c) for c in p.values()), default=0)
    return k, scaled(p, Fraction(2) ** -k)
