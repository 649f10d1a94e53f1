"""Certificates of numbers of components, checked with no search.

{"schema": "boundcalc.levels-certificate/1", "claim_sha256": ..., "precision": 64,
 "claim": {"landscape": {"variables": ["x"], "formula": ..., "domain": {"x": ["-2", "2"]}},
           "levels": [{"level": "1/2", "lower": 2, "upper": 2}]},
 "proofs": [{"tree": packed bytes, "points": [["1"]]}]}

The claim: {f ≤ level} on the box has at least `lower` connected components and at most `upper`
(null: nothing is said).
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from fractions import Fraction
from typing import Final
from weakref import WeakKeyDictionary

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.paving import unpacked
from boundcalc.kernel.analytic.statement import rational
from boundcalc.kernel.claim import ClaimError, Json, digest, fields, items, text
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.levels.cells import Cells, Landscape, read_landscape
from boundcalc.kernel.levels.components import MAX_LEAVES, Count, counted

SCHEMA = "boundcalc.levels-certificate/1"
MIN_PRECISION = 53
MAX_LEVELS = 1_000


class _Seal:
    """The one object that makes `Counted`; it does not leave this file."""


_SEAL: Final = _Seal()


@dataclass(frozen=True, eq=False)
class Counted:
    """Numbers of components whose certificate was checked.

    levels : each level with its bounds. checks : leaves of the trees.
    """

    landscape: Landscape
    levels: tuple[tuple[Fraction, Count], ...]
    checks: int
    sha256: str
    seal: InitVar[_Seal]

    def __post_init__(self, seal: _Seal) -> None:
        if seal is not _SEAL:
            raise TypeError("only the kernel's checker makes Counted")
        _MADE[self] = (self.landscape, self.levels, self.sha256)


_MADE: WeakKeyDictionary[Counted, tuple[Landscape, tuple[tuple[Fraction, Count], ...], str]] = (
    WeakKeyDictionary()
)


def is_genuine(outcome: object) -> bool:
    """Whether the checker made this very object, and it says what it said then."""
    if not isinstance(outcome, Counted):
        return False
    return _MADE.get(outcome) == (outcome.landscape, outcome.levels, outcome.sha256)


def verify(data: Json) -> Counted:
    """Check a certificate. Raises Rejected."""
    try:
        keys = {"schema", "claim", "claim_sha256", "precision", "proofs"}
        raw = fields(data, "certificate", keys, set())
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"certificate: expected schema {SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        bits = raw["precision"]
        if type(bits) is not int or not MIN_PRECISION <= bits <= iv.MAX_PRECISION:
            raise ClaimError(f"certificate: between {MIN_PRECISION} and {iv.MAX_PRECISION} bits")
        with iv.precision(bits):
            return _verify(raw)
    except (
        ClaimError,
        GrammarError,
        Undefined,
        TypeError,
        RecursionError,
        ZeroDivisionError,
        OverflowError,
    ) as error:
        raise Rejected(str(error)) from error


def _verify(raw: dict[str, Json]) -> Counted:
    claim = fields(raw["claim"], "claim", {"landscape", "levels"}, set())
    landscape = read_landscape(claim["landscape"])
    said = [_level(entry) for entry in items(claim["levels"], "levels")]
    proofs = items(raw["proofs"], "proofs")
    if not 1 <= len(said) <= MAX_LEVELS or len(proofs) != len(said):
        raise Rejected(f"certificate: between 1 and {MAX_LEVELS} levels, and a proof for each")
    cells = Cells(landscape)
    checks = 0
    for (level, bounds), proof in zip(said, proofs, strict=True):
        parts = fields(proof, "proof", {"tree", "points"}, set())
        points = [
            tuple(rational(x, "points") for x in items(point, "points"))
            for point in items(parts["points"], "points")
        ]
        tree = unpacked(text(parts["tree"], "tree"))
        shown, leaves = counted(cells, tree, points, level)
        if bounds.lower > shown.lower:
            raise Rejected(f"level {level}: the tree shows {shown.lower} components, and no more")
        if bounds.upper is not None and (shown.upper is None or bounds.upper < shown.upper):
            raise Rejected(f"level {level}: the tree does not show an upper bound so small")
        checks += leaves
        if checks > MAX_LEAVES:
            raise Rejected(f"certificate: more than {MAX_LEAVES} leaves")
    return Counted(landscape, tuple(said), checks, raw["claim_sha256"], _SEAL)


def _level(data: Json) -> tuple[Fraction, Count]:
    raw = fields(data, "level", {"level", "lower", "upper"}, set())
    lower, upper = raw["lower"], raw["upper"]
    if type(lower) is not int or lower < 0 or not (upper is None or type(upper) is int):
        raise ClaimError("level: bounds are whole numbers")
    return rational(raw["level"], "level"), Count(lower, upper)


def summary(data: Json) -> tuple[str, int, str]:
    """What a certificate shows, in words; leaves; the hash of its claim. Raises Rejected."""
    found = verify(data)
    f, box = found.landscape.formula, found.landscape.box
    sides = ", ".join(
        f"{name} in [{lo}, {hi}]"
        for name, (lo, hi) in zip(found.landscape.variables, box, strict=True)
    )
    counts = "; ".join(f"λ = {level}: {_bounds(bounds)}" for level, bounds in found.levels)
    return f"components of {{{f} ≤ λ}} for {sides}: {counts}", found.checks, found.sha256


def _bounds(bounds: Count) -> str:
    if bounds.upper is None:
        return f"at least {bounds.lower}"
    if bounds.lower == bounds.upper:
        return str(bounds.lower)
    return f"{bounds.lower} to {bounds.upper}"
