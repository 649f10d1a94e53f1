"""Linear programs over the rationals: a solver's vertex in floats, then solved for exactly."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Column = Mapping[Any, Fraction]  # row → entry

SMALL = 1e-9  # of a float that stands for 0 at a vertex


def combination(
    columns: Sequence[Column],
    target: Column,
    cost: Sequence[float],
    wanted: Sequence[int] = (),
) -> dict[int, Fraction] | None:
    """Nonnegative c with Σ c[j]·columns[j] = target, of small cost; exact, or None.

    wanted : columns of which one must have c > 0.
    """
    rows = sorted(set(target).union(*columns), key=str)
    place = {row: k for k, row in enumerate(rows)}
    goals: list[Sequence[float]] = [cost]
    if wanted:
        goals = [[-1.0 if j == one else 0.0 for j in range(len(columns))] for one in wanted]
    for goal in goals:
        vertex = _vertex(columns, target, goal, place)
        if vertex is None:
            if not wanted:
                return None
            continue
        support = [j for j, value in enumerate(vertex) if value > SMALL]
        found = exact_solution([columns[j] for j in support], target)
        if found is None or any(c < 0 for c in found.values()):
            continue
        chosen = {support[k]: c for k, c in found.items() if c}
        if not wanted or any(chosen.get(j) for j in wanted):
            return chosen
    return None


def _vertex(
    columns: Sequence[Column],
    target: Column,
    cost: Sequence[float],
    place: Mapping[Hashable, int],
) -> list[float] | None:
    import highspy
    import numpy as np

    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(columns), len(place)
    model.col_cost_ = np.array(cost, dtype=float)
    model.col_lower_ = np.zeros(len(columns))
    model.col_upper_ = np.full(len(columns), highspy.kHighsInf)
    right = np.zeros(len(place))
    for row, value in target.items():
        right[place[row]] = float(value)
    model.row_lower_ = model.row_upper_ = right
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(column) for column in columns)])
    model.a_matrix_.index_ = np.array([place[row] for column in columns for row in column])
    model.a_matrix_.value_ = np.array([float(v) for column in columns for v in column.values()])
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.setOptionValue("solver", "simplex")  # vertices are what can be solved for exactly
    solver.setOptionValue("time_limit", 20.0)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return [float(value) for value in solver.getSolution().col_value]


def exact_solution(columns: Sequence[Column], target: Column) -> dict[int, Fraction] | None:
    """A solution in the first columns that suffice, by elimination; None where there is none."""
    rows = sorted(set(target).union(*columns), key=str)
    zero = Fraction(0)
    matrix = [[*(c.get(row, zero) for c in columns), target.get(row, zero)] for row in rows]
    pivots, reduced = echelon(matrix)
    if len(columns) in pivots:
        return None
    return {column: reduced[r][-1] for r, column in enumerate(pivots)}


def echelon(rows: Sequence[Sequence[Fraction]]) -> tuple[list[int], list[list[Fraction]]]:
    """Pivot columns, and the reduced row echelon form without its rows of zeros."""
    matrix = [list(row) for row in rows]
    pivots: list[int] = []
    for column in range(len(matrix[0]) if matrix else 0):
        done = len(pivots)
        found = next((r for r in range(done, len(matrix)) if matrix[r][column]), None)
        if found is None:
            continue
        matrix[done], matrix[found] = matrix[found], matrix[done]
        lead = matrix[done][column]
        matrix[done] = [v / lead for v in matrix[done]]
        for r, row in enumerate(matrix):
            if r != done and row[column]:
                by = row[column]
                matrix[r] = [v - by * p for v, p in zip(row, matrix[done], strict=True)]
        pivots.append(column)
    return pivots, matrix[: len(pivots)]
