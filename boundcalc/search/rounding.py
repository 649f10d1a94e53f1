"""From floating-point weights to exact ones, and from a rational form to exact squares."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.search.dual import Program, Weights
from boundcalc.search.forms import Form
from boundcalc.search.linear import exact_solution

DENOMINATOR = 10**10  # one for all weights, so that sums of them stay short
MOST_BITS = 3_000


def nearest_combination(
    program: Program, target: Form, found: Weights
) -> tuple[dict[str, Fraction], list[Fraction]] | None:
    """Rational weights (nonnegative) and free multipliers near the given ones that fit exactly.

    Their combination has the linear part of `target`. The free multipliers and the largest weights
    are solved for, the others rounded. None where a weight would be negative.
    """
    exact = {n: _rounded(max(w, 0.0)) for n, w in found.instances.items()}
    free = [_rounded(w) for w in found.free]
    order = sorted(exact, key=lambda name: -exact[name])
    rest = dict(target.linear)
    columns = [*program.free, *(program.instances[name] for name in order)]
    for form, weight in zip(columns, [*free, *(exact[n] for n in order)], strict=True):
        for atom, c in form.linear.items():
            rest[atom] = rest.get(atom, Fraction(0)) - weight * c
    change = exact_solution([form.linear for form in columns], rest)
    if change is None:
        return None
    for column, amount in change.items():
        if column < len(free):
            free[column] += amount
        else:
            exact[order[column - len(free)]] += amount
    return (exact, free) if all(weight >= 0 for weight in exact.values()) else None


def _rounded(value: float) -> Fraction:
    return Fraction(round(value * DENOMINATOR), DENOMINATOR)


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
