"""Open a log, whatever its format; say what a file is that is no log."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.guard import shown, shown_path, unreadable
from boundcalc.logs.log import Log
from boundcalc.logs.npy import MAGIC
from boundcalc.logs.npz import open_npz
from boundcalc.logs.schema import FIT, Purpose

_EXPECTED = "an npz log"
_COLUMNS = ("loss", "loss_ref", "inner")  # an example
_HEAD_BYTES = 512
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
# First bytes -> what the file is.
_FORMATS = (
    (MAGIC, "a single npy array"),
    (b"PAR1", "a Parquet table"),
    (b"ARROW1", "an Arrow file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"MATLAB ", "a MATLAB file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


def open_log(
    path: str | os.PathLike[str], *, loss_min: float | None = None, purpose: Purpose = FIT
) -> Log:
    """Open the log at `path`; its rows are read when they are asked for.

    loss_min : the infimum f_i* of every f_i, in place of what the log says.
    purpose : which columns and how many rows must be there.

    Raises: InputError when there is no log at `path`, or a faulty one.
    """
    names = ", ".join(f"{name}=..." for name in purpose.needed or _COLUMNS)
    require_npz(path, _EXPECTED, f"save the columns with np.savez(path, {names})")
    return open_npz(path, loss_min=loss_min, purpose=purpose)


def require_npz(path: str | os.PathLike[str], expected: str, fix: str) -> None:
    """Raise InputError that says what lies at `path`, where it is not a zip archive.

    expected : what should be there; `fix` is the advice where another kind of file is.
    """
    where = shown_path(path)

    def wrong(found: str, advice: str) -> InputError:
        return InputError(Fault(where, found, expected, advice))

    try:
        file = Path(path)
        if file.is_dir():
            raise wrong("a directory", "name a file in it")
        if not file.exists():
            raise wrong(_absence(file), "check the path")
        if not file.is_file():
            raise wrong("a device or a pipe", "copy it to a file first")
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        # A zip may carry other bytes in front, so its own search has the last word.
        archive = head.startswith(_ZIP_STARTS) or zipfile.is_zipfile(file)
    except OSError as error:
        raise unreadable(where, error) from error
    except ValueError as error:  # a null character in the path
        raise wrong(shown(error), "check the path") from error
    if not archive:
        raise wrong(_format(head, file.suffix), fix)


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


def _format(head: bytes, suffix: str) -> str:
    """What a file is, from its first bytes."""
    if not head:
        return "an empty file"
    for start, name in _FORMATS:
        if head.startswith(start):
            return name
    if head.startswith(_PICKLE_STARTS):
        return "a pickle (never loaded)"
    if b"\x00" not in head and all(byte >= 0x20 or byte in b"\t\n\r" for byte in head):
        return f"a text file ({shown(suffix) or 'no suffix'})"
    return "a file that is no zip archive (damaged, or cut short?)"
