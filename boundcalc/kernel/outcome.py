"""What can be said of a claim. Only the checker can say Proved; a log can only give Measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from fractions import Fraction
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from boundcalc.kernel.claim import Claim


class _Seal:
    """The one object that makes `Proved`; check.py alone imports it."""


SEAL: Final = _Seal()


@dataclass(frozen=True, eq=False)
class Proved:
    """A claim whose certificate was checked.

    cited : (id, hash of the claim) of what it takes on faith; checks : identities compared.
    """

    claim: Claim
    cited: frozenset[tuple[str, str]]
    checks: int
    seal: InitVar[_Seal]

    def __post_init__(self, seal: _Seal) -> None:
        if seal is not SEAL:
            raise TypeError("only the kernel's checker makes Proved")
        _MADE[self] = (self.claim, self.cited, self.checks)

    @property
    def axioms(self) -> frozenset[str]:
        """The ids of what it takes on faith."""
        return frozenset(id for id, _ in self.cited)


_MADE: WeakKeyDictionary[Proved, tuple[Claim, frozenset[tuple[str, str]], int]] = (
    WeakKeyDictionary()
)


def is_genuine(outcome: object) -> bool:
    """Whether the checker made this very object, and it says what it said then."""
    if not isinstance(outcome, Proved):
        return False
    claim, cited, checks = _MADE.get(outcome, (None, None, None))
    return outcome.claim is claim and outcome.cited is cited and outcome.checks == checks


@dataclass(frozen=True)
class Axiom:
    """A claim that is cited, not proved."""

    id: str
    claim: Claim
    reference: str


@dataclass(frozen=True)
class Refuted:
    """A claim with exact values at which it fails."""

    claim: Claim
    witness: Mapping[str, Fraction]


@dataclass(frozen=True)
class Undecided:
    """No proof and no counterexample; the enclosure of the best constant, where there is one."""

    enclosure: tuple[Fraction, Fraction] | None
    reason: str


@dataclass(frozen=True)
class Measured:
    """What rows of a log show: it holds on them, and nothing more."""

    region: str
    rows: int


Outcome: TypeAlias = Proved | Refuted | Undecided | Measured
