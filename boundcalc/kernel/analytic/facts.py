"""What a certificate says of infima and minimisers, and the goals by which that is shown.

    {"forms": [["1", "1"]],                       f depends on these linear forms only
     "minimisers": {"points": [["0"]], "boxes": [[["-1", "1"]]]},   all minimisers, exactly;
                                                  one variable: zeros are counted, between "cuts"
     "infimum": {"lower": "0", "at": ["0"]},      bounds of inf f
     "infima": [{"at": ["1"]}, {"at": ["-1"]}],   bounds of inf f_i
     "residual": ["x", "y - sin(x)"]}             a map F with f = ½‖F‖²

Where forms are given, f(x) = f(x') whenever they agree; every point of R^d is Aᵀs + n with A·n = 0,
and the claim at Aᵀs + n is the claim at Aᵀs: coordinates in the facts are then s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import cleared, require_defined, vanishes
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Anchor, Box, Ends, Goal, MatrixGoal, evaluate
from boundcalc.kernel.analytic.normal import number
from boundcalc.kernel.analytic.relation import about_differences, second_order
from boundcalc.kernel.analytic.split import count_zeros
from boundcalc.kernel.analytic.statement import (
    MAX_COMPONENTS,
    Statement,
    ends,
    rational,
    some_points,
)
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected


@dataclass(frozen=True)
class Frame:
    """The coordinates in which goals are stated: x itself, or s with x = Aᵀs.

    x : the coordinates of x as nodes in the variables of the frame.
    """

    variables: tuple[str, ...]
    box: Box
    x: tuple[Node, ...]


@dataclass(frozen=True)
class Bounds:
    """Bounds of an infimum as nodes without variables; None where nothing is known."""

    lower: Node | None
    upper: Node | None


@dataclass(frozen=True)
class Piece:
    """Coordinates for x together with its projection, where minimisers form a curve.

    x, foot : x and x_p as nodes in the variables; ranging over the box, with the limits ≥ 0, they
    make up all pairs of this piece (and perhaps more). positive : nodes that are > 0 on the box.
    """

    variables: tuple[str, ...]
    box: Box
    x: tuple[Node, ...]
    foot: tuple[Node, ...]
    limits: tuple[Node, ...] = ()
    positive: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Foot:
    """x_p as a node in x, where minimisers fill affine subspaces; `nearest` are ≥ 0 where it is."""

    point: tuple[Node, ...]
    nearest: tuple[Node, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that the goals of the condition may use, and the goals that make it true.

    points : coordinates of the minimisers in the frame, as nodes; () where none are given.
    parameters : enclosures of minimisers without a formula, by name; value : f there.
    pieces, flats : in place of points, where the minimisers form a curve, or affine subspaces.
    """

    frame: Frame
    bounds: tuple[Bounds, ...]  # of inf f, or of every inf f_i
    points: tuple[tuple[Node, ...], ...]
    value: Node | None
    parameters: Mapping[str, tuple[Fraction, Fraction]]
    positive: tuple[Node, ...]
    goals: tuple[Goal | MatrixGoal, ...]
    exact: bool = True
    residual: tuple[Node, ...] = ()
    pieces: tuple[Piece, ...] = ()
    flats: tuple[Foot, ...] = ()


KEYS = {"forms", "minimisers", "infimum", "infima", "residual"}


def defined(statement: Statement) -> tuple[tuple[Goal, ...], tuple[Node, ...]]:
    """Goals by which every function is smooth on the domain, and the nodes they make positive.

    A denominator has one sign on the (connected) domain: that at a point. Where |u|^p is not as
    often differentiable as the condition needs (p ≤ 1; p ≤ 2 for second derivatives), u² > 0.
    Raises Rejected.
    """
    goals: list[Goal] = []
    smooth = 1 if second_order(statement) is None else 2
    functions = (*statement.functions, statement.mean, *statement.residual)
    kinks = statement.context.terms.kinks(functions, smooth)
    for node in dict.fromkeys([*(argument for _, argument in statement.partial), *kinks]):
        inner = _signed(statement, node)
        goals.append(
            Goal(
                f"defined.{len(goals)}",
                statement.variables,
                statement.box,
                inner,
                True,
                statement.inside,
            )
        )
    return tuple(goals), tuple(goal.term for goal in goals)


