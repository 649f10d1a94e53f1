"""A lower bound of a ratio by interval branch and bound: finds needles that descents miss."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.search.numeric.interval import enclose
from boundcalc.search.numeric.objective import Objective, objectives
from boundcalc.search.numeric.ratio import Ratio
from boundcalc.search.numeric.region import Floats, Side
from boundcalc.search.numeric.tape import compile

BATCH = 2_048
MOST_BOXES = 400_000  # kept at once
SMALL_GAP = 1e-7  # relative: boxes whose bound is so near the best value are let go


@dataclass(frozen=True)
class Bound:
    """φ = sense·ratio lies above `lower` on the box, and is `upper` at `point`.

    open : boxes that could not be decided (around zeros of B, or left when time ran out); `lower`
    does not cover those around zeros of B. stopped : why the search ended.
    """

    lower: float
    upper: float
    point: tuple[float, ...] | None
    boxes: int
    open: int
    stopped: str


def lower_bound(quotients: Ratio, box: tuple[Side, ...] | None, seconds: float = 2.0) -> Bound:
    """Bounds of the least φ on a box (the region's own where None is given).

    Quotients only: eigenvalues of matrices of more than one row give -inf. A zero of B is cut out
    by
    a box around it of relative width 1e-3, which is left to the analysis of limits.
    """
    until = time.perf_counter() + seconds
    parts = [search_box(each, box, until) for each in objectives(quotients)]
    best = min(parts, key=lambda part: part.upper)
    return Bound(
        min(part.lower for part in parts),
        best.upper,
        best.point,
        sum(part.boxes for part in parts),
        sum(part.open for part in parts),
        next((p.stopped for p in parts if p.stopped != "done"), "done"),
    )


def search_box(
    objective: Objective, box: tuple[Side, ...] | None, until: float, known: float = np.inf
) -> Bound:
    """As `lower_bound`, of one objective; boxes above the known value are not looked into."""
    low, high = _frame(objective, box)
    if objective.size > 1 or not (np.isfinite(low) & np.isfinite(high)).all():
        return Bound(-np.inf, np.inf, None, 0, 1, "needs a bounded box and a quotient")
    state = _Search(objective, low[None], high[None], known)
    while len(state.bound) and time.perf_counter() < until and len(state.bound) < MOST_BOXES:
        state.step()
    stopped = "done" if not len(state.bound) else "time or memory was used up"
    left = float(state.bound.min()) if len(state.bound) else np.inf
    point = None if state.point is None else tuple(map(float, state.point))
    lower = min(left, state.closed, state.upper)
    return Bound(lower, state.upper, point, state.boxes, len(state.bound) + state.cut, stopped)


def _frame(objective: Objective, box: tuple[Side, ...] | None) -> tuple[Floats, Floats]:
    low, high = objective.region.frame()
    for k, side in enumerate(box or ()):
        first, last = side
        low[k] = low[k] if first is None else max(low[k], float(Fraction(first)))
        high[k] = high[k] if last is None else min(high[k], float(Fraction(last)))
    return low, high


class _Search:
    """Open boxes with bounds of φ; each step splits the lowest ones."""

    def __init__(self, objective: Objective, low: Floats, high: Floats, known: float) -> None:
        self.objective = objective
        self.tape = objective.tape  # entries, then their slopes
        within = (*objective.region.curved(), *objective.piece.within)
        self.within = compile(within, objective.variables) if within else None
        self.upper: float = known
        self.point: Floats | None = None
        self.closed = np.inf  # least bound of the boxes that were let go
        self.boxes = self.cut = 0
        self.low = self.high = np.empty((0, low.shape[1]))
        self.bound = np.empty(0)
        self.admit(low, high)

    def step(self) -> None:
        order = np.argsort(self.bound, kind="stable")
        chosen, rest = order[:BATCH], order[BATCH:]
        low, high = self.low[chosen], self.high[chosen]
        self.low, self.high, self.bound = self.low[rest], self.high[rest], self.bound[rest]
        axis = ((high - low) / (1 + np.abs(low + high))).argmax(axis=1)
        row = np.arange(len(low))
        middle = (low[row, axis] + high[row, axis]) / 2
        first, last = high.copy(), low.copy()
        first[row, axis], last[row, axis] = middle, middle
        self.admit(np.concatenate([low, last]), np.concatenate([first, high]))

    def admit(self, low: Floats, high: Floats) -> None:
        """Bounds of fresh boxes; those that cannot hold a lower value are dropped."""
        self.boxes += len(low)
        middle = (low + high) / 2
        values = self.objective.values(middle)
        if len(values) and values.min() < self.upper:
            self.upper, self.point = float(values.min()), middle[values.argmin()]
        keep = self.possible(low, high)
        near = self.around_zero(low, high) & keep
        self.cut += int(near.sum())
        keep &= ~near
        low, high = low[keep], high[keep]
        bound = self.bounds(low, high)
        limit = np.inf
        if np.isfinite(self.upper):
            limit = self.upper - 2 * SMALL_GAP * (1e-3 + abs(self.upper))
        narrow = ((high - low) <= 1e-12 * (1 + np.abs(low))).all(axis=1)
        done = (bound >= limit) | narrow
        if done.any():
            self.closed = min(self.closed, float(bound[done].min()))
        self.low = np.concatenate([self.low, low[~done]])
        self.high = np.concatenate([self.high, high[~done]])
        self.bound = np.concatenate([self.bound, bound[~done]])

    def possible(self, low: Floats, high: Floats) -> np.ndarray:
        if self.within is None:
            return np.ones(len(low), dtype=bool)
        return np.asarray((enclose(self.within, low, high)[1] >= 0).all(axis=1))

    def around_zero(self, low: Floats, high: Floats) -> np.ndarray:
        """Small boxes at a zero of B, where 0/0 defeats intervals."""
        near = np.zeros(len(low), dtype=bool)
        for zero in self.objective.zeros:
            at = np.array(zero)
            reach = 1e-3 * (1 + np.abs(at))
            near |= ((low >= at - reach) & (high <= at + reach)).all(axis=1)
        return near

    def bounds(self, low: Floats, high: Floats) -> Floats:
        """(N,) lower bounds of φ, by natural and mean-value forms of A and B."""
        middle = (low + high) / 2
        reach = np.nextafter((high - low) / 2, np.inf) * (1 + 1e-14)
        box = [self.shaped(side) for side in enclose(self.tape, low, high)]
        centre = [side[0] for side in map(self.shaped, enclose(self.tape, middle, middle))]
        with np.errstate(all="ignore"):
            values = [
                _met(box[0][0][k], box[1][0][k], centre[0][k], centre[1][k], box, k, reach)
                for k in range(len(self.objective.entries))
            ]
            (below, _), rest = self.signed(*values[0]), values[1:]
            if not rest:
                return np.asarray(below)
            best = _lower_quotient(below, rest[0])
            return np.maximum(best, self.target(box, centre, rest[0][0], reach))

    def shaped(self, rows: Floats) -> tuple[list[Floats], list[list[Floats]]]:
        """Entries, and for each variable their slopes, as (N,) columns."""
        width = len(self.objective.entries)
        columns = [rows[:, k] for k in range(rows.shape[1])]
        return columns[:width], [
            columns[start : start + width] for start in range(width, len(columns), width)
        ]

    def signed(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        return (low, high) if self.objective.sense > 0 else (-high, -low)

    def target(self, box: list[Any], centre: list[Any], least: Floats, reach: Floats) -> Floats:
        """c = the best value less a gap, on boxes where sense·A − c·B ≥ 0 in mean-value form: its
        slope vanishes where φ is least, so that the form is sharp there; -inf on the others."""
        if not np.isfinite(self.upper):
            return np.full(len(reach), -np.inf)
        c = self.upper - SMALL_GAP * (1e-3 + abs(self.upper))

        def gap(low: list[Floats], high: list[Floats]) -> tuple[Floats, Floats]:
            A = self.signed(low[0], high[0])
            B = (c * low[1], c * high[1]) if c >= 0 else (c * high[1], c * low[1])
            wide = 4e-16 * (np.abs(A[0]) + np.abs(A[1]) + np.abs(B[0]) + np.abs(B[1]))
            return A[0] - B[1] - wide, A[1] - B[0] + wide

        swing = np.zeros(len(reach))
        for j, slopes in enumerate(zip(box[0][1], box[1][1], strict=True)):
            low, high = gap(*slopes)
            swing = swing + np.maximum(np.abs(low), np.abs(high)) * reach[:, j]
        middle = gap(*centre)[0]
        good = (middle - swing * (1 + 1e-14) >= 0) & (least >= 0)
        return np.where(good, c, -np.inf)


def _met(
    low: Floats, high: Floats, first: Floats, last: Floats, box: list[Any], k: int, reach: Floats
) -> tuple[Floats, Floats]:
    """The natural enclosure of entry k met with its mean-value form."""
    swing = np.zeros(len(reach))
    for j, (below, above) in enumerate(zip(box[0][1], box[1][1], strict=True)):
        swing = swing + np.maximum(np.abs(below[k]), np.abs(above[k])) * reach[:, j]
    swing = np.where(np.isnan(swing), np.inf, swing * (1 + 1e-14))
    return np.maximum(low, np.nextafter(first - swing, -np.inf)), np.minimum(
        high, np.nextafter(last + swing, np.inf)
    )


def _lower_quotient(A: Floats, B: tuple[Floats, Floats]) -> Floats:
    """A lower bound of A/B from a lower bound of A, where B ≥ 0."""
    best = np.where(A >= 0, A / B[1], A / B[0])
    best = np.nextafter(np.where(np.isnan(best), -np.inf, best), -np.inf)
    return np.asarray(np.where(B[0] > 0, best, np.where(A >= 0, 0.0, -np.inf)))
