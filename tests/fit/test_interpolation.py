"""The smallest L of a smooth function through logged points, against the inequality itself."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boundcalc.fit import interpolation, smooth_points, smooth_search
from boundcalc.fit.interpolation import smooth_constant
from boundcalc.logs.array import MemoryArray
from boundcalc.logs.columns import LabelColumn, RealColumn
from boundcalc.logs.log import Log


@pytest.fixture(params=[512, 5], autouse=True)
def block(request, monkeypatch):
    """Small blocks make the block screen work on small logs too."""
    monkeypatch.setattr(interpolation, "_BLOCK", request.param)


def log_of(x, grad, loss, sample=None):
    x, grad, loss = (np.asarray(part, dtype=np.float64) for part in (x, grad, loss))
    columns = {"loss": RealColumn(MemoryArray("loss", loss))}
    if sample is not None:
        columns["sample"] = LabelColumn(MemoryArray("sample", np.asarray(sample)))
    vectors = {
        "x": RealColumn(MemoryArray("x", x.reshape(len(loss), -1))),
        "grad": RealColumn(MemoryArray("grad", grad.reshape(len(loss), -1))),
    }
    return Log("memory", "vector", len(loss), columns, vectors=vectors)


def fractions(values):
    return [Fraction(float(value)) for value in np.ravel(values)]


def holds(log, i, j, L):
    """The interpolation inequality for f_i and f_j, both ways round, as it stands in theory.md."""
    x = [fractions(log.vectors["x"].read(k, k + 1)) for k in (i, j)]
    g = [fractions(log.vectors["grad"].read(k, k + 1)) for k in (i, j)]
    f = [Fraction(float(log.columns["loss"].read(k, k + 1)[0])) for k in (i, j)]
    L = Fraction(L)
    inner = sum((a + b) * (p - q) for a, b, p, q in zip(*g, *x, strict=True)) / 2
    turned = sum((a - b) ** 2 for a, b in zip(*g, strict=True))
    apart = sum((p - q) ** 2 for p, q in zip(*x, strict=True))
    if L == 0:
        return turned == 0 and f[0] - f[1] == inner
    rest = turned / (4 * L) - L * apart / 4
    return f[0] >= f[1] + inner + rest and f[1] >= f[0] - inner + rest


def precise(log, i, j):
    """L of one pair to 200 digits; inf when no L will do, None for equal rows."""
    with mpmath.workdps(1500):
        x = [
            [mpmath.mpf(float(v)) for v in np.ravel(log.vectors["x"].read(k, k + 1))]
            for k in (i, j)
        ]
        g = [
            [mpmath.mpf(float(v)) for v in np.ravel(log.vectors["grad"].read(k, k + 1))]
            for k in (i, j)
        ]
        f = [mpmath.mpf(float(log.columns["loss"].read(k, k + 1)[0])) for k in (i, j)]
        delta = abs(
            f[0] - f[1] - sum((a + b) * (p - q) for a, b, p, q in zip(*g, *x, strict=True)) / 2
        )
        turned = sum((a - b) ** 2 for a, b in zip(*g, strict=True))
        apart = sum((p - q) ** 2 for p, q in zip(*x, strict=True))
        if apart == 0:
            return None if delta == turned == 0 else mpmath.inf
        return (2 * delta + mpmath.sqrt(4 * delta**2 + apart * turned)) / apart


def check(log, samples=None):
    found = smooth_constant(log)
    pairs = [
        (i, j)
        for i, j in combinations(range(log.rows), 2)
        if samples is None or samples[i] == samples[j]
    ]
    demands = {pair: precise(log, *pair) for pair in pairs}
    demands = {pair: L for pair, L in demands.items() if L is not None}
    assert found.pairs == len(pairs)
    if not demands:
        assert found.value == 0
        return found
    with mpmath.workdps(1500):
        top = max(demands.values())
        if top == 0:
            first = min(demands)
        else:
            first = min(p for p, L in demands.items() if top == L or abs(L / top - 1) < 1e-300)
    assert found.rows == first
    if top == mpmath.inf:
        assert found.contradiction
        assert found.value == math.inf
        return found
    assert not found.contradiction
    if not math.isinf(found.value):
        assert all(holds(log, *pair, found.value) for pair in demands)
    if found.value > 0:
        assert not holds(log, *first, math.nextafter(found.value, 0.0))
    return found


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("kind", ["generic", "path", "clustered", "integers", "copies", "mixed"])
def test_it_is_the_exact_maximum_over_all_pairs(d, kind):
    rng = np.random.default_rng(d)
    n = 24
    x, g, f = rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.normal(size=n)
    if kind == "path":
        x = np.cumsum(x, axis=0) * 1e-6
        g, f = np.sin(x), (1 - np.cos(x)).sum(axis=1)
    if kind == "clustered":
        x = 1e8 + np.round(x * 2**10) / 2**20
        g, f = np.sin(x), -np.cos(x).sum(axis=1)
    if kind == "integers":
        x, g, f = (np.round(2 * part) for part in (x, g, f))
        f = np.round((x * x).sum(axis=1)) / 2
        g = x.copy()
    if kind == "copies":
        x, g, f = (np.repeat(part[: n // 3], 3, axis=0) for part in (x, g, f))
    if kind == "mixed":
        x *= 10.0 ** rng.integers(-12, 12, (n, 1))
    check(log_of(x, g, f))


@pytest.mark.parametrize("power", [-300, -160, -155, 0, 150, 154, 300])
@pytest.mark.parametrize("other", [-300, 0, 300])
def test_extreme_sizes(power, other):
    rng = np.random.default_rng(1)
    x, g = rng.uniform(1, 2, (8, 2)), rng.uniform(1, 2, (8, 2))
    f = rng.uniform(1, 2, 8)
    with np.errstate(all="ignore"):
        size = np.clip(10.0**power * 10.0**other, 1e-300, 1e300)
    check(log_of(x * 10.0**power, g * 10.0**other, f * size))


def test_sizes_that_differ_within_one_log():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12, 2)) * 10.0 ** rng.integers(-300, 300, (12, 1))
    g = rng.normal(size=(12, 2)) * 10.0 ** rng.integers(-300, 300, (12, 1))
    f = rng.normal(size=12) * 10.0 ** rng.integers(-300, 300, 12)
    check(log_of(x, g, f))


numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1 + 2**-52, 1e-30, 1e20, 0.1])


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.tuples(numbers, numbers), st.tuples(numbers, numbers), numbers, st.integers(0, 1)
        ),
        min_size=2,
        max_size=7,
    )
)
def test_any_points_with_ties_copies_and_contradictions(rows):
    x, g, f, sample = zip(*rows, strict=True)
    check(log_of(x, g, f, sample), sample)


def test_known_functions():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 1))
    found = smooth_constant(log_of(x, 8 * x, 4 * x[:, 0] ** 2))  # 8·x²/2, gradients exact
    assert found.value == pytest.approx(8, rel=1e-6)
    x = np.linspace(-3, 3, 61)[:, None]
    found = smooth_constant(log_of(x, np.cos(x), np.sin(x[:, 0])))
    assert 0.98 < found.value <= 1 + 1e-9
    d = 4
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    a = q @ np.diag([1.0, 2.0, -7.0, 3.0]) @ q.T
    x = rng.normal(size=(30, d))
    x[1] = x[0] + q[:, 2]  # a step along the eigenvector of −7: that pair shows all of L
    found = smooth_constant(log_of(x, x @ a, 0.5 * np.einsum("ni,ij,nj->n", x, a, x)))
    assert found.value == pytest.approx(7, rel=1e-9)
    assert found.rows == (0, 1)


def test_blocks_and_tiles_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    x = np.cumsum(rng.normal(size=(90, 3)), axis=0) * 1e-3
    g, f = np.cos(x), np.sin(x).sum(axis=1)
    sample = rng.integers(0, 3, 90)
    for labels in (None, sample, np.array(["a", "b", "c"])[sample]):
        log = log_of(x, g, f, labels)
        whole = smooth_constant(log)
        for block, tile, piece in (
            (7, 1 << 27, 1 << 24),
            (16, 32 * 3 * 20, 512),
            (1, 32 * 3 * 7, 48),
        ):
            monkeypatch.setattr(interpolation, "_BLOCK", block)
            monkeypatch.setattr(smooth_points, "_TILE", tile)
            monkeypatch.setattr(smooth_points, "_PIECE", piece)
            monkeypatch.setattr(smooth_search, "_MANY", 10)
            monkeypatch.setattr(smooth_search, "_BATCH", 9)
            assert smooth_constant(log) == whole
        monkeypatch.undo()


def test_many_points_agree_with_every_pair():
    rng = np.random.default_rng(5)
    n, d = 300, 20
    x = 5 + np.cumsum(rng.normal(size=(n, d)), axis=0) * 1e-2
    g, f = np.cos(x), np.sin(x).sum(axis=1)
    found = smooth_constant(log_of(x, g, f))
    i, j = np.triu_indices(n, 1)
    apart = ((x[i] - x[j]) ** 2).sum(axis=1)
    turned = ((g[i] - g[j]) ** 2).sum(axis=1)
    delta = np.abs(f[i] - f[j] - ((g[i] + g[j]) * (x[i] - x[j])).sum(axis=1) / 2)
    each = (2 * delta + np.sqrt(4 * delta**2 + apart * turned)) / apart
    assert found.value == pytest.approx(each.max(), rel=1e-8)
    assert found.pairs == len(i)


def test_rows_that_are_not_finite_are_left_out():
    x = np.array([[0.0], [1.0], [np.nan], [2.0], [3.0], [4.0]])
    g = np.array([[0.0], [1.0], [1.0], [np.inf], [3.0], [4.0]])
    f = np.array([0.0, 0.5, 1.0, 2.0, np.nan, 8.0])
    found = smooth_constant(log_of(x, g, f))
    assert found.value == 1
    assert found.pairs == 3
    assert "3 rows with NaN" in found.note


def test_columns_that_are_missing_or_too_few_rows():
    log = log_of([[1.0], [2.0]], [[1.0], [2.0]], [1.0, 2.0])
    assert smooth_constant(Log("m", "vector", 2, {}, vectors=log.vectors)) is None
    assert smooth_constant(Log("m", "scalar", 2, log.columns)) is None
    alone = smooth_constant(log_of([[1.0], [2.0]], [[1.0], [2.0]], [1.0, 2.0], [0, 1]))
    assert alone.value == 0
    assert alone.rows == ()
    assert "no two rows" in alone.note


def test_constant_and_linear_functions_need_no_curvature():
    x = np.random.default_rng(6).normal(size=(700, 2))
    flat = smooth_constant(log_of(x, np.zeros_like(x), np.ones(700)))
    assert (flat.value, flat.rows) == (0.0, (0, 1))
    x = np.round(x[:50] * 1024)
    linear = smooth_constant(log_of(x, np.ones_like(x), x.sum(axis=1)))
    assert linear.value == 0


def test_noise_of_the_loss_is_told():
    x = np.array([[1.0], [1.0 + 2**-40], [3.0]])
    f = np.array([0.5, 0.5 + 2**-53 + 2**-40, 4.5])
    found = smooth_constant(log_of(x, x, f))
    assert found.rows == (0, 1)
    assert "rounding of the logged losses" in found.note


def test_too_many_exact_ties_are_bounded_and_told(monkeypatch):
    x = np.arange(60.0)[:, None]
    monkeypatch.setattr(smooth_search, "_BUDGET", 100)
    found = smooth_constant(log_of(x, x, x[:, 0] ** 2 / 2))
    assert 1 <= found.value <= 1 + 1e-10
    assert "tie" in found.note
    monkeypatch.undo()
    exact = smooth_constant(log_of(x, x, x[:, 0] ** 2 / 2))
    assert (exact.value, exact.rows) == (1.0, (0, 1))


def test_progress_ends_at_the_number_of_rows():
    told = []
    x = np.random.default_rng(7).normal(size=(1500, 2))
    smooth_constant(log_of(x, np.sin(x), -np.cos(x).sum(axis=1)), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1500
