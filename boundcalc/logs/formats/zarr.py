"""Zarr groups (version 2 or 3) in a folder: one array per column, read in slices.

Zarr answers for a chunk that is not there with the fill value, as if it had been written; and its
version 2 knows codecs that unpickle. So the metadata is read here first: only known codecs are
opened, and chunks that are absent are counted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array
from boundcalc.logs.extra import imported
from boundcalc.logs.found import Found
from boundcalc.logs.guard import corrupt, guarded, shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

MARKS = (".zgroup", "zarr.json", ".zmetadata", ".zattrs")
_LARGEST_CHUNK = 1 << 28  # bytes
_LARGEST_METADATA = 1 << 22
_SAFE = {"zlib", "gzip", "bz2", "lzma", "zstd", "lz4", "blosc", "shuffle", "delta", "crc32",
         "crc32c", "adler32", "fletcher32", "bitround", "bytes", "transpose", "vlen-utf8",
         "numcodecs.zlib", "numcodecs.zstd", "numcodecs.lz4", "numcodecs.shuffle",
         "numcodecs.delta"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ZarrArray:
    """An array of a group; a chunk is decoded whenever rows of it are asked for."""

    where: str
    array: Any
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        with guarded(self.where):
            values = self.array[start:stop] if self.shape else np.atleast_1d(self.array[()])
            return _texts(np.asarray(values))


def read_zarr(place: Place, asked: Asked) -> Found:
    """The arrays of a Zarr group; nested ones only where a mapping names them (train/loss)."""
    where = place.shown
    zarr = imported("zarr", "formats", where, "a Zarr group")
    arrays: dict[str, Array] = {}
    faults: list[Fault] = []
    notes: list[str] = []
    others: list[str] = []
    gaps: dict[str, int] = {}
    root = place.path
    with guarded(where):
        names = sorted(entry.name for entry in root.iterdir() if _is_array(entry))
        nested = [n for n in asked.wanted if "/" in n.strip("/") and _inside(root, n)]
    for name in [*names, *nested]:
        if name not in asked.wanted:
            others.append(name)
            continue
        column = f"{where}: column {shown(name)}"
        try:
            with guarded(column):
                arrays[name], absent = _array(zarr, root / name, column)
        except InputError as error:
            faults += error.faults
            continue
        if absent:
            gaps[name] = absent
    if gaps and not faults and set(gaps) == {n for n, a in arrays.items() if a.shape}:
        found = f"{sum(gaps.values())} chunks that are not there, some in every column"
        faults.append(corrupt(where, found).faults[0])
    notes += [f"{n}: {k} chunks are absent and count as filled" for n, k in gaps.items()]
    return Found(where, arrays, tuple(others), tuple(faults), tuple(notes))


def _is_array(folder: Path) -> bool:
    if (folder / ".zarray").is_file():
        return True
    return (folder / "zarr.json").is_file() and _metadata(folder).get("node_type") == "array"


def _inside(root: Path, name: str) -> bool:
    """Whether a nested array lies in the group, and not outside of it by way of `..`."""
    return ".." not in Path(name).parts and not Path(name).is_absolute() and _is_array(root / name)


def _metadata(folder: Path) -> dict[str, Any]:
    path = folder / ".zarray"
    path = path if path.is_file() else folder / "zarr.json"
    if path.stat().st_size > _LARGEST_METADATA:
        raise ValueError(f"{path.stat().st_size} bytes of metadata")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError("metadata that are no JSON object")
    return found


def _array(zarr: Any, folder: Path, where: str) -> tuple[Array, int]:
    """One array, and how many of its chunks are absent. Raises InputError for unsafe codecs."""
    metadata = _metadata(folder)
    unsafe = sorted(set(_codecs(metadata)) - _SAFE)
    if unsafe:
        raise InputError(
            Fault(
                where,
                f"the codec {shown(unsafe[0])}",
                "a compressor of numbers (zstd, blosc, gzip, ...); objects are never unpickled",
                "write the numbers again with zarr.create_array",
            )
        )
    opened = zarr.open_array(str(folder), mode="r")
    dtype = np.dtype("U64") if _is_text(opened.dtype) else np.dtype(opened.dtype)
    chunks, shape = tuple(opened.chunks), tuple(opened.shape)
    if math.prod(chunks) * max(1, dtype.itemsize) > _LARGEST_CHUNK:
        raise corrupt(where, f"chunks of {math.prod(chunks) * dtype.itemsize} bytes")
    sharded = getattr(opened, "shards", None)
    counts = [-(-n // size) for n, size in zip(shape, sharded or chunks, strict=True) if size]
    expected = math.prod(counts)
    if expected:
        present = sum(1 for p in folder.rglob("*") if p.is_file() and p.name[:1].isdigit())
        present += sum(1 for p in folder.glob("c") if p.is_file())  # a 0-d array of version 3
        absent = expected - present
        return ZarrArray(where, opened, shape, dtype), max(0, absent)
    return ZarrArray(where, opened, shape, dtype), 0


def _codecs(metadata: dict[str, Any]) -> list[str]:
    """The names of all codecs, those inside of shards included."""
    found: list[str] = []
    for key in ("compressor", "filters", "codecs", "index_codecs"):
        entries = metadata.get(key)
        for entry in entries if isinstance(entries, list) else [entries]:
            if entry is None:
                continue
            name = str(entry.get("id", entry.get("name")))
            if name == "sharding_indexed":
                found += _codecs(entry.get("configuration") or {})
            else:
                found.append(name)
    return found


def _is_text(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") == "T" or dtype is str


def _texts(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Strings of any length as fixed-width ones."""
    return values.astype(str) if values.dtype.kind in "TO" else values
