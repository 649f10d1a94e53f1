"""Arrays that are read by rows, and the number types that a log may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.log import Float
from boundcalc.logs.schema import ColumnSpec

_LONGEST_LABEL = 1024  # characters; guards the memory of a chunk of labels
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_DTYPE_KINDS = {
    "O": "pickled Python objects (never loaded)",
    "b": "booleans",
    "c": "complex numbers",
    "M": "dates",
    "m": "time spans",
    "V": "structured records",
    "U": "text",
    "S": "text",
}


class Array(Protocol):
    """An array that is read by rows; a 0-d array counts as one row."""

    @property
    def where(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[np.generic]: ...

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as they are stored, (stop - start, *shape[1:])."""
        ...


@dataclass(frozen=True, eq=False)
class MemoryArray:
    """An array in memory; reading is slicing."""

    where: str
    values: NDArray[np.generic]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.values.dtype

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        return np.atleast_1d(self.values)[start:stop]


def dtype_fault(array: Array, spec: ColumnSpec) -> Fault | None:
    """The fault of an array whose number type a column of this kind cannot have, or None."""
    dtype = array.dtype
    if dtype.kind in "iuf":
        return None
    if spec.kind == "label" and dtype.kind in "US":
        width = dtype.itemsize // (4 if dtype.kind == "U" else 1)
        if 0 < width <= _LONGEST_LABEL:
            return None
        found = f"text of width {width}"
    else:
        found = _DTYPE_KINDS.get(dtype.kind, "a type without numbers")
    label = spec.kind == "label"
    return Fault(
        where=array.where,
        found=f"{found} (dtype {str(dtype)[:40]})",
        expected="integers or short text" if label else "real numbers (float or integer dtype)",
        fix=f"save it with .astype({'int' if label else 'float'})",
    )


def as_real(values: NDArray[np.generic]) -> Float:
    """`values` as native C-contiguous float64; the very same array when it is that already."""
    with np.errstate(all="ignore"):  # longdouble beyond float64 becomes inf: a row fault, later
        return np.ascontiguousarray(values, dtype=np.float64)


def as_label(values: NDArray[np.generic], where: str) -> NDArray[np.generic]:
    """`values` (n,) as int64 or fixed-width str; InputError when they are no labels."""
    kind = values.dtype.kind
    if kind == "S":
        return np.char.decode(values.astype(np.bytes_), "utf-8", "backslashreplace")
    if kind == "U":
        text = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
        codes = text.view(np.uint32)
        low, high = _SURROGATES
        if np.any((codes > _LAST_CODE_POINT) | ((codes >= low) & (codes <= high))):
            raise _not_labels(where, "text that is not valid Unicode")
        return text
    if kind == "f":
        whole = np.asarray(values, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            # Comparisons with NaN are false, so that NaN is refused like a fraction is.
            if not np.all((np.trunc(whole) == whole) & (np.abs(whole) < 2.0**63)):
                raise _not_labels(where, "numbers that are not integers")
        return whole.astype(np.int64)
    if kind == "u" and values.size and int(values.max()) > np.iinfo(np.int64).max:
        raise _not_labels(where, "integers beyond 2^63")
    return np.ascontiguousarray(values, dtype=np.int64)


def _not_labels(where: str, found: str) -> InputError:
    return InputError(
        Fault(where, found, "integers (int64) or text", "number the labels, or leave them out")
    )


def rounding_warning(array: Array) -> str | None:
    """Says how many values change when they become float64, or None when none does.

    Reads the array, but only when its dtype (8-byte integer, long double) can hold such values.
    """
    dtype = array.dtype
    wide_integer = dtype.kind in "iu" and dtype.itemsize > 4
    if not wide_integer and not (dtype.kind == "f" and dtype.itemsize > 8):
        return None
    rows = array.shape[0] if array.shape else 1
    per_row = int(np.prod(array.shape[1:], dtype=object))
    block = max(1, 2**18 // max(1, per_row))
    changed = 0
    for start in range(0, rows, block):
        values = array.read(start, min(start + block, rows))
        if wide_integer:
            beyond = values > np.array(2**53, dtype.newbyteorder("="))
            if dtype.kind == "i":
                beyond |= values < np.array(-(2**53), dtype.newbyteorder("="))
        else:
            beyond = (as_real(values) != values) & ~np.isnan(values)
        changed += int(np.count_nonzero(beyond))
    if not changed:
        return None
    kind = "integers beyond 2^53" if wide_integer else "long doubles"
    return f"{array.where}: {changed} {kind} were rounded to float64"
