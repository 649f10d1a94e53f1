"""Polynomials from text, and an independent check of what the finder returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
import sympy

from boundcalc.kernel.polynomial import Polynomial


def _read(text: str, names: Sequence[str]) -> Polynomial:
    table = {name: sympy.Symbol(name) for name in names}
    expression = sympy.sympify(text.replace("^", "**"), locals=table, rational=True)
    terms = {}
    for powers, c in sympy.Poly(expression, *table.values()).terms():
        monomial = sorted((name, e) for name, e in zip(names, powers, strict=True) if e)
        terms[tuple(monomial)] = Fraction(int(c.p), int(c.q))
    return Polynomial({monomial: c for monomial, c in terms.items() if c})


@pytest.fixture
def polynomial() -> Callable[[str, Sequence[str]], Polynomial]:
    return _read


def _difference(
    data: Mapping[str, Any],
    goal: str,
    names: Sequence[str],
    constraints: Sequence[str],
    equalities: Sequence[str],
) -> sympy.Poly:
    """The identity's left side minus its right side, by sympy."""
    table = {name: sympy.Symbol(name) for name in names}

    def said(text: str) -> sympy.Poly:
        expression = sympy.sympify(text.replace("^", "**"), locals=table, rational=True)
        return sympy.Poly(expression, *table.values(), domain="QQ")

    def squares(entries: Sequence[Sequence[str]]) -> sympy.Poly:
        assert all(Fraction(weight) >= 0 for weight, _ in entries)
        return sum((said(weight) * said(q) ** 2 for weight, q in entries), said("0"))

    multiplier = said("1") + squares(data.get("multiplier", []))
    total = multiplier * said(goal) - squares(data["squares"])
    for entry in data.get("products", []):
        factor = said("1")
        for k in entry["constraints"]:
            factor *= said(constraints[k])
        total -= factor * squares(entry["squares"])
    for entry in data.get("equalities", []):
        total -= said(entry["times"]) * said(equalities[entry["constraint"]])
    return total


@pytest.fixture
def difference() -> Callable[..., sympy.Poly]:
    return _difference
