"""The tightest constant of a condition: in words, and as the contract's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boundcalc.library.problem import Problem
from boundcalc.report.check import domain_json, inequality, named, place, point, tried
from boundcalc.report.tighten_digits import outward

if TYPE_CHECKING:
    from boundcalc.questions import Tightest

CODES = {"enclosed": 0, "refuted": 1, "undecided": 3}
LARGEST = {"mu", "theta", "rho"}
"""Constants of which the largest is tightest; of all others it is the smallest."""

_GUARD = 2  # digits more than were asked for: rounding must not widen what was found


def exit_code(found: Sequence[Tightest]) -> int:
    """1 if every one is refuted, else 3 if one is undecided, else 0.

    At some alpha of a frontier no beta < alpha may work: that answers, and refutes no other alpha.
    """
    codes = {CODES[one.verdict] for one in found}
    return 1 if codes == {1} else max(codes - {1}, default=3)


def tighten_json(
    problem: Problem,
    condition: str,
    found: Sequence[Tightest],
    digits: int,
    paths: Sequence[Path | None],
    fixed: Mapping[str, str],
) -> dict[str, Any]:
    """The keys of the contract; a frontier has its points under "frontier"."""
    head = {"schema": "boundcalc.tighten/1", "condition": condition}
    more = {"name": problem.name, "domain": domain_json(problem)}
    if is_frontier(condition, fixed):
        points = [
            {"fixed": dict(one.fixed), **_constant_json(one, digits, path)}
            for one, path in zip(found, paths, strict=True)
        ]
        verdict = {0: "enclosed", 1: "refuted", 3: "undecided"}[exit_code(found)]
        nothing = {"lower": None, "upper": None, "attained_at": None, "certificate": None}
        seconds = round(sum(one.seconds for one in found), 3)
        body = {"constant": "beta", **nothing, "verdict": verdict, "seconds": seconds}
        return {**head, **body, **more, "frontier": points}
    return {**head, "fixed": dict(fixed), **_constant_json(found[0], digits, paths[0]), **more}


def is_frontier(condition: str, fixed: Mapping[str, str]) -> bool:
    """Whether the answer has a point for each of several alpha."""
    return condition == "alpha-beta" and not fixed


def _constant_json(one: Tightest, digits: int, path: Path | None) -> dict[str, Any]:
    lower, upper = _ends(one, digits)
    return {
        "constant": one.constant,
        "lower": lower,
        "upper": upper,
        "attained_at": None if one.attained_at is None else dict(one.attained_at),
        "verdict": one.verdict,
        "certificate": None if path is None else str(path),
        "reason": one.reason,
        "seconds": round(one.seconds, 3),
        "attempts": [{"method": method, "stopped": why} for method, why in one.attempts],
    }


def _ends(one: Tightest, digits: int) -> tuple[str | None, str | None]:
    lower = None if one.lower is None else outward(one.lower, -1, digits + _GUARD)
    upper = None if one.upper is None else outward(one.upper, 1, digits + _GUARD)
    return lower, upper


def tighten_lines(
    problem: Problem,
    condition: str,
    found: Sequence[Tightest],
    digits: int,
    paths: Sequence[Path | None],
    fixed: Mapping[str, str],
) -> list[str]:
    """The answer on the first line, then where the constant is attained and what was tried."""
    if not is_frontier(condition, fixed):
        said = f"({named(condition, fixed)}: {inequality(condition)} {place(problem)})"
        return [_sentence(said, found[0], digits), *_details(found[0], paths[0])]
    enclosed = sum(one.verdict == "enclosed" for one in found)
    refuted = sum(one.verdict == "refuted" for one in found)
    more = f", {refuted} refuted" if refuted else ""
    lines = [
        f"smallest beta at {len(found)} values of alpha, {enclosed} of them enclosed{more} "
        f"({condition}: {inequality(condition)} {place(problem)})"
    ]
    for one, path in zip(found, paths, strict=True):
        lines.append(f"  alpha = {one.fixed['alpha']}: {_answer(one, digits)}")
        lines += [f"  {line}" for line in _details(one, path)]
    return lines


def _sentence(said: str, one: Tightest, digits: int) -> str:
    """ "mu in [0.1755, 0.1756] (pl: ...), proved below, refuted above"."""
    answer = f"{_answer(one, digits)} {said}"
    if one.verdict != "enclosed":
        return answer
    below, above = ("proved", "refuted") if one.constant in LARGEST else ("refuted", "proved")
    return f"{answer}, {below} below, {above} above"


def _answer(one: Tightest, digits: int) -> str:
    lower, upper = _ends(one, digits)
    name = one.constant
    if one.verdict == "refuted":
        limits = " > 0" if name in LARGEST else " < alpha" if name == "beta" else ""
        return f"refuted: no {name}{limits} works"
    if lower is not None and upper is not None:
        answer = f"{name} in [{lower}, {upper}]"
    elif lower is not None:
        answer = f"{name} >= {lower}"
    elif upper is not None:
        answer = f"{name} <= {upper}"
    else:
        answer = f"nothing is known of {name}"
    return answer if one.verdict == "enclosed" else f"undecided: {answer}"


def _details(one: Tightest, path: Path | None) -> list[str]:
    lines = []
    if one.lower is not None and one.lower == one.upper:
        lines.append(f"  exactly      {one.lower}")
    if one.attained_at is not None:
        lines.append(f"  attained at  {point(one.attained_at)}")
    if one.reason:
        lines.append(f"  why          {one.reason}")
    if one.verdict == "undecided":
        lines += tried(one.attempts)
    if path is not None:
        lines.append(f"  certificate  {path}")
    return lines
