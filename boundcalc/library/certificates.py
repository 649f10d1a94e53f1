"""From a theorem's file to the claim and the proof that the kernel reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from boundcalc.kernel.claim import CLAIM_SCHEMA, canonical, digest
from boundcalc.kernel.outcome import Proved
from boundcalc.library.conditions import condition_ids, load_condition
from boundcalc.library.files import read
from boundcalc.library.hypotheses import read_hypothesis
from boundcalc.library.theorems import theorem_ids

RUN_CONSTANTS = ("gamma", "steps", "gamma_sum", "gamma_sqsum")
CONCLUSION_KEYS = ("bound", "bound_varying", "rate", "floor", "radius")


def claim_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The claim of a theorem's file, as the kernel's JSON data."""
    hypotheses = [asdict(read_hypothesis(line)) for line in raw["hypotheses"]]
    conclusion = dict(raw["conclusion"])
    for key in CONCLUSION_KEYS:
        if key in raw and key in _wanted(conclusion["rule"]):
            conclusion[key] = raw[key]
    if conclusion["rule"] == "implies":
        conclusion = {"rule": "implies", **_concluded(conclusion)}
    used = {h["condition"] for h in hypotheses} | {conclusion.get("condition", "")} - {""}
    claim: dict[str, Any] = {
        "schema": CLAIM_SCHEMA,
        "parameters": _parameters(raw),
        "conditions": {id: dict(load_condition(id).schema) for id in sorted(used)},
        "hypotheses": hypotheses,
        "setup": _setup(raw),
        "conclusion": conclusion,
    }
    for key in ("functions", "points", "vectors", "state", "next"):
        if key in raw:
            claim[key] = raw[key]
    return claim


def stranger(proved: Proved, claim: Mapping[str, Any]) -> str | None:
    """What a certificate calls by a name of the catalogue and is not the catalogue's, in words.

    The kernel takes axioms and conditions as the certificate writes them: whether they are the
    catalogue's is for this comparison to say. None where all are.
    """
    for id, sha256 in sorted(proved.cited):
        if id not in theorem_ids() or sha256 != _claim_sha256(id):
            return f"{id}: this axiom is not the catalogue's (claim {sha256})"
    for id, schema in claim["conditions"].items():
        if id not in condition_ids() or canonical(schema) != canonical(_schema(id)):
            return f"{id}: this condition is not the catalogue's"
    return None


def theorem_of(sha256: str) -> str | None:
    """The theorem of the catalogue whose claim has this hash."""
    return next((id for id in theorem_ids() if _claim_sha256(id) == sha256), None)


@cache
def _claim_sha256(id: str) -> str | None:
    raw = read("theorems", id)
    return digest(claim_of(raw)) if "conclusion" in raw else None


def _schema(id: str) -> dict[str, Any]:
    return dict(load_condition(id).schema)


def _wanted(rule: str) -> tuple[str, ...]:
    return {
        "telescoping": ("bound", "bound_varying"),
        "potential": ("bound",),
        "contraction": ("rate", "floor"),
        "path-length": ("rate", "radius"),
        "stopped": ("rate", "radius"),
    }.get(rule, ())


def _concluded(conclusion: Mapping[str, Any]) -> dict[str, Any]:
    """An implication's conclusion is written as a hypothesis is."""
    said = read_hypothesis(conclusion["holds"])
    slots = load_condition(said.condition).schema["slots"]
    at = {slot: conclusion.get("at", {}).get(slot, slot) for slot, _ in slots}
    return {
        "condition": said.condition,
        "of": said.of,
        "constants": said.constants,
        "at": at,
    }


def _parameters(raw: Mapping[str, Any]) -> dict[str, str]:
    """The declared constants, and those of a run that the file mentions."""
    written = str([raw.get(key) for key in ("setup", "conclusion", *CONCLUSION_KEYS)])
    words = set(re.findall(r"\w+", written)) | ({"gamma"} if "step_size_limit" in raw else set())
    run = {name: "positive" for name in RUN_CONSTANTS if name in words}
    return {**run, **raw.get("constants", {})}


def _setup(raw: Mapping[str, Any]) -> list[dict[str, str]]:
    """The limit on the step size, constraints, values, and definitions, in this order.

    A limit that [setup] mentions comes where it stands there, in its own words if it has any.
    """
    entries: dict[str, str] = {}
    order = dict(raw.get("setup", {}))
    order = {**raw.get("constraints", {}), **raw.get("values", {}), **order}
    if "step_size_limit" in raw and "limit" not in order:
        order = {"limit": "", **order}
    for name, text in order.items():
        if name == "limit" and not text:
            sign = "<" if raw.get("step_size_strict", False) else "<="
            text = f"gamma {sign} {raw['step_size_limit']}"  # noqa: PLW2901
        entries[name] = text
    return [
        {"name": name, "holds" if re.search("[<>]", text) else "is": text}
        for name, text in entries.items()
    ]


def proof_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The proof of a theorem's file; a bare text stands for {"by": text}."""
    proof = {key: value for key, value in raw["proof"].items() if key != "note"}
    for key in ("show", "defined"):
        if key in proof:
            proof[key] = {name: _node(node) for name, node in proof[key].items()}
    if "lemmas" in proof:
        proof["lemmas"] = [_lemma(lemma) for lemma in proof["lemmas"]]
    if "define" in proof:
        proof["define"] = [{"name": k, "is": v} for k, v in proof["define"].items()]
    return proof


def _lemma(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A lemma may carry the keys of its proof beside its own."""
    own = {key: raw[key] for key in ("name", "holds", "expected") if key in raw}
    rest = {key: value for key, value in raw.items() if key not in own}
    return {**own, "proof": _node(rest.get("proof", rest))}


def _node(node: Any) -> Any:
    """A proof node in full."""
    if isinstance(node, str):
        return {"by": node}
    made = dict(node)
    if "lemmas" in made:
        lemmas = [_lemma(lemma) for lemma in made.pop("lemmas")]
        return {"lemmas": lemmas, "proof": _node(made)}
    for key in ("nonnegative", "nonpositive", "positive"):
        if key in made:
            made[key] = _node(made[key])
    if "branches" in made:
        made["branches"] = [_node(branch) for branch in made["branches"]]
    for key, name in (("split", "split"), ("cases", "case")):
        if key in made:
            # a nested node gives its own name; most have one level only
            made.setdefault("name", made.pop("as", name))
    return made
