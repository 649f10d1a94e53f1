"""The pair by linear programming in cvxpy: a cross-check that shares nothing with the exact method.

Minimise (n·y)/(d·y) over y = (1, α, β) is, after Charnes and Cooper (1962), the linear program
minimise n·y with d·y = 1 over y = t·(1, α, β), t ≥ 0, and every row a y_α − b y_β ≤ c y_0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.fit.envelope import Rows, join
from boundcalc.guarantees.objective import Affine, Objective
from boundcalc.guarantees.polish import polish
from boundcalc.guarantees.rows import all_rows, envelope_without
from boundcalc.logs.log import Float, Log

MOST_ROWS = 100_000  # more rows are reduced to those of the envelope first
_OPTIONS: dict[str, dict[str, Any]] = {
    "HIGHS": {
        "primal_feasibility_tolerance": 1e-10,  # the smallest that HiGHS takes
        "dual_feasibility_tolerance": 1e-10,
        "small_matrix_value": 1e-12,
    },
    "CLARABEL": {
        "tol_gap_abs": 1e-12,
        "tol_gap_rel": 1e-12,
        "tol_feas": 1e-12,
        "tol_ktratio": 1e-9,
        "max_iter": 400,
    },
}
SOLVERS = tuple(_OPTIONS)
_SURE = 1e-7  # a pair that gains less than this (scaled) is neither there nor not there


@dataclass(frozen=True)
class LinearProgram:
    """What the solver gave.

    status : "optimal", "infeasible" or "undecided" (`note` says why).
    alpha, beta, value : as the solver returned them. polished_* : the vertex next to it where two
        of its active rows meet, in exact arithmetic, satisfying all rows exactly.
    rows : rows of the program; rows_total : rows of the log; reduced : whether only the rows on
        the envelope were handed over.
    """

    status: str
    solver: str
    alpha: float | None
    beta: float | None
    value: float | None
    polished_alpha: float | None
    polished_beta: float | None
    polished_value: float | None
    rows: int
    rows_total: int
    reduced: bool
    note: str


def lp_pair(
    log: Log,
    objective: Objective | None,
    *,
    scale: float = 1.0,
    solver: str = "HIGHS",
    reduce: bool | None = None,
    drop_nonfinite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> LinearProgram:
    """The best pair by an LP over the rows of the log.

    objective : None only asks whether any pair with α > β satisfies all rows.
    scale : a typical size of α; the program is in units of it.
    reduce : hand over only the rows on the envelope; None: for more than `MOST_ROWS` rows.

    Raises InputError for an unknown solver.
    """
    if solver not in _OPTIONS:
        raise InputError(
            Fault("solver", repr(solver), f"one of {', '.join(SOLVERS)}", "choose another solver")
        )
    if reduce is None:
        reduce = log.rows > MOST_ROWS
    if reduce:
        none = np.empty(0, dtype=np.int64)
        envelope = envelope_without(log, [none], drop_nonfinite=drop_nonfinite, progress=progress)[
            0
        ]
        rows = join((envelope.lines, envelope.floor, envelope.contradiction))
    else:
        rows = all_rows(log, drop_nonfinite=drop_nonfinite)
    status, point, note = _solve(rows, objective, scale, solver)
    value = None if point is None or objective is None else objective.ratio(*point)
    if status == "optimal" and objective is not None and value is None:
        status, note = "undecided", "the solver's pair is outside the objective's domain"
    exact = polish(rows, objective, point) if point is not None and objective is not None else None
    polished = None if exact is None or objective is None else objective.value(*exact)
    alpha, beta = (None, None) if point is None else map(float, point)
    fine_alpha, fine_beta = (None, None) if exact is None else map(float, exact)
    return LinearProgram(
        status,
        solver,
        alpha,
        beta,
        None if value is None else float(value),
        fine_alpha,
        fine_beta,
        None if polished is None else float(polished),
        len(rows),
        log.rows,
        reduce,
        note,
    )


def _scaled(rows: Rows, scale: float) -> NDArray[np.float64]:
    """(N, 3): (c, a·scale, b·scale) of every row, times a power of two that brings it near 1."""
    raw = np.stack([rows.loss, rows.loss_ref, rows.loss_min])
    size = _exponent(raw)
    loss, ref, low = np.ldexp(raw, -size)  # differences of numbers below 1 do not overflow
    table = np.stack([rows.inner, loss - ref, loss - low])
    shifts = np.stack([np.zeros_like(size), size, size])
    mantissa, exponent = np.frexp(table)
    unit, power = np.frexp(scale)
    mantissa[1:] *= unit
    exponent = exponent + shifts
    exponent[1:] += power
    top = np.where(mantissa == 0, -(1 << 20), exponent).max(axis=0)
    with np.errstate(under="ignore"):
        return np.asarray(np.ldexp(mantissa, np.maximum(exponent - top, -2000)).T)


def _exponent(values: Float) -> NDArray[np.int32]:
    """Of each column's largest entry, (N,)."""
    return np.asarray(np.frexp(np.abs(values).max(axis=0))[1], dtype=np.int32)


