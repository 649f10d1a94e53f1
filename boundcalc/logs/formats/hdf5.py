"""HDF5 files: one dataset per column, read in slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array
from boundcalc.logs.extra import imported
from boundcalc.logs.formats.arrow_values import TEXT
from boundcalc.logs.found import Found
from boundcalc.logs.guard import corrupt, guarded, shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

_LARGEST_RATIO = 1032  # of deflate, and more than lzf and szip reach
_SMALL = 1 << 20  # bytes of which no claim is suspicious
_LARGEST_CHUNK = 1 << 28  # bytes that are decompressed together
_LONGEST_LABEL = 1024
_FILTERS = {1, 2, 3, 4, 5, 6, 32000}  # deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset that is opened anew for every window of rows, so that no file stays open."""

    where: str
    path: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as they are stored; a 0-d dataset is one row."""
        import h5py

        with guarded(self.where), h5py.File(self.path, "r", locking=False) as file:
            dataset = file[self.name]
            if (dataset.shape, _dtype(dataset)) != (self.shape, self.dtype):
                raise corrupt(self.where, "a dataset that changed while it was read")
            values = dataset[start:stop] if self.shape else np.atleast_1d(dataset[()])
            if self.dtype == TEXT and values.dtype.kind == "O":
                values = _texts(values, self.where)
        return np.asarray(values)


def read_hdf5(place: Place, asked: Asked) -> Found:
    """The datasets of an HDF5 file: those at its top, and those a mapping names (train/loss)."""
    where = place.shown
    h5py = imported("h5py", "formats", where, "an HDF5 file")
    arrays: dict[str, Array] = {}
    faults: list[Fault] = []
    others: list[str] = []
    path = str(place.path)
    with guarded(where), h5py.File(path, "r", locking=False) as file:
        nested = [n for n in asked.wanted if "/" in n.strip("/") and n in file]
        for name in [*file, *nested]:
            if name not in asked.wanted:
                others.append(name)
                continue
            column = f"{where}: column {shown(name)}"
            try:
                with guarded(column):
                    arrays[name] = _dataset(h5py, file, name, column, path)
            except InputError as error:
                faults += error.faults
    return Found(where, arrays, tuple(others), tuple(faults))


def _dataset(h5py: Any, file: Any, name: str, where: str, path: str) -> Array:
    """One dataset. Raises InputError for what leads out of the file or claims too much."""
    link = file.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise _refused(where, "a link to another file")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise _refused(where, "a group")
    if dataset.external or dataset.is_virtual:
        raise _refused(where, "data in another file")
    if dataset.shape is None:
        raise _refused(where, "an empty dataset")
    plan = dataset.id.get_create_plist()
    if not {plan.get_filter(k)[0] for k in range(_filters(dataset))} <= _FILTERS:
        raise _refused(where, "a filter that HDF5 does not have of itself")
    item = dataset.dtype.itemsize
    if dataset.chunks and math.prod(dataset.chunks) * item > _LARGEST_CHUNK:
        raise _refused(where, f"chunks of {math.prod(dataset.chunks) * item} bytes")
    claimed, stored = math.prod(dataset.shape) * item, dataset.id.get_storage_size()
    ratio = _LARGEST_RATIO if _filters(dataset) else 1
    if claimed > max(_SMALL if _filters(dataset) else 0, ratio * stored):
        raise corrupt(where, f"{claimed} bytes claimed in {stored} bytes of the file")
    return Dataset(where, path, name, dataset.shape, _dtype(dataset))


def _filters(dataset: Any) -> int:
    count: int = dataset.id.get_create_plist().get_nfilters()
    return count


def _dtype(dataset: Any) -> np.dtype[np.generic]:
    """The dtype of a dataset; strings of any length count as text."""
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is not None and dataset.dtype.kind == "O":
        return TEXT
    dtype: np.dtype[np.generic] = dataset.dtype
    return dtype


def _texts(values: NDArray[np.generic], where: str) -> NDArray[np.generic]:
    texts = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in values]
    if max(map(len, texts), default=0) > _LONGEST_LABEL:
        found, fix = "a very long text", "number them"
        raise InputError(Fault(where, found, "integers or short texts", fix))
    return np.array(texts, dtype=str)


def _refused(where: str, found: str) -> InputError:
    fix = "write the numbers into this file, with create_dataset"
    return InputError(Fault(where, found, "a dataset of numbers in the file itself", fix))
