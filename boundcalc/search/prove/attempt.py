"""One attempt: facts and a way to conclude are given, proofs of all goals are looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import SCHEMA, prepared, verify
from boundcalc.kernel.analytic.goal import Goal, MatrixGoal
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import TooMany
from boundcalc.kernel.analytic.obligations import conclusions
from boundcalc.kernel.analytic.refutation import check_refutation
from boundcalc.kernel.claim import ClaimError, digest
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import TooLarge
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.goals import Proof, Prover

PRECISION = 128
ERRORS = (Rejected, ClaimError, GrammarError, TooLarge, TooMany, Undefined, ZeroDivisionError)


@dataclass(frozen=True)
class Success:
    """A certificate that the kernel accepted, and how its goals were closed, in words."""

    certificate: dict[str, Any]
    method: str
    checks: int


def prove(
    claim: Mapping[str, Any],
    facts: Mapping[str, Any],
    via: str,
    anchors: Sequence[Sequence[str]],
    budget: Budget,
    known: Mapping[str, Proof] | None = None,
) -> tuple[Success | Stopped, list[tuple[str, str]], dict[str, Proof]]:
    """A certificate of the claim; why there is none; and the proofs of goals that were found.

    known : proofs of goals of the same name from an earlier attempt with the same facts.
    """
    prover: Prover | None = None
    proofs: dict[str, Proof] = {}
    with iv.precision(PRECISION):
        try:
            statement, needed, read = prepared(claim, facts)
            goals = [*needed, *read.goals, *conclusions(statement, read, via, list(anchors))]
            prover = Prover(statement.context, budget)
            stopped = _all(prover, goals, proofs, known or {})
        except ERRORS as error:
            stopped = Stopped("facts", str(error))
    attempts = list(prover.attempts) if prover is not None else []
    if stopped is not None and not attempts:
        attempts = [(stopped.method, stopped.reason)]
    if stopped is not None:
        return stopped, attempts, proofs
    body = {
        **_head(claim, "proved", facts, proofs),
        "via": via,
        "anchors": [list(point) for point in anchors],
    }
    found = _checked(body, prover)
    if isinstance(found, Stopped):
        attempts.append((found.method, found.reason))
    return found, attempts, proofs


def refute(
    claim: Mapping[str, Any],
    facts: Mapping[str, Any],
    witness: Mapping[str, Any],
    budget: Budget,
) -> Success | Stopped:
    """A certificate that the witness refutes the claim, or why it does not."""
    proofs: dict[str, Proof] = {}
    prover: Prover | None = None
    with iv.precision(PRECISION):
        try:
            statement, needed, read = prepared(claim, facts)
            more = check_refutation(statement, read, dict(witness))
            prover = Prover(statement.context, budget)
            stopped = _all(prover, [*needed, *read.goals, *more], proofs, {})
        except ERRORS as error:
            stopped = Stopped("witness", str(error))
    if stopped is not None:
        return stopped
    body = {**_head(claim, "refuted", facts, proofs), "witness": dict(witness)}
    return _checked(body, prover)


def _all(
    prover: Prover,
    goals: Sequence[Goal | MatrixGoal],
    proofs: dict[str, Proof],
    known: Mapping[str, Proof],
) -> Stopped | None:
    for goal in goals:
        old = known.get(goal.name) if not goal.name.startswith("condition") else None
        found = prover.prove(goal) if old is None else old
        if isinstance(found, Stopped):
            return Stopped(f"{goal.name}: {found.method}", found.reason, found.failing)
        proofs[goal.name] = found
    return None


def _head(
    claim: Mapping[str, Any],
    verdict: str,
    facts: Mapping[str, Any],
    proofs: Mapping[str, Proof],
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "claim": dict(claim),
        "claim_sha256": digest(dict(claim)),
        "verdict": verdict,
        "precision": PRECISION,
        "facts": dict(facts),
        "proofs": dict(proofs),
    }


def _checked(body: dict[str, Any], prover: Prover | None) -> Success | Stopped:
    """The kernel's word on the whole certificate."""
    try:
        decided = verify(body)
    except Rejected as error:
        return Stopped("kernel", f"rejected: {error}")
    methods = prover.methods if prover is not None else {}
    words = [
        f"{count} box{'' if count == 1 else 'es'}" if name == "boxes" else name
        for name, count in methods.items()
    ]
    return Success(body, ", ".join(words), decided.checks)
