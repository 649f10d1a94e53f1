"""What a fit gives: measured constants, each with the row(s) that bind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.logs.log import Part, place_of


@dataclass(frozen=True)
class Extremum:
    """The tightest constant of a one-constant condition on the rows.

    value : float, rounded to the side on which every row satisfies the condition.
    exact : the same constant exactly (its square for eb).
    row : first row that attains it.
    on : "rows" (each f_i) or "full_loss" (f on the whole data).
    broken_by : rows that had no part in the constant and do not hold with it (aiming only: rows
        with loss ≤ loss_ref ask for θ to be large, not small); the first few that matter.
    """

    value: float
    exact: Fraction
    row: int
    on: str = "rows"
    broken_by: tuple[int, ...] = ()


@dataclass(frozen=True)
class Staircase:
    """ε ↦ μ(ε) of PL*_ε: mu[j] is the largest μ on the rows with loss ≥ epsilon[j]."""

    epsilon: tuple[float, ...]
    mu: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Observed:
    """How small f(x^k) − f(x_ref) was seen to become, and where it started.

    smallest, initial : loss units; `how` says in words which quantity this is.
    row_mean : mean of loss − loss_ref over all rows, rounded down; None where not logged.
    """

    smallest: float
    initial: float
    how: str
    row_mean: float | None


@dataclass(frozen=True)
class StepSizes:
    """Step sizes of the log (parameter²/loss): exact sums over the rows that carry one."""

    smallest: float
    largest: float
    mean: Fraction
    mean_square: Fraction  # mean of γ², rounded up by 2^-52 where it varies


@dataclass(frozen=True)
class Fit:
    """All that was measured on a log. A key is None where the log lacks the columns for it."""

    source: str
    form: str
    rows: int
    rows_used: int
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    alpha_beta: Frontier | Infeasible | None
    constants: Mapping[str, Extremum | None]  # pl, pl-star, self-bounding, aiming, rsi, eb, qg
    staircase: Staircase | None
    rows_below_float_floor: int
    interpolation_error: Fraction | None  # σ², loss
    initial_dist_sq: Fraction | None  # D_0, parameter²; mean over runs
    horizon: int  # steps K of the log (of its shortest run)
    every_step_logged: bool  # every run has K steps, and as many rows for each
    runs: int | None  # distinct values of `run`, None where the column is absent
    step_sizes: StepSizes | None
    observed: Observed | None
    parts: tuple[Part, ...] = ()  # the files of a log of several; row numbers run through them

    def places(self, rows: Sequence[int]) -> tuple[dict[str, object], ...]:
        """File and row number there, for each row of a log of several files; else nothing."""
        found = (place_of(self.parts, row) for row in rows)
        return tuple({"file": at[0], "row": at[1]} for at in found if at is not None)

    def named(self, row: int) -> str:
        """A row as a person finds it: its number, behind its file where there are several."""
        at = place_of(self.parts, row)
        return str(row) if at is None else f"{at[0]}: {at[1]}"
