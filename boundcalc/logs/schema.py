"""The columns of a log: names, shapes, signs, and the conditions that need them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a log.

    `form` is the form of log it belongs to; `kind` is "real" (a float64 number on every row),
    "sparse" (a float64 number, NaN where it was not evaluated) or "label" (an integer or a string).
    `dims` names the dimensions: "N" counts rows; a letter means the same number in every column.
    `broadcast` says whether one number (a 0-d array) may stand for a column of equal numbers;
    `counted` that a label is an integer that is calculated with.
    """

    name: str
    form: str
    kind: str
    meaning: str
    nonnegative: bool = False
    dims: tuple[str, ...] = ("N",)
    broadcast: bool = False
    counted: bool = False


_SPECS = (
    ColumnSpec("loss", "scalar", "real", "f_i(x^k)"),
    ColumnSpec("loss_ref", "scalar", "real", "f_i(x_ref)", broadcast=True),
    ColumnSpec(
        "loss_min",
        "scalar",
        "real",
        "f_i*, the infimum of f_i (one number, or a column)",
        broadcast=True,
    ),
    ColumnSpec("inner", "scalar", "real", "<grad f_i(x^k), x^k - x_ref>"),
    ColumnSpec("grad_sqnorm", "scalar", "real", "||grad f_i(x^k)||^2", nonnegative=True),
    ColumnSpec("dist_sq", "scalar", "real", "||x^k - x_ref||^2", nonnegative=True, broadcast=True),
    ColumnSpec(
        "stepsize", "scalar", "real", "step size used at x^k", nonnegative=True, broadcast=True
    ),
    ColumnSpec("full_loss", "scalar", "sparse", "f(x^k) on the whole data"),
    ColumnSpec("full_grad_sqnorm", "scalar", "sparse", "||grad f(x^k)||^2 on the whole data", True),
    ColumnSpec("step", "scalar", "label", "step number k", counted=True),
    ColumnSpec("sample", "scalar", "label", "index i of the sample or mini-batch", broadcast=True),
    ColumnSpec(
        "run",
        "scalar",
        "label",
        "independent run (or point) that the row belongs to",
        broadcast=True,
    ),
    ColumnSpec("x", "vector", "real", "x^k, shape (K, d)", dims=("N", "d")),
    ColumnSpec("grad", "vector", "real", "grad f_i(x^k), shape (K, d)", dims=("N", "d")),
    ColumnSpec("x_ref", "vector", "real", "x_ref, shape (d,)", dims=("d",)),
    ColumnSpec("jacobian", "tangent", "real", "DF(w_t), shape (T, n, m)", dims=("N", "n", "m")),
    ColumnSpec("residual", "tangent", "real", "F(w_t) - y, shape (T, n)", dims=("N", "n")),
    ColumnSpec("w", "tangent", "real", "w_t, shape (T, m)", dims=("N", "m")),
)
COLUMNS: Mapping[str, ColumnSpec] = {spec.name: spec for spec in _SPECS}

# Columns that each fitted condition needs (loss_min has a default, so it is never missing).
NEEDS: Mapping[str, tuple[str, ...]] = {
    "alpha-beta": ("loss", "loss_ref", "inner"),
    "pl": ("loss", "grad_sqnorm"),
    "pl-star": ("loss", "grad_sqnorm"),
    "pl-star-eps": ("loss", "grad_sqnorm"),
    "self-bounding": ("loss", "grad_sqnorm"),
    "aiming": ("loss", "loss_ref", "inner"),
    "rsi": ("inner", "dist_sq"),
    "eb": ("grad_sqnorm", "dist_sq"),
    "qg": ("loss", "loss_ref", "dist_sq"),
}


@dataclass(frozen=True)
class Purpose:
    """What a log is opened for: how few rows may be (1 or 2), and the columns that must be there.

    Without `needed` the columns must allow some condition to be fitted.
    """

    least_rows: int = 2
    needed: tuple[str, ...] = ()


FIT = Purpose()
TANGENT = Purpose(1, ("jacobian", "residual"))

# What pl takes instead where they are logged; f* is then loss_min, which must not be a column.
WHOLE_DATA = ("full_loss", "full_grad_sqnorm")


def ruled_out(present: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Conditions that cannot be fitted from the `present` columns, each with what it lacks."""
    lacking = {
        condition: tuple(name for name in needed if name not in present)
        for condition, needed in NEEDS.items()
    }
    if "loss_min" not in present and all(name in present for name in WHOLE_DATA):
        lacking["pl"] = ()
    return {condition: names for condition, names in lacking.items() if names}
