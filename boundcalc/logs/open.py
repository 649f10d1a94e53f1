"""Open a log, whatever its format, or several as one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.formats.partitioned import keys_of
from boundcalc.logs.found import Found, log_of
from boundcalc.logs.guard import guarded, unreadable
from boundcalc.logs.joined import joined
from boundcalc.logs.log import Log
from boundcalc.logs.mapping import AS_NAMED, Asked
from boundcalc.logs.place import Place
from boundcalc.logs.places import places, table_files
from boundcalc.logs.schema import FIT, Purpose
from boundcalc.logs.sniff import HEAD_BYTES, PARQUET_START, reader_of


def open_log(
    path: str | os.PathLike[str],
    *,
    loss_min: float | None = None,
    purpose: Purpose = FIT,
    asked: Asked = AS_NAMED,
) -> Log:
    """Open the log at `path`; its rows are read when they are asked for.

    path : a file, a folder (Zarr, partitioned Parquet, a tracker's run), or a URL that fsspec
    reads; a pattern such as 'runs/*.npz' stands for several logs, which are opened as one.
    loss_min : the infimum f_i* of every f_i, in place of what the log says.
    purpose : which columns and how many rows must be there.
    asked : which names in the file stand for which columns.

    Raises: InputError when there is no log at `path`, or a faulty one.
    """
    return open_logs([path], loss_min=loss_min, purpose=purpose, asked=asked)


def open_logs(
    paths: Sequence[str | os.PathLike[str]],
    *,
    loss_min: float | None = None,
    purpose: Purpose = FIT,
    asked: Asked = AS_NAMED,
    told: Callable[[float], None] | None = None,
) -> Log:
    """Open several logs as one. Their order does not matter: they are sorted by name.

    A log without a column `run` is a run of its own, called by its name.
    told : is told how much has been parsed of a log that is text, as a share of 1.

    Raises: InputError with the faults of all logs.
    """
    every = [replace(place, told=told) for path in paths for place in places(path)]
    found = list({place.shown: place for place in every}.values())
    if len(found) == 1:
        return _opened(found[0], loss_min, purpose, asked)
    least = replace(purpose, least_rows=1)
    return joined(_all(found, loss_min, least, asked), purpose, separate=True)


def local_inputs(paths: Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """The files and folders on this machine that `paths` stand for: not to be written over."""
    return tuple(place.path for path in paths for place in places(path) if place.stream is None)


def _all(
    found: Sequence[Place], loss_min: float | None, purpose: Purpose, asked: Asked
) -> list[Log]:
    """All logs. Raises InputError with the faults of all."""
    logs: list[Log] = []
    faults: list[Fault] = []
    for place in found:
        try:
            logs.append(_opened(place, loss_min, purpose, asked))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    return logs


def _opened(place: Place, loss_min: float | None, purpose: Purpose, asked: Asked) -> Log:
    """The log at one place: a file, or a folder."""
    files = table_files(place)
    if files:
        least = replace(purpose, least_rows=1)
        logs: list[Log] = []
        faults: list[Fault] = []
        for name, file in files.items():
            try:
                found = _with_keys(_read(file, purpose, asked), keys_of(name), asked)
                logs.append(log_of(found, asked, loss_min, least))
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(*faults)
        return joined(logs, purpose, separate=False, source=place.shown)
    return log_of(_read(place, purpose, asked), asked, loss_min, purpose)


def _read(place: Place, purpose: Purpose, asked: Asked) -> Found:
    if place.stream is not None and _is_parquet(place):
        from boundcalc.logs.formats.parquet import read_parquet

        return read_parquet(place, asked)
    reader = reader_of(place, purpose)
    try:
        return reader(place, asked)
    except OSError as error:
        raise unreadable(place.shown, error) from error


def _is_parquet(place: Place) -> bool:
    with guarded(place.shown), place.stream() as stream:  # type: ignore[misc]
        head: bytes = stream.read(HEAD_BYTES)
    return head.startswith(PARQUET_START)


def _with_keys(found: Found, keys: dict[str, str], asked: Asked) -> Found:
    """What was found, with the columns that the folders above the file stand for."""
    import numpy as np

    from boundcalc.logs.array import Array, MemoryArray

    arrays: dict[str, Array] = {}
    faults: list[Fault] = []
    for name, text in keys.items():
        where = f"{found.source}: {name} in its path"
        if name not in asked.wanted or name in found.arrays:
            continue
        if asked.is_label(name):
            digits = text.isdigit() and str(int(text)) == text
            arrays[name] = MemoryArray(where, np.array(int(text) if digits else text))
            continue
        try:
            arrays[name] = MemoryArray(where, np.array(float(text)))
        except ValueError:
            faults.append(Fault(where, repr(text), "a number", "name the folder by a number"))
    return replace(found, arrays={**found.arrays, **arrays}, faults=(*found.faults, *faults))
