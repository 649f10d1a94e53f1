"""Arrow (Feather) files: record batches, mapped into memory and decoded one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array
from boundcalc.logs.extra import imported
from boundcalc.logs.formats.arrow_values import dtype_and_width, values_of
from boundcalc.logs.formats.batches import BatchedColumn
from boundcalc.logs.found import Found
from boundcalc.logs.guard import corrupt, guarded
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

_LARGEST_ROW = 1 << 28  # bytes


def read_arrow(place: Place, asked: Asked) -> Found:
    """The columns of an Arrow file in the random-access format (Feather version 2)."""
    where = place.shown
    pa = imported("pyarrow", "formats", where, "an Arrow file")
    arrays: dict[str, Array] = {}
    faults = []
    with guarded(where), pa.memory_map(str(place.path)) as file:
        schema = pa.ipc.open_file(file).schema
        no_fields = pa.ipc.IpcReadOptions(included_fields=[], use_threads=False)
        reader = pa.ipc.open_file(file, options=no_fields) if len(schema.names) else None
        count = reader.num_record_batches if reader is not None else 0
        sizes = [] if reader is None else _sizes(file, pa, count)
    starts = tuple(accumulate(sizes[:-1], initial=0))
    rows = sum(sizes)
    for k, name in enumerate(schema.names):
        if name not in asked.wanted:
            continue
        try:
            if schema.names.count(name) > 1:
                found, fix = "two columns of this name", "write the file again"
                raise InputError(Fault(f"{where}: column {name}", found, "one", fix))
            arrays[name] = _column(place, schema.field(k), k, rows, starts, pa)
        except InputError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    others = tuple(name for name in schema.names if name not in asked.wanted)
    return Found(where, arrays, others, tuple(faults), table=True)


def _sizes(file: Any, pa: Any, count: int) -> list[int]:
    """Rows of every batch, from the first column alone."""
    first = pa.ipc.open_file(
        file, options=pa.ipc.IpcReadOptions(included_fields=[0], use_threads=False)
    )
    return [first.get_batch(k).num_rows for k in range(count)]


def _column(
    place: Place, field: Any, index: int, rows: int, starts: tuple[int, ...], pa: Any
) -> Array:
    where = f"{place.shown}: column {field.name}"
    with guarded(where):
        kind = dtype_and_width(field.type, pa)
        if kind is None:
            first = next(_batches(place, index, where, None, pa, 0), None)
            if first is None:
                raise corrupt(where, "vectors without rows")
            kind = first.dtype, first.shape[1]
    dtype, width = kind
    width = width or 0
    if width * dtype.itemsize > _LARGEST_ROW:
        raise corrupt(where, f"rows of {width} numbers")
    batches = partial(_batches, place, index, where, width, pa)
    return BatchedColumn(where, (rows, width) if width else (rows,), dtype, starts, batches)


def _batches(
    place: Place, index: int, where: str, width: int | None, pa: Any, group: int
) -> Iterator[NDArray[np.generic]]:
    """The values of a column from a batch on; width None: a list column, its first row only."""
    options = pa.ipc.IpcReadOptions(included_fields=[index], use_threads=False)
    with pa.memory_map(str(place.path)) as file:
        reader = pa.ipc.open_file(file, options=options)
        for k in range(group, reader.num_record_batches):
            column = reader.get_batch(k).column(0)
            if width is None:
                if not len(column):
                    continue
                column.validate(full=True)
                first = column.slice(0, 1)
                length = len(first[0].as_py() or ())
                yield values_of(first, where, length, pa).reshape(1, length)
                return
            yield values_of(column, where, width, pa)
