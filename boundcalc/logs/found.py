"""What a reader finds in a file, and the log that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from boundcalc.errors import Fault
from boundcalc.logs.array import Array, MemoryArray, as_real
from boundcalc.logs.assemble import assemble
from boundcalc.logs.log import Log
from boundcalc.logs.mapping import Asked, renamed
from boundcalc.logs.place import Place
from boundcalc.logs.schema import Purpose

_BLOCK = 1 << 16


@dataclass(frozen=True)
class Found:
    """The arrays of a file by their names there, and what is to be said about them.

    others : names that were not asked for; notes : warnings; withheld : condition -> why the file
    says nothing about it though its columns are there.
    table : nothing but columns, in which one number for all rows is a column of equal numbers.
    """

    source: str
    arrays: Mapping[str, Array]
    others: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: Mapping[str, str] = field(default_factory=dict)
    table: bool = False


Reader = Callable[[Place, Asked], Found]


def log_of(found: Found, asked: Asked, loss_min: float | None, purpose: Purpose) -> Log:
    """The log of what was found. Raises InputError with every fault."""
    columns, others = renamed(found.source, found.arrays, found.others, asked)
    if found.table and "loss_min" in columns and loss_min is None:
        columns["loss_min"] = _one_number(columns["loss_min"])
    log = assemble(
        columns,
        source=found.source,
        loss_min=loss_min,
        unknown=others,
        faults=found.faults,
        purpose=purpose,
    )
    return replace(log, warnings=(*log.warnings, *found.notes), withheld=dict(found.withheld))


def _one_number(array: Array) -> Array:
    """The array as one number, where all its rows are the same; else the array itself."""
    if len(array.shape) != 1 or not array.shape[0] or array.dtype.kind not in "iuf":
        return array
    first = as_real(array.read(0, 1))
    for start in range(0, array.shape[0], _BLOCK):
        values = as_real(array.read(start, min(start + _BLOCK, array.shape[0])))
        if not np.array_equal(values, np.broadcast_to(first, values.shape)):
            return array
    return MemoryArray(array.where, first[0])
