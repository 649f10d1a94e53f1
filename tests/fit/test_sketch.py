"""The whole sketch: chunking and merge order change no bit; constants equal brute force."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.measure import measure
from boundcalc.fit.sketch import Sketch, merge, sketch_of
from boundcalc.logs.arrays import log_from_arrays


def training_log(rng, n, kind):
    """Columns of a plausible log with every optional column; `kind` picks the trouble in it."""
    runs = 3
    step = np.arange(n) // runs
    columns = {
        "loss": rng.random(n) * 3,
        "loss_ref": rng.random(n) * 0.3,
        "inner": rng.normal(size=n) + 1,
        "dist_sq": rng.random(n) * 9 + 1,
        "step": step,
        "run": np.arange(n) % runs,
        "sample": rng.integers(0, 7, n),
        "stepsize": 0.1 / (1 + step),
        "full_loss": np.where(rng.random(n) < 0.3, rng.random(n) * 3, np.nan),
        "full_grad_sqnorm": rng.random(n),
    }
    columns["grad_sqnorm"] = columns["inner"] ** 2 / columns["dist_sq"] * (1 + rng.random(n))
    if kind == "ties":
        for name in ("loss", "loss_ref"):
            columns[name] = np.round(columns[name] * 2) / 2
        columns["inner"] = np.round(columns["inner"])
        columns["dist_sq"] = np.ceil(columns["dist_sq"])
        columns["grad_sqnorm"] = np.ceil(columns["inner"] ** 2)
    if kind == "own minima":
        columns["loss_min"] = -rng.random(n)
    if kind == "magnitudes":
        scale = 2.0 ** rng.integers(-400, 400, n)
        for name in ("loss", "loss_ref", "inner"):
            columns[name] = columns[name] * scale
        columns["grad_sqnorm"] = columns["inner"] ** 2 / columns["dist_sq"] * 2
    return columns


KINDS = ("plain", "ties", "own minima", "magnitudes")


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_and_merge_order_change_no_bit(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for n in (2, 17, 300, 2000):
        log = log_from_arrays(training_log(rng, n, kind))
        plan = plan_for(log)
        whole = fold(log, plan, chunk_rows=n)
        for rows in (1, 7, 256) if n < 2000 else (63, 1999):
            assert fold(log, plan, chunk_rows=rows) == whole
        parts = [sketch_of(chunk, plan) for chunk in log.chunks(max(1, n // 9))]
        while len(parts) > 1:
            k = int(rng.integers(len(parts) - 1))
            parts[k : k + 2] = [merge(parts[k + 1], parts[k])]
        assert parts[0] == whole
        assert merge(whole, Sketch(plan)) == whole == merge(Sketch(plan), whole)


def smallest(pairs):
    """Smallest exact ratio over rows with positive denominator, and its first row."""
    ratios = [(top / bottom, row) for row, (top, bottom) in enumerate(pairs) if bottom > 0]
    return min(ratios) if ratios else None


@pytest.mark.parametrize("kind", KINDS)
def test_constants_equal_brute_force(kind):
    rng = np.random.default_rng(10 + KINDS.index(kind))
    for n in (2, 40, 200):
        columns = training_log(rng, n, kind)
        log = log_from_arrays(columns)
        fit = measure(log, fold(log, plan_for(log), chunk_rows=64))
        q = {name: [Fraction(float(v)) for v in col] if name != "full_loss" else col
             for name, col in columns.items()}  # fmt: skip
        low = q.get("loss_min", [Fraction(0)] * n)
        above = [f - m for f, m in zip(q["loss"], low, strict=True)]
        gap = [f - r for f, r in zip(q["loss"], q["loss_ref"], strict=True)]
        expected = {
            "self-bounding": [(-g, 2 * b) for g, b in zip(q["grad_sqnorm"], above, strict=True)],
            "aiming": list(zip(q["inner"], gap, strict=True)),
            "rsi": list(zip(q["inner"], q["dist_sq"], strict=True)),
            "eb": list(zip(q["grad_sqnorm"], q["dist_sq"], strict=True)),
            "qg": [(2 * a, d) for a, d in zip(gap, q["dist_sq"], strict=True)],
            "pl-star": [(g, 2 * f) for g, f in zip(q["grad_sqnorm"], q["loss"], strict=True)],
        }
        whole = [(row, f) for row, f in enumerate(columns["full_loss"]) if not math.isnan(f)]
        if kind != "own minima":
            pairs = [(q["full_grad_sqnorm"][row], 2 * Fraction(f)) for row, f in whole]
            best = smallest(pairs)
            found = fit.constants["pl"]
            assert (best is None) == (found is None) or not whole
            if best is not None:
                assert (found.exact, found.row) == (best[0], whole[best[1]][0])
        for condition, pairs in expected.items():
            best, found = smallest(pairs), fit.constants[condition]
            if best is None:
                assert found is None
                continue
            exact = -best[0] if condition == "self-bounding" else best[0]
            assert (found.exact, found.row) == (exact, best[1]), condition
            value = Fraction(found.value) if math.isfinite(found.value) else None
            if condition == "self-bounding":
                assert value is None or value >= exact
            elif condition == "eb":
                assert value**2 <= exact
            else:
                assert value is None or value <= exact
        assert fit.interpolation_error == sum(q["loss_ref"], -sum(low)) / n
        starts = [q["dist_sq"][run] for run in range(min(3, n))]
        assert fit.initial_dist_sq == sum(starts) / len(starts)
        check_staircase(fit.staircase, q["loss"], q["grad_sqnorm"])


def check_staircase(steps, loss, grad_sqnorm):
    """At every ε the step's μ is the smallest ratio over the rows with loss ≥ ε, rounded down."""

    def least(level):
        return min(g / (2 * f) for f, g in zip(loss, grad_sqnorm, strict=True) if f >= level)

    levels = [Fraction(level) for level in steps.epsilon]
    assert levels == sorted(levels)
    for level, mu, row in zip(levels, steps.mu, steps.rows, strict=True):
        exact = least(level)
        assert Fraction(mu) <= exact
        assert exact == 0 or mu == 0 or abs(mu / exact - 1) < 1e-15
        assert grad_sqnorm[row] / (2 * loss[row]) == exact
        assert loss[row] == level
    for positive in [f for f in loss if f > 0]:  # between the steps nothing is missing
        step = next(k for k, level in enumerate(levels) if level >= positive)
        assert least(levels[step]) == least(positive)


