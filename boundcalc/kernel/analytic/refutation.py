"""Counterexamples, checked: a point, a direction, a stationary point, or a curve to infinity."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.absent import check_below, check_empty, check_falls
from boundcalc.kernel.analytic.cases import OPEN, broken, forms, powers
from boundcalc.kernel.analytic.facts import Facts, moved, require_inside
from boundcalc.kernel.analytic.goal import Goal, evaluate, intervals
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.krawczyk import bounded_box, one_zero, square_matrix
from boundcalc.kernel.analytic.obligations import Instance, instances, only, with_bounds
from boundcalc.kernel.analytic.relation import (
    STATIONARY_REFUTES,
    guard,
    second_order,
    slots,
)
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.analytic.toward import check_curve
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected


def check_refutation(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """Check a counterexample; further goals that it rests on. Raises Rejected, ClaimError."""
    if not isinstance(data, dict):
        raise ClaimError("witness: expected an object")
    kinds = {"point": _point, "stationary": _stationary, "curve": _curve, "falls": _falls}
    kind = next((key for key in kinds if key in data), None)
    if kind is None:
        raise ClaimError(f"witness: expected one of {', '.join(kinds)}")
    return kinds[kind](statement, facts, data)


def _signs(statement: Statement, node: Node, values: Mapping[str, Interval]) -> list[int | None]:
    """Signs of the coefficients of the powers of the open constant, all others at `values`."""
    normal, terms = statement.context.normal, statement.context.terms
    found: list[int | None] = []
    for part in powers(normal.of(node)):
        if not part:
            found.append(0)
            continue
        low, high = evaluate(terms, normal.node(part), values)
        found.append(1 if low > 0 else -1 if high < 0 else 0 if low == 0 == high else None)
    return found


def _fails(statement: Statement, node: Node, values: Mapping[str, Interval]) -> bool:
    """Whether a relation that is to be ≥ 0 is negative, for every value of the open constant.

    That is so where no coefficient is positive and one is negative. A constant that the condition
    keeps below another (beta < alpha) is put at its end, where it is not reached.
    """
    terms = statement.context.terms
    above = _ceiling(statement)
    if above is not None:
        slope = _signs(statement, terms.derivative(node, OPEN), values)
        signs = _signs(statement, terms.substitute(node, {OPEN: above}), values)
        if len(slope) != 1 or len(signs) != 1 or slope[0] not in (0, 1):
            return False
        return signs[0] == -1 or (signs[0] == 0 and slope[0] == 1)
    signs = _signs(statement, node, values)
    return all(sign in (0, -1) for sign in signs) and -1 in signs


def _ceiling(statement: Statement) -> Node | None:
    """The constant that bounds the open one, where the condition says `alpha > beta`."""
    for relation in statement.condition.where:
        left, _, right = relation.partition(" > ")
        if right == statement.open and left in statement.constants:
            return statement.constants[left]
    return None


def coordinates(statement: Statement, facts: Facts, data: Json) -> tuple[Fraction, ...]:
    """A rational point of the domain, in the variables of the frame. Raises ClaimError."""
    point = tuple(rational(x, "witness") for x in items(data, "witness"))
    if len(point) != len(facts.frame.variables):
        raise ClaimError("witness: one coordinate for each variable")
    constants = tuple(statement.context.terms.const(x) for x in point)
    require_inside(statement, facts, constants)
    return point


def _point(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A rational point at which the condition fails (in a direction, for second derivatives).

    With every minimiser that may be a nearest one.
    """
    raw = fields(data, "witness", {"point"}, {"direction", "foot"})
    if "foot" in raw:
        return _with_foot(statement, facts, raw)
    point = coordinates(statement, facts, raw["point"])
    terms = statement.context.terms
    place = {n: terms.const(x) for n, x in zip(facts.frame.variables, point, strict=True)}
    parameters = {name: iv.between(*pair) for name, pair in facts.parameters.items()}
    kind = second_order(statement)
    if kind is not None:
        for form in forms(statement, facts, kind, raw.get("direction")):
            if _fails(statement, terms.substitute(form, place), {}):
                return ()
        raise Rejected("witness: the condition holds at the point in this direction")
    if _lost(statement, facts):
        return _stopped(statement, facts, place)
    every = list(instances(statement, facts))
    for j in sorted({one.j for one in every}):
        group = [one for one in every if one.j == j]
        near = [evaluate(terms, terms.substitute(n, place), parameters) for n in group[0].nearest]
        if any(margin[1] < 0 for margin in near):
            continue  # another minimiser is nearer; some one is a nearest
        if not any(_fails_at(statement, facts, one, place, parameters) for one in group):
            raise Rejected("witness: the condition is not shown to fail at the point")
    return ()


def _lost(statement: Statement, facts: Facts) -> bool:
    """Whether the condition is one that a stationary point refutes, and no minimiser is known."""
    return (
        slots(statement)[1] is not None
        and not (facts.points or facts.pieces or facts.flats)
        and any(r in STATIONARY_REFUTES for r in statement.condition.relations.values())
    )


def _higher(statement: Statement, facts: Facts, values: Mapping[str, Interval]) -> bool:
    """Whether f is known to be larger than its infimum, for a condition that `_lost` names."""
    if not _lost(statement, facts):
        return False
    terms = statement.context.terms
    only(statement, STATIONARY_REFUTES, "what holds at stationary points")
    upper = facts.bounds[0].upper
    if upper is None:
        raise Rejected("facts: no upper bound of an infimum is given")
    gap = terms.sub(moved(statement, facts, statement.mean), upper)
    return bool(evaluate(terms, gap, values)[0] > 0)


