"""The rule "paving": a tree of halvings of the box; each leaf is closed by one evaluation.

The tree is a string of bytes in depth-first order, lower half first: a byte below 64 halves that
axis, 64 + k closes the leaf by the k-th rule. Boxes are never stored: the checker halves them
itself, so the leaves cover the box by construction.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import (
    Box,
    Context,
    Ends,
    Goal,
    MatrixGoal,
    Program,
    inside,
    intervals,
)
from boundcalc.kernel.analytic.interval import Interval, Undefined
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected

MAX_TREE = 20_000_000  # bytes
MAX_DEPTH = 400
MAX_BITS = 4_096  # of the coordinates of a point

# leaf rules: how g ≥ 0 is seen on a cell
NATURAL, MEAN, CONVEX, CONVEX_AT, ANCHOR, OUTSIDE, SKIP, FLAT = range(8)
MOST_FLAT = 8  # order of the derivative that FLAT may go to
RIDGE = 16  # the goal is 0 to second order where one variable is 0
SHARP = 8  # added to CONVEX, CONVEX_AT, ANCHOR: second derivatives by their mean value form
LEAF = 64


def halves(ends: Ends) -> tuple[Ends, Ends]:
    """An interval cut at its middle; an unbounded one at 0 or at twice its finite end."""
    lo, hi = ends
    if lo is None and hi is None:
        middle = Fraction(0)
    elif lo is None:
        middle = 2 * hi - 1 if hi is not None and hi <= 0 else Fraction(0)
    elif hi is None:
        middle = 2 * lo + 1 if lo >= 0 else Fraction(0)
    else:
        middle = (lo + hi) / 2
    return (lo, middle), (middle, hi)


def bounded(box: Box) -> tuple[tuple[Fraction, Fraction], ...] | None:
    """The box, where it is bounded."""
    cell = tuple((lo, hi) for lo, hi in box if lo is not None and hi is not None)
    return cell if len(cell) == len(box) else None


@dataclass(frozen=True)
class Ridge:
    """Of a goal g and an axis: g with its first two derivatives along it; the second of them, and
    that one's gradient."""

    whole: Program
    bend: Program
    third: Program


