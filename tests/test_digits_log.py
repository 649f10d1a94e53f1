"""The shipped log and the script that makes it: gradients, columns, replay, and the file itself."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest

from boundcalc.logs.schema import COLUMNS

LOGS = Path(__file__).parents[1] / "cases" / "logs"
SHIPPED = LOGS / "digits-mlp.npz"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("digits_mlp", LOGS / "digits_mlp.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


def tiny(hidden=(6,), functions=5, steps=40):
    """A run on the first few batches of eight digits."""
    inputs, labels = script.digits(8, seed=3)
    network = script.Network((64, *hidden, 10))
    return script.Run(network, inputs[:functions], labels[:functions], steps, 0.2, seed=3)


def plain_loss(widths, activation, x, inputs, labels):
    """Mean cross-entropy in mpmath, sample by sample, straight from the definition."""
    x, total = [mpmath.mpf(float(v)) for v in x], mpmath.mpf(0)
    for sample, label in zip(inputs, labels, strict=True):
        h, at = [mpmath.mpf(float(v)) for v in sample], 0
        for level in range(1, len(widths)):
            m, n = widths[level - 1], widths[level]
            z = [
                sum(h[p] * x[at + p * n + q] for p in range(m)) + x[at + m * n + q]
                for q in range(n)
            ]
            at += (m + 1) * n
            if level == len(widths) - 1:
                h = z
            elif activation == "tanh":
                h = [mpmath.tanh(v) for v in z]
            else:
                h = [mpmath.log1p(mpmath.exp(v)) for v in z]
        total += mpmath.log(sum(mpmath.exp(v) for v in h)) - h[label]
    return total / len(labels)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
@pytest.mark.parametrize("widths", [(3, 4), (3, 5, 4), (3, 4, 3, 4)])
def test_loss_and_gradient_agree_with_mpmath(widths, activation):
    rng = np.random.default_rng(1)
    network = script.Network(widths, activation)
    x = network.start(rng) + 0.3 * rng.standard_normal(network.start(rng).shape)
    inputs, labels = rng.standard_normal((6, 3)), rng.integers(4, size=6)
    loss, gradient = network.loss_and_gradient(x, inputs, labels)
    with mpmath.workdps(60):
        assert loss == pytest.approx(
            float(plain_loss(widths, activation, x, inputs, labels)), rel=1e-14
        )
        h = 2.0**-40  # the central difference errs by h^2, far below what is asked
        for p in range(len(x)):
            ahead, behind = x.astype(object), x.astype(object)
            ahead[p], behind[p] = x[p] + h, x[p] - h
            rise = plain_loss(widths, activation, ahead, inputs, labels)
            rise -= plain_loss(widths, activation, behind, inputs, labels)
            exact_width = mpmath.mpf(float(ahead[p])) - mpmath.mpf(float(behind[p]))
            assert gradient[p] == pytest.approx(float(rise / exact_width), rel=1e-11, abs=1e-14)


def test_tiny_losses_keep_their_relative_accuracy():
    network = script.Network((2, 3))
    x = np.array([80.0, 0.0, -10.0, 3.0, 1.0, 2.0, 0.5, 0.0, -0.5])
    inputs, labels = np.array([[1.0, 0.3]]), np.array([0])
    loss, gradient = network.loss_and_gradient(x, inputs, labels)
    with mpmath.workdps(80):
        exact = float(plain_loss((2, 3), "tanh", x, inputs, labels))
    assert 0 < exact < 1e-30
    assert loss == pytest.approx(exact, rel=1e-13)
    assert gradient[6] == pytest.approx(-exact, rel=1e-13)  # d loss / d bias_y = -(1 - p_y)


@pytest.mark.parametrize("hidden", [(), (6,), (5, 4)])
def test_columns_agree_with_stored_iterates(hidden):
    run = tiny(hidden)
    log = script.record(run, whole_data_every=7)
    xs, losses, gradients = [], [], []
    x = next(script.trajectory(run))[2]
    for i in log["sample"]:
        loss, gradient = run.f(i, x)
        xs.append(x)
        losses.append(loss)
        gradients.append(gradient)
        x = x - run.stepsize * gradient
    x_ref = x

    def fdot(u, v):
        return math.fsum(u * v)

    expected = {
        "step": np.arange(run.steps),
        "stepsize": np.full(run.steps, run.stepsize),
        "loss": losses,
        "loss_ref": [run.f(i, x_ref)[0] for i in log["sample"]],
        "grad_sqnorm": [fdot(g, g) for g in gradients],
        "inner": [fdot(g, x - x_ref) for g, x in zip(gradients, xs, strict=True)],
        "dist_sq": [fdot(x - x_ref, x - x_ref) for x in xs],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(log[name], values, rtol=1e-12, atol=1e-15, err_msg=name)

    n = len(run.inputs)
    shown = np.isfinite(log["full_loss"])
    assert np.flatnonzero(shown).tolist() == [*range(0, run.steps, 7), run.steps - 1]
    for k in np.flatnonzero(shown):
        pairs = [run.f(i, xs[k]) for i in range(n)]
        gradient = np.mean([g for _, g in pairs], axis=0)
        assert log["full_loss"][k] == pytest.approx(np.mean([v for v, _ in pairs]), rel=1e-12)
        assert log["full_grad_sqnorm"][k] == pytest.approx(fdot(gradient, gradient), rel=1e-10)
    assert np.array_equal(shown, np.isfinite(log["full_grad_sqnorm"]))


def test_a_run_repeats_bit_for_bit():
    first, second = script.record(tiny()), script.record(tiny())
    assert {name: values.tobytes() for name, values in first.items()} == {
        name: values.tobytes() for name, values in second.items()
    }


def test_a_pass_that_does_not_repeat_is_refused(monkeypatch):
    true_trajectory, passes = script.trajectory, []

    def drifting(run):
        passes.append(run)
        for k, i, x, loss, gradient in true_trajectory(run):
            late = len(passes) == 2 and k == 9
            yield k, i, x, math.nextafter(loss, 2 * loss) if late else loss, gradient

    monkeypatch.setattr(script, "trajectory", drifting)
    with pytest.raises(ArithmeticError, match="left the first at step 9"):
        script.record(tiny())


def test_convex_model_satisfies_alpha_beta_1_0():
    log = script.record(tiny(hidden=(), functions=20, steps=300))
    slack = log["inner"] - (log["loss"] - log["loss_ref"])
    assert slack.min() > -1e-12


def test_thinned_log_is_every_fourth_row_and_the_last():
    run = tiny()
    thin, full = script.record(run, every=4), script.record(run)
    assert thin["step"].tolist() == [*range(0, run.steps, 4), run.steps - 1]
    for name in ("loss", "loss_ref", "inner", "dist_sq", "grad_sqnorm", "sample"):
        assert np.array_equal(thin[name], full[name][thin["step"]]), name


@pytest.fixture
def make(monkeypatch, tmp_path) -> Callable[..., Path]:
    """Run the script's command line in this process; the file that it was asked to write."""

    def run(*options: str) -> Path:
        out = tmp_path / "out.npz"
        monkeypatch.setattr(sys, "argv", ["digits_mlp.py", *options, "--out", str(out)])
        script.main()
        assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]  # no part left behind
        return out

    return run


