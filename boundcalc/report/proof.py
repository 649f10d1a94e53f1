"""A proof as the [proof] table of a theorem's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def proof_table(proof: Mapping[str, Any]) -> str:
    """TOML to paste at the end of a theorem's file; it reads back as the same proof."""
    head = [f"{key} = {_value(made)}" for key, made in _head(proof).items()]
    tables = [("proof", head)] if head else []
    if proof.get("use"):
        tables.append(("proof.use", [f"{n} = {_value(e)}" for n, e in proof["use"].items()]))
    show = {n: node["by"] if set(node) == {"by"} else node for n, node in proof["show"].items()}
    tables.append(("proof.show", [f"{n} = {_value(node)}" for n, node in show.items()]))
    return "\n\n".join("\n".join((f"[{name}]", *lines)) for name, lines in tables) + "\n"


def _head(proof: Mapping[str, Any]) -> dict[str, Any]:
    """What stands before the tables, without what may be left out."""
    found: dict[str, Any] = {}
    if proof.get("derive"):
        found["derive"] = [_entry(entry) for entry in proof["derive"]]
    if proof.get("define"):
        found["define"] = {step["name"]: step["is"] for step in proof["define"]}
    if proof.get("lemmas"):
        found["lemmas"] = [
            {"name": lemma["name"], "holds": lemma["holds"], **lemma["proof"]}
            for lemma in proof["lemmas"]
        ]
    return found


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    constants = {name: text for name, text in entry.get("constants", {}).items() if name != text}
    extra = {"constants": constants, "of": entry.get("of")}
    return {"name": entry["name"], "by": entry["by"], **{k: v for k, v in extra.items() if v}}


def _value(value: Any) -> str:
    """TOML; texts are ASCII expressions and names, whose JSON form is TOML's too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
