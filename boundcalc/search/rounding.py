"""From floating-point weights to exact ones, and from a rational form to exact squares."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from boundcalc.search.coefficients import Form

DENOMINATOR = 10**10  # one for all weights, so that sums of them stay short
MOST_BITS = 3_000


def nearest_combination(
    instances: Mapping[str, Form], target: Form, weights: Mapping[str, float]
) -> dict[str, Fraction] | None:
    """Nonnegative rationals near `weights` whose combination has the linear part of `target`.

    The largest weights are solved for, the others rounded. None where one would be negative.
    """
    exact = {n: Fraction(round(max(w, 0.0) * DENOMINATOR), DENOMINATOR) for n, w in weights.items()}
    atoms = sorted(set(target.linear).union(*(form.linear for form in instances.values())))
    order = sorted(exact, key=lambda name: -exact[name])
    rows = [[instances[name].linear.get(atom, Fraction(0)) for name in order] for atom in atoms]
    right = []
    for atom, row in zip(atoms, rows, strict=True):
        total = sum((c * exact[n] for c, n in zip(row, order, strict=True)), Fraction(0))
        right.append(target.linear.get(atom, Fraction(0)) - total)
    change = _solution(rows, right)
    if change is None:
        return None
    for column, amount in change.items():
        exact[order[column]] += amount
    return exact if all(weight >= 0 for weight in exact.values()) else None


def _solution(rows: list[list[Fraction]], right: list[Fraction]) -> dict[int, Fraction] | None:
    """A solution in the first possible columns, by elimination; None where there is none."""
    matrix = [[*row, b] for row, b in zip(rows, right, strict=True)]
    pivots: list[int] = []
    for column in range(len(rows[0])):
        done = len(pivots)
        found = next((r for r in range(done, len(matrix)) if matrix[r][column]), None)
        if found is None:
            continue
        matrix[done], matrix[found] = matrix[found], matrix[done]
        lead = matrix[done][column]
        matrix[done] = [value / lead for value in matrix[done]]
        for r, row in enumerate(matrix):
            if r != done and row[column]:
                factor = row[column]
                matrix[r] = [v - factor * p for v, p in zip(row, matrix[done], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in matrix[len(pivots) :]):
        return None
    return {column: matrix[r][-1] for r, column in enumerate(pivots)}


def exact_squares(form: Form) -> list[tuple[Fraction, str]] | None:
    """Σ weight·‖vector‖² equal to the quadratic part (LDLᵀ); None where it is not semidefinite.

    None also where a number grows past `MOST_BITS`: the grammar would not read it.
    """
    if any(form.linear.values()):
        return None
    matrix = form.exact()
    size = len(matrix)
    squares: list[tuple[Fraction, str]] = []
    for k in range(size):
        pivot = matrix[k][k]
        if pivot < 0 or (pivot == 0 and any(matrix[k][k:])):
            return None
        if pivot == 0:
            continue
        row = [matrix[k][j] / pivot for j in range(size)]
        if max(value.denominator.bit_length() for value in (pivot, *row[k:])) > MOST_BITS:
            return None
        parts = [f"({row[j]})*{form.gram[j]}" for j in range(k, size) if row[j]]
        squares.append((pivot, " + ".join(parts)))
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                matrix[i][j] -= pivot * row[i] * row[j]
    return squares
