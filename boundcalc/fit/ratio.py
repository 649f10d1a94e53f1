"""Sketch of a one-constant condition: the row with the smallest ratio of two logged quantities.

Every such condition on a row reads  numerator ≥ constant · denominator  with denominator > 0, so
the tightest constant on a log is the smallest ratio. It is compared exactly; of equal ratios the
first row is kept. A float filter goes first and drops only rows that are beaten beyond doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from boundcalc.fit.exact import HUGE, MARGIN, TINY, integers
from boundcalc.logs.log import Chunk, Float


@dataclass(frozen=True)
class Ratio:
    """(num − num_minus) / (den − den_minus) over the rows where the denominator is positive.

    Names are log columns; an empty name stands for 0. `lower`: the first row is the one with the
    smallest ratio; otherwise the largest.
    """

    num: str
    den: str
    num_minus: str = ""
    den_minus: str = ""
    smallest: bool = True

    def columns(self) -> tuple[str, ...]:
        """The log columns that the ratio needs (loss_min is always there)."""
        named = (self.num, self.den, self.num_minus, self.den_minus)
        return tuple(name for name in named if name not in ("", "loss_min"))


# constant = factor · ratio; eb's constant is the square root of its ratio.
RATIOS: Mapping[str, Ratio] = {
    "pl": Ratio("grad_sqnorm", "loss", den_minus="loss_min"),
    "pl-full": Ratio("full_grad_sqnorm", "full_loss", den_minus="loss_min"),
    "pl-star": Ratio("grad_sqnorm", "loss"),
    "self-bounding": Ratio("grad_sqnorm", "loss", den_minus="loss_min", smallest=False),
    "aiming": Ratio("inner", "loss", den_minus="loss_ref"),
    "rsi": Ratio("inner", "dist_sq"),
    "eb": Ratio("grad_sqnorm", "dist_sq"),
    "qg": Ratio("loss", "dist_sq", num_minus="loss_ref"),
}


@dataclass(frozen=True)
class Extreme:
    """The best row so far: its four numbers and its row number."""

    num: float
    num_minus: float
    den: float
    den_minus: float
    row: int

    def exact(self) -> Fraction:
        num, num_minus, den, den_minus = integers(
            self.num, self.num_minus, self.den, self.den_minus
        )
        return Fraction(num - num_minus, den - den_minus)


def extreme_of(ratio: Ratio, chunk: Chunk) -> Extreme | None:
    """The extreme row of a chunk, None when no row has a positive denominator."""
    num, num_minus = _column(chunk, ratio.num), _column(chunk, ratio.num_minus)
    den, den_minus = _column(chunk, ratio.den), _column(chunk, ratio.den_minus)
    with np.errstate(all="ignore"):
        bottom = den if ratio.den_minus == "" else den - den_minus
        value = (num if ratio.num_minus == "" else num - num_minus) / bottom
        value = np.where(bottom > 0, value, np.nan)  # NaN: no constraint, or not evaluated
        if not ratio.smallest:
            value = -value
    if np.isnan(value).all():
        return None
    where = np.flatnonzero(value <= _cutoff(float(np.nanmin(value))))
    numbers = np.column_stack(
        [np.broadcast_to(part, den.shape)[where] for part in (num, num_minus, den, den_minus)]
    )
    _, first = np.unique(numbers, axis=0, return_index=True)  # equal rows: the first one speaks
    rows = chunk.row_numbers()[where]
    best: Extreme | None = None
    for k in first:
        here = [float(value) for value in numbers[k]]
        best = merge(ratio, best, Extreme(here[0], here[1], here[2], here[3], int(rows[k])))
    return best


def _cutoff(best: float) -> float:
    """No row with a larger float value can have the smallest exact value."""
    if abs(best) < TINY:
        return TINY
    if abs(best) > HUGE:
        return np.inf if best > 0 else -HUGE
    return best + MARGIN * abs(best)


def _column(chunk: Chunk, name: str) -> Float:
    if name == "":
        return np.zeros(())
    if name == "loss_min":
        return np.asarray(chunk.loss_min, dtype=np.float64)
    return chunk.columns[name].astype(np.float64, copy=False)


def merge(ratio: Ratio, left: Extreme | None, right: Extreme | None) -> Extreme | None:
    """The more extreme of two rows; of equal ones the earlier row."""
    if left is None or right is None:
        return left or right
    difference = left.exact() - right.exact()
    if difference == 0:
        return left if left.row < right.row else right
    return left if (difference < 0) == ratio.smallest else right
