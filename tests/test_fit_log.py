"""`boundcalc.fit_log`: what it takes, and what it says to what it does not take."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import boundcalc
from boundcalc.options import request_of

LOG = {
    "loss": np.array([1.0, 2, 3]),
    "loss_ref": np.zeros(3),
    "inner": np.array([1.0, 2, 3]),
}


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("margin", "a lot", "a lot"),
        ("margin", float("inf"), "inf (float)"),
        ("margin", float("nan"), "nan (float)"),
        ("margin", -1, "-1"),
        ("margin", True, "True (bool)"),
        ("margin", None, "None"),
        ("margin", Decimal(1), "Decimal"),
        ("quantile", "a", "'a' (str)"),
        ("quantile", True, "True"),
        ("loss_min", "a", "'a' (str)"),
        ("loss_min", True, "True"),
        ("loss_min", 10**400, "1000"),
        ("loss_min", float("nan"), "nan"),
        ("discard", 2.5, "2.5 (float)"),
        ("discard", -1, "-1"),
        ("discard", None, "None"),
        ("steps", 10.5, "10.5"),
        ("steps", True, "True"),
        ("steps", 0, "0"),
        ("steps", 10**18, "1000"),
        pytest.param("steps", 10**5000, "a value of type int", id="endless"),
        ("steps", float("inf"), "inf"),
        ("epoch", "3", "'3'"),
        ("epoch", 10**23, "1000"),
        ("objective", 3, "3 (int)"),
        ("objective", "best", "best"),
        ("method", np.array(["lp", "grid"]), "array"),
        ("cross_check", 1, "1 (int)"),
        ("drop_nonfinite", "no", "'no'"),
        ("smooth", 0, "0 (int)"),
        ("stepz", 3, "no such option"),
    ],
)
def test_a_wrong_option_is_an_input_error(option, value, found):
    with pytest.raises(boundcalc.InputError) as raised:
        boundcalc.fit_log(LOG, **{option: value})
    (fault,) = raised.value.faults
    assert option in fault.where.replace("-", "_")
    assert found in fault.found
    assert fault.expected
    assert fault.fix


def test_every_fault_is_said():
    with pytest.raises(boundcalc.InputError) as raised:
        boundcalc.fit_log(LOG, steps=0.5, smooth="yes", colour="red")
    assert [fault.where for fault in raised.value.faults] == ["steps", "smooth", "colour"]


@pytest.mark.parametrize("log", [5, None, b"log.npz", [1, 2]])
def test_what_is_no_log_is_an_input_error(log):
    with pytest.raises(boundcalc.InputError, match="the path of a log, a list of such, or columns"):
        boundcalc.fit_log(log)


def test_numbers_of_every_kind_are_taken():
    tenth = Fraction(1, 10)
    assert request_of({"margin": "0.1"}).margin == request_of({"margin": tenth}).margin == tenth
    assert request_of({"margin": "1e-3"}).margin == Fraction(1, 1000)
    assert request_of({"margin": 0.1}).margin == Fraction(0.1)  # a float is what it is
    assert request_of({"margin": np.float32(0.25)}).margin == Fraction(1, 4)
    margin = request_of({"margin": np.int64(2)}).margin
    assert type(margin.numerator) is int
    request = request_of({"steps": 1e6, "discard": np.int32(3), "smooth": np.bool_(True)})
    assert (request.steps, request.discard, request.smooth) == (10**6, 3, True)
    assert type(request.steps) is int
    assert request_of({"quantile": Fraction(1, 2)}).quantile == 0.5
    assert (
        request_of({"steps": None, "epoch": None, "quantile": None, "smooth": None}).steps is None
    )


def test_paths_and_arrays_agree(tmp_path):
    np.savez(tmp_path / "log.npz", **LOG)
    pairs = {
        (fitted.pair.alpha, fitted.pair.beta)
        for log in (LOG, tmp_path / "log.npz", str(tmp_path / "log.npz"))
        if (fitted := boundcalc.fit_log(log, objective="minimal", margin="1/2")).pair is not None
    }
    assert len(pairs) == 1


def test_the_shipped_log_fits():
    shipped = Path(__file__).parents[1] / "cases" / "logs" / "digits-mlp.npz"
    assert boundcalc.fit_log(shipped).fit.rows == 4000
    with pytest.raises(AttributeError, match="nothing"):
        boundcalc.nothing  # noqa: B018


def test_whole_data_values_alone_are_a_log():
    columns = {
        "full_loss": np.array([2.0, np.nan, 1]),
        "full_grad_sqnorm": np.array([4, np.nan, 3]),
    }
    found = boundcalc.fit_log(columns).fit.constants["pl"]
    assert found is not None
    assert (found.exact, found.row) == (1, 0)
