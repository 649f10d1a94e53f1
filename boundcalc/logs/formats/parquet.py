"""Parquet tables, one file or a folder of them, streamed a batch of rows at a time."""

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

_BATCH = 1 << 16  # rows decoded at a time
_BUFFER = 1 << 20  # bytes read at a time
_MOST_COLUMNS = 100_000
_LARGEST_ROW = 1 << 28  # bytes
_LARGEST_THRIFT = 1 << 28  # bytes of the footer
_BYTES_PER_NUMBER = 40  # that a column may claim per value, with its levels and its dictionary
_SLACK = 1 << 24


def read_parquet(place: Place, asked: Asked) -> Found:
    """The columns of a Parquet file; batches of rows are decoded when they are asked for."""
    where = place.shown
    pa = imported("pyarrow", "formats", where, "a Parquet table")
    imported("pyarrow.parquet", "formats", where, "a Parquet table")
    with guarded(where), _opened(place) as file:
        metadata, schema = file.metadata, file.schema_arrow
        rows, groups = metadata.num_rows, metadata.num_row_groups
        sizes = [metadata.row_group(g).num_rows for g in range(groups)]
    if len(schema.names) > _MOST_COLUMNS or rows < 0 or min(sizes, default=0) < 0:
        raise corrupt(where, f"{len(schema.names)} columns of {rows} rows")
    if sum(sizes) != rows:
        raise corrupt(where, f"{rows} rows in groups of {sum(sizes)} rows together")
    starts = tuple(accumulate(sizes[:-1], initial=0))
    arrays: dict[str, Array] = {}
    faults = []
    for name in dict.fromkeys(schema.names):
        if name not in asked.wanted:
            continue
        if schema.names.count(name) > 1:
            fix = "write the file again"
            faults.append(Fault(f"{where}: column {name}", "two of this name", "one", fix))
            continue
        try:
            arrays[name] = _column(place, metadata, schema.field(name), rows, starts, pa)
        except InputError as error:
            faults += error.faults
    others = tuple(name for name in schema.names if name not in asked.wanted)
    return Found(where, arrays, others, tuple(faults), table=True)


def _opened(place: Place, metadata: Any = None) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(
        place.source(),
        metadata=metadata,
        buffer_size=_BUFFER,
        pre_buffer=False,
        thrift_string_size_limit=_LARGEST_THRIFT,
        arrow_extensions_enabled=False,
    )


def _column(
    place: Place, metadata: Any, field: Any, rows: int, starts: tuple[int, ...], pa: Any
) -> Array:
    where = f"{place.shown}: column {field.name}"
    with guarded(where):
        _check_claims(where, metadata, field.name)
        kind = dtype_and_width(field.type, pa)
        if kind is None:  # a list: its first row says how long all are
            first = next(_batches(place, metadata, field.name, where, None, pa, 0), None)
            if first is None:
                raise corrupt(where, "vectors without rows")
            kind = first.dtype, first.shape[1]
    dtype, width = kind
    width = width or 0
    if width * dtype.itemsize > _LARGEST_ROW:
        raise corrupt(where, f"rows of {width} numbers")
    batches = partial(_batches, place, metadata, field.name, where, width, pa)
    return BatchedColumn(where, (rows, width) if width else (rows,), dtype, starts, batches)


def _check_claims(where: str, metadata: Any, name: str) -> None:
    """Refuse a column that claims more bytes than its numbers take: it would only cost memory."""
    for group in range(metadata.num_row_groups):
        for k in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(k)
            if chunk.path_in_schema.partition(".")[0] != name and chunk.path_in_schema != name:
                continue
            if chunk.physical_type == "BYTE_ARRAY":
                continue  # texts: every batch of them is checked
            possible = _SLACK + _BYTES_PER_NUMBER * max(0, chunk.num_values)
            if not 0 <= chunk.total_uncompressed_size <= possible:
                found = f"{chunk.total_uncompressed_size} bytes for {chunk.num_values} numbers"
                raise corrupt(where, found)


def _batches(
    place: Place, metadata: Any, name: str, where: str, width: int | None, pa: Any, group: int
) -> Iterator[NDArray[np.generic]]:
    """The values of a column from a row group on; width None: a list column, its first row only."""
    with _opened(place, metadata) as file:
        groups = range(group, metadata.num_row_groups)
        size = 1 if width is None else max(1, _BATCH // max(1, width))
        for batch in file.iter_batches(size, row_groups=groups, columns=[name], use_threads=False):
            column = batch.column(0)
            if width is None:
                column.validate(full=True)
                length = len(column[0].as_py() or ())
                yield values_of(column, where, length, pa).reshape(1, length)
                return
            yield values_of(column, where, width, pa)
