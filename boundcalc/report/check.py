"""What became of claims: in words, and as the contract's JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundcalc.library.conditions import load_condition
from boundcalc.library.notation import relation
from boundcalc.library.problem import Problem
from boundcalc.report.tighten_digits import outward

if TYPE_CHECKING:
    from boundcalc.questions import Checked

CODES = {"proved": 0, "refuted": 1, "undecided": 3}
MOST_TRIED = 6
_DIGITS = 12


def exit_code(verdicts: Sequence[str]) -> int:
    """1 if any claim is refuted, else 3 if any is undecided, else 0."""
    codes = {CODES[verdict] for verdict in verdicts}
    return 1 if 1 in codes else max(codes, default=0)


def check_json(
    problem: Problem, checked: Sequence[Checked], paths: Sequence[Path | None]
) -> dict[str, Any]:
    """The keys of the contract, and more; paths : of the certificates that were written."""
    return {
        "schema": "boundcalc.check/1",
        "name": problem.name,
        "domain": domain_json(problem),
        "claims": [_claim_json(one, path) for one, path in zip(checked, paths, strict=True)],
    }


def domain_json(problem: Problem) -> dict[str, list[str]]:
    """Sides by variable, exact, with "-oo" and "oo"."""
    return {
        name: ["-oo" if low is None else str(low), "oo" if high is None else str(high)]
        for name, (low, high) in zip(problem.variables, problem.domain, strict=True)
    }


def _claim_json(one: Checked, path: Path | None) -> dict[str, Any]:
    claim, decision = one.claim, one.decision
    return {
        "condition": claim.condition,
        "constants": dict(claim.constants),
        "verdict": decision.verdict,
        "method": decision.method,
        "reason": decision.reason,
        "witness": None if decision.witness is None else dict(decision.witness),
        "enclosure": _ends(decision.enclosure),
        "certificate": None if path is None else str(path),
        "seconds": round(decision.seconds, 3),
        "attempts": [{"method": m, "stopped": why} for m, why in decision.attempts],
        "expect": claim.expect,
        "published": claim.published or None,
    }


def _ends(pair: tuple[Fraction, Fraction] | None) -> list[str] | None:
    return None if pair is None else [outward(pair[0], -1, _DIGITS), outward(pair[1], 1, _DIGITS)]


def tried(attempts: Sequence[tuple[str, str]]) -> list[str]:
    """Why each method stopped, the first few."""
    lines = [f"  tried        {method}: {why}" for method, why in attempts[:MOST_TRIED]]
    if len(attempts) > MOST_TRIED:
        lines.append(f"  tried        {len(attempts) - MOST_TRIED} more, listed by --json")
    return lines


def check_lines(
    problem: Problem, checked: Sequence[Checked], paths: Sequence[Path | None]
) -> list[str]:
    """The answer on the first line, then what each verdict rests on."""
    lines: list[str] = []
    if len(checked) > 1:
        verdicts = [one.decision.verdict for one in checked]
        counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in CODES]
        lines.append(f"{len(checked)} claims: {', '.join(counts)}")
    for one, path in zip(checked, paths, strict=True):
        lines += _claim_lines(problem, one, path)
    return lines


def _claim_lines(problem: Problem, one: Checked, path: Path | None) -> list[str]:
    claim, decision = one.claim, one.decision
    by = f", by {decision.method}" if decision.method else ""
    lines = [
        f"{decision.verdict}: {named(claim.condition, claim.constants)} "
        f"({inequality(claim.condition)}) {place(problem)}{by}"
    ]
    if decision.reason:
        lines.append(f"  why          {decision.reason}")
    if decision.witness is not None:
        lines.append(f"  fails at     {point(decision.witness)}")
    if (ends := _ends(decision.enclosure)) is not None:
        lines.append(f"  enclosure    [{ends[0]}, {ends[1]}]")
    if decision.verdict == "undecided":
        lines += tried(decision.attempts)
    if claim.expect not in (None, decision.verdict):
        lines.append(f"  note         the file expects: {claim.expect}")
    if path is not None:
        lines.append(f"  certificate  {path}")
    return lines


def named(condition: str, constants: Mapping[str, str]) -> str:
    """ "pl with mu = 1/4"."""
    values = ", ".join(f"{name} = {value}" for name, value in constants.items())
    return f"{condition} with {values}" if values else condition


def point(coordinates: Mapping[str, str]) -> str:
    """ "x = 1/2, y = 0"."""
    return ", ".join(f"{name} = {value}" for name, value in coordinates.items())


def place(problem: Problem) -> str:
    """ "for x in [-1, 1], y in [0, oo)", in the ball if there is one."""
    sides = []
    for name, (low, high) in zip(problem.variables, problem.domain, strict=True):
        if low is not None or high is not None:
            left = "(-oo" if low is None else f"[{low}"
            right = "oo)" if high is None else f"{high}]"
            sides.append(f"{name} in {left}, {right}")
    where = f"for {', '.join(sides)}" if sides else "everywhere"
    if problem.ball is not None:
        center = ", ".join(str(c) for c in problem.ball.center)
        where += f" in the ball of radius {problem.ball.radius} around ({center})"
    return where


def inequality(condition: str) -> str:
    """The relation of a condition, as the catalogue has it: "‖∇f(x)‖²/2 ≥ μ·(f(x) − f*)"."""
    known = load_condition(condition)
    each = known.said_of.startswith("every f_i")
    names = {"f": "f_i", "grad": "grad_i", "inf": "inf_i"} if each else {"inf": "fstar"}
    said = [
        relation(re.sub(r"\b(f|grad|inf)\b", lambda m: names.get(m[1], m[1]), written))
        for written in known.schema["relations"].values()
    ]
    return ", ".join(said)
