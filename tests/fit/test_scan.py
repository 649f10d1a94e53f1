"""The compiled path for large chunks gives the same sketch as NumPy, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from boundcalc import errors
from boundcalc.fit import kernels, scan, sketch
from boundcalc.fit.exact import exact_sum
from boundcalc.fit.fold import CHUNK_ROWS, fold, plan_for, rows_at_once
from boundcalc.fit.sketch import Sketch, merge, sketch_of, sketch_rows
from boundcalc.logs.arrays import log_from_arrays

ROWS = 6000


@pytest.fixture
def small(monkeypatch):
    """Take the compiled path from a hundred rows on, with small spans and samples."""
    monkeypatch.setattr(sketch, "SCAN_ROWS", 100)
    monkeypatch.setattr(scan, "_PIECE", 700)
    monkeypatch.setattr(scan, "_SAMPLE", 40)
    monkeypatch.setattr(scan, "_FEW", 200)


def random_log(rng, n=None):
    n = n or ROWS
    loss = rng.exponential(size=n)
    return {
        "loss": loss,
        "loss_ref": loss * rng.uniform(0, 2, n),
        "inner": loss * rng.uniform(-0.3, 3, n),
    }


def full_log(rng, n=None):
    n = n or ROWS
    columns = random_log(rng, n)
    grad, dist = rng.exponential(size=n), rng.exponential(size=n)
    columns["inner"] = np.sqrt(grad * dist) * rng.uniform(-0.9, 1, n)
    full = np.where(rng.random(n) < 0.02, rng.exponential(size=n), np.nan)
    columns |= {
        "loss_min": np.minimum(columns["loss"], columns["loss_ref"]) * rng.integers(0, 2, n),
        "grad_sqnorm": grad,
        "dist_sq": dist,
        "stepsize": 1 / np.sqrt(1 + np.arange(n)),
        "full_loss": full,
        "full_grad_sqnorm": np.where(rng.random(n) < 0.5, full, np.nan),
    }
    return columns


def labelled(rng):
    """Three runs, one after the other, with steps; windows of steps."""
    size = ROWS // 3
    return full_log(rng) | {
        "step": np.tile(np.arange(size), 3),
        "run": np.repeat([2, 0, 1], size),
        "sample": rng.integers(0, 500, ROWS),
    }


def interleaved(rng):
    """Runs side by side."""
    return full_log(rng) | {"step": np.arange(ROWS) // 3, "run": np.arange(ROWS) % 3}


def quadratic(rng):
    """½(x − x_i)² in one dimension: Cauchy-Schwarz is an equality."""
    x, at = rng.normal(size=ROWS), rng.choice([-1.0, 0.5, 1.0], ROWS)
    return {
        "loss": 0.5 * (x - at) ** 2,
        "loss_ref": 0.5 * at**2,
        "inner": (x - at) * x,
        "grad_sqnorm": (x - at) ** 2,
        "dist_sq": x**2,
    }


def interpolation(rng):
    """Least squares that interpolates: loss_ref = loss_min and inner = 2 loss up to rounding."""
    residual = rng.normal(size=ROWS)
    loss = 0.5 * residual**2
    inner = residual * (residual * 3) / 3
    return {"loss": loss, "loss_ref": 0 * loss, "inner": inner, "grad_sqnorm": 3 * residual**2}


def exact_ties(rng):
    """All rows on the same two lines, all ratios equal, exactly."""
    residual = rng.integers(1, 1000, ROWS).astype(float)
    loss = 0.5 * residual**2
    ref = loss * rng.choice([0, 0.5], ROWS)
    return {"loss": loss, "loss_ref": ref, "inner": 2 * loss, "grad_sqnorm": residual**2}


def duplicates(rng):
    columns = full_log(rng)
    which = rng.integers(0, 20, ROWS)
    return {name: values[which] for name, values in columns.items()}


def floor(rng):
    """Most rows exactly at the minimum, some of them with a gradient."""
    columns = full_log(rng)
    there = rng.random(ROWS) < 0.8
    for name in ("loss", "loss_ref", "loss_min", "inner"):
        columns[name][there] = 0.0
    columns["grad_sqnorm"][there & (rng.random(ROWS) < 0.5)] = 0.0
    return columns


def floor_below_reference(rng):
    """Rows with b = 0 > a, and rows that contradict everything."""
    columns = floor(rng)
    there = np.flatnonzero(columns["loss"] == 0)
    columns["loss_ref"][there[::3]] = 0.5
    columns["inner"][there[::3]] = -0.1 * rng.random(len(there[::3]))
    columns["inner"][there[-5:]] = -1e-3
    columns["dist_sq"] += 1
    columns["grad_sqnorm"] += 1
    return columns


def wide(rng):
    """Numbers from 1e-300 to 1e300."""
    scale = 10.0 ** rng.integers(-300, 300, ROWS)
    return {name: values * scale for name, values in random_log(rng).items()}


def tiny(rng):
    return {name: values * 5e-322 for name, values in random_log(rng).items()}


def enormous(rng):
    """Some numbers near the largest float."""
    columns = random_log(rng)
    columns["loss"][rng.integers(0, ROWS, 20)] = 1.7e308
    return columns


def decreasing(rng):
    """Every row binds more than all rows before it."""
    time = np.arange(1, ROWS + 1)
    loss = 1 / time
    return {
        "loss": loss,
        "loss_ref": loss * (1 - 1 / time),
        "inner": loss / time,
        "grad_sqnorm": loss / time,
    }


def negative_zero(rng):
    columns = floor(rng)
    zero = columns["loss"] == 0
    columns["loss"][zero] = rng.choice([0.0, -0.0], zero.sum())
    return columns


def gradients_only(rng):
    columns = full_log(rng)
    return {name: columns[name] for name in ("loss", "grad_sqnorm")}


def distances_only(rng):
    columns = full_log(rng)
    return {name: columns[name] for name in ("inner", "dist_sq", "stepsize")}


MAKERS = (
    random_log, full_log, labelled, interleaved, quadratic, interpolation, exact_ties, duplicates,
    floor, floor_below_reference, wide, tiny, enormous, decreasing, negative_zero,
    gradients_only, distances_only,
)  # fmt: skip


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_same_sketch(make, small, monkeypatch):
    rng = np.random.default_rng(20)
    log = log_from_arrays(make(rng))
    plan = plan_for(log)
    compiled = [fold(log, plan, chunk_rows=rows) for rows in (ROWS, 1777, 250)]
    monkeypatch.setattr(sketch, "SCAN_ROWS", ROWS + 1)
    plain = fold(log, plan, chunk_rows=1000)
    for other in compiled:
        assert_same(other, plain)


def assert_same(one: Sketch, other: Sketch) -> None:
    for name, value in vars(one).items():
        assert value == getattr(other, name), name


@pytest.mark.parametrize("drop", [False, True])
def test_faults_and_dropped_rows(drop, small, monkeypatch):
    rng = np.random.default_rng(3)
    for trial in range(12):
        columns = labelled(rng) if trial % 2 else full_log(rng)
        for _ in range(int(rng.integers(1, 6))):
            name = str(
                rng.choice(["loss", "loss_ref", "inner", "grad_sqnorm", "stepsize", "full_loss"])
            )
            bad = [np.nan, np.inf, -np.inf, -1.0, 1e200] if not drop else [np.nan, np.inf, -np.inf]
            if name == "full_loss":
                bad = [np.inf]
            columns[name][rng.integers(0, ROWS, int(rng.integers(1, 4)))] = rng.choice(bad)
        log = log_from_arrays(columns)
        plan = plan_for(log, drop_nonfinite=drop)
        monkeypatch.setattr(sketch, "SCAN_ROWS", 100)
        compiled = [outcome(log, plan, rows) for rows in (ROWS, 2100)]
        monkeypatch.setattr(sketch, "SCAN_ROWS", ROWS + 1)
        plain = outcome(log, plan, 1000)
        for other in compiled:
            assert other == plain


def outcome(log, plan, rows):
    try:
        return fold(log, plan, chunk_rows=rows)
    except errors.InputError as error:
        return error.faults


def test_merges_in_any_order(small):
    rng = np.random.default_rng(4)
    log = log_from_arrays(labelled(rng))
    plan = plan_for(log)
    parts = [sketch_of(chunk, plan) for chunk in log.chunks(900)]
    whole = sketch_rows(next(log.chunks(ROWS)), plan)
    for _ in range(3):
        total = Sketch(plan)
        for k in rng.permutation(len(parts)):
            total = merge(parts[k], total)
        assert_same(total, whole)


def test_few_rows_are_kept(small, monkeypatch):
    """The point of it all: NumPy sees a small part of the rows, ties or not."""
    seen = []
    monkeypatch.setattr(
        scan,
        "sketch_rows",
        lambda chunk, *rest: seen.append(chunk.size) or sketch_rows(chunk, *rest),
    )
    rng = np.random.default_rng(5)
    for make in (random_log, full_log, interpolation, exact_ties, floor, negative_zero):
        log = log_from_arrays(make(rng))
        seen.clear()
        fold(log, plan_for(log), chunk_rows=ROWS)
        assert seen[-1] < ROWS // 10, make.__name__


def test_sums_are_exact():
    rng = np.random.default_rng(6)
    makers = (
        lambda n: rng.normal(size=n),
        lambda n: rng.normal(size=n) * 10.0 ** rng.integers(-323, 300, n),
        lambda n: rng.choice([0.0, -0.0, 5e-324, -1e-310, 1.0], n),
        lambda n: np.full(n, np.nextafter(2.0**1021, 0)) * rng.choice([-1, 1], n),
        np.zeros,
    )
    for make in makers:
        for size in (1, 7, kernels.BLOCK):
            values = make(size)
            limbs = np.zeros(kernels.LIMBS, dtype=np.int64)
            top = kernels._largest(values.view(np.int64))
            kernels._add(values, top, limbs, np.empty(kernels.BLOCK))
            assert scan._number(limbs) == exact_sum(values)


def test_windows_of_steps():
    step = np.array([0, 4, 5, 9, 4, 3, 11, 10], dtype=np.int64)
    found = np.empty(8, dtype=np.int64)
    count = kernels.edges(step, 5, found)
    assert found[:count].tolist() == [2, 4, 6]
    assert kernels.edges(step, 5, found[:2]) == -1


def test_small_logs_do_without_numba():
    script = (
        "import sys, numpy as np\n"
        "from boundcalc.fit.fold import fold, plan_for\n"
        "from boundcalc.logs.arrays import log_from_arrays\n"
        "x = np.linspace(1, 2, 10**6)\n"
        "log = log_from_arrays({'loss': x, 'loss_ref': x / 2, 'inner': x})\n"
        "fold(log, plan_for(log))\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_chunks_are_equal_and_fit_in_memory(monkeypatch):
    monkeypatch.setitem(sys.modules, "boundcalc.fit.kernels", kernels)

    class Fresh:
        """A column on disk: every read makes a new array."""

        rows = 10**8

        def read(self, start, stop):
            return np.empty(stop - start)

    log = log_from_arrays({name: np.empty(8) for name in ("loss", "loss_ref", "inner")})
    log = replace(log, rows=10**8, columns=dict.fromkeys(log.columns, Fresh()))
    rows = rows_at_once(log)
    assert rows * 24 <= 2**27
    assert -(-(10**8) // rows) * rows - 10**8 < 10**8 // rows
    assert rows_at_once(replace(log, rows=1000)) == CHUNK_ROWS
