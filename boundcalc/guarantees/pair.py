"""Which (α, β) of the frontier to report, by objective.

For a fixed step size γ the bound of sgd-alpha-beta-sharp is a ratio of affine functions of (α, β),
hence monotone along every edge of the frontier: the best pair is a vertex, or the bound keeps
falling along the last, unbounded edge. Jointly in (α, β, γ) it is convex over affine, so after
minimising over γ it is quasi-convex along the frontier and a bisection over the vertices finds it.
The same holds for β/(α − β).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.fit.exact import float_near, float_up
from boundcalc.fit.frontier import NO_ROW, Frontier
from boundcalc.guarantees.theorem_at import SHARP, Constants
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import best_step_size, load_theorem

OBJECTIVES = ("bound", "neighbourhood", "minimal", "rate")

_FEW = 64  # so many vertices are simply all tried
_TAIL_SHARE = Fraction(1, 100)  # of what the unbounded edge can still gain, left ungained
_DOUBLINGS = 200
_SMALLEST_START = Fraction(1, 1 << 20)  # doubling needs something above 0 to begin with


@dataclass(frozen=True)
class Pair:
    """The reported (α, β): floats, with β rounded up so that every row satisfies the condition.

    objective : the one that was used, which differs from the one asked for where columns lack;
    value : of the objective at the exact point; binding_rows : the rows that hold it there.
    attained : the objective has its optimum there; False on the unbounded edge, and for "rate".
    """

    alpha: float
    beta: float
    objective: str
    value: float
    binding_rows: tuple[int, ...]
    notes: tuple[str, ...] = ()
    attained: bool = True

    def moved_to(
        self, frontier: Frontier, alpha: float, beta: float, value: float, note: str
    ) -> Pair:
        """Another method's pair for the same objective, lifted where it is below the frontier."""
        least = frontier.beta(max(Fraction(alpha), frontier.alpha_min))
        if Fraction(beta) < least:
            note += f"; its β = {beta!r} violates a row and was rounded up to the frontier"
            beta = float_up(least)
        return Pair(alpha, beta, self.objective, value, (), (note, *self.notes), False)


def choose(
    frontier: Frontier,
    objective: str,
    constants: Constants | None,
    *,
    margin: Fraction = Fraction(1, 10),
) -> Pair | None:
    """The pair on the frontier that the objective likes best; None if float64 shows α = β there.

    Raises InputError when no pair reaches the `margin` that the objective "minimal" asks for.
    """
    notes: tuple[str, ...] = ()
    if objective == "bound" and constants is None:
        objective = "neighbourhood"
        notes = (
            "a bound needs L > 0 (grad_sqnorm) and D₀ > 0 (dist_sq): "
            "the pair has the smallest β/(α − β) instead",
        )
    if objective == "minimal":
        return _minimal(frontier, margin)
    if objective == "rate":
        return _rate(frontier)
    if objective == "bound":
        assert constants is not None  # noqa: S101  # settled above
        return _best(
            frontier, "bound", _bound_of(constants), _bound_limit(frontier, constants), notes
        )
    return _best(frontier, "neighbourhood", _neighbourhood, _neighbourhood_limit(frontier), notes)


def _bound_of(constants: Constants) -> Callable[[Fraction, Fraction], Fraction]:
    theorem = load_theorem(SHARP)

    def bound(alpha: Fraction, beta: Fraction) -> Fraction:
        env = constants.env(alpha, beta)
        assert theorem.bound is not None  # noqa: S101  # the catalogue's entry has one
        return evaluate(theorem.bound, {**env, "gamma": best_step_size(theorem, env)})

    return bound


def _neighbourhood(alpha: Fraction, beta: Fraction) -> Fraction:
    return beta / (alpha - beta)


def _neighbourhood_limit(frontier: Frontier) -> Fraction | None:
    """lim β/(α − β) along the unbounded edge; None when α − β stays bounded there."""
    return frontier.slope / (1 - frontier.slope) if frontier.slope < 1 else None


def _bound_limit(frontier: Frontier, constants: Constants) -> Fraction | None:
    """lim of the best bound along the unbounded edge: σ² s/(1 − s)."""
    ratio = _neighbourhood_limit(frontier)
    return None if ratio is None else constants.sigma2 * ratio


def _best(
    frontier: Frontier,
    objective: str,
    value: Callable[[Fraction, Fraction], Fraction],
    limit: Fraction | None,
    notes: tuple[str, ...],
) -> Pair | None:
    points = [(alpha, beta, rows) for alpha, beta, rows in frontier.vertices if alpha > beta]
    if not points:  # only the crossing with β = α: the first admissible pairs lie beyond it
        alpha = 2 * frontier.alpha_min + 1
        points = [(alpha, frontier.beta(alpha), _rows_of_last(frontier))]
    alpha, beta, rows = _search(points, value)
    least = value(alpha, beta)
    attained = limit is None or limit >= least
    if limit is not None and not attained:
        alpha, beta, rows = _along_the_tail(frontier, points[-1][0], value, limit)
        least = value(alpha, beta)
        notes = (
            *notes,
            f"the {objective} keeps improving as α → ∞, down to {float_near(limit):.6g}: there the "
            "condition only says that the loss stays below a multiple of loss_ref",
        )
    return _rounded(frontier, alpha, objective, least, rows, notes, attained=attained)


