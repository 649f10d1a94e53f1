"""The frontier beta*(alpha) of alpha-beta, the least beta at each alpha, between two polygons.

    {"schema": "boundcalc.frontier-certificate/1",
     "certificates": [...],        of one problem: each proved at its (alpha, beta), or refuted
     "lines": [{"of": 0, "witness": {"point": ["1/2"]}, "line": ["1", "-3/4"]}, ...],
     "band": {"lower": [["1/4", "0"], ...], "upper": [["1/4", "9/4"], ...]}}

Write a = f_i(x) − f_i(x_p), b = f_i(x) − inf f_i ≥ 0, c = ∇f_i(x)·(x − x_p). The condition is
alpha·a − beta·b ≤ c for all x and i, hence a convex set of pairs; a ≤ b, so it goes on along
(1, 1). Chords between proved pairs, and slope 1 after the last one, therefore lie above beta*. A
witness x gives a line below it: beta ≥ (alpha·a − c)/b. A line is put down as slope and intercept
with a − slope·b ≥ 0 and −c − intercept·b ≥ 0; its witness is a point or a curve to infinity, with
the facts about minima that certificate number `of` has shown. The band is derived again from what
is proved, and must be the one put down; every certificate and every line must be needed for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.cases import OPEN, broken
from boundcalc.kernel.analytic.check import FAULTS, Decided, verify_with_facts
from boundcalc.kernel.analytic.facts import Facts
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.normal import number
from boundcalc.kernel.analytic.polygon import Line, Vertex, chords, envelope, upper_hull, width
from boundcalc.kernel.analytic.refutation import at_least_zero, coordinates
from boundcalc.kernel.analytic.relation import CONVEX_GIVES, slots, usual_signs
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.analytic.toward import Curve, leading
from boundcalc.kernel.claim import ClaimError, Json, canonical, fields, items
from boundcalc.kernel.identity import Rejected

SCHEMA = "boundcalc.frontier-certificate/1"
MAX_ITEMS = 2_000
ALPHA = "@a"
RELATION = CONVEX_GIVES[1]


@dataclass(frozen=True)
class Band:
    """Polygons below and above beta* on one range of alpha, and the claims that they rest on.

    checks : elementary steps; width, widest_at : the largest distance, and the alpha where it is.
    """

    lower: tuple[Vertex, ...]
    upper: tuple[Vertex, ...]
    parts: tuple[Decided, ...]
    checks: int
    width: Fraction
    widest_at: Fraction


@dataclass(frozen=True)
class Slopes:
    """c − alpha·a + beta·b ≥ 0 at one place: the three as nodes, and enclosures of what is in them.

    All may be divided by one positive number.
    """

    a: Node
    b: Node
    c: Node
    values: Mapping[str, Interval]


def verify_frontier(data: Json) -> Band:
    """Check a certificate of the frontier. Raises Rejected."""
    try:
        raw = fields(data, "frontier", {"schema", "certificates", "lines", "band"}, set())
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"frontier: expected schema {SCHEMA}")
        parts = _bounded(items(raw["certificates"], "certificates"))
        stated = _stated(raw["band"])
        checked = [verify_with_facts(part) for part in parts]
        _one_problem(parts, [decided.statement for decided, _ in checked])
        pairs = [
            _pair(decided.statement) if decided.verdict == "proved" else None
            for decided, _ in checked
        ]
        lines, used = [], set()
        for entry in _bounded(items(raw["lines"], "lines")):
            k, line = _line(entry, parts, checked)
            lines.append(line)
            used.add(k)
        lower, upper = _derived(pairs, lines, used, stated[0][-1][0])
    except FAULTS as error:
        raise Rejected(str(error)) from error
    if (lower, upper) != stated:
        raise Rejected("frontier: the band is not the one that follows from its items")
    decided = tuple(decided for decided, _ in checked)
    checks = len(lines) + sum(one.checks for one in decided)
    widest, place = width(lower, upper)
    return Band(tuple(lower), tuple(upper), decided, checks, widest, place)


def _bounded(entries: list[Json]) -> list[Json]:
    if len(entries) > MAX_ITEMS:
        raise ClaimError(f"frontier: at most {MAX_ITEMS} certificates and lines")
    return entries


def _stated(data: Json) -> tuple[list[Vertex], list[Vertex]]:
    raw = fields(data, "band", {"lower", "upper"}, set())
    chains = []
    for side in ("lower", "upper"):
        chain = []
        for entry in items(raw[side], side):
            alpha, beta = _two(entry, side)
            chain.append((alpha, beta))
        if len(chain) < 2:
            raise ClaimError("band: at least two vertices on each side")
        chains.append(chain)
    return chains[0], chains[1]


def _two(data: Json, where: str) -> tuple[Fraction, Fraction]:
    pair = items(data, where)
    if len(pair) != 2:
        raise ClaimError(f"{where}: expected two numbers")
    return rational(pair[0], where), rational(pair[1], where)


def _one_problem(parts: Sequence[Json], statements: Sequence[Statement]) -> None:
    """All claims are alpha-beta on one problem, word for word."""
    claims = {canonical({**part["claim"], "constants": {}}) for part in parts}
    if len(claims) != 1:
        raise ClaimError("frontier: certificates of one problem, at least one")
    statement = statements[0]
    if (
        list(statement.condition.relations.values()) != [RELATION]
        or slots(statement) != ("x", "xp")
        or statement.condition.guard
        or set(statement.condition.constants) != {"alpha", "beta"}
        or not usual_signs(statement)
    ):
        raise ClaimError("frontier: it is of the alpha-beta condition")


def _pair(statement: Statement) -> Vertex:
    """(alpha, beta) of a proved claim. Raises ClaimError: they are not rational."""
    normal = statement.context.normal
    alpha, beta = (number(normal.of(statement.constants[name])) for name in ("alpha", "beta"))
    if alpha is None or beta is None:
        raise ClaimError("frontier: pairs are proved at rational alpha and beta")
    return alpha, beta


def _line(
    data: Json, parts: Sequence[Json], checked: Sequence[tuple[Decided, Facts]]
) -> tuple[int, Line]:
    """Which certificate's facts a line uses, and the line. Raises Rejected."""
    raw = fields(data, "line", {"of", "witness", "line"}, set())
    k = raw["of"]
    if type(k) is not int or not 0 <= k < len(parts):
        raise ClaimError("line: of is the number of a certificate, from 0")
    slope, intercept = _two(raw["line"], "line")
    decided, facts = checked[k]
    with iv.precision(parts[k].get("precision", 106)):
        found = slopes(decided.statement, facts, raw["witness"])
        if not any(lies_below(decided.statement, one, slope, intercept) for one in found):
            raise Rejected("line: it is not shown to lie below beta*")
    return k, (slope, intercept)


