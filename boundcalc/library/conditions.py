"""Conditions as data: one small file each in data/conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from boundcalc.library.files import ids, read

SCHEMA_KEYS = {
    "functions": list,
    "constants": dict,
    "where": list,
    "slots": dict,
    "relations": dict,
    "guard": str,
}


@dataclass(frozen=True)
class Condition:
    """An inequality about functions at points, affine in its constants.

    schema : what the kernel reads (functions, constants, where, slots, guard, relations).
    said_of : of which functions; convention : what rival conventions exist; statement : in words,
        where the kernel's grammar cannot say it (its schema then has no relations).
    """

    id: str
    title: str
    reference: str
    said_of: str
    convention: str
    statement: str
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
        statement=raw.get("statement", ""),
        schema=_schema(raw),
    )


def _schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the kernel reads; slots as pairs, since JSON objects have no order."""
    schema = {key: raw.get(key, empty()) for key, empty in SCHEMA_KEYS.items()}
    return {**schema, "slots": [list(pair) for pair in schema["slots"].items()]}
