"""The goals that together are a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import vanishes
from boundcalc.kernel.analytic.facts import Bounds, Facts, Piece, moved, require_inside
from boundcalc.kernel.analytic.goal import Anchor, Goal, MatrixGoal, evaluate
from boundcalc.kernel.analytic.interval import Undefined, outward
from boundcalc.kernel.analytic.normal import number
from boundcalc.kernel.analytic.relation import (
    CONDITIONING_GIVES,
    CONVEX_GIVES,
    INF,
    PL,
    PL_GIVES,
    STRONGLY_CONVEX_GIVES,
    guard,
    matrices,
    relations,
    second_order,
    slots,
    usual_signs,
    vanishes_at_minimiser,
)
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, items, text
from boundcalc.kernel.identity import Rejected

VIA = ("direct", "convexity", "strong-convexity", "tangent-kernel", "pl", "pl-tangent-kernel")


def conclusions(
    statement: Statement, facts: Facts, via: str, anchors: Json
) -> tuple[Goal | MatrixGoal, ...]:
    """The goals of the condition itself. Raises ClaimError, Rejected."""
    if via == "strong-convexity":
        only(statement, STRONGLY_CONVEX_GIVES, "strong convexity")
        return _matrix_goals(statement, facts, "strongly-convex", "condition")
    if via == "convexity":
        return _from_convexity(statement, facts)
    if via == "tangent-kernel":
        only(statement, CONDITIONING_GIVES, "the tangent kernel")
        return _matrix_goals(statement, facts, "uniform-conditioning", "condition")
    if via in ("pl", "pl-tangent-kernel"):
        only(statement, PL_GIVES, "pl")
        if statement.inside or any(end is not None for pair in statement.box for end in pair):
            raise Rejected("pl: gives growth on all of R^d, where gradient flow stays")
        if via == "pl-tangent-kernel":
            return _matrix_goals(statement, facts, "uniform-conditioning", "condition")
        condition = replace(statement.condition, slots={"x": "point"}, relations={"main": PL})
        return _scalar_goals(replace(statement, condition=condition), facts, anchors)
    if via != "direct":
        raise ClaimError(f"certificate: via is one of {', '.join(VIA)}")
    kind = second_order(statement)
    if kind is not None:
        own = replace(facts, residual=statement.residual)  # the map that the claim is about
        return _matrix_goals(statement, own, kind, "condition")
    return _scalar_goals(statement, facts, anchors)


def _from_convexity(statement: Statement, facts: Facts) -> tuple[MatrixGoal, ...]:
    """∇f_i(x)·(x − x_p) ≥ f_i(x) − f_i(x_p): aiming with theta ≤ 1, alpha-beta with alpha = 1."""
    _given(statement, CONVEX_GIVES, "convexity")
    if not facts.points:
        raise Rejected("facts: the condition needs all minimisers of f")
    normal = statement.context.normal
    theta = number(normal.of(statement.constants.get("theta", statement.context.terms.one)))
    alpha = number(normal.of(statement.constants.get("alpha", statement.context.terms.one)))
    if theta is None or theta > 1 or alpha != 1:
        raise Rejected("convexity: gives aiming with theta <= 1, alpha-beta with alpha = 1")
    if theta != 1 and statement.functions != (statement.mean,):
        raise Rejected("convexity: theta < 1 is for f, which is least at x_p")
    return _matrix_goals(statement, facts, "convex", "condition")


def _given(statement: Statement, given: Sequence[str], what: str) -> None:
    """The condition is, word for word, one that follows."""
    relation = list(statement.condition.relations.values())
    point, other = slots(statement)
    if (
        len(relation) != 1
        or relation[0] not in given
        or statement.condition.guard
        or not usual_signs(statement)
        or point != "x"
        or ("xp" in relation[0] and other != "xp")
    ):
        raise ClaimError(f"{statement.condition.id}: does not follow from {what}")


def only(statement: Statement, given: Sequence[str], what: str) -> None:
    """The condition is one that follows; all such are about f alone."""
    _given(statement, given, what)
    if statement.functions != (statement.mean,):
        raise ClaimError(f"{statement.condition.id}: does not follow from {what}")


def _matrix_goals(
    statement: Statement, facts: Facts, kind: str, name: str
) -> tuple[MatrixGoal, ...]:
    if any(lo is not None and lo == hi for lo, hi in statement.box):
        raise ClaimError("claim: second derivatives say nothing on a domain without inner points")
    inside = tuple(moved(statement, facts, node) for node in statement.inside)
    return tuple(
        MatrixGoal(
            f"{name}.{key}",
            facts.frame.variables,
            facts.frame.box,
            tuple(tuple(moved(statement, facts, entry) for entry in row) for row in rows),
            constraints=inside,
            positive=facts.positive,
        )
        for key, rows in matrices(statement, kind, facts.residual).items()
    )


def with_bounds(statement: Statement, node: Node, bounds: Bounds, proving: bool) -> Node:
    """The infimum replaced by the bound that makes the relation harder (easier, to refute)."""
    terms, normal = statement.context.terms, statement.context.normal
    slope = normal.of(terms.derivative(node, INF))
    if not slope:
        return terms.substitute(node, {INF: terms.zero})
    bare = normal.node(slope)
    if terms.variables(bare) - {"@c"} or len({dict(m).get("@c", 0) for m in slope.terms}) > 1:
        raise ClaimError("condition: the infimum has a coefficient that varies")
    try:
        low, high = evaluate(terms, terms.substitute(bare, {"@c": terms.one}), {})
    except Undefined as error:
        raise ClaimError("condition: the infimum has a coefficient without a value") from error
    if not (low > 0 or high < 0):
        raise ClaimError("condition: the infimum has a coefficient of unknown sign")
    chosen = bounds.lower if (low > 0) == proving else bounds.upper
    if chosen is None:
        side = "lower" if (low > 0) == proving else "upper"
        raise Rejected(f"facts: no {side} bound of an infimum is given")
    return terms.substitute(node, {INF: chosen})


@dataclass(frozen=True)
class Instance:
    """One relation of the condition for one function and one nearest minimiser, in x.

    k, j : numbers of the function and the minimiser; limits : ≥ 0 where the condition's guard lets
    it apply; nearest : ≥ 0 where the minimiser is a nearest one.
    """

    k: int
    j: int
    name: str
    term: Node
    limits: tuple[Node, ...]
    nearest: tuple[Node, ...]


def instances(statement: Statement, facts: Facts, stationary: bool = False) -> Iterator[Instance]:
    """All instances; stationary : with 0 for the gradient at x. Raises ClaimError, Rejected."""
    _, other = slots(statement)
    if other is not None and not (facts.points or facts.pieces or facts.flats):
        raise Rejected("facts: the condition needs all minimisers of f")
    terms = statement.context.terms
    # projections are onto minimisers: the first and only pass where the condition has none
    feet: list[tuple[Node, ...] | None] = [None]
    if other is not None:
        feet = [_lifted(statement, facts, point) for point in facts.points]
        feet += [piece.foot for piece in facts.pieces]
        feet += [foot.point for foot in facts.flats]
    for k, f in enumerate(statement.functions):
        limits = tuple(moved(statement, facts, node) for node in guard(statement, f))
        for j, x_p in enumerate(feet):
            value = facts.value if facts.value is not None else terms.zero
            if x_p is not None and f != statement.mean:
                value = statement.at(f, x_p)
            nearest = _nearer(statement, facts, j) if x_p is not None else ()
            for name, node in relations(statement, f, value, x_p, stationary).items():
                yield Instance(k, j, name, node, limits, nearest)


def _lifted(statement: Statement, facts: Facts, point: tuple[Node, ...]) -> tuple[Node, ...]:
    """A point of the frame as a point x."""
    place = dict(zip(facts.frame.variables, point, strict=True))
    return tuple(statement.context.terms.substitute(x, place) for x in facts.frame.x)


def _scalar_goals(statement: Statement, facts: Facts, anchors: Json) -> tuple[Goal, ...]:
    inside = tuple(moved(statement, facts, node) for node in statement.inside)
    goals = []
    for one in instances(statement, facts):
        bounded = with_bounds(statement, one.term, facts.bounds[one.k], True)
        goal = Goal(
            f"condition.{one.name}{one.k}.{one.j}",
            facts.frame.variables,
            facts.frame.box,
            moved(statement, facts, bounded),
            constraints=(*inside, *one.limits, *one.nearest),
            parameters=facts.parameters,
            positive=facts.positive,
        )
        if facts.pieces and slots(statement)[1] is not None:
            goals.append(_on_piece(statement, facts, goal, facts.pieces[one.j]))
            continue
        relation = statement.condition.relations[one.name]
        feet = facts.points if slots(statement)[1] is None else facts.points[one.j : one.j + 1]
        found = _anchors(statement, facts, goal, relation, anchors, feet)
        goals.append(replace(goal, anchors=found))
    return tuple(goals)


def _on_piece(statement: Statement, facts: Facts, goal: Goal, piece: Piece) -> Goal:
    """The goal in the coordinates of a piece."""
    terms = statement.context.terms
    place = dict(zip(statement.variables, piece.x, strict=True))
    limits = tuple(terms.substitute(node, place) for node in goal.constraints)
    return Goal(
        goal.name,
        piece.variables,
        piece.box,
        terms.substitute(goal.term, place),
        constraints=(*limits, *piece.limits),
        positive=(*(terms.substitute(n, place) for n in facts.positive), *piece.positive),
    )


def _nearer(statement: Statement, facts: Facts, j: int) -> tuple[Node, ...]:
    """‖x − z_k‖² − ‖x − z_j‖² for all other minimisers: where z_j is a nearest one."""
    terms = statement.context.terms

    def distance(point: tuple[Node, ...]) -> Node:
        place = dict(zip(facts.frame.variables, point, strict=True))
        steps = [terms.sub(x, terms.substitute(x, place)) for x in facts.frame.x]
        return terms.dot(steps, steps)

    if facts.flats:
        return facts.flats[j].nearest
    if facts.pieces:  # there the coordinates are those of a nearest point already
        return ()
    own = distance(facts.points[j])
    return tuple(terms.sub(distance(point), own) for k, point in enumerate(facts.points) if k != j)


def _anchors(
    statement: Statement,
    facts: Facts,
    goal: Goal,
    relation: str,
    proposed: Json,
    feet: Sequence[tuple[Node, ...]],
) -> tuple[Anchor, ...]:
    """Points at which value and gradient of a goal are exactly 0.

    feet : the minimisers whose projection property the goal uses, in their parameters.
    """
    found = []
    single = statement.functions == (statement.mean,) and not facts.exact
    if (
        single
        and facts.value is not None
        and facts.bounds == (Bounds(facts.value, facts.value),)
        and vanishes_at_minimiser(statement, relation, facts.value)
    ):
        terms = statement.context.terms
        values = {name: iv.between(*pair) for name, pair in facts.parameters.items()}
        for foot in feet:
            found.append(Anchor(tuple(outward(evaluate(terms, x, values)) for x in foot)))
    for entry in items(proposed, "anchors"):
        written = [text(x, "anchors") for x in items(entry, "anchors")]
        if len(written) != len(goal.variables):
            raise ClaimError("anchors: one coordinate for each variable")
        point = tuple(statement.constant(x) for x in written)
        require_inside(statement, facts, point)  # beyond the domain 0*(1/0) = 0 shows nothing
        anchor = Anchor(tuple(_enclosure(statement, x) for x in point), point)
        if vanishes(statement.context, goal.term, goal.variables, anchor):
            found.append(anchor)
    return tuple(found)


def _enclosure(statement: Statement, node: Node) -> tuple[Fraction, Fraction]:
    return outward(evaluate(statement.context.terms, node, {}))
