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

from boundcalc.fit.envelope import Envelope, float_triples, test_weights
from boundcalc.fit.exact import difference, two_floats
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
_MORE_STEPS = 128  # steps that the rows are tested by which those let through
_NO_STEPS = np.full((STEPS, 2), -np.inf)  # no loss is below these, so every row passes


@dataclass(frozen=True)
class Screen:
    """Tests of rows, each with the known row behind it and how many rows of the chunk precede that.

    points (POINTS, 6): a row is needless for the envelope if x·a − y·b − z·c < 0 for all (x, y, z);
    lines (k, 3): (a, b, c) of rows that are known, NaN where they are no floats;
    floor (1, 6): (α, 0, 1) with α the bound that rows with b = 0 > a set;
    contradiction_at : rows of the chunk before the known row with a = b = 0 > c;
    ratios (r, 5): numerator, its subtrahend, denominator, its subtrahend (columns), and the sign;
    weights (r, 6): (q, 1, 0) with q the best ratio known; bests (r, 2): its numerator, denominator;
    stairs (s, 2): loss and squared norm of steps, by increasing loss; steepness (s, 6): (q, 1, 0),
    their ratio q; coarse (STEPS, 2): loss and ratio of some of them.
    An empty array stands for a part of the sketch that the log has no columns for.
    """

    points: Float
    lines: Float
    line_at: Int
    floor: Float
    contradiction_at: int
    ratios: Int
    weights: Float
    bests: Float
    best_at: Int
    stairs: Float
    steepness: Float
    stair_at: Int
    coarse: Float

    def arrays(self) -> tuple[NDArray[np.generic] | int, ...]:
        return tuple(vars(self).values())


def screen_for(chunk: Chunk, plan: Plan, hint: Sketch) -> Screen:
    """The tests of the rows of a chunk by what `hint` knows."""

    def position(rows: Int) -> Int:
        return rows - chunk.start if chunk.rows is None else np.searchsorted(chunk.rows, rows)

    lines = hint.envelope.lines
    lines = lines.take(np.unique(_spread(len(lines), POINTS - 2)))
    steps = np.unique(_spread(len(hint.steps.row), _MORE_STEPS))
    stairs, steepness = _stairs(hint.steps, steps)
    few = _spread(len(steps), STEPS)
    coarse = np.column_stack([stairs[few, 0], steepness[few, 0]]) if len(few) else _NO_STEPS
    found = [(one, hint.extremes.get(name)) for name, one in plan.ratios().items()]
    ratios = [
        [
            *map(COLUMNS.index, (one.num, one.num_minus, one.den, one.den_minus)),
            2 * one.smallest - 1,
        ]
        for one, _ in found
    ]
    bests = [best for _, best in found]
    return Screen(
        _points(test_weights(lines)) if plan.fits("alpha-beta") else np.empty((0, 6)),
        float_triples(lines),
        position(lines.row),
        np.array([_floor(hint.envelope)]),
        int(min([*position(hint.envelope.contradiction.row)], default=chunk.size)),
        np.array(ratios, dtype=np.int64).reshape(-1, 5),
        np.array([_ratio_weights(best) for best in bests]).reshape(-1, 6),
        np.array([_ratio_numbers(best) for best in bests]).reshape(-1, 2),
        position(np.array([-1 if best is None else best.row for best in bests], dtype=np.int64)),
        stairs,
        steepness,
        position(hint.steps.row[steps]),
        coarse if plan.fits("pl-star-eps") else np.empty((0, 2)),
    )


def _spread(count: int, most: int) -> Int:
    """`most` positions spread evenly over `count`, the first and the last among them."""
    return np.linspace(0, count - 1, most).astype(np.int64) if count else np.empty(0, np.int64)


def _points(weights: Float) -> Float:
    """The tests, the first one repeated to make up POINTS."""
    return weights[[k if k < len(weights) else 0 for k in range(POINTS)]]


def _floor(known: Envelope) -> tuple[float, ...]:
    if not len(known.floor):
        return (math.nan,) * 6
    loss, ref, inner = (
        float(part[0]) for part in (known.floor.loss, known.floor.loss_ref, known.floor.inner)
    )
    alpha = Fraction(inner) / (Fraction(loss) - Fraction(ref))
    return (*two_floats(alpha), 0.0, 0.0, 1.0, 0.0)


def _ratio_weights(best: Extreme | None) -> tuple[float, ...]:
    return (
        *((math.nan, math.nan) if best is None else two_floats(best.exact())),
        1.0,
        0.0,
        0.0,
        0.0,
    )


def _ratio_numbers(best: Extreme | None) -> tuple[float, float]:
    if best is None:
        return math.nan, math.nan
    top, top_low = difference(best.num, best.num_minus)
    bottom, bottom_low = difference(best.den, best.den_minus)
    return (top, bottom) if top_low == bottom_low == 0 else (math.nan, math.nan)


def _stairs(steps: Steps, which: Int) -> tuple[Float, Float]:
    """Loss and squared norm of some steps, and their ratios as weights."""
    pairs = list(zip(steps.loss[which].tolist(), steps.grad_sqnorm[which].tolist(), strict=True))
    ratios = [two_floats(Fraction(square) / Fraction(loss)) for loss, square in pairs]
    weights = [(*ratio, 1.0, 0.0, 0.0, 0.0) for ratio in ratios]
    return np.array(pairs).reshape(-1, 2), np.array(weights).reshape(-1, 6)