class Leaves:
    """Tests of single cells for one goal. Search may ask them; the checker relies on them."""

    def __init__(self, context: Context, goal: Goal, form: str = "factored") -> None:
        t = context.terms
        self.goal = goal
        # derivatives in normal form, where the goal is: what cancels there cancels exactly
        shape = context.derived if form != "factored" else lambda node: node
        self.names = goal.variables
        self.parameters = {name: iv.between(*ends) for name, ends in goal.parameters.items()}
        plain = [t.derivative(goal.term, name) for name in self.names]
        # where the sign of u jumps, its derivative does not exist, though it is written as 0
        self.jumps = Program(t, t.signs([goal.term, *plain]))
        gradient = [shape(slope) for slope in plain]
        self.size = len(self.names)
        hessian = [
            shape(t.derivative(gradient[i], self.names[j]))
            for i in range(self.size)
            for j in range(i + 1)
        ]
        self._terms, self._normal, self._shape = t, context.normal, shape
        self._hessian_nodes = hessian
        self.value = Program(t, [goal.term])
        self.first = Program(t, [goal.term, *gradient])
        self.slopes = Program(t, gradient)
        self.second = Program(t, hessian)
        self._third: Program | None = None
        self.constraints = Program(t, goal.constraints)
        self._ridges: dict[int, Ridge | None] = {}

    def third(self) -> Program:
        """Derivatives of the second derivatives, made when first asked for."""
        if self._third is None:
            nodes: list[Node] = [
                self._terms.derivative(node, name)
                for node in self._hessian_nodes
                for name in self.names
            ]
            self._third = Program(self._terms, nodes)
        return self._third

    def values(self, box: Box) -> dict[str, Interval]:
        return intervals(self.names, box) | self.parameters

    def at(self, point: Sequence[Fraction]) -> dict[str, Interval]:
        pairs = zip(self.names, point, strict=True)
        return {name: iv.rational(x) for name, x in pairs} | self.parameters

    def enough(self, low: Interval) -> bool:
        """Whether a lower bound is what the goal asks for."""
        return bool(low[0] > 0) if self.goal.strict else bool(low[0] >= 0)

    def holds(self, rule: int, box: Box, point: Sequence[Fraction] | None, anchor: int) -> bool:
        """Whether one rule closes a cell."""
        try:
            return self._holds(rule, box, point, anchor)
        except Undefined:
            return False

    def _holds(self, rule: int, box: Box, point: Sequence[Fraction] | None, anchor: int) -> bool:
        if rule == NATURAL:
            return self.enough(self.value(self.values(box))[0])
        if rule == OUTSIDE:
            return any(c[1] < 0 for c in self.constraints(self.values(box)))
        if rule == SKIP:
            return any(inside(box, hole) for hole in self.goal.skip)
        if rule == RIDGE:
            return self._ridge(box, anchor)
        cell = bounded(box)
        sharp, rule = rule >= SHARP, rule % SHARP
        if rule == ANCHOR:
            if not 0 <= anchor < len(self.goal.anchors) or self.goal.strict:
                return False
            at = self.goal.anchors[anchor].at
            return self._convex(_joined(box, at), at, sharp)
        if rule == FLAT:
            return not sharp and self._flat(box, anchor)
        foot = point
        if rule != CONVEX_AT and cell is not None:
            foot = [(lo + hi) / 2 for lo, hi in cell]
        if foot is None:
            return False
        if rule == MEAN:
            self.jumps(self.values(box))
            return self.enough(self._plane(box, foot, self.slopes(self.values(box))))
        place = tuple((x, x) for x in foot)
        return (
            rule in (CONVEX, CONVEX_AT)
            and self._convex(_joined(box, place), place, sharp)
            and self.enough(self._plane(box, foot, None))
        )

    def ridge(self, axis: int) -> Ridge | None:
        """What shows the goal beside the place where a variable is 0, if the goal and its slope
        along that axis are identically 0 there."""
        if axis not in self._ridges:
            t, name = self._terms, self.names[axis]
            slope = self._shape(t.derivative(self.goal.term, name))
            try:
                flat = [t.substitute(n, {name: t.zero}) for n in (self.goal.term, slope)]
                zero = not any(map(self._normal.of, flat))
            except GrammarError:  # a division by 0 there
                zero = False
            self._ridges[axis] = None
            if zero:
                bend = self._shape(t.derivative(slope, name))
                third = [self._shape(t.derivative(bend, name)) for name in self.names]
                whole = Program(t, [self.goal.term, slope, bend])
                self._ridges[axis] = Ridge(whole, Program(t, [bend]), Program(t, third))
        return self._ridges[axis]

    def _ridge(self, box: Box, axis: int) -> bool:
        """g(x) = ∫ (x_k − y) ∂²g/∂x_k² dy from 0 to x_k: ≥ 0 where the second derivative is.

        Goal and slope are evaluated too, so that they are defined from the cell to where x_k = 0.
        """
        if self.goal.strict or not 0 <= axis < self.size:
            return False
        ridge = self.ridge(axis)
        if ridge is None:
            return False
        lo, hi = box[axis]
        zero = Fraction(0)
        side = (None if lo is None else min(lo, zero), None if hi is None else max(hi, zero))
        whole = (*box[:axis], side, *box[axis + 1 :])
        values = self.values(whole)
        *_, bend = ridge.whole(values)
        if bend[0] >= 0:
            return True
        cell = bounded(whole)
        if cell is None:
            return False
        middle = [(a + b) / 2 for a, b in cell]
        (low,) = ridge.bend(self.at(middle))
        for slope, (a, b), x in zip(ridge.third(values), cell, middle, strict=True):
            low = iv.add(low, iv.mul(slope, iv.between(a - x, b - x)))
        return bool(low[0] >= 0)

    def _flat(self, box: Box, anchor: int) -> bool:
        """One variable: all derivatives below an even order are exactly 0 at an anchor, and that of
        the order is ≥ 0 from there to the cell."""
        if not 0 <= anchor < len(self.goal.anchors) or self.goal.strict or self.size != 1:
            return False
        place = self.goal.anchors[anchor]
        if place.point is None or self._terms.kinks([self.goal.term], MOST_FLAT):
            return False
        t, (name,) = self._terms, self.names
        node = self._hessian_nodes[0]
        joined = self.values(_joined(box, place.at))
        for _ in range(4, MOST_FLAT + 1, 2):
            odd = t.derivative(node, name)
            for below in (node, odd):
                if self._normal.of(t.substitute(below, {name: place.point[0]})):
                    return False
            node = self._shape(t.derivative(odd, name))
            (low,) = Program(t, [node])(joined)
            if low[0] >= 0:
                return True
        return False

    def _plane(
        self,
        cell: Box,
        foot: Sequence[Fraction],
        slopes: list[Interval] | None,
    ) -> Interval:
        """g(foot) + slopes·(cell − foot); the gradient at the foot where none are given."""
        low, *own = self.first(self.at(foot))
        for slope, (lo, hi), x in zip(slopes or own, cell, foot, strict=True):
            step = iv.between(None if lo is None else lo - x, None if hi is None else hi - x)
            low = iv.add(low, iv.mul(slope, step))
        return low

    def _convex(
        self,
        cell: Box,
        at: tuple[tuple[Fraction, Fraction], ...],
        sharp: bool,
    ) -> bool:
        """Whether the second derivatives are positive semidefinite on a cell around `at`."""
        values = self.values(cell)
        self.jumps(values)
        second = self.second(values)
        if sharp:
            base = self.second(intervals(self.names, at) | self.parameters)
            third = iter(self.third()(values))
            steps = [
                iv.sub(values[name], iv.between(*ends))
                for name, ends in zip(self.names, at, strict=True)
            ]
            for k, entry in enumerate(base):
                total = entry
                for step in steps:
                    total = iv.add(total, iv.mul(next(third), step))
                second[k] = iv.meet(second[k], total)
        return semidefinite(matrix(second, self.size))


