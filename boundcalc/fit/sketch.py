"""The sketch of a log: everything a fit needs, from any subset of rows, merged exactly.

`merge` is associative and commutative and `sketch_of` does not depend on how rows are chunked, bit
for bit; one fold therefore serves memory, streams and clusters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from boundcalc.fit import envelope, moments, ratio, runs, staircase
from boundcalc.logs import check
from boundcalc.logs.check import RowFaults
from boundcalc.logs.log import Chunk
from boundcalc.logs.schema import NEEDS

SCAN_ROWS = 1 << 19  # rows of a chunk from which on compiled loops are worth loading


@dataclass(frozen=True)
class Plan:
    """What to sketch. Sketches made under different plans are not comparable and do not merge."""

    names: frozenset[str]  # columns of the log, loss_min aside
    window: moments.WindowPlan
    drop_nonfinite: bool = False

    def fits(self, condition: str) -> bool:
        return all(name in self.names for name in NEEDS[condition])

    def ratios(self) -> Mapping[str, ratio.Ratio]:
        return {
            name: one
            for name, one in ratio.RATIOS.items()
            if all(column in self.names for column in one.columns())
        }


@dataclass(frozen=True)
class Sketch:
    """A mergeable summary of some rows of a log. The default is the summary of no rows."""

    plan: Plan
    rows: int = 0  # rows used
    dropped: int = 0
    first_dropped: int | None = None
    faults: RowFaults = field(default_factory=RowFaults)
    envelope: envelope.Envelope = field(default_factory=envelope.Envelope)
    extremes: Mapping[str, ratio.Extreme] = field(default_factory=dict)
    steps: staircase.Steps = field(default_factory=lambda: staircase.EMPTY)
    sums: moments.Sums = field(default_factory=moments.Sums)
    runs: runs.Runs | None = None
    below_float_floor: int = 0  # rows with loss = loss_min and a nonzero gradient
    below_zero: int = 0  # rows with a negative loss


def sketch_of(chunk: Chunk, plan: Plan, known: Sketch | None = None) -> Sketch:
    """The sketch of one chunk; what `known` makes redundant may be left out, so merge with it."""
    if chunk.size < SCAN_ROWS:
        return sketch_rows(chunk, plan, known)
    from boundcalc.fit.scan import scanned

    return scanned(chunk, plan, known or Sketch(plan))


def sketch_rows(chunk: Chunk, plan: Plan, known: Sketch | None = None) -> Sketch:
    """The same, in NumPy."""
    dropped, first_dropped = 0, None
    if plan.drop_nonfinite:
        usable = check.usable(chunk)
        if not usable.all():
            dropped = int(chunk.size - usable.sum())
            first_dropped = int(chunk.row_numbers()[np.argmin(usable)])
            chunk = check.drop(chunk, usable)
    faults = check.check_chunk(chunk)
    empty = Sketch(plan, 0, dropped, first_dropped, faults)
    if faults or not chunk.size:
        return empty
    return Sketch(
        plan,
        chunk.size,
        dropped,
        first_dropped,
        faults,
        envelope.envelope_of(envelope.rows_of(chunk), known.envelope if known else None)
        if plan.fits("alpha-beta")
        else envelope.Envelope(),
        _extremes(chunk, plan),
        staircase.steps_of(chunk, known.steps if known else staircase.EMPTY)
        if plan.fits("pl-star-eps")
        else staircase.EMPTY,
        moments.sums_of(chunk, plan.window),
        runs.runs_of(chunk),
        below_floor(chunk, plan),
        below_zero(chunk),
    )


def below_floor(chunk: Chunk, plan: Plan) -> int:
    """Rows with loss = loss_min and a nonzero gradient."""
    if not plan.fits("self-bounding"):
        return 0
    at_floor = chunk.columns["loss"] == chunk.loss_min
    return int(np.count_nonzero(at_floor & (chunk.columns["grad_sqnorm"] != 0)))


def below_zero(chunk: Chunk) -> int:
    """Rows with a negative loss."""
    loss = chunk.columns.get("loss")
    return 0 if loss is None else int(np.count_nonzero(np.signbit(loss) & (loss != 0)))


def _extremes(chunk: Chunk, plan: Plan) -> dict[str, ratio.Extreme]:
    found = {name: ratio.extreme_of(one, chunk) for name, one in plan.ratios().items()}
    return {name: extreme for name, extreme in found.items() if extreme is not None}


def merge(left: Sketch, right: Sketch) -> Sketch:
    """The sketch of the union of two disjoint sets of rows of one log."""
    if left.plan != right.plan:
        raise ValueError("sketches made under different plans do not merge")
    extremes = {**left.extremes, **right.extremes}
    for name in left.extremes.keys() & right.extremes.keys():
        best = ratio.merge(ratio.RATIOS[name], left.extremes[name], right.extremes[name])
        if best is not None:
            extremes[name] = best
    first = [row for row in (left.first_dropped, right.first_dropped) if row is not None]
    return Sketch(
        left.plan,
        left.rows + right.rows,
        left.dropped + right.dropped,
        min(first, default=None),
        left.faults.merge(right.faults),
        envelope.merge(left.envelope, right.envelope),
        extremes,
        staircase.merge(left.steps, right.steps),
        moments.merge(left.sums, right.sums),
        runs.merge(left.runs, right.runs),
        left.below_float_floor + right.below_float_floor,
        left.below_zero + right.below_zero,
    )
