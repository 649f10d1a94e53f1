"""From a finished sketch to a Fit: constants rounded so that every row satisfies them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.fit import envelope
from boundcalc.fit.exact import float_down, float_up, fraction_of_sum, integers, sqrt_down
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.fit.result import Extremum, Fit, Observed, Staircase, StepSizes
from boundcalc.fit.runs import Runs
from boundcalc.fit.sketch import Sketch
from boundcalc.logs.log import Log

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
    if sketch.rows == 0:
        raise InputError(
            Fault(log.source, "no usable row", "at least two finite rows", "check the trainer")
        )
    runs = sketch.runs
    horizon = 0 if runs is None else int((runs.last_step - runs.first_step).min()) + 1
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
        runs=len(runs.run) if runs is not None and "run" in sketch.plan.names else None,
        step_sizes=_step_sizes(sketch),
        observed=_observed(sketch),
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
        if extreme is None or (condition == "pl-star" and sketch.below_zero):
            found[condition] = None
            continue
        exact = factor * extreme.exact()
        found[condition] = Extremum(rounding(exact), exact, extreme.row)
    return found


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
    return StepSizes(
        sums.stepsize_smallest,
        sums.stepsize_largest,
        fraction_of_sum(sums.stepsize) / sums.rows,
        fraction_of_sum(sums.stepsize_square) / sums.rows,
    )


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
        float(smallest),
        float(means[min(means)]),
        f"smallest mean of loss − loss_ref over {sketch.plan.window.how}",
        row_mean,
    )


def _observed_whole(runs: Runs, row_mean: float | None) -> Observed | None:
    """From full_loss: smallest and first value minus the last one, averaged over runs."""
    several = runs.full_first_row < runs.full_last_row
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
        return float(sum(terms, Fraction(0)) / len(terms))

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
    if sketch.runs is not None and "step" not in sketch.plan.names:
        said.append("one row is one step (no `step` column)")
    return tuple(said)
