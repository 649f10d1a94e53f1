"""The rule "gram": a matrix of functions as a sum of weights times constant matrices.

M(x) = (C₀ − Σ c_k A_k) + Σ (w_k(x) + c_k) A_k with rational A_k: where the constant part and
all A_k are positive semidefinite and all w_k + c_k ≥ 0, so is M. The kernel finds A_k and w_k:
entries with proportional coefficients belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.analytic.goal import Context, Goal, MatrixGoal
from boundcalc.kernel.analytic.normal import ZERO
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Monomial, Polynomial

Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Group:
    """One weight and its matrix."""

    weight: Polynomial
    matrix: Matrix


def groups(context: Context, goal: MatrixGoal) -> tuple[Matrix, list[Group]]:
    """The constant part of a matrix, and its groups in a fixed order."""
    size = len(goal.rows)
    normal = context.normal
    collected: dict[Monomial, dict[tuple[int, int], Fraction]] = {}
    for i in range(size):
        for j in range(i + 1):
            for monomial, c in normal.of(goal.rows[i][j]).terms.items():
                collected.setdefault(monomial, {})[i, j] = c
    constant: Matrix = tuple(tuple(Fraction(0) for _ in range(size)) for _ in range(size))
    found: dict[Matrix, Polynomial] = {}
    for monomial in sorted(collected):
        entries = collected[monomial]
        matrix = tuple(
            tuple(entries.get((max(i, j), min(i, j)), Fraction(0)) for j in range(size))
            for i in range(size)
        )
        if not monomial:
            constant = matrix
            continue
        # on the diagonal a semidefinite matrix has entries of one sign; the first decides
        scale = next((matrix[i][i] for i in range(size) if matrix[i][i]), Fraction(0))
        if not scale:
            raise Rejected(f"{goal.name}: no sum of weights times semidefinite matrices")
        unit = tuple(tuple(x / scale for x in row) for row in matrix)
        found[unit] = found.get(unit, ZERO) + Polynomial({monomial: scale})
    return constant, [Group(found[unit], unit) for unit in sorted(found)]


def shifted(context: Context, goal: MatrixGoal, shifts: Sequence[Fraction]) -> list[Goal]:
    """The goals w_k + c_k ≥ 0, after the matrices were checked exactly. Raises Rejected."""
    constant, parts = groups(context, goal)
    if len(shifts) != len(parts):
        raise Rejected(f"{goal.name}: one shift for each of {len(parts)} weights")
    rest = [list(row) for row in constant]
    goals = []
    for k, (part, shift) in enumerate(zip(parts, shifts, strict=True)):
        if not positive(part.matrix, False):
            raise Rejected(f"{goal.name}: a matrix is not semidefinite")
        for row, other in zip(rest, part.matrix, strict=True):
            row[:] = [a - shift * b for a, b in zip(row, other, strict=True)]
        weight = part.weight + Polynomial({(): shift} if shift else {})
        goals.append(
            Goal(
                f"{goal.name}.weight{k}",
                goal.variables,
                goal.box,
                context.normal.node(weight),
                constraints=goal.constraints,
                parameters=goal.parameters,
                positive=goal.positive,
            )
        )
    if not positive(tuple(map(tuple, rest)), goal.strict):
        raise Rejected(f"{goal.name}: the constant part is not semidefinite")
    return goals


def positive(matrix: Matrix, strict: bool) -> bool:
    """Whether a rational matrix is positive semidefinite (definite), exactly, by elimination."""
    rows = [list(row) for row in matrix]
    while rows:
        pivot = rows[0][0]
        if pivot < 0 or (strict and pivot == 0):
            return False
        if pivot == 0:
            if any(rows[0]):
                return False
            rows = [row[1:] for row in rows[1:]]
            continue
        top = rows[0]
        rows = [
            [a - row[0] * b / pivot for a, b in zip(row[1:], top[1:], strict=True)]
            for row in rows[1:]
        ]
    return True
