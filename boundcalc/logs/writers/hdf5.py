"""HDF5: one dataset per column."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boundcalc.logs.extra import imported
from boundcalc.logs.writers.content import Content, Told


def write_hdf5(content: Content, path: Path, told: Told) -> None:
    """Contiguous datasets; texts as UTF-8 strings of any length."""
    h5py = imported("h5py", "formats", str(path), "an HDF5 file")
    with h5py.File(path, "w") as file:
        for name, values in content.single.items():
            text = np.asarray(values).dtype.kind == "U"
            file.create_dataset(name, data=str(values) if text else values)
        for k, (name, column) in enumerate(content.columns.items()):
            text = column.read(0, 1).dtype.kind == "U"
            dtype = h5py.string_dtype() if text else content.dtype(column)
            dataset = file.create_dataset(name, content.shape(column), dtype)
            for start, values in content.windows(column):
                dataset[start : start + len(values)] = values.astype(object) if text else values
                told((k * content.rows + start + len(values)) // len(content.columns))
