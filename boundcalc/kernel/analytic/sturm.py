"""Polynomials in one variable: exact signs on an interval by Sturm's theorem."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import gcd
from typing import TypeAlias

Coefficients: TypeAlias = list[int]  # lowest degree first; the last is not 0; [] is 0
End: TypeAlias = Fraction | None

MAX_DEGREE = 300
MAX_WORK = 2 * 10**8  # degree cubed times the bits of a coefficient: half a minute


def primitive(values: Sequence[Fraction]) -> Coefficients:
    """Integer coefficients without common factor, a positive multiple of the given ones."""
    common = 1
    for value in values:
        common = common * value.denominator // gcd(common, value.denominator)
    return _reduced([int(value * common) for value in values])


def _reduced(p: Coefficients) -> Coefficients:
    while p and p[-1] == 0:
        p = p[:-1]
    content = gcd(*p) if p else 1
    return [c // content for c in p] if content else p


def _remainder(a: Coefficients, b: Coefficients) -> Coefficients:
    """A positive multiple of the remainder of a by b."""
    a = list(a)
    lead = b[-1]
    while len(a) >= len(b):
        top, shift = a[-1], len(a) - len(b)
        sign = 1 if lead > 0 else -1
        a = [c * abs(lead) for c in a]
        for k, c in enumerate(b):
            a[shift + k] -= sign * top * c
        a = _reduced(a[:-1])
    return a


def _divided(a: Coefficients, b: Coefficients) -> Coefficients:
    """a / b up to a positive or negative factor, where b divides a."""
    rest = [Fraction(c) for c in a]
    quotient = [Fraction(0)] * (len(a) - len(b) + 1)
    for k in range(len(quotient) - 1, -1, -1):
        factor = quotient[k] = rest[k + len(b) - 1] / b[-1]
        for j, c in enumerate(b):
            rest[k + j] -= factor * c
    return primitive(quotient)


def _gcd(a: Coefficients, b: Coefficients) -> Coefficients:
    while b:
        a, b = b, _remainder(a, b)
    return a


def derivative(p: Coefficients) -> Coefficients:
    """p′."""
    return _reduced([k * c for k, c in enumerate(p)][1:])


def odd_part(p: Coefficients) -> Coefficients:
    """A squarefree polynomial whose roots are the roots of p of odd multiplicity (Yun)."""
    common = _gcd(p, derivative(p))
    rest = _divided(p, common)
    found: Coefficients = [1]
    odd = True
    while len(rest) > 1:
        following = _gcd(rest, common)
        if odd:
            found = _times(found, _divided(rest, following))
        odd = not odd
        rest, common = following, _divided(common, following)
    return found


def squarefree(p: Coefficients) -> Coefficients:
    """A squarefree polynomial with the roots of p."""
    return _divided(p, _gcd(p, derivative(p)))


def _times(a: Coefficients, b: Coefficients) -> Coefficients:
    product = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    return _reduced(product)


def value(p: Coefficients, x: Fraction) -> Fraction:
    """p(x)."""
    total = Fraction(0)
    for c in reversed(p):
        total = total * x + c
    return total


def _sign(p: Coefficients, x: End, side: int) -> int:
    """The sign at x; at ±infinity (by `side`) where x is None."""
    if x is None:
        return (1 if p[-1] > 0 else -1) * (side if len(p) % 2 == 0 else 1)
    found = value(p, x)
    return (found > 0) - (found < 0)


def roots_inside(p: Coefficients, lo: End, hi: End) -> int:
    """How many roots a squarefree p has in the open interval (Sturm)."""
    for end in (lo, hi):
        if end is not None and len(p) > 1 and value(p, end) == 0:
            p = _divided(p, [-end.numerator, end.denominator])
    chain = [p, derivative(p)]
    while chain[-1]:
        chain.append([-c for c in _remainder(chain[-2], chain[-1])])
    chain.pop()

    def changes(x: End, side: int) -> int:
        signs = [s for s in (_sign(q, x, side) for q in chain) if s]
        return sum(a != b for a, b in pairwise(signs))

    return changes(lo, -1) - changes(hi, 1)


def _samples(lo: End, hi: End, count: int) -> list[Fraction]:
    """Different points of the open interval."""
    if lo is None and hi is None:
        return [Fraction(k) for k in range(count)]
    if lo is None and hi is not None:
        return [hi - k - 1 for k in range(count)]
    if lo is not None and hi is None:
        return [lo + k + 1 for k in range(count)]
    if lo is None or hi is None:  # pragma: no cover - for the type checker
        return []
    return [lo + (hi - lo) * Fraction(k + 1, count + 1) for k in range(count)]


def nonnegative(p: Coefficients, lo: End, hi: End, strict: bool) -> bool:
    """Whether p ≥ 0 (> 0) on the closed interval; infinite ends are open."""
    if not p:
        return not strict
    if lo is not None and lo == hi:
        return value(p, lo) > 0 if strict else value(p, lo) >= 0
    ends = [value(p, end) for end in (lo, hi) if end is not None]
    if strict and any(v <= 0 for v in ends):
        return False
    q = squarefree(p) if strict else odd_part(p)
    if roots_inside(q, lo, hi):
        return False
    return next(v for v in (value(p, x) for x in _samples(lo, hi, len(p))) if v) > 0


def count_roots(p: Coefficients, lo: End, hi: End) -> int:
    """How many different roots p has on the closed interval."""
    q = squarefree(p)
    at_ends = sum(value(q, end) == 0 for end in (lo, hi) if end is not None)
    return roots_inside(q, lo, hi) + at_ends
