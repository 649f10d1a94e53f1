"""Minimisers that fill several affine subspaces, with a projection onto each that is a formula.

{"flats": {"value": "0", "weight": "1/2",
           "flats": [{"rows": [["1", "0"]], "values": ["0"]},      x = 0
                     {"rows": [["0", "1"]], "values": ["0"]}]}}    y = 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from boundcalc.kernel.analytic.exact import require_defined
from boundcalc.kernel.analytic.facts import Bounds, Facts, Foot, inside
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Goal
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected

MAX_FLATS = 20


def flats(statement: Statement, facts: Facts, data: Json) -> Facts:
    """argmin f as the union of the flats {A x = b}. Raises ClaimError, Rejected.

    f is the same constant on each (an identity), and f − f* ≥ w·Π|A x − b|² with w > 0, so f is
    larger elsewhere. The rows of each A are orthogonal: x less the sum of a·(a·x − b)/|a|² is its
    nearest point, which is shown to lie in the domain for every x of it. That of a nearest flat is
    the projection.
    """
    raw = fields(data, "flats", {"value", "weight", "flats"}, set())
    terms, normal = statement.context.terms, statement.context.normal
    names = statement.variables
    if facts.frame.variables != names:
        raise ClaimError("flats: in the variables of the claim, without linear forms")
    value = statement.constant(text(raw["value"], "flats"))
    place = dict(zip(names, statement.point, strict=True))
    weight = terms.read(parse(text(raw["weight"], "flats")), place)
    require_defined(statement.context, facts.positive, [weight], "flats")
    entries = items(raw["flats"], "flats")
    if not 1 <= len(entries) <= MAX_FLATS:
        raise ClaimError(f"flats: between 1 and {MAX_FLATS}")
    found = [_flat(statement, entry) for entry in entries]
    product = weight
    goals = [_goal(statement, facts, "flats.weight", weight, True)]
    for k, (square, _, foot) in enumerate(found):
        product = terms.mul(product, square)
        at = dict(zip(names, foot, strict=True))
        if normal.of(terms.sub(terms.substitute(statement.mean, at), value)):
            raise Rejected("flats: f is not its value there, as an identity")
        for i, node in enumerate(_in_domain(statement)):
            there = terms.substitute(node, at)
            goals.append(_goal(statement, facts, f"flats.inside{k}.{i}", there, False))
    above = terms.sub(terms.sub(statement.mean, value), product)
    goals.append(_goal(statement, facts, "flats.above", above, False))
    feet = tuple(
        Foot(foot, tuple(terms.sub(found[i][1], away) for i in range(len(found)) if i != k))
        for k, (_, away, foot) in enumerate(found)
    )
    each = statement.functions != (statement.mean,)
    return replace(
        facts,
        value=value,
        flats=feet,
        goals=(*facts.goals, *goals),
        bounds=facts.bounds if each else (Bounds(value, value),),
    )


def _goal(statement: Statement, facts: Facts, name: str, term: Node, strict: bool) -> Goal:
    return Goal(
        name,
        statement.variables,
        statement.box,
        term,
        strict,
        inside(statement, facts),
        positive=facts.positive,
    )


def _flat(statement: Statement, data: Json) -> tuple[Node, Node, tuple[Node, ...]]:
    """|A x − b|², the squared distance from the flat, and the nearest point of it."""
    raw = fields(data, "flat", {"rows", "values"}, set())
    terms = statement.context.terms
    rows = [[rational(c, "flat") for c in items(row, "flat")] for row in items(raw["rows"], "flat")]
    values = [rational(c, "flat") for c in items(raw["values"], "flat")]
    size = len(statement.variables)
    if not rows or len(rows) != len(values) or any(len(row) != size for row in rows):
        raise ClaimError("flat: rows with a coefficient for each variable, and a value for each")
    square = away = terms.zero
    foot = list(statement.point)
    for i, (row, b) in enumerate(zip(rows, values, strict=True)):
        norm = sum(c * c for c in row)
        if not norm or any(sum(p * q for p, q in zip(row, o, strict=True)) for o in rows[:i]):
            raise ClaimError("flat: the rows are orthogonal, and not 0")
        coefficients = [terms.const(c) for c in row]
        gap = terms.sub(terms.dot(coefficients, statement.point), terms.const(b))
        square = terms.add(square, terms.power(gap, 2))
        away = terms.add(away, terms.mul(terms.const(1 / norm), terms.power(gap, 2)))
        step = terms.mul(terms.const(1 / norm), gap)
        foot = [terms.sub(x, terms.mul(c, step)) for x, c in zip(foot, coefficients, strict=True)]
    return square, away, tuple(foot)


def _in_domain(statement: Statement) -> Sequence[Node]:
    """Expressions that are ≥ 0 exactly in the domain."""
    terms = statement.context.terms
    found = []
    for x, (lo, hi) in zip(statement.point, statement.box, strict=True):
        if lo is not None:
            found.append(terms.sub(x, terms.const(lo)))
        if hi is not None:
            found.append(terms.sub(terms.const(hi), x))
    return (*found, *statement.inside)