def _joined(a: Box, b: Sequence[tuple[Fraction, Fraction]]) -> Box:
    return tuple(
        (None if p is None else min(p, r), None if q is None else max(q, s))
        for (p, q), (r, s) in zip(a, b, strict=True)
    )


def matrix(lower: Sequence[Interval], size: int) -> list[list[Interval]]:
    """A symmetric matrix from its lower triangle, row by row."""
    rows: list[list[Interval]] = [[iv.ZERO] * size for _ in range(size)]
    entries = iter(lower)
    for i in range(size):
        for j in range(i + 1):
            rows[i][j] = rows[j][i] = next(entries)
    return rows


def semidefinite(rows: list[list[Interval]], strict: bool = False) -> bool:
    """Whether every symmetric matrix in the interval matrix is positive semidefinite (definite).

    Sizes 1 and 2 by minors; larger ones by elimination, which needs positive pivots before the
    last. Rows of zeros are dropped first where semidefinite is enough.
    """
    if not strict:
        kept = [i for i, row in enumerate(rows) if any(x[0] != 0 or x[1] != 0 for x in row)]
        rows = [[rows[i][j] for j in kept] for i in kept]
    if len(rows) == 2 and not strict:
        (a, b), (_, c) = rows
        minor = iv.sub(iv.mul(a, c), iv.power(b, 2))
        return bool(a[0] >= 0 and c[0] >= 0 and minor[0] >= 0)
    while rows:
        pivot = rows[0][0]
        if not (pivot[0] > 0 or (len(rows) == 1 and not strict and pivot[0] >= 0)):
            return False
        below = rows[1:]
        rows = [
            [
                iv.sub(
                    row[j],
                    iv.mul(iv.power(row[0], 2), iv.inv(pivot))
                    if i == j
                    else iv.mul(iv.mul(row[0], rows[0][j]), iv.inv(pivot)),
                )
                for j in range(1, len(row))
            ]
            for i, row in enumerate(below, start=1)
        ]
    return True


