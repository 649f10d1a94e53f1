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
from numpy.typing import NDArray

from boundcalc.fit.exact import (
    HUGE,
    MARGIN,
    MARGIN2,
    TINY,
    difference,
    integers,
    product,
    same_product,
)
from boundcalc.logs.log import Chunk, Float

_FEW = 16  # so few rows go straight to exact arithmetic
_ROUNDS = 8


@dataclass(frozen=True)
class Ratio:
    """(num − num_minus) / (den − den_minus) over the rows where the denominator is positive.

    Names are log columns; an empty name stands for 0. `smallest`: the row looked for has the
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
    rows = chunk.row_numbers()[where]
    best: Extreme | None = None
    for k in _contenders(ratio, numbers, value[where]):
        here = [float(number) for number in numbers[k]]
        best = merge(ratio, best, Extreme(here[0], here[1], here[2], here[3], int(rows[k])))
    return best


def _contenders(ratio: Ratio, numbers: Float, value: Float) -> NDArray[np.int64]:
    """Rows left when those go that another row beats in twice the precision, and later ties.

    numbers : (n, 4) columns of the ratio, rows in order; value : (n,) what is to be smallest.
    """
    left = np.arange(len(value))
    sign = 1 if ratio.smallest else -1
    pivot = int(value.argmin())
    with np.errstate(all="ignore"):
        top, top_low = difference(numbers[:, 0], numbers[:, 1])
        bottom, bottom_low = difference(numbers[:, 2], numbers[:, 3])
        exact = (top_low == 0) & (bottom_low == 0)
        for _ in range(_ROUNDS):
            if len(left) <= _FEW:
                break
            mine, mine_low = product(top[left], top_low[left], bottom[pivot], bottom_low[pivot])
            its, its_low = product(bottom[left], bottom_low[left], top[pivot], top_low[pivot])
            excess = sign * ((mine - its) + (mine_low - its_low))
            beaten = excess > MARGIN2 * (np.abs(mine) + np.abs(its)) + TINY
            tied = same_product(top[left], bottom[pivot], bottom[left], top[pivot])
            beaten |= tied & exact[left] & exact[pivot] & (left > pivot)
            pivot = int(left[(excess / bottom[left]).argmin()])
            left = left[~beaten]
    return left


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
    excess = left.exact() - right.exact()
    if excess == 0:
        return left if left.row < right.row else right
    return left if (excess < 0) == ratio.smallest else right
