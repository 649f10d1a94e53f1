"""The npz reader: arrays in a zip, read in place or streamed, and never unpickled."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from io import FileIO
from pathlib import Path
from typing import IO

from boundcalc.errors import Fault, InputError
from boundcalc.logs.archive import Member, read_directory
from boundcalc.logs.array import Array
from boundcalc.logs.assemble import assemble
from boundcalc.logs.deflated import LARGEST_ROW, DeflatedArray, Spool
from boundcalc.logs.guard import guarded, shown_path
from boundcalc.logs.log import Log
from boundcalc.logs.schema import FIT, Purpose
from boundcalc.logs.stored import StoredArray


def open_npz(
    path: str | os.PathLike[str], *, loss_min: float | None = None, purpose: Purpose = FIT
) -> Log:
    """Open an npz log; its arrays stay in the file until their rows are read.

    loss_min : the infimum f_i* of every f_i, in place of what the file says.
    purpose : which columns and how many rows must be there.

    Raises: InputError with every fault that can be seen without reading the rows.
    """
    source = shown_path(path)
    directory = read_directory(Path(path), source)
    faults = list(directory.faults)
    arrays: dict[str, Array] = {}
    for name, member in directory.members.items():
        try:
            arrays[name] = array_of(member)
        except InputError as error:
            faults.extend(error.faults)
    return assemble(
        arrays,
        source=source,
        loss_min=loss_min,
        unknown=directory.unknown,
        faults=faults,
        purpose=purpose,
    )


def array_of(member: Member) -> Array:
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
