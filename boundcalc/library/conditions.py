"""Conditions as data: one small file each in data/conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from boundcalc.library.files import ids, read

SCHEMA_KEYS = ("functions", "constants", "where", "slots", "relations")


@dataclass(frozen=True)
class Condition:
    """An inequality about functions at points, affine in its constants.

    schema : what the kernel reads (functions, constants, where, slots, relations).
    said_of : "f" or "every f_i" or "a map"; convention : what rival conventions exist.
    """

    id: str
    title: str
    reference: str
    said_of: str
    convention: str
    schema: Mapping[str, Any]


def condition_ids() -> tuple[str, ...]:
    """All conditions of the catalogue."""
    return ids("conditions")


@cache
def load_condition(id: str) -> Condition:
    """Read data/conditions/<id>.toml. Raises InputError."""
    raw = read("conditions", id)
    return Condition(
        id=raw["id"],
        title=raw["title"],
        reference=raw["reference"],
        said_of=raw["said_of"],
        convention=raw.get("convention", ""),
        schema={key: raw.get(key, {} if key == "constants" else []) for key in SCHEMA_KEYS},
    )
