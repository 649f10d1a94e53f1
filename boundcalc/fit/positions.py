"""Steps for logs that name runs but no steps: a row's step is its position within its run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.log import Column, Log

_BLOCK = 1 << 18


class _Once:
    """A column whose last window is kept, so that two readers of the same rows read once."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._window = (0, 0)
        self._values: NDArray[np.generic] = np.empty(0)

    @property
    def rows(self) -> int:
        return self._column.rows

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        if (start, stop) != self._window:
            self._values, self._window = self._column.read(start, stop), (start, stop)
        return self._values


class PositionInRun:
    """The column `step` that a `run` column implies: 0, 1, 2, ... within each run."""

    def __init__(self, run: Column) -> None:
        self._run = run
        self._next = 0
        self._counts: dict[object, int] = {}

    @property
    def rows(self) -> int:
        return self._run.rows

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Positions of rows start..stop, (n,) int64; out of order, the rows before are counted."""
        if start != self._next:
            self._next, self._counts = 0, {}
            for begin in range(0, start, _BLOCK):
                self._advance(begin, min(begin + _BLOCK, start))
        return self._advance(start, stop)

    def _advance(self, start: int, stop: int) -> NDArray[np.int64]:
        labels, group = np.unique(self._run.read(start, stop), return_inverse=True)
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group, minlength=len(labels))
        known = [self._counts.get(label, 0) for label in labels.tolist()]
        within = np.arange(stop - start) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        positions = np.empty(stop - start, dtype=np.int64)
        positions[order] = within + np.repeat(np.array(known, dtype=np.int64), sizes)
        for label, before, size in zip(labels.tolist(), known, sizes.tolist(), strict=True):
            self._counts[label] = before + size
        self._next = stop
        return positions


def with_positions(log: Log) -> Log:
    """The log with a `step` column where it has a `run` column but none; else the log itself."""
    if "step" in log.columns or "run" not in log.columns:
        return log
    run = _Once(log.columns["run"])
    return replace(log, columns={**log.columns, "run": run, "step": PositionInRun(run)})
