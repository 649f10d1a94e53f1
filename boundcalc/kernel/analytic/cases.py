"""What a counterexample has to break: the relations, or the forms of second derivatives."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.analytic.facts import Facts, moved
from boundcalc.kernel.analytic.normal import ZERO
from boundcalc.kernel.analytic.obligations import instances, with_bounds
from boundcalc.kernel.analytic.relation import matrices, slots
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, items
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial

OPEN = "@c"


def powers(p: Polynomial) -> list[Polynomial]:
    """The coefficients of powers of the open constant, from the lowest."""
    parts: dict[int, Polynomial] = {0: ZERO}
    for monomial, coefficient in p.terms.items():
        powers = dict(monomial)
        k = powers.pop(OPEN, 0)
        rest = tuple(sorted(powers.items()))
        parts[k] = parts.get(k, ZERO) + Polynomial({rest: coefficient})
    return [parts.get(k, ZERO) for k in range(max(parts) + 1)]


def forms(statement: Statement, facts: Facts, kind: str, direction: Json) -> list[Node]:
    """vᵀMv for each matrix of a condition on second derivatives."""
    if any(lo is not None and lo == hi for lo, hi in statement.box):
        raise ClaimError("claim: second derivatives say nothing on a domain without inner points")
    terms = statement.context.terms
    v = [rational(x, "direction") for x in items(direction, "direction")]
    found = []
    for rows in matrices(statement, kind, statement.residual).values():
        if len(rows) != len(v):
            raise ClaimError("witness: a direction has one entry for each row")
        total = terms.sum(
            terms.mul(terms.const(a * b), entry)
            for a, row in zip(v, rows, strict=True)
            for b, entry in zip(v, row, strict=True)
        )
        found.append(moved(statement, facts, total))
    return found


def broken(
    statement: Statement, facts: Facts, stationary: bool = False
) -> list[tuple[Node, tuple[Node, ...]]]:
    """Every relation with the easier bounds, and what must be ≥ 0 for it to apply."""
    found = []
    if facts.pieces and slots(statement)[1] is not None:
        raise Rejected("witness: beside a curve of minimisers it is a point with its foot")
    for one in instances(statement, facts, stationary):
        nearest = tuple(_margin(statement, node) for node in one.nearest)
        bounded = with_bounds(statement, one.term, facts.bounds[one.k], False)
        found.append((moved(statement, facts, bounded), (*one.limits, *nearest)))
    return found


def _margin(statement: Statement, node: Node) -> Node:
    """A little less: at a witness no second minimiser may be as near."""
    return statement.context.terms.sub(node, statement.context.terms.const(Fraction(1, 10**30)))
