"""Tamper with every certificate of the catalogue: `python tests/library/tamper.py --mutants 2000`.

Every mutant must be rejected by the kernel, or be confirmed by the oracle (oracle.py, sympy) to be
a proof of what it states still. Prints one line per theorem, and the total.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from oracle import confirm
from oracle_world import NotShownError
from tampering import Tamperer

from boundcalc.kernel.check import Premise, check
from boundcalc.kernel.identity import Rejected
from boundcalc.library.certificates import claim_of, proof_of
from boundcalc.library.files import read
from boundcalc.library.proofs import implication
from boundcalc.library.theorems import theorem_ids

PROVED = [id for id in theorem_ids() if "proof" in read("theorems", id)]
IMPLICATIONS = [
    id
    for id in theorem_ids()
    if read("theorems", id).get("conclusion", {}).get("rule") == "implies"
]


@dataclass
class Tally:
    """What became of the mutants of one certificate."""

    id: str
    kinds: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    confirmed: int = 0
    stricter: list[str] = field(default_factory=list)  # rejected, and proofs to the oracle
    wrong: list[str] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        return self.kinds.total()


@cache
def premises() -> dict[str, Premise]:
    """All implications of the catalogue: a mutant may use a wrong one."""
    return {id: implication(id) for id in IMPLICATIONS}


@cache
def implied() -> dict[str, Any]:
    """Their claims, for the oracle."""
    return {id: claim_of(read("theorems", id)) for id in IMPLICATIONS}


def others(id: str) -> dict[str, Premise]:
    """The implications that a proof of a theorem may use: not itself."""
    return {name: premise for name, premise in premises().items() if name != id}


def accepted(id: str, claim: Any, proof: Any) -> bool:
    """The kernel's word on a mutant."""
    try:
        check(claim, proof, others(id))
    except Rejected:
        return False
    return True


def refuses(id: str, claim: Any, proof: Any) -> str:
    """Why the oracle does not confirm a mutant; empty where it does."""
    known = {name: data for name, data in implied().items() if name != id}
    try:
        confirm(claim, proof, known)
    except NotShownError as error:
        return str(error) or "not shown"
    return ""


def tamperer_of(id: str) -> Tamperer:
    """What makes mutants of one certificate, the same at every run."""
    raw = read("theorems", id)
    return Tamperer(claim_of(raw), proof_of(raw), IMPLICATIONS, id)


def tamper(id: str, wanted: int, both: bool = False) -> Tally:
    """Judge distinct mutants of one certificate; `both`: ask the oracle about rejected ones too."""
    tally, tamperer = Tally(id), tamperer_of(id)
    if not accepted(id, *tamperer.original) or refuses(id, *tamperer.original):
        tally.wrong.append(f"{id}: the proof itself is not confirmed")
    for kind, claim, proof in tamperer.distinct(wanted):
        tally.kinds[kind] += 1
        if not accepted(id, claim, proof):
            tally.rejected += 1
            if both and not refuses(id, claim, proof):
                tally.stricter.append(f"{id}: {kind}\n  {claim}\n  {proof}")
        elif why := refuses(id, claim, proof):
            tally.wrong.append(f"{id}: {kind}: {why}\n  {claim}\n  {proof}")
        else:
            tally.confirmed += 1
    return tally


def table(tallies: Iterable[Tally]) -> int:
    """Print the counts; the number of mutants that were wrongly accepted."""
    total = Tally("all")
    for tally in tallies:
        total.kinds += tally.kinds
        total.rejected += tally.rejected
        total.confirmed += tally.confirmed
        total.wrong += tally.wrong
        total.stricter += tally.stricter
        _line(tally)
    _line(total)
    for kind, count in total.kinds.most_common():
        sys.stdout.write(f"  {count:7} {kind}\n")
    for stricter in total.stricter:
        sys.stdout.write(f"rejected, and a proof to the oracle: {stricter}\n")
    for wrong in total.wrong:
        sys.stdout.write(f"wrongly accepted: {wrong}\n")
    return len(total.wrong)


def _line(tally: Tally) -> None:
    sys.stdout.write(
        f"{tally.id:36} {tally.mutants:7} mutants {tally.rejected:7} rejected "
        f"{tally.confirmed:6} proofs still {len(tally.wrong):3} wrong\n"
    )
    sys.stdout.flush()


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mutants", type=int, default=2000, help="of each certificate")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--both", action="store_true", help="ask the oracle about all (slow)")
    options.add_argument("ids", nargs="*", default=PROVED)
    given = options.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        return min(
            1, table(pool.map(partial(tamper, wanted=given.mutants, both=given.both), given.ids))
        )


if __name__ == "__main__":
    sys.exit(main())
