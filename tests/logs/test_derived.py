"""Scalar columns that follow from vectors: right, and the same bits for any chunks and order."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import fsum, mpf

from boundcalc.logs import derived, log_from_arrays, open_log

VECTOR = ("inner", "grad_sqnorm", "dist_sq")


def vectors(rows=50, d=7, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "loss": rng.random(rows),
        "loss_ref": rng.random(rows),
        "x": rng.standard_normal((rows, d)),
        "grad": rng.standard_normal((rows, d)),
        "x_ref": rng.standard_normal(d),
    }


def all_rows(log, rows):
    chunks = list(log.chunks(rows))
    return {name: np.concatenate([c.columns[name] for c in chunks]) for name in log.columns}


@pytest.mark.parametrize("d", [1, 2, 9, 130, 33_000])
def test_vector_columns_equal_exact_sums(d):
    arrays = vectors(3, d)
    log = log_from_arrays(arrays)
    assert log.form == "vector"
    assert set(log.vectors) == {"x", "grad", "x_ref"}
    assert not log.warnings
    got = all_rows(log, 3)
    for k in range(3):
        away = [mpf(a) - mpf(b) for a, b in zip(arrays["x"][k], arrays["x_ref"], strict=True)]
        grad = [mpf(g) for g in arrays["grad"][k]]
        assert got["dist_sq"][k] == pytest.approx(float(fsum(a * a for a in away)), rel=1e-13)
        assert got["grad_sqnorm"][k] == pytest.approx(float(fsum(g * g for g in grad)), rel=1e-13)
        inner = float(fsum(g * a for g, a in zip(grad, away, strict=True)))
        assert got["inner"][k] == pytest.approx(inner, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("d", "rows"), [(1, 23), (3, 23), (300, 23), (33_000, 4)])
def test_vector_columns_are_the_same_bits_for_any_chunks_order_and_storage(tmp_path, d, rows):
    arrays = vectors(rows, d)
    expected = all_rows(log_from_arrays(arrays), rows)
    logs = [log_from_arrays({n: np.asfortranarray(a) for n, a in arrays.items()})]
    for number, order in enumerate("CF"):
        for save in (np.savez, np.savez_compressed):
            path = tmp_path / f"{save.__name__}{number}.npz"
            save(path, **{n: np.asarray(a, ">f8", order=order) for n, a in arrays.items()})
            logs.append(open_log(path))
    for log in logs:
        for size in (1, 2, 5, rows):
            got = all_rows(log, size)
            for name in VECTOR:
                np.testing.assert_array_equal(got[name], expected[name])


@pytest.mark.parametrize("shape", [(4, 6), (1, 1), (1, 40_000), (3, 1), (300, 200)])
def test_tangent_columns_and_their_bits(shape):
    n, m = shape
    rng = np.random.default_rng(1)
    jacobian, residual = rng.standard_normal((5, n, m)), rng.standard_normal((5, n))
    log = log_from_arrays({"jacobian": jacobian, "residual": residual})
    assert log.form == "tangent"
    got = all_rows(log, 5)
    np.testing.assert_allclose(got["loss"], 0.5 * np.sum(residual**2, axis=1), rtol=1e-13)
    pulled = np.einsum("tnm,tn->tm", jacobian, residual)
    np.testing.assert_allclose(got["grad_sqnorm"], np.sum(pulled**2, axis=1), rtol=1e-11)
    strange = {"jacobian": np.asfortranarray(jacobian), "residual": residual}
    for other in (log, log_from_arrays(strange)):
        for rows in (1, 2, 5):
            for name, values in all_rows(other, rows).items():
                np.testing.assert_array_equal(values, got[name])


def test_one_reading_serves_all_columns(monkeypatch):
    log = log_from_arrays(vectors())
    blocks = []
    block = derived.VectorTable.block
    monkeypatch.setattr(
        derived.VectorTable, "block", lambda t, a, b: blocks.append((a, b)) or block(t, a, b)
    )
    list(log.chunks(20))
    assert blocks == [(0, 20), (20, 40), (40, 50)]


def test_overflow_of_a_square_is_infinity_and_no_warning():
    arrays = vectors()
    arrays["grad"][3] = 1e200
    assert all_rows(log_from_arrays(arrays), 50)["grad_sqnorm"][3] == np.inf


def test_what_can_be_derived_is_derived():
    arrays = vectors()
    without_ref = {name: arrays[name] for name in ("loss", "grad", "x")}
    log = log_from_arrays(without_ref)
    assert set(log.columns) == {"loss", "grad_sqnorm"}
    assert "no column loss_ref: alpha-beta, aiming, qg cannot be fitted" in log.warnings
    without_grad = {name: arrays[name] for name in ("loss", "loss_ref", "x", "x_ref")}
    assert set(log_from_arrays(without_grad).columns) == {"loss", "loss_ref", "dist_sq"}


def test_logged_columns_take_the_place_of_derived_ones():
    log = log_from_arrays(vectors() | {"dist_sq": np.full(50, 7.0)})
    assert log.warnings == ("dist_sq: used as logged, not recomputed from x, grad, x_ref",)
    assert set(all_rows(log, 50)["dist_sq"]) == {7.0}


def test_two_forms_at_once_are_read_as_vectors():
    log = log_from_arrays(vectors() | {"residual": np.ones((9, 2))})
    assert log.form == "vector"
    assert log.warnings == ("ignored: residual (the vector form of a log has no such column)",)
    assert "residual" not in log.vectors
