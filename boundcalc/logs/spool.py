"""Rows of a text file as columns of binary numbers in temporary files.

A fit reads a log several times and by columns; text is parsed once, a block of rows at a time, and
read from here afterwards. The files go when the log does, or when the program ends.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import FileIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array
from boundcalc.logs.guard import shown
from boundcalc.logs.stored import StoredArray

BLOCK_ROWS = 1 << 14
_MOST_LABELS = 1 << 20  # distinct texts that are held in memory
_LONGEST_LABEL = 1024
_ABSENT = (None, "")
_NAN = math.nan
_WORDS = {"", "nan", "inf", "-inf", "+inf", "infinity", "-infinity"}

Cells = Sequence[Any]
Where = Callable[[int], str]  # index in the block -> the place of that row


class NotANumber(ValueError):
    """A cell that is no number, and which one of its block it is."""

    def __init__(self, index: int, cell: object) -> None:
        super().__init__(f"{shown(repr(cell), 40)}, which is not a number")
        self.index = index


class Folder:
    """A temporary folder that lives as long as this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="boundcalc-"))
        self._finalize = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(eq=False)
class RealSpool:
    """Cells as float64 numbers: empty ones and null are NaN."""

    path: Path
    where: str
    _file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("wb")

    def add(self, cells: Cells) -> None:
        """Append cells. Raises NotANumber."""
        self._file.write(_numbers(cells).tobytes())

    def close(self) -> None:
        self._file.close()

    def array(self, rows: int, folder: Folder) -> Array:
        self.close()
        return _Kept(self.where, partial(FileIO, self.path, "r"), 0, (rows,), _FLOAT, folder=folder)


@dataclass(eq=False)
class LabelSpool:
    """Cells as labels: integers as long as all are, then numbers if all are, else texts.

    Numbers that are no integers are kept apart from texts because pandas writes integers as 1.0
    where a column has gaps.
    """

    path: Path
    where: str
    counted: bool
    _file: IO[bytes] = field(init=False)
    _codes: dict[str, int] | None = field(default=None, init=False)
    _real: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("w+b")

    def add(self, cells: Cells) -> None:
        """Append cells. Raises NotANumber for a step that is none."""
        if self._codes is None and not self._real:
            whole = _integers(cells)
            if whole is not None:
                self._file.write(whole.tobytes())
                return
            if self.counted:
                self._real = True
                self._rewrite(lambda numbers: numbers.astype(np.float64))
            else:
                self._codes = {}
                self._rewrite(lambda numbers: self._coded([str(n) for n in numbers.tolist()]))
        block = _numbers(cells) if self._real else self._coded([_text(cell) for cell in cells])
        self._file.write(block.tobytes())

    def _coded(self, texts: list[str]) -> NDArray[np.int64]:
        codes = self._codes
        assert codes is not None  # noqa: S101  (only called once there are texts)
        numbers = np.array([codes.setdefault(text, len(codes)) for text in texts], dtype=np.int64)
        if len(codes) > _MOST_LABELS or max(map(len, texts), default=0) > _LONGEST_LABEL:
            many = len(codes) > _MOST_LABELS
            found = f"more than {_MOST_LABELS} distinct texts" if many else "a very long text"
            fix = "number them"
            raise InputError(Fault(self.where, found, "integers, or a few short texts", fix))
        return numbers

    def _rewrite(self, change: Callable[[NDArray[np.int64]], NDArray[np.generic]]) -> None:
        """Change what was written so far, in place: the width stays 8 bytes."""
        self._file.flush()
        size = self._file.tell()
        for at in range(0, size, 8 * BLOCK_ROWS):
            self._file.seek(at)
            block = np.frombuffer(self._file.read(min(8 * BLOCK_ROWS, size - at)), dtype=np.int64)
            self._file.seek(at)
            self._file.write(change(block).tobytes())
        self._file.seek(size)

    def close(self) -> None:
        self._file.close()

    def array(self, rows: int, folder: Folder) -> Array:
        self.close()
        dtype = _FLOAT if self._real else _INTEGER
        opened = partial(FileIO, self.path, "r")
        kept = _Kept(self.where, opened, 0, (rows,), dtype, folder=folder)
        return kept if self._codes is None else _Texts(kept, np.array(list(self._codes) or [""]))


class Sink:
    """Takes rows as columns of cells, a block at a time, and gives their arrays."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.rows = 0
        self._folder = Folder()
        self._spools: dict[str, RealSpool | LabelSpool] = {}

    def column(self, name: str, label: bool, counted: bool = False) -> None:
        """Open a column; one that comes late has NaN (no label) in the rows before."""
        path = self._folder.path / str(len(self._spools))
        where = f"{self.source}: column {shown(name)}"
        spool = LabelSpool(path, where, counted) if label else RealSpool(path, where)
        for start in range(0, self.rows, BLOCK_ROWS):
            spool.add([""] * min(BLOCK_ROWS, self.rows - start))
        self._spools[name] = spool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._spools)

    def add(self, block: Mapping[str, Cells], rows: int, place: Where) -> None:
        """Append a block of rows. Raises InputError that names the place of a wrong cell."""
        for name, spool in self._spools.items():
            try:
                spool.add(block[name])
            except NotANumber as error:
                where = f"{self.source}: {place(error.index)}, column {shown(name)}"
                fix = "leave the cell empty where there is no value"
                raise InputError(Fault(where, str(error), "a number", fix)) from None
        self.rows += rows

    def arrays(self) -> dict[str, Array]:
        """The columns. Nothing can be added any more."""
        return {name: s.array(self.rows, self._folder) for name, s in self._spools.items()}

    def close(self) -> None:
        for spool in self._spools.values():
            spool.close()


_FLOAT: np.dtype[np.generic] = np.dtype(np.float64)
_INTEGER: np.dtype[np.generic] = np.dtype(np.int64)


@dataclass(frozen=True, eq=False)
class _Kept(StoredArray):
    """A stored array that keeps its temporary folder alive."""

    folder: Folder | None = None


@dataclass(frozen=True, eq=False)
class _Texts:
    """Labels as numbers of entries in a table of texts."""

    codes: _Kept
    texts: NDArray[np.str_]

    @property
    def where(self) -> str:
        return self.codes.where

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.texts.dtype

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        return self.texts[np.asarray(self.codes.read(start, stop), dtype=np.int64)]


def _numbers(cells: Cells) -> NDArray[np.float64]:
    try:
        if not any(cell is True or cell is False for cell in cells):
            return np.array([_NAN if cell in _ABSENT else float(cell) for cell in cells])
        raise TypeError
    except (ValueError, TypeError, OverflowError):
        values = np.empty(len(cells))
        for k, cell in enumerate(cells):
            values[k] = _number(k, cell)
        return values


def _number(index: int, cell: object) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, (list, dict, bool)):
        raise NotANumber(index, cell)
    if isinstance(cell, str) and cell.strip().lower() in _WORDS:
        return float(cell.strip() or "nan")
    try:
        return float(cell)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        raise NotANumber(index, cell) from None


def _integers(cells: Cells) -> NDArray[np.int64] | None:
    """The cells as integers, None unless each is one in its usual spelling (no 007, no 1.0)."""
    try:
        whole = np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, TypeError, OverflowError):
        return None
    spelled = all(
        str(n) == (cell.strip() if isinstance(cell, str) else str(cell))
        for n, cell in zip(whole.tolist(), cells, strict=True)
    )
    return whole if spelled else None


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
