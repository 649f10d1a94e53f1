"""Write a log in another format, told by the suffix of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from boundcalc.logs.log import Log
from boundcalc.logs.writers.arrow import write_arrow, write_parquet
from boundcalc.logs.writers.content import Content, Told, as_arrays, as_table
from boundcalc.logs.writers.hdf5 import write_hdf5
from boundcalc.logs.writers.npz import write_npz
from boundcalc.logs.writers.text import write_csv, write_jsonl
from boundcalc.logs.writers.zarr import write_zarr


@dataclass(frozen=True)
class Target:
    """How a format is written. table : it holds scalar columns and nothing else."""

    write: Callable[[Content, Path, Told], None]
    table: bool
    folder: bool = False


_CSV, _LINES = Target(write_csv, table=True), Target(write_jsonl, table=True)
_ARROW = Target(write_arrow, table=True)
_HDF5 = Target(write_hdf5, table=False)
TARGETS: Mapping[str, Target] = {
    ".npz": Target(write_npz, table=False),
    ".csv": _CSV,
    ".tsv": _CSV,
    ".jsonl": _LINES,
    ".ndjson": _LINES,
    ".parquet": Target(write_parquet, table=True),
    ".arrow": _ARROW,
    ".feather": _ARROW,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".zarr": Target(write_zarr, table=False, folder=True),
}


def convert(log: Log, path: Path, suffix: str, told: Told) -> tuple[str, ...]:
    """Write `log` to `path` in the format of `suffix`; what was left out, said.

    told : is told the rows written so far, of log.rows.

    Raises InputError where the package for the format is not installed, or a row cannot be read.
    """
    target = TARGETS[suffix]
    content = as_table(log) if target.table else as_arrays(log)
    target.write(content, path, told)
    gone = [name for name in log.vectors if name not in {*content.columns, *content.single}]
    if not gone:
        return ()
    return (f"{', '.join(gone)}: left out, {suffix} holds no vectors (.npz, .h5 and .zarr do)",)
