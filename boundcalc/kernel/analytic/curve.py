"""Curves of minimisers in two variables: the zeros of a map F with one component.

    {"curve": {"graph": "y", "formula": "sin(x)", "sign": 1}}                  y = sin x
    {"curve": {"center": ["0", "0"], "radius": "1", "factor": "sqrt(1/2)"}}    a circle

With the curve come coordinates in which every x and its projection x_p are formulas: the goals of
a condition are stated in these, one for each piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import require_defined
from boundcalc.kernel.analytic.facts import Bounds, Facts, Piece
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Ends, Goal, evaluate
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.statement import Statement, rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text
from boundcalc.kernel.identity import Rejected

ALONG, AWAY = "@t", "@s"
TURN = Fraction(7)  # beyond a full turn
GRID = 1024  # ends of ranges are rounded outward to it


def curve(statement: Statement, facts: Facts, data: Json) -> Facts:
    """The minimisers as a curve, and the pieces that go with it. Raises ClaimError, Rejected."""
    if len(statement.variables) != 2 or facts.frame.variables != statement.variables:
        raise ClaimError("curve: in two variables, without linear forms")
    if len(facts.residual) != 1:
        raise Rejected("curve: the zeros of one residual")
    raw = fields(data, "curve", set(), {"graph", "formula", "sign", "center", "radius", "factor"})
    pieces, goals, more = (_graph if "graph" in raw else _circle)(statement, facts, data)
    zero = statement.context.terms.zero
    each = statement.functions != (statement.mean,)
    return replace(
        facts,
        value=zero,
        pieces=pieces,
        goals=(*facts.goals, *goals),
        positive=(*facts.positive, *more),
        bounds=facts.bounds if each else (Bounds(zero, zero),),
    )


Found = tuple[tuple[Piece, ...], tuple[Goal, ...], tuple[Node, ...]]


def _graph(statement: Statement, facts: Facts, data: Json) -> Found:
    """S = {v = h(u)}: F(u, h(u)) = 0 is an identity, and F is strictly monotone in v on the box.

    h takes the side of u into that of v, so every u has its point. In coordinates u = t − s·h'(t),
    v = h(t) + s the foot of the normal is (t, h(t)); at a projection the distance has its second
    derivative 1 + h'² − s·h'' ≥ 0. At an end t = a of the side, x with projection (a, h(a)) lies
    between that normal and the end of the box: u = a − θ·s·h'(a), v = h(a) + s, θ in [0, 1], with
    s·h'(a) ≤ 0 at the lower end and ≥ 0 at the upper one.
    """
    raw = fields(data, "curve", {"graph", "formula", "sign"}, set())
    terms, normal = statement.context.terms, statement.context.normal
    if statement.inside:
        raise ClaimError("curve: a graph is over a box without a ball")
    upward = text(raw["graph"], "curve")
    if upward not in statement.variables or raw["sign"] not in (1, -1):
        raise ClaimError("curve: a graph is of a variable, and its sign is 1 or -1")
    j = statement.variables.index(upward)
    name = statement.variables[1 - j]
    side, height = statement.box[1 - j], statement.box[j]
    h = terms.read(parse(text(raw["formula"], "curve")), {name: terms.var(name)})
    line, ends = (name,), (side,)
    more = tuple(dict.fromkeys(argument for _, argument in terms.partial(terms.order([h]))))
    goals = [Goal(f"curve.defined{k}", line, ends, node, True) for k, node in enumerate(more)]
    residual = facts.residual[0]
    if normal.of(terms.substitute(residual, {upward: h})):
        raise Rejected("curve: the residual is not 0 on the graph, as an identity")
    slope = terms.mul(terms.const(Fraction(raw["sign"])), terms.derivative(residual, upward))
    positive = (*facts.positive, *more)
    goals.append(
        Goal("curve.monotone", statement.variables, statement.box, slope, True, positive=positive)
    )
    low, high = height
    if low is not None:
        above = terms.sub(h, terms.const(low))
        goals.append(Goal("curve.low", line, ends, above, positive=positive))
    if high is not None:
        below = terms.sub(terms.const(high), h)
        goals.append(Goal("curve.high", line, ends, below, positive=positive))

    return _pieces(statement, j, h, more), tuple(goals), more


def _pieces(statement: Statement, j: int, h: Node, more: tuple[Node, ...]) -> tuple[Piece, ...]:
    """The normals of the graph of h, which is the j-th variable, and what projects on its ends."""
    terms = statement.context.terms
    name = statement.variables[1 - j]
    side, height = statement.box[1 - j], statement.box[j]

    def point(along: Node, value: Node) -> tuple[Node, ...]:
        return (along, value) if j == 1 else (value, along)

    def at(node: Node, place: Node) -> Node:
        return terms.substitute(node, {name: place})

    t, s = terms.var(ALONG), terms.var(AWAY)
    first = terms.derivative(h, name)
    second = terms.derivative(first, name)
    bend = terms.add(terms.one, terms.sub(terms.power(first, 2), terms.mul(s, second)))
    x = point(terms.sub(t, terms.mul(s, at(first, t))), terms.add(at(h, t), s))
    pieces = [
        Piece(
            (ALONG, AWAY),
            (side, _heights(statement, height, h, name, side)),
            x,
            point(t, at(h, t)),
            (*_within(statement, x), at(bend, t)),
            tuple(at(node, t) for node in more),
        )
    ]
    for lower, end in zip((True, False), side, strict=True):
        if end is None:
            continue
        a = terms.const(end)
        lean = terms.mul(t, terms.mul(s, at(first, a)))
        x = point(terms.sub(a, lean), terms.add(at(h, a), s))
        room = _heights(statement, height, at(h, a), name, side)
        rise = evaluate(terms, at(first, a), {})
        if rise[0] > 0:
            room = _half(room, not lower)
        elif rise[1] < 0:
            room = _half(room, lower)
        box = (Fraction(0), Fraction(1)), room
        pieces.append(Piece((ALONG, AWAY), box, x, point(a, at(h, a)), _within(statement, x)))
    return tuple(pieces)


def _within(statement: Statement, x: Sequence[Node]) -> tuple[Node, ...]:
    """x in the box, as expressions that are ≥ 0."""
    terms = statement.context.terms
    found = []
    for node, (lo, hi) in zip(x, statement.box, strict=True):
        if lo is not None:
            found.append(terms.sub(node, terms.const(lo)))
        if hi is not None:
            found.append(terms.sub(terms.const(hi), node))
    return tuple(found)


def _heights(statement: Statement, height: Ends, h: Node, name: str, side: Ends) -> Ends:
    """Where s = v − h lies for v in its side; outward."""
    lo, hi = height
    try:
        least, most = evaluate(statement.context.terms, h, {name: iv.between(*side)})
    except Undefined as error:
        raise Rejected("curve: the formula has no range on its side") from error
    if lo is not None:
        lo = _down(lo - iv.outward((most, most))[1]) if most.is_finite() else None
    if hi is not None:
        hi = _up(hi - iv.outward((least, least))[0]) if least.is_finite() else None
    return lo, hi


def _half(ends: Ends, up: bool) -> Ends:
    """The part of an interval above 0, or below."""
    lo, hi = ends
    zero = Fraction(0)
    if up:
        return (zero if lo is None else max(lo, zero), hi if hi is None else max(hi, zero))
    return (lo if lo is None else min(lo, zero), zero if hi is None else min(hi, zero))


def _down(x: Fraction) -> Fraction:
    return Fraction(floor(x * GRID), GRID)


def _up(x: Fraction) -> Fraction:
    return Fraction(ceil(x * GRID), GRID)


def _circle(statement: Statement, facts: Facts, data: Json) -> Found:
    """S = {|x − c| = ρ}: F = ±k·(|x − c|² − ρ²), an identity, with k > 0.

    The domain is R² or a ball around c that holds the circle. x = c + (ρ + s)·(cos t, sin t) with
    s ≥ −ρ has the nearest point c + ρ·(cos t, sin t), at x = c for every t.
    """
    raw = fields(data, "curve", {"center", "radius", "factor"}, set())
    terms, normal = statement.context.terms, statement.context.normal
    center = [rational(x, "curve") for x in items(raw["center"], "curve")]
    radius = rational(raw["radius"], "curve")
    if len(center) != 2 or radius <= 0:
        raise ClaimError("curve: a center with two coordinates, and a positive radius")
    if any(end is not None for pair in statement.box for end in pair):
        raise ClaimError("curve: a circle is in the plane, or in a ball with its center")
    steps = [terms.sub(x, terms.const(c)) for x, c in zip(statement.point, center, strict=True)]
    square = terms.dot(steps, steps)
    k = terms.read(
        parse(text(raw["factor"], "curve")),
        dict(zip(statement.variables, statement.point, strict=True)),
    )
    require_defined(statement.context, facts.positive, [k], "curve")
    whole = terms.mul(k, terms.sub(square, terms.const(radius * radius)))
    residual = facts.residual[0]
    if normal.of(terms.sub(residual, whole)) and normal.of(terms.add(residual, whole)):
        raise Rejected("curve: the residual is not the factor times the circle's equation")
    goal = Goal(
        "curve.factor",
        statement.variables,
        statement.box,
        k,
        True,
        statement.inside,
        positive=facts.positive,
    )
    most = _room(statement, square, radius)
    t, s = terms.var(ALONG), terms.var(AWAY)
    unit = terms.apply("cos", t), terms.apply("sin", t)

    def out(by: Node) -> tuple[Node, ...]:
        return tuple(
            terms.add(terms.const(c), terms.mul(by, u)) for c, u in zip(center, unit, strict=True)
        )

    rho = terms.const(radius)
    box: tuple[Ends, Ends] = (Fraction(0), TURN), (-radius, most)
    return (Piece((ALONG, AWAY), box, out(terms.add(rho, s)), out(rho)),), (goal,), ()


def _room(statement: Statement, square: Node, radius: Fraction) -> Fraction | None:
    """The largest s: the radius of the ball around the circle's center less the circle's."""
    if not statement.inside:
        return None
    terms, normal = statement.context.terms, statement.context.normal
    limit = normal.of(terms.add(statement.inside[0], square))  # R² where the centers are the same
    size = limit.terms.get((), Fraction(0))
    if limit.variables() or size < radius * radius:
        raise Rejected("curve: the ball is around the circle's center, and holds the circle")
    high = iv.outward(iv.sqrt(iv.rational(size)))[1]
    return _up(high - radius)
