"""Curves to infinity as formulas: sums of few powers of t with small rational coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

TERMS = 3
Term = tuple[Fraction, Fraction]  # coefficient, exponent


def fitted(
    distances: Sequence[float], points: Sequence[Sequence[Any]], j: int, sign: int
) -> tuple[str, ...] | None:
    """Formulas in t of all coordinates, from points at |x_j| = distances, or None."""
    from mpmath import mp, mpf

    rows: list[list[Term]] = []
    with mp.workdps(50):
        sizes = [mpf(t) for t in distances]
        for k in range(len(points[0])):
            if k == j:
                rows.append([(Fraction(sign), Fraction(1))])
                continue
            terms = _powers(sizes, [mpf(point[k]) for point in points])
            if terms is None:
                return None
            rows.append(terms)
    if any(exponent.denominator > 1 for row in rows for _, exponent in row):
        rows = [[(c, 2 * p) for c, p in row] for row in rows]  # t = s²: a rational curve
    return tuple(words(row) for row in rows)


def _powers(sizes: Sequence[Any], values: Sequence[Any]) -> list[Term] | None:
    """Σ c t^p, greatest p first, that the values follow; p a multiple of ½."""
    from mpmath import mp, mpf

    rest = list(values)
    terms: list[Term] = []
    growth = sizes[-1] / sizes[-2]
    for _ in range(TERMS):
        if abs(rest[-1]) < mpf(10) ** -9 * (1 + abs(values[-1])) * mpf(10) ** -3:
            break
        if rest[-2] == 0 or rest[-1] / rest[-2] <= 0:
            break
        order = mp.log(rest[-1] / rest[-2]) / mp.log(growth)
        exponent = Fraction(round(float(order) * 2), 2)
        if abs(float(order) - float(exponent)) > 0.15 or (exponent < 0 and terms):
            break
        if exponent < -2 or (terms and exponent >= terms[-1][1]):
            break
        coefficients = [r / s ** mpf(float(exponent)) for r, s in zip(rest, sizes, strict=True)]
        limit = _settled(coefficients)
        coefficient = Fraction(float(limit)).limit_denominator(64)
        if abs(float(coefficient) - float(limit)) > 1e-2 * abs(float(limit)) or coefficient == 0:
            coefficient = Fraction(float(limit)).limit_denominator(10**6)
        terms.append((coefficient, exponent))
        exact = mpf(coefficient.numerator) / coefficient.denominator
        rest = [r - exact * s ** mpf(float(exponent)) for r, s in zip(rest, sizes, strict=True)]
        if coefficient.denominator > 64:
            break
    if not terms and max(abs(v) for v in values) > 1e-3:
        return None
    return terms


def _settled(values: Sequence[Any]) -> Any:
    """The limit of a sequence, one Aitken step where it converges."""
    a, b, c = values[-3:]
    bend = a - 2 * b + c
    if bend == 0 or abs(c - b) >= abs(b - a):
        return c
    return c - (c - b) ** 2 / bend


def words(terms: Sequence[Term]) -> str:
    """c*t^p + ... as text; "0" for no term."""
    parts = []
    for coefficient, exponent in terms:
        body = {Fraction(0): "", Fraction(1): "*t"}.get(exponent, f"*t^({exponent})")
        parts.append(f"({coefficient}){body}")
    return " + ".join(parts) or "0"
