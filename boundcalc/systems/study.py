"""Everything that `boundcalc tangent CASE.toml` asks about a system of formulas."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic.statement import MAX_COMPONENTS, MAX_VARIABLES
from boundcalc.kernel.identity import Rejected
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem import Problem
from boundcalc.search.ball.constants import Search
from boundcalc.search.prove.budget import Budget
from boundcalc.systems.ball import Ball, ball_of
from boundcalc.systems.level import Descent, descent_of
from boundcalc.systems.nonconvex import Nonconvex, nonconvex_at
from boundcalc.systems.start import Start, start_of


@dataclass(frozen=True)
class Study:
    """What was found.

    ball : None where λ_min(K(w0)) > 0 is not shown; descent : None where no level was asked for;
    nonconvex : None where w0 is no exact zero.
    """

    problem: Problem
    at: tuple[Fraction, ...]
    start: Start
    ball: Ball | None
    descent: Descent | None
    nonconvex: Nonconvex | None
    seconds: float

    @property
    def size(self) -> tuple[int, int]:
        """(n, m): equations and parameters."""
        return len(self.problem.residual), len(self.problem.variables)

    @property
    def proved(self) -> bool:
        """Whether the ball, or the level where one was asked for, is proved."""
        asked = self.ball if self.descent is None else self.descent
        return asked is not None and asked.closes

    @property
    def certificates(self) -> list[dict[str, object]]:
        """All that were made: of the ball, the level, and the zero."""
        found = (self.ball, self.descent, self.nonconvex)
        return [x.certificate for x in found if x is not None and x.certificate is not None]


def study(
    problem: Problem,
    *,
    at: str | None = None,
    radius: Fraction | None = None,
    level: Fraction | None = None,
    seconds: float = 60.0,
) -> Study:
    """The system around its start. at : "x=1,y=11/10", in the place of the file's own start.

    Raises InputError.
    """
    budget = Budget(seconds)
    point = _point(problem, at)
    try:
        search = Search(problem, point, budget)
        start = start_of(search)
    except (Rejected, ValueError, ArithmeticError) as error:
        expected = "formulas that are defined and smooth at the start"
        raise InputError(Fault("start", str(error), expected, "choose another start")) from error
    return Study(
        problem,
        point,
        start,
        ball_of(search, start, radius),
        None if level is None else descent_of(search, start, level, radius),
        nonconvex_at(search, start),
        budget.spent(),
    )


def _point(problem: Problem, at: str | None) -> tuple[Fraction, ...]:
    """The start as rationals. Raises InputError where there is none, or no residual map."""
    names = problem.variables
    if not problem.residual:
        expected = "a residual map F with L = ½‖F‖²"
        fix = "give residual = [...] in place of components"
        raise InputError(Fault("case file", "components", expected, fix))
    if len(names) > MAX_VARIABLES or len(problem.residual) > MAX_COMPONENTS:
        found = f"{len(names)} variables, {len(problem.residual)} formulas"
        expected = f"at most {MAX_VARIABLES} and {MAX_COMPONENTS}"
        raise InputError(Fault("case file", found, expected, "take a smaller system"))
    if at is None:
        if not problem.start:
            example = ",".join(f"{name}=0" for name in names)
            expected = "the point w0 that the ball is around"
            fix = f'give --at "{example}", or start = {{ {names[0]} = "0", ... }} in the case file'
            raise InputError(Fault("start", "neither --at nor the key start", expected, fix))
        return tuple(map(Fraction, problem.start))
    pairs = [[word.strip() for word in part.partition("=")] for part in at.split(",")]
    if sorted(name for name, _, _ in pairs) != sorted(names):
        expected = f"each of {', '.join(names)} once"
        fix = "write " + ",".join(f"{name}=0" for name in names)
        raise InputError(Fault("--at", repr(at[:60]), expected, fix))
    given = {name: exact_number(value, f"--at {name}") for name, _, value in pairs}
    return tuple(given[name] for name in names)
