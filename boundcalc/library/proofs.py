"""Re-check the catalogue: every theorem's proof by the kernel, axioms as axioms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from boundcalc.kernel.certificate import axiom, certificate
from boundcalc.kernel.check import Premise, check
from boundcalc.kernel.claim import read_claim
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Axiom, Proved
from boundcalc.library.certificates import claim_of, proof_of
from boundcalc.library.files import read
from boundcalc.library.theorems import theorem_ids


@dataclass(frozen=True)
class Cited:
    """A statement in words, with its source: outside the kernel's language, used by no proof."""

    id: str
    reference: str


@cache
def prove(id: str) -> Proved | Axiom | Cited:
    """The kernel's word on one theorem of the catalogue.

    Raises Rejected where its proof does not check.
    """
    raw = read("theorems", id)
    if "conclusion" not in raw:
        return Cited(id, raw["reference"])
    if "proof" not in raw:
        return Axiom(id, read_claim(claim_of(raw)), raw["reference"])
    return prove_file(raw)


def prove_file(raw: Mapping[str, Any]) -> Proved:
    """Check the proof of a theorem's file content. Raises Rejected."""
    premises: dict[str, Premise] = {}
    for entry in raw["proof"].get("derive", []):
        by = entry.get("by", "")
        if by in theorem_ids() and by != raw["id"]:
            premises[by] = implication(by)
    return check(claim_of(raw), proof_of(raw), premises)


Answer: TypeAlias = Proved | Axiom | Cited | Rejected


def implication(id: str) -> Premise:
    """A theorem for use in other proofs. Raises Rejected for a statement in words."""
    premise = prove(id)
    if isinstance(premise, Cited):
        raise Rejected(f"{id} is a statement in words")
    return premise


def certificate_of(id: str) -> dict[str, Any]:
    """The certificate of a theorem, with those of all it rests on; axioms are named as such.

    Raises KeyError for a statement in words, which has no certificate.
    """
    raw = read("theorems", id)
    if "proof" not in raw:
        return axiom(claim_of(raw), raw["reference"])
    used = {entry["by"] for entry in raw["proof"].get("derive", [])}
    premises = {by: certificate_of(by) for by in sorted(used)}
    return certificate(claim_of(raw), proof_of(raw), premises)


def prove_all() -> dict[str, Answer]:
    """Every theorem of the catalogue, with the kernel's answer."""
    return {id: answer(id) for id in theorem_ids()}


def answer(id: str) -> Answer:
    """The kernel's answer on one theorem, a rejection included."""
    try:
        return prove(id)
    except Rejected as rejected:
        return rejected
