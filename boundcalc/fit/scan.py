"""The sketch of a large chunk: compiled loops sum up all rows and pick the few that NumPy must see.

One pass over the chunk, in blocks that stay in the cache and on all cores, does two things.
- Sums: exact, as integers on a common grid (kernels._add).
- Tests: a row is kept unless it certainly adds nothing to the sketch. It adds nothing to the
  envelope when it holds at a few points whose hull, with a direction, contains the feasible region
  of rows already known; nothing to a ratio or to the staircase when a known row beats it. All
  roundings are counted: first in floats, then, where that does not decide, in pairs of floats,
  where exact ties with earlier rows are recognised, too. Rows with a fault are always kept.
The sketch of the kept rows is then the sketch of the chunk, bit for bit, in all but the sums.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit import kernels, moments, runs
from boundcalc.fit.exact import exact_sum
from boundcalc.fit.screen import COLUMNS, screen_for
from boundcalc.fit.sketch import Plan, Sketch, below_floor, below_zero, merge, sketch_rows
from boundcalc.logs import check
from boundcalc.logs.log import Chunk, Float

Int = NDArray[np.int64]

_PIECE = 1 << 16  # rows that are summed together, at most
_SAMPLE = 1 << 11  # rows drawn to sharpen the tests
_FEW = 1 << 15  # so few rows are left to NumPy
_MANY_WINDOWS = -(1 << 62)  # stands for the window of rows that change it all the time


def scanned(chunk: Chunk, plan: Plan, known: Sketch) -> Sketch:
    """What sketch_rows(chunk, plan, known) gives."""
    hint = _hint(chunk, plan, known)
    spans, keys = _spans(chunk, plan.window)
    kept, limbs, counts = _scan(chunk, plan, hint, spans)
    part = _take(chunk, kept)
    while part.size > _FEW:
        hint = _hint(part, plan, hint)
        kept, _, _ = _scan(part, plan, hint, _pieces([0, part.size]))
        if len(kept) > part.size // 2:  # the tests have done what they can
            break
        part = _take(part, kept)
    found = _sketch(part, plan, known)
    if found.faults:
        return found
    whole = _usable(chunk, plan) if found.dropped else chunk
    fine = counts[:, 0] == 0
    sums = _sums(chunk, spans[fine], keys[fine], limbs[fine], counts[fine])
    negative, floor = (int(count) for count in counts[fine, 1:3].sum(axis=0))
    for start, stop in spans[~fine].tolist():
        rest = _usable(_slice(chunk, start, stop), plan)
        if rest.size:
            sums = moments.merge(sums, moments.sums_of(rest, plan.window))
            negative += below_zero(rest)
            floor += below_floor(rest, plan)
    if len(keys) and keys[0] == _MANY_WINDOWS:
        sums = moments.sums_of(whole, plan.window)
    return replace(
        found,
        rows=whole.size,
        sums=sums,
        runs=runs.runs_of(whole),
        below_float_floor=floor if plan.fits("self-bounding") else 0,
        below_zero=negative,
    )


def _sketch(chunk: Chunk, plan: Plan, known: Sketch) -> Sketch:
    """The sketch of a few rows, with sums that mean nothing: one window is quicker than many."""
    one = moments.WindowPlan("row", 1 << 62, "")
    return replace(sketch_rows(chunk, replace(plan, window=one), known), plan=plan)


def _hint(chunk: Chunk, plan: Plan, known: Sketch) -> Sketch:
    """What is known, if that leaves few rows of a sample; else with the sample.

    It serves the tests only: its sums mean nothing.
    """
    drawn = _take(chunk, np.unique(np.linspace(0, chunk.size - 1, _SAMPLE).astype(np.int64)))
    if known.rows and len(_scan(drawn, plan, known, _pieces([0, drawn.size]))[0]) < _SAMPLE // 64:
        return known
    return merge(known, _sketch(drawn, plan, known))


def _slice(chunk: Chunk, start: int, stop: int) -> Chunk:
    low, rows = chunk.loss_min, chunk.rows
    return Chunk(
        chunk.start + start,
        stop - start,
        {name: values[start:stop] for name, values in chunk.columns.items()},
        low[start:stop] if isinstance(low, np.ndarray) else low,
        None if rows is None else rows[start:stop],
    )


def _take(chunk: Chunk, which: Int) -> Chunk:
    low, rows = chunk.loss_min, chunk.rows
    return Chunk(
        chunk.start,
        len(which),
        {name: values[which] for name, values in chunk.columns.items()},
        low[which] if isinstance(low, np.ndarray) else low,
        which + chunk.start if rows is None else rows[which],
    )


def _usable(chunk: Chunk, plan: Plan) -> Chunk:
    return check.drop(chunk, check.usable(chunk)) if plan.drop_nonfinite else chunk


def _pieces(edges: list[int]) -> Int:
    """Spans (T, 2) of at most _PIECE rows between neighbouring edges."""
    starts = [np.arange(low, high, _PIECE) for low, high in pairwise(edges)]
    stops = [np.append(part[1:], high) for part, high in zip(starts, edges[1:], strict=True)]
    return np.column_stack([np.concatenate(starts), np.concatenate(stops)])


def _spans(chunk: Chunk, window: moments.WindowPlan) -> tuple[Int, Int]:
    """Spans (T, 2) of rows that share a window, and the windows (T,)."""
    if window.by == "step":
        step = chunk.columns["step"].astype(np.int64, copy=False)
        if window.origin:
            step = step - window.origin
        found = np.empty(1 + chunk.size // _PIECE * 64, dtype=np.int64)
        count = kernels.edges(step, window.width, found)
        if count < 0:  # runs side by side, say
            spans = _pieces([0, chunk.size])
            return spans, np.full(len(spans), _MANY_WINDOWS)
        inner = found[:count]
    else:
        last = chunk.start + chunk.size if chunk.rows is None else int(chunk.rows[-1]) + 1
        inner = np.arange(-(-chunk.start // window.width), -(-last // window.width)) * window.width
        inner = inner - chunk.start if chunk.rows is None else np.searchsorted(chunk.rows, inner)
        inner = np.unique(inner[(inner > 0) & (inner < chunk.size)])
    spans = _pieces([0, *inner.tolist(), chunk.size])
    at = spans[:, 0]
    if window.by == "step":
        return spans, step[at] // window.width
    return spans, (at + chunk.start if chunk.rows is None else chunk.rows[at]) // window.width


def _scan(chunk: Chunk, plan: Plan, hint: Sketch, spans: Int) -> tuple[Int, Int, Int]:
    """Rows to keep, and for every span its exact sums and its counts (see kernels.scan)."""
    columns, given = _columns(chunk)
    tests = screen_for(chunk, plan, hint).arrays()
    kept = np.empty(chunk.size, dtype=np.int64)  # mostly never touched
    limbs = np.zeros((len(spans), len(kernels.SUMMED) + 1, kernels.LIMBS), dtype=np.int64)
    counts = np.zeros((len(spans), 5), dtype=np.int64)

    workers = _cores()
    cuts = np.unique(np.linspace(0, len(spans), 8 * workers + 1).astype(np.int64)).tolist()
    parts = iter(list(pairwise(cuts)))
    found = []

    def work() -> None:
        for low, high in parts:  # all workers draw from the same iterator
            own = slice(low, high)
            count = kernels.scan(columns, given, spans[own], *tests, kept, limbs[own], counts[own])
            first = spans[low, 0]
            found.append(kept[first : first + count])

    with ThreadPoolExecutor(workers) as pool:
        others = [pool.submit(work) for _ in range(workers - 1)]
        work()
        for other in others:
            other.result()
    return np.sort(np.concatenate(found)), limbs, counts


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _columns(chunk: Chunk) -> tuple[tuple[Float, ...], Int]:
    """The columns as the kernel wants them: whole, or as one block of a constant."""
    columns = []
    given = np.zeros(len(COLUMNS), dtype=np.int64)
    for k, name in enumerate(COLUMNS):
        values = chunk.loss_min if name == "loss_min" else chunk.columns.get(name)
        if isinstance(values, np.ndarray):
            given[k] = kernels.PER_ROW
            columns.append(np.ascontiguousarray(values, dtype=np.float64))
        else:
            given[k] = kernels.ABSENT if values is None else kernels.CONSTANT
            columns.append(np.full(kernels.BLOCK, 0.0 if values is None else values))
    return tuple(columns), given


def _sums(chunk: Chunk, spans: Int, keys: Int, limbs: Int, counts: Int) -> moments.Sums:
    """The sums over some spans, from the kernel's limbs."""
    if not len(spans):
        return moments.Sums()
    rows = spans[:, 1] - spans[:, 0]
    windows: dict[int, tuple[int, int, int]] = {}
    if "loss" in chunk.columns and "loss_ref" in chunk.columns:
        for key in np.unique(keys):
            here = keys == key
            loss, ref, *_ = map(_number, limbs[here].sum(axis=0))
            windows[int(key)] = (int(rows[here].sum()), loss, ref)
    _, _, low, gamma, square = map(_number, limbs.sum(axis=0))
    size = int(rows.sum())
    if not isinstance(chunk.loss_min, np.ndarray):
        low = size * exact_sum(np.array([chunk.loss_min]))
    if "stepsize" not in chunk.columns:
        return moments.Sums(size, low, windows)
    smallest, largest = counts[:, 3].min(), counts[:, 4].max()
    return moments.Sums(
        size, low, windows, gamma, square,
        float(smallest.view(np.float64)), float(largest.view(np.float64)),
    )  # fmt: skip


def _number(limbs: Int) -> int:
    return sum(int(limbs[k]) << (32 * int(k)) for k in np.flatnonzero(limbs))
