"""Which reader a file or folder is for, by its content; what it is when none is."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.found import Reader
from boundcalc.logs.guard import shown, unreadable
from boundcalc.logs.npy import MAGIC
from boundcalc.logs.place import Place
from boundcalc.logs.schema import Purpose

_EXPECTED = "a log: npz, CSV, JSON lines, Parquet, Arrow, HDF5, Zarr, or a tracker's"
_COLUMNS = ("loss", "loss_ref", "inner")  # an example
HEAD_BYTES = 512
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_HDF5_START = b"\x89HDF\r\n\x1a\n"
PARQUET_START = b"PAR1"
_ARROW_START = b"ARROW1"
# First bytes -> what the file is.
_FORMATS = (
    (MAGIC, "a single npy array"),
    (b"PARE", "an encrypted Parquet table"),
    (b"FEA1", "a Feather file of version 1"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"MATLAB ", "a MATLAB file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".txt")


def reader_of(place: Place, purpose: Purpose) -> Reader:
    """The reader for what lies at a place. Raises InputError when there is no log."""
    try:
        file = place.path
        if file.is_dir():
            return _folder_reader(place, file)
        if not file.exists():
            raise _no_log(place.shown, _absence(file), "check the path")
        if not file.is_file():
            raise _no_log(place.shown, "a device or a pipe", "copy it to a file first")
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        # A zip may carry other bytes in front, so its own search has the last word.
        archive = head.startswith(_ZIP_STARTS) or (
            not head.startswith((PARQUET_START, _ARROW_START, _HDF5_START))
            and not (_is_text(head) and file.suffix.lower() in (*_TABLES, *_LINES, ".json"))
            and zipfile.is_zipfile(file)
        )
    except OSError as error:
        raise unreadable(place.shown, error) from error
    except ValueError as error:  # a null character in the path
        raise _no_log(place.shown, shown(error), "check the path") from error
    if archive:
        from boundcalc.logs.npz import read_npz

        return read_npz
    reader = _binary_reader(head) or _text_reader(place, head, file.suffix.lower())
    if reader is not None:
        return reader
    names = ", ".join(f"{name}=..." for name in purpose.needed or _COLUMNS)
    fix = f"save the columns with np.savez(path, {names})"
    raise _no_log(place.shown, _format(head, file.suffix), fix)


def _binary_reader(head: bytes) -> Reader | None:
    from boundcalc.logs.foreign.events import is_event_file

    if head.startswith(PARQUET_START):
        from boundcalc.logs.formats.parquet import read_parquet

        return read_parquet
    if head.startswith(_ARROW_START):
        from boundcalc.logs.formats.arrow import read_arrow

        return read_arrow
    if head.startswith(_HDF5_START):
        from boundcalc.logs.formats.hdf5 import read_hdf5

        return read_hdf5
    if is_event_file(head):
        from boundcalc.logs.foreign.tensorboard import read_tensorboard

        return read_tensorboard
    return None


def _text_reader(place: Place, head: bytes, suffix: str) -> Reader | None:
    """Text is told by the suffix: what is in it may be anything."""
    if not head or suffix not in (*_TABLES, *_LINES, ".json"):
        return None
    if suffix in _TABLES:
        from boundcalc.logs.foreign.tracked_csv import kind_of, read_tracked
        from boundcalc.logs.formats.csv import header_of, read_csv

        return read_csv if kind_of(header_of(place)) is None else read_tracked
    if suffix == ".json":
        from boundcalc.logs.foreign.hugging_face import read_trainer_state, state_of

        if b'"_step"' not in head and state_of(place) is not None:
            return read_trainer_state
    from boundcalc.logs.foreign.tracked_csv import first_object, read_wandb_lines
    from boundcalc.logs.formats.jsonl import objects, read_jsonl

    _, first = next(objects(place), (0, {}))
    return read_wandb_lines if first_object(list(first)) else read_jsonl


def _folder_reader(place: Place, folder: Path) -> Reader:
    """The reader for a folder; folders of Parquet files are not among them."""
    from boundcalc.logs.foreign.mlflow import is_run, read_mlflow
    from boundcalc.logs.foreign.tensorboard import event_files, read_tensorboard
    from boundcalc.logs.formats.zarr import MARKS, read_zarr

    if any((folder / mark).is_file() for mark in MARKS):
        return read_zarr
    if event_files(folder):
        return read_tensorboard
    if is_run(folder):
        return read_mlflow
    if (folder / "metrics.csv").is_file():
        from boundcalc.logs.foreign.tracked_csv import read_tracked

        return lambda _, asked: read_tracked(_inside(place, "metrics.csv"), asked)
    if (folder / "trainer_state.json").is_file():
        from boundcalc.logs.foreign.hugging_face import read_trainer_state

        return lambda _, asked: read_trainer_state(_inside(place, "trainer_state.json"), asked)
    raise _no_log(place.shown, "a directory", "name a file in it, or files by a pattern: 'runs/*'")


def _inside(place: Place, name: str) -> Place:
    return Place(f"{place.shown}/{name}", lambda: place.path / name)


def _absence(file: Path) -> str:
    """Why there is no file."""
    try:
        file.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a loop of symbolic links"
    if file.is_symlink():
        return "a symbolic link to a file that does not exist"
    return "no such file"


def _no_log(where: str, found: str, fix: str) -> InputError:
    return InputError(Fault(where, found, _EXPECTED, fix))


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head and all(byte >= 0x20 or byte in b"\t\n\r" for byte in head)


def _format(head: bytes, suffix: str) -> str:
    """What a file is, from its first bytes."""
    if not head:
        return "an empty file"
    for start, name in _FORMATS:
        if head.startswith(start):
            return name
    if head.startswith(_PICKLE_STARTS):
        return "a pickle (never loaded)"
    if _is_text(head):
        return f"a text file ({shown(suffix) or 'no suffix'})"
    return "a file of no known format (damaged, or cut short?)"
