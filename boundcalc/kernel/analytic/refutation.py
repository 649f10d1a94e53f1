"""Counterexamples, checked: a point, a direction, a stationary point, or a curve to infinity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.absent import check_below, check_empty, check_falls
from boundcalc.kernel.analytic.cases import OPEN, broken, forms, powers
from boundcalc.kernel.analytic.facts import Facts, moved, require_inside
from boundcalc.kernel.analytic.goal import Goal, Program, evaluate, intervals
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.relation import (
    guard,
    second_order,
)
from boundcalc.kernel.analytic.statement import Statement, ends, rational
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


def _coordinates(statement: Statement, facts: Facts, data: Json) -> tuple[Fraction, ...]:
    point = tuple(rational(x, "witness") for x in items(data, "witness"))
    if len(point) != len(facts.frame.variables):
        raise ClaimError("witness: one coordinate for each variable")
    constants = tuple(statement.context.terms.const(x) for x in point)
    require_inside(statement, facts, constants)
    return point


def _point(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A rational point at which the condition fails (in a direction, for second derivatives)."""
    raw = fields(data, "witness", {"point"}, {"direction"})
    point = _coordinates(statement, facts, raw["point"])
    terms = statement.context.terms
    place = {n: terms.const(x) for n, x in zip(facts.frame.variables, point, strict=True)}
    parameters = {name: iv.between(*pair) for name, pair in facts.parameters.items()}
    kind = second_order(statement)
    if kind is not None:
        for form in forms(statement, facts, kind, raw.get("direction")):
            if _fails(statement, terms.substitute(form, place), {}):
                return ()
        raise Rejected("witness: the condition holds at the point in this direction")
    for node, limits in broken(statement, facts):
        there = [terms.substitute(limit, place) for limit in limits]
        if not all(_at_least_zero(statement, limit, parameters) for limit in there):
            continue
        if _fails(statement, terms.substitute(node, place), parameters):
            return ()
    raise Rejected("witness: the condition is not shown to fail at the point")


def _at_least_zero(statement: Statement, node: Node, values: Mapping[str, Interval]) -> bool:
    if not statement.context.normal.of(node):
        return True
    return bool(evaluate(statement.context.terms, node, values)[0] >= 0)


def _stationary(statement: Statement, facts: Facts, data: Json) -> tuple[Goal, ...]:
    """A box that holds a zero of ∇f (Krawczyk's test), at which the condition fails.

    With C a matrix, m the middle of the box X: m − C∇f(m) + (I − C∇²f(X))(X − m) in the inner part
    of X gives a zero (then C is regular: its product with ∇²f is near I).
    """
    raw = fields(data, "witness", {"stationary"}, set())
    inner = fields(raw["stationary"], "witness", {"box", "inverse"}, set())
    terms = statement.context.terms
    names = facts.frame.variables
    if statement.functions != (statement.mean,) or facts.parameters:
        raise Rejected("witness: stationary points are of f alone, with exact minimisers")
    box = [ends(pair, "box") for pair in items(inner["box"], "box")]
    inverse = [
        [rational(x, "inverse") for x in items(row, "inverse")]
        for row in items(inner["inverse"], "inverse")
    ]
    if len(box) != len(names) or [len(row) for row in inverse] != [len(names)] * len(names):
        raise ClaimError("witness: a box and a square matrix, one row for each variable")
    cell = [(lo, hi) for lo, hi in box if lo is not None and hi is not None]
    if len(cell) != len(box):
        raise ClaimError("witness: the box is bounded")
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
    if not _krawczyk(statement, slopes, names, cell, inverse):
        raise Rejected("witness: no stationary point is shown in the box")
    holds = [moved(statement, facts, node) for node in guard(statement, statement.mean)]
    fails = all(evaluate(terms, node, values)[0] >= 0 for node in holds) and all(
        _fails(statement, node, values) for node, _ in broken(statement, facts, True)
    )
    if not fails:
        raise Rejected("witness: the condition is not shown to fail at the stationary point")
    return ()


def _krawczyk(
    statement: Statement,
    slopes: Sequence[Node],
    names: Sequence[str],
    cell: Sequence[tuple[Fraction, Fraction]],
    inverse: Sequence[Sequence[Fraction]],
) -> bool:
    terms = statement.context.terms
    middle = [(lo + hi) / 2 for lo, hi in cell]
    at = {name: iv.rational(x) for name, x in zip(names, middle, strict=True)}
    here = Program(terms, slopes)(at)
    second = Program(terms, [terms.derivative(s, name) for s in slopes for name in names])
    flat = second(intervals(names, cell))
    size = len(names)
    for i in range(size):
        image = iv.rational(middle[i])
        row = [iv.rational(c) for c in inverse[i]]
        for k in range(size):
            image = iv.sub(image, iv.mul(row[k], here[k]))
        for j in range(size):
            entry = iv.rational(Fraction(int(i == j)))
            for k in range(size):
                entry = iv.sub(entry, iv.mul(row[k], flat[k * size + j]))
            lo, hi = cell[j]
            image = iv.add(image, iv.mul(entry, iv.between(lo - middle[j], hi - middle[j])))
        outer = (iv.rational(cell[i][0])[1], iv.rational(cell[i][1])[0])
        if not (outer[0] < image[0] and image[1] < outer[1]):
            return False
    return True


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
