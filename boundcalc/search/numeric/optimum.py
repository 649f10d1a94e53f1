"""Points where an objective is least: grid or descents in double precision, then many digits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.search.numeric.derivative import gradient
from boundcalc.search.numeric.local import descend
from boundcalc.search.numeric.node import Node
from boundcalc.search.numeric.objective import Objective
from boundcalc.search.numeric.polish import newton
from boundcalc.search.numeric.recognise import recognise
from boundcalc.search.numeric.region import Floats
from boundcalc.search.numeric.tape import compile

GRID = 12_000
STARTS = 64
POLISHED = 6  # candidates that get many digits, per piece
FAR = 1e4  # coordinates beyond are left to the search at infinity
UNPOLISHED = "not polished"


@dataclass(frozen=True)
class Candidate:
    """A value φ (mpf) and where: kind as in Estimate; curve : formulas in t for kind "infinity"."""

    kind: str
    value: Any
    point: tuple[Any, ...] | None
    note: str = ""
    curve: tuple[str, ...] | None = None
    direction: tuple[float, ...] | None = None  # of a limit at a zero
    limit_zero: bool = False  # approaches 0 (sense +1) or infinity (sense -1), never attained


def attained(objective: Objective, until: float) -> list[Candidate]:
    """Local minima of φ in the region, least first."""
    if objective.constant:
        points = objective.region.project(np.zeros((1, objective.region.dimension)))
        values = objective.values(points)
    elif objective.region.dimension == 1:
        points, values = _scan(objective)
    else:
        points, values = _descents(objective, until)
    near = np.abs(points).max(axis=1, initial=0.0) < FAR
    points, values = simplest_first(points[near], values[near])
    result: list[Candidate] = []
    for count, (point, value) in enumerate(zip(points, values, strict=True)):
        if count >= 3 * POLISHED or len(result) >= POLISHED:
            break
        if (result and time.perf_counter() > until) or _settled(result):
            break
        if result:
            least = float(min(each.value for each in result))
            if value > least + 1e-6 * (1 + abs(least)):
                break
        if any(_near(point, other.point) for other in result):
            continue
        found = polish(objective, point)
        if found is not None:
            result.append(found)
    return [simplified(objective, each) for each in result]


def _settled(found: Sequence[Candidate]) -> bool:
    """Whether three polished values agree: more will not be lower."""
    from mpmath import mpf

    values = sorted(each.value for each in found if each.note != UNPOLISHED)
    return len(values) >= 3 and values[2] - values[0] <= mpf(10) ** -25 * (1 + abs(values[0]))


def simplified(objective: Objective, found: Candidate) -> Candidate:
    """The same value at a simpler point, where φ does not depend on some coordinates."""
    from mpmath import mp, mpf

    if found.point is None or objective.region.dimension == 1:
        return found
    with mp.workdps(60):
        point = list(found.point)
        slack = mpf(10) ** -28 * (mpf(10) ** -28 + abs(found.value))

        def good(trial: list[Any]) -> bool:
            near = np.array([[float(c) for c in trial]])
            if not objective.feasible(near).all() or not objective.clear(near).all():
                return False
            return bool(objective.exact(trial) <= found.value + slack)

        for scale in (1, 2, 3, 4):  # all at once
            rounded = [mp.nint(scale * c) / scale for c in point]
            close = [abs(a - b) < mpf(10) ** -5 for a, b in zip(point, rounded, strict=True)]
            trial = [b if c else a for a, b, c in zip(point, rounded, close, strict=True)]
            if any(close) and good(trial):
                point = trial
                break
        for k, value in enumerate(point):
            if not mp.isfinite(value) or recognise(value) is not None:
                continue
            for guess in (mpf(0), mp.nint(value), mp.nint(2 * value) / 2, mpf(1), mpf(-1)):
                trial = [*point[:k], guess, *point[k + 1 :]]
                if good(trial):
                    point = trial
                    break
        return replace(found, point=tuple(point))


def simplest_first(points: Floats, values: Floats) -> tuple[Floats, Floats]:
    """By value, but values equal up to rounding by the size of the point."""
    if not len(values):
        return points, values
    tie = values <= values.min() + 1e-9 * (1 + abs(values.min()))
    size = np.where(tie, np.abs(points).max(axis=1), 0.0)
    order = np.lexsort((np.where(tie, size, values), ~tie))
    return points[order], values[order]


def _near(point: Floats, other: Sequence[Any] | None) -> bool:
    if other is None:
        return False
    gaps = (abs(p - float(q)) / (1 + abs(p)) for p, q in zip(point, other, strict=True))
    return bool(max(gaps) < 1e-5)


def _scan(objective: Objective) -> tuple[Floats, Floats]:
    """Local minima of a dense grid in one variable, each refined by finer grids."""
    x = line(objective)
    values = objective.values(x[:, None])
    left = np.concatenate([[np.inf], values[:-1]])
    right = np.concatenate([values[1:], [np.inf]])
    values = np.where(np.abs(x) < FAR, values, np.inf)
    low = np.flatnonzero((values <= left) & (values <= right) & np.isfinite(values))
    rank = np.argsort(values[low], kind="stable")
    small = np.argsort(np.abs(x[low]), kind="stable")  # where many are as low, the simple ones
    low = low[np.unique(np.concatenate([rank[:40], small[:20]]))]
    before, after = x[np.maximum(low - 1, 0)], x[np.minimum(low + 1, len(x) - 1)]
    best, level = x[low], values[low]
    for _ in range(5):
        steps = np.linspace(0.0, 1.0, 17)
        fine = before[:, None] + (after - before)[:, None] * steps
        got = objective.values(fine.reshape(-1, 1)).reshape(fine.shape)
        k = got.argmin(axis=1)
        row = np.arange(len(low))
        better = got[row, k] < level
        best, level = np.where(better, fine[row, k], best), np.where(better, got[row, k], level)
        before, after = fine[row, np.maximum(k - 1, 0)], fine[row, np.minimum(k + 1, 16)]
    rank = np.argsort(level, kind="stable")
    return best[rank][:, None], level[rank]


def line(objective: Objective) -> Floats:
    """Increasing points of one variable: even, and at all scales around 0, zeros and ends."""
    low, high = (float(side[0]) for side in objective.region.frame())
    start = low if np.isfinite(low) else (high if np.isfinite(high) else 0.0) - 60.0
    end = high if np.isfinite(high) else (low if np.isfinite(low) else 0.0) + 60.0
    parts = [np.linspace(start, end, GRID)]
    scales = np.geomspace(1e-8, 1e8, 500)
    for middle in {0.0, *(zero[0] for zero in objective.zeros)} | {
        side for side in (low, high) if np.isfinite(side)
    }:
        parts += [middle - scales, middle + scales]
    x = np.unique(np.clip(np.concatenate(parts), low, high))
    return np.asarray(x)


def _descents(objective: Objective, until: float) -> tuple[Floats, Floats]:
    """Ends of descents in several variables, the least first."""
    region = objective.region
    near = [np.array(zero) for zero in objective.zeros]
    grid = region.sample(3000, seed=11, near=near)
    rough = objective.values(grid)
    rank = np.argsort(rough, kind="stable")
    rank = rank[np.isfinite(rough[rank])]
    if not len(rank):
        return np.empty((0, region.dimension)), np.empty(0)
    some = np.random.default_rng(13).permutation(rank)[:STARTS]
    starts = grid[np.unique(np.concatenate([rank[:STARTS], some]))]
    ends, values = descend(objective.slope, region, starts, objective.piece.within, until=until)
    good = np.isfinite(values)
    ends, values = ends[good], values[good]
    # the start itself counts where the penalty's descent went outside
    ends = np.concatenate([ends, grid[rank[:8]]])
    values = np.concatenate([values, rough[rank[:8]]])
    order = np.argsort(values, kind="stable")
    return ends[order], values[order]


def polish(
    objective: Objective, start: Floats, held: dict[int, Any] | None = None
) -> Candidate | None:
    """The stationary value near a point, on the constraints that bind there; None where it is lost.

    held : coordinates kept at given values.
    """
    from mpmath import mp

    with mp.workdps(60):
        return _polished(objective, start, held)


def _polished(objective: Objective, start: Floats, held: dict[int, Any] | None) -> Candidate | None:
    plain = objective.exact([*map(float, start)])
    best = None
    for binding in _bindings(objective, start, held):
        found = _polish_on(objective, start, *binding)
        if found is not None and (best is None or found.value < best.value):
            best = found
    from mpmath import mp

    if best is None or best.value > plain + abs(plain) * mp.mpf(10) ** -9:
        if not mp.isfinite(plain) or not objective.feasible(start[None]).all():
            return best
        return Candidate("point", plain, tuple(map(mp.mpf, map(float, start))), UNPOLISHED)
    return best


Binding = tuple[dict[int, Any], list[Node]]


def _bindings(objective: Objective, start: Floats, held: dict[int, Any] | None) -> list[Binding]:
    """Sets of constraints that may bind: those that are close to it, and fewer."""
    from mpmath import mpf

    region = objective.region
    fixed: dict[int, Any] = dict(held or {})
    for k, side in enumerate(region.domain):
        for bound in side:
            if bound is not None and abs(start[k] - float(bound)) <= 1e-6 * (1 + abs(start[k])):
                fixed.setdefault(k, Fraction(bound))
    exact = {
        k: mpf(v.numerator) / v.denominator if isinstance(v, Fraction) else v
        for k, v in fixed.items()
    }
    close = []
    for g in (*region.curved(), *objective.piece.within):
        rows = compile([g, *gradient(g, region.variables)], region.variables).points(start[None])[0]
        if abs(rows[0]) <= 1e-2 * (1 + np.abs(start).max()) * (np.linalg.norm(rows[1:]) + 1e-12):
            close.append(g)
    loose = len(start) - len(exact)
    choices: list[Binding] = [(exact, [])]
    if close:
        choices.insert(0, (exact, close[:loose]))
        if len(close) > 1:
            choices += [(exact, [g]) for g in close if loose]
    return choices


def _polish_on(
    objective: Objective, start: Floats, fixed: dict[int, Any], active: list[Node]
) -> Candidate | None:
    """Newton's method on the Lagrange conditions with the given constraints met exactly."""
    from mpmath import mp, mpf

    d = len(start)
    loose = [k for k in range(d) if k not in fixed]
    names = objective.variables
    tape = compile([part for g in active for part in (g, *gradient(g, names))], names)

    def full(x: Sequence[Any]) -> list[Any]:
        moving = iter(x)
        return [fixed[k] if k in fixed else next(moving) for k in range(d)]

    def equations(x: list[Any]) -> list[Any]:
        point = full(x)
        slope = objective.exact_slope(point)
        rows = tape.exact(point, 70)
        parts = [rows[k * (d + 1) : (k + 1) * (d + 1)] for k in range(len(active))]
        prices = x[len(loose) :]
        free = [
            slope[k] - sum(m * part[k + 1] for m, part in zip(prices, parts, strict=True))
            for k in loose
        ]
        return [*free, *(part[0] for part in parts)]

    unknown: list[Any] = [float(start[k]) for k in loose]
    if active:
        unknown += _prices(objective, start, tape, loose, len(active))
    if unknown:
        root = newton(equations, unknown)
        if root is None:
            return None
        x: Sequence[Any] = root.point
    else:
        x = ()
    with mp.workdps(70):
        point = tuple(mpf(c) for c in full(x))
        if not _admissible(objective, point, active) or not _close(point, start):
            return None
        if not objective.clear(np.array([[float(c) for c in point]])).all():
            return None
        value = objective.exact(point, 60)
    bound = bool(active) or any(k in fixed for k in range(d))
    return Candidate("boundary" if bound else "point", value, point) if mp.isfinite(value) else None


def _prices(
    objective: Objective, start: Floats, tape: Any, loose: list[int], count: int
) -> list[Any]:
    """Multipliers that fit the gradient at the start best."""
    d = len(start)
    rows = tape.points(start[None])[0].reshape(count, d + 1)[:, 1:][:, loose]
    slope = objective.slope(start[None])[1][0][loose]
    return [float(v) for v in np.linalg.lstsq(rows.T, slope, rcond=None)[0]]


def _close(point: Sequence[Any], start: Floats) -> bool:
    gaps = (abs(float(p) - s) / (1 + abs(s)) for p, s in zip(point, start, strict=True))
    return all(gap < 0.3 for gap in gaps)


def _admissible(objective: Objective, point: Sequence[Any], active: Sequence[Node]) -> bool:
    """Whether a point meets all constraints, those met exactly aside."""
    from mpmath import mp, mpf

    others = [
        g
        for g in (*objective.region.constraints(), *objective.piece.within)
        if not any(g is other for other in active)
    ]
    values = compile(others, objective.variables).exact(point, 60) if others else []
    return all(mp.isfinite(value) and value >= -(mpf(10) ** -30) for value in values)
