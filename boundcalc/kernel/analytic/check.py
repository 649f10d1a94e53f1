"""Certificates of claims about given functions: proved or refuted, checked with no search.

{"schema": "boundcalc.analytic-certificate/1", "claim": ..., "claim_sha256": ...,
 "verdict": "proved" | "refuted", "precision": 106, "facts": {...}, "via": "direct",
 "anchors": [], "proofs": {goal: proof}, "witness": {...} where refuted}
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Final
from weakref import WeakKeyDictionary

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import require_smooth
from boundcalc.kernel.analytic.facts import Facts, defined
from boundcalc.kernel.analytic.goal import Goal, MatrixGoal
from boundcalc.kernel.analytic.interval import Undefined, precision
from boundcalc.kernel.analytic.known import read_known
from boundcalc.kernel.analytic.normal import TooMany
from boundcalc.kernel.analytic.obligations import conclusions
from boundcalc.kernel.analytic.proof import check_goal, sub_proofs
from boundcalc.kernel.analytic.refutation import check_refutation
from boundcalc.kernel.analytic.statement import Statement, read_statement
from boundcalc.kernel.claim import ClaimError, Json, digest, fields, items, text
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import TooLarge

SCHEMA = "boundcalc.analytic-certificate/1"
ENCLOSURE_SCHEMA = "boundcalc.enclosure-certificate/1"
MAX_PARTS = 100
MIN_PRECISION = 53
FAULTS = (
    ClaimError,
    GrammarError,
    TooLarge,
    TooMany,
    Undefined,
    TypeError,
    RecursionError,
    ZeroDivisionError,
    OverflowError,
)
"""What wrong data may raise while they are checked."""


class _Seal:
    """The one object that makes `Decided`; it does not leave this file."""


_SEAL: Final = _Seal()


@dataclass(frozen=True, eq=False)
class Decided:
    """A claim whose certificate was checked: verdict "proved" or "refuted".

    checks : elementary steps (leaves of pavings, identities, ...).
    """

    statement: Statement
    verdict: str
    checks: int
    seal: InitVar[_Seal]

    def __post_init__(self, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("only the kernel's checker makes Decided")
        _MADE[self] = (self.statement, self.verdict, self.checks)


_MADE: WeakKeyDictionary[Decided, tuple[Statement, str, int]] = WeakKeyDictionary()


def is_genuine(outcome: object) -> bool:
    """Whether the checker made this very object, and it says what it said then."""
    if not isinstance(outcome, Decided):
        return False
    statement, verdict, checks = _MADE.get(outcome, (None, "", -1))
    return (
        outcome.statement is statement and outcome.verdict == verdict and outcome.checks == checks
    )


def prepared(claim: Json, facts: Json) -> tuple[Statement, tuple[Goal, ...], Facts]:
    """The statement, the goals of definedness, and the facts. Raises ClaimError, Rejected."""
    statement = read_statement(claim)
    goals, positive = defined(statement)
    return statement, goals, read_known(statement, facts, positive)


def verify_all(data: Json) -> tuple[Decided, ...]:
    """Check a certificate, or all those of an enclosure (see there). Raises Rejected."""
    if not isinstance(data, dict) or data.get("schema") != ENCLOSURE_SCHEMA:
        return (verify(data),)
    try:
        raw = fields(data, "enclosure", {"schema", "certificates"}, set())
        parts = items(raw["certificates"], "enclosure")
    except ClaimError as error:
        raise Rejected(str(error)) from error
    if not 1 <= len(parts) <= MAX_PARTS:
        raise Rejected(f"enclosure: between 1 and {MAX_PARTS} certificates")
    return tuple(verify(part) for part in parts)


def verify(data: Json) -> Decided:
    """Check a certificate. Raises Rejected."""
    return verify_with_facts(data)[0]


def verify_with_facts(data: Json) -> tuple[Decided, Facts]:
    """Check a certificate; its facts about minima have been shown then. Raises Rejected."""
    try:
        keys = {"schema", "claim", "claim_sha256", "verdict", "facts", "proofs"}
        raw = fields(data, "certificate", keys, {"precision", "via", "anchors", "witness"})
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"certificate: expected schema {SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        bits = raw.get("precision", 106)
        if not isinstance(bits, int) or not MIN_PRECISION <= bits <= iv.MAX_PRECISION:
            raise ClaimError(f"certificate: between {MIN_PRECISION} and {iv.MAX_PRECISION} bits")
        with precision(bits):
            return _verify(raw)
    except FAULTS as error:
        raise Rejected(str(error)) from error


def _verify(raw: dict[str, Json]) -> tuple[Decided, Facts]:
    statement, needed, facts = prepared(raw["claim"], raw["facts"])
    goals: list[Goal | MatrixGoal] = [*needed, *facts.goals]
    verdict = text(raw["verdict"], "verdict")
    if verdict == "proved":
        if statement.open is not None or "witness" in raw:
            raise ClaimError("certificate: a proof has a value for every constant, and no witness")
        via = text(raw.get("via", "direct"), "via")
        goals.extend(conclusions(statement, facts, via, raw.get("anchors", [])))
    elif verdict == "refuted":
        goals.extend(check_refutation(statement, facts, raw.get("witness")))
    else:
        raise ClaimError("certificate: a verdict is proved or refuted")
    proofs = sub_proofs(raw["proofs"])
    if set(proofs) != {goal.name for goal in goals} or len(proofs) != len(goals):
        missing = sorted({goal.name for goal in goals} ^ set(proofs))
        raise Rejected(f"certificate: one proof for each goal; look at {missing[:5]}")
    for goal in goals:
        rows = [goal.rows] if isinstance(goal, MatrixGoal) else [[(goal.term, *goal.constraints)]]
        nodes = [entry for block in rows for row in block for entry in row]
        require_smooth(statement.context, (*goal.positive, *facts.positive), nodes)
    checks = 0 if verdict == "proved" else 1
    for goal in goals:
        checks += check_goal(statement.context, goal, proofs[goal.name])
    return Decided(statement, verdict, checks, _SEAL), facts
