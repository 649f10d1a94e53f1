"""Cells of a bounded box: where f is, and where the lowest points of components may lie.

A component C of {f ≤ λ} is compact, so f has a lowest point p on it. From p no straight line within
the box goes down at once: its beginning would belong to C. These are the tests of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import CONSTANTS, FUNCTIONS, parse
from boundcalc.kernel.analytic.goal import Program
from boundcalc.kernel.analytic.interval import Interval, Undefined
from boundcalc.kernel.analytic.paving import matrix, semidefinite
from boundcalc.kernel.analytic.statement import ends
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.claim import ClaimError, Json, fields, identifier, items, text

MAX_VARIABLES = 2
BITS = 48  # halvings of each axis: corners of cells are whole numbers of 2^-BITS of a side
UNIT = 1 << BITS

Side: TypeAlias = tuple[int, int]
Cell: TypeAlias = tuple[Side, ...]  # in units of 2^-BITS of the sides of the box
Slopes: TypeAlias = list[Interval]


@dataclass(frozen=True)
class Landscape:
    """A function and the bounded box on which it is looked at."""

    variables: tuple[str, ...]
    formula: str
    box: tuple[tuple[Fraction, Fraction], ...]


def read_landscape(data: Json) -> Landscape:
    """{"variables": ["x", "y"], "formula": ..., "domain": {"x": ["-2", "2"], ...}}.

    Raises ClaimError.
    """
    raw = fields(data, "landscape", {"variables", "formula", "domain"}, set())
    names = tuple(identifier(name, "variables") for name in items(raw["variables"], "variables"))
    if not 1 <= len(names) <= MAX_VARIABLES or len(set(names)) < len(names):
        raise ClaimError(f"landscape: between 1 and {MAX_VARIABLES} different variables")
    if set(names) & {*FUNCTIONS, *CONSTANTS}:
        raise ClaimError("landscape: a variable has the name of a function or of a constant")
    domain = fields(raw["domain"], "domain", set(names), set())
    box = []
    for name in names:
        lo, hi = ends(domain[name], f"domain.{name}")
        if lo is None or hi is None or not lo < hi:
            raise ClaimError(f"domain.{name}: expected two finite ends, the lower one below")
        box.append((lo, hi))
    return Landscape(names, text(raw["formula"], "formula"), tuple(box))


class Cells:
    """Tests of cells. Search may ask them; the checker relies on them."""

    def __init__(self, landscape: Landscape) -> None:
        """Raises GrammarError."""
        self.landscape = landscape
        self.whole: Cell = ((0, UNIT),) * len(landscape.variables)
        terms = Terms()
        names = {name: terms.var(name) for name in landscape.variables}
        f = terms.read(parse(landscape.formula), names)
        written = range(len(terms.nodes))  # also what a factor 0 removes must be defined
        gradient = [terms.derivative(f, name) for name in names]
        size = len(gradient)
        hessian = [
            terms.derivative(gradient[i], landscape.variables[j])
            for i in range(size)
            for j in range(i + 1)
        ]
        self._value = Program(terms, [f, *written])
        self._slopes = Program(terms, gradient)
        # a sign has the derivative 0 beside its jump only: where it jumps, there is no second one
        self._second = Program(terms, [*hessian, *terms.signs([f, *gradient])])
        self._ranges: dict[Cell, Interval] = {}
        self._cores: dict[Cell, Cell | None] = {}

    def place(self, axis: int, at: int) -> Fraction:
        """The coordinate of a corner."""
        lo, hi = self.landscape.box[axis]
        return lo + (hi - lo) * Fraction(at, UNIT)

    def _values(self, cell: Cell) -> dict[str, Interval]:
        return {
            name: iv.between(self.place(k, lo), self.place(k, hi))
            for k, (name, (lo, hi)) in enumerate(zip(self.landscape.variables, cell, strict=True))
        }

    def at(self, point: Sequence[Fraction]) -> Interval:
        """f at a point. Raises Undefined."""
        pairs = zip(self.landscape.variables, point, strict=True)
        return self._value({name: iv.rational(x) for name, x in pairs})[0]

    def range(self, cell: Cell) -> Interval:
        """f on a cell: by intervals and by the mean value theorem. Raises Undefined.

        That it is found shows that f is defined and continuous there.
        """
        found = self._ranges.get(cell)
        if found is None:
            values = self._values(cell)
            found = self._value(values)[0]
            try:
                middle, steps = self._middle(cell)
                found = iv.meet(found, _moved(self._value(middle)[0], self._slopes(values), steps))
            except Undefined:  # no derivative: a root of what may be 0
                pass
            self._ranges[cell] = found
        return found

    def slopes(self, cell: Cell) -> Slopes:
        """∇f on a cell, in the same two ways. Raises Undefined."""
        values = self._values(cell)
        second = matrix(self._second(values), len(cell))
        middle, steps = self._middle(cell)
        here = zip(self._slopes(values), self._slopes(middle), second, strict=True)
        return [iv.meet(wide, _moved(thin, row, steps)) for wide, thin, row in here]

    def second(self, cell: Cell) -> list[list[Interval]]:
        """∇²f on a cell. Raises Undefined."""
        return matrix(self._second(self._values(cell)), len(cell))

    def _middle(self, cell: Cell) -> tuple[Mapping[str, Interval], list[Interval]]:
        """The middle of a cell, and the steps from there to its points."""
        values, steps = {}, []
        for k, (name, (lo, hi)) in enumerate(zip(self.landscape.variables, cell, strict=True)):
            centre = self.place(k, lo + hi) / 2 + self.place(k, 0) / 2
            values[name] = iv.rational(centre)
            steps.append(iv.between(self.place(k, lo) - centre, self.place(k, hi) - centre))
        return values, steps

    def core(self, cell: Cell) -> Cell | None:
        """The part of a cell in which lowest points of components can be; None where none can."""
        if cell not in self._cores:
            self._cores[cell] = self._core(cell)
        return self._cores[cell]

    def _core(self, cell: Cell) -> Cell | None:
        part: Cell | None = cell
        try:
            while part is not None:
                left = self.level_part(part)
                if left is not None:
                    left = self._bowl_part(left)
                if left == part:
                    return part
                part = left
        except Undefined:
            return part
        return None

    def level_part(self, cell: Cell) -> Cell | None:
        """First order: where ∂f/∂x_k > 0, points above the lower face have one lower beside them.

        Likewise below the upper face where ∂f/∂x_k < 0. Raises Undefined.
        """
        sides = list(cell)
        for k, slope in enumerate(self.slopes(cell)):
            lo, hi = cell[k]
            if slope[0] > 0:
                sides[k] = (0, 0)
                if lo != 0:
                    return None
            elif slope[1] < 0:
                sides[k] = (UNIT, UNIT)
                if hi != UNIT:
                    return None
        return tuple(sides)

    def _bowl_part(self, cell: Cell) -> Cell | None:
        """Second order: where f bends down along a line, one of its two directions goes down.

        The line must stay in the box for a while: on a face that it crosses, nothing is said.
        Raises Undefined.
        """
        second = self.second(cell)
        sides = list(cell)
        for k, (lo, hi) in enumerate(cell):
            if second[k][k][1] < 0:
                if lo != 0 and hi != UNIT:
                    return None
                if hi != UNIT:
                    sides[k] = (0, 0)
                elif lo != 0:
                    sides[k] = (UNIT, UNIT)
        inner = all(lo != 0 and hi != UNIT for lo, hi in cell)
        if inner and len(cell) == 2:
            (a, b), (_, c) = second
            if iv.sub(iv.mul(a, c), iv.power(b, 2))[1] < 0:  # an eigenvalue is negative
                return None
        return tuple(sides)

    def convex(self, cell: Cell) -> bool:
        """Whether f is convex on a cell, as a function of the coordinates that vary there."""
        try:
            second = self.second(cell)
        except Undefined:
            return False
        kept = [k for k, (lo, hi) in enumerate(cell) if lo < hi]
        return semidefinite([[second[i][j] for j in kept] for i in kept])


def _moved(start: Interval, slopes: Sequence[Interval], steps: Sequence[Interval]) -> Interval:
    """start + slopes·steps."""
    for slope, step in zip(slopes, steps, strict=True):
        start = iv.add(start, iv.mul(slope, step))
    return start
