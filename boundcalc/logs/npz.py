"""The npz reader: arrays in a zip, read in place or streamed, and never unpickled."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from io import FileIO
from typing import IO

from boundcalc.errors import Fault, InputError
from boundcalc.logs.archive import Member, read_directory
from boundcalc.logs.array import Array
from boundcalc.logs.deflated import LARGEST_ROW, DeflatedArray, Spool
from boundcalc.logs.found import Found
from boundcalc.logs.guard import guarded
from boundcalc.logs.mapping import AS_NAMED, Asked
from boundcalc.logs.place import Place
from boundcalc.logs.stored import StoredArray


def read_npz(place: Place, asked: Asked = AS_NAMED) -> Found:
    """The arrays of an npz; they stay in the file until their rows are read."""
    path = place.path
    directory = read_directory(path, place.shown, asked.wanted)
    faults = list(directory.faults)
    arrays: dict[str, Array] = {}
    for name, member in directory.members.items():
        try:
            arrays[name] = _array(member)
        except InputError as error:
            faults.extend(error.faults)
    return Found(place.shown, arrays, directory.unknown, tuple(faults))


def _array(member: Member) -> Array:
    """The array of a member, read in the way that its compression and memory order allow."""
    header = member.header
    across = header.fortran_order and sum(n > 1 for n in header.shape) > 1
    row_bytes = math.prod(header.shape[1:] or header.shape) * header.dtype.itemsize
    if member.compressed and not across:
        if len(header.shape) > 1 and row_bytes > LARGEST_ROW:
            raise InputError(
                Fault(
                    member.where,
                    f"compressed rows of {row_bytes} bytes",
                    f"at most {LARGEST_ROW} bytes per compressed row",
                    "save large arrays uncompressed, with np.savez",
                )
            )
        return DeflatedArray(member)
    open_file: Callable[[], AbstractContextManager[IO[bytes]]]
    if member.compressed:
        open_file, offset, crc = Spool(member), 0, None
    else:
        with guarded(member.where), member.path.open("rb") as file:
            file.seek(member.start)
            header_crc = zlib.crc32(file.read(header.size))
        open_file = partial(FileIO, member.path, "r")
        offset, crc = member.start + header.size, (member.info.CRC, header_crc)
    return StoredArray(
        member.where, open_file, offset, header.shape, header.dtype, header.fortran_order, crc
    )
