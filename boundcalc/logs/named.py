"""Arrays of an npz by their names, read whole: data and weights of a network."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.logs.archive import read_directory
from boundcalc.logs.array import Array, as_real, rounding_warning
from boundcalc.logs.guard import guarded, listed, shown_path
from boundcalc.logs.log import Float
from boundcalc.logs.npz import array_of
from boundcalc.logs.sniff import require_npz

MOST_NUMBERS = 1 << 26  # of one array: half a GiB


def read_arrays(
    path: str | os.PathLike[str], wanted: Collection[str], needed: Collection[str], expected: str
) -> dict[str, Float]:
    """The arrays `wanted` of an npz file as float64, each of its own shape; others are not read.

    wanted : names that may occur; those `needed` must.
    expected : what the file should be, in messages.

    Raises: InputError with every fault: no file, arrays missing, corrupt, of text, NaN or infinite,
    or integers that float64 does not hold exactly.
    """
    names = ", ".join(f"{name}=..." for name in list(needed)[:8])
    fix = f"save it with np.savez(path, {names})"
    require_npz(path, expected, fix)
    source = shown_path(path)
    directory = read_directory(Path(path), source, wanted, "array")
    faults = list(directory.faults)
    at_fault = {fault.where for fault in faults}
    missing = [
        name
        for name in needed
        if name not in directory.members and f"{source}: array {name}" not in at_fault
    ]
    if missing:
        found = (
            f"no array {listed(missing)} (it holds {_held(directory.members, directory.unknown)})"
        )
        faults.append(Fault(source, found, expected, fix))
    arrays: dict[str, Float] = {}
    for name, member in directory.members.items():
        try:
            arrays[name] = _read(array_of(member))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    return arrays


def _held(members: Collection[str], unknown: Collection[str]) -> str:
    return listed([*members, *unknown]) or "nothing"


def _read(array: Array) -> Float:
    """The whole array in float64, every number finite and unchanged."""
    where, numbers = array.where, "finite real numbers (float or integer dtype)"
    if array.dtype.kind not in "iuf":
        found = f"dtype {str(array.dtype)[:40]}"
        raise InputError(Fault(where, found, numbers, "save it with .astype(float)"))
    if math.prod(array.shape) > MOST_NUMBERS:
        found = f"{math.prod(array.shape)} numbers"
        raise InputError(Fault(where, found, f"at most {MOST_NUMBERS}", "take fewer"))
    with guarded(where):
        warning = rounding_warning(array)
        if warning is not None:
            expected = "numbers that float64 holds"
            raise InputError(Fault(where, warning, expected, "save it with .astype(float)"))
        values = as_real(array.read(0, array.shape[0] if array.shape else 1))
    values = values.reshape(array.shape)
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        found = f"{wrong} of {values.size} numbers that are NaN or infinite"
        raise InputError(Fault(where, found, numbers, "leave these rows out, or correct them"))
    return values
