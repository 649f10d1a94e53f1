"""Sturm's theorem against sympy's root isolation, with multiple roots and roots at the ends."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
import sympy as sp

from boundcalc.kernel.analytic import sturm

X = sp.Symbol("x")


def rational(x: Fraction) -> sp.Rational:
    return sp.Rational(x.numerator, x.denominator)


def polynomial(source: random.Random) -> tuple[sp.Poly, list[Fraction]]:
    """Linear and quadratic factors with multiplicities, and its rational roots."""
    roots = []
    product = sp.Poly(source.choice((-3, -1, 1, 2)), X)
    for _ in range(source.randint(0, 3)):
        root = Fraction(source.randint(-6, 6), source.choice((1, 2, 3)))
        roots.append(root)
        factor = sp.Poly(root.denominator * X - root.numerator, X)
        product *= factor ** source.randint(1, 4)
    for _ in range(source.randint(0, 2)):
        a, b, c = source.randint(1, 3), source.randint(-4, 4), source.randint(-5, 5)
        product *= sp.Poly(a * X**2 + b * X + c, X) ** source.randint(1, 3)
    if source.random() < 0.4:
        product *= sp.Poly([source.randint(-5, 5) for _ in range(4)] + [source.choice((1, 3))], X)
    return product, roots


def ends(source: random.Random, roots: list[Fraction]) -> tuple[Fraction | None, Fraction | None]:
    """An interval, often with an end at a root, sometimes a single point."""
    some = [*roots, Fraction(source.randint(-20, 20), 3), Fraction(source.randint(-7, 7))]
    lo, hi = sorted((source.choice(some), source.choice(some)))
    kind = source.randrange(8)
    return (None if kind in (0, 1) else lo), (None if kind in (0, 2) else hi)


def coefficients(p: sp.Poly) -> list[int]:
    return sturm.primitive([Fraction(int(c.p), int(c.q)) for c in reversed(p.all_coeffs())])


def truth(p: sp.Poly, lo: Fraction | None, hi: Fraction | None) -> tuple[bool, bool, int]:
    """p ≥ 0, p > 0, and the number of roots on the closed interval, from isolated real roots."""
    low = -sp.oo if lo is None else rational(lo)
    high = sp.oo if hi is None else rational(hi)
    roots = [(r, m) for r, m in _real_roots(p) if low <= r <= high]
    marks = sorted({r for r, _ in roots} | {e for e in (low, high) if e.is_finite})
    signs = [p.eval(e) for e in (low, high) if e.is_finite]
    signs += [p.eval(x) for x in _between(marks, low, high)]
    return all(s >= 0 for s in signs), not roots and all(s > 0 for s in signs), len(roots)


def _real_roots(p: sp.Poly) -> list[tuple[sp.Expr, int]]:
    found: dict[sp.Expr, int] = {}
    for r in sp.real_roots(p):
        found[r] = found.get(r, 0) + 1
    return list(found.items())


def _between(marks: list[sp.Expr], low: sp.Expr, high: sp.Expr) -> list[sp.Rational]:
    """A rational in every gap between neighbouring marks, and beyond the last of an open side."""
    near = [sp.Rational(sp.N(m, 40)) for m in marks]
    found = [(a + b) / 2 for a, b in pairwise(near)]
    if not near:
        return [sp.Integer(0)]
    if low == -sp.oo:
        found.append(near[0] - 1)
    if high == sp.oo:
        found.append(near[-1] + 1)
    return found


def sweep(seed: int, count: int) -> dict[tuple[bool, bool], int]:
    source = random.Random(seed)
    seen: dict[tuple[bool, bool], int] = {}
    for _ in range(count):
        p, roots = polynomial(source)
        lo, hi = ends(source, roots)
        mine = coefficients(p)
        nonnegative, positive, number = truth(p, lo, hi)
        assert sturm.nonnegative(mine, lo, hi, False) == nonnegative, (p, lo, hi)
        assert sturm.nonnegative(mine, lo, hi, True) == positive, (p, lo, hi)
        if lo is None or lo != hi:
            assert sturm.count_roots(mine, lo, hi) == number, (p, lo, hi)
        seen[nonnegative, positive] = seen.get((nonnegative, positive), 0) + 1
    return seen


@pytest.mark.parametrize("seed", range(5))
def test_signs_and_roots_are_sympys(seed: int) -> None:
    seen = sweep(seed, 30)
    assert {(False, False), (True, True)} <= set(seen)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_thousands_of_polynomials(seed: int) -> None:
    seen = sweep(seed, 300)
    assert set(seen) == {(False, False), (True, False), (True, True)}


@pytest.mark.parametrize(
    ("values", "lo", "hi", "nonnegative", "positive"),
    [
        ([], None, None, True, False),
        ([1], None, None, True, True),
        ([-1], 0, 1, False, False),
        ([0, 1], 0, None, True, False),
        ([0, 1], None, 0, False, False),
        ([0, -1], None, 0, True, False),
        ([0, 0, 1], None, None, True, False),
        ([0, 0, 1], 1, 2, True, True),
        ([0, 0, 0, 1], -1, 1, False, False),
        ([0, 1], 0, 0, True, False),
        ([1, 1], 0, 0, True, True),
        ([-1, 1], 0, 0, False, False),
        ([-1, 0, 1], 1, None, True, False),
        ([-1, 0, 1], -1, 1, False, False),
    ],
)
def test_small_cases(values, lo, hi, nonnegative: bool, positive: bool) -> None:
    p = sturm.primitive([Fraction(v) for v in values])
    low, high = (None if e is None else Fraction(e) for e in (lo, hi))
    assert sturm.nonnegative(p, low, high, False) == nonnegative
    assert sturm.nonnegative(p, low, high, True) == positive


def test_coefficients_are_reduced_and_keep_their_sign() -> None:
    assert sturm.primitive([Fraction(-1, 2), Fraction(0), Fraction(3, 4), Fraction(0)]) == [
        -2,
        0,
        3,
    ]
    assert sturm.primitive([]) == []
    assert sturm.primitive([Fraction(0)]) == []


def test_a_root_that_is_barely_there() -> None:
    """(x − 1)² ± 10^-40: floating point cannot tell these three apart."""
    tiny = Fraction(1, 10**40)
    for shift, nonnegative, positive in (
        (tiny, True, True),
        (0, True, False),
        (-tiny, False, False),
    ):
        p = sturm.primitive([1 + shift, Fraction(-2), Fraction(1)])
        assert sturm.nonnegative(p, None, None, False) == nonnegative
        assert sturm.nonnegative(p, None, None, True) == positive
