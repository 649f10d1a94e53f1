"""What the main job says: horizons, runs, order, logged steps, verdicts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from boundcalc import InputError, fit_log


def descent(steps, sizes, start=3.0, curvature=1.0):
    """Gradient descent on ½ c x², one row per step."""
    x, rows = start, []
    for k in range(steps):
        rows.append(
            (0.5 * curvature * x * x, curvature * x * x, curvature**2 * x * x, x * x, sizes[k])
        )
        x -= sizes[k] * curvature * x
    loss, inner, grad_sqnorm, dist_sq, stepsize = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return {
        "loss": loss, "loss_ref": np.zeros(steps), "inner": inner, "grad_sqnorm": grad_sqnorm,
        "dist_sq": dist_sq, "stepsize": stepsize,
    }  # fmt: skip


def joined(*parts, order=None, **labels):
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["run"] = np.repeat(np.arange(len(parts)), [len(part["loss"]) for part in parts])
    columns |= labels
    if order is not None:
        columns = {name: column[order] for name, column in columns.items()}
    return columns


def test_a_bound_at_varying_steps_is_printed_for_the_logs_own_horizon_only():
    sizes = np.concatenate([np.full(100, 1e-4), np.full(200, 0.5)])
    own = fit_log(descent(300, sizes))
    assert all(one.logged.bound is not None for one in own.guarantees)
    x, seen = 3.0, []
    for gamma in sizes:
        seen.append(0.5 * x * x)
        x -= gamma * x
    assert own.guarantees[1].logged.bound >= min(seen)
    short = fit_log(descent(300, sizes), steps=100)
    for one in short.guarantees:
        assert one.logged.within_limit
        assert one.logged.bound is None
        assert "vary" in one.logged.why
    uneven = fit_log(joined(descent(100, sizes), descent(300, sizes)))
    assert uneven.fit.horizon == 100
    assert uneven.guarantees[0].logged.bound is None


def test_logged_bound_equals_the_formula():
    sizes = 0.3 / np.sqrt(1 + np.arange(50))
    found = fit_log(descent(50, sizes))
    alpha, beta, L = found.pair.alpha, found.pair.beta, found.fit.constants["self-bounding"].value
    total, square = sizes.sum(), (sizes**2).sum()
    paper, sharp = found.guarantees
    assert paper.logged.bound == pytest.approx(9.0 / ((alpha - beta) * total), rel=1e-12)
    expected = 9.0 / (2 * ((alpha - beta) * total - L * square))
    assert sharp.logged.bound == pytest.approx(expected, rel=1e-12)
    assert sharp.step_size_strict
    assert not paper.step_size_strict


def test_interleaving_or_reordering_runs_changes_nothing():
    parts = [descent(40, np.full(40, 0.1), start) for start in (1.0, 20.0, 3.0)]
    plain = fit_log(joined(*parts))
    side_by_side = fit_log(joined(*parts, order=np.arange(120).reshape(3, 40).T.ravel()))
    turned = joined(*parts[::-1])
    turned["run"] = 2 - turned["run"]
    for other in (side_by_side, fit_log(turned)):
        assert other.fit.horizon == plain.fit.horizon == 40
        assert (other.pair.alpha, other.pair.beta) == (plain.pair.alpha, plain.pair.beta)
        assert other.fit.observed == plain.fit.observed
        assert other.guarantees == plain.guarantees
    assert plain.fit.initial_dist_sq == pytest.approx((1 + 400 + 9) / 3)


def test_shuffled_rows_with_steps_change_nothing():
    columns = descent(60, np.full(60, 0.1))
    columns |= {
        "step": np.arange(5, 65),
        "full_loss": np.where(np.arange(60) % 7, np.nan, columns["loss"]),
    }
    order = np.random.default_rng(0).permutation(60)
    plain, shuffled = fit_log(columns), fit_log({name: c[order] for name, c in columns.items()})
    assert shuffled.fit.observed == plain.fit.observed
    assert shuffled.fit.initial_dist_sq == plain.fit.initial_dist_sq == 9
    assert plain.fit.observed.initial == pytest.approx(4.5 - columns["loss"][56])
    columns.pop("full_loss")
    assert fit_log(columns).fit.observed.initial == pytest.approx(columns["loss"][:6].mean())


def test_rows_that_break_a_pathwise_bound_are_told_and_honest_ones_are_not():
    honest = descent(50, np.full(50, 0.1))
    assert not fit_log(honest).notes
    assert not fit_log(honest, steps=10**6).notes
    still = descent(500, np.zeros(500)) | {"stepsize": np.full(500, 0.1)}  # no step was taken
    notes = fit_log(still).notes
    assert any("not such a run" in note for note in notes)


def test_aiming_names_the_rows_that_its_constant_leaves_out():
    columns = {
        "loss": np.array([1.0, 2.0, 0.5]),
        "loss_ref": np.array([0.0, 0.0, 1.0]),
        "inner": np.array([2.0, 5.0, -1.5]),  # row 2 asks for θ ≥ 3
    }
    aiming = fit_log(columns).fit.constants["aiming"]
    assert (aiming.value, aiming.row, aiming.broken_by) == (2.0, 0, (2,))
    columns["inner"][2] = -0.5
    assert fit_log(columns).fit.constants["aiming"].broken_by == ()


def test_pl_says_what_it_was_measured_on():
    columns = descent(20, np.full(20, 0.1))
    assert fit_log(columns).fit.constants["pl"].on == "rows"
    columns |= {"full_loss": columns["loss"], "full_grad_sqnorm": columns["grad_sqnorm"]}
    assert fit_log(columns).fit.constants["pl"].on == "full_loss"


def test_tiny_step_sizes_keep_their_squares():
    scale = 2.0**-400  # the same problem in other units: bounds scale, verdicts stay
    sizes = 0.3 / np.sqrt(1 + np.arange(50))
    columns, unit = descent(50, sizes), descent(50, sizes)
    unit["stepsize"] = sizes * scale**2
    for name in ("loss", "inner"):
        unit[name] = unit[name] * 1.0
    unit["dist_sq"] = unit["dist_sq"] * scale**2
    unit["grad_sqnorm"] = unit["grad_sqnorm"] / scale**2
    plain, scaled = fit_log(columns), fit_log(unit)
    for one, other in zip(plain.guarantees, scaled.guarantees, strict=True):
        assert other.bound == pytest.approx(one.bound, rel=1e-9)
        assert other.logged.bound >= one.logged.bound * (1 - 1e-9)


@pytest.mark.parametrize("exponent", [-300, -160, 160, 300])
def test_extreme_magnitudes_give_numbers_or_say_why_not(exponent):
    rng = np.random.default_rng(abs(exponent))
    for _ in range(40):
        n = int(rng.integers(2, 12))
        spread = 10.0 ** rng.uniform(-abs(exponent), abs(exponent), (4, n))
        loss = rng.random(n) * spread[0]
        columns = {
            "loss": loss, "loss_ref": loss * rng.random(n), "inner": rng.normal(size=n) * spread[1],
            "dist_sq": spread[2], "stepsize": np.full(n, float(spread[3, 0])),
        }  # fmt: skip
        with np.errstate(all="ignore"):
            columns["grad_sqnorm"] = 2 * columns["inner"] ** 2 / columns["dist_sq"]
        for objective in ("bound", "neighbourhood", "minimal", "rate"):
            try:
                found = fit_log(columns, objective=objective)
            except InputError as error:
                assert error.faults
                continue
            if found.pair is not None:
                assert 0 <= found.pair.beta < found.pair.alpha < math.inf
