"""From what a user names to the places meant: patterns expanded, folders and URLs looked into."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.formats.partitioned import natural, tables
from boundcalc.logs.formats.zarr import MARKS
from boundcalc.logs.guard import shown_path, unreadable
from boundcalc.logs.place import Place, local

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(::|://)")
_MOST_FILES = 1 << 20


def places(path: str | os.PathLike[str]) -> list[Place]:
    """The places that a path, a pattern or a URL stands for, sorted by name."""
    text = os.fspath(path)
    if _URL.match(text):
        from boundcalc.logs.remote import remote_places

        return remote_places(text)
    where = shown_path(text)
    if "\0" in text or not glob.has_magic(text) or os.path.lexists(text):
        return [local(Path(path), where)]
    found = sorted(glob.glob(text, recursive=True), key=natural)
    if not found:
        fix = "check the pattern"
        raise InputError(Fault(where, "no file of this pattern", "logs", fix))
    return [local(Path(one), shown_path(one)) for one in found]


def table_files(place: Place) -> Mapping[str, Place]:
    """The Parquet files in a folder by their names there; none unless it is a folder of such."""
    if place.inside is not None:
        return {name: place.inside[name] for name in tables(place.inside)}
    if place.stream is not None:
        return {}
    try:
        folder = place.path
        if not folder.is_dir() or any((folder / mark).exists() for mark in MARKS):
            return {}
        names = []
        for above, _, files in os.walk(folder):
            names += [os.path.relpath(os.path.join(above, name), folder) for name in files]
            if len(names) > _MOST_FILES:
                found, fix = f"more than {_MOST_FILES} files", "name the files"
                raise InputError(Fault(place.shown, found, "a folder of logs", fix))
    except OSError as error:
        raise unreadable(place.shown, error) from error
    except ValueError:  # a null character: said by whoever opens it
        return {}
    ordered = tables(name.replace(os.sep, "/") for name in names)
    return {name: local(folder / name, f"{place.shown}/{name}") for name in ordered}
