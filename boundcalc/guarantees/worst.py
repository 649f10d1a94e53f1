"""The r rows that ask for the largest β at a given α, exactly, in one pass at flat memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.envelope import Rows, join, rows_of
from boundcalc.fit.exact import HUGE, MARGIN, TINY, integers
from boundcalc.guarantees.rows import chunks
from boundcalc.logs.log import Float, Log

_SPARE = 1 << 16  # rows held beyond r before they are put in exact order


@dataclass
class Worst:
    """Accumulates the `count` rows with the largest demand (α a − c)/b; of equal ones the first.

    A row with b = 0 demands +∞ where α a > c, and nothing elsewhere. Demands are floats with
    rigorous bounds; rows that those cannot order are put in order in exact arithmetic.
    """

    alpha: float
    count: int
    _rows: Rows = field(default_factory=lambda: join(()))
    _low: Float = field(default_factory=lambda: np.empty(0))
    _high: Float = field(default_factory=lambda: np.empty(0))

    def add(self, rows: Rows) -> None:
        """Take note of more rows (each row number once, in increasing order)."""
        low, high = demand_bounds(rows, self.alpha)
        least = self._threshold(self._low)
        keep = np.flatnonzero(high >= least)
        self._rows = join((self._rows, rows.take(keep)))
        self._low = np.concatenate([self._low, low[keep]])
        self._high = np.concatenate([self._high, high[keep]])
        if len(self._rows) > self.count:
            self._take(np.flatnonzero(self._high >= self._threshold(self._low)))
        if len(self._rows) > 8 * self.count + _SPARE:
            self._take(self._best())

    def rows(self) -> NDArray[np.int64]:
        """Their row numbers, sorted."""
        return np.sort(self._rows.row[self._best()])

    def _threshold(self, values: Float) -> float:
        """The count-th largest value, −inf when there are fewer."""
        if len(values) < self.count:
            return -np.inf
        return float(np.partition(values, len(values) - self.count)[len(values) - self.count])

    def _take(self, which: NDArray[np.int64]) -> None:
        self._rows = self._rows.take(which)
        self._low, self._high = self._low[which], self._high[which]

    def _best(self) -> NDArray[np.int64]:
        """Positions of the worst rows, in their order of arrival."""
        size = len(self._rows)
        if size <= self.count:
            return np.arange(size)
        after = np.partition(self._high, size - self.count - 1)[size - self.count - 1]
        sure = self._low > after  # fewer than `count` others can be above
        open_ = np.flatnonzero(~sure & (self._high >= self._threshold(self._low)))
        alpha = Fraction(self.alpha)
        ordered = sorted(
            open_.tolist(), key=lambda k: (demand_key(self._rows, k, alpha), -self._rows.row[k])
        )
        certain = np.flatnonzero(sure)
        chosen = ordered[::-1][: self.count - len(certain)]
        return np.sort(np.concatenate([certain, np.array(chosen, dtype=np.int64)]))


def worst_rows(
    log: Log,
    alphas: list[float],
    count: int,
    *,
    drop_nonfinite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[NDArray[np.int64]]:
    """For each α the numbers of the `count` worst rows of a log, sorted; one pass for all."""
    worst = [Worst(alpha, count) for alpha in alphas]
    for chunk in chunks(log, drop_nonfinite=drop_nonfinite, progress=progress):
        rows = rows_of(chunk)
        for one in worst:
            one.add(rows)
    return [one.rows() for one in worst]


def demand_key(rows: Rows, k: int, alpha: Fraction) -> tuple[int, Fraction]:
    """Orders the demand of row k at α exactly: (1, 0) stands for +∞, (−1, 0) for none at all."""
    loss, ref, low, inner = integers(
        rows.loss[k], rows.loss_ref[k], rows.loss_min[k], rows.inner[k]
    )
    excess = alpha * (loss - ref) - inner
    if loss == low:
        return (1 if excess > 0 else -1), Fraction(0)
    return 0, excess / (loss - low)


def demand_bounds(rows: Rows, alpha: float) -> tuple[Float, Float]:
    """Floats below and above the demand of every row, (n,) each; ∓inf where floats cannot tell."""
    with np.errstate(all="ignore"):
        left = alpha * (rows.loss - rows.loss_ref)
        bottom = rows.loss - rows.loss_min
        demand = (left - rows.inner) / bottom
        size = (np.abs(left) + np.abs(rows.inner)) / bottom
        error = 2 * MARGIN * size
        top = np.abs(left) + np.abs(rows.inner)
        fine = (bottom > TINY) & (top > TINY) & (top < HUGE) & (size > TINY) & (size < HUGE)
        zero = (bottom > 0) & (rows.loss == rows.loss_ref) & (rows.inner == 0)
        low = np.where(fine, demand - error, np.where(zero, 0.0, -np.inf))
        high = np.where(fine, demand + error, np.where(zero, 0.0, np.inf))
    return low, high
