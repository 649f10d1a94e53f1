"""Does a condition hold with given constants? Proofs and counterexamples, within a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.library.analytic import claim_of
from boundcalc.library.conditions import load_condition
from boundcalc.library.problem import Problem
from boundcalc.search.defined import require_defined
from boundcalc.search.numeric.estimate import Estimate, estimate
from boundcalc.search.numeric.ratio import RatioError
from boundcalc.search.numeric.zero_curve import KNOWN, ZeroCurve, curve_estimate
from boundcalc.search.numeric.zero_flats import flat_estimate
from boundcalc.search.prove.attempt import Success, prove, refute
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.minima import Minima
from boundcalc.search.prove.residual import sum_of_squares
from boundcalc.search.prove.tidy import tidy
from boundcalc.search.prove.witness import (
    along_curve,
    at_point,
    downward,
    into,
    off_curve,
    outward,
    stationary,
)

Progress = Callable[..., None]

FALLS_FROM_STRONG_CONVEXITY = ("pl", "rsi", "eb", "qg")
FALLS_FROM_PL = ("eb", "qg")
FAILS_WHERE_STATIONARY = ("rsi", "eb", "aiming")
FALLS_FROM_CONVEXITY = ("aiming", "alpha-beta")
FALLS_FROM_CONDITIONING = ("pl", "pl-star")
TIME_UP = "the time was used up"
SMALLEST = ("L", "beta")  # constants of which the smallest is sought; the largest of the others


@dataclass(frozen=True)
class Decision:
    """What is known of one claim.

    verdict : "proved", "refuted" or "undecided"; method : how, in words; reason : why undecided, or
    what fails; witness : exact rationals as text; certificate : for `boundcalc verify`;
    enclosure : of the tightest constant, where it was sought; attempts : (method, why it stopped).
    """

    verdict: str
    method: str
    reason: str
    witness: Mapping[str, str] | None
    certificate: dict[str, Any] | None
    enclosure: tuple[Fraction, Fraction] | None
    seconds: float
    attempts: tuple[tuple[str, str], ...]


class Case:
    """A problem with a condition, and what was found out about it so far."""

    def __init__(self, problem: Problem, condition: str, budget: Budget) -> None:
        self.problem = problem
        self.condition = condition
        self.budget = budget
        self.minima = Minima(problem, budget)
        self.attempts: list[tuple[str, str]] = []
        self._proofs: dict[str, dict[str, Any]] = {}
        schema = load_condition(condition).schema
        text = " ".join(schema["relations"].values())
        self.needs_points = any(kind.startswith("projection") for _, kind in schema["slots"])
        self.needs_infima = "inf" in schema["functions"] and "inf" in text
        self.second_order = not self.needs_points and len(schema["slots"]) > 1
        self._estimates: dict[tuple[tuple[str, Fraction], ...], Estimate | None] = {}

    @property
    def framed(self) -> Minima | None:
        """The minima, where facts have a frame of their own."""
        return self.minima if self.needs_points or self.needs_infima else None

    @property
    def curve(self) -> ZeroCurve | None:
        """A curve of minimisers, where the condition is about nearest points on it."""
        if not self.needs_points or self.condition not in KNOWN or not self.minima.curves:
            return None
        return self.minima.curves[0]

    def _beside(self) -> Estimate | None:
        """The best constant beside a curve, or hyperplanes, of minimisers."""
        if self.curve is not None:
            return curve_estimate(self.curve, self.condition)
        if self.needs_points and self.condition in KNOWN and self.minima.flats:
            return flat_estimate(self.problem, self.minima.flats["flats"]["flats"], self.condition)
        return None

    def estimate(self, fixed: Mapping[str, Fraction], seconds: float = 4.0) -> Estimate | None:
        """The best constant in floating point; None where the time is used up."""
        key = tuple(sorted(fixed.items()))
        if key not in self._estimates:
            if self.budget.left() <= 0:
                self.note([("numeric search", TIME_UP)])
                return None
            self.budget.tell("estimating the best constant")
            try:
                found = self._beside() or estimate(
                    self.problem,
                    self.condition,
                    dict(fixed),
                    self.minima.found,
                    min(seconds, self.budget.left()),
                )
            except RatioError as error:
                self.attempts.append(("numeric search", str(error)))
                found = None
            self._estimates[key] = found
        return self._estimates[key]

    def note(self, attempts: Sequence[tuple[str, str]]) -> None:
        """Remember why something stopped, once."""
        self.attempts.extend(entry for entry in attempts if entry not in self.attempts)

    # -- proofs

    def prove(self, constants: Mapping[str, str], seconds: float) -> Success | Stopped:
        """A certificate that the condition holds with the constants."""
        claim = claim_of(self.problem, self.condition, constants)
        last: Success | Stopped = Stopped("proof", "no method applies")
        share = self.budget.part(seconds)
        if share.left() <= 0:  # the first facts alone may take seconds
            return Stopped("proof", TIME_UP)
        for label, facts, via, anchors in self._ways():
            if share.left() <= 0:
                break
            key = str(sorted(facts.items(), key=str))
            found, attempts, proofs = prove(
                claim, facts, via, anchors, share, self._proofs.get(key)
            )
            if isinstance(found, Success):
                self._proofs.setdefault(key, {}).update(
                    {n: p for n, p in proofs.items() if not n.startswith("condition")}
                )
                method = ", ".join(x for x in (label, found.method) if x)
                return Success(found.certificate, method, found.checks)
            self._proofs.setdefault(key, {}).update(
                {n: p for n, p in proofs.items() if not n.startswith("condition")}
            )
            self.note([(f"{label}: {m}" if label else m, why) for m, why in attempts])
            last = found
        return last

    def _ways(self) -> Iterator[tuple[str, dict[str, Any], str, list[list[str]]]]:
        """Facts and ways to conclude, the cheapest first."""
        if self.problem.residual and self.condition in FALLS_FROM_CONDITIONING:
            yield "tangent kernel", {}, "tangent-kernel", []
        squares = sum_of_squares(self.problem)
        if squares is not None and self.condition in FALLS_FROM_CONDITIONING:
            yield "tangent kernel of a sum of squares", {"residual": squares}, "tangent-kernel", []
        if not (self.needs_points or self.needs_infima):
            yield "", {}, "direct", self._anchors()
            return
        yield from self._by_growth()
        anchors = self._anchors()
        single = len(self.minima.found.points) <= 1
        if self.condition in FALLS_FROM_STRONG_CONVEXITY and single and self._seems_convex():
            yield "strong convexity", {}, "strong-convexity", []
        proposals = self.minima.proposals(self.needs_points, self.needs_infima)
        if self.condition in FALLS_FROM_CONVEXITY:
            for facts in proposals:
                without = {key: value for key, value in facts.items() if not key.startswith("inf")}
                yield "convexity", without, "convexity", []
        for facts in proposals:
            yield "", facts, "direct", anchors

    def _by_growth(self) -> Iterator[tuple[str, dict[str, Any], str, list[list[str]]]]:
        """pl(mu) on all of R^d gives eb(mu) and qg(mu); where minimisers are no points."""
        whole = self.problem.ball is None and all(
            end is None for side in self.problem.domain for end in side
        )
        if self.condition not in FALLS_FROM_PL or not whole or self.minima.found.kind == "points":
            return
        squares = sum_of_squares(self.problem)
        if self.problem.residual:
            yield "pl by the tangent kernel", {}, "pl-tangent-kernel", []
        elif squares is not None:
            yield "pl by the tangent kernel", {"residual": squares}, "pl-tangent-kernel", []
        for facts in self.minima.proposals(False, True):
            yield "pl", facts, "pl", []

    def _seems_convex(self) -> bool:
        """Whether the least eigenvalue of ∇²f is positive in floating point."""
        try:
            best = estimate(
                replace(self.problem, components=(self._mean(),), residual=()),
                "strongly-convex",
                {},
                self.minima.found,
                min(1.0, self.budget.left()),
            )
        except RatioError:
            return False
        return best.value is not None and best.value > 0

    def _mean(self) -> str:
        if self.problem.residual:
            return "(" + " + ".join(f"({f})^2" for f in self.problem.residual) + ")/2"
        count = len(self.problem.components)
        return "(" + " + ".join(f"({f})" for f in self.problem.components) + f")/{count}"

    def _anchors(self) -> list[list[str]]:
        """Exact points at which the inequality may be an equality."""
        if self.second_order:
            return []
        points = []
        if not (self.needs_points or self.needs_infima):
            found = [p for p, exact_ in zip(*self._exact(), strict=True) if exact_]
            points = [list(p) for p in found]
        else:
            known = self.minima.found
            points = [
                self.minima.framed(p)
                for p, sure in zip(known.points, known.exact, strict=True)
                if sure
            ]
            if self.needs_infima and len(self.problem.components) > 1:
                for each in self.minima.components:
                    points += [
                        self.minima.framed(p)
                        for p, sure in zip(each.points, each.exact, strict=True)
                        if sure
                    ]
        unique: list[list[str]] = []
        for point in points:
            if point not in unique:
                unique.append(point)
        return unique[:16]

    def _exact(self) -> tuple[tuple[tuple[str, ...], ...], tuple[bool, ...]]:
        known = self.minima.found
        return known.points, known.exact

    # -- counterexamples

    def refute(self, constants: Mapping[str, str], seconds: float) -> Success | Stopped:
        """A certificate that the condition fails with the constants ("any": with every value)."""
        claim = claim_of(self.problem, self.condition, constants)
        share = self.budget.part(seconds)
        last = Stopped("counterexample", "none was found")
        if share.left() <= 0:
            return Stopped("counterexample", TIME_UP)
        facts_tried = self._facts_to_refute()
        for witness in self._witnesses(claim, constants):
            absent = "falls" in witness or witness.get("kind") in ("below", "empty")
            for facts in [self.minima.base()] if absent else facts_tried:
                if share.left() <= 0:
                    return last
                found = refute(claim, facts, witness, share)
                if isinstance(found, Success):
                    return found
                last = found
        self.note([("counterexample", last.reason)])
        return last

    def _facts_to_refute(self) -> list[dict[str, Any]]:
        if self.needs_points or self.needs_infima:
            found = self.minima.proposals(self.needs_points, self.needs_infima)
            if self.condition in FAILS_WHERE_STATIONARY and self.minima.found.points:
                above = {"at": self.minima.short(self.minima.found.points[0])}
                found = [{**self.minima.base(), "infimum": above}, *found]
            if not self.needs_points and self.minima.found.points:
                upper = {"at": self.minima.short(self.minima.found.points[0])}
                found = [{**self.minima.base(), "infimum": upper}, *found]
            return found or [self.minima.base()]
        return [{}]

    def _witnesses(
        self, claim: Mapping[str, Any], constants: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        from boundcalc.search.numeric.counterexample import counterexample

        if self.minima.found.kind in ("unbounded-below", "no-minimiser") and (
            self.needs_points or self.needs_infima
        ):
            yield from downward(self.minima)
        opened = "any" in constants.values()
        fixed = self.fixed(constants)
        best = self.estimate(fixed)
        if self.curve is not None and best is not None and best.at is not None:
            sought = sought_of(self.condition) or ""
            level = None if opened else value_of(constants[sought])
            yield from off_curve(self.minima, self.condition, level, best.at)
            return
        if best is not None and best.curve is not None:
            yield from along_curve(claim, self.framed, best.curve)
        if best is None or best.no_constant is not None or best.value is None:
            yield from outward(claim, self.framed)
        if best is not None and best.at is not None and best.kind == "minimiser":
            yield from into(claim, self.framed, best.at)
        if best is not None and best.at is not None:
            yield from at_point(claim, self.framed, [_rational(x) for x in best.at])
        if self.framed is not None:
            yield from stationary(claim, self.minima, best)
        if not opened:
            numbers = {name: value_of(text) for name, text in constants.items()}
            try:
                point = counterexample(
                    self.problem,
                    self.condition,
                    numbers,
                    self.minima.found,
                    min(4.0, self.budget.left()),
                )
            except (RatioError, KeyError) as error:  # KeyError: a condition without that constant
                self.note([("counterexample", str(error))])
                return
            if point is not None:
                yield from at_point(claim, self.framed, point)

    def fixed(self, constants: Mapping[str, str]) -> dict[str, Fraction]:
        """The constants that stay as they are while the best value of the last one is sought."""
        sought = sought_of(self.condition)
        return {
            name: value_of(text)
            for name, text in constants.items()
            if name != sought and text != "any"
        }


def sought_of(condition: str) -> str | None:
    """The constant of which the tightest value is sought; None where there is none."""
    constants = list(load_condition(condition).schema["constants"])
    if condition == "alpha-beta":
        return "beta"
    return "mu" if "mu" in constants else constants[0] if constants else None


def value_of(text: str) -> Fraction:
    """A rational near a constant formula; the constant itself where it is rational."""
    terms = Terms()
    with iv.precision(256):
        node = terms.read(parse(text), {})
        known = terms.value(node)
        if known is not None:
            return known
        lo, hi = iv.outward(evaluate(terms, node, {}))
    return (lo + hi) / 2


def _rational(x: Any) -> Fraction:
    """A rational near a number of many digits, simple where that is the number."""
    from mpmath import mp

    with mp.workdps(60):
        sign, mantissa, exponent, _ = mp.mpf(x)._mpf_
        value = Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)
    near = value.limit_denominator(10**6)
    return near if abs(near - value) < Fraction(1, 10**40) else value


def decide(
    problem: Problem,
    condition: str,
    constants: Mapping[str, str],
    seconds: float,
    progress: Progress | None = None,
) -> Decision:
    """Prove or refute that a condition holds with given constants, within `seconds`.

    constants : name → constant formula. Raises InputError where a formula is not defined on the
    domain. The kernel checks whatever is found; without its word the verdict is "undecided".
    """
    budget = Budget(seconds, progress)
    require_defined(problem, budget)
    case = Case(problem, condition, budget)
    seems = _seems(case, constants)
    order = ("refute", "prove") if seems == "false" else ("prove", "refute")
    for turn, step in enumerate(order):
        share = (0.7 if turn else 0.65) * budget.left()
        budget.tell("looking for a proof" if step == "prove" else "looking for a counterexample")
        found = (case.prove if step == "prove" else case.refute)(constants, share)
        if isinstance(found, Success):
            return _decided(case, found, "proved" if step == "prove" else "refuted", constants)
    return Decision(
        "undecided",
        "",
        _why(case, seems),
        None,
        None,
        _enclosure(case, constants),
        budget.spent(),
        tuple(case.attempts),
    )


def _seems(case: Case, constants: Mapping[str, str]) -> str:
    """What floating point makes of the claim: "true", "false", or "" where it cannot tell."""
    if not (case.needs_points or case.needs_infima or case.problem.components):
        return ""
    if case.minima.found.kind in ("unbounded-below", "no-minimiser") and (
        case.needs_points or case.needs_infima
    ):
        return "false"
    best = case.estimate(case.fixed(constants))
    sought = sought_of(case.condition)
    if best is None:
        return ""
    if best.no_constant is not None:
        return "false"
    if best.value is None or sought is None:
        return "true" if sought is None else ""
    value, claimed = float(best.value), float(value_of(constants[sought]))
    room = 1e-13 * max(abs(value), 1e-300)
    if sought in SMALLEST:
        return "false" if claimed < value - room else "true"
    return "false" if claimed > value + room else "true"


def _enclosure(case: Case, constants: Mapping[str, str]) -> tuple[Fraction, Fraction] | None:
    """What is shown of the tightest constant in the time that is left."""
    from boundcalc.search.tighten import enclosed

    sought = sought_of(case.condition)
    if sought is None or case.budget.left() < 0.5:
        return None
    best = case.estimate(case.fixed(constants))
    if best is None or best.value is None:
        return None
    rest = {name: text for name, text in constants.items() if name != sought}
    return enclosed(case, rest, best)


def _why(case: Case, seems: str) -> str:
    words = {
        "true": "it seems true in floating point, and no proof was found",
        "false": "it seems false in floating point, and no counterexample was confirmed",
        "": "neither a proof nor a counterexample was found",
    }[seems]
    own = [entry for entry in case.attempts if entry[0].startswith("condition")] or case.attempts
    last = [f"{method}: {why}" for method, why in own[-1:]]
    return "; ".join([words, *last])


def _decided(case: Case, found: Success, verdict: str, constants: Mapping[str, str]) -> Decision:
    witness = None
    reason = ""
    method = found.method
    if verdict == "refuted":
        if "falls" not in found.certificate["witness"]:  # a direction is no point: see the reason
            witness = shown_witness(found.certificate)
        reason = said(found.certificate)
        method = "counterexample" + (f" ({found.method})" if found.method else "")
    return Decision(
        verdict,
        method,
        reason,
        witness,
        found.certificate,
        None,
        case.budget.spent(),
        tuple(case.attempts),
    )


def shown_witness(certificate: Mapping[str, Any]) -> dict[str, str]:
    """The witness by variable, in the problem's own variables."""
    claim, witness = certificate["claim"], certificate["witness"]
    names = claim["variables"]
    values = witness.get("point") or witness.get("curve") or witness.get("falls")
    if values is None:
        box = witness["stationary"]["box"]
        values = [str((Fraction(lo) + Fraction(hi)) / 2) for lo, hi in box]
    forms = certificate["facts"].get("forms")
    if forms is not None:
        plain = all(_is_rational(v) for v in values)
        values = [
            str(sum(Fraction(row[j]) * Fraction(v) for row, v in zip(forms, values, strict=True)))
            if plain
            else " + ".join(f"({row[j]})*({v})" for row, v in zip(forms, values, strict=True))
            for j in range(len(names))
        ]
    return {name: tidy(value) for name, value in zip(names, values, strict=True)}


def _is_rational(text: str) -> bool:
    try:
        Fraction(text)
    except ValueError:
        return False
    return True


def said(certificate: Mapping[str, Any]) -> str:
    """A counterexample in words."""
    witness = certificate["witness"]
    if "falls" in witness:
        way = ", ".join(f"{n} = {x}" for n, x in shown_witness(certificate).items())
        return f"no minimiser: f decreases along ({way}) for ever, from every point"
    if "stationary" in witness:
        return "there is a stationary point near the witness that is no minimiser"
    kind = witness.get("kind", "fails")
    if "curve" in witness:
        return {
            "fails": "it fails along the curve as t grows",
            "below": "f goes to minus infinity along the curve, so it has no minimum",
            "empty": "f approaches its infimum along the curve and nowhere takes it",
        }[kind]
    if "direction" in witness:
        return "second derivatives at the witness violate it in some direction"
    free = [n for n, value in certificate["claim"]["constants"].items() if value == "any"]
    if free:
        which = "for every beta < alpha" if free == ["beta"] else "whatever the constant"
        return f"it fails at the witness, {which}"
    return "it fails at the witness"
