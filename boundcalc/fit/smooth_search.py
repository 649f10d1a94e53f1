"""The search for the pair that asks for the largest L: screens first, exact arithmetic last."""

from __future__ import annotations

import math

import numpy as np

from boundcalc.fit.smooth_exact import Demand, demand_of, larger
from boundcalc.fit.smooth_screen import Index, Points, Units, bounds, candidates

_MANY = 8192  # so many candidates are first thinned by a sample of them
_BATCH = 1 << 20  # numbers held per array of the pair-by-pair screen
_BUDGET = 10_000_000  # vector entries that exact arithmetic may take in; about ten seconds
_OVERHEAD = 40  # what a pair costs besides its vectors


class Search:
    """The largest demand so far, over the blocks compared so far.

    best : the pair, exactly. unsettled : pairs that tie with others to the last bits of a float
    and were too many to be settled exactly (none, as a rule); loose : what these cannot exceed.
    """

    def __init__(self, units: Units) -> None:
        self.best: Demand | None = None
        self.unsettled = 0
        self.loose = 0.0
        self._units = units
        self._floor = 0.0  # some pair asks for at least this (scaled units)
        self._reached = 0.0  # what `best` asks for, a little more
        self._work = 0

    def compare(self, left: Points, right: Points) -> None:
        """All pairs of a point in `left` and one in `right`; all i < j where it is the same."""
        i, j = candidates(left, right, self._floor)
        if len(i) > _MANY:
            some = np.linspace(0, len(i) - 1, _MANY // 2).astype(np.int64)
            before = self._floor
            self._screen(left, right, i[some], j[some])
            if self._floor > before:
                i, j = candidates(left, right, self._floor)
        i, j, low, high = self._screen(left, right, i, j)
        for k in np.lexsort((j, i, -high)).tolist():
            if high[k] < self._floor or (high[k] == 0 and self.best is not None):
                break
            self._settle(left, right, int(i[k]), int(j[k]), float(low[k]), float(high[k]))

    def _screen(
        self, left: Points, right: Points, i: Index, j: Index
    ) -> tuple[Index, Index, np.ndarray, np.ndarray]:
        """The pairs that are left after a look at each; raises the floor."""
        kept = []
        step = max(1, _BATCH // left.x.shape[1])
        for start in range(0, len(i), step):
            at = slice(start, start + step)
            low, high = bounds(left, right, i[at], j[at])
            self._floor = max(self._floor, float(low.max()))
            alive = high >= self._floor
            kept.append((i[at][alive], j[at][alive], low[alive], high[alive]))
        if not kept:
            none = np.empty(0)
            return i, j, none, none
        columns = [np.concatenate(part) for part in zip(*kept, strict=True)]
        alive = columns[3] >= self._floor
        i, j, low, high = (column[alive] for column in columns)
        return i, j, low, high

    def _settle(self, left: Points, right: Points, i: int, j: int, low: float, high: float) -> None:
        self._work += left.x.shape[1] + _OVERHEAD
        if self._work > _BUDGET and low <= self._reached:
            self.unsettled += 1
            self.loose = max(self.loose, high)
            return
        first, second = (left, i), (right, j)
        if first[0].row[i] > second[0].row[j]:
            first, second = second, first
        (a, p), (b, q) = first, second
        found = demand_of(
            int(a.row[p]),
            int(b.row[q]),
            (a.x[p], b.x[q]),
            (a.g[p], b.g[q]),
            (float(a.f[p]), float(b.f[q])),
        )
        self.best = larger(self.best, found)
        if self.best is found and found is not None:
            reached = self._scaled(found.bounds()[0])
            self._floor, self._reached = max(self._floor, reached), reached * (1 + 2.0**-40)

    def _scaled(self, value: float) -> float:
        """Float at or below the value in scaled units."""
        if value == 0 or math.isinf(value):
            return value
        mantissa, exponent = math.frexp(value * (1 - 2.0**-50))
        power = exponent - self._units.L_power
        return 1e300 if power > 1000 else math.ldexp(mantissa, max(power, -1100))

    def loose_value(self) -> float:
        """What the unsettled pairs can ask for at most, in the log's units (0 without any)."""
        if not self.unsettled:
            return 0.0
        try:
            return math.nextafter(math.ldexp(self.loose, self._units.L_power), math.inf)
        except OverflowError:
            return math.inf
