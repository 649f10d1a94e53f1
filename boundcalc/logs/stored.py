"""Arrays that lie uncompressed in a file, read in place: one window of rows at a time.

A window is read at its offset into an aligned buffer of its own. np.savez starts arrays at any
byte, so that a memory map of one is misaligned and has to be copied anyway; reading is as fast,
keeps resident memory flat, and a file that is cut short meanwhile is an error and not a signal.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.guard import corrupt, guarded

_PIECE = 1 << 20  # bytes read at a time where only a checksum is wanted


@dataclass
class Checksum:
    """CRC-32 of an array as its rows stream by in order; an array read out of order is let be."""

    expected: int
    header: int  # CRC-32 of the npy header, which precedes the rows
    row: int = 0
    crc: int = 0
    verified: bool = False

    def matches(self, start: int, stop: int, rows: int, data: NDArray[np.uint8]) -> bool:
        """Take in the bytes of rows start..stop; False when the array ends with a wrong CRC."""
        if self.verified:
            return True
        if start == 0:
            self.row, self.crc = 0, self.header
        if start != self.row:
            return True
        self.row, self.crc = stop, zlib.crc32(data, self.crc)
        if stop < rows:
            return True
        self.verified = self.crc == self.expected
        return self.verified


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array whose bytes lie at `offset` of a file, in C or Fortran order.

    open : gives the file, to be used in a with statement.
    crc : (expected CRC-32 of header and array, CRC-32 of the header), or None to trust the bytes.
    """

    where: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran_order: bool = False
    crc: tuple[int, int] | None = None
    _checksum: Checksum | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        checksum = None if self.crc is None else Checksum(*self.crc)
        object.__setattr__(self, "_checksum", checksum)

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as they are stored, in C order."""
        with guarded(self.where), self.open() as file:
            # With at most one dimension longer than 1, both orders are the same bytes.
            if self.fortran_order and sum(n > 1 for n in self.shape) > 1:
                return self._read_across(file, start, stop)
            rows = np.empty((stop - start, *self.shape[1:]), self.dtype)
            data = rows.reshape(-1).view(np.uint8)
            self._fill(file, start * math.prod(self.shape[1:]) * self.dtype.itemsize, data)
        if self._checksum is not None:
            total = self.shape[0] if self.shape else 1
            if not self._checksum.matches(start, stop, total, data):
                raise corrupt(self.where, "bytes that contradict their CRC-32")
        return rows

    def _read_across(self, file: IO[bytes], start: int, stop: int) -> NDArray[np.generic]:
        """A window of a Fortran-order array: a run of bytes from each of its columns."""
        self._verify_all(file)
        rows = self.shape[0]
        window = np.empty((math.prod(self.shape[1:]), stop - start), self.dtype)
        if stop - start == rows:
            self._fill(file, 0, window.reshape(-1).view(np.uint8))
        else:
            for column, run in enumerate(window):
                self._fill(file, (column * rows + start) * self.dtype.itemsize, run.view(np.uint8))
        return np.ascontiguousarray(window.reshape(*self.shape[:0:-1], stop - start).T)

    def _verify_all(self, file: IO[bytes]) -> None:
        """Check the CRC-32 of an array that is never read in the order of its bytes."""
        if self._checksum is None or self._checksum.verified:
            return
        size = math.prod(self.shape) * self.dtype.itemsize
        for at in range(0, size, _PIECE):
            data = np.empty(min(_PIECE, size - at), np.uint8)
            self._fill(file, at, data)
            if not self._checksum.matches(at, at + data.size, size, data):
                raise corrupt(self.where, "bytes that contradict their CRC-32")

    def _fill(self, file: IO[bytes], at: int, data: NDArray[np.uint8]) -> None:
        """Fill `data` with the bytes that lie `at` bytes into the array."""
        file.seek(self.offset + at)
        view = memoryview(data)
        done = 0
        while done < len(view):
            got = file.readinto(view[done:])  # type: ignore[attr-defined]
            if not got:
                raise corrupt(self.where, "fewer bytes than the array claims")
            done += got
