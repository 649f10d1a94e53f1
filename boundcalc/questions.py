"""Questions about a problem, as the command line and Python ask them: does it hold, how tightly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from boundcalc.errors import Fault, InputError
from boundcalc.library.case import open_problem
from boundcalc.library.case_claims import sought_constant
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem import CaseClaim, Problem
from boundcalc.library.problem_text import with_options

if TYPE_CHECKING:
    from boundcalc.search.decide import Decision  # type: ignore[import-not-found, unused-ignore]
    from boundcalc.search.tighten import Frontier, Tightest  # type: ignore[import-not-found, unused-ignore]

__all__ = [
    "Asked", "Checked", "Frontier", "Number", "Progress", "Region", "Tightest", "check_claims",
    "problem_of", "texts", "tightest", "whole_frontier",
]  # fmt: skip

MOST_SECONDS = 1e6
MOST_DIGITS = 60

Asked = str | os.PathLike[str] | Sequence[str] | Problem
"""A formula or the path of a case file (.toml), several formulas f_1, f_2, ..., or a problem."""

Number = str | int | float | Fraction
"""A constant; text is read exactly ("1/4", "sqrt(2)/3"), and a float stands for its decimals."""

Progress = Callable[..., None]
"""Called with a stage in words, how much of it is done and how much there is, if that is known."""


@dataclass(frozen=True)
class Checked:
    """A claim and what became of it."""

    claim: CaseClaim
    decision: Decision


@dataclass(frozen=True)
class Region:
    """Where, and of what the problem is made, if its file or its formulas do not say.

    domain : "x=-1:1,y=0:oo"; ball : "0,0;1/2" (center; radius); minimisers : "x=0,y=sqrt(2)" each;
    residual : the formulas are a map F with f = ½|F|².
    """

    domain: str | None = None
    ball: str | None = None
    minimisers: str | Sequence[str] = ()
    residual: bool = False


def problem_of(asked: Asked, region: Region) -> Problem:
    """The problem that is asked about. Raises InputError with every fault."""
    known = region.minimisers
    points = (known,) if isinstance(known, str) else tuple(known)
    if isinstance(asked, Problem):
        return with_options(asked, region.domain, region.ball, points)
    if not isinstance(asked, (str, os.PathLike, Iterable)):
        expected = "a formula, formulas, or the path of a case file"
        raise InputError(Fault("problem", repr(asked)[:60], expected, "pass one of these"))
    words = [asked] if isinstance(asked, (str, os.PathLike)) else asked
    return open_problem(
        [os.fspath(word) for word in words],
        residual=region.residual,
        domain=region.domain,
        ball=region.ball,
        minimisers=points,
    )


def texts(constants: Mapping[str, Number]) -> dict[str, str]:
    """Constants as text."""
    return {name: str(value) for name, value in constants.items()}


def check_claims(
    problem: Problem,
    claims: Sequence[CaseClaim],
    seconds: float,
    progress: Progress | None = None,
) -> tuple[Checked, ...]:
    """Decide each claim, `seconds` at most for each. Raises InputError."""
    _within("time limit", seconds, MOST_SECONDS)
    from boundcalc.search.decide import decide

    return tuple(
        Checked(claim, decide(problem, claim.condition, claim.constants, seconds, progress))
        for claim in claims
    )


def tightest(
    problem: Problem,
    condition: str,
    fixed: Mapping[str, str],
    digits: int,
    seconds: float,
    progress: Progress | None = None,
) -> tuple[Tightest, ...]:
    """The tightest constant of a condition; several, over chosen alpha, for alpha-beta alone.

    Raises InputError.
    """
    _within("time limit", seconds, MOST_SECONDS)
    _within("digits", digits, MOST_DIGITS)
    if condition == "alpha-beta" and set(fixed) == {"ray"}:
        return (_on_ray(problem, fixed["ray"], digits, seconds, progress),)
    sought = sought_constant(condition, fixed, problem)
    if sought is None:
        return whole_frontier(problem, digits, seconds, progress=progress).points
    from boundcalc.search.tighten import tighten

    return (tighten(problem, condition, fixed, digits, seconds, progress),)


def whole_frontier(
    problem: Problem,
    digits: int,
    seconds: float,
    width: Number = "1/100",
    progress: Progress | None = None,
) -> Frontier:
    """The smallest beta of alpha-beta at chosen alpha, and in a certified band for all between.

    width : of the band, at which it is not refined any more. Raises InputError.
    """
    _within("time limit", seconds, MOST_SECONDS)
    _within("digits", digits, MOST_DIGITS)
    wanted = exact_number(str(width), "--width")
    if wanted <= 0:
        raise InputError(Fault("--width", str(width), "a positive number", "such as 1/100"))
    from boundcalc.search.tighten import frontier

    return frontier(problem, digits, seconds, wanted, progress)


def _on_ray(
    problem: Problem, slope: str, digits: int, seconds: float, progress: Progress | None
) -> Tightest:
    """The smallest alpha at beta = slope·alpha. Raises InputError."""
    value = exact_number(slope, "--ray")
    if not 0 <= value < 1:
        fix = "give beta/alpha, such as 4/5"
        raise InputError(Fault("--ray", slope, "a number at least 0 and below 1", fix))
    from boundcalc.search.tighten import ray

    return ray(problem, slope, digits, seconds, progress)


def _within(where: str, value: float, most: float) -> None:
    if not 0 < value <= most:
        expected = f"a positive number of at most {most:g}"
        raise InputError(Fault(where, str(value), expected, "correct it"))
