"""The tests that a known sketch gives: numbers by which compiled loops recognise needless rows.

Weights are rationals, handed over as unevaluated sums of two floats (relative error 2^-106); NaN,
which every test fails, stands where that error is not small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.envelope import Rows, region
from boundcalc.fit.exact import TINY
from boundcalc.fit.ratio import Extreme
from boundcalc.fit.sketch import Plan, Sketch
from boundcalc.fit.staircase import Steps
from boundcalc.logs.log import Chunk, Float

Int = NDArray[np.int64]

# The columns in the order of the kernels' arguments; the last one is zero throughout.
COLUMNS = ("loss", "loss_ref", "loss_min", "inner", "grad_sqnorm", "dist_sq", "stepsize",
           "full_loss", "full_grad_sqnorm", "")  # fmt: skip
POINTS = 8  # tests of the envelope, constant so that the loop over them is unrolled
STEPS = 8  # tests of the staircase, likewise


@dataclass(frozen=True)
class Screen:
    """Tests of rows, each with the known row behind it and how many rows of the chunk precede that.

    points (POINTS, 6): a row is needless for the envelope when x·a − y·b − z·c < 0 for all (x, y, z);
    lines (k, 3): (a, b, c) of rows that are known, NaN where they are no floats;
    ratios (r, 5): numerator, its subtrahend, denominator, its subtrahend (columns), and the sign;
    weights (r, 6): (q, 1, 0) with q the best ratio known; bests (r, 2): its numerator, denominator;
    stairs (STEPS, 8): loss, squared norm, (q, 1, 0) with their ratio q.
    An empty array stands for a part of the sketch that the log has no columns for.
    """

    points: Float
    lines: Float
    line_at: Int
    ratios: Int
    weights: Float
    bests: Float
    best_at: Int
    stairs: Float
    stair_at: Int

    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        return tuple(vars(self).values())


def screen_for(chunk: Chunk, plan: Plan, hint: Sketch) -> Screen:
    """The tests of the rows of a chunk by what `hint` knows."""

    def position(rows: Int) -> Int:
        return rows - chunk.start if chunk.rows is None else np.searchsorted(chunk.rows, rows)

    lines = hint.envelope.lines
    lines = lines.take(np.unique(_spread(len(lines), POINTS - 2)))
    steps = _spread(len(hint.steps.row), STEPS)
    found = [(one, hint.extremes.get(name)) for name, one in plan.ratios().items()]
    ratios = [
        [*map(COLUMNS.index, (one.num, one.num_minus, one.den, one.den_minus)), 2 * one.smallest - 1]
        for one, _ in found
    ]
    bests = [best for _, best in found]
    return Screen(
        _points(lines) if plan.fits("alpha-beta") else np.empty((0, 6)),
        _lines(lines),
        position(lines.row),
        np.array(ratios, dtype=np.int64).reshape(-1, 5),
        np.array([_ratio_weights(best) for best in bests]).reshape(-1, 6),
        np.array([_ratio_numbers(best) for best in bests]).reshape(-1, 2),
        position(np.array([-1 if best is None else best.row for best in bests], dtype=np.int64)),
        _stairs(hint.steps, steps) if plan.fits("pl-star-eps") else np.empty((0, 8)),
        position(hint.steps.row[steps]),
    )


def _spread(count: int, most: int) -> Int:
    """`most` positions spread evenly over `count`, the first and the last among them."""
    return np.linspace(0, count - 1, most).astype(np.int64) if count else np.empty(0, np.int64)


def _two(value: Fraction) -> tuple[float, float]:
    """The value as a sum of two floats."""
    try:
        high = float(value)
    except OverflowError:
        return math.nan, math.nan
    if value and abs(high) < TINY:
        return math.nan, math.nan
    return high, float(value - Fraction(high))


def _points(lines: Rows) -> Float:
    """Corners (α, β, 1) and direction (1, slope, 0) of the region that the lines leave.

    They are scaled so that the largest entry is 1: underflow then costs a test next to nothing.
    """
    corners, slope = region(lines)
    weights = [(alpha, beta, Fraction(1)) for alpha, beta in corners]
    if slope != 1:  # a ≤ b always, so a slope of 1 is never exceeded
        weights.append((Fraction(1), slope, Fraction(0)))
    scaled = [[_two(entry / max(weight)) for entry in weight] for weight in weights]
    return np.resize(np.array(scaled).reshape(-1, 6), (POINTS, 6))


def _difference(x: float, y: float) -> float:
    """x − y, NaN where that is not a float."""
    high = x - y
    return high if math.isfinite(high) and Fraction(x) - Fraction(y) == Fraction(high) else math.nan


def _lines(lines: Rows) -> Float:
    columns = (lines.loss, lines.loss_ref, lines.loss_min, lines.inner)
    return np.array(
        [
            (_difference(loss, ref), _difference(loss, low), inner)
            for loss, ref, low, inner in zip(*(column.tolist() for column in columns), strict=True)
        ]
    ).reshape(-1, 3)


def _ratio_weights(best: Extreme | None) -> tuple[float, ...]:
    return (*((math.nan, math.nan) if best is None else _two(best.exact())), 1.0, 0.0, 0.0, 0.0)


def _ratio_numbers(best: Extreme | None) -> tuple[float, float]:
    if best is None:
        return math.nan, math.nan
    return _difference(best.num, best.num_minus), _difference(best.den, best.den_minus)


def _stairs(steps: Steps, which: Int) -> Float:
    """Without known steps: the loss −inf, below which nothing lies."""
    if not len(which):
        return np.full((STEPS, 8), -np.inf)
    pairs = zip(steps.loss[which].tolist(), steps.grad_sqnorm[which].tolist(), strict=True)
    return np.array(
        [(loss, g, *_two(Fraction(g) / Fraction(loss)), 1.0, 0.0, 0.0, 0.0) for loss, g in pairs]
    )
