"""Check all files of the catalogue, and collect every fault of every file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.claim import ClaimError, read_claim, read_condition
from boundcalc.kernel.grammar import GrammarError, parse, parse_relation
from boundcalc.kernel.identity import Rejected
from boundcalc.library.certificates import CONCLUSION_KEYS, claim_of
from boundcalc.library.conditions import load_condition
from boundcalc.library.files import ids, read
from boundcalc.library.hypotheses import read_hypothesis
from boundcalc.library.proofs import prove_file
from boundcalc.library.topology import FOLDER, level_theorem_faults

CONDITION_KEYS = {"id", "title", "reference", "said_of", "functions", "constants", "slots"}
CONDITION_KEYS |= {"relations"}
CONDITION_MORE = {"where", "guard", "convention", "statement"}
THEOREM_KEYS = {"id", "title", "reference", "hypotheses"}
OTHER_FORMULAS = ("step_size_limit", "step_size_least", "best_step", "lower", "critical_batch")
FORMULAS = (*CONCLUSION_KEYS, *OTHER_FORMULAS)
THEOREM_MORE = {
    *FORMULAS, "quantity", "step_size_strict", "lower_theorem", "note", "statement", "points",
    "vectors", "functions", "state", "next", "constants", "constraints", "values", "setup",
    "conclusion", "proof", "defaults",
}  # fmt: skip


def faults() -> list[Fault]:
    """Every fault of every file in data/conditions, data/theorems and data/topology."""
    found: list[Fault] = []
    folders = (("conditions", _condition), ("theorems", _theorem), (FOLDER, level_theorem_faults))
    for folder, check in folders:
        for id in ids(folder):
            where = f"data/{folder}/{id}.toml"
            try:
                raw = read(folder, id)
            except InputError as error:
                found += error.faults
                continue
            found += check(where, id, raw)
    return found


def _keys(
    where: str, id: str, raw: Mapping[str, Any], keys: set[str], more: set[str]
) -> list[Fault]:
    found = [Fault(where, "nothing", f"the key {key}", "add it") for key in sorted(keys - set(raw))]
    for key in sorted(set(raw) - keys - more):
        found.append(Fault(where, f"the key {key}", "a known key", "remove or correct it"))
    if raw.get("id") != id:
        found.append(Fault(where, f"id {raw.get('id')!r}", f"{id!r}, as the file", "rename it"))
    for key in ("title", "reference"):
        if key in raw and not str(raw[key]).strip():
            found.append(Fault(where, f"an empty {key}", "words", "write it"))
    return found


def _try(where: str, expected: str, action: Callable[[], object]) -> list[Fault]:
    try:
        action()
    except InputError as error:
        return [Fault(where, f.found, f.expected, f.fix) for f in error.faults]
    except (GrammarError, ClaimError, Rejected, KeyError, TypeError, AttributeError) as error:
        return [Fault(where, str(error), expected, "correct it")]
    return []


def _condition(where: str, id: str, raw: Mapping[str, Any]) -> list[Fault]:
    found = _keys(where, id, raw, CONDITION_KEYS, CONDITION_MORE)
    if found:
        return found
    schema = load_condition(id).schema
    found += _try(where, "a schema", lambda: read_condition(dict(schema), id))
    written = [*schema["where"], *schema["relations"].values()]
    for text in written + ([schema["guard"]] if schema["guard"] else []):
        found += _try(f"{where}: {text}", "a relation", partial(parse_relation, text, None))
    if not written and not raw.get("statement"):
        found.append(Fault(where, "no relation", "a relation or a statement", "add one"))
    return found


def _theorem(where: str, id: str, raw: Mapping[str, Any]) -> list[Fault]:
    found = _keys(where, id, raw, THEOREM_KEYS, THEOREM_MORE)
    for key in FORMULAS:
        if key in raw:
            found += _try(f"{where}: {key}", "a formula", partial(parse, raw[key]))
    for name, text in raw.get("defaults", {}).items():
        found += _try(f"{where}: defaults: {name}", "a formula", partial(parse, text))
    for line in raw.get("hypotheses", []):
        found += _try(f"{where}: {line}", "a hypothesis", partial(read_hypothesis, line))
    if ("lower" in raw) != (raw.get("lower_theorem") in ids("theorems")):
        expected = "with lower, the theorem that proves it of an example"
        found.append(Fault(where, str(raw.get("lower_theorem")), expected, "name it"))
    if "conclusion" not in raw:
        if not raw.get("statement"):
            found.append(Fault(where, "no conclusion", "a conclusion or a statement", "add one"))
        return found
    if not found:
        found += _try(where, "a claim", lambda: read_claim(claim_of(raw)))
    if not found and "proof" in raw:
        found += _try(f"{where}: proof", "a proof", lambda: prove_file(raw))
    return found