def test_float_floor_rows_are_counted_and_kept_out():
    log = log_from_arrays({"loss": [0.0, 0.0, 1.0, 2.0], "grad_sqnorm": [1e-30, 0.0, 4.0, 2.0]})
    fit = measure(log, fold(log, plan_for(log)))
    assert fit.rows_below_float_floor == 1
    assert fit.constants["self-bounding"].value == 2.0
    assert fit.constants["pl-star"].value == 0.5
    assert any("float floor" in warning for warning in fit.warnings)


def test_windows_are_epochs_where_samples_are_logged():
    loss = np.array([4.0, 2.0, 3.0, 1.0, 1.0, 0.5])
    columns = {"loss": loss, "loss_ref": np.full(6, 0.25), "inner": loss, "sample": [0, 1] * 3}
    log = log_from_arrays(columns)
    seen = measure(log, fold(log, plan_for(log), chunk_rows=1)).observed
    assert (seen.initial, seen.smallest) == (2.75, 0.5)
    assert "one epoch (2 rows" in seen.how
    log = log_from_arrays({**columns, "sample": [0] * 6})
    assert measure(log, fold(log, plan_for(log))).observed.smallest == 0.25
    log = log_from_arrays(columns)
    assert measure(log, fold(log, plan_for(log, epoch=3))).observed.initial == 2.75


def test_whole_data_losses_beat_windows_and_leave_the_reference_out():
    columns = {
        "loss": np.full(6, 9.0),
        "loss_ref": np.zeros(6),
        "inner": np.full(6, 9.0),
        "full_loss": [5.0, np.nan, 0.75, 3.0, np.nan, 0.5],
        "step": [3, 4, 5, 6, 7, 8],
    }
    log = log_from_arrays(columns)
    fit = measure(log, fold(log, plan_for(log), chunk_rows=4))
    assert (fit.observed.initial, fit.observed.smallest) == (4.5, 0.25)
    assert fit.horizon == 6


def test_rows_with_nan_stop_the_fit_unless_dropped():
    columns = {
        "loss": [1.0, np.nan, 2.0, np.inf],
        "loss_ref": [0.5] * 4,
        "inner": [1.0, 1.0, 2.0, 2.0],
    }
    log = log_from_arrays(columns)
    with pytest.raises(InputError, match=r"row 1, the first of 2.*--drop-nonfinite"):
        fold(log, plan_for(log), chunk_rows=2)
    plan = plan_for(log, drop_nonfinite=True)
    sketch = fold(log, plan, chunk_rows=2)
    assert sketch == fold(log, plan, chunk_rows=4)
    fit = measure(log, sketch)
    assert (fit.rows, fit.rows_used) == (4, 2)
    assert any("2 rows with NaN or inf were dropped" in warning for warning in fit.warnings)


def test_plans_that_differ_do_not_merge():
    log = log_from_arrays({"loss": [1.0, 2.0], "grad_sqnorm": [1.0, 1.0]})
    with pytest.raises(ValueError, match="different plans"):
        merge(Sketch(plan_for(log)), Sketch(plan_for(log, drop_nonfinite=True)))
