"""A problem as it is said on a command line: formulas, "x=-1:1,y=0:oo", "0,0;1/2", "x=0,y=1"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from boundcalc.errors import Fault, InputError
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem import Ball, Problem, Side
from boundcalc.library.problem_formulas import (
    read_constant,
    read_formula,
    shown,
    variable_faults,
    variables_of,
)

UNBOUNDED: Side = (None, None)
MOST_FORMULAS = 1000
MOST_VARIABLES = 100
T = TypeVar("T")
_INFINITE = {"": 0, "oo": 1, "+oo": 1, "inf": 1, "+inf": 1, "-oo": -1, "-inf": -1}


class Faults(list[Fault]):
    """Everything that is wrong with an input, in the order of reading."""

    def attempt(self, action: Callable[..., T], *arguments: object) -> T | None:
        """What `action(*arguments)` gives, or None: then its faults are kept."""
        try:
            return action(*arguments)
        except InputError as error:
            self += error.faults
            return None

    def settle(self) -> None:
        """Raise InputError if there is any fault."""
        if self:
            raise InputError(*self)


def problem_from(
    formulas: Sequence[str],
    *,
    residual: bool = False,
    domain: str | None = None,
    ball: str | None = None,
    minimisers: Sequence[str] = (),
) -> Problem:
    """The problem of formulas on a command line: components f_1, f_2, ..., or a residual map.

    The variables are the names that occur, in natural order. Without `domain`: everywhere.

    Raises InputError with every fault.
    """
    variables = variables_of(formulas)
    faults = Faults()
    _count("formulas", len(formulas), MOST_FORMULAS, faults)
    _count("formulas", len(variables), MOST_VARIABLES, faults)
    faults.settle()
    for k, text in enumerate(formulas, start=1):
        where = "formula" if len(formulas) == 1 else f"formula {k}"
        faults.attempt(read_formula, where, text, variables)
    faults.settle()
    faults += variable_faults("formulas", variables)
    if not variables:
        expected = "a function of at least one variable"
        faults.append(Fault("formula", "no variable", expected, "write one, such as x^2"))
    faults.settle()
    bare = Problem(
        name="",
        source="command line",
        variables=variables,
        components=() if residual else tuple(formulas),
        residual=tuple(formulas) if residual else (),
        domain=(UNBOUNDED,) * len(variables),
    )
    return with_options(bare, domain, ball, minimisers)


def with_options(
    problem: Problem, domain: str | None, ball: str | None, minimisers: Sequence[str] = ()
) -> Problem:
    """The problem on another domain, or with minimisers that are known.

    domain : sides by variable; a variable that it does not name keeps its side.

    Raises InputError with every fault.
    """
    faults = Faults()
    variables = problem.variables
    if domain is not None:
        sides = faults.attempt(_read_domain, domain, variables)
        if sides is not None:
            own = zip(variables, problem.domain, strict=True)
            merged = tuple(sides.get(name, side) for name, side in own)
            problem = replace(problem, domain=merged)
    if ball is not None:
        found = faults.attempt(_read_ball, ball, variables)
        problem = replace(problem, ball=found)
    if minimisers:
        points = [faults.attempt(_read_minimiser, text, variables) for text in minimisers]
        known = tuple(point for point in points if point is not None)
        problem = replace(problem, minimisers=known, equations=())
    faults.settle()
    return problem


def read_bound(where: str, text: str, infinite: int) -> Fraction | None:
    """One end of a side: a rational number, or None for "oo" with the sign `infinite`, or "".

    Raises InputError.
    """
    sign = _INFINITE.get(text.strip())
    if sign is None:
        return exact_number(text, where)
    if sign not in (0, infinite):
        expected = f"a number or {'oo' if infinite > 0 else '-oo'}"
        raise InputError(Fault(where, shown(text), expected, "exchange the ends"))
    return None


def read_side(where: str, low: str, high: str) -> Side:
    """An interval of positive length. Raises InputError."""
    side = read_bound(where, low, -1), read_bound(where, high, 1)
    if side[0] is not None and side[1] is not None and side[0] >= side[1]:
        expected = "a lower end below the upper one"
        raise InputError(Fault(where, f"{low}:{high}", expected, "correct the ends"))
    return side


def read_ball(where: str, center: Sequence[str], radius: str, dimension: int) -> Ball:
    """A ball with a rational center and radius > 0. Raises InputError with every fault."""
    faults = Faults()
    if len(center) != dimension:
        found = f"a center with {len(center)} coordinate(s)"
        faults.append(Fault(where, found, f"{dimension}, one per variable", "complete it"))
    middle = [faults.attempt(exact_number, c, f"{where} center") for c in center]
    width = faults.attempt(exact_number, radius, f"{where} radius")
    if width is not None and width <= 0:
        faults.append(Fault(f"{where} radius", shown(radius), "a positive number", "correct it"))
    faults.settle()
    return Ball(tuple(c for c in middle if c is not None), width or Fraction(0))


def read_point(where: str, coordinates: Sequence[str], dimension: int) -> tuple[str, ...]:
    """A point whose coordinates are constant formulas. Raises InputError with every fault."""
    faults = Faults()
    if len(coordinates) != dimension:
        found = f"{len(coordinates)} coordinate(s)"
        faults.append(Fault(where, found, f"{dimension}, one per variable", "complete the point"))
    for text in coordinates:
        faults.attempt(read_constant, where, text)
    faults.settle()
    return tuple(text.strip() for text in coordinates)


def _count(where: str, found: int, most: int, faults: Faults) -> None:
    if found > most:
        kind = "formulas" if most == MOST_FORMULAS else "variables"
        faults.append(Fault(where, f"{found} {kind}", f"at most {most}", "take fewer"))


def _read_domain(text: str, variables: Sequence[str]) -> dict[str, Side]:
    """ "x=-1:1,y=0:" by variable; "-1:1" alone is the side of every variable."""
    where, faults, sides = "--domain", Faults(), dict[str, Side]()
    fix = "write lower:upper for a variable, such as x=-1:1,y=0:oo"
    for part in text.split(","):
        name, equals, ends = (word.strip() for word in part.rpartition("="))
        low, colon, high = ends.partition(":")
        if not colon or ":" in high or (not equals and "," in text):
            faults.append(Fault(where, shown(part), "name=lower:upper", fix))
        elif equals and name not in variables:
            known = ", ".join(variables)
            faults.append(Fault(where, f"the name {shown(name)}", f"a variable ({known})", fix))
        elif name in sides:
            faults.append(Fault(where, f"{name} twice", "each variable once", "remove one"))
        else:
            place = f"{where} {name}".rstrip()
            side = faults.attempt(read_side, place, low, high)
            for one in [name] if equals else variables:
                sides[one] = side or UNBOUNDED
    faults.settle()
    return sides


def _read_ball(text: str, variables: Sequence[str]) -> Ball:
    """ "0,0;1/2" or "x=0,y=0;1/2": center, then radius."""
    center, semicolon, radius = text.partition(";")
    if not semicolon:
        fix = 'write the center, a semicolon and the radius, such as "0,0;1/2"'
        raise InputError(Fault("--ball", shown(text), "center;radius", fix))
    return read_ball("--ball", _ordered("--ball", center, variables), radius, len(variables))


def _read_minimiser(text: str, variables: Sequence[str]) -> tuple[str, ...]:
    where = "--minimiser"
    return read_point(where, _ordered(where, text, variables), len(variables))


def _ordered(where: str, text: str, variables: Sequence[str]) -> list[str]:
    """Coordinates in the order of the variables, from "x=0,y=1" or from "0,1"."""
    parts = text.split(",")
    if "=" not in text:
        return parts
    pairs = [[word.strip() for word in part.partition("=")] for part in parts]
    given = {name: value for name, _, value in pairs}
    if sorted(name for name, _, _ in pairs) != sorted(variables):
        expected = f"each of {', '.join(variables)} once"
        fix = "give every coordinate, such as " + ",".join(f"{name}=0" for name in variables)
        raise InputError(Fault(where, shown(text), expected, fix))
    return [given[name] for name in variables]