def _search(
    points: list[tuple[Fraction, Fraction, tuple[int, ...]]],
    value: Callable[[Fraction, Fraction], Fraction],
) -> tuple[Fraction, Fraction, tuple[int, ...]]:
    """The vertex with the smallest value; of equal ones the last, which has the largest α − β."""
    low, high = 0, len(points)
    while high - low > _FEW:
        middle = (low + high) // 2
        here, after = (value(*points[k][:2]) for k in (middle, middle + 1))
        if here < after:
            high = middle + 1
        else:
            low = middle + 1
    best = points[low]
    least = value(*best[:2])
    for point in points[low + 1 : high]:
        candidate = value(*point[:2])
        if candidate <= least:
            best, least = point, candidate
    return best


def _along_the_tail(
    frontier: Frontier,
    last: Fraction,
    value: Callable[[Fraction, Fraction], Fraction],
    limit: Fraction,
) -> tuple[Fraction, Fraction, tuple[int, ...]]:
    """A pair on the unbounded edge with all but 1 % of what that edge can still gain."""
    rows = _rows_of_last(frontier)
    alpha = max(last, _SMALLEST_START)
    if alpha <= frontier.beta(alpha):  # the last vertex is the crossing itself
        alpha = 2 * alpha
    start = value(alpha, frontier.beta(alpha))
    for _ in range(_DOUBLINGS):
        if value(alpha, frontier.beta(alpha)) - limit <= _TAIL_SHARE * (start - limit):
            break
        alpha *= 2
    return alpha, frontier.beta(alpha), rows


def _minimal(frontier: Frontier, margin: Fraction) -> Pair | None:
    """Smallest α + β with α − β ≥ margin: where the margin is reached, or where α + β* turns."""
    alpha = frontier.alpha_min
    for line in frontier.lines:
        if line.slope < 1:
            alpha = max(alpha, (margin + line.intercept) / (1 - line.slope))
        elif -line.intercept < margin:
            raise InputError(
                Fault(
                    "--margin",
                    f"{float_near(margin):.6g}",
                    f"at most {float_near(-line.intercept):.6g}, the largest α − β that row "
                    f"{line.row} admits",
                    "ask for a smaller margin",
                )
            )
    falling = sum(line.slope < -1 for line in frontier.lines)  # along these lines α + β* decreases
    best = max(alpha, frontier.vertices[falling][0])  # the steepest line has slope ≥ 0
    rows = frontier.binding_rows(best, frontier.beta(best))
    total = best + frontier.beta(best)
    return _rounded(frontier, best, "minimal", total, rows, (), margin=margin)


def _rows_of_last(frontier: Frontier) -> tuple[int, ...]:
    """The row of the unbounded edge, if it is one (and not β ≥ 0)."""
    row = frontier.lines[-1].row
    return () if row == NO_ROW else (row,)


def _rate(frontier: Frontier) -> Pair | None:
    """Largest α − β, among the vertices: beyond the last one the rows add nothing but scale."""
    alpha, beta, rows = frontier.vertices[-1]
    if alpha <= beta:
        alpha, rows = 2 * alpha + 1, _rows_of_last(frontier)
        beta = frontier.beta(alpha)
    return _rounded(frontier, alpha, "rate", alpha - beta, rows, (), attained=False)


def _rounded(
    frontier: Frontier,
    alpha: Fraction,
    objective: str,
    value: Fraction,
    rows: tuple[int, ...],
    notes: tuple[str, ...],
    *,
    margin: Fraction = Fraction(0),
    attained: bool = True,
) -> Pair | None:
    """Floats (α, β) on or just above the frontier; checked against every line of it, exactly."""
    floats = _floats(frontier, alpha, margin)
    if floats is None or floats[0] <= floats[1]:
        return None
    alpha_float, beta_float = floats
    exact = Fraction(alpha_float)
    if not all(Fraction(beta_float) >= line.at(exact) for line in frontier.lines):
        raise ArithmeticError("rounding lost a row: this is a defect of boundcalc")
    return Pair(alpha_float, beta_float, objective, float_up(value), rows, notes, attained)


def _floats(frontier: Frontier, alpha: Fraction, margin: Fraction) -> tuple[float, float] | None:
    """Floats on or just above the frontier at α, with α − β ≥ margin if a tiny step can save it."""
    first = frontier.floats(alpha)
    for nudge in (0, *(1 << k for k in range(30))):
        pair = frontier.floats(alpha * (1 + Fraction(nudge, 1 << 52))) if nudge else first
        if pair is None:
            return None
        near, beta = pair
        if near > beta and Fraction(near) - Fraction(beta) >= margin:
            return pair
    return first
