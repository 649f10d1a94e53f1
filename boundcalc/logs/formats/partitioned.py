"""Folders of Parquet files: the rows of one table, its keys (`run=3`) in the names of folders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

_KEY = re.compile(r"([^=/]+)=([^/]*)")


def keys_of(relative: str) -> dict[str, str]:
    """Columns that the folders of a path stand for, as Hive writes them: run=3/part-0.parquet."""
    found = [_KEY.fullmatch(part) for part in relative.split("/")[:-1]]
    return {unquote(key[1]): unquote(key[2]) for key in found if key}


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sorts part.2 before part.10."""
    return tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part)
        for part in re.split(r"(\d{1,18})", name)
        if part
    )


def tables(names: Iterable[str]) -> list[str]:
    """The Parquet files among the names in a folder, in order; hidden and `_` ones are not data."""
    return sorted(
        (
            name
            for name in names
            if name.endswith((".parquet", ".pq"))
            and not any(part.startswith(("_", ".")) for part in name.split("/"))
        ),
        key=natural,
    )
