"""Logs from arrays in memory, by the schema of the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from boundcalc.errors import Fault
from boundcalc.logs.array import Array, MemoryArray
from boundcalc.logs.assemble import assemble
from boundcalc.logs.guard import shown
from boundcalc.logs.log import Log
from boundcalc.logs.schema import COLUMNS, FIT, Purpose


def log_from_arrays(
    columns: Mapping[str, Any],
    *,
    source: str = "memory",
    loss_min: float | None = None,
    purpose: Purpose = FIT,
) -> Log:
    """Make a log of arrays (or what numpy makes arrays of), copying no native float64 ones.

    columns : column name -> array-like of the shape that the schema says, e.g. loss (N,).
    loss_min : the infimum f_i* of every f_i, in place of the column.
    purpose : which columns and how many rows must be there.

    Raises: InputError with every fault that can be seen without reading the rows.
    """
    arrays: dict[str, Array] = {}
    faults: list[Fault] = []
    for name, values in columns.items():
        if name not in COLUMNS:
            continue
        where = f"{source}: column {name}"
        if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
            faults.append(Fault(where, "masked values", "plain numbers", "use .filled(np.nan)"))
            continue
        try:
            arrays[name] = MemoryArray(where, np.asarray(values))
        except (ValueError, TypeError, OverflowError) as error:
            fix = "pass a numpy array"
            faults.append(Fault(where, shown(error), "an array of numbers", fix))
    unknown = [str(name) for name in columns if name not in COLUMNS]
    return assemble(
        arrays,
        source=source,
        loss_min=loss_min,
        unknown=unknown,
        faults=faults,
        purpose=purpose,
    )
