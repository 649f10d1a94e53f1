"""Polynomials that are nonnegative by their form, and the search for a target among their sums.

A proof of target ≥ 0 is a positive multiplier m and numbers c ≥ 0 with

    m·target = Σ c·(product of factors)·(assumption | square | squared norm),

factors being constants with a sign and inequalities between constants (Handelman 1988 proved that
such sums exist for positive polynomials on a polytope). Its numbers are found by a linear program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.identity import Context
from boundcalc.kernel.polynomial import ONE, Polynomial, Ratio
from boundcalc.kernel.scope import CONSTANT
from boundcalc.search.linear import Column, combination
from boundcalc.search.monomials import Grade, Units, monomials, scaled, written

MOST_COLUMNS = 20_000
SCHEDULE = ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4))  # multiplier, products


@dataclass(frozen=True)
class Term:
    """A text that the kernel reads as nonnegative, and its numerator over positive constants."""

    text: str
    value: Polynomial
    positive: bool = False
    cost: float = 1.0


ALONE = Term("", ONE, positive=True, cost=0.0)


@dataclass(frozen=True)
class Sum:
    """multiplier·target = the sum, both as text."""

    multiplier: str
    text: str


def product_text(*words: str) -> str:
    """a*b*c without empty words and factors 1; "1" where nothing is left."""
    return "*".join(word for word in words if word not in ("", "1")) or "1"


def powers_text(words: Sequence[str]) -> str:
    """a^2*b for a, a, b."""
    found = []
    for word in dict.fromkeys(words):
        many = words.count(word)
        inside = f"({word})" if "*" in word else word
        found.append(word if many == 1 else f"{inside}^{many}")
    return "*".join(found)


def grouped(text: str) -> str:
    """The text of a sum or quotient in parentheses, ready to be multiplied."""
    return f"({text})" if set(text) & set(" /") else text


def factors(context: Context, among: frozenset[str]) -> list[Term]:
    """Constants with a sign, and inequalities between constants, in some variables only."""
    found = []
    for name in sorted(among):
        sign = context.signs.get(name, "real")
        if sign != "real" and context.scope.level.get(name) == CONSTANT:
            value = context.scope.scalars[name].numerator
            found.append(Term(name, value, sign == "positive"))
    for name, assumption in context.assumptions.items():
        names = assumption.value.variables()
        apart = not names <= among or context.scope.levels(names) > CONSTANT
        term = None if apart or assumption.kind == "=" else cleared(context, name, assumption.value)
        if term is not None and term.value.variables():
            found.append(Term(term.text, term.value, assumption.kind == ">"))
    return found


def cleared(context: Context, text: str, value: Ratio, cost: float = 1.0) -> Term | None:
    """text·denominator, where the denominator is positive by its form."""
    words = []
    for factor, exponent in value.factors.items():
        known = positive_text(context, factor)
        if known is None or known[1] < 0:
            return None
        words += [grouped(known[0])] * exponent
    return Term(powers_text([*words, text]), value.numerator, cost=cost)


def positive_text(context: Context, factor: Polynomial) -> tuple[str, int] | None:
    """sign·factor as a text that the kernel knows to be positive, and the sign; else None."""
    for name, assumption in context.assumptions.items():
        if assumption.kind == ">" and (ratio := _multiple(factor, assumption.value.numerator)):
            sign = 1 if ratio > 0 else -1
            below = [positive_text(context, p) for p in assumption.value.factors]
            if all(text is not None and text[1] > 0 for text in below):
                words = [
                    f"({text[0]})^{e}"
                    for text, e in zip(below, assumption.value.factors.values(), strict=True)
                    if text is not None
                ]
                return product_text(str(abs(ratio)), *words, name), sign
    signs = {name: context.signs.get(name, "real") for name in factor.variables()}
    if "real" in signs.values() or any(c < 0 for c in factor.terms.values()):
        return None
    if any(all(signs[name] == "positive" for name, _ in m) for m in factor.terms):
        return written(factor), 1
    return None


def _multiple(p: Polynomial, q: Polynomial) -> Fraction | None:
    """The number r with p = r·q."""
    if p.terms.keys() != q.terms.keys():
        return None
    ratios = {c / q.terms[m] for m, c in p.terms.items()}
    return ratios.pop() if len(ratios) == 1 else None


def squares(names: Sequence[str], units: Units) -> Iterator[Term]:
    """square(m − n) of monomials with the same units and no common factor."""
    every = monomials(names, 3)
    for k, m in enumerate(every):
        for n in every[k + 1 :]:
            if not m.variables() & n.variables() and units.of(m) == units.of(n):
                difference = m + scaled(n, Fraction(-1))
                text = f"square({written(difference)})"
                yield Term(text, difference * difference, cost=2.0)


def products(given: Sequence[Term], most: int, units: Units) -> dict[Grade, list[Term]]:
    """Products of at most `most` factors, by units."""
    layer: list[tuple[Term, tuple[str, ...], int]] = [(ALONE, (), 0)]
    found: dict[Grade, list[Term]] = defaultdict(list)
    for degree in range(most + 1):
        following = []
        for term, words, first in layer:
            grade = units.of(term.value)
            if grade is not None:
                found[grade].append(term)
            for k in range(first, len(given) if degree < most else 0):
                one = given[k]
                texts, value = (*words, one.text), term.value * one.value
                sure, cost = term.positive and one.positive, term.cost + one.cost
                following.append((Term(powers_text(texts), value, sure, cost), texts, k))
        layer = following
    return found


def express(
    target: Polynomial,
    given: Sequence[Term],
    instances: Iterable[Term],
    multipliers: Sequence[str],
    strict: bool = False,
) -> Sum | None:
    """The target as a sum of products of factors and instances, with small numbers of factors.

    multipliers : names of positive constants whose products may multiply the target.
    """
    rows = [ALONE, *instances]
    units = Units([target, *(t.value for t in given), *(t.value for t in rows)])
    rows += squares(multipliers, units)
    made: dict[tuple[str, str], Column] = {}  # products come again with other multipliers
    for most, degree in SCHEDULE:
        known = products(given, degree, units)
        for multiplier in monomials(multipliers, most):
            if most and len(dict(next(iter(multiplier.terms)))) == 0:
                continue  # the multiplier 1 was tried with this degree already
            found = _at(multiplier * target, known, rows, units, strict, made)
            if found is not None:
                return Sum(written(multiplier), found)
    return None


def _at(
    target: Polynomial,
    known: dict[Grade, list[Term]],
    rows: Sequence[Term],
    units: Units,
    strict: bool,
    made: dict[tuple[str, str], Column],
) -> str | None:
    wanted = units.of(target)
    if wanted is None:
        return None
    columns: list[tuple[Term, Term]] = []
    for row in rows:
        grade = units.of(row.value)
        if grade is not None:
            apart = tuple(a - b for a, b in zip(wanted, grade, strict=True))
            columns += [(term, row) for term in known.get(apart, ())]
    if not columns or len(columns) > MOST_COLUMNS:
        return None
    for term, row in columns:
        if (term.text, row.text) not in made:
            made[term.text, row.text] = (term.value * row.value).terms
    whole = [made[term.text, row.text] for term, row in columns]
    if target.terms.keys() - set().union(*whole):
        return None
    cost = [1 + term.cost + row.cost for term, row in columns]
    sure = [j for j, (term, row) in enumerate(columns) if term.positive and row is ALONE]
    if strict and not sure:
        return None
    sure = sorted(sure, key=lambda j: cost[j])[:12] if strict else []
    numbers = combination(whole, dict(target.terms), cost, sure)
    if numbers is None:
        return None
    order = sorted(numbers, key=lambda j: (columns[j][1].text, columns[j][0].text))
    words = [product_text(str(numbers[j]), columns[j][0].text, columns[j][1].text) for j in order]
    return " + ".join(words) or "0"
