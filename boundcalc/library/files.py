"""The data folders: which files there are, and what is in one of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from boundcalc.errors import Fault, InputError


@cache
def ids(folder: str) -> tuple[str, ...]:
    """All ids in data/<folder>: the names of its files."""
    place = files("boundcalc.data") / folder
    return tuple(sorted(f.name[:-5] for f in place.iterdir() if f.name.endswith(".toml")))


@cache
def read(folder: str, id: str) -> Mapping[str, Any]:
    """data/<folder>/<id>.toml.

    Raises InputError for an unknown id or a file that is not TOML.
    """
    kind = folder.removesuffix("s")
    if id not in ids(folder):
        close = ", ".join(_near(id, ids(folder)))
        suggestion = f" (close to it: {close})" if close else ""
        expected = f"the id of a {kind} of the catalogue{suggestion}"
        raise InputError(Fault(kind, repr(id), expected, f"boundcalc {folder} lists all"))
    text = (files("boundcalc.data") / folder / f"{id}.toml").read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = f"data/{folder}/{id}.toml"
        raise InputError(Fault(where, str(error), "a TOML file", "correct the file")) from error


def _near(id: str, known: tuple[str, ...]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(id, known, 5, 0.5)
