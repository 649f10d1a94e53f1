"""stdout and stderr that may be closed, full or without Greek."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from boundcalc.report.ascii import spelled

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

codecs.register_error("boundcalc", spelled)


class _Guard(io.FileIO):
    """The file below a stream: its first failure is remembered, and what comes after is lost."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self.failure is None:
            try:
                done: int | None = super().write(data)
            except OSError as error:
                self.failure = error
            else:
                if done is not None:
                    return done
                self.failure = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return size


class _Ascii(io.TextIOWrapper):
    """An ASCII stream that does not call itself one: click would send UTF-8 past it."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "latin-1"


@contextmanager
def guarded_streams(said: list[str]) -> Iterator[None]:
    """Let nothing that happens to stdout or stderr stop the command inside.

    A reader that has gone (`boundcalc fit log.npz | head -1`) is no failure; a full disk is one,
    and `said` takes the message. Signs that an encoding lacks are spelled out.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, out = _guarded(sys.stdout, sys.__stdout__)
    sys.stderr, _ = _guarded(sys.stderr, sys.__stderr__)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before
    failure = None if out is None else out.failure
    if failure is not None and failure.errno != errno.EPIPE:
        said.append(
            f"error: stdout: found {failure.strerror or failure}; expected a place that can be "
            "written to; fix: make room, or send the output elsewhere"
        )


def _guarded(stream: TextIO, own: TextIO | None) -> tuple[TextIO, _Guard | None]:
    """The same stream on a guard; one that somebody else put there stays as it is."""
    if not isinstance(stream, io.TextIOWrapper) or stream is not own:
        return stream, None
    if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        stream.reconfigure(errors="boundcalc")  # a console of Windows
        return stream, None
    stream.flush()
    guard = _Guard(stream.fileno(), "wb", closefd=False)
    plain = codecs.lookup(stream.encoding).name == "ascii"
    text = (_Ascii if plain else io.TextIOWrapper)(
        io.BufferedWriter(guard),
        encoding=stream.encoding,
        errors="boundcalc",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    return text, guard
