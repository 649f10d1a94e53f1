"""The checker of ball certificates: a statement about one system, and its proof."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Final
from weakref import WeakKeyDictionary

from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.claim import ClaimError, Json, digest, fields
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import TooLarge
from boundcalc.kernel.system.bounds import Bounds
from boundcalc.kernel.system.closing import Proof, close, read_proof
from boundcalc.kernel.system.decimals import decimal
from boundcalc.kernel.system.formula_bounds import bounds as formula_bounds
from boundcalc.kernel.system.network_bounds import network_bounds
from boundcalc.kernel.system.statement import SCHEMA, Statement, read_statement


class _Seal:
    """The one object that makes `BallProved`; it does not leave this file."""


_SEAL: Final = _Seal()


@dataclass(frozen=True, eq=False)
class BallProved:
    """A statement whose certificate was checked. route : see closing.py; checks : hypotheses."""

    statement: Statement
    route: str
    checks: int
    seal: InitVar[_Seal]

    def __post_init__(self, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("only the kernel's checker makes BallProved")
        _MADE[self] = (self.statement, self.checks)

    def says(self) -> str:
        """The statement in one line, in decimals rounded so that it stays true."""
        said = self.statement
        radius, inside = (decimal(said.radius, way) for way in (ROUND_CEILING, ROUND_FLOOR))
        mu, step = decimal(said.mu, ROUND_FLOOR), decimal(said.step_size, ROUND_FLOOR)
        return (
            f"a zero of L lies within {radius} of w0; gradient descent with step <= {step} stays "
            f"there and L(w_t) <= (1 - {mu}*step)^t L(w0); lambda_min(K) >= {mu} "
            f"within {inside}"
        )


_MADE: WeakKeyDictionary[BallProved, tuple[Statement, int]] = WeakKeyDictionary()


def is_genuine(outcome: object) -> bool:
    """Whether the checker made this very object, and it says what it said then."""
    if not isinstance(outcome, BallProved):
        return False
    return _MADE.get(outcome) == (outcome.statement, outcome.checks)


def _bounds(statement: Statement, proof: Proof) -> Bounds:
    """Enclosures of the system on its ball."""
    if statement.kind == "formulas":
        return formula_bounds(statement.system, statement.radius, proof.enclosures)
    if proof.enclosures is not None:
        raise ClaimError("enclosures: a network has none of its own")
    direct, inner = proof.route.endswith("direct"), proof.route.startswith("output")
    return network_bounds(statement.system, statement.radius, on_ball=direct, inner=inner)


def verify(data: Json) -> BallProved:
    """Check a certificate {"schema", "claim", "claim_sha256", "proof"}. Raises Rejected."""
    try:
        raw = fields(data, "certificate", {"schema", "claim", "claim_sha256", "proof"}, set())
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"certificate: expected schema {SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        statement, proof = read_statement(raw["claim"]), read_proof(raw["proof"])
        bounds = _bounds(statement, proof)
        return BallProved(statement, proof.route, close(statement, bounds, proof), _SEAL)
    except (
        ClaimError,
        GrammarError,
        TooLarge,
        Undefined,
        TypeError,
        ValueError,
        LookupError,
        RecursionError,
        ArithmeticError,
        AttributeError,
    ) as error:
        raise Rejected(str(error) or "not well formed") from error


def summary(data: Json) -> tuple[str, int, str]:
    """What a certificate shows, in words; checks; hash of its claim. Raises Rejected."""
    proved = verify(data)
    return proved.says(), proved.checks, proved.statement.sha256
