"""Sketch of what is known per run: where it starts (D_0), how long it is, its whole-data losses."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.check import drop
from boundcalc.logs.log import Chunk, Float

Int = NDArray[np.int64]

_USED = {"run", "step", "dist_sq", "full_loss"}
_FEW_RUNS = 16
_LONG = 64  # rows in a row of one run, on average, from which on they are taken together


@dataclass(frozen=True, eq=False)
class Runs:
    """One entry per run, sorted by run; all arrays (R,).

    rows : number of rows; first_step, last_step : smallest and largest step (row number where the
    log has no steps); start_row, start_dist : first row of the first step, its ‖x − x_ref‖² (NaN
    where absent); full_* : row and value of the first, the last (by step, then row), the smallest
    and the second smallest whole-data loss (row −1 and NaN where absent).
    """

    run: NDArray[np.generic]
    rows: Int
    first_step: Int
    last_step: Int
    start_row: Int
    start_dist: Float
    full_first_step: Int
    full_first_row: Int
    full_first: Float
    full_last_step: Int
    full_last_row: Int
    full_last: Float
    full_least_row: Int
    full_least: Float
    full_next_row: Int
    full_next: Float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runs):
            return NotImplemented
        return all(
            np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
            for mine, theirs in (
                (getattr(self, part.name), getattr(other, part.name)) for part in fields(self)
            )
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside


def runs_of(chunk: Chunk) -> Runs | None:
    """The runs of one chunk, None when it has no rows."""
    if chunk.size == 0:
        return None
    ends = [0, chunk.size]
    if "run" in chunk.columns:
        run = chunk.columns["run"]
        ends[1:1] = (np.flatnonzero(run[1:] != run[:-1]) + 1).tolist()
    if len(ends) - 1 <= max(1, chunk.size // _LONG):
        stretches = [_stretch(chunk, start, stop) for start, stop in pairwise(ends)]
        return _collect(_joined(stretches)) if len(stretches) > 1 else stretches[0]
    labels = np.unique(run)
    if len(labels) <= _FEW_RUNS:  # side by side
        used = {name: chunk.columns[name] for name in _USED & chunk.columns.keys()}
        parts = [drop(replace(chunk, columns=used, loss_min=0.0), run == one) for one in labels]
        return _collect(_joined([_stretch(part, 0, part.size) for part in parts]))
    number = chunk.row_numbers()
    size = len(number)
    step = chunk.columns["step"].astype(np.int64) if "step" in chunk.columns else number
    whole = np.full(size, -1, dtype=np.int64)
    value = np.full(size, np.nan)
    if "full_loss" in chunk.columns:
        value = chunk.columns["full_loss"].astype(np.float64, copy=False)
        whole = np.where(np.isnan(value), -1, number)
    dist = chunk.columns.get("dist_sq")
    nothing = (np.full(size, -1, dtype=np.int64), np.full(size, np.nan))
    return _collect(
        Runs(
            chunk.columns.get("run", np.zeros(size, dtype=np.int64)),
            np.ones(size, dtype=np.int64),
            step,
            step,
            number,
            np.full(size, np.nan) if dist is None else dist.astype(np.float64, copy=False),
            step,
            whole,
            value,
            step,
            whole,
            value,
            whole,
            value,
            *nothing,
        )
    )


def merge(left: Runs | None, right: Runs | None) -> Runs | None:
    """The runs of the union."""
    if left is None or right is None:
        return right if left is None else left
    return _collect(_joined([left, right]))


def _joined(parts: list[Runs]) -> Runs:
    return Runs(
        *(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(Runs))
    )


def _stretch(chunk: Chunk, start: int, stop: int) -> Runs:
    """One entry for consecutive rows of one run."""

    def row(k: int) -> int:
        return chunk.start + k if chunk.rows is None else int(chunk.rows[k])

    names = chunk.columns
    first, last, at = row(start), row(stop - 1), start
    if "step" in names:
        step = names["step"][start:stop].astype(np.int64, copy=False)
        first, last, at = int(step.min()), int(step.max()), start + int(step.argmin())
    full = [(-1, np.nan)] * 4  # first, last, smallest, second smallest
    full_steps = [first, last]
    if "full_loss" in names:
        value = names["full_loss"][start:stop].astype(np.float64, copy=False)
        there = np.flatnonzero(~np.isnan(value))
        if len(there):
            value = value[there]
            least = int(value.argmin())
            number = (
                chunk.start + there + start if chunk.rows is None else chunk.rows[there + start]
            )
            when = step[there] if "step" in names else number
            picks = [int(when.argmin()), len(when) - 1 - int(when[::-1].argmax()), least]
            full_steps = [int(when[k]) for k in picks[:2]]
            if len(there) > 1:
                others = np.delete(value, least)
                following = int(others.argmin())
                picks.append(following + (following >= least))
            full[: len(picks)] = [(row(start + int(there[k])), float(value[k])) for k in picks]
    run = names["run"][start : start + 1] if "run" in names else np.zeros(1, dtype=np.int64)
    dist = float(names["dist_sq"][at]) if "dist_sq" in names else np.nan
    numbers = [np.array([k], dtype=np.int64) for k in (stop - start, first, last, row(at))]
    wholes = [np.array([entry]) for pair in full for entry in pair]
    wholes.insert(2, np.array(full_steps[1:], dtype=np.int64))
    wholes.insert(0, np.array(full_steps[:1], dtype=np.int64))
    return Runs(*(run, *numbers, np.array([dist]), *wholes))  # type: ignore[arg-type]


def _collect(parts: Runs) -> Runs:
    """One entry per run, from several."""
    run, group = np.unique(parts.run, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(run)))

    def best(*keys: NDArray[np.generic]) -> Int:
        """Per run, the entry with the smallest keys (most significant first)."""
        return np.lexsort((*keys[::-1], group))[starts]

    rows = np.add.reduceat(parts.rows[order], starts)
    start = best(parts.first_step, parts.start_row)
    last_step = best(-parts.last_step)
    absent = parts.full_first_row < 0
    first = best(absent, parts.full_first_step, parts.full_first_row)
    last = best(absent, -parts.full_last_step, -parts.full_last_row)
    least_row, least, next_row, following = _two_smallest(parts, group, starts)
    return Runs(
        run,
        rows,
        parts.first_step[start],
        parts.last_step[last_step],
        parts.start_row[start],
        parts.start_dist[start],
        parts.full_first_step[first],
        parts.full_first_row[first],
        parts.full_first[first],
        parts.full_last_step[last],
        parts.full_last_row[last],
        parts.full_last[last],
        least_row,
        least,
        next_row,
        following,
    )


def _two_smallest(parts: Runs, group: Int, starts: Int) -> tuple[Int, Float, Int, Float]:
    """Per run, row and value of the smallest and second smallest full_loss (first rows win)."""
    row = np.concatenate([parts.full_least_row, parts.full_next_row])
    value = np.concatenate([parts.full_least, parts.full_next])
    both = np.concatenate([group, group])
    order = np.lexsort((row, value, row < 0, both))
    first = np.searchsorted(both[order], np.arange(len(starts)))
    second = first + 1  # every run has at least two entries here
    return row[order][first], value[order][first], row[order][second], value[order][second]
