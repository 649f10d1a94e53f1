"""What can be seen to be wrong with the arrays of a log before their rows are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from boundcalc.errors import Fault
from boundcalc.logs.array import Array, dtype_fault
from boundcalc.logs.guard import listed
from boundcalc.logs.schema import COLUMNS, FIT, ColumnSpec, Purpose

_DIMENSIONS = {
    "N": ("rows", "one row per (step, sample) in every column"),
    "d": ("parameters d", "the same number of parameters in x, grad and x_ref"),
    "n": ("residuals n", "the same number of residuals in jacobian (T, n, m) and residual (T, n)"),
    "m": ("parameters m", "the same number of parameters in jacobian (T, n, m) and w (T, m)"),
}


def is_constant(array: Array) -> bool:
    """Whether the array is one number that stands for all rows."""
    return array.shape == ()


def is_flat(array: Array, spec: ColumnSpec) -> bool:
    """Whether the array is (N, 1) where (N,) is meant."""
    return spec.dims == ("N",) and len(array.shape) == 2 and array.shape[1] == 1


def shape_faults(
    source: str, arrays: Mapping[str, Array], purpose: Purpose = FIT
) -> Iterator[Fault]:
    """Faults of number types and shapes, all of them."""
    lengths: dict[str, dict[str, int]] = {dim: {} for dim in _DIMENSIONS}
    for name, array in arrays.items():
        spec = COLUMNS[name]
        fault = dtype_fault(array, spec) or _rank_fault(array, spec)
        if fault is not None:
            yield fault
        elif not is_constant(array):
            for dim, length in zip(spec.dims, array.shape, strict=False):
                lengths[dim][name] = length
    for dim, by_column in lengths.items():
        what, expected = _DIMENSIONS[dim]
        if len(set(by_column.values())) > 1:
            found = listed(f"{name} {length}" for name, length in by_column.items())
            fix = "log every column at the same time, and cut none short"
            yield Fault(source, f"different numbers of {what}: {found}", expected, fix)
        elif by_column and next(iter(by_column.values())) == 0:
            yield Fault(source, f"zero {what} in {listed(by_column)}", "at least one", "log a run")
        elif dim == "N" and 1 in by_column.values() and purpose.least_rows > 1:
            yield Fault(source, "one row", "a run of at least two rows", "log more steps")


def _rank_fault(array: Array, spec: ColumnSpec) -> Fault | None:
    """The fault of an array with a wrong number of dimensions, or None."""
    if is_flat(array, spec) or (is_constant(array) and spec.broadcast):
        return None
    if len(array.shape) == len(spec.dims):
        return None
    shape = f"({', '.join(spec.dims)}{',' if len(spec.dims) == 1 else ''})"
    found = "one number" if is_constant(array) else f"shape {array.shape}"
    return Fault(array.where, found, f"shape {shape}", f"reshape it to {shape}")
