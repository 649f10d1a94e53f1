"""The grid method of Islamov et al. 2024: T(α, β) = min over rows of inner − α a + β b on a grid.

With a = loss − loss_ref, b = loss − loss_min, a pair satisfies every row where T ≥ 0. This is what
one draws by hand; it stays as a cross-check of the exact frontier and as data of the heat map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.envelope import Rows, rows_of
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.guarantees.objective import Objective
from boundcalc.guarantees.pair import Pair
from boundcalc.guarantees.rows import chunks
from boundcalc.logs.log import Float, Log

SIZE = 50
_BLOCK = 256  # rows multiplied at a time: the product stays in the cache
_ROUNDING = Fraction(1, 1 << 50)  # of T, relative to the size of its terms: eight half-ulps
_NEAR = 1.0 + 2.0**-40  # floats of the objective


@dataclass(frozen=True, eq=False)
class Grid:
    """T on a grid: alphas, betas (m,) increasing; least[i, j] = T(alphas[i], betas[j]), (m, m).

    A monoid under `merge` for fixed axes: the grid of a union is the smaller value, point by point.
    (Chunks of other sizes may change T in its last bits, for BLAS adds in an order of its own.)
    """

    alphas: Float
    betas: Float
    least: Float
    rows: int

    def merge(self, other: Grid) -> Grid:
        """The grid of the union of two sets of rows."""
        same = np.array_equal(self.alphas, other.alphas) and np.array_equal(self.betas, other.betas)
        if not same:
            raise ValueError("grids over different axes do not merge")
        least = np.minimum(self.least, other.least)
        return Grid(self.alphas, self.betas, least, self.rows + other.rows)

    def feasible(self) -> NDArray[np.bool_]:
        """Where T ≥ 0 and α > β, (m, m)."""
        return (self.least >= 0) & (self.alphas[:, None] > self.betas)


@dataclass(frozen=True)
class GridPair:
    """The best feasible grid point, None where no grid point is feasible; spacing in α and β."""

    alpha: float | None
    beta: float | None
    value: float | None
    alpha_spacing: float
    beta_spacing: float
    points: int
    feasible_points: int
    undecided_points: int  # T overflowed there


def axes(
    alpha_beta: Frontier | Infeasible, pair: Pair | None, size: int = SIZE
) -> tuple[Float, Float]:
    """Axes that show the frontier: α up to twice the chosen one, β up to 5/4 of what that needs."""
    if pair is None or isinstance(alpha_beta, Infeasible):
        top, high = 2.0, 2.0
    else:
        top = 2 * pair.alpha
        ends = (max(alpha_beta.alpha_min, alpha_beta.vertices[0][0]), Fraction(top))
        needed = max(float(alpha_beta.beta(alpha)) for alpha in ends)
        high = 1.25 * max(needed, pair.beta) or top
    return top * (np.arange(1, size + 1) / size), high * (np.arange(size) / (size - 1))


def grid_of(rows: Rows, alphas: Float, betas: Float) -> Grid:
    """The grid of some rows: an (n, 3) by (3, m²) product, a block of rows at a time."""
    points = np.stack(
        [
            np.ones(len(alphas) * len(betas)),
            -np.repeat(alphas, len(betas)),
            np.tile(betas, len(alphas)),
        ]
    )
    least = np.full(points.shape[1], np.inf)
    product = np.empty((_BLOCK, points.shape[1]))
    with np.errstate(all="ignore"):  # what overflows ends as NaN or −inf: undecided, or infeasible
        for start in range(0, len(rows), _BLOCK):
            at = slice(start, start + _BLOCK)
            loss = rows.loss[at]
            terms = np.column_stack(
                [rows.inner[at], loss - rows.loss_ref[at], loss - rows.loss_min[at]]
            )
            value = np.matmul(terms, points, out=product[: len(terms)])
            np.minimum(least, value.min(axis=0), out=least)
    return Grid(alphas, betas, least.reshape(len(alphas), len(betas)), len(rows))


def grid(
    log: Log,
    alphas: Float,
    betas: Float,
    *,
    drop_nonfinite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Grid:
    """The grid of a whole log, streamed."""
    total = Grid(alphas, betas, np.full((len(alphas), len(betas)), np.inf), 0)
    for chunk in chunks(log, drop_nonfinite=drop_nonfinite, progress=progress):
        total = total.merge(grid_of(rows_of(chunk), alphas, betas))
    return total


def grid_pair(found: Grid, objective: Objective | None) -> GridPair:
    """The best feasible grid point by the objective (with α ≤ its cap)."""
    feasible = found.feasible()
    alpha = beta = value = None
    if objective is not None:
        ratios = objective.ratios(found.alphas[:, None], found.betas[None, :])
        within = np.array([Fraction(float(a)) <= objective.cap for a in found.alphas])
        ratios = np.where(feasible & within[:, None], ratios, np.inf)
        i, j = np.unravel_index(int(np.argmin(ratios)), ratios.shape)
        if np.isfinite(ratios[i, j]):
            alpha, beta = float(found.alphas[i]), float(found.betas[j])
            value = objective.sign * float(ratios[i, j])
    return GridPair(
        alpha,
        beta,
        value,
        float(found.alphas[1] - found.alphas[0]),
        float(found.betas[1] - found.betas[0]),
        feasible.size,
        int(np.count_nonzero(feasible)),
        int(np.count_nonzero(np.isnan(found.least))),
    )


def points_astray(found: Grid, alpha_beta: Frontier | Infeasible) -> tuple[int, int]:
    """(grid columns with a feasible point outside the exact region, with a point inside it missed).

    Both regions are compared beyond rounding: T of a row is off by at most 2^-50 times the size of
    its terms, which moves the row's line by 2^-50 (|slope| α + |intercept| + β).
    """
    outside = missed = 0
    feasible = found.feasible()
    undecided = np.isnan(found.least)
    for i, alpha_float in enumerate(found.alphas):
        alpha = Fraction(float(alpha_float))
        ordered = found.betas < alpha_float
        yes = np.flatnonzero(feasible[i])
        no = np.flatnonzero(ordered & ~feasible[i] & ~undecided[i])
        if isinstance(alpha_beta, Infeasible):
            outside += bool(len(yes))
            continue
        if len(yes):
            beta = Fraction(float(found.betas[yes[0]]))
            outside += not _inside(alpha_beta, alpha, beta, -_ROUNDING)
        if len(no):
            beta = Fraction(float(found.betas[no[-1]]))
            missed += _inside(alpha_beta, alpha, beta, _ROUNDING)
    return outside, missed


def _inside(frontier: Frontier, alpha: Fraction, beta: Fraction, slack: Fraction) -> bool:
    """Is (α, β) in the exact region, with lines moved up by `slack` of the size of their terms?"""
    if alpha < frontier.alpha_min * (1 + slack):
        return False
    return beta >= _moved(frontier, alpha, beta, slack)


def _moved(frontier: Frontier, alpha: Fraction, beta: Fraction, slack: Fraction) -> Fraction:
    return max(
        line.at(alpha) + slack * (abs(line.slope) * alpha + abs(line.intercept) + beta)
        for line in frontier.lines
    )


def worst_expected(
    found: Grid, frontier: Frontier, pair: Pair, objective: Objective
) -> Fraction | None:
    """The value that the grid must reach: at the grid's α next to the exact one, one spacing of β
    above the frontier. None where the grid is too coarse to hold such a point."""
    step = Fraction(float(found.betas[1])) - Fraction(float(found.betas[0]))
    top = Fraction(float(found.betas[-1]))
    at = int(np.searchsorted(found.alphas, pair.alpha))
    values = []
    for k in (at - 1, at):
        if not 0 <= k < len(found.alphas):
            continue
        alpha = Fraction(float(found.alphas[k]))
        if not frontier.alpha_min * (1 + _ROUNDING) <= alpha <= objective.cap:
            continue
        beta = _moved(frontier, alpha, frontier.beta(alpha), _ROUNDING) + step
        value = objective.value(alpha, beta)
        if beta <= top and value is not None:
            values.append(objective.sign * value)
    return objective.sign * min(values) if values else None


def _best_expected(frontier: Frontier, pair: Pair, objective: Objective) -> Fraction:
    """What rounding of T may make of the exact value: the frontier lowered by that much."""
    alpha, beta = Fraction(pair.alpha), Fraction(pair.beta)
    lowered = max(Fraction(0), _moved(frontier, alpha, beta, -4 * _ROUNDING))
    values = [objective.value(alpha, beta), objective.value(alpha, min(beta, lowered))]
    return min(
        objective.sign * value for value in (*values, Fraction(pair.value)) if value is not None
    )


def grid_agrees(
    found: Grid,
    best: GridPair,
    alpha_beta: Frontier | Infeasible,
    pair: Pair | None,
    objective: Objective | None,
) -> bool:
    """Within the spacing of the grid: no grid column strays from the exact region, no grid point is
    better than the exact pair, and the best one is no worse than `worst_expected`."""
    if points_astray(found, alpha_beta) != (0, 0):
        return False
    if isinstance(alpha_beta, Infeasible) or pair is None or objective is None:
        return best.feasible_points == 0
    expected = worst_expected(found, alpha_beta, pair, objective)
    if best.value is None:
        return expected is None
    value = objective.sign * best.value
    least = float(_best_expected(alpha_beta, pair, objective))
    if value < least - abs(least) * (_NEAR - 1):
        return False
    return expected is None or value <= objective.sign * float(expected) * (
        _NEAR if objective.sign * expected > 0 else 1 / _NEAR
    )
