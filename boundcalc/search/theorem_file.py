"""Proofs for the files of theorems: from everything in a file but its proof."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.outcome import Undecided
from boundcalc.library.certificates import claim_of
from boundcalc.library.files import read
from boundcalc.search.symbolic import Found, find_proof


def theorem_file(name: str) -> Mapping[str, Any]:
    """The content of a theorem's file, by its path (ending in .toml) or its id.

    Raises InputError.
    """
    if not name.endswith(".toml"):
        return read("theorems", name)
    try:
        raw = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(Fault(name, str(error), "a TOML file", "correct it")) from error
    missing = [key for key in ("id", "hypotheses", "conclusion") if key not in raw]
    if missing:
        expected = "id, hypotheses, [conclusion], as in boundcalc/data/theorems"
        raise InputError(Fault(name, f"no {', '.join(missing)}", expected, "add it"))
    return raw


def proof_of_file(raw: Mapping[str, Any]) -> Found | Undecided:
    """A proof of a theorem whose file's [proof] is not looked at, its helping points aside.

    Raises InputError for a file whose claim is not well formed.
    """
    if "conclusion" not in raw:
        return Undecided(None, "a statement in words")
    points = raw.get("proof", {}).get("define", {})
    try:
        claim = claim_of(raw)
    except (KeyError, TypeError, AttributeError, ClaimError, GrammarError) as error:
        expected = "a theorem as in boundcalc/data/theorems"
        raise InputError(Fault(str(raw["id"]), repr(error), expected, "correct the file")) from None
    define = [{"name": name, "is": text} for name, text in points.items()]
    return find_proof(claim, str(raw["id"]), define)
