"""A certified band around beta*(alpha): lines below it from witnesses, chords above from proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import floor, log10
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import prepared
from boundcalc.kernel.analytic.facts import Facts
from boundcalc.kernel.analytic.frontier import (
    SCHEMA,
    Slopes,
    lies_below,
    slopes,
    verify_frontier,
)
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.polygon import (
    Line,
    Vertex,
    above,
    chords,
    envelope,
    upper_hull,
    width,
)
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import claim_of
from boundcalc.search.decide import Case
from boundcalc.search.numeric.estimate import Estimate
from boundcalc.search.prove.attempt import ERRORS, PRECISION, Success
from boundcalc.search.prove.witness import along_curve, at_point, into

SHORT = 10**6  # denominators up to which a line keeps its exact numbers
DIGITS = 12  # of other lines
SLACK = 20  # a pair is proved at most the wanted width divided by this above the estimate
MOST = 400  # alpha that are tried
ESTIMATE_SECONDS = 2.0

Certificate = Mapping[str, Any]
Witness = Mapping[str, Any]


@dataclass(frozen=True)
class Band:
    """Polygons with lower(alpha) ≤ beta*(alpha) ≤ upper(alpha) on a range of alpha.

    lower, upper : (alpha, beta), increasing in alpha, with the same ends; width : their largest
    distance, at widest_at; certificate : from which the kernel derived them; stopped : why the
    search did not go on.
    """

    lower: tuple[Vertex, ...]
    upper: tuple[Vertex, ...]
    width: Fraction
    widest_at: Fraction
    certificate: dict[str, Any]
    stopped: str


@dataclass
class _Items:
    """What is known so far: proved pairs, lines and the certificates whose facts they use."""

    pairs: list[Vertex] = field(default_factory=list)
    proofs: list[Certificate] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    origins: list[tuple[Certificate, Witness]] = field(default_factory=list)
    read: dict[int, tuple[Statement, Facts]] = field(default_factory=dict)  # by id of certificate

    def prove(self, certificate: Certificate) -> None:
        constants = certificate["claim"]["constants"]
        self.pairs.append((Fraction(constants["alpha"]), Fraction(constants["beta"])))
        self.proofs.append(certificate)

    def facts(self, certificate: Certificate) -> tuple[Statement, Facts]:
        """The facts of a certificate; it stays alive, so its id stays its own."""
        if id(certificate) not in self.read:
            statement, _, facts = prepared(certificate["claim"], certificate["facts"])
            self.read[id(certificate)] = statement, facts
        return self.read[id(certificate)]

    def add_line(self, sources: Sequence[Certificate], witness: Witness, alpha: Fraction) -> None:
        """The line of a witness that is highest at alpha, with the first facts that show one."""
        for source in sources:
            found = self._lines(source, witness)
            if found:
                self.lines.append(max(found, key=lambda line: line[0] * alpha + line[1]))
                self.origins.append((source, witness))
                return

    def _lines(self, source: Certificate, witness: Witness) -> list[Line]:
        """The lines that a witness shows with the facts of a certificate."""
        return [
            line
            for statement, one in self._slopes(source, witness)
            for line in _rounded(statement, one)
        ]

    def shows(self, source: Certificate, witness: Witness, line: Line) -> bool:
        """Whether a certificate's facts will do for a line."""
        with iv.precision(PRECISION):
            return any(lies_below(s, one, *line) for s, one in self._slopes(source, witness))

    def _slopes(self, source: Certificate, witness: Witness) -> list[tuple[Statement, Slopes]]:
        with iv.precision(PRECISION):
            try:
                statement, facts = self.facts(source)
                return [(statement, one) for one in slopes(statement, facts, dict(witness))]
            except ERRORS:
                return []

    def chains(self) -> tuple[list[Vertex], list[Vertex]]:
        hull = upper_hull(self.pairs)
        last = max(alpha for alpha, _ in self.pairs)
        return envelope(self.lines, hull[0][0], last)[0], chords(hull, last)


def _rounded(statement: Statement, one: Slopes) -> list[Line]:
    """The line of one inequality with short numbers, where the kernel follows; none or one."""
    terms = statement.context.terms
    with iv.precision(PRECISION):
        try:
            a, b, c = (
                iv.outward(evaluate(terms, node, one.values)) for node in (one.a, one.b, one.c)
            )
            if b[0] <= 0:
                return []
            tried = product(_below(a, b), _below((-c[1], -c[0]), b))
            return [line for line in tried if lies_below(statement, one, *line)][:1]
        except ERRORS:
            return []


def _below(top: tuple[Fraction, Fraction], bottom: tuple[Fraction, Fraction]) -> list[Fraction]:
    """Short numbers at or below the quotient of two intervals, the second one positive.

    First the simple number that it seems to be, if any, then one that is below for sure.
    """
    least = top[0] / bottom[1 if top[0] >= 0 else 0]
    near = least.limit_denominator(SHORT)
    found = [near] if abs(near - least) <= abs(least) / 2**90 else []
    if not least:
        return found
    step = Fraction(10) ** (floor(log10(abs(least))) + 1 - DIGITS)
    return [*found, floor(least / step) * step]


