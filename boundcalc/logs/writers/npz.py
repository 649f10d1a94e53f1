"""npz: one uncompressed array per column, so that they can be read where they lie."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from boundcalc.logs.writers.content import Content, Told


def write_npz(content: Content, path: Path, told: Told) -> None:
    """Write the arrays one after the other."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, values in content.single.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as entry:
                npy.write_array(entry, np.asarray(values), allow_pickle=False)
        for k, (name, column) in enumerate(content.columns.items()):
            dtype = content.dtype(column)
            header = {"descr": dtype.str, "fortran_order": False, "shape": content.shape(column)}
            info = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(info, "w", force_zip64=True) as entry:
                npy.write_array_header_1_0(entry, header)
                for start, values in content.windows(column):
                    entry.write(np.ascontiguousarray(values, dtype=dtype).tobytes())
                    told((k * content.rows + start + len(values)) // len(content.columns))
