"""From a solver's approximate optimum to the exact vertex beside it."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from boundcalc.fit.envelope import Rows
from boundcalc.fit.exact import MARGIN, TINY, integers
from boundcalc.guarantees.objective import Objective
from boundcalc.logs.log import Float

HalfPlane = tuple[Fraction, Fraction, Fraction]  # p α − q β ≤ r
Point = tuple[Fraction, Fraction]

_NEAREST = 8  # rows with the smallest slack at the solver's point
_ROUNDS = 40
_ADDED = 4  # violated rows that join per round


def polish(rows: Rows, objective: Objective, near: Point) -> Point | None:
    """The best vertex of the rows that are active at `near`, once it satisfies all rows exactly.

    Two active rows (or a row and one of β ≥ 0, α ≤ cap, α − β ≥ margin) meet in a vertex, a 2×2
    system in rationals. Rows that the best vertex violates join the active ones until none is left.

    Returns None when this does not end, or there is no such vertex.
    """
    structural: list[HalfPlane] = [
        (Fraction(0), Fraction(1), Fraction(0)),
        (Fraction(1), Fraction(0), objective.cap),
        (Fraction(-1), Fraction(-1), -objective.margin),
    ]
    slack = relative_slack(rows, *map(float, near))
    active = {half_plane(rows, int(k)) for k in _smallest(slack, _NEAREST)}
    for _ in range(_ROUNDS):
        best = _best_vertex([*structural, *active], objective)
        if best is None:
            return None
        worst = worst_violated(rows, best)
        if not worst:
            return best
        active |= {half_plane(rows, k) for k in worst[:_ADDED]}
    return None


def half_plane(rows: Rows, k: int) -> HalfPlane:
    """Row k exactly: (a, b, c)."""
    loss, ref, low, inner = (
        Fraction(float(column[k]))
        for column in (rows.loss, rows.loss_ref, rows.loss_min, rows.inner)
    )
    return loss - ref, loss - low, inner


def relative_slack(rows: Rows, alpha: float, beta: float) -> Float:
    """(c − α a + β b) / (|c| + α |a| + β b) of every row, NaN where that over- or underflows."""
    with np.errstate(all="ignore"):
        left = alpha * (rows.loss - rows.loss_ref)
        right = beta * (rows.loss - rows.loss_min)
        size = np.abs(left) + right + np.abs(rows.inner)
        return np.where(
            (size > TINY) & np.isfinite(size), (rows.inner - left + right) / size, np.nan
        )


def worst_violated(rows: Rows, point: Point) -> list[int]:
    """Positions of the rows that the pair violates, exactly, the worst (relatively) first."""
    alpha, beta = point
    slack = relative_slack(rows, float(alpha), float(beta))
    doubtful = np.flatnonzero(~(slack > 2 * MARGIN))
    found = [int(k) for k in doubtful if not holds(rows, int(k), point)]
    return sorted(found, key=lambda k: (np.nan_to_num(slack[k], nan=-1.0), k))


def holds(rows: Rows, k: int, point: Point) -> bool:
    """Does row k hold at the pair, in exact arithmetic?"""
    loss, ref, low, inner = integers(
        rows.loss[k], rows.loss_ref[k], rows.loss_min[k], rows.inner[k]
    )
    alpha, beta = point
    return alpha * (loss - ref) - beta * (loss - low) <= inner


def _smallest(slack: Float, count: int) -> list[int]:
    size = np.abs(np.nan_to_num(slack, nan=0.0))
    if len(size) <= count:
        return list(range(len(size)))
    return [int(k) for k in np.argpartition(size, count)[:count]]


def _best_vertex(planes: list[HalfPlane], objective: Objective) -> Point | None:
    best: tuple[Fraction, Point] | None = None
    for (p, q, r), (s, t, u) in combinations(planes, 2):
        det = q * s - p * t
        if det == 0:
            continue
        alpha, beta = (q * u - r * t) / det, (p * u - s * r) / det
        value = objective.value(alpha, beta)
        if value is None or not all(x * alpha - y * beta <= z for x, y, z in planes):
            continue
        if best is None or objective.sign * value < best[0]:
            best = (objective.sign * value, (alpha, beta))
    return None if best is None else best[1]
