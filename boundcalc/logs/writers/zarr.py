"""Zarr: one array per column, in format version 2, which every reader knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boundcalc.logs.extra import imported
from boundcalc.logs.writers.content import BLOCK_ROWS, Content, Told

_CHUNK_NUMBERS = 1 << 20


def write_zarr(content: Content, path: Path, told: Told) -> None:
    """Every chunk is written, those of zeros too: an absent one cannot be told from a lost one."""
    zarr = imported("zarr", "formats", str(path), "a Zarr group")
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    whole = {"write_empty_chunks": True}
    for name, values in content.single.items():
        array = np.asarray(values)
        created = group.create_array(
            name, shape=array.shape, chunks=array.shape, dtype=array.dtype, config=whole
        )
        created[...] = array
    for k, (name, column) in enumerate(content.columns.items()):
        shape = content.shape(column)
        width = max(1, int(np.prod(shape[1:])))
        rows = max(1, min(shape[0], BLOCK_ROWS, _CHUNK_NUMBERS // width))
        created = group.create_array(
            name,
            shape=shape,
            chunks=(rows, *shape[1:]),
            dtype=content.dtype(column),
            config=whole,
        )
        for start in range(0, content.rows, rows):
            stop = min(start + rows, content.rows)
            created[start:stop] = column.read(start, stop)
            told((k * content.rows + stop) // len(content.columns))
