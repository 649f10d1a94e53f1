"""Certificates: a claim, its hash, its proof and all that the proof rests on, in one JSON value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from boundcalc.kernel.check import Premise, check
from boundcalc.kernel.claim import ClaimError, Json, canonical, digest, fields, read_claim, text
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Axiom, Proved
from boundcalc.kernel.polynomial import limited

CERTIFICATE_SCHEMA = "boundcalc.certificate/1"
MAX_CHARACTERS = 20_000_000
MAX_DEPTH = 20  # of premises within premises
AXIOM = re.compile(r"[\w-]+", re.ASCII)


def certificate(claim: Json, proof: Json, premises: Mapping[str, Json]) -> dict[str, Json]:
    """The JSON value of a certificate; premises are certificates or axioms, by id."""
    return {
        "schema": CERTIFICATE_SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "proof": proof,
        "premises": dict(premises),
    }


def axiom(claim: Json, reference: str) -> dict[str, Json]:
    """The JSON value of a claim that is cited."""
    return {"axiom": reference, "claim": claim}


def written(data: Json) -> str:
    """The canonical text of a certificate."""
    return canonical(data) + "\n"


def read(content: str) -> Json:
    """The JSON value of a certificate's text; numbers that are not integers are refused.

    Raises Rejected.
    """
    if len(content) > MAX_CHARACTERS:
        raise Rejected(f"longer than {MAX_CHARACTERS} characters")
    try:
        return json.loads(
            content, parse_float=_refused, parse_constant=_refused, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not a JSON text: {error}") from error


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is given twice")
    return made


def _refused(number: str) -> None:
    raise ValueError(f"{number}: numbers of a certificate are written as text")


@limited
def verify(data: Json, depth: int = 0) -> Proved:
    """Check a certificate and everything that it rests on. Raises Rejected."""
    if depth > MAX_DEPTH:
        raise Rejected(f"premises nested deeper than {MAX_DEPTH}")
    try:
        keys = {"schema", "claim", "claim_sha256", "proof", "premises"}
        raw = fields(data, "certificate", keys, set())
        if raw["schema"] != CERTIFICATE_SCHEMA:
            raise ClaimError(f"certificate: expected schema {CERTIFICATE_SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        if not isinstance(raw["premises"], dict):
            raise ClaimError("certificate: premises are an object")
        premises = {id: _premise(id, entry, depth) for id, entry in raw["premises"].items()}
    except (ValueError, TypeError, RecursionError) as error:
        raise Rejected(str(error)) from error
    return check(raw["claim"], raw["proof"], premises)


def _premise(id: str, data: Json, depth: int) -> Premise:
    if isinstance(data, dict) and "axiom" in data:
        raw = fields(data, id, {"axiom", "claim"}, set())
        if AXIOM.fullmatch(id) is None:  # it is printed beside the verdict
            raise ClaimError(f"{id!r}: an axiom's id has letters, digits and hyphens")
        return Axiom(id, read_claim(raw["claim"]), text(raw["axiom"], id))
    return verify(data, depth + 1)
