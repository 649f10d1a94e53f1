"""A log written while a run goes on: in parts that are each whole, joined at the end.

Beside the log `run.npz` stands a folder `run.npz.parts` while rows come in. A part is written to a
temporary file and renamed, so a reader never meets half of one, and a crash loses at most the rows
since the last part; `recover` makes a log of what is there. Joining copies column after column in
blocks, so memory stays flat however long the run was.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError

PART_ROWS = 1 << 16
PART_SECONDS = 30.0
_OWNER = "owner"  # which process writes, and a mark that a joined log carries
_PART_BYTES = 1 << 28  # tangent snapshots are large rows
_BLOCK_BYTES = 1 << 24

_BROKEN = (zipfile.BadZipFile, ValueError, KeyError, EOFError, zlib.error, NotImplementedError)

Value = float | int | str | NDArray[np.generic]


class LogWriter:
    """Rows of one log; a context manager that joins the parts when it is left without an error.

    path : the log, ending in .npz. part_rows, part_seconds : a part is written when it has so many
    rows, or when so much time has passed since the last one. append : keep the rows that the log
    at `path` has already (another run), with the same columns.

    Raises InputError when the log exists and `append` was not asked for, when a crashed run has
    left parts behind, or when it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        part_rows: int = PART_ROWS,
        part_seconds: float = PART_SECONDS,
        append: bool = False,
    ) -> None:
        self.path = Path(path)
        self.rows = 0
        self._folder = _folder(self.path)
        self._limits = (part_rows, part_seconds)
        self._names: tuple[str, ...] | None = None
        self._buffer: dict[str, list[Value]] = {}
        self._count, self._bytes, self._parts = 0, 0, 0
        _check_place(self.path, append)
        if append and self.path.exists():
            self._names = _columns(self.path)
        try:
            self._folder.mkdir()
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        owner = self._folder / _OWNER
        try:
            owner.write_text(f"{os.getpid()} {_host()} {uuid.uuid4().hex}", encoding="utf-8")
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise _unwritable(owner, error) from error
        self._last = time.monotonic()

    def append(self, **row: Value) -> None:
        """Add one row: numbers, labels, or arrays of one shape (tangent snapshots)."""
        if self._names is None:
            self._names = tuple(row)
        if set(row) != set(self._names):
            raise InputError(
                Fault(
                    str(self.path),
                    f"a row with the columns {', '.join(sorted(row))}",
                    f"the columns of its first row: {', '.join(sorted(self._names))}",
                    "give every row the same columns (NaN in full_loss where it was not evaluated)",
                )
            )
        for name, value in row.items():
            self._buffer.setdefault(name, []).append(value)
            self._bytes += getattr(value, "nbytes", 8)
        self.rows += 1
        self._count += 1
        part_rows, part_seconds = self._limits
        waited = time.monotonic() - self._last
        if self._count >= part_rows or self._bytes >= _PART_BYTES or waited >= part_seconds:
            self.flush()

    def flush(self) -> None:
        """Write the rows since the last part as a part of their own."""
        if self._count:
            columns = {name: _column(self.path, name, had) for name, had in self._buffer.items()}
            final = self._folder / f"part-{self._parts:06d}.npz"
            _write_whole(final, lambda stream: np.savez(stream, **columns))  # type: ignore[arg-type]
            self._parts += 1
            self._buffer, self._count, self._bytes = {}, 0, 0
        self._last = time.monotonic()

    def close(self) -> Path:
        """Join all parts into the log and return its path; without any row nothing is written."""
        self.flush()
        if self._parts:
            _join(self.path, self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)
        return self.path

    def abandon(self) -> None:
        """After an error: rows stay as parts, for `recover`; without any row nothing stays."""
        if self.rows:
            self.flush()
            mark = _owner(self._folder)[2:]
            if mark:  # nobody records any more
                _write_whole(
                    self._folder / _OWNER, lambda out: out.write(f"- - {mark[0]}".encode())
                )
        else:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Join the parts; after an error only flush, so that `recover` finds all rows."""
        if kind is None:
            self.close()
        else:
            self.abandon()


def recover(path: str | os.PathLike[str]) -> Path:
    """Join the parts that a crashed run left beside `path` into the log.

    Raises InputError when there are none, when one is broken, or when the run is still going on.
    """
    log = Path(path)
    folder = _folder(log)
    _check_owner(folder)
    if not folder.is_dir() or not list(folder.glob("part-*.npz")):
        raise InputError(
            Fault(str(folder), "no parts of a log", "the parts of a crashed run", "check the path")
        )
    _join(log, folder)
    shutil.rmtree(folder, ignore_errors=True)
    return log


def _folder(path: Path) -> Path:
    return path.with_name(path.name + ".parts")


def _check_place(path: Path, append: bool) -> None:
    if path.suffix != ".npz":
        fault = Fault(str(path), f"the suffix {path.suffix!r}", ".npz", "name the log *.npz")
        raise InputError(fault)
    if path.exists() and not append:
        fix = "choose another name, remove it, or pass append=True to add a run to it"
        raise InputError(Fault(str(path), "a file that exists", "a new file", fix))
    folder = _folder(path)
    if folder.exists():
        fix = "boundcalc.recorders.writer.recover(path) makes a log of them; or remove the folder"
        found = "parts that a crashed run left, or one that is still going on"
        raise InputError(Fault(str(folder), found, "no such folder", fix))


def tangent_log(
    path: str | os.PathLike[str], *, wanted: bool, append: bool
) -> AbstractContextManager[LogWriter | None]:
    """The log of tangent snapshots beside the log at `path`, where it is wanted."""
    return LogWriter(tangent_path(path), append=append) if wanted else nullcontext()


def tangent_path(path: str | os.PathLike[str]) -> str:
    """Where the tangent snapshots of a log go."""
    return os.fspath(path).removesuffix(".npz") + "-tangent.npz"


def check_run(path: Path, run: int | str | None) -> None:
    """Can a run of this name be added to the log? Raises InputError where not: rows of two runs
    that nobody can tell apart would be read as one run."""
    if not path.exists():
        return
    if run is None:
        fix = "pass run=1, say, and run=0 for the first"
        raise InputError(Fault(str(path), "append=True without run", "a name for the run", fix))
    if "run" not in _columns(path):
        fix = "record its run with run=0, say"
        raise InputError(Fault(str(path), "no column run", "a log that names its runs", fix))
    for block in _blocks(path, "run"):
        if str(run) in block.astype(str):
            fix = "give it another name"
            raise InputError(Fault(str(path), f"the run {run!r}", "a run that it lacks", fix))


def _host() -> str:
    return platform.node().replace(" ", "-") or "-"


def _owner(folder: Path) -> list[str]:
    try:
        words = (folder / _OWNER).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []
    return words if len(words) == 3 else []


def _check_owner(folder: Path) -> None:
    words = _owner(folder)
    here = words and words[1] == _host() and words[0] != str(os.getpid())
    if not here or not words[0].isdigit() or os.name != "posix":
        return
    try:
        os.kill(int(words[0]), 0)
    except (ProcessLookupError, OverflowError):
        return
    except PermissionError:
        pass
    found = f"a run that process {words[0]} is recording"
    fix = f"wait for its end; if that process is another, remove {folder / _OWNER}"
    raise InputError(Fault(str(folder), found, "the parts of a crashed run", fix))


def _column(path: Path, name: str, values: list[Value]) -> NDArray[np.generic]:
    """The values of some rows as one array."""
    try:
        column = np.asarray(values)
    except ValueError:
        column = np.empty(0, dtype=object)
    if column.dtype.kind not in "biufUS":
        found = "values that are neither numbers nor labels, or arrays of several shapes"
        fix = "give numbers within 64 bits, texts, or arrays of one shape"
        raise InputError(Fault(f"{path}, column {name!r}", found, "one kind of value", fix))
    return column


def _columns(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            return tuple(name.removesuffix(".npy") for name in archive.namelist())
    except _BROKEN as error:
        raise _broken(path) from error


def _join(path: Path, folder: Path) -> None:
    """All rows of the log at `path`, if there is one, and of the parts, as the log.

    The log is given the mark of the folder: if the machine stops before the folder is removed,
    `recover` finds that its rows are in the log already.
    """
    mark = " ".join(_owner(folder)[2:])
    parts = sorted(folder.glob("part-*.npz"))
    if path.exists():
        if mark and _comment(path) == mark:
            return
        parts.insert(0, path)
    names = _columns(parts[-1])

    def write(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name in names:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_column(member, name, parts)
            archive.comment = mark.encode()

    _write_whole(path, write)


def _comment(path: Path) -> str:
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            return archive.comment.decode("utf-8", "replace")
    except _BROKEN as error:
        raise _broken(path) from error


def _write_column(member: IO[bytes], name: str, parts: list[Path]) -> None:
    headers = [_header(part, name) for part in parts]
    shape = headers[-1][0][1:]
    dtype = np.result_type(*(dtype for _, dtype in headers))
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (sum(size[0] for size, _ in headers), *shape),
    }
    np.lib.format.write_array_header_2_0(member, header)
    for part in parts:
        for block in _blocks(part, name):
            if block.shape[1:] != shape:
                raise _broken(part)
            member.write(np.ascontiguousarray(block, dtype=dtype).tobytes())


def _header(part: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with _member(part, name) as (_, shape, dtype):
        return shape, dtype


@contextmanager
def _member(part: Path, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype[Any]]]:
    """A column of a part after its header; its shape (rows, ...) and type."""
    try:
        with zipfile.ZipFile(part) as archive, archive.open(f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
            else:
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(member)
            if not shape or (fortran and len(shape) > 1) or dtype.hasobject:
                raise _broken(part)
            yield member, shape, dtype
    except _BROKEN as error:
        raise _broken(part) from error


def _blocks(part: Path, name: str) -> Iterator[NDArray[np.generic]]:
    """A column, a block of rows at a time."""
    with _member(part, name) as (member, shape, dtype):
        size = int(np.prod(shape[1:], dtype=np.int64))
        step = max(1, _BLOCK_BYTES // max(1, size * dtype.itemsize))
        for start in range(0, shape[0], step):
            rows = min(step, shape[0] - start)
            data = member.read(rows * size * dtype.itemsize)
            yield np.frombuffer(data, dtype, rows * size).reshape(rows, *shape[1:])


def _broken(path: Path) -> InputError:
    fix = "remove it; the other parts can be recovered"
    return InputError(Fault(str(path), "a file that is cut or damaged", "a whole npz file", fix))


def _write_whole(final: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `final`, then rename it into place."""
    try:
        handle, name = tempfile.mkstemp(dir=final.parent, prefix=f".{final.name}.")
    except OSError as error:
        raise _unwritable(final, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())  # renamed before it is on disk, it could be empty after
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(final)
    except OSError as error:
        raise _unwritable(final, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> InputError:
    found = error.strerror or type(error).__name__
    return InputError(Fault(str(path), found, "a place that can be written to", "choose another"))