def test_command_line_full_batch_compressed_or_not(make):
    options = ("--batch", "0", "--hidden", "4", "--activation", "softplus", "--steps", "3")
    packed = dict(np.load(make(*options)))
    plain = dict(np.load(make(*options, "--uncompressed")))
    assert {k: v.tobytes() for k, v in packed.items()} == {k: v.tobytes() for k, v in plain.items()}
    assert not packed["sample"].any()
    assert packed["full_loss"][0] == pytest.approx(packed["loss"][0], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--steps", "0"], 2),
        (["--batch", "1798"], 2),
        (["--stepsize", "nan"], 2),
        (["--hidden", "8", "0"], 2),
        (["--activation", "relu"], 2),
        (["--stepsize", "1e200", "--hidden"], 1),
    ],
)
def test_bad_settings_leave_the_earlier_log_alone(make, capsys, options, code):
    out = make("--steps", "2", "--hidden", "3")
    before = out.read_bytes()
    with pytest.raises(SystemExit) as stop, np.errstate(all="ignore"):
        make(*options)
    assert stop.value.code == code
    assert "digits_mlp.py: " in capsys.readouterr().err
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["out.npz"]


@pytest.fixture(scope="module")
def shipped() -> dict[str, np.ndarray]:
    with np.load(SHIPPED, allow_pickle=False) as log:
        return dict(log)


def test_shipped_log_is_complete(shipped):
    assert SHIPPED.stat().st_size < 1_000_000
    assert set(shipped) == set(script.COLUMNS.split()) <= set(COLUMNS)
    rows = len(shipped["step"])
    for name, values in shipped.items():
        assert values.shape == (rows,)
        assert values.dtype == (np.int32 if COLUMNS[name].kind == "label" else np.float64)
        if COLUMNS[name].kind != "sparse":
            assert np.isfinite(values).all(), name
        if COLUMNS[name].nonnegative or "loss" in name:
            assert np.nanmin(values) >= 0, name
    shown = np.flatnonzero(np.isfinite(shipped["full_loss"]))
    assert shown.tolist() == [*range(0, rows, 20), rows - 1]
    assert np.array_equal(shown, np.flatnonzero(np.isfinite(shipped["full_grad_sqnorm"])))


def test_shipped_log_is_what_the_defaults_make_today(shipped, make):
    """Another BLAS or CPU moved no number by more than 4e-12 when this was written."""
    today = np.load(make())
    assert set(today) == set(shipped)
    for name, values in shipped.items():
        np.testing.assert_allclose(today[name], values, rtol=1e-6, err_msg=name)


def test_shipped_rows_are_one_run_of_sgd_that_ends_at_the_reference(shipped):
    """D_(k+1) = D_k - 2 stepsize inner + stepsize^2 grad_sqnorm is an identity; D_K = 0."""
    g, dist = shipped["stepsize"], shipped["dist_sq"]
    after = dist - 2 * g * shipped["inner"] + g**2 * shipped["grad_sqnorm"]
    np.testing.assert_allclose(after[:-1], dist[1:], rtol=0, atol=1e-12 * dist[0])
    assert abs(after[-1]) < 1e-15 * dist[0]
    assert (shipped["inner"] ** 2 <= shipped["grad_sqnorm"] * dist * (1 + 1e-12)).all()
    assert np.array_equal(shipped["step"], np.arange(len(dist)))


def test_shipped_reference_losses_belong_to_their_functions(shipped):
    functions, first = np.unique(shipped["sample"], return_index=True)
    assert functions.tolist() == list(range(56))  # 1,797 digits in batches of 32
    assert np.array_equal(shipped["loss_ref"], shipped["loss_ref"][first][shipped["sample"]])
    # f(x_ref) is close to f one small step before it.
    assert shipped["loss_ref"][first].mean() == pytest.approx(shipped["full_loss"][-1], rel=0.05)
    assert shipped["full_loss"][-1] < shipped["full_loss"][0] / 100
