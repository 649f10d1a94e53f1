"""From a finished sketch to a Fit: constants rounded so that every row satisfies them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.fit import envelope
from boundcalc.fit.exact import (
    float_down,
    float_near,
    float_up,
    fraction_of_sum,
    integers,
    sqrt_down,
)
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.fit.positions import PositionInRun
from boundcalc.fit.result import Extremum, Fit, Observed, Staircase, StepSizes
from boundcalc.fit.runs import Runs
from boundcalc.fit.sketch import Sketch
from boundcalc.logs.log import Log

_LEAST_ROWS = 2
_SQUARES_UNDERFLOW = 1e-150
_HALF, _ONE, _TWO = Fraction(1, 2), Fraction(1), Fraction(2)
# condition -> (sketched ratio, factor, rounding to the side where the condition holds)
_CONSTANTS = {
    "pl": ("pl", _HALF, float_down),
    "pl-star": ("pl-star", _HALF, float_down),
    "self-bounding": ("self-bounding", _HALF, float_up),
    "aiming": ("aiming", _ONE, float_down),
    "rsi": ("rsi", _ONE, float_down),
    "eb": ("eb", _ONE, sqrt_down),
    "qg": ("qg", _TWO, float_down),
}


def measure(log: Log, sketch: Sketch) -> Fit:
    """The fit of a log from the sketch of all its rows."""
    runs = sketch.runs
    if sketch.rows < _LEAST_ROWS or runs is None:
        found = f"{sketch.rows} of {log.rows} rows without NaN or infinity"
        raise InputError(Fault(log.source, found, "at least two finite rows", "check the trainer"))
    spans = runs.last_step - runs.first_step + 1 if "step" in sketch.plan.names else runs.rows
    horizon = int(spans.min())
    return Fit(
        source=log.source,
        form=log.form,
        rows=log.rows,
        rows_used=sketch.rows,
        warnings=(*log.warnings, *_warnings(sketch)),
        assumptions=_assumptions(log, sketch),
        alpha_beta=frontier_of(sketch),
        constants=_constants(log, sketch),
        staircase=_staircase(sketch),
        rows_below_float_floor=sketch.below_float_floor,
        interpolation_error=_interpolation_error(sketch),
        initial_dist_sq=_initial_dist_sq(sketch),
        horizon=horizon,
        every_step_logged=bool((spans == horizon).all())
        and sketch.rows % (horizon * len(runs.run)) == 0,
        runs=len(runs.run) if runs is not None and "run" in sketch.plan.names else None,
        step_sizes=_step_sizes(sketch),
        observed=_observed(sketch),
        parts=log.parts,
    )


def frontier_of(sketch: Sketch) -> Frontier | Infeasible | None:
    """The (α, β) frontier, or the row that rules it out; None where columns are missing."""
    return envelope.finish(sketch.envelope) if sketch.plan.fits("alpha-beta") else None


def _constants(log: Log, sketch: Sketch) -> Mapping[str, Extremum | None]:
    found: dict[str, Extremum | None] = {}
    for condition, (name, factor, rounding) in _CONSTANTS.items():
        source = name
        if condition == "pl" and "pl-full" in sketch.extremes and log.loss_min is not None:
            source = "pl-full"
        extreme = sketch.extremes.get(source)
        if (
            extreme is None
            or condition in log.withheld
            or (condition == "pl-star" and sketch.below_zero)
        ):
            found[condition] = None
            continue
        exact = factor * extreme.exact()
        on = "full_loss" if source == "pl-full" else "rows"
        broken = _breaking_aiming(sketch, rounding(exact)) if condition == "aiming" else ()
        found[condition] = Extremum(rounding(exact), exact, extreme.row, on, broken)
    return found


def _breaking_aiming(sketch: Sketch, theta: float) -> tuple[int, ...]:
    """Rows that do not hold with θ: aiming(θ) row by row is alpha-beta(θ, 0), so lines tell."""
    frontier = frontier_of(sketch)
    if isinstance(frontier, Infeasible):
        return frontier.rows
    if frontier is None or not 0 < theta < np.inf:
        return ()
    if Fraction(theta) < frontier.alpha_min:
        return frontier.alpha_min_rows
    beta = frontier.beta(Fraction(theta))
    return frontier.binding_rows(Fraction(theta), beta) if beta > 0 else ()


def _staircase(sketch: Sketch) -> Staircase | None:
    if not sketch.plan.fits("pl-star-eps") or sketch.below_zero:
        return None
    steps = sketch.steps
    mu = []
    for square, loss in zip(steps.grad_sqnorm, steps.loss, strict=True):
        top, bottom = integers(square, loss)
        mu.append(float_down(Fraction(top, 2 * bottom)))
    return Staircase(tuple(map(float, steps.loss)), tuple(mu), tuple(map(int, steps.row)))


def _interpolation_error(sketch: Sketch) -> Fraction | None:
    windows = sketch.sums.windows.values()
    if not windows:
        return None
    total = sum(ref for _, _, ref in windows) - sketch.sums.loss_min
    return fraction_of_sum(total) / sketch.rows


def _initial_dist_sq(sketch: Sketch) -> Fraction | None:
    if "dist_sq" not in sketch.plan.names or sketch.runs is None:
        return None
    starts = [Fraction(float(dist)) for dist in sketch.runs.start_dist]
    return sum(starts, Fraction(0)) / len(starts)


def _step_sizes(sketch: Sketch) -> StepSizes | None:
    sums = sketch.sums
    if "stepsize" not in sketch.plan.names:
        return None
    smallest, largest = sums.stepsize_smallest, sums.stepsize_largest
    mean = fraction_of_sum(sums.stepsize) / sums.rows
    if smallest == largest:
        square = Fraction(largest) ** 2
    elif smallest < _SQUARES_UNDERFLOW:
        square = Fraction(largest) * mean  # Σγ² ≤ max γ · Σγ
    else:  # each square was rounded once
        square = fraction_of_sum(sums.stepsize_square) / sums.rows * (1 + Fraction(1, 1 << 52))
    return StepSizes(smallest, largest, mean, square)


def _observed(sketch: Sketch) -> Observed | None:
    windows = sketch.sums.windows
    row_mean = None
    if windows:
        total = sum(loss - ref for _, loss, ref in windows.values())
        row_mean = float_down(fraction_of_sum(total) / sketch.rows)
    whole = None if sketch.runs is None else _observed_whole(sketch.runs, row_mean)
    if whole is not None:
        return whole
    if not windows:
        return None
    means = {key: fraction_of_sum(loss - ref) / rows for key, (rows, loss, ref) in windows.items()}
    full = max(rows for rows, _, _ in windows.values())
    # a last, partial window is a mean over fewer rows: it would only be a noisier minimum
    smallest = min(means[key] for key, (rows, _, _) in windows.items() if 2 * rows >= full)
    return Observed(
        float_near(smallest),
        float_near(means[min(means)]),
        f"smallest mean of loss − loss_ref over {sketch.plan.window.how}",
        row_mean,
    )


def _observed_whole(runs: Runs, row_mean: float | None) -> Observed | None:
    """From full_loss: smallest and first value minus the last one, averaged over runs."""
    several = runs.full_first_row != runs.full_last_row
    if not several.all():
        return None
    # the last value is the reference's own: it is not among the iterates that a bound speaks of
    at_last = runs.full_least_row == runs.full_last_row
    least = np.where(at_last, runs.full_next, runs.full_least)

    def mean(values: np.ndarray) -> float:
        terms = [
            Fraction(float(value)) - Fraction(float(last))
            for value, last in zip(values, runs.full_last, strict=True)
        ]
        return float_near(sum(terms, Fraction(0)) / len(terms))

    over = "" if len(runs.run) == 1 else ", mean over runs"
    return Observed(
        mean(least),
        mean(runs.full_first),
        f"smallest full_loss minus its last value{over}",
        row_mean,
    )


def _warnings(sketch: Sketch) -> list[str]:
    said = []
    if sketch.dropped:
        said.append(
            f"{sketch.dropped} rows with NaN or inf were dropped, the first is row "
            f"{sketch.first_dropped} (--drop-nonfinite)"
        )
    if sketch.below_float_floor:
        said.append(
            f"{sketch.below_float_floor} rows have loss = loss_min with a nonzero gradient "
            "(float floor): they say nothing about μ or L and were left out of both"
        )
    if sketch.below_zero and sketch.plan.fits("pl-star"):
        said.append(f"{sketch.below_zero} rows have a negative loss: PL* presumes loss ≥ 0")
    return said


def _assumptions(log: Log, sketch: Sketch) -> tuple[str, ...]:
    said = []
    if not log.loss_min_given:
        said.append("loss_min = 0 for every row (no column says otherwise; --loss-min X does)")
    if "inner" in sketch.plan.names or "dist_sq" in sketch.plan.names:
        said.append(
            "the log's reference point (usually its last iterate) stands for the projection x_p "
            "on the set of minimisers"
        )
    steps = log.columns.get("step")
    if steps is None or isinstance(steps, PositionInRun):
        said.append("one row is one step (no `step` column)")
    if sketch.runs is not None and len(sketch.runs.run) > 1:
        said.append(
            f"{len(sketch.runs.run)} runs: the horizon is the shortest one's, D₀ their mean"
        )
    return tuple(said)
