"""The header of one npy array: its dtype, shape and memory order. Never loads, never unpickles.

The header is text in Python syntax. numpy's own reader parses it as an expression and hands any
string in it to np.dtype, which some strings crash beyond an exception (the date unit 'M8[5D/0]'
divides by zero). So the three items are matched here, and np.dtype sees plain codes alone.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

import numpy as np

MAGIC = b"\x93NUMPY"
# Enough for any array of numbers; only structured dtypes, which no column may have, need more.
HEAD_BYTES = 4096

_LENGTHS = {1: struct.Struct("<H"), 2: struct.Struct("<I"), 3: struct.Struct("<I")}
_ITEM = re.compile(
    r"""\s*(?P<quote>['"])(?P<key>descr|fortran_order|shape)(?P=quote)\s*:\s*
    (?: '(?P<single>[^'"\\]*)' | "(?P<double>[^'"\\]*)" | (?P<bool>True|False)
      | \((?P<shape>[\s\dL,]*)\) | (?P<fields>\[.*\]) )
    \s*(?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
_CODE = re.compile(r"(?P<order>[<>=|]?)(?P<kind>[iufbcOSUVMm?])(?P<size>[0-9]{0,9})(?:\[.*\])?")
_LENGTH = re.compile(r"\s*([0-9]{1,18})L?\s*")  # Python 2 wrote 3L; 10^18 rows are no log


@dataclass(frozen=True)
class Header:
    """What an npy header says. `size` is its own length in bytes; the array's bytes follow it."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran_order: bool
    size: int

    @property
    def total_bytes(self) -> int:
        """Length of header and array together, in bytes."""
        return self.size + math.prod(self.shape) * self.dtype.itemsize


def parse_header(head: bytes) -> Header:
    """Read the header at the start of an npy file.

    head : the first bytes of the file; HEAD_BYTES of header text are read at most.

    Raises: ValueError or TypeError when it is not the header of a plain array.
    """
    if not head.startswith(MAGIC):
        raise ValueError("no npy magic number")
    version = head[len(MAGIC)] if len(head) > len(MAGIC) + 1 else 0
    if version not in _LENGTHS:
        raise ValueError(f"npy format version {version}")
    length = _LENGTHS[version]
    start = len(MAGIC) + 2 + length.size
    if len(head) < start:
        raise ValueError("it ends early")
    (text_size,) = length.unpack(head[len(MAGIC) + 2 : start])
    text = head[start : start + text_size]
    if text_size > HEAD_BYTES or len(text) < text_size:
        raise ValueError(f"{text_size} bytes of text")
    items = _items(text.decode("latin-1").strip())
    return Header(
        dtype=_dtype(items["descr"]),
        shape=_shape(items["shape"]["shape"]),
        fortran_order=_flag(items["fortran_order"]["bool"]),
        size=start + text_size,
    )


def _items(text: str) -> dict[str, re.Match[str]]:
    """The three items of the header, by key."""
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError("no dictionary")
    body = text[1:-1].strip()
    items: dict[str, re.Match[str]] = {}
    at = 0
    while at < len(body):
        item = _ITEM.match(body, at)
        if item is None or item["key"] in items:
            raise ValueError("items that are not descr, fortran_order, shape")
        items[item["key"]] = item
        at = item.end()
    if len(items) != 3:
        raise ValueError("descr, fortran_order or shape is missing")
    return items


def _dtype(item: re.Match[str]) -> np.dtype[np.generic]:
    """The dtype of an item; kinds that no column may have keep their kind, not their details."""
    if item["fields"]:
        return np.dtype("V")
    code = _CODE.fullmatch(item["single"] or item["double"] or "")
    if code is None:
        raise ValueError("an unknown dtype")
    if code["kind"] in "OMmV":
        return np.dtype(code["kind"])
    return np.dtype(code["order"] + code["kind"] + code["size"])


def _shape(inside: str | None) -> tuple[int, ...]:
    """The shape in parentheses whose inside is given."""
    if inside is None:
        raise ValueError("no shape")
    parts = inside.split(",") if inside.strip() else []
    if parts and not parts[-1].strip():
        parts.pop()
    elif len(parts) == 1:
        raise ValueError("a shape without comma")
    lengths = [_LENGTH.fullmatch(part) for part in parts]
    if not all(lengths) or len(lengths) > 32:
        raise ValueError("a strange shape")
    return tuple(int(length[1]) for length in lengths if length)


def _flag(word: str | None) -> bool:
    if word is None:
        raise ValueError("fortran_order is neither True nor False")
    return word == "True"
