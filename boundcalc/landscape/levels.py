"""Numbers of components of {f ≤ λ}: halve cells until the kernel's tests count them.

The kernel's own tests are asked, so what is found here is what the checker will accept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.paving import packed
from boundcalc.kernel.claim import digest
from boundcalc.kernel.levels.cells import Cells, Landscape
from boundcalc.kernel.levels.check import SCHEMA
from boundcalc.kernel.levels.components import (
    BELOW,
    CONVEX,
    CROSSED,
    INSIDE,
    OPEN,
    OUTSIDE,
    SLOPING,
    Branch,
    Count,
    Survey,
    barren,
    split,
    survey,
)
from boundcalc.landscape.surface import Surface, critical_points, nearby

PRECISION = 64
ROUNDS = 14  # of halving every axis
FIRST = 3  # rounds before the first count
MOST_LEAVES = 20_000

Progress = Callable[..., None]
Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Level:
    """A level with what is proved of it.

    components : a point of each group of cells that are not outside, where the count is exact.
    """

    level: Fraction
    count: Count
    components: tuple[Point, ...]
    proof: dict[str, Any]
    leaves: int
    root: Branch
    survey: Survey

    @property
    def exact(self) -> bool:
        return self.count.lower == self.count.upper


@dataclass
class Counter:
    """Counts components level by level; cells that were looked at are not looked at again."""

    landscape: Landscape
    progress: Progress | None = None
    candidates: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = Cells(self.landscape)
        self.surface = Surface(self.landscape)
        self.critical = critical_points(self.surface)
        for one in self.critical:
            if one.kind == "minimum":
                self.candidates += nearby(one.point)

    def count(self, level: Fraction, seconds: float) -> Level:
        """Bounds of the number of components; exact ones unless the time or the cells run out.

        Raises InputError where f cannot be shown to be defined on the box.
        """
        with iv.precision(PRECISION):
            return _Search(self, level, time.monotonic() + seconds).run()


class _Search:
    def __init__(self, counter: Counter, level: Fraction, until: float) -> None:
        self.counter, self.cells = counter, counter.cells
        self.level, self.edge, self.until = level, iv.rational(level), until
        self.root = Branch(self.cells.whole, OPEN)
        self.points = [point for point in counter.candidates if self._below(point)]
        self.stopped = False

    def _below(self, point: Point) -> bool:
        """Whether a point of the box is below the level."""
        box = self.counter.landscape.box
        if not all(lo <= x <= hi for x, (lo, hi) in zip(point, box, strict=True)):
            return False
        try:
            return bool(self.cells.at(point)[1] <= self.edge[0])
        except Undefined:
            return False

    def run(self) -> Level:
        leaves = [self.root]
        self._label(self.root)
        best: tuple[Survey, Count] | None = None
        for done in range(ROUNDS):
            leaves = self._halved(leaves)
            if self.counter.progress is not None:
                self.counter.progress(f"level {float(self.level):.6g}: cells", len(leaves))
            if done + 1 < FIRST and not self.stopped:
                continue
            for number, leaf in enumerate(leaves):
                leaf.number = number
            found = survey(self.cells, self.root, leaves, self.points, self.edge)
            best = found, found.count()
            if self.stopped or best[1].lower == best[1].upper or len(leaves) > MOST_LEAVES:
                break
        if best is None:  # pragma: no cover - ROUNDS > FIRST
            raise AssertionError
        return self._level(*best)

    def _halved(self, leaves: list[Branch]) -> list[Branch]:
        """One round: every leaf that is neither inside nor outside, in all its axes."""
        kept = [leaf for leaf in leaves if leaf.known in (*BELOW, OUTSIDE)]
        waiting = [leaf for leaf in leaves if leaf.known not in (*BELOW, OUTSIDE)]
        for place, leaf in enumerate(waiting):
            if self.stopped or (place % 64 == 0 and time.monotonic() > self.until):
                self.stopped = True
                kept.append(leaf)
                continue
            parts = [leaf]
            for axis in range(len(leaf.cell)):
                for part in parts:
                    low, high = (Branch(cell, OPEN) for cell in split(part.cell, axis))
                    part.halves, part.known, part.core = (low, high), OPEN, None
                parts = [half for part in parts for half in part.halves or ()]
            for part in parts:
                self._label(part)
            kept += parts
        return kept

    def _label(self, leaf: Branch) -> None:
        """The most that the kernel's tests say of a leaf."""
        cells, cell = self.cells, leaf.cell
        try:
            low, high = cells.range(cell)
        except Undefined:
            leaf.known = UNDEFINED
            return
        if low > self.edge[1]:
            leaf.known = OUTSIDE
            return
        below, empty = high <= self.edge[0], barren(cells, cell, self.edge)
        if below or empty:
            leaf.known = (SLOPING if empty else INSIDE) if below else CROSSED
            return
        core = cells.core(cell)
        if core is not None and cells.convex(core):
            leaf.known, leaf.core = CONVEX, core
            return
        leaf.known = OPEN

    def _level(self, found: Survey, count: Count) -> Level:
        undefined = [leaf for leaf in found.leaves if leaf.known == UNDEFINED]
        if undefined:
            box = ", ".join(
                f"{name} in [{float(self.cells.place(k, lo)):.6g}, "
                f"{float(self.cells.place(k, hi)):.6g}]"
                for k, (name, (lo, hi)) in enumerate(
                    zip(self.counter.landscape.variables, undefined[0].cell, strict=True)
                )
            )
            raise no_value(box)
        tree = bytearray()
        waiting = [self.root]
        while waiting:
            branch = waiting.pop()
            if branch.halves is None:
                tree.append(branch.known)
                continue
            tree.append(_axis(branch))
            waiting += [branch.halves[1], branch.halves[0]]
        points = [[str(x) for x in point] for point in self.points]
        proof = {"tree": packed(bytes(tree)), "points": points}
        shown = tuple(self._representatives(found)) if count.lower == count.upper else ()
        return Level(self.level, count, shown, proof, len(found.leaves), self.root, found)

    def _representatives(self, found: Survey) -> list[Point]:
        """A point of each group: the middle of its lowest leaf below, or a point at hand."""
        best: dict[int, tuple[float, Point]] = {}
        for leaf in found.leaves:
            if leaf.known in BELOW:
                group = found.possible.of(leaf.number)
                height = float(self.cells.range(leaf.cell)[1])
                if group not in best or height < best[group][0]:
                    middle = tuple(
                        self.cells.place(k, (lo + hi) >> 1) for k, (lo, hi) in enumerate(leaf.cell)
                    )
                    best[group] = height, middle
        for point in self.points:
            for leaf in found.leaves:
                group = found.possible.of(leaf.number)
                if group not in best and leaf.number in found.shown and self._in(leaf, point):
                    best[group] = float(self.level), point
        return [best[group][1] for group in sorted(best, key=lambda key: best[key][1])]

    def _in(self, leaf: Branch, point: Point) -> bool:
        sides = enumerate(zip(leaf.cell, point, strict=True))
        return all(
            self.cells.place(k, lo) <= x <= self.cells.place(k, hi) for k, ((lo, hi), x) in sides
        )


UNDEFINED = OPEN + 1  # no byte of the kernel's: f may have no value


def no_value(where: str) -> InputError:
    """The function is not defined, or not shown to be, somewhere on its box."""
    fix = "take a domain on which every root, logarithm and quotient is defined"
    found = f"a function that may have no value ({where})"
    return InputError(Fault("formula", found, "a continuous function", fix))


def _axis(branch: Branch) -> int:
    """The axis that a node's halves cut."""
    low = (branch.halves or (branch,))[0].cell
    return next(k for k, side in enumerate(branch.cell) if side != low[k])


def certificate(landscape: Landscape, levels: Sequence[Level]) -> dict[str, Any]:
    """The JSON value that `boundcalc verify` checks."""
    claim = {
        "landscape": {
            "variables": list(landscape.variables),
            "formula": landscape.formula,
            "domain": {
                name: [str(lo), str(hi)]
                for name, (lo, hi) in zip(landscape.variables, landscape.box, strict=True)
            },
        },
        "levels": [
            {"level": str(one.level), "lower": one.count.lower, "upper": one.count.upper}
            for one in levels
        ],
    }
    return {
        "schema": SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "precision": PRECISION,
        "proofs": [one.proof for one in levels],
    }
