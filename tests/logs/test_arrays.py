"""Logs from memory: no copies, the same checks."""

from __future__ import annotations

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.logs import log_from_arrays


def test_native_float64_is_not_copied(columns):
    log = log_from_arrays(columns)
    (chunk,) = log.chunks(1000)
    for name, values in columns.items():
        assert np.shares_memory(chunk.columns[name], values)


def test_lists_and_foreign_arrays_are_taken(columns):
    log = log_from_arrays(columns | {"loss": columns["loss"].tolist(), "step": range(1000)})
    (chunk,) = log.chunks(1000)
    np.testing.assert_array_equal(chunk.columns["loss"], columns["loss"])
    assert chunk.columns["step"].dtype == np.int64
    strided = log_from_arrays(columns | {"loss": np.repeat(columns["loss"], 2)[::2]})
    assert strided.columns["loss"].read(0, 10).flags.c_contiguous


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        ([[1.0], [1.0, 2.0]], "inhomogeneous"),
        (np.ma.masked_array(np.ones(1000), np.arange(1000) == 3), "masked values"),
        (np.ones(1000, dtype=complex), "complex"),
        (np.array([None] * 1000), "never loaded"),
        (np.ones(1000, dtype="M8[s]"), "dates"),
        (np.ones((1000, 2)), "shape (1000, 2)"),
        (np.ones(999), "loss 999, loss_ref 1000"),
        (np.ones(1000, dtype=bool), "booleans"),
        (np.array(["1.0"] * 1000), "text"),
        (1.0, "one number"),
    ],
)
def test_faults_name_the_column(columns, bad, found):
    with pytest.raises(InputError) as raised:
        log_from_arrays(columns | {"loss": bad}, source="here")
    (fault,) = raised.value.faults
    assert fault.where.startswith("here")
    assert "loss" in fault.where + fault.found
    assert found in fault.found


def test_the_users_loss_min_must_be_a_number(columns):
    with pytest.raises(InputError, match="--loss-min: found nan; expected a finite number"):
        log_from_arrays(columns, loss_min=float("nan"))
    with pytest.raises(InputError, match="column loss_min: found inf"):
        log_from_arrays(columns | {"loss_min": np.inf})


def test_an_infinite_reference_point_is_a_fault(columns):
    x_ref = np.array([0.0, np.nan])
    with pytest.raises(InputError, match="column x_ref: found 1 NaN or infinite entries"):
        log_from_arrays({"x": np.ones((5, 2)), "grad": np.ones((5, 2)), "x_ref": x_ref})
