"""Branch and bound: halve boxes until one of the kernel's leaf rules closes each.

The kernel's own leaf tests are asked, so a tree that is found is a tree that is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Box, Context, Ends, Goal, MatrixGoal
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import TooMany
from boundcalc.kernel.analytic.paving import (
    ANCHOR,
    CONVEX,
    CONVEX_AT,
    FLAT,
    LEAF,
    MEAN,
    NATURAL,
    OUTSIDE,
    RIDGE,
    SHARP,
    SKIP,
    Leaves,
    MatrixLeaves,
    bounded,
    halves,
    packed,
)
from boundcalc.kernel.polynomial import TooLarge
from boundcalc.search.prove.budget import Budget, Stopped

PATIENCE = 2.0  # seconds before the number of boxes is foretold
HOPELESS = 50  # times the time there is
BITS = 60  # of the coordinates of points in certificates
NARROW = Fraction(1, 10**14)  # boxes are not halved below this share of the whole


@dataclass(frozen=True)
class Paved:
    """A tree that closes the whole box."""

    proof: dict[str, Any]
    leaves: int


def pave(
    context: Context,
    goal: Goal | MatrixGoal,
    form: str,
    budget: Budget,
    most: int,
    strategy: str = "all",
) -> Paved | Stopped:
    """A paving of the goal (already in its form), or why there is none.

    most : leaves; strategy : "all" rules, or "plain" (no second derivatives).
    """
    work = _Paver(context, goal, form, budget, most, strategy)
    why = work.run()
    if why is not None:
        return why
    proof: dict[str, Any] = {"rule": "paving", "tree": packed(bytes(work.tree))}
    if isinstance(goal, Goal) and form != "factored":
        proof["form"] = form
    if work.points:
        proof["points"] = [[str(x) for x in point] for point in work.points]
    return Paved(proof, work.closed)


class _Paver:
    def __init__(
        self,
        context: Context,
        goal: Goal | MatrixGoal,
        form: str,
        budget: Budget,
        most: int,
        strategy: str,
    ) -> None:
        self.goal = goal
        self.scalar = Leaves(context, goal, form) if isinstance(goal, Goal) else None
        self.leaves: Leaves | MatrixLeaves = (
            self.scalar if self.scalar is not None else MatrixLeaves(context, goal)  # type: ignore[arg-type]
        )
        self.budget = budget
        self.most = most
        self.plain = strategy == "plain"
        self.sharp = self.scalar is not None and len(goal.variables) <= 3
        self.tree = bytearray()
        self.points: list[tuple[Fraction, ...]] = []
        self.closed = 0
        self.share = 0.0  # of the whole box, by halvings
        self.ridges = self.find_ridges() if not self.plain else []
        self.whole = [Fraction(1) if lo is None or hi is None else hi - lo for lo, hi in goal.box]

    def find_ridges(self) -> list[int]:
        """Variables at whose 0 the goal is 0 to second order."""
        if self.scalar is None or self.scalar.goal.strict:
            return []
        try:
            return [k for k in range(self.scalar.size) if self.scalar.ridge(k) is not None]
        except (TooMany, TooLarge):
            return []

    def run(self) -> Stopped | None:
        waiting: list[tuple[Box, int]] = [(self.goal.box, 0)]
        while waiting:
            box, depth = waiting.pop()
            if self.close(box):
                self.closed += 1
                self.share += 0.5**depth
                if self.closed >= self.most:
                    return Stopped("paving", f"more than {self.most} boxes")
                continue
            if self.closed % 64 == 0 and self.budget.left() == 0:
                return Stopped("paving", f"time ran out after {self.closed} boxes")
            why = self.hopeless(box, depth)
            if why is not None:
                return why
            axis = self.axis(box)
            self.tree.append(axis)
            low, high = halves(box[axis])
            for half in (high, low):
                waiting.append(((*box[:axis], half, *box[axis + 1 :]), depth + 1))
            if len(self.tree) % 512 == 0:
                self.budget.tell("halving boxes", self.closed)
                if self.budget.left() == 0:
                    return Stopped("paving", f"time ran out after {self.closed} boxes")
                why = self.endless()
                if why is not None:
                    return why
        return None

    def endless(self) -> Stopped | None:
        """Whether the boxes that are likely to be needed take far longer than there is time."""
        spent = self.budget.spent()
        if spent < PATIENCE or not self.share:
            return None
        seconds = spent / self.share
        if seconds < HOPELESS * (spent + self.budget.left()):
            return None
        count = self.closed / self.share
        return Stopped("paving", f"some {count:.0e} boxes are needed, or {seconds:.0e} seconds")

    def leaf(self, rule: int, *more: int) -> bool:
        self.tree.extend([LEAF + rule, *more])
        return True

    def holds(self, rule: int, box: Box) -> bool:
        return self.leaves.holds(rule, box, None, -1)

    def close(self, box: Box) -> bool:
        """Close a box by the first rule that does."""
        if self.holds(NATURAL, box):
            return self.leaf(NATURAL)
        goal = self.goal
        if isinstance(goal, Goal) and goal.skip and self.holds(SKIP, box):
            return self.leaf(SKIP)
        if goal.constraints and self.holds(OUTSIDE, box):
            return self.leaf(OUTSIDE)
        if self.holds(MEAN, box):
            return self.leaf(MEAN)
        if self.scalar is None or self.plain:
            return False
        for axis in self.ridges:
            if _beside(box[axis]) and self.scalar.holds(RIDGE, box, None, axis):
                return self.leaf(RIDGE, axis)
        if bounded(box) is None:
            return self.tail(self.scalar, box)
        return self.convex(self.scalar, box)

    def tail(self, leaves: Leaves, box: Box) -> bool:
        """An unbounded cell on which the goal is convex."""
        for index in self.near(box):
            if leaves.holds(ANCHOR, box, None, index):
                return self.leaf(ANCHOR, index)
        foot = tuple(
            lo if lo is not None else hi if hi is not None else Fraction(0) for lo, hi in box
        )
        if leaves.holds(CONVEX_AT, box, foot, -1):
            self.points.append(foot)
            return self.leaf(CONVEX_AT)
        return False

    def convex(self, leaves: Leaves, box: Box) -> bool:
        for index in self.near(box):
            rules = [ANCHOR, *([ANCHOR + SHARP] if self.sharp else [])]
            if len(self.goal.variables) == 1:
                rules.append(FLAT)
            for rule in rules:
                if leaves.holds(rule, box, None, index):
                    return self.leaf(rule, index)
        if self.holds(CONVEX, box):
            return self.leaf(CONVEX)
        if self.sharp and self.holds(CONVEX + SHARP, box):
            return self.leaf(CONVEX + SHARP)
        cell = bounded(box)
        try:
            if cell is None or not leaves._convex(cell, cell, False):
                return False
        except Undefined:
            return False
        foot = self.lowest(leaves, cell)
        if foot is not None and leaves.holds(CONVEX_AT, box, foot, -1):
            self.points.append(foot)
            return self.leaf(CONVEX_AT)
        return False

    def near(self, box: Box) -> list[int]:
        """Anchors that are not much further from the box than it is wide."""
        if not isinstance(self.goal, Goal):
            return []
        found = []
        for index, anchor in enumerate(self.goal.anchors):
            gaps = [
                max(Fraction(0), a - hi, lo - b) <= 2 * (hi - lo)
                for (a, b), (lo, hi) in zip(anchor.at, box, strict=True)
                if lo is not None and hi is not None  # an unbounded cell is wide enough
            ]
            if all(gaps):
                found.append(index)
        return found

    def lowest(
        self, leaves: Leaves, cell: Sequence[tuple[Fraction, Fraction]]
    ) -> tuple[Fraction, ...] | None:
        """Newton's method for the lowest point of a convex cell, in rationals of few bits."""
        point = [(lo + hi) / 2 for lo, hi in cell]
        size = len(point)
        for _ in range(6):
            try:
                at = leaves.at(point)
                _, *slopes = leaves.first(at)
                flat = leaves.second(at)
            except Undefined:
                return None
            rows = [[0.0] * size for _ in range(size)]
            entries = iter(flat)
            for i in range(size):
                for j in range(i + 1):
                    rows[i][j] = rows[j][i] = _middle(next(entries))
            step = _solved(rows, [_middle(s) for s in slopes])
            if step is None:
                return None
            moved = []
            for x, s, (lo, hi) in zip(point, step, cell, strict=True):
                target = x - Fraction(s)
                moved.append(_short(min(max(target, lo), hi), hi - lo))
            if moved == point:
                break
            point = moved
        return tuple(point)

    def hopeless(self, box: Box, depth: int) -> Stopped | None:
        """Whether the goal fails inside the box, or halving it again makes no sense."""
        cell = bounded(box)
        if cell is None:
            return Stopped("paving", "an unbounded box stays open") if depth > 12 else None
        narrow = all(
            hi - lo <= NARROW * whole for (lo, hi), whole in zip(cell, self.whole, strict=True)
        )
        middle = tuple(float((lo + hi) / 2) for lo, hi in cell)
        if narrow:
            return Stopped("paving", f"boxes stay open near {_shown(middle)}", middle)
        if self.scalar is None or depth % 4:
            return None
        try:
            at = self.scalar.at([(lo + hi) / 2 for lo, hi in cell])
            value = self.scalar.value(at)[0]
            limits = self.scalar.constraints(at)
        except Undefined:
            return None
        if value[1] < 0 and all(c[0] >= 0 for c in limits):
            return Stopped("paving", f"the inequality fails near {_shown(middle)}", middle)
        return None

    def axis(self, box: Box) -> int:
        """The axis to halve: an unbounded one, else where slope times width is largest."""
        for k, (lo, hi) in enumerate(box):
            if lo is None or hi is None:
                return k
        cell = bounded(box) or ()
        widths = [float(hi - lo) for lo, hi in cell]
        if len(widths) == 1:
            return 0
        relative = [w / (float(whole) or 1.0) for w, whole in zip(widths, self.whole, strict=True)]
        widest = max(range(len(widths)), key=relative.__getitem__)
        if self.scalar is None:
            return widest
        try:
            slopes = self.scalar.slopes(self.scalar.values(box))
        except Undefined:
            return widest
        scores = [w * _size(s) for w, s in zip(widths, slopes, strict=True)]
        best = max(range(len(scores)), key=scores.__getitem__)
        if not scores[best] < float("inf") or relative[best] * 64 < relative[widest]:
            return widest
        return best