def unpacked(text: str) -> bytes:
    """The tree's bytes from base64 of zlib. Raises Rejected."""
    try:
        packed = base64.b64decode(text, validate=True)
        reader = zlib.decompressobj()
        tree = reader.decompress(packed, MAX_TREE)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Rejected(f"paving: not a packed tree: {error}") from error
    if not reader.eof or reader.unused_data:
        raise Rejected("paving: the packed tree is too long, or cut")
    return tree


def packed(tree: bytes) -> str:
    """The inverse of `unpacked`."""
    return base64.b64encode(zlib.compress(tree, 9)).decode("ascii")


def walk(leaves: Leaves | MatrixLeaves, tree: bytes, points: Sequence[Sequence[Fraction]]) -> int:
    """Replay a tree on the goal's box; how many leaves it closed. Raises Rejected."""
    waiting: list[tuple[Box, int]] = [(leaves.goal.box, 0)]
    place = used = closed = 0
    while waiting:
        box, depth = waiting.pop()
        if place >= len(tree):
            raise Rejected("paving: the tree ends too early")
        code = tree[place]
        place += 1
        if code < LEAF:
            if code >= len(box) or depth >= MAX_DEPTH:
                raise Rejected("paving: the tree halves an axis that is not there, or too often")
            low, high = halves(box[code])
            for half in (high, low):
                waiting.append(((*box[:code], half, *box[code + 1 :]), depth + 1))
            continue
        rule, point, anchor = code - LEAF, None, -1
        if rule % SHARP == CONVEX_AT:
            if used >= len(points):
                raise Rejected("paving: a point is missing")
            point = points[used]
            used += 1
        if rule == RIDGE or rule % SHARP in (ANCHOR, FLAT):
            if place >= len(tree):
                raise Rejected("paving: the tree ends too early")
            anchor = tree[place]
            place += 1
        if not leaves.holds(rule, box, point, anchor):
            raise Rejected(f"paving of {leaves.goal.name}: leaf {closed} is not closed by its rule")
        closed += 1
    if place != len(tree) or used != len(points):
        raise Rejected("paving: something is left over")
    return closed


class MatrixLeaves:
    """Tests of single cells for a matrix that is to be positive (semi)definite."""

    def __init__(self, context: Context, goal: MatrixGoal) -> None:
        t = context.terms
        self.goal = goal
        self.names = goal.variables
        self.parameters = {name: iv.between(*ends) for name, ends in goal.parameters.items()}
        self.size = len(goal.rows)
        lower = [goal.rows[i][j] for i in range(self.size) for j in range(i + 1)]
        self.entries = Program(t, lower)
        self.constraints = Program(t, goal.constraints)
        self._slopes: Program | None = None
        self._terms, self._lower = t, lower

    def holds(self, rule: int, box: Box, point: Sequence[Fraction] | None, anchor: int) -> bool:
        """Whether one rule closes a cell; only NATURAL, MEAN and OUTSIDE are for matrices."""
        try:
            values = intervals(self.names, box) | self.parameters
            if rule == OUTSIDE:
                return any(c[1] < 0 for c in self.constraints(values))
            if rule == NATURAL:
                return semidefinite(matrix(self.entries(values), self.size), self.goal.strict)
            cell = bounded(box)
            if rule != MEAN or cell is None:
                return False
            return semidefinite(matrix(self._mean(cell, values), self.size), self.goal.strict)
        except Undefined:
            return False

    def _mean(
        self, cell: tuple[tuple[Fraction, Fraction], ...], values: dict[str, Interval]
    ) -> list[Interval]:
        if self._slopes is None:
            nodes = [self._terms.derivative(e, name) for e in self._lower for name in self.names]
            self._slopes = Program(self._terms, nodes)
        centre = [(lo + hi) / 2 for lo, hi in cell]
        at = {name: iv.rational(x) for name, x in zip(self.names, centre, strict=True)}
        slopes = iter(self._slopes(values))
        found = []
        for entry in self.entries(at | self.parameters):
            total = entry
            for (lo, hi), x in zip(cell, centre, strict=True):
                total = iv.add(total, iv.mul(next(slopes), iv.between(lo - x, hi - x)))
            found.append(total)
        return [iv.meet(a, b) for a, b in zip(found, self.entries(values), strict=True)]
