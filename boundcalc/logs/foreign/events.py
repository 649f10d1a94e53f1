"""The records of a TensorBoard event file and the scalars in them.

A file is a sequence of records: length (8 bytes), masked CRC-32C of it (4), data, masked CRC-32C
of the data (4). The data is a protobuf message Event: step = 2, summary = 5; Summary: value = 1;
Value: tag = 1, simple_value = 2 (float), tensor = 8; Tensor: dtype = 1, tensor_content = 4,
float_val = 5, double_val = 6.
Reference: tensorboard/compat/proto/{event,summary,tensor}.proto; TensorFlow's TFRecord format.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from pathlib import Path

from boundcalc.logs.guard import corrupt

_LARGEST_RECORD = 1 << 28  # bytes; images may be large, scalars are not
_HEAD = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_FLOAT, _DOUBLE = 1, 2  # DataType of a tensor
_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)  # noqa: PLW2901
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def masked_crc(data: bytes) -> int:
    """CRC-32C of `data`, rotated and shifted as TFRecord stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def is_event_file(head: bytes) -> bool:
    """Whether the first bytes of a file are the head of a record."""
    if len(head) < _HEAD.size:
        return False
    crc: int = _HEAD.unpack(head[: _HEAD.size])[1]
    return crc == masked_crc(head[:8])


def scalars(path: Path, where: str) -> Generator[tuple[str, int, float], None, bool]:
    """(tag, step, value) of every scalar; returns whether the last record is torn.

    A record that is torn at the end is what a run leaves that was killed, or still writes.
    """
    with path.open("rb") as file:
        number = 0
        while head := file.read(_HEAD.size):
            number += 1
            at = f"{where}: record {number}"
            if len(head) < _HEAD.size:
                return True
            length, crc = _HEAD.unpack(head)
            if crc != masked_crc(head[:8]) or length > _LARGEST_RECORD:
                raise corrupt(at, "a length that contradicts its checksum")
            data = file.read(length + _CRC.size)
            if len(data) < length + _CRC.size:
                return True
            if _CRC.unpack(data[length:])[0] != masked_crc(data[:length]):
                raise corrupt(at, "bytes that contradict their checksum")
            yield from _event(data[:length], at)
    return False


def _event(data: bytes, where: str) -> Iterator[tuple[str, int, float]]:
    """The scalars of one event."""
    step = 0
    summaries = []
    for field, value in _fields(data, where):
        if field == 2 and isinstance(value, int):
            step = value - (1 << 64) if value >> 63 else value
        elif field == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for field, value in _fields(summary, where):
            if field == 1 and isinstance(value, bytes):
                tag, number = _value(value, where)
                if number is not None:
                    yield tag, step, number


def _value(data: bytes, where: str) -> tuple[str, float | None]:
    tag, number = "", None
    for field, value in _fields(data, where):
        if not isinstance(value, bytes):
            continue
        if field == 1:
            tag = value.decode("utf-8", "backslashreplace")
        elif field == 2 and len(value) == 4:
            (number,) = struct.unpack("<f", value)
        elif field == 8:
            number = _tensor(value, where)
    return tag, number


def _tensor(data: bytes, where: str) -> float | None:
    """The number that a tensor of one float or double holds, None for other tensors."""
    kind, found = 0, b""
    for field, value in _fields(data, where):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field in {4, 5, 6} and isinstance(value, bytes):
            found += value
    if kind == _FLOAT and len(found) == 4:
        return float(struct.unpack("<f", found)[0])
    if kind == _DOUBLE and len(found) == 8:
        return float(struct.unpack("<d", found)[0])
    return None


def _fields(data: bytes, where: str) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of the fields of a protobuf message: integers, or the bytes of the rest."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at, where)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at, where)
            yield key >> 3, number
            continue
        if kind == 2:
            size, at = _varint(data, at, where)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise corrupt(where, f"a field of wire type {kind}")
        if at + size > len(data):
            raise corrupt(where, "a field that ends beyond its record")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int, where: str) -> tuple[int, int]:
    number = 0
    for k in range(10):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << (7 * k)
        if not byte & 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
    raise corrupt(where, "a number without end")
