"""Row checks: each contradiction is found, honest rows pass, and faults merge as a monoid."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boundcalc.logs import Chunk
from boundcalc.logs.check import RowFaults, Sighting, check_chunk, drop, usable

CAUCHY = ("inner", "grad_sqnorm", "dist_sq")


def chunk_of(loss_min=0.0, start=0, **columns):
    arrays = {name: np.array(values, dtype=float) for name, values in columns.items()}
    size = len(next(iter(arrays.values())))
    return Chunk(start, size, arrays, loss_min)


def only_fault(chunk):
    (fault,) = check_chunk(chunk).to_faults("run.npz")
    return fault


def test_an_honest_chunk_passes(columns):
    assert not check_chunk(Chunk(0, 1000, columns))
    assert usable(Chunk(0, 1000, columns)).all()
    assert not check_chunk(Chunk(0, 0, {"loss": np.empty(0)}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_rows(value):
    chunk = chunk_of(start=100, loss=[1, 2, value, 3, value], stepsize=[1, 1, 1, 1, 1])
    fault = only_fault(chunk)
    assert fault.where == "run.npz: column loss"
    assert fault.found == f"loss = {value!r} in row 102, the first of 2 such rows"
    assert "--drop-nonfinite" in fault.fix
    assert usable(chunk).tolist() == [True, True, False, True, False]


def test_a_nonfinite_loss_min_column():
    chunk = chunk_of(loss=[1, 2], loss_min=np.array([0, np.nan]))
    assert only_fault(chunk).found == "loss_min = nan in row 1"
    assert usable(chunk).tolist() == [True, False]


def test_sparse_columns_may_hold_nan_and_no_infinity():
    nan = float("nan")
    assert not check_chunk(chunk_of(full_loss=[nan, 1, nan], full_grad_sqnorm=[nan, nan, nan]))
    chunk = chunk_of(full_loss=[nan, 1, np.inf])
    fault = only_fault(chunk)
    assert fault.found == "full_loss = inf in row 2"
    assert "NaN where it was not evaluated" in fault.expected
    assert usable(chunk).tolist() == [True, True, False]


@pytest.mark.parametrize("column", ["loss", "loss_ref"])
@pytest.mark.parametrize("per_row", [False, True])
def test_losses_below_loss_min(column, per_row):
    bound = np.full(3, 0.5) if per_row else 0.5
    fault = only_fault(chunk_of(bound, **{column: [0.5, 0.25, 1]}))
    assert fault.where == f"run.npz: column {column}"
    assert fault.found == f"{column} = 0.25, loss_min = 0.5 in row 1"
    assert "--loss-min" in fault.fix


def test_full_loss_below_loss_min():
    nan = float("nan")
    assert only_fault(chunk_of(full_loss=[nan, -1, 2])).found.startswith("full_loss = -1.0")
    assert not check_chunk(chunk_of(np.zeros(3), full_loss=[nan, -1, 2]))


@pytest.mark.parametrize("column", ["grad_sqnorm", "dist_sq", "stepsize", "full_grad_sqnorm"])
def test_negative_numbers(column):
    fault = only_fault(chunk_of(**{column: [0, 3, -1e-9, -2]}))
    assert fault.found == f"{column} = -1e-09 in row 2, the first of 2 such rows"
    assert "not negative" in fault.expected


def test_a_chunk_with_nan_is_checked_for_everything_else():
    chunk = chunk_of(loss=[np.nan, -1, 1], dist_sq=[1, 1, -np.inf], grad_sqnorm=[1, -1, 1])
    kinds = set(check_chunk(chunk).sightings)
    assert kinds == {
        ("nonfinite", "loss"),
        ("below-loss-min", "loss"),
        ("nonfinite", "dist_sq"),
        ("negative", "grad_sqnorm"),
    }


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 1e150, 1e300])
@pytest.mark.parametrize("sign", [1, -1])
def test_cauchy_schwarz_at_any_scale(scale, sign):
    irrational = np.sqrt(np.array([2.0, 3.0])) * scale

    def with_excess(excess):
        inner = sign * np.sqrt(irrational) * np.sqrt(irrational) * np.sqrt(1 + excess)
        return check_chunk(chunk_of(inner=inner, grad_sqnorm=irrational, dist_sq=irrational))

    for excess in (-0.5, -1e-9, 0, 1e-9, 9e-7):
        assert not with_excess(excess)
    for excess in (1.1e-6, 1e-3, 1.0, 100):
        faults = with_excess(excess)
        assert set(faults.sightings) == {("cauchy-schwarz", "inner")}
        assert faults.sightings["cauchy-schwarz", "inner"].count == 2


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_parallel_vectors_of_low_precision_pass(dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 30)).astype(dtype)
    factor = rng.random((2000, 1)).astype(dtype)
    grad = x * factor
    columns = {
        "inner": np.sum(grad * x, axis=1, dtype=dtype),
        "grad_sqnorm": np.sum(grad * grad, axis=1, dtype=np.float32).astype(dtype),
        "dist_sq": np.sum(x * x, axis=1, dtype=np.float32).astype(dtype),
    }
    assert not check_chunk(chunk_of(**columns))
    columns["inner"] = columns["inner"] * dtype(1.1)
    assert check_chunk(chunk_of(**columns)).sightings["cauchy-schwarz", "inner"].count > 1900


def test_squares_that_underflow_are_no_contradiction():
    tiny = np.float32(1e-25)
    assert tiny * tiny == 0
    assert not check_chunk(chunk_of(inner=[tiny], grad_sqnorm=[0], dist_sq=[1]))
    assert not check_chunk(chunk_of(inner=[np.pi * 1e-170], grad_sqnorm=[0], dist_sq=[np.pi]))
    assert check_chunk(chunk_of(inner=[1e-3], grad_sqnorm=[0], dist_sq=[1]))
    assert not check_chunk(chunk_of(inner=[0], grad_sqnorm=[0], dist_sq=[0]))


def test_drop_keeps_row_numbers():
    labels = np.array(["a", "b", "c", "d"])
    chunk = chunk_of(np.array([0.0, 0, np.nan, 0]), start=10, loss=[1, np.nan, 3, 4])
    chunk = dataclasses.replace(chunk, columns={**chunk.columns, "run": labels})
    assert drop(chunk, np.ones(4, bool)) is chunk
    once = drop(chunk, usable(chunk))
    assert (once.start, once.size, once.row_numbers().tolist()) == (10, 2, [10, 13])
    assert once.columns["run"].tolist() == ["a", "d"]
    assert once.loss_min.tolist() == [0, 0]
    twice = drop(once, np.array([False, True]))
    assert twice.row_numbers().tolist() == [13]
    assert check_chunk(dataclasses.replace(twice, loss_min=9.0)).to_faults()[0].found == (
        "loss = 4.0, loss_min = 9.0 in row 13"
    )


row_faults = st.builds(
    RowFaults,
    st.dictionaries(
        st.tuples(st.sampled_from(["negative", "nonfinite"]), st.sampled_from(["loss", "inner"])),
        st.builds(Sighting, st.integers(1, 9), st.integers(0, 5), st.sampled_from(["u", "v"])),
    ),
)


@given(row_faults, row_faults, row_faults)
def test_faults_are_a_commutative_monoid(a, b, c):
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    assert a.merge(RowFaults()) == a == RowFaults().merge(a)


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(0, 1000))
def test_faults_do_not_depend_on_chunking(cuts, seed):
    rng = np.random.default_rng(seed)
    names = ("loss", "loss_ref", *CAUCHY, "full_loss")
    values = {name: rng.choice([0.0, 1.0, -1.0, 3.0, np.nan, np.inf], 40) for name in names}
    whole = check_chunk(Chunk(0, 40, values))
    edges = [0, *sorted(cuts), 40]
    parts = RowFaults()
    for start, stop in itertools.pairwise(edges):
        piece = {name: column[start:stop] for name, column in values.items()}
        parts = parts.merge(check_chunk(Chunk(start, stop - start, piece)))
    assert parts == whole
    for (kind, name), sighting in whole.sightings.items():
        if kind == "nonfinite":
            assert sighting.count == np.count_nonzero(~np.isfinite(values[name]))
