"""Arrays that lie compressed in a zip, streamed in order; Fortran-order ones by way of the disk.

zipfile inflates piece by piece and checks the CRC-32 when the last piece has been read.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
import zipfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.archive import Member
from boundcalc.logs.guard import corrupt, guarded

_PIECE = 1 << 18  # bytes inflated at a time: what a hostile stream can make us hold
LARGEST_ROW = 1 << 28  # bytes; a larger one must lie uncompressed in the file


@dataclass
class Stream:
    """Where reading stands: the open entry and the number of its array bytes already read."""

    entry: IO[bytes] | None = None
    position: int = 0

    def close(self) -> None:
        if self.entry is not None:
            self.entry.close()
        self.entry, self.position = None, 0


@dataclass(frozen=True, eq=False)
class DeflatedArray:
    """A C-order array in a compressed entry; reading an earlier row starts the stream again."""

    member: Member
    _stream: Stream = field(default_factory=Stream, init=False, repr=False)

    @property
    def where(self) -> str:
        return self.member.where

    @property
    def shape(self) -> tuple[int, ...]:
        return self.member.header.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.member.header.dtype

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as they are stored. In increasing order it is one pass."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        with guarded(self.where):
            self._seek(start * row_bytes)
            rows = np.empty((stop - start, *self.shape[1:]), self.dtype)
            view = memoryview(rows.reshape(-1).view(np.uint8))
            done = 0
            while done < len(view):
                piece = self._next(min(_PIECE, len(view) - done))
                view[done : done + len(piece)] = piece
                done += len(piece)
        if stop >= (self.shape[0] if self.shape else 1):
            self._stream.close()
        return rows

    def _seek(self, position: int) -> None:
        """Bring the stream to `position`, in bytes of the array."""
        stream = self._stream
        if stream.entry is None or position < stream.position:
            stream.close()
            with zipfile.ZipFile(self.member.path) as archive:
                stream.entry = archive.open(self.member.info)  # keeps the file open by itself
            header = stream.entry.read(self.member.header.size)
            if len(header) < self.member.header.size:
                raise corrupt(self.where, "a compressed stream that ends early")
        while stream.position < position:
            self._next(min(_PIECE, position - stream.position))

    def _next(self, size: int) -> bytes:
        """The next bytes of the array, at least one and at most `size`."""
        stream = self._stream
        if stream.entry is None:
            raise corrupt(self.where, "a compressed stream that ends early")
        try:
            piece = stream.entry.read(size)
        except BaseException:
            stream.close()  # a stream that failed once is not to be continued
            raise
        if not piece:
            stream.close()
            raise corrupt(self.where, "a compressed stream that ends early")
        stream.position += len(piece)
        return piece


@dataclass(eq=False)
class Spool:
    """A compressed entry inflated to a temporary file, on first use."""

    member: Member
    _file: IO[bytes] | None = field(default=None, init=False, repr=False)

    def __call__(self) -> AbstractContextManager[IO[bytes]]:
        """The temporary file, which stays open as long as this object lives."""
        if self._file is None:
            self._file = _inflate(self.member)
            weakref.finalize(self, self._file.close)
        return nullcontext(self._file)


def _inflate(member: Member) -> IO[bytes]:
    """The array bytes of an entry in a temporary file."""
    size = member.header.total_bytes - member.header.size
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if size > free:
        raise InputError(
            Fault(
                where=member.where,
                found=f"a compressed Fortran-order array of {size} bytes",
                expected=f"at most the {free} bytes that are free for temporary files",
                fix="save it with np.ascontiguousarray",
            )
        )
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the Spool)
    try:
        with zipfile.ZipFile(member.path) as archive, archive.open(member.info) as entry:
            entry.read(member.header.size)
            shutil.copyfileobj(entry, file, _PIECE)
        if file.tell() != size:
            raise corrupt(member.where, "a compressed stream that ends early")
    except BaseException:
        file.close()
        raise
    return file
