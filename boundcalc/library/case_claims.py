"""What may be claimed of a problem: conditions of the catalogue with constants that fit them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import GrammarError, parse_relation
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.conditions import Condition, condition_ids, load_condition
from boundcalc.library.problem import CaseClaim, Problem
from boundcalc.library.problem_formulas import read_constant, shown

OPTION = "--condition"
ROLES = {"f", "grad", "inf"}
"""Functions that every problem has; JT, the transposed Jacobian, takes a residual map."""

SOUGHT = {"alpha-beta": "beta", "pl-star-eps": "mu"}
"""Which constant is looked for, where a condition has several."""


def about(condition: Condition, problem: Problem) -> bool:
    """Whether the condition speaks of functions that the problem has."""
    has = ROLES | ({"JT"} if problem.residual else set())
    return bool(condition.schema["relations"]) and set(condition.schema["functions"]) <= has


def claim_faults(
    where: str, condition: str, constants: Mapping[str, str], problem: Problem
) -> list[Fault]:
    """What is wrong with a claim: no such condition, constants it lacks, values of a wrong sign."""
    try:
        known = _condition(where, condition, problem)
    except InputError as error:
        return list(error.faults)
    found = _names(where, known, constants, set(known.schema["constants"]))
    return found or _values(where, known, constants)


def claims_asked(
    problem: Problem, condition: str | None, constants: Mapping[str, str]
) -> tuple[CaseClaim, ...]:
    """The claims to check: one that is said here, or those of the case file.

    A condition without constants means the file's claims of that condition, where it has some.

    Raises InputError with every fault.
    """
    own = tuple(c for c in problem.claims if condition in (None, c.condition))
    if own and not constants:
        return own
    if condition is None:
        found = "constants without a condition" if constants else "neither it nor claims of a file"
        fix = "say which, such as --condition pl --mu 1/4; boundcalc conditions lists all"
        raise InputError(Fault(OPTION, found, "the condition to check", fix))
    faults = claim_faults(OPTION, condition, constants, problem)
    if faults:
        raise InputError(*faults)
    return (CaseClaim(condition, dict(constants)),)


def sought_constant(condition: str, fixed: Mapping[str, str], problem: Problem) -> str | None:
    """The constant to look for when the others are fixed; None: every one that can be traded off.

    That is so for alpha-beta without alpha, whose answer is a frontier.

    Raises InputError with every fault.
    """
    where = OPTION
    known = _condition(where, condition, problem)
    constants = list(known.schema["constants"])
    if not constants:
        fix = "boundcalc check tells whether it holds"
        raise InputError(Fault(where, f"{condition}, which has no constant", "a constant", fix))
    sought = SOUGHT.get(condition) or str(constants[0])
    if sought in fixed:
        found = f"--{sought}, which is what is looked for"
        fix = "leave it out; boundcalc check tests a given value"
        raise InputError(Fault(where, found, "constants other than it", fix))
    if condition == "alpha-beta" and not fixed:
        return None
    faults = _names(where, known, fixed, set(constants) - {sought})
    faults = faults or _values(where, known, fixed)
    if faults:
        raise InputError(*faults)
    return sought


def _condition(where: str, id: str, problem: Problem) -> Condition:
    try:
        known = load_condition(id)
    except InputError as error:
        raise InputError(*(Fault(where, shown(id), f.expected, f.fix) for f in error.faults)) from (
            error
        )
    if about(known, problem):
        return known
    able = [one for one in condition_ids() if about(load_condition(one), problem)]
    found = f"{id}, which is said of {known.said_of}"
    if not known.schema["relations"]:
        found = f"{id}, which the catalogue states in words only"
    elif "JT" in known.schema["functions"] and not problem.residual:
        found += ", and the problem has no residual map"
    raise InputError(Fault(where, found, f"one of {', '.join(able)}", "choose another condition"))


def _names(
    where: str, condition: Condition, constants: Mapping[str, str], wanted: set[str]
) -> list[Fault]:
    """Constants that the condition has not, and those that are missing."""
    has = ", ".join(sorted(wanted)) or "no constants"
    found = [
        Fault(where, f"the constant {shown(name)}", f"{has} for {condition.id}", "remove it")
        for name in constants
        if name not in wanted
    ]
    for name in sorted(wanted - set(constants)):
        expected = f"{condition.schema['constants'][name]} {name} for {condition.id}"
        found.append(Fault(where, f"no {name}", expected, "give its value"))
    return found


def _values(where: str, condition: Condition, constants: Mapping[str, str]) -> list[Fault]:
    """Signs, and relations between the constants, as far as their values can be told here."""
    found: list[Fault] = []
    values: dict[str, Fraction | Pair] = {}
    for name, text in constants.items():
        place = f"--{name}" if where == OPTION else f"{where} {name}"
        try:
            value = read_constant(place, text)
        except InputError as error:
            found += error.faults
            continue
        sign = condition.schema["constants"][name]
        if value is None:
            continue
        values[name] = value
        if value[1] < 0 or (value[1] == 0 and sign == "positive"):
            found.append(Fault(place, shown(text), f"a {sign} number", "correct it"))
    for relation in condition.schema["where"]:
        parsed = parse_relation(relation)
        try:
            _, most = enclose(parsed.difference, values)
        except GrammarError:  # a constant without a value here
            continue
        if not found and (most < 0 or (most == 0 and parsed.kind == ">")):
            said = ", ".join(f"{name} = {constants[name]}" for name in constants)
            found.append(Fault(where, said, relation, "correct the constants"))
    return found
