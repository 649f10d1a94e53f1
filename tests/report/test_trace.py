"""What a figure shows of the rows, against the rows themselves."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from drawn_logs import changed, fitted, quadratics, three

from boundcalc.guarantees.assessment import assess
from boundcalc.guarantees.grid import grid
from boundcalc.guarantees.theorem_at import SHARP
from boundcalc.logs import Log, open_log
from boundcalc.report.course import bounds_as_logged, bounds_at
from boundcalc.report.figure import figure_of
from boundcalc.report.ink import house_style
from boundcalc.report.pixels import Columns, row_edges, step_edges
from boundcalc.report.plane import window_of
from boundcalc.report.trace import trace

SHIPPED = Path(__file__).parents[2] / "cases" / "logs" / "digits-mlp.npz"


@pytest.mark.parametrize("rows_per_chunk", [1, 7, 1000, 5000])
def test_decimation_keeps_the_extreme_rows(rows_per_chunk):
    rng = np.random.default_rng(4)
    value = rng.standard_normal(5000)
    value[[13, 4999]] = -1e6, 1e6
    found = Columns(row_edges(5000, 40))
    for start in range(0, 5000, rows_per_chunk):
        rows = np.arange(start, min(start + rows_per_chunk, 5000))
        found.add(rows, value[rows])
    profile = found.profile()
    parts = value.reshape(40, 125)
    np.testing.assert_array_equal(profile.low, parts.min(1))
    np.testing.assert_array_equal(profile.high, parts.max(1))
    np.testing.assert_allclose(profile.mean, parts.mean(1))
    np.testing.assert_array_equal(profile.count, 125)


def test_step_columns_split_no_step_and_reach_the_last():
    edges = step_edges(10_000, 300)
    assert edges[0] == 0.5
    assert edges[-1] == 10_000.5
    assert np.all(np.diff(edges) >= 1)
    assert np.all(edges % 1 == 0.5)


def test_slack_is_that_of_the_rows():
    columns = quadratics(rows=300)
    columns["loss_min"] = np.minimum(columns["loss"], columns["loss_ref"]) / 2
    assessment, log = fitted(columns)
    pair = assessment.pair
    slack = (
        columns["inner"]
        - pair.alpha * (columns["loss"] - columns["loss_ref"])
        + pair.beta * (columns["loss"] - columns["loss_min"])
    )
    seen = trace(log, assessment, columns=800, chunk_rows=64)
    np.testing.assert_array_equal(seen.slack.at, np.arange(300))
    np.testing.assert_allclose(seen.slack.low, slack, atol=1e-13)
    assert seen.slack.low.min() == 0  # exactly, at the binding rows
    binding = set(np.flatnonzero(seen.slack.low == 0))
    assert set(pair.binding_rows) <= binding
    assert set(seen.witnesses) == set(pair.binding_rows)
    few = trace(log, assessment, columns=30, chunk_rows=64).slack
    np.testing.assert_array_equal(few.low, seen.slack.low.reshape(30, 10).min(1))
    np.testing.assert_array_equal(few.high, seen.slack.high.reshape(30, 10).max(1))


def test_dropped_rows_are_not_drawn():
    columns = changed(quadratics(), grad_sqnorm={5: np.nan}, inner={150: np.inf})
    seen = trace(*fitted(columns, drop_nonfinite=True)[::-1])
    assert not {5, 150} & set(seen.slack.at)
    assert len(seen.slack.at) == 198


def test_the_heat_map_is_the_minimum_over_the_rows():
    columns = quadratics()
    assessment, log = fitted(columns)
    alphas, betas = window_of(assessment).axes()
    a = columns["loss"] - columns["loss_ref"]
    direct = [
        [(columns["inner"] - alpha * a + beta * columns["loss"]).min() for beta in betas]
        for alpha in alphas
    ]
    np.testing.assert_allclose(grid(log, alphas, betas).least, direct, atol=1e-13)
    with house_style():
        figure = figure_of(assessment, log)
    image = next(image for axes in figure.axes for image in axes.images)
    np.testing.assert_allclose(image.get_array(), np.transpose(direct), atol=1e-13)
    assert image.norm(0.0) == pytest.approx(0.5)  # white
    assert image.norm(image.get_array().min()) == pytest.approx(0)


def test_the_promise_ends_where_the_guarantee_is():
    columns = quadratics()
    columns["stepsize"] = 0.5 / np.sqrt(np.arange(200) + 4)
    assessment, log = fitted(columns)
    seen = trace(log, assessment)
    sharp = next(one for one in assessment.guarantees if one.theorem == SHARP)
    assert seen.horizons[0] == 1
    assert seen.horizons[-1] == sharp.steps == 200
    assert bounds_at(assessment, seen.horizons)[-1] == pytest.approx(sharp.bound, rel=1e-14)
    logged = bounds_as_logged(assessment, seen)
    assert logged[-1] == pytest.approx(sharp.logged.bound, rel=1e-12)
    k = seen.horizons.index(10) if 10 in seen.horizons else 5
    gamma = columns["stepsize"][: seen.horizons[k]]
    assert seen.steps.gamma_sum[k] == pytest.approx(gamma.sum())
    assert seen.steps.gamma_sqsum[k] == pytest.approx((gamma**2).sum())
    assert np.all(logged >= bounds_at(assessment, seen.horizons) * (1 - 1e-12))


def test_observed_is_what_the_fit_observed():
    log = open_log(SHIPPED)
    assessment = assess(log)
    seen = trace(log, assessment, columns=10_000)
    assert seen.how == "full_loss minus its last value"
    assert seen.observed.mean[0] == assessment.fit.observed.initial
    assert seen.observed.mean.min() == assessment.fit.observed.smallest
    windows, log = fitted(quadratics())
    seen = trace(log, windows)
    assert seen.observed.mean.max() == pytest.approx(windows.fit.observed.initial)
    assert seen.observed.mean.min() == pytest.approx(windows.fit.observed.smallest)


def test_far_vertices_do_not_squash_the_picture():
    columns = three([1.0, 2.0, 1000.0], [0.999, 1.0, 0.5], [1.0, 1.2, 2000.0])
    assessment, _ = fitted(columns)
    window = window_of(assessment)
    assert window.alpha[0] <= assessment.pair.alpha <= window.alpha[1]
    assert window.beta[0] <= assessment.pair.beta <= window.beta[1]
    assert float(assessment.fit.alpha_beta.alpha_min) >= window.alpha[0]
    assert window.alpha[1] <= 2.5 * assessment.pair.alpha


@dataclass(frozen=True)
class Made:
    """A column that is computed when it is read."""

    rows: int
    phase: float

    def read(self, start, stop):
        return 2 + np.sin(np.arange(start, stop) + self.phase)


def test_a_long_log_is_traced_at_flat_memory():
    rows = 1_000_000
    names = ("loss", "loss_ref", "inner", "grad_sqnorm", "dist_sq")
    short = {name: Made(1000, k).read(0, 1000) for k, name in enumerate(names)}
    short["dist_sq"] += 20  # Cauchy-Schwarz
    assessment, _ = fitted(short)
    log = Log("made", "scalar", rows, {name: Made(rows, k) for k, name in enumerate(names)})
    tracemalloc.start()
    seen = trace(log, assessment, chunk_rows=1 << 14)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6  # one column alone is 8 MB
    assert seen.slack.count.sum() == rows
