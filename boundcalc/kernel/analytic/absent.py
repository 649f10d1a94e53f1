"""No minimum: f falls without end, only approaches its infimum, or falls from every point.

A condition that speaks of a minimum, or of minimisers, is then false.
"""

from __future__ import annotations

from boundcalc.kernel.analytic.facts import Facts, moved
from boundcalc.kernel.analytic.goal import Goal
from boundcalc.kernel.analytic.growth import STILL, compare
from boundcalc.kernel.analytic.relation import INF, relations, second_order, slots, usual_signs
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.analytic.toward import Curve
from boundcalc.kernel.claim import ClaimError, Json, items, text
from boundcalc.kernel.identity import Rejected

STEP = "@h"
NEEDS_MINIMISER = "sqnorm(grad(x))/2 >= mu*(f(x) - inf)"  # on R^d, by Ekeland's principle


def check_below(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """f → −∞ along a curve. Raises Rejected, ClaimError."""
    curve = Curve(statement, facts, data)
    rate, sign = curve.leading(curve.along(moved(statement, facts, statement.mean)))
    if not _speaks_of_minimum(statement) or compare(rate, STILL) <= 0 or sign >= 0:
        raise Rejected("witness: f does not go to minus infinity along the curve")
    return ()


def check_empty(statement: Statement, facts: Facts, data: Json, value: Json) -> tuple[Goal, ...]:
    """f > value everywhere, a goal, and f → value along a curve. Raises Rejected, ClaimError."""
    curve = Curve(statement, facts, data)
    low = statement.constant(text(value, "witness"))
    gap = statement.context.terms.sub(moved(statement, facts, statement.mean), low)
    if not _needs_minimiser(statement) or not curve.vanishes(gap):
        raise Rejected("witness: f does not go to its value along the curve")
    return (_goal(statement, facts, "empty.above", gap),)


def check_falls(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """f falls in a direction from every point, a goal: none is a minimiser.

    The domain has with x all x + h·v, h ≥ 0. Raises Rejected, ClaimError.
    """
    terms, names = statement.context.terms, facts.frame.variables
    v = [rational(x, "falls") for x in items(data, "falls")]
    if len(v) != len(names):
        raise ClaimError("witness: a direction has one entry for each variable")
    for step, (lo, hi) in zip(v, facts.frame.box, strict=True):
        if (step > 0 and hi is not None) or (step < 0 and lo is not None):
            raise Rejected("witness: the direction leaves the domain")
    if statement.inside or not _needs_minimiser(statement):
        raise Rejected("witness: a domain or a condition that needs no minimiser")
    f = moved(statement, facts, statement.mean)
    h = terms.var(STEP)
    onward = {
        name: terms.add(terms.var(name), terms.mul(terms.const(step), h))
        for name, step in zip(names, v, strict=True)
    }
    slope = terms.derivative(terms.substitute(f, onward), STEP)
    fall = terms.neg(terms.substitute(slope, {STEP: terms.zero}))
    return (_goal(statement, facts, "falls", fall),)


def _goal(statement: Statement, facts: Facts, name: str, node: Node) -> Goal:
    inside = tuple(moved(statement, facts, limit) for limit in statement.inside)
    frame = facts.frame
    return Goal(name, frame.variables, frame.box, node, True, inside, positive=facts.positive)


def _needs_minimiser(statement: Statement) -> bool:
    """Whether the condition is false for every positive constant where f has no minimiser.

    It names one; or it is pl on R^d: with φ = √(f − f*) > 0, |∇φ| = |∇f|/(2φ) ≥ √(mu/2) everywhere,
    against Ekeland's principle (f* = −∞ is no number, and pl false as well).
    """
    if second_order(statement) is not None:
        return False
    if slots(statement)[1] is not None:
        return True
    condition = statement.condition
    return (
        list(condition.relations.values()) == [NEEDS_MINIMISER]
        and not condition.guard
        and slots(statement)[0] == "x"
        and usual_signs(statement)
        and statement.functions == (statement.mean,)
        and not statement.inside
        and all(end is None for pair in statement.box for end in pair)
    )


def _speaks_of_minimum(statement: Statement) -> bool:
    """Whether the condition mentions an infimum or a minimiser of f."""
    if second_order(statement) is not None:
        return False
    if slots(statement)[1] is not None:
        return True
    if statement.functions != (statement.mean,):
        return False
    terms = statement.context.terms
    built = relations(statement, statement.mean, terms.zero, None)
    return any(INF in terms.variables(node) for node in built.values())
