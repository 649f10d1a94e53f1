"""Sketch of sums over rows: σ², window means of the loss, step sizes. All sums are exact integers.

A plain float sum depends on the order of its terms; these are accumulated in units of 2^-1074, so
that any chunking and any merge order give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.exact import SCALE, exact_sum
from boundcalc.logs.log import Chunk, Float


@dataclass(frozen=True)
class WindowPlan:
    """Windows of `width` rows (by = "row") or steps (by = "step") from `origin`; `how` in words."""

    by: str
    width: int
    how: str
    origin: int = 0


@dataclass(frozen=True)
class Sums:
    """Exact sums over rows, in units of 2^-1074.

    windows : window number -> (rows, Σ loss, Σ loss_ref).
    step sizes : rows that carry one, Σ γ, Σ fl(γ²), smallest, largest.
    """

    rows: int = 0
    loss_min: int = 0
    windows: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    stepsize: int = 0
    stepsize_square: int = 0
    stepsize_smallest: float = np.inf
    stepsize_largest: float = -np.inf


def sums_of(chunk: Chunk, plan: WindowPlan) -> Sums:
    """The sums of one chunk."""
    names = chunk.columns
    windows: dict[int, tuple[int, int, int]] = {}
    if "loss" in names and "loss_ref" in names:
        windows = _windows(chunk, plan)
    low = np.asarray(chunk.loss_min, dtype=np.float64)
    loss_min = exact_sum(low) if low.ndim else exact_sum(low[None]) * chunk.size
    if "stepsize" not in names:
        return Sums(chunk.size, loss_min, windows)
    gamma = names["stepsize"].astype(np.float64, copy=False)
    return Sums(
        chunk.size,
        loss_min,
        windows,
        exact_sum(gamma),
        _sum_of_squares(gamma),
        float(gamma.min()),
        float(gamma.max()),
    )


def _sum_of_squares(gamma: Float) -> int:
    """Σ fl(γ²) in units of 2^-1074; squares beyond the range of floats are not rounded."""
    with np.errstate(over="ignore", under="ignore"):
        square = gamma * gamma
    huge = np.isinf(square)
    return exact_sum(square[~huge]) + sum(int(g) ** 2 << SCALE for g in gamma[huge].tolist())


def _windows(chunk: Chunk, plan: WindowPlan) -> dict[int, tuple[int, int, int]]:
    key = window_keys(chunk, plan)
    loss = chunk.columns["loss"].astype(np.float64, copy=False)
    ref = chunk.columns["loss_ref"].astype(np.float64, copy=False)
    if np.any(key[1:] < key[:-1]):
        order = np.argsort(key, kind="stable")
        key, loss, ref = key[order], loss[order], ref[order]
    edges = [0, *(np.flatnonzero(np.diff(key)) + 1).tolist(), len(key)]
    return {
        int(key[start]): (stop - start, exact_sum(loss[start:stop]), exact_sum(ref[start:stop]))
        for start, stop in pairwise(edges)
    }


def window_keys(chunk: Chunk, plan: WindowPlan) -> NDArray[np.int64]:
    """Window number of every row, (n,) int64."""
    position = chunk.columns["step"] if plan.by == "step" else chunk.row_numbers()
    return np.asarray((position.astype(np.int64) - plan.origin) // plan.width)


def merge(left: Sums, right: Sums) -> Sums:
    """The sums of the union."""
    windows = dict(left.windows)
    for key, (rows, loss, ref) in right.windows.items():
        mine = windows.get(key, (0, 0, 0))
        windows[key] = (mine[0] + rows, mine[1] + loss, mine[2] + ref)
    return Sums(
        left.rows + right.rows,
        left.loss_min + right.loss_min,
        windows,
        left.stepsize + right.stepsize,
        left.stepsize_square + right.stepsize_square,
        min(left.stepsize_smallest, right.stepsize_smallest),
        max(left.stepsize_largest, right.stepsize_largest),
    )