def _beside(side: Ends) -> bool:
    """Whether 0 is not much further from a side than it is wide."""
    lo, hi = side
    if lo is None or hi is None:
        return True
    return max(lo, -hi) <= 2 * (hi - lo)


def _middle(x: iv.Interval) -> float:
    return (float(x[0]) + float(x[1])) / 2


def _size(x: iv.Interval) -> float:
    return max(abs(float(x[0])), abs(float(x[1])))


def _short(x: Fraction, width: Fraction) -> Fraction:
    """x to about BITS bits relative to the width of its cell."""
    if not width:
        return x
    shift = BITS + max(0, (width.denominator // max(width.numerator, 1)).bit_length())
    return Fraction(round(x * 2**shift), 2**shift)


def _shown(point: Sequence[float]) -> str:
    return "(" + ", ".join(f"{x:.6g}" for x in point) + ")"


def _solved(rows: list[list[float]], right: list[float]) -> list[float] | None:
    """A small linear system by elimination with pivoting."""
    size = len(rows)
    work = [[*row, b] for row, b in zip(rows, right, strict=True)]
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(work[i][k]))
        if not abs(work[pivot][k]) > 0 or work[pivot][k] != work[pivot][k]:
            return None
        work[k], work[pivot] = work[pivot], work[k]
        for i in range(size):
            if i != k:
                factor = work[i][k] / work[k][k]
                work[i] = [a - factor * b for a, b in zip(work[i], work[k], strict=True)]
    found = [work[k][size] / work[k][k] for k in range(size)]
    return found if all(abs(x) < 1e300 for x in found) else None