def _stopped(statement: Statement, facts: Facts, place: Mapping[str, Node]) -> tuple[Goal, ...]:
    """∇f = 0 exactly and f > f*: then the left side is 0, and the right side is positive."""
    terms, normal = statement.context.terms, statement.context.normal
    slopes = [moved(statement, facts, s) for s in statement.gradient(statement.mean)]
    values = {name: evaluate(terms, node, {}) for name, node in place.items()}
    still = not any(normal.of(terms.substitute(slope, place)) for slope in slopes)
    if not still or not _higher(statement, facts, values):
        raise Rejected("witness: no stationary point that is no minimiser, and none is known")
    return ()


def _with_foot(statement: Statement, facts: Facts, raw: dict[str, Json]) -> tuple[Goal, ...]:
    """A point with its projection on a curve of minimisers, which lies on certain arcs.

    The point of the curve at t is as near as its distance d says; a goal: on all of the curve but
    for the arcs the distance is larger than d. The relation fails with x_p on each of the arcs.
    """
    foot = fields(raw["foot"], "foot", {"at", "arcs"}, set())
    point = coordinates(statement, facts, raw["point"])
    if not facts.pieces or slots(statement)[1] is None:
        raise ClaimError("witness: a foot is on a curve of minimisers, for a projection")
    terms = statement.context.terms
    piece = facts.pieces[0]
    t, side = piece.variables[0], piece.box[0]
    arcs = [bounded_box([entry], 1) for entry in items(foot["arcs"], "foot")]
    at = rational(foot["at"], "foot")
    if not arcs or any(
        end is not None and (at - end) * sign < 0 for end, sign in zip(side, (1, -1), strict=True)
    ):
        raise ClaimError("witness: a foot on the curve, and arcs")
    place = {n: terms.const(x) for n, x in zip(statement.variables, point, strict=True)}
    steps = [terms.sub(place[n], f) for n, f in zip(statement.variables, piece.foot, strict=True)]
    square = terms.dot(steps, steps)
    near = terms.substitute(square, {t: terms.const(at)})
    every = [one for one in instances(statement, facts) if one.j == 0]
    for ((lo, hi),) in arcs:
        values = {t: iv.between(lo, hi)}
        if not any(_fails_at(statement, facts, one, place, values) for one in every):
            raise Rejected("witness: the condition is not shown to fail at the point")
    goal = Goal(
        "foot.away",
        (t,),
        (side,),
        terms.sub(square, near),
        True,
        skip=tuple(arcs),
        positive=piece.positive,
    )
    return (goal,)


def _fails_at(
    statement: Statement,
    facts: Facts,
    one: Instance,
    place: Mapping[str, Node],
    parameters: Mapping[str, Interval],
) -> bool:
    """Whether one relation applies at a point, and is negative there."""
    terms = statement.context.terms
    if not all(
        at_least_zero(statement, terms.substitute(limit, place), parameters) for limit in one.limits
    ):
        return False
    bounded = with_bounds(statement, one.term, facts.bounds[one.k], False)
    node = moved(statement, facts, bounded)
    return _fails(statement, terms.substitute(node, place), parameters)


def at_least_zero(statement: Statement, node: Node, values: Mapping[str, Interval]) -> bool:
    """Whether a node is ≥ 0 for all values: by its normal form, or by an enclosure."""
    if not statement.context.normal.of(node):
        return True
    return bool(evaluate(statement.context.terms, node, values)[0] >= 0)


def _stationary(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A box that holds a zero of ∇f (Krawczyk's test), at which the condition fails."""
    raw = fields(data, "witness", {"stationary"}, set())
    inner = fields(raw["stationary"], "witness", {"box", "inverse"}, set())
    terms = statement.context.terms
    names = facts.frame.variables
    if statement.functions != (statement.mean,):
        raise Rejected("witness: stationary points are of f alone")
    cell = bounded_box(inner["box"], len(names))
    inverse = square_matrix(inner["inverse"], len(names))
    for corner in ([lo for lo, _ in cell], [hi for _, hi in cell]):
        for x, (least, most) in zip(corner, facts.frame.box, strict=True):
            if (least is not None and x < least) or (most is not None and x > most):
                raise ClaimError("witness: the box leaves the domain")
    values = intervals(names, cell)
    for node in statement.inside:
        if not evaluate(terms, moved(statement, facts, node), values)[0] >= 0:
            raise ClaimError("witness: the box leaves the ball")
    f = moved(statement, facts, statement.mean)
    slopes = [terms.derivative(f, name) for name in names]
    if not one_zero(terms, slopes, names, cell, inverse):
        raise Rejected("witness: no stationary point is shown in the box")
    values |= {name: iv.between(*pair) for name, pair in facts.parameters.items()}
    if _higher(statement, facts, values):
        return ()
    holds = [moved(statement, facts, node) for node in guard(statement, statement.mean)]
    fails = all(evaluate(terms, node, values)[0] >= 0 for node in holds) and all(
        _fails(statement, node, values) for node, _ in broken(statement, facts, True)
    )
    if not fails:
        raise Rejected("witness: the condition is not shown to fail at the stationary point")
    return ()


def _curve(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A curve, t → ∞, along which the condition fails, or which shows that there is no minimum."""
    raw = fields(data, "witness", {"curve"}, {"direction", "kind", "value"})
    kind = text(raw.get("kind", "fails"), "witness")
    if kind == "below":
        return check_below(statement, facts, raw["curve"])
    if kind == "empty":
        return check_empty(statement, facts, raw["curve"], raw.get("value", ""))
    if kind != "fails":
        raise ClaimError('witness: a curve is of kind "fails", "below" or "empty"')
    check_curve(statement, facts, raw["curve"], raw.get("direction"))
    return ()


def _falls(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A direction in which f falls from every point."""
    raw = fields(data, "witness", {"falls"}, set())
    return check_falls(statement, facts, raw["falls"])
