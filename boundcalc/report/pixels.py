"""Many values drawn honestly: the extremes and the mean of every pixel column, at flat memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.log import Float

Int = NDArray[np.int64]

COLUMNS = 800  # pixel columns of a panel as wide as the page


@dataclass(frozen=True)
class Profile:
    """Values over pixel columns; only columns with values are listed, all arrays (m,).

    at : centre of the column; low, high, mean : of its values; count : how many it has.
    """

    at: Float
    low: Float
    high: Float
    mean: Float
    count: Int


class Columns:
    """Collects values into pixel columns, at O(columns) memory."""

    def __init__(self, edges: Float) -> None:
        self._edges = edges
        size = len(edges) - 1
        self._low, self._high = np.full(size, np.inf), np.full(size, -np.inf)
        self._sum, self._count = np.zeros(size), np.zeros(size, dtype=np.int64)

    def add(self, at: NDArray[np.generic], value: Float) -> None:
        """Values (n,) at positions `at` (n,); non-finite values are left out."""
        keep = np.isfinite(value)
        value = value[keep]
        where = np.searchsorted(self._edges, at[keep], side="right") - 1
        where = np.clip(where, 0, len(self._count) - 1)
        np.minimum.at(self._low, where, value)
        np.maximum.at(self._high, where, value)
        self._sum += np.bincount(where, weights=value, minlength=len(self._sum))
        self._count += np.bincount(where, minlength=len(self._count))

    def profile(self) -> Profile:
        """What was collected."""
        there = np.flatnonzero(self._count)
        centre = (self._edges[:-1] + self._edges[1:]) / 2
        low, high, count = self._low[there], self._high[there], self._count[there]
        mean = np.clip(self._sum[there] / count, low, high)
        return Profile(centre[there], low, high, mean, count)


def row_edges(rows: int, columns: int) -> Float:
    """Edges of at most `columns` equal pixel columns for row numbers 0 to `rows` - 1."""
    return np.linspace(-0.5, rows - 0.5, min(rows, columns) + 1)


def step_edges(steps: int, columns: int) -> Float:
    """Edges of pixel columns on a logarithmic axis from 1 to `steps`; a step is never split."""
    spaced = np.geomspace(1, steps + 1, columns + 1)
    whole = np.unique(np.round(spaced)) - 0.5
    return whole if len(whole) > 1 else np.array([0.5, 1.5])
