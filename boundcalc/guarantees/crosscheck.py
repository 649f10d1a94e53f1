"""The exact pair against a linear program and against the grid of the paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.guarantees.grid import SIZE, GridPair, axes, grid, grid_agrees, grid_pair
from boundcalc.guarantees.lp import LinearProgram, lp_pair
from boundcalc.guarantees.objective import Objective, objective_at
from boundcalc.guarantees.pair import Pair
from boundcalc.guarantees.theorem_at import Constants
from boundcalc.logs.log import Log

LP_TOLERANCE = 1e-9  # relative, of the objective's value
_SEEN = 1e-6  # (α − β)/α below which an LP solver may call a log infeasible that is not
_LEAST = 1e-300  # values below it are compared as zeros are, absolutely


@dataclass(frozen=True)
class CrossCheck:
    """Two independent answers and how far they are from the exact one.

    value : of the exact pair (None when no pair is admissible, and then the others must say so).
    gamma : the step size at which all three take the bound (None for other objectives).
    lp_difference : |lp value − exact value| / |exact value|, of the vertex next to the solver's
        point where `lp_polished`. lp_agrees : None where the solver could not decide.
    grid_difference : the same for the best grid point; grid_agrees : within the grid's spacing.
    """

    objective: str | None
    value: float | None
    gamma: float | None
    lp: LinearProgram
    lp_raw_difference: float | None
    lp_difference: float | None
    lp_polished: bool
    lp_agrees: bool | None
    grid: GridPair
    grid_difference: float | None
    grid_agrees: bool

    @property
    def agrees(self) -> bool | None:
        """Do all that reached an answer agree with the exact one? None when the LP did not."""
        if not self.grid_agrees or self.lp_agrees is False:
            return False
        return self.lp_agrees


def cross_check(
    log: Log,
    alpha_beta: Frontier | Infeasible,
    pair: Pair | None,
    constants: Constants | None,
    *,
    margin: Fraction = Fraction(1, 10),
    solver: str = "HIGHS",
    size: int = SIZE,
    drop_nonfinite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> CrossCheck:
    """Run both cross-checks on a fitted log.

    alpha_beta, pair, constants : what the exact method gave; the step size of the bound and the
    units of the LP are taken from it, nothing else. Reads the log twice.
    """
    objective = None
    if pair is not None and isinstance(alpha_beta, Frontier):
        objective = objective_at(alpha_beta, pair, constants, margin)
    found = grid(
        log,
        *axes(alpha_beta, pair, size),
        drop_nonfinite=drop_nonfinite,
        progress=progress,
    )
    best = grid_pair(found, objective)
    program = lp_pair(
        log,
        objective,
        scale=1.0 if pair is None else pair.alpha,
        solver=solver,
        drop_nonfinite=drop_nonfinite,
        progress=progress,
    )
    raw, difference, polished, lp_agrees = _compare(program, pair, objective)
    return CrossCheck(
        None if pair is None else pair.objective,
        None if pair is None else pair.value,
        None if objective is None or objective.gamma is None else float(objective.gamma),
        program,
        raw,
        difference,
        polished,
        lp_agrees,
        best,
        None if pair is None else _difference(best.value, pair.value),
        grid_agrees(found, best, alpha_beta, pair, objective),
    )


def _compare(
    program: LinearProgram, pair: Pair | None, objective: Objective | None
) -> tuple[float | None, float | None, bool, bool | None]:
    """(raw difference, difference, polished, agrees)."""
    if program.status == "undecided":
        return None, None, False, None
    if pair is None or objective is None:
        return None, None, False, program.status == "infeasible"
    if program.status == "infeasible":  # the solver cannot see a gap below its tolerance
        return None, None, False, None if pair.alpha - pair.beta < _SEEN * pair.alpha else False
    raw = _difference(program.value, pair.value)
    if raw is not None and raw <= LP_TOLERANCE:
        return raw, raw, False, True
    fine = _difference(program.polished_value, pair.value)
    if fine is None:
        return raw, raw, False, None
    return raw, fine, True, fine <= LP_TOLERANCE


def _difference(value: float | None, exact: float) -> float | None:
    """|value − exact| relative to the exact value; absolute where that is (next to) zero."""
    if value is None:
        return None
    return abs(value - exact) / (abs(exact) if abs(exact) > _LEAST else 1.0)
