"""A log written while a run goes on: in parts that are each whole, joined at the end.

Beside the log `run.npz` stands a folder `run.npz.parts` while rows come in. A part is written to a
temporary file and renamed, so a reader never meets half of one, and a crash loses at most the rows
since the last part; `recover` makes a log of what is there. Joining copies column after column in
blocks, so memory stays flat however long the run was.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError

PART_ROWS = 1 << 16
PART_SECONDS = 30.0
_PART_BYTES = 1 << 28  # tangent snapshots are large rows
_BLOCK_BYTES = 1 << 24

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
            columns = {name: np.asarray(values) for name, values in self._buffer.items()}
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
            self.flush()


def recover(path: str | os.PathLike[str]) -> Path:
    """Join the parts that a crashed run left beside `path` into the log.

    Raises InputError when there are none.
    """
    log = Path(path)
    folder = _folder(log)
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


def _columns(path: Path) -> tuple[str, ...]:
    with np.load(path, allow_pickle=False) as archive:
        return tuple(archive.files)


def _join(path: Path, folder: Path) -> None:
    """All rows of the log at `path`, if there is one, and of the parts, as the log."""
    parts = sorted(folder.glob("part-*.npz"))
    if path.exists():
        parts.insert(0, path)

    def write(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name in _columns(parts[-1]):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_column(member, name, parts)

    _write_whole(path, write)


def _write_column(member: IO[bytes], name: str, parts: list[Path]) -> None:
    rows, shape, dtype = 0, (), np.dtype("i1")
    for values in _each(name, parts):
        rows += len(values)
        shape = values.shape[1:]
        dtype = np.promote_types(dtype, values.dtype)
    descr = np.lib.format.dtype_to_descr(dtype)
    header = {"descr": descr, "fortran_order": False, "shape": (rows, *shape)}
    np.lib.format.write_array_header_2_0(member, header)
    for values in _each(name, parts):
        step = max(1, _BLOCK_BYTES // max(1, values[:1].nbytes))
        for start in range(0, len(values), step):
            block = np.ascontiguousarray(values[start : start + step], dtype=dtype)
            member.write(block.tobytes())


def _each(name: str, parts: list[Path]) -> Iterator[NDArray[np.generic]]:
    for part in parts:
        with np.load(part, allow_pickle=False) as archive:
            yield archive[name]


def _write_whole(final: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `final`, then rename it into place."""
    try:
        handle, name = tempfile.mkstemp(dir=final.parent, prefix=f".{final.name}.")
    except OSError as error:
        raise _unwritable(final, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
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
