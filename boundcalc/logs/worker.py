"""The process in which files of foreign libraries are read: it may crash, and nothing else does.

It answers requests on its standard input, one JSON object per line, on its standard output: the
length of a JSON header (4 bytes), the header, and the bytes of an array where there is one.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from boundcalc.errors import InputError
from boundcalc.logs.formats import arrow, hdf5, parquet, zarr
from boundcalc.logs.found import Found, Reader
from boundcalc.logs.guard import corrupt, guarded
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import local

READERS: dict[str, Reader] = {
    "parquet": parquet.read_parquet,
    "arrow": arrow.read_arrow,
    "hdf5": hdf5.read_hdf5,
    "zarr": zarr.read_zarr,
}
LENGTH = struct.Struct("<I")
_MOST_OPEN = 64  # files whose columns are kept open
_MOST_MEMORY = 4 << 30  # bytes
_LONGEST_ANSWER = 600  # seconds

Opened = OrderedDict[str, Found]


def serve() -> None:
    """Answer requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other process's affair
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what libraries print must not come between
    os.dup2(nowhere, 2)
    _limit_memory()
    opened: Opened = OrderedDict()
    for line in sys.stdin.buffer:
        _end_after(_LONGEST_ANSWER)
        header, payload = _answer(opened, json.loads(line))
        _end_after(0)
        _send(answers, header, payload)


def _answer(opened: Opened, request: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    try:
        with guarded(request["shown"]):
            found = _found(opened, request)
            if "column" not in request:
                return _described(found), b""
            array = found.arrays[request["column"]]
            if list(array.shape) != request["shape"]:
                raise corrupt(array.where, "a file that changed while it was read")
            values = np.ascontiguousarray(array.read(request["start"], request["stop"]))
        return {"dtype": values.dtype.str, "shape": values.shape, "bytes": values.nbytes}, values
    except InputError as error:
        faults = [(f.where, f.found, f.expected, f.fix) for f in error.faults]
        return {"faults": faults, "bytes": 0}, b""


def _found(opened: Opened, request: dict[str, Any]) -> Found:
    """The file of a request, opened once."""
    key = json.dumps([request[k] for k in ("format", "path", "shown", "mapping")])
    if key not in opened or "column" not in request:
        place = local(Path(request["path"]), request["shown"])
        opened[key] = READERS[request["format"]](place, Asked(request["mapping"]))
        while len(opened) > _MOST_OPEN:
            opened.popitem(last=False)
    opened.move_to_end(key)
    return opened[key]


def _described(found: Found) -> dict[str, Any]:
    return {
        "arrays": [(n, a.where, a.shape, a.dtype.str) for n, a in found.arrays.items()],
        "others": found.others,
        "found": [(f.where, f.found, f.expected, f.fix) for f in found.faults],
        "notes": found.notes,
        "table": found.table,
        "bytes": 0,
    }


def _send(answers: IO[bytes], header: dict[str, Any], payload: Any) -> None:
    text = json.dumps(header).encode()
    answers.write(LENGTH.pack(len(text)))
    answers.write(text)
    if header["bytes"]:
        answers.write(payload.reshape(-1).view(np.uint8))
    answers.flush()


def _end_after(seconds: int) -> None:
    """End this process where it hangs and nobody waits for it any more; 0: all is well."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _limit_memory() -> None:
    """A bomb is to end this process and not the machine."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        least = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(hard, _MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (least, hard))


if __name__ == "__main__":
    serve()
