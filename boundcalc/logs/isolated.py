"""Files of foreign libraries, read in a process of their own.

The libraries behind Parquet, Arrow, HDF5 and Zarr are large, and a damaged file makes some of them
abort the process, run for ever, or ask for all memory. One process beside this one reads them for
all logs; when it dies or hangs, that is what is wrong with the file.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.extra import imported
from boundcalc.logs.found import Found, Reader
from boundcalc.logs.guard import corrupt
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place

PATIENCE = 60.0  # seconds without a byte of an answer
_PIECE = 1 << 25  # bytes asked for at a time
_LONGEST_HEADER = 1 << 28
_PACKAGES = {"parquet": "pyarrow", "arrow": "pyarrow", "hdf5": "h5py", "zarr": "zarr"}
_KINDS = {
    "parquet": "a Parquet table",
    "arrow": "an Arrow file",
    "hdf5": "an HDF5 file",
    "zarr": "a Zarr group",
}


_Answer = tuple[dict[str, Any], NDArray[np.generic]]


class _Lost(Exception):
    """The process is gone; says how."""


class _Process:
    """A process that reads files, and the pipes to it."""

    def __init__(self) -> None:
        root = str(Path(__file__).parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.owner = os.getpid()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "boundcalc.logs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._end = weakref.finalize(self, _stop, self._child, self.owner)

    def ask(self, request: dict[str, Any]) -> _Answer:
        """The header of the answer, and its array. Raises _Lost when none comes."""
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            self._child.stdin.flush()  # type: ignore[union-attr]
            size = int.from_bytes(self._receive(np.empty(4, np.uint8)), "little")
            if size > _LONGEST_HEADER:
                raise _Lost("an answer that makes no sense")
            header = json.loads(self._receive(np.empty(size, np.uint8)).tobytes())
            # Its own array and no view of bytes: fits tell by that what reading costs.
            values = np.empty(header.get("shape", 0), header.get("dtype", "u1"))
            self._receive(values.reshape(-1).view(np.uint8))
            return header, values
        except BrokenPipeError:
            raise _Lost(self._how()) from None

    def _receive(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill `data` from the pipe."""
        view, size = memoryview(data), len(data)
        pipe = self._child.stdout.fileno()  # type: ignore[union-attr]
        done = 0
        while done < size:
            # Windows cannot wait for a pipe: there it is read without a limit of time.
            if os.name != "nt" and not select.select([pipe], [], [], PATIENCE)[0]:
                raise _Lost(f"bytes on which its library hangs (for {PATIENCE:g} s)")
            got = os.readv(pipe, [view[done:]]) if hasattr(os, "readv") else 0
            if not hasattr(os, "readv"):
                piece = os.read(pipe, size - done)
                view[done : done + len(piece)] = piece
                got = len(piece)
            if not got:
                raise _Lost(self._how())
            done += got
        return data

    def _how(self) -> str:
        """How the process ended."""
        try:
            code = self._child.wait(5)
        except subprocess.TimeoutExpired:
            return "bytes on which its library fails"
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"bytes that crash its library ({name})"

    def stop(self) -> None:
        self._end()


def _stop(child: subprocess.Popen[bytes], owner: int) -> None:
    """End the process, if it is ours and not that of the process we were forked from."""
    if os.getpid() != owner:
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue


class _Pool:
    """The one process, started when it is first needed, and again after it was lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def ask(self, request: dict[str, Any]) -> _Answer:
        with self._lock:
            if self._process is None or self._process.owner != os.getpid():
                self._process = _Process()
            try:
                return self._process.ask(request)
            except BaseException:  # Ctrl-C too: what comes next on the pipe is no answer
                self._process.stop()
                self._process = None
                raise


_POOL = _Pool()


@dataclass(frozen=True, eq=False)
class IsolatedArray:
    """An array of a file that another process reads."""

    where: str
    request: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as they are stored."""
        width = max(1, math.prod(self.shape[1:]) * self.dtype.itemsize)
        step = max(1, _PIECE // width)
        starts = range(start, max(stop, start + 1), step)
        pieces = [self._piece(low, min(low + step, stop)) for low in starts]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _piece(self, start: int, stop: int) -> NDArray[np.generic]:
        return _asked(self.where, {**self.request, "start": start, "stop": stop})[1]


def isolated(kind: str) -> Reader:
    """The reader of a format, in the other process."""

    def read(place: Place, asked: Asked) -> Found:
        _check_installed(kind, place.shown)
        request = {
            "format": kind,
            "path": os.path.abspath(place.path),
            "shown": place.shown,
            "mapping": dict(asked.mapping),
        }
        header, _ = _asked(place.shown, request)
        arrays = {
            name: IsolatedArray(
                where,
                {**request, "column": name, "shape": shape},
                tuple(shape),
                np.dtype(dtype),
            )
            for name, where, shape, dtype in header["arrays"]
        }
        faults = tuple(Fault(*fault) for fault in header["found"])
        notes, others = tuple(header["notes"]), tuple(header["others"])
        return Found(place.shown, arrays, others, faults, notes, table=header["table"])

    return read


def _asked(where: str, request: dict[str, Any]) -> _Answer:
    """An answer. Raises InputError for a file that is refused, and for one that is too much."""
    try:
        header, values = _POOL.ask(request)
    except _Lost as lost:
        raise corrupt(where, str(lost)) from None
    if "faults" in header:
        raise InputError(*(Fault(*fault) for fault in header["faults"]))
    return header, values


def _check_installed(kind: str, where: str) -> None:
    package = _PACKAGES[kind]
    try:
        installed = find_spec(package) is not None
    except ValueError:  # what tests put in its place
        installed = False
    if not installed:
        imported(package, "formats", where, _KINDS[kind])
