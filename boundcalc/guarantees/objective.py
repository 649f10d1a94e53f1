"""Objectives over (α, β) at a fixed step size: ratios of two affine functions.

That is what a linear program can minimise (Charnes and Cooper 1962) and a grid can evaluate; the
exact method needs neither, which is what makes them cross-checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.pair import Pair
from boundcalc.guarantees.theorem_at import SHARP, Constants
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import best_step_size, load_theorem
from boundcalc.logs.log import Float

Affine = tuple[Fraction, Fraction, Fraction]  # p0 + p1 α + p2 β

_ZERO, _ONE = Fraction(0), Fraction(1)
_UNKNOWNS = 6


@dataclass(frozen=True)
class Objective:
    """Minimise numerator/denominator where the denominator is positive and α − β ≥ margin, α ≤ cap.

    sign : the reported value is sign · ratio (−1 where the objective is to be made large).
    cap : where the exact method stopped along the unbounded edge, or its last vertex (twice that
        for "minimal", which never asks for a larger α).
    gamma : the step size at which the bound is taken (None for the other objectives).
    """

    name: str
    numerator: Affine
    denominator: Affine
    cap: Fraction
    sign: int = 1
    margin: Fraction = _ZERO
    gamma: Fraction | None = None

    def ratio(self, alpha: Fraction, beta: Fraction) -> Fraction | None:
        """The reported value at a pair, whatever its margin; None where it is not defined."""
        bottom = _at(self.denominator, alpha, beta)
        if bottom <= 0 or alpha <= beta:
            return None
        return self.sign * _at(self.numerator, alpha, beta) / bottom

    def value(self, alpha: Fraction, beta: Fraction) -> Fraction | None:
        """The reported value at a pair; None where it is not defined or the margin not kept."""
        return self.ratio(alpha, beta) if alpha - beta >= self.margin else None

    def ratios(self, alpha: Float, beta: Float) -> Float:
        """What is minimised (the value up to sign) in floats; inf where it is not defined."""
        with np.errstate(all="ignore"):
            top, bottom = (
                float(p) + float(q) * alpha + float(r) * beta
                for p, q, r in (self.numerator, self.denominator)
            )
            admitted = (bottom > 0) & (alpha > beta) & (alpha - beta >= float(self.margin))
            return np.where(admitted & np.isfinite(top), top / bottom, np.inf)


def objective_at(
    frontier: Frontier, pair: Pair, constants: Constants | None, margin: Fraction
) -> Objective:
    """The objective that `pair` was chosen by, at the step size that is best for that pair.

    The pair is best over (α, β, γ) jointly, so it is also best over (α, β) at its own γ.
    """
    cap = max(frontier.vertices[-1][0], Fraction(pair.alpha))
    if pair.objective == "neighbourhood":
        return Objective("neighbourhood", (_ZERO, _ZERO, _ONE), (_ZERO, _ONE, -_ONE), cap)
    if pair.objective == "minimal":
        return Objective("minimal", (_ZERO, _ONE, _ONE), (_ONE, _ZERO, _ZERO), 2 * cap, 1, margin)
    if pair.objective == "rate":
        return Objective("rate", (_ZERO, -_ONE, _ONE), (_ONE, _ZERO, _ZERO), cap, -1)
    if constants is None:
        raise ValueError("the bound needs constants")
    theorem = load_theorem(SHARP)
    alpha, beta = Fraction(pair.alpha), Fraction(pair.beta)
    gamma = best_step_size(theorem, constants.env(alpha, beta))

    def bound(a: Fraction, b: Fraction) -> Fraction:
        assert theorem.bound is not None  # noqa: S101  # a catalogue entry with one
        return evaluate(theorem.bound, {**constants.env(a, b), "gamma": gamma})

    numerator, denominator = linear_fractional(bound, alpha, beta)
    return Objective("bound", numerator, denominator, cap, gamma=gamma)


def linear_fractional(
    value: Callable[[Fraction, Fraction], Fraction], alpha: Fraction, beta: Fraction
) -> tuple[Affine, Affine]:
    """The coefficients of a ratio of affine functions from its exact values, denominator positive.

    value : defined wherever α − β is at least what it is at the given pair (α > β).

    Raises ArithmeticError when the values are not those of such a ratio.
    """
    gap = alpha - beta
    points = [
        (alpha + i * gap, beta + j * gap)
        for i, j in ((0, 0), (1, 0), (2, 0), (1, 1), (3, 1), (3, 2), (5, 2), (4, 3), (7, 3))
    ]
    rows = []
    for a, b in points:
        v = value(a, b)
        rows.append([_ONE, a, b, -v, -v * a, -v * b])
    found = _null_vector(rows)
    if found is None:
        raise ArithmeticError("not a ratio of affine functions of (α, β): a defect of boundcalc")
    p, q, r, s, t, u = found
    if s + t * alpha + u * beta < 0:
        p, q, r, s, t, u = (-part for part in found)
    return (p, q, r), (s, t, u)


def _null_vector(rows: list[list[Fraction]]) -> list[Fraction] | None:
    """The vector that all rows annihilate, if there is exactly one up to scale (Gauss–Jordan)."""
    rows = [row[:] for row in rows]
    pivots: list[int] = []
    for column in range(_UNKNOWNS):
        at = len(pivots)
        pivot = next((k for k in range(at, len(rows)) if rows[k][column] != 0), None)
        if pivot is None:
            continue
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [part / rows[at][column] for part in rows[at]]
        for k, row in enumerate(rows):
            if k != at and row[column] != 0:
                factor = row[column]
                rows[k] = [x - factor * y for x, y in zip(row, rows[at], strict=True)]
        pivots.append(column)
    if len(pivots) != _UNKNOWNS - 1:
        return None
    free = next(c for c in range(_UNKNOWNS) if c not in pivots)
    vector = [_ZERO] * _UNKNOWNS
    vector[free] = _ONE
    for row, column in zip(rows, pivots, strict=False):
        vector[column] = -row[free]
    return vector


def _at(affine: Affine, alpha: Fraction, beta: Fraction) -> Fraction:
    return affine[0] + affine[1] * alpha + affine[2] * beta