def _signed(statement: Statement, node: Node) -> Node:
    """±node: the sign by which it is positive at a point of the domain."""
    terms = statement.context.terms
    if any(kind != "inv" and argument == node for kind, argument in statement.partial):
        return node
    for point in some_points(statement.box):
        values = {n: iv.rational(x) for n, x in zip(statement.variables, point, strict=True)}
        try:
            if not all(evaluate(terms, c, values)[0] >= 0 for c in statement.inside):
                continue
            found = evaluate(terms, node, values)
        except iv.Undefined:
            continue
        if found[0] > 0:
            return node
        if found[1] < 0:
            return terms.neg(node)
    return node


def read_facts(statement: Statement, data: Json, positive: tuple[Node, ...]) -> Facts:
    """The facts of a certificate. Raises ClaimError, Rejected."""
    raw = fields(data, "facts", set(), KEYS)
    terms = statement.context.terms
    frame = _frame(statement, raw.get("forms"))
    move = dict(zip(statement.variables, frame.x, strict=True))
    facts = Facts(
        frame,
        tuple(Bounds(None, None) for _ in statement.functions),
        (),
        None,
        {},
        tuple(terms.substitute(node, move) for node in positive),
        (),
    )
    if "minimisers" in raw:
        facts = _exact(statement, facts, raw["minimisers"])
    bounds = list(facts.bounds)
    goals = list(facts.goals)
    each = statement.functions != (statement.mean,)
    known = items(raw.get("infima", []), "infima") if each else [raw.get("infimum")]
    if known and len(known) != len(bounds):
        raise ClaimError("facts: infima has one entry for each component")
    for k, entry in enumerate(known):
        if entry is not None:
            bounds[k], more = _bounds(statement, facts, statement.functions[k], entry, k)
            goals.extend(more)
    residual = statement.residual
    if "residual" in raw:
        residual = _residual(statement, raw["residual"], positive)
    return replace(facts, bounds=tuple(bounds), goals=tuple(goals), residual=residual)


def _residual(statement: Statement, data: Json, positive: Sequence[Node]) -> tuple[Node, ...]:
    """A map F with f = ½‖F‖², as an identity. Raises ClaimError, Rejected."""
    terms, normal = statement.context.terms, statement.context.normal
    names = dict(zip(statement.variables, statement.point, strict=True))
    written = [text(entry, "residual") for entry in items(data, "residual")]
    if len(written) > MAX_COMPONENTS:
        raise ClaimError(f"residual: at most {MAX_COMPONENTS} entries")
    nodes = tuple(terms.read(parse(formula), names) for formula in written)
    require_defined(statement.context, positive, nodes, "residual")
    half = terms.mul(terms.const(Fraction(1, 2)), terms.dot(nodes, nodes))
    if not nodes or normal.of(terms.sub(half, statement.mean)):
        raise Rejected("residual: half its square is not f")
    return nodes


def moved(statement: Statement, facts: Facts, node: Node) -> Node:
    """A node in x as a node in the variables of the frame."""
    values = dict(zip(statement.variables, facts.frame.x, strict=True))
    return statement.context.terms.substitute(node, values)


def _frame(statement: Statement, forms: Json) -> Frame:
    """The frame; where forms are given, checks that nothing changes along their null space."""
    if forms is None:
        return Frame(statement.variables, statement.box, statement.point)
    terms, normal = statement.context.terms, statement.context.normal
    rows = [[rational(x, "forms") for x in items(row, "forms")] for row in items(forms, "forms")]
    if any(len(row) != len(statement.variables) for row in rows) or not rows:
        raise ClaimError("forms: one coefficient for each variable")
    if statement.inside or any(end is not None for pair in statement.box for end in pair):
        raise ClaimError("forms: the domain is all of R^d")
    if not about_differences(statement):
        raise ClaimError("forms: the condition speaks of x itself, not of differences")
    directions, rank = null_space(rows)
    if rank < len(rows):
        raise ClaimError("forms: they are dependent")
    for f in (*statement.functions, statement.mean, *statement.residual):
        slopes = statement.gradient(f)
        for direction in directions:
            along = terms.dot(slopes, [terms.const(x) for x in direction])
            if normal.of(along):
                raise Rejected("forms: a function changes where the forms do not")
    names = tuple(f"@s{k}" for k in range(len(rows)))
    x = tuple(
        terms.sum(
            terms.mul(terms.const(row[j]), terms.var(name))
            for row, name in zip(rows, names, strict=True)
        )
        for j in range(len(statement.variables))
    )
    return Frame(names, tuple((None, None) for _ in names), x)


