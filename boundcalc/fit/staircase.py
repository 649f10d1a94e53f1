"""Sketch of PL*_ε: the staircase ε ↦ μ(ε) = min ½‖g‖²/loss over the rows with loss ≥ ε.

The steps are the rows that no other row beats: a row is dropped when another has a loss at least as
large and a ratio at least as small. That set of a union is the set of the union of the sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.exact import HUGE, MARGIN, TINY, integers
from boundcalc.logs.log import Chunk, Float


@dataclass(frozen=True, eq=False)
class Steps:
    """The undominated rows by increasing loss: loss, grad_sqnorm (n,) float64, row (n,) int64."""

    loss: Float
    grad_sqnorm: Float
    row: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Steps):
            return NotImplemented
        return (
            np.array_equal(self.loss, other.loss)
            and np.array_equal(self.grad_sqnorm, other.grad_sqnorm)
            and np.array_equal(self.row, other.row)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside


EMPTY = Steps(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))


def steps_of(chunk: Chunk, known: Steps = EMPTY) -> Steps:
    """The undominated rows of a chunk; rows that `known` dominates may be left out."""
    loss = chunk.columns["loss"].astype(np.float64, copy=False)
    grad_sqnorm = chunk.columns["grad_sqnorm"].astype(np.float64, copy=False)
    where = np.flatnonzero(loss > 0)
    ratio = _ratio(loss[where], grad_sqnorm[where])
    if len(known.loss):
        at = np.searchsorted(known.loss, loss[where], side="left")  # first step with loss ≥ ours
        beaten = np.append(_ratio(known.loss, known.grad_sqnorm), np.inf)[at]
        keep = ~_surely_less(beaten, ratio)
        where, ratio = where[keep], ratio[keep]
    order = np.lexsort((ratio, -loss[where]))
    where, ratio = where[order], ratio[order]
    if len(where):
        before = np.concatenate([[np.inf], np.minimum.accumulate(ratio)[:-1]])
        where = where[~_surely_less(before, ratio)]
    return _reduce(loss[where], grad_sqnorm[where], chunk.row_numbers()[where])


def merge(left: Steps, right: Steps) -> Steps:
    """The staircase of the union."""
    if not len(left.row):
        return right
    if not len(right.row):
        return left
    return _reduce(
        np.concatenate([left.loss, right.loss]),
        np.concatenate([left.grad_sqnorm, right.grad_sqnorm]),
        np.concatenate([left.row, right.row]),
    )


def _ratio(loss: Float, grad_sqnorm: Float) -> Float:
    with np.errstate(all="ignore"):
        return np.asarray(grad_sqnorm / loss)


def _surely_less(mine: Float, other: Float) -> NDArray[np.bool_]:
    """mine < other as exact ratios, beyond rounding, over- and underflow."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (mine * (1 + MARGIN) < other) & (other > TINY) & (mine < HUGE) & (other - mine > TINY)
        )


def _reduce(loss: Float, grad_sqnorm: Float, row: NDArray[np.int64]) -> Steps:
    """Exact: from the largest loss down, keep each row whose ratio is a new minimum."""
    kept: list[int] = []
    least: tuple[int, int] | None = None
    order = np.lexsort((row, grad_sqnorm, -loss))  # equal losses: smallest ratio, then first row
    for k in order.tolist():
        square, value = integers(grad_sqnorm[k], loss[k])
        if least is None or square * least[1] < least[0] * value:
            least = (square, value)
            kept.append(k)
    where = np.array(kept[::-1], dtype=np.int64)
    return Steps(loss[where], grad_sqnorm[where], row[where])
