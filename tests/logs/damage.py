"""Damaged copies of files, and whether the reader takes them or refuses them properly."""

from __future__ import annotations

import numpy as np

from boundcalc.errors import InputError
from boundcalc.logs import open_log
from boundcalc.logs.check import check_chunk


def flip(data, rng):
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        damaged[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return damaged


def overwrite(data, rng):
    damaged = bytearray(data)
    at = rng.integers(len(data))
    length = rng.integers(1, 9)
    damaged[at : at + length] = rng.choice([0, 255, 0x80]).astype(np.uint8).tobytes() * length
    return damaged


def truncate(data, rng):
    return data[: rng.integers(len(data))]


def splice(data, rng):
    at, other, length = rng.integers(len(data), size=3)
    return data[:at] + data[other : other + length] + data[at:]


DAMAGES = (flip, overwrite, truncate, splice)


def reads(path):
    """Whether the file is taken; anything but a log or an InputError is a bug."""
    try:
        log = open_log(path)
        for chunk in log.chunks(7):
            check_chunk(chunk)
        for column in log.vectors.values():
            column.read(0, column.rows)
    except InputError as error:
        assert error.faults
        assert all("\n" not in str(fault) for fault in error.faults)
        return False
    return True