def _solve(
    rows: Rows, objective: Objective | None, scale: float, solver: str
) -> tuple[str, tuple[Fraction, Fraction] | None, str]:
    """(status, (α, β) in the log's units, note)."""
    import cvxpy

    table = _scaled(rows, scale)
    y = cvxpy.Variable(3, nonneg=True)  # (t, t α/scale, t β/scale)
    weight = np.column_stack([-table[:, 0], table[:, 1], -table[:, 2]])
    constraints: list[Any] = [weight @ y <= 0]
    gain = cvxpy.Variable()
    unit = Fraction(scale)
    if objective is None:
        goal: Any = cvxpy.Maximize(gain)
        constraints += [gain <= y[1] - y[2], gain <= y[0], y[0] + y[1] + y[2] <= 1]
    else:
        top, bottom = (
            _floats((p, q * unit, r * unit))
            for p, q, r in (objective.numerator, objective.denominator)
        )
        goal = cvxpy.Minimize(top @ y)
        constraints += [
            bottom @ y == 1,
            y[1] <= float(objective.cap / unit) * y[0],
            y[1] - y[2] >= float(objective.margin / unit) * y[0],
        ]
    problem = cvxpy.Problem(goal, constraints)
    status = _run(problem, solver)
    if status == "infeasible":
        return "infeasible", None, "no α > β satisfies all rows, says the solver"
    if status != "optimal" or y.value is None:
        return "undecided", None, f"the solver stopped with: {status}"
    t, alpha, beta = (float(part) for part in y.value)
    if objective is None:
        if gain.value is None or float(gain.value) < _SURE:
            return "infeasible", None, "no α > β satisfies all rows, up to the solver's tolerance"
        return "optimal", (Fraction(alpha / t) * unit, Fraction(beta / t) * unit), ""
    if not t > 0:
        return "undecided", None, "the program's optimum lies at infinity"
    return "optimal", (Fraction(alpha / t) * unit, Fraction(max(0.0, beta) / t) * unit), ""


def _floats(affine: Affine) -> Float:
    """The coefficients as floats, times what brings the largest to 1."""
    top = max(abs(part) for part in affine)
    return np.array([float(part / top) if top else 0.0 for part in affine])


def _run(problem: Any, solver: str) -> str:
    """Solve; the status in cvxpy's words, or the solver's complaint."""
    import warnings

    import cvxpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of inaccuracy: judged by what comes back
        try:
            problem.solve(solver=solver, **_OPTIONS[solver])
        except (cvxpy.error.SolverError, ValueError) as error:
            return str(error).splitlines()[0]
    status = str(problem.status)
    return {"optimal_inaccurate": "optimal", "infeasible_inaccurate": "infeasible"}.get(
        status, status
    )
