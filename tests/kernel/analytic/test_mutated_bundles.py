"""Mutants of enclosures and of frontiers: rejected, or what they say is true all the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from boundcalc.kernel.analytic.check import verify_all
from boundcalc.kernel.analytic.frontier import Band, verify_frontier
from boundcalc.kernel.analytic.polygon import above, chords, envelope, upper_hull
from boundcalc.kernel.claim import canonical, digest
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import stranger
from boundcalc.library.problem_text import problem_from
from boundcalc.search.tighten import frontier, tighten

from .oracle import verdict_is_possible
from .test_mutated_certificates import leaves, other_value, replaced, without

SINE, TAME = "x^2 + 3*sin(x)^2", "x^2/(1+x^2)"
PAIR = ["(x-1)^2/2", "(x+1)^2/2"]
ENCLOSURES = [
    (SINE, "pl", None),
    (SINE, "smooth", None),
    (SINE, "rsi", None),
    (TAME, "pl", "x=-1:1"),  # by Sturm's theorem
]


@cache
def enclosure(formula: str, condition: str, domain: str | None) -> Any:
    found = tighten(problem_from([formula], domain=domain), condition, {}, 6, 300)
    assert found.verdict == "enclosed", found.reason
    assert found.certificate is not None
    return found.certificate


@cache
def whole_frontier() -> Any:
    found = frontier(problem_from(PAIR), 9, 900, Fraction(1, 4)).band
    assert not isinstance(found, str), found
    return found.certificate


def mutated(source: random.Random, body: Any) -> Any:
    """A value changed, removed or put in another's place; most hashes are made right again."""
    places = [(path, value) for path, value in leaves(body) if path]
    path, value = source.choice(places)
    kind = source.randrange(8)
    if kind == 0:
        changed = without(body, path)
    elif kind == 1:  # something from elsewhere in the same place
        alike = [v for p, v in places if p[-1] == path[-1] and v != value]
        changed = replaced(body, path, source.choice(alike)) if alike else without(body, path)
    else:
        strangers = [v for _, v in source.sample(places, 5)]
        changed = replaced(body, path, other_value(source, path, value, strangers))
    if source.random() < 0.8 and isinstance(changed.get("certificates"), list):
        parts = [
            {**part, "claim_sha256": digest(part["claim"])}
            if isinstance(part, dict) and "claim" in part
            else part
            for part in changed["certificates"]
        ]
        changed = {**changed, "certificates": parts}
    return changed


def with_its_band(data: Any) -> Any:
    """The band that the items would give, were they right; the data where they give none."""
    try:
        constants = [
            part["claim"]["constants"]
            for part in data["certificates"]
            if part["verdict"] == "proved"
        ]
        hull = upper_hull([(Fraction(c["alpha"]), Fraction(c["beta"])) for c in constants])
        lines = [(Fraction(line["line"][0]), Fraction(line["line"][1])) for line in data["lines"]]
        last = max(hull[-1][0], Fraction(10))
        chains = {"lower": envelope(lines, hull[0][0], last)[0], "upper": chords(hull, last)}
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        return data
    drawn = {side: [[str(x), str(y)] for x, y in rows] for side, rows in chains.items()}
    return {**data, "band": drawn}


def attacked(
    seed: str, body: Any, check: Callable[[Any], Any], count: int, rebuild: bool = False
) -> tuple[int, list[tuple[Any, Any]]]:
    """How many mutants were rejected; the others, with what the kernel made of them."""
    source = random.Random(seed)
    rejected, accepted, tried = 0, [], 0
    while tried < count:
        changed = mutated(source, body)
        if rebuild and source.random() < 0.6:
            changed = with_its_band(changed)
        if canonical(changed) == canonical(body):
            continue
        tried += 1
        try:
            accepted.append((changed, check(changed)))
        except Rejected:
            rejected += 1
    return rejected, accepted


def attack_enclosure(case: tuple[str, str, str | None], count: int) -> tuple[int, int]:
    body = enclosure(*case)
    own = {canonical(part["claim"]): part["verdict"] for part in body["certificates"]}
    rejected, accepted = attacked(f"{case} {count}", body, verify_all, count)
    for changed, outcomes in accepted:
        for part, outcome in zip(changed["certificates"], outcomes, strict=True):
            said = canonical(part["claim"])
            if said in own:
                assert outcome.verdict == own[said]
            elif stranger(part["claim"]) is None:
                assert verdict_is_possible(part["claim"], outcome.verdict), part["claim"]
    return rejected, len(accepted)


def attack_frontier(count: int) -> tuple[int, int]:
    rejected, accepted = attacked(f"{count}", whole_frontier(), verify_frontier, count, True)
    for changed, band in accepted:
        assert {canonical(part["claim"]["components"]) for part in changed["certificates"]} == {
            canonical(PAIR)
        }
        assert holds_the_closed_form(band), changed
    return rejected, len(accepted)


def holds_the_closed_form(band: Band) -> bool:
    first, last = band.lower[0][0], band.lower[-1][0]
    alphas = {first + (last - first) * k / 500 for k in range(501)}
    alphas |= {alpha for alpha, _ in (*band.lower, *band.upper)}
    return all(above(band.lower, x) <= (x - 1) ** 2 / x <= above(band.upper, x) for x in alphas)


@pytest.mark.parametrize("case", ENCLOSURES, ids=lambda case: f"{case[1]} of {case[0]}")
def test_mutants_of_enclosures_are_rejected_or_true(case: tuple[str, str, str | None]) -> None:
    rejected, accepted = attack_enclosure(case, 30)
    assert rejected > accepted


def test_mutants_of_a_frontier_are_rejected_or_true() -> None:
    rejected, accepted = attack_frontier(60)
    assert rejected > 3 * accepted


@pytest.mark.long
def test_thousands_of_mutants_of_bundles() -> None:
    for case in ENCLOSURES:
        rejected, accepted = attack_enclosure(case, 400)
        print(f"enclosure, {case[1]} of {case[0]}: {rejected} rejected, {accepted} accepted")  # noqa: T201
    rejected, accepted = attack_frontier(1_500)
    print(f"frontier: {rejected} rejected, {accepted} accepted")  # noqa: T201