def slopes(statement: Statement, facts: Facts, witness: Json) -> Iterator[Slopes]:
    """The inequalities between alpha and beta that a witness brings. Raises ClaimError, Rejected.

    Along a curve c − alpha·a + beta·b is led by t^k times a combination of the leading
    coefficients with the highest degree k; it is ≥ 0 for all t, so that combination is.
    """
    raw = fields(witness, "witness", set(), {"point", "curve"})
    if len(raw) != 1:
        raise ClaimError("witness: a point or a curve")
    terms, normal = statement.context.terms, statement.context.normal
    free = {"alpha": terms.var(ALPHA), "beta": terms.var(OPEN)}
    opened = replace(statement, constants=free)
    values = {name: iv.between(*pair) for name, pair in facts.parameters.items()}
    if "point" in raw:
        point = coordinates(statement, facts, raw["point"])
        nodes = map(terms.const, point)
        place = dict(zip(facts.frame.variables, nodes, strict=True))
    else:
        place = Curve(statement, facts, raw["curve"]).place
        if facts.parameters:
            raise Rejected("line: along a curve the minimisers must be exact")
    for node, nearer in broken(opened, facts):
        there = [terms.substitute(limit, place) for limit in nearer]
        found = _coefficients(opened, terms.substitute(node, place))
        if "point" in raw:
            if all(at_least_zero(statement, limit, values) for limit in there):
                yield Slopes(*found, values)
            continue
        if any(leading(normal, normal.of(limit))[1] < 0 for limit in there):
            continue
        leads = [leading(normal, normal.of(part)) for part in found]
        top = max((degree for degree, lead in leads if lead), default=0)
        kept = [terms.const(lead if degree == top else Fraction(0)) for degree, lead in leads]
        yield Slopes(kept[0], kept[1], kept[2], values)


def _coefficients(statement: Statement, node: Node) -> tuple[Node, Node, Node]:
    """a, b, c of c − alpha·a + beta·b."""
    terms = statement.context.terms
    rest = terms.substitute(node, {ALPHA: terms.zero, OPEN: terms.zero})
    return terms.neg(terms.derivative(node, ALPHA)), terms.derivative(node, OPEN), rest


def lies_below(statement: Statement, at: Slopes, slope: Fraction, intercept: Fraction) -> bool:
    """Whether beta ≥ slope·alpha + intercept for all alpha ≥ 0 follows: b > 0 is shown too.

    beta·b ≥ alpha·a − c ≥ b·(slope·alpha + intercept). Where b is a bound from above, that is
    more than the true b ≥ 0 times beta.
    """
    terms = statement.context.terms
    over = terms.sub(at.a, terms.mul(terms.const(slope), at.b))
    off = terms.neg(terms.add(at.c, terms.mul(terms.const(intercept), at.b)))
    least = [_least(statement, node, at.values) for node in (at.b, over, off)]
    return bool(least[0] > 0 and least[1] >= 0 and least[2] >= 0)


def _least(statement: Statement, node: Node, values: Mapping[str, Interval]) -> Any:
    """The exact value of a node, or the lower end of an enclosure."""
    exact = number(statement.context.normal.of(node))
    return evaluate(statement.context.terms, node, values)[0] if exact is None else exact


def _derived(
    pairs: Sequence[Vertex | None], lines: Sequence[Line], used: set[int], last: Fraction
) -> tuple[list[Vertex], list[Vertex]]:
    """The band from its first proved pair to `last`. Raises Rejected: an item is of no use."""
    proved = [pair for pair in pairs if pair is not None]
    if not proved:
        raise Rejected("frontier: no pair is proved")
    hull = upper_hull(proved)
    first = hull[0][0]
    if last <= first or last < hull[-1][0]:
        raise ClaimError("band: it ends before its last proved pair")
    lower, needed = envelope(lines, first, last)
    idle = [
        k not in used and (pair not in hull or pair in pairs[:k]) for k, pair in enumerate(pairs)
    ]
    if len(needed) < len(lines) or any(idle):
        raise Rejected("frontier: every certificate and every line is needed for the band")
    return lower, chords(hull, last)
