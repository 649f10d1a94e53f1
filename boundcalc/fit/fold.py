"""The fold over a log, and the plan that it follows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import InputError
from boundcalc.fit.moments import WindowPlan
from boundcalc.fit.sketch import SCAN_ROWS, Plan, Sketch, merge, sketch_of
from boundcalc.logs.log import Log

CHUNK_ROWS = 1 << 18
_TABLE = 1 << 22  # labels that are told apart in a table
_MANY_NUMBERS = 1 << 24  # in smaller logs, loading compiled loops takes longer than going without
_CHUNK_BYTES = 1 << 27  # what a chunk of a large log may take in memory
_MOST_ROWS = 1 << 24
_MOST_WINDOWS = 2000  # more windows would cost memory and say no more


def plan_for(
    log: Log,
    *,
    drop_nonfinite: bool = False,
    epoch: int | None = None,
    aligned: bool = False,
    chunk_rows: int = CHUNK_ROWS,
    labels: Callable[[Log], Labels] | None = None,
) -> Plan:
    """The plan for a log: its columns, and windows of one epoch (`epoch` rows, if given).

    An epoch is as many rows as there are distinct samples; without a `sample` column it is a tenth
    of the log, which the window's `how` says. aligned : windows begin at step 0 and have `epoch`
    steps, so that sketches of several logs can be joined. labels : what reads them, by default one
    pass here.
    """
    names = frozenset(log.columns) - {"loss_min"}
    read = labels or (lambda whole: labels_of(whole, chunk_rows))
    window = _window_plan(log, epoch, read)
    if aligned:
        window = replace(window, origin=0)
        if epoch is not None:  # rows per step are the log's own; steps mean the same in all logs
            window = replace(window, width=epoch, how=f"{epoch} steps (--epoch)")
    return Plan(names, window, drop_nonfinite)


def _window_plan(log: Log, epoch: int | None, read: Callable[[Log], Labels]) -> WindowPlan:
    by_step = "step" in log.columns
    samples, lowest, highest = 0, 0, log.rows - 1
    if by_step or ("sample" in log.columns and epoch is None):
        labels = read(log)
        samples = len(labels.samples)
        if by_step:
            lowest, highest = labels.lowest, labels.highest
    if epoch is not None:
        rows, words = epoch, f"{epoch} rows (--epoch)"
    elif samples:
        rows, words = samples, f"one epoch ({samples} rows, one per distinct sample)"
    else:
        rows = -(-log.rows // 10)
        words = f"a tenth of the log ({rows} rows; no `sample` column tells the epoch)"
    total = highest - lowest + 1
    width = max(1, round(rows * total / log.rows)) if by_step else rows
    epochs = -(-total // (width * _MOST_WINDOWS))
    if epochs > 1:
        width, words = width * epochs, f"{epochs} × {words}"
    return WindowPlan("step" if by_step else "row", width, words, lowest if by_step else 0)


@dataclass(frozen=True)
class Labels:
    """Distinct samples, smallest and largest step (runs side by side count once) of some rows."""

    samples: NDArray[np.generic] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lowest: int = np.iinfo(np.int64).max
    highest: int = np.iinfo(np.int64).min

    def merge(self, other: Labels) -> Labels:
        """The labels of the union."""
        if not len(self.samples) or not len(other.samples):
            samples = self.samples if len(self.samples) else other.samples
        else:
            samples = np.union1d(self.samples, other.samples)
        low, high = min(self.lowest, other.lowest), max(self.highest, other.highest)
        return Labels(samples, low, high)


def labels_of(
    log: Log, chunk_rows: int = CHUNK_ROWS, span: tuple[int, int] | None = None
) -> Labels:
    """The labels of a log, or of a span of its rows."""
    names = tuple(name for name in ("sample", "step") if name in log.columns)
    found = Labels()
    for chunk in log.chunks(chunk_rows, names, span):
        part = Labels()
        if "sample" in names:
            part = replace(part, samples=_distinct(chunk.columns["sample"]))
        if "step" in names:
            step = chunk.columns["step"]
            part = replace(part, lowest=int(step.min()), highest=int(step.max()))
        found = found.merge(part)
    return found


def _distinct(labels: NDArray[np.generic]) -> NDArray[np.generic]:
    """np.unique, without sorting where integers lie close together."""
    if labels.dtype.kind == "i" and len(labels):
        numbers = np.asarray(labels, dtype=np.int64)
        low, high = int(numbers.min()), int(numbers.max())
        if high - low < _TABLE:
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[numbers - low] = True
            return np.flatnonzero(seen) + low
    return np.unique(labels)


def rows_at_once(log: Log) -> int:
    """Rows per chunk: for large logs as many as keep memory flat, in chunks of equal size."""
    loaded = "boundcalc.fit.kernels" in sys.modules
    if log.rows < SCAN_ROWS or (log.rows * len(log.columns) < _MANY_NUMBERS and not loaded):
        return CHUNK_ROWS
    first = [column.read(0, 1) for column in log.columns.values()]
    width = sum(values.nbytes for values in first if not _in_memory(values))
    chunks = -(-log.rows // min(_MOST_ROWS, _CHUNK_BYTES // max(1, width)))
    return -(-log.rows // chunks)


def _in_memory(values: NDArray[np.generic]) -> bool:
    """Is the array part of a larger one, so that reading costs no memory?"""
    whole = values
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return whole.size > values.size


def fold(
    log: Log,
    plan: Plan,
    *,
    chunk_rows: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Sketch:
    """The sketch of the whole log, read once in order. `progress` is told the rows done so far.

    chunk_rows : rows read at a time, by default what suits the log; it does not change the result.

    Raises InputError with every kind of row fault, its count and its first row.
    """
    return sound(log, fold_span(log, plan, (0, log.rows), chunk_rows, progress))


def fold_span(
    log: Log,
    plan: Plan,
    span: tuple[int, int],
    chunk_rows: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Sketch:
    """The sketch of some consecutive rows, with the faults that they have."""
    total = Sketch(plan)
    for chunk in log.chunks(chunk_rows or rows_at_once(log), span=span):
        total = merge(total, sketch_of(chunk, plan, total))
        if progress is not None:
            progress(chunk.start + chunk.size)
    return total


def sound(log: Log, sketch: Sketch) -> Sketch:
    """The sketch itself. Raises InputError where its rows have faults."""
    if sketch.faults:
        raise InputError(*sketch.faults.to_faults(log))
    return sketch
