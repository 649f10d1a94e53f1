"""All theorems that given constants feed, side by side, tightest first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.value import Pair
from boundcalc.library.chain import default_facts, fed, named_facts
from boundcalc.library.evaluate import Number, evaluate
from boundcalc.library.family import family_key
from boundcalc.library.numbers import exact
from boundcalc.library.rate import (
    Rate,
    catalogue_constants,
    has_sign,
    needed,
    shown,
    start_of,
    unknown_constants,
    with_defaults,
)
from boundcalc.library.theorems import Theorem


@dataclass(frozen=True)
class Row:
    """A theorem at the constants, and the implications that its hypotheses took."""

    rate: Rate
    chain: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A theorem whose hypotheses hold, and why there is no row: constants to give, or words."""

    theorem: str
    needs: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Listing:
    """Rows, tightest first, and theorems that a constant more would feed."""

    rows: list[Row]
    left_out: list[LeftOut]


def side_by_side(
    constants: Mapping[str, Number],
    conditions: str | None = None,
    steps: int | None = None,
    step_size: Number | None = None,
    epsilon: Number | None = None,
) -> list[Row]:
    """The rows of `listing`."""
    return listing(constants, conditions, steps, step_size, epsilon).rows


def listing(
    constants: Mapping[str, Number],
    conditions: str | None = None,
    steps: int | None = None,
    step_size: Number | None = None,
    epsilon: Number | None = None,
) -> Listing:
    """Theorems of the same quantity stand together, the smallest bound (or rate) first.

    conditions : what is known to hold, such as "rsi(f), smooth(f)"; without it, mu is taken as the
    constant of pl, L as that of smooth, and so on (chain.default_facts).

    Raises InputError.
    """
    given = _checked(constants)
    if conditions is None:
        facts = default_facts(given)
    else:
        facts = named_facts(split_conditions(conditions), given)
    interpolates = any(fact.condition == "interpolation" for fact in facts)
    if interpolates:
        given = _without_noise(given)
    gamma = None if step_size is None else exact(step_size, "--step-size")
    target = None if epsilon is None else exact(epsilon, "--epsilon")
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    seen: set[tuple[object, ...]] = set()  # one row for theorems of several step sizes
    for one in fed(facts, given):
        key = family_key(one.theorem)
        if one.theorem.kind == "contraction" and key in seen:
            continue
        seen.add(key)
        known = with_defaults(one.theorem, one.constants)
        needs = tuple(name for name in needed(one.theorem) if name not in known)
        if needs:
            left_out.append(LeftOut(one.theorem.id, needs, ""))
            continue
        try:
            found = evaluate(
                one.theorem,
                {**known, **_start(one.theorem, given)},
                steps,
                gamma[0] if isinstance(gamma, tuple) else gamma,
                target[0] if isinstance(target, tuple) else target,
            )
        except InputError as error:
            reason = "; ".join(f"{fault.expected} does not hold" for fault in error.faults)
            left_out.append(LeftOut(one.theorem.id, (), reason))
            continue
        by_sigma2 = interpolates and "sigma2" in one.theorem.constants
        rows.append(Row(found, (*one.chain, *((NO_NOISE,) if by_sigma2 else ()))))
    rows.sort(key=lambda row: (row.rate.theorem.quantity, _size(row.rate)))
    return Listing(rows, left_out)


NO_NOISE = "interpolation-sigma2"  # the theorem that interpolation gives sigma2 = 0


def _without_noise(given: dict[str, Fraction | Pair]) -> dict[str, Fraction | Pair]:
    """The constants with sigma2 = 0; raises InputError where another value is given."""
    sigma2 = given.get("sigma2", Fraction(0))
    if sigma2 != 0:
        expected = f"0, since interpolation is named ({NO_NOISE})"
        raise InputError(Fault("--sigma2", shown(sigma2), expected, "remove one of the two"))
    return {**given, "sigma2": Fraction(0)}


def _checked(constants: Mapping[str, Number]) -> dict[str, Fraction | Pair]:
    """Numbers of signs that some theorem admits. Raises InputError with every fault."""
    faults, given = unknown_constants(constants), {}
    for name, value in constants.items():
        try:
            given[name] = exact(value, f"--{name}")
        except InputError as error:
            faults += error.faults
    signs = catalogue_constants()
    for name, number in given.items():
        if name in signs and not has_sign(number, signs[name]):
            expected = f"a {signs[name]} number"
            faults.append(Fault(f"--{name}", shown(number), expected, "change it"))
    if faults:
        raise InputError(*faults)
    return given


def usable(constants: Mapping[str, Any]) -> dict[str, Any]:
    """The constants of a fit that some theorem admits: a log may give mu = 0, or none at all."""
    signs = catalogue_constants()
    numbers = {name: exact(value, name) for name, value in constants.items()}
    return {n: v for n, v in numbers.items() if n in signs and has_sign(v, signs[n])}


def _start(theorem: Theorem, given: Mapping[str, Fraction | Pair]) -> dict[str, Fraction | Pair]:
    """The first value of what contracts, where it is given."""
    name = start_of(theorem)
    return {name: given[name]} if name is not None and name in given else {}


def split_conditions(text: str) -> list[str]:
    """The conditions of "pl(f; mu = 1/5), smooth", one by one."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def filled(line: str, constants: Mapping[str, Number]) -> str:
    """A condition with the numbers written in: "pl(f; mu = 1/5)"; of f where it does not say."""
    from boundcalc.library.hypotheses import read_hypothesis

    said = read_hypothesis(line if "(" in line else f"{line}(f)")
    functions = line.partition("(")[2].partition(";")[0].strip(" )") or "f"
    values = {name: constants.get(text, text) for name, text in said.constants.items()}
    written = ", ".join(f"{name} = {value}" for name, value in values.items())
    inside = f"{functions}; {written}" if written else functions
    return f"{said.condition}({inside})"


def _size(found: Rate) -> float:
    for pair in (found.bound, found.upper.pair if found.upper else None):
        if pair is not None:
            return float(pair[1])
    return float("inf")