def null_space(rows: Sequence[Sequence[Fraction]]) -> tuple[list[list[Fraction]], int]:
    """A basis of {v : A v = 0}, and the rank of A."""
    reduced = [list(row) for row in rows]
    width = len(reduced[0])
    pivots: list[int] = []
    for column in range(width):
        place = len(pivots)
        found = next((i for i in range(place, len(reduced)) if reduced[i][column]), None)
        if found is None:
            continue
        reduced[place], reduced[found] = reduced[found], reduced[place]
        lead = reduced[place][column]
        reduced[place] = [x / lead for x in reduced[place]]
        for i, row in enumerate(reduced):
            if i != place and row[column]:
                factor = row[column]
                reduced[i] = [a - factor * b for a, b in zip(row, reduced[place], strict=True)]
        pivots.append(column)
    basis = []
    for free in (c for c in range(width) if c not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for place, column in enumerate(pivots):
            vector[column] = -reduced[place][free]
        basis.append(vector)
    return basis, len(pivots)


def _point(statement: Statement, facts: Facts, data: Json) -> tuple[Node, ...]:
    """A point of the frame from constant formulas; it lies in the domain. Raises ClaimError."""
    written = [text(x, "point") for x in items(data, "point")]
    if len(written) != len(facts.frame.variables):
        raise ClaimError("facts: a point has one coordinate for each variable")
    point = tuple(statement.constant(x) for x in written)
    require_inside(statement, facts, point)
    return point


def require_inside(statement: Statement, facts: Facts, point: Sequence[Node]) -> None:
    """Check that a point of the frame lies in the domain. Raises ClaimError."""
    terms, normal = statement.context.terms, statement.context.normal
    differences = []
    for x, (lo, hi) in zip(point, facts.frame.box, strict=True):
        if lo is not None:
            differences.append(terms.sub(x, terms.const(lo)))
        if hi is not None:
            differences.append(terms.sub(terms.const(hi), x))
    values = dict(zip(statement.variables, point, strict=False))
    differences.extend(terms.substitute(node, values) for node in statement.inside)
    for node in differences:
        if normal.of(node) and not evaluate(terms, node, {})[0] >= 0:
            raise ClaimError("facts: a point does not lie in the domain")


def at_point(statement: Statement, facts: Facts, node: Node, point: Sequence[Node]) -> Node:
    """A node in x at a point of the frame."""
    terms = statement.context.terms
    values = dict(zip(facts.frame.variables, point, strict=True))
    return terms.substitute(moved(statement, facts, node), values)


def _exact(statement: Statement, facts: Facts, data: Json) -> Facts:
    """All minimisers of f, given exactly."""
    raw = fields(data, "minimisers", {"points"}, {"boxes", "cuts"})
    terms, normal = statement.context.terms, statement.context.normal
    f = moved(statement, facts, statement.mean)
    points = [_point(statement, facts, entry) for entry in items(raw["points"], "minimisers")]
    if not points:
        raise ClaimError("minimisers: at least one point")
    value = at_point(statement, facts, statement.mean, points[0])
    for point in points[1:]:
        other = at_point(statement, facts, statement.mean, point)
        if normal.of(terms.sub(other, value)):
            raise Rejected("minimisers: f differs between the points")
    above = terms.sub(f, value)
    frame = facts.frame
    if "boxes" in raw:
        goals = _unique_in_boxes(statement, facts, raw["boxes"], points, above)
    else:
        cuts = [rational(x, "cuts") for x in items(raw.get("cuts", []), "cuts")]
        goals = (_counted(statement, facts, points, above, cuts),)
    bounds = tuple(Bounds(value, value) for _ in facts.bounds)
    if statement.functions != (statement.mean,):
        bounds = facts.bounds
    return replace(
        facts, points=tuple(points), value=value, goals=goals, bounds=bounds, frame=frame
    )


def read_box(data: Json, size: int) -> Box:
    """A box of the frame. Raises ClaimError."""
    box = tuple(ends(pair, "boxes") for pair in items(data, "boxes"))
    if len(box) != size:
        raise ClaimError("facts: a box has two ends for each variable")
    return box


def _unique_in_boxes(
    statement: Statement, facts: Facts, data: Json, points: Sequence[tuple[Node, ...]], above: Node
) -> tuple[Goal | MatrixGoal, ...]:
    """f > f* outside the boxes; in each, f is strictly convex around its stationary point."""
    terms, normal = statement.context.terms, statement.context.normal
    frame = facts.frame
    boxes = [read_box(entry, len(frame.variables)) for entry in items(data, "boxes")]
    if len(boxes) != len(points):
        raise ClaimError("minimisers: one box for each point")
    f = moved(statement, facts, statement.mean)
    slopes = [terms.derivative(f, name) for name in frame.variables]
    rows = tuple(tuple(terms.derivative(s, name) for name in frame.variables) for s in slopes)
    goals: list[Goal | MatrixGoal] = [
        Goal(
            "minimisers.above",
            frame.variables,
            frame.box,
            above,
            True,
            inside(statement, facts),
            skip=tuple(boxes),
            positive=facts.positive,
        )
    ]
    for k, (point, box) in enumerate(zip(points, boxes, strict=True)):
        values = dict(zip(frame.variables, point, strict=True))
        if any(normal.of(terms.substitute(slope, values)) for slope in slopes):
            raise Rejected("minimisers: the gradient is not 0 at a point")
        _require_in_box(statement, point, box)
        goals.append(
            MatrixGoal(
                f"minimisers.convex{k}",
                frame.variables,
                _meet(box, frame.box),
                rows,
                True,
                positive=facts.positive,
            )
        )
    return tuple(goals)


def inside(statement: Statement, facts: Facts) -> tuple[Node, ...]:
    """What is ≥ 0 on the domain beyond the box, in the frame."""
    return tuple(moved(statement, facts, node) for node in statement.inside)


def _meet(a: Box, b: Box) -> Box:
    """The part of a box within another, which it meets."""
    met: list[Ends] = []
    for (p, q), (r, s) in zip(a, b, strict=True):
        lo = r if p is None else p if r is None else max(p, r)
        hi = s if q is None else q if s is None else min(q, s)
        met.append((lo, hi))
    return tuple(met)


def within(found: iv.Interval, lo: Fraction | None, hi: Fraction | None) -> bool:
    """Whether a finite enclosure lies between two ends, exactly."""
    least, most = iv.outward(found)
    return (lo is None or lo <= least) and (hi is None or most <= hi)


def _require_in_box(statement: Statement, point: Sequence[Node], box: Box) -> None:
    terms, normal = statement.context.terms, statement.context.normal
    for x, (lo, hi) in zip(point, box, strict=True):
        exact = number(normal.of(x))
        if exact is None and within(evaluate(terms, x, {}), lo, hi):
            continue
        if exact is None or (lo is not None and exact < lo) or (hi is not None and exact > hi):
            raise ClaimError("facts: a point does not lie in its box")


def _counted(
    statement: Statement,
    facts: Facts,
    points: Sequence[tuple[Node, ...]],
    above: Node,
    cuts: Sequence[Fraction],
) -> Goal:
    """f ≥ f*, and the zeros of f − f* are as many as the points (one variable, exact).

    cuts : between them f − f* is a polynomial, though it has absolute values.
    """
    terms, normal = statement.context.terms, statement.context.normal
    frame = facts.frame
    if statement.inside:
        raise Rejected("minimisers: roots are counted on an interval")
    goal = Goal("minimisers.above", frame.variables, frame.box, above, positive=facts.positive)
    polynomial = cleared(statement.context, goal, normal.of(above))
    if len(frame.variables) != 1:
        raise Rejected("minimisers: boxes are needed in several variables")
    for a, b in combinations(points, 2):
        difference = evaluate(terms, terms.sub(a[0], b[0]), {})
        if not (difference[0] > 0 or difference[1] < 0):
            raise Rejected("minimisers: two points may be the same")
    if count_zeros(statement.context, goal, polynomial, cuts) != len(points):
        raise Rejected("minimisers: f takes its minimum at another number of points")
    return goal


def _bounds(
    statement: Statement, facts: Facts, f: Node, data: Json, k: int
) -> tuple[Bounds, tuple[Goal, ...]]:
    """Bounds of one infimum: below by a goal, above by a value of the function."""
    raw = fields(data, "infimum", set(), {"lower", "at"})
    terms = statement.context.terms
    upper = point = None
    if "at" in raw:
        point = _point(statement, facts, raw["at"])
        upper = at_point(statement, facts, f, point)
    if "lower" not in raw:
        return Bounds(None, upper), ()
    lower = statement.constant(text(raw["lower"], "infimum")) if raw["lower"] != "at" else upper
    if lower is None:
        raise ClaimError('infimum: "lower": "at" needs a point')
    term = terms.sub(moved(statement, facts, f), lower)
    names = facts.frame.variables
    anchors: tuple[Anchor, ...] = ()
    if point is not None:  # where f takes its minimum at an inner point, the goal is 0 to 2nd order
        foot = Anchor(tuple(iv.outward(evaluate(terms, x, {})) for x in point), point)
        anchors = (foot,) if vanishes(statement.context, term, names, foot) else ()
    goal = Goal(
        f"infimum.{k}",
        names,
        facts.frame.box,
        term,
        constraints=inside(statement, facts),
        anchors=anchors,
        positive=facts.positive,
    )
    return Bounds(lower, upper), (goal,)
