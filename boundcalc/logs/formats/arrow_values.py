"""Arrow arrays as NumPy arrays, for the Parquet and the Arrow reader."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.guard import corrupt, shown

_LONGEST_LABEL = 1024
TEXT: np.dtype[np.generic] = np.dtype("U64")  # stands for texts of any width


def dtype_and_width(type_: Any, pa: Any) -> tuple[np.dtype[np.generic], int | None] | None:
    """The dtype of a column of this Arrow type, and its numbers per row where that is fixed.

    None for a list of any length (its first row tells); a type that no column can have gives a
    dtype that is refused.
    """
    types = pa.types
    if types.is_dictionary(type_):
        return dtype_and_width(type_.value_type, pa)
    if types.is_fixed_size_list(type_):
        inner = dtype_and_width(type_.value_type, pa)
        return (inner[0] if inner else np.dtype("V8")), type_.list_size
    if types.is_list(type_) or types.is_large_list(type_):
        return None
    if types.is_string(type_) or types.is_large_string(type_):
        return TEXT, 0
    if types.is_floating(type_) or types.is_integer(type_) or types.is_boolean(type_):
        return np.dtype(type_.to_pandas_dtype()), 0
    if types.is_null(type_):
        return np.dtype(np.float64), 0
    if types.is_temporal(type_):
        return np.dtype("M8[ns]"), 0
    return np.dtype("V8"), 0


def values_of(array: Any, where: str, width: int, pa: Any) -> NDArray[np.generic]:
    """One Arrow array as (n,) or, where width > 0, (n, width); null becomes NaN."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    array.validate(full=True)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    type_ = array.type
    if width or pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _vectors(array, where, width)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        texts = ["" if text is None else text for text in array.to_pylist()]
        if max(map(len, texts), default=0) > _LONGEST_LABEL:
            fix = "number them"
            raise InputError(Fault(where, "a very long text", "integers or short texts", fix))
        return np.array(texts, dtype=str)
    if pa.types.is_null(type_):
        return np.full(len(array), np.nan)
    values: NDArray[np.generic] = array.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "O":  # booleans with gaps, and the like
        raise InputError(
            Fault(where, f"values of type {shown(type_)}", "numbers", "save it as numbers")
        )
    return values


def _vectors(array: Any, where: str, width: int) -> NDArray[np.generic]:
    """Lists of `width` numbers each as (n, width)."""
    if array.null_count:
        raise InputError(
            Fault(where, "a missing vector", f"{width} numbers on every row", "log every vector")
        )
    flat = array.flatten()
    if len(array) and len(flat) != len(array) * width:
        found = f"vectors of other lengths than the first, which has {width} numbers"
        fix = "log as many parameters on every row"
        raise InputError(Fault(where, found, "one length", fix))
    if len(array) and hasattr(array, "offsets"):
        lengths = np.diff(array.offsets.to_numpy())
        if np.any(lengths != width):
            raise corrupt(where, "vectors of different lengths")
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(array), width)
