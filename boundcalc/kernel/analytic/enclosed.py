"""Minimisers without a formula: enclosed, and carried over by symmetries of f, or zeros of a map.

    {"enclosed": {"point": ["0.739"], "box": [["0", "1"]], "convexity": "1/10",
                  "images": [{"rows": [["-1"]], "shift": ["0"], "box": [["-1", "0"]]}]},
     "zeros": [{"box": [["0", "1"]], "core": [["0.73", "0.74"]], "inverse": [["0.6"]]}]}

Every minimiser is then a node in parameters, of which enclosures are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.facts import Bounds, Facts, inside, moved, read_box, within
from boundcalc.kernel.analytic.goal import Box, Goal, MatrixGoal, evaluate, intervals
from boundcalc.kernel.analytic.krawczyk import Cell, bounded_box, one_zero, square_matrix
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected

FSTAR = "@fs"
MAX_POINTS = 100


def enclosed(statement: Statement, facts: Facts, data: Json) -> Facts:
    """One minimiser that is only enclosed, and its images under symmetries of f.

    f > f(z) outside a box M in the inner part of the domain, and ∇²f ≥ λI on M: then f has exactly
    one minimiser x*, it lies in M, |x* − z| ≤ ‖∇f(z)‖/λ, and f(z) − ‖∇f(z)‖²/(2λ) ≤ f* ≤ f(z).
    "convex": instead, f is convex on the domain, and every point of the boundary of M is further
    than 2‖∇f(z)‖/λ from z: there f > f(z), so a local minimum lies inside M, and it is global.
    "images": f > f(z) outside M and the boxes of the images; see `_image`.
    """
    raw = fields(data, "enclosed", {"point", "box", "convexity"}, {"convex", "images"})
    terms = statement.context.terms
    frame = facts.frame
    point = tuple(rational(x, "enclosed") for x in items(raw["point"], "enclosed"))
    box = read_box(raw["box"], len(frame.variables))
    convexity = rational(raw["convexity"], "enclosed")
    if len(point) != len(box) or convexity <= 0:
        raise ClaimError("enclosed: a point of the box, and a positive convexity")
    if any(
        lo is None or hi is None or not lo <= x <= hi
        for x, (lo, hi) in zip(point, box, strict=True)
    ):
        raise ClaimError("enclosed: a bounded box around the point")
    require_inner(statement, facts, box)
    f = moved(statement, facts, statement.mean)
    slopes = [terms.derivative(f, name) for name in frame.variables]
    here = {name: iv.rational(x) for name, x in zip(frame.variables, point, strict=True)}
    square = iv.ZERO
    for slope in slopes:
        square = iv.add(square, iv.power(evaluate(terms, slope, here), 2))
    high = iv.outward(iv.sqrt(square))[1] / convexity
    value = iv.outward(evaluate(terms, f, here))
    drop = iv.outward(square)[1] / (2 * convexity)
    parameters = {f"@p{k}": (x - high, x + high) for k, x in enumerate(point)}
    images = [
        _image(statement, facts, entry, parameters, box)
        for entry in items(raw.get("images", []), "images")
    ]
    parameters[FSTAR] = (value[0] - drop, value[1])
    names = tuple(terms.const(x) for x in point)
    above = terms.sub(f, terms.substitute(f, dict(zip(frame.variables, names, strict=True))))
    by = terms.const(convexity)
    hessian = tuple(tuple(terms.derivative(s, name) for name in frame.variables) for s in slopes)
    rows = tuple(
        tuple(
            terms.sub(terms.derivative(slope, name), by if i == j else terms.zero)
            for j, name in enumerate(frame.variables)
        )
        for i, slope in enumerate(slopes)
    )
    global_ = Goal(
        "minimisers.above",
        frame.variables,
        frame.box,
        above,
        True,
        inside(statement, facts),
        skip=(box, *(place for _, place in images)),
        positive=facts.positive,
    )
    if raw.get("convex", False) is True:
        if images:
            raise ClaimError("enclosed: a convex function has no images")
        for x, (lo, hi) in zip(point, box, strict=True):
            if lo is None or hi is None or not (x - lo > 2 * high and hi - x > 2 * high):
                raise Rejected("enclosed: the point is too near to the boundary of its box")
    elif "convex" in raw:
        raise ClaimError("enclosed: convex is true, or left out")
    goals = (
        MatrixGoal(
            "minimisers.convex",
            frame.variables,
            frame.box,
            hessian,
            constraints=inside(statement, facts),
            positive=facts.positive,
        )
        if "convex" in raw
        else global_,
        MatrixGoal("minimisers.convex0", frame.variables, box, rows, positive=facts.positive),
    )
    first = tuple(terms.var(f"@p{k}") for k in range(len(point)))
    points = (first, *(image for image, _ in images))
    return _known(statement, facts, points, terms.var(FSTAR), parameters, goals)


def _known(
    statement: Statement,
    facts: Facts,
    points: tuple[tuple[Node, ...], ...],
    value: Node,
    parameters: Mapping[str, tuple[Fraction, Fraction]],
    goals: Sequence[Goal | MatrixGoal],
) -> Facts:
    each = statement.functions != (statement.mean,)
    return replace(
        facts,
        points=points,
        value=value,
        parameters=parameters,
        goals=(*facts.goals, *goals),
        exact=False,
        bounds=facts.bounds if each else (Bounds(value, value),),
    )


def _image(
    statement: Statement,
    facts: Facts,
    data: Json,
    parameters: Mapping[str, tuple[Fraction, Fraction]],
    box: Box,
) -> tuple[tuple[Node, ...], Box]:
    """A minimiser Tx* and its box M', where f(Tx) = f(x) is an identity; Tx = Rx + c, RRᵀ = I.

    T maps the enclosure of x* into M', and its inverse Rᵀ(y − c) maps M' into M; M' lies in the
    inner part of the domain. So Tx* is a minimiser if x* is one; and a minimiser y in M' gives
    one in M, which is x*: y = Tx*. Raises ClaimError, Rejected.
    """
    raw = fields(data, "image", {"rows", "shift", "box"}, set())
    terms, normal = statement.context.terms, statement.context.normal
    names = facts.frame.variables
    size = len(names)

    def constants(entry: Json) -> list[Node]:
        found = [statement.constant(text(x, "image")) for x in items(entry, "image")]
        if len(found) != size:
            raise ClaimError("image: one number for each variable")
        return found

    rows = [constants(row) for row in items(raw["rows"], "image")]
    shift = constants(raw["shift"])
    place = bounded_box(raw["box"], size)
    if len(rows) != size:
        raise ClaimError("image: one row for each variable")
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            if normal.of(terms.sub(terms.dot(a, b), terms.one if i == j else terms.zero)):
                raise Rejected("image: the matrix is not orthogonal")
    x = [terms.var(name) for name in names]
    there = [terms.add(terms.dot(row, x), c) for row, c in zip(rows, shift, strict=True)]
    f = moved(statement, facts, statement.mean)
    other = terms.substitute(f, dict(zip(names, there, strict=True)))
    if normal.of(terms.sub(other, f)):
        raise Rejected("image: f is not the same there, as an identity")
    require_inner(statement, facts, place)
    steps = [terms.sub(a, c) for a, c in zip(x, shift, strict=True)]
    back = [terms.dot([row[k] for row in rows], steps) for k in range(size)]
    start = tuple(parameters[f"@p{k}"] for k in range(size))
    for nodes, source, target in ((there, start, place), (back, place, box)):
        values = intervals(names, source)
        for node, (lo, hi) in zip(nodes, target, strict=True):
            if not within(evaluate(terms, node, values), lo, hi):
                raise Rejected("image: the boxes do not map into each other")
    own = dict(zip(names, (terms.var(f"@p{k}") for k in range(size)), strict=True))
    return tuple(terms.substitute(node, own) for node in there), place


def zeros(statement: Statement, facts: Facts, data: Json) -> Facts:
    """All minimisers of f = ½‖F‖² as the zeros of F, of which there is one in each box.

    As many equations as variables. In each box Krawczyk's test shows exactly one zero, which lies
    in the core, where the test succeeds again; f > 0 outside of the boxes. So f* = 0.
    """
    terms = statement.context.terms
    frame = facts.frame
    map = tuple(moved(statement, facts, node) for node in facts.residual)
    if len(map) != len(frame.variables):
        raise Rejected("zeros: as many residuals as variables")
    entries = items(data, "zeros")
    if not 1 <= len(entries) <= MAX_POINTS:
        raise ClaimError(f"zeros: between 1 and {MAX_POINTS} boxes")
    boxes: list[Cell] = []
    points = []
    parameters: dict[str, tuple[Fraction, Fraction]] = {}
    for n, entry in enumerate(entries):
        box, core = _zero(statement, facts, map, entry)
        boxes.append(box)
        names = [f"@p{n}_{k}" for k in range(len(core))]
        parameters |= dict(zip(names, core, strict=True))
        points.append(tuple(terms.var(name) for name in names))
    goal = Goal(
        "minimisers.above",
        frame.variables,
        frame.box,
        moved(statement, facts, statement.mean),
        True,
        inside(statement, facts),
        skip=tuple(boxes),
        positive=facts.positive,
    )
    return _known(statement, facts, tuple(points), terms.zero, parameters, (goal,))


def _zero(statement: Statement, facts: Facts, map: Sequence[Node], data: Json) -> tuple[Cell, Cell]:
    """A box with one zero of the map, and the core in which it lies."""
    raw = fields(data, "zero", {"box", "core", "inverse"}, set())
    names = facts.frame.variables
    box, core = bounded_box(raw["box"], len(names)), bounded_box(raw["core"], len(names))
    inverse = square_matrix(raw["inverse"], len(names))
    require_inner(statement, facts, box)
    for (lo, hi), (least, most) in zip(core, box, strict=True):
        if lo < least or hi > most:
            raise ClaimError("zeros: the core lies in its box")
    for cell in (box, core):
        if not one_zero(statement.context.terms, map, names, cell, inverse):
            raise Rejected("zeros: not exactly one zero is shown in the box")
    return box, core


def require_inner(statement: Statement, facts: Facts, box: Box) -> None:
    """A bounded box lies in the inner part of the domain. Raises ClaimError."""
    for (lo, hi), (least, most) in zip(box, facts.frame.box, strict=True):
        if (least is not None and (lo is None or lo <= least)) or (
            most is not None and (hi is None or hi >= most)
        ):
            raise ClaimError("enclosed: the box touches the boundary of the domain")
    values = intervals(facts.frame.variables, box)
    for node in inside(statement, facts):
        if not evaluate(statement.context.terms, node, values)[0] > 0:
            raise ClaimError("enclosed: the box is not known to lie inside the ball")
