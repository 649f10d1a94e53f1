"""The central directory of an npz: which arrays it holds, and what is wrong with them."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.guard import corrupt, guarded, shown
from boundcalc.logs.npy import HEAD_BYTES, Header, parse_header
from boundcalc.logs.schema import COLUMNS

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., length of name, length of extra field
_LOCAL_SIGNATURE = b"PK\x03\x04"
_ENCRYPTED = 0x1 | 0x40  # flag bits: traditional and strong encryption
_PATCHED = 0x20
_METHODS = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "lzma", 93: "zstd"}
_LARGEST_RATIO = 1032  # deflate cannot expand a byte to more than this
_SMALLEST_SIZE = 64  # bytes; below it the ratio of deflate says nothing


@dataclass(frozen=True)
class Member:
    """One array in a zip. `start` is the offset in the file of its first stored byte."""

    path: Path
    where: str
    info: zipfile.ZipInfo
    header: Header
    start: int

    @property
    def compressed(self) -> bool:
        return self.info.compress_type != zipfile.ZIP_STORED


@dataclass(frozen=True)
class Directory:
    """The members that are columns, the names that are not, and what is wrong with the former."""

    members: dict[str, Member]
    unknown: tuple[str, ...]
    faults: tuple[Fault, ...]


def read_directory(
    path: Path, source: str, wanted: Collection[str] = frozenset(COLUMNS)
) -> Directory:
    """List an npz without reading more of its arrays than their headers.

    wanted : the names of the arrays to open; the others are only named.
    """
    members: dict[str, Member] = {}
    unknown: list[str] = []
    faults: list[Fault] = []
    with guarded(source), zipfile.ZipFile(path) as archive:
        times: Counter[str] = Counter()
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name not in wanted or name == info.filename:
                unknown.append(f"{name} (no .npy)" if name in wanted else name)
                continue
            where = f"{source}: column {name}"
            times[name] += 1
            if times[name] > 2:  # said once already
                continue
            found = list(_directory_faults(where, info, times[name] == 2))
            if not found:
                try:
                    members[name] = _open_member(path, where, archive, info)
                except InputError as error:
                    found.extend(error.faults)
            faults.extend(found)
    return Directory(members, tuple(unknown), tuple(faults))


def _directory_faults(where: str, info: zipfile.ZipInfo, duplicate: bool) -> Iterator[Fault]:
    """Faults that the directory entry alone shows."""
    if duplicate:
        yield Fault(
            where, "two arrays of this name", "one array per column", "write the file again"
        )
    elif info.flag_bits & (_ENCRYPTED | _PATCHED):
        yield Fault(where, "encrypted data", "plain npz arrays", "decrypt and save with np.savez")
    elif info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        name = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        yield Fault(
            where,
            f"compression by {name}",
            "stored or deflated arrays",
            "save with np.savez or np.savez_compressed",
        )
    else:
        ratio = 1 if info.compress_type == zipfile.ZIP_STORED else _LARGEST_RATIO
        possible = max(info.compress_size * ratio, _SMALLEST_SIZE if ratio > 1 else 0)
        if info.file_size > possible or (ratio == 1 and info.file_size != info.compress_size):
            found = f"{info.file_size} bytes claimed in {info.compress_size} bytes of the file"
            yield from corrupt(where, found).faults


def _open_member(path: Path, where: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    """Read the headers of one array and hold them against its size."""
    with guarded(where), archive.open(info) as stream:
        head = stream.read(min(info.file_size, 2 * HEAD_BYTES))
    with guarded(where), path.open("rb") as file:
        file.seek(info.header_offset)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        if signature != _LOCAL_SIGNATURE:
            raise corrupt(where, "no zip entry where the directory says")
        start = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if start + info.compress_size > file.seek(0, 2):
            raise corrupt(where, "an entry that ends beyond the file")
    try:
        header = parse_header(head)
    except (ValueError, TypeError) as error:
        raise InputError(
            Fault(
                where,
                f"a malformed npy header ({shown(error)})",
                "an array saved by np.savez",
                "write the file again",
            )
        ) from error
    # Of the other kinds the dtype is refused anyway, and a pickle may have any length.
    if header.dtype.kind in "iufUS" and header.total_bytes != info.file_size:
        raise corrupt(
            where,
            f"shape {shown(header.shape)} of {shown(header.dtype)} ({header.total_bytes} bytes "
            f"with its header) in an entry of {info.file_size} bytes",
        )
    return Member(path, where, info, header, start)
