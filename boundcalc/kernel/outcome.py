"""What can be said of a claim. Only the checker can say Proved; a log can only give Measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from boundcalc.kernel.claim import Claim


class _Seal:
    """The one object that makes `Proved`; check.py alone imports it."""


SEAL: Final = _Seal()


@dataclass(frozen=True)
class Proved:
    """A claim whose certificate was checked.

    axioms : ids of what it takes on faith; checks : identities that were compared.
    """

    claim: Claim
    axioms: frozenset[str]
    checks: int
    seal: _Seal

    def __post_init__(self) -> None:
        if self.seal is not SEAL:
            raise TypeError("only the kernel's checker makes Proved")


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