def band(case: Case, certificates: Sequence[Certificate], wanted: Fraction) -> Band | str:
    """A band of at most the wanted width, if time lets it; why there is none otherwise.

    case : of alpha-beta; certificates : proofs and counterexamples at some alpha to start from.
    """
    items = _Items()
    for certificate in certificates:
        if certificate["verdict"] == "proved":
            items.prove(certificate)
    if len({alpha for alpha, _ in items.pairs}) < 2:
        return "fewer than two pairs are proved"
    for certificate in certificates:
        if certificate["verdict"] == "refuted":
            alpha = Fraction(certificate["claim"]["constants"]["alpha"])
            items.add_line([*items.proofs, certificate], certificate["witness"], alpha)
    stopped = _refined(case, items, wanted)
    certificate = _certificate(items)
    case.budget.tell("checking the band")
    try:
        checked = verify_frontier(certificate)
    except Rejected as error:
        return f"the kernel rejected the band: {error}"
    return Band(
        checked.lower, checked.upper, checked.width, checked.widest_at, certificate, stopped
    )


def _refined(case: Case, items: _Items, wanted: Fraction) -> str:
    """Lines and proved pairs where the band is widest, one alpha after the other; why it ended."""
    dead: set[tuple[Fraction, Fraction]] = set()  # where nothing more was found
    for _ in range(MOST):
        lower, upper = items.chains()
        gap, alpha = width(lower, upper)
        if gap <= wanted:
            return "it is as narrow as wanted"
        if case.budget.left() <= 0:
            return "the time was used up"
        place = _widest(lower, upper, wanted, dead)
        if place is None:
            return f"nothing more was found near alpha = {float(alpha):.6g}"
        alpha, span = place
        case.budget.tell(f"a band of width {float(gap):.3g}; at alpha = {float(alpha):.6g}")
        _try(case, items, alpha, above(upper, alpha), wanted)
        if items.chains() == (lower, upper):
            dead.add(span)
    return f"{MOST} alpha were tried"


def _widest(
    lower: Sequence[Vertex],
    upper: Sequence[Vertex],
    wanted: Fraction,
    dead: set[tuple[Fraction, Fraction]],
) -> tuple[Fraction, tuple[Fraction, Fraction]] | None:
    """A short alpha near the widest place that is worth a try, and the chord or vertex it is on."""
    best = None
    ends = [alpha for alpha, _ in upper]
    for alpha in sorted({alpha for alpha, _ in (*lower, *upper)}):
        span = (
            max(end for end in ends if end <= alpha),
            min(end for end in ends if end >= alpha),
        )
        gap = above(upper, alpha) - above(lower, alpha)
        if gap > wanted and span not in dead and (best is None or gap > best[0]):
            best = gap, alpha, span
    if best is None:
        return None
    _, alpha, (left, right) = best
    step = Fraction(1)
    while left < right < left + 8 * step:
        step /= 2
    rounded = round(alpha / step) * step if left < right else alpha
    return (rounded if left < rounded < right else alpha), (left, right)


def _try(case: Case, items: _Items, alpha: Fraction, height: Fraction, wanted: Fraction) -> None:
    """A line that is high at alpha; a proved pair there, where that lowers the band by much."""
    best = case.estimate({"alpha": alpha}, min(ESTIMATE_SECONDS, case.budget.left()))
    if best is None or best.value is None:
        return
    for witness in _witnesses(case, alpha, best):
        items.add_line(items.proofs, witness, alpha)
    least = max(Fraction(0), Fraction(float(best.value)))
    if height - least > wanted / 2:
        beta = _short_above(least, wanted / SLACK)
        constants = {"alpha": str(alpha), "beta": str(beta)}
        found = case.prove(constants, 0.5 * case.budget.left())
        if isinstance(found, Success):
            items.prove(found.certificate)


def _short_above(least: Fraction, slack: Fraction) -> Fraction:
    """0 for 0, else a number of few digits, above by half the slack at least, at most all of it."""
    if not least:
        return least
    step = Fraction(10) ** floor(log10(slack) - log10(2))
    return -(-(least + slack / 2) // step) * step


def _witnesses(case: Case, alpha: Fraction, best: Estimate) -> Iterator[Witness]:
    claim = claim_of(case.problem, case.condition, {"alpha": str(alpha), "beta": "0"})
    if best.curve is not None:
        yield from along_curve(claim, case.framed, best.curve)
    if best.at is not None and best.kind == "minimiser":
        yield from into(claim, case.framed, best.at)
    elif best.at is not None:
        yield from at_point(claim, case.framed, [_simple(x) for x in best.at])


def _simple(x: Any) -> Fraction:
    """A rational near a number: the number itself where it is simple."""
    value = Fraction(float(x))
    near = value.limit_denominator(1_000)
    return near if abs(near - value) < Fraction(1, 10**12) else value.limit_denominator(10**9)


def _certificate(items: _Items) -> dict[str, Any]:
    """What the band needs, and the band."""
    hull = upper_hull(items.pairs)
    proofs = [items.proofs[items.pairs.index(pair)] for pair in hull]
    last = max(alpha for alpha, _ in items.pairs)
    lower, needed = envelope(items.lines, hull[0][0], last)
    kept: list[Certificate] = list(proofs)
    lines = []
    for k in sorted(needed):
        source, witness = items.origins[k]
        line = items.lines[k]
        of = next((n for n, own in enumerate(kept) if items.shows(own, witness, line)), len(kept))
        if of == len(kept):
            kept.append(source)
        written = [str(x) for x in line]
        lines.append({"of": of, "witness": dict(witness), "line": written})
    chain = {"lower": lower, "upper": chords(hull, last)}
    drawn = {side: [[str(x), str(y)] for x, y in vertices] for side, vertices in chain.items()}
    return {"schema": SCHEMA, "certificates": kept, "lines": lines, "band": drawn}
