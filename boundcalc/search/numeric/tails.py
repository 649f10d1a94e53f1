"""Ratios at infinity: one coordinate grows, the others follow their best; limits and curves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.search.numeric.curves import fitted
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.local import descend
from boundcalc.search.numeric.objective import Objective
from boundcalc.search.numeric.optimum import Candidate, polish
from boundcalc.search.numeric.region import Floats, Region
from boundcalc.search.numeric.tape import compile

GROWTH = 4.0  # from one distance to the next
FIRST = 8.0
DISTANCES = 7
STEADY = 7  # values on a curve that show a trend: an oscillation seldom falls six times
KEPT = 4  # branches that are followed
REACH_FACTOR = 2.5  # other coordinates up to about |x_j| to this power


def tails(objective: Objective, found: Sequence[Candidate], until: float) -> list[Candidate]:
    """Limits of φ at infinity that are below, or as low as, what was found elsewhere."""
    best = min((each.value for each in found), default=None)
    result: list[Candidate] = []
    if objective.constant:
        return result
    low, high = objective.region.frame()
    for j in range(objective.region.dimension):
        for sign, bound in ((1, high[j]), (-1, low[j])):
            if np.isfinite(bound) or (result and time.perf_counter() > until):
                continue
            candidate = _axis(objective, j, sign) or _tail(objective, j, sign, best, until)
            if candidate is not None:
                result.append(candidate)
            if candidate is not None and candidate.limit_zero and candidate.curve:
                return result  # no constant works: nothing lower matters
    return result


def _tail(objective: Objective, j: int, sign: int, best: Any, until: float) -> Candidate | None:
    if objective.region.dimension == 1:
        return _line(objective, sign, best)
    trail = _follow(objective, j, sign, best, until)
    if len(trail) < 4 or not _promising([value for _, value in trail], best):
        return None
    polished = []
    for point, _ in trail[-5:]:
        better = polish(objective, point, {j: float(point[j])})
        if better is None or better.point is None:
            return _rough(objective, trail)
        polished.append(better.point)
    distances = [abs(float(point[j])) for point, _ in trail[-5:]]
    curve = fitted(distances, polished, j, sign)
    along = _along(objective, curve) if curve is not None else None
    return along if along is not None else _rough(objective, trail)


def _promising(values: Sequence[float], best: Any) -> bool:
    """Whether the limit may be the least value: lower already, or falling on and on."""
    if best is None or not np.isfinite(float(best)):
        return True
    if values[-1] <= float(best) + 1e-7 * (1e-3 + abs(float(best))):
        return True
    last = values[-3:]
    falls = [a - b for a, b in itertools.pairwise(last)]
    return min(falls) > 0.05 * abs(last[-1]) and values[-1] < 1e3 * (1 + abs(float(best)))


def _axis(objective: Objective, j: int, sign: int) -> Candidate | None:
    """A straight line parallel to an axis along which no constant works, where there is one."""
    if objective.region.dimension == 1:
        return None
    low, high = objective.region.frame()
    for middle in (np.zeros(len(low)), *map(np.array, objective.zeros)):
        start = np.clip(middle, low, high)
        exact = [str(Fraction(float(c)).limit_denominator(64)) for c in start]
        exact[j] = "t" if sign > 0 else "-t"
        found = _along(objective, tuple(exact))
        if found is not None and found.limit_zero:
            return found
    return None


def _line(objective: Objective, sign: int, best: Any) -> Candidate | None:
    """One variable: the limit along x = ±t, or the least value of far windows."""
    values = []
    for exponent in (3, 4, 5, 6, 7):
        window = sign * (10.0**exponent + np.linspace(0.0, 40.0, 1500))
        values.append((float(window[0]), float(objective.values(window[:, None]).min())))
    levels = [value for _, value in values]
    curve = ("t" if sign > 0 else "-t",)
    if not np.isfinite(levels).all():  # over- or underflow: mpmath has none
        return _along(objective, curve)
    if not _promising(levels, best):
        return None
    along = _along(objective, curve)
    low = min(levels[-3:])
    if along is not None and float(along.value) <= low + 1e-6 * (1 + abs(low)):
        return along
    return _rough(objective, [(np.array([x]), value) for x, value in values])


def _rough(objective: Objective, trail: Sequence[tuple[Floats, float]]) -> Candidate | None:
    """What the trail itself shows, without a formula of the curve."""
    from mpmath import mp, mpf

    values = [value for _, value in trail]
    point = tuple(map(mpf, map(float, trail[-1][0])))
    last = values[-3:]
    if not all(np.isfinite(last)):
        return None
    if all(b < 0.6 * a for a, b in itertools.pairwise(last)) and last[-1] > 0:
        return Candidate("infinity", mp.zero, point, "falls to 0 along a trail", limit_zero=True)
    if all(b < 1.5 * a for a, b in itertools.pairwise(last)) and last[-1] < 0:
        return Candidate("infinity", -mp.inf, point, "unbounded along a trail", limit_zero=True)
    low = Fraction(min(last))
    simple = low.limit_denominator(1000)
    if abs(simple - low) < Fraction(1, 10**9) * abs(low):
        low = simple
    value = mpf(low.numerator) / low.denominator
    return Candidate("infinity", value, point, "least value of a trail")


def _along(objective: Objective, curve: tuple[str, ...] | None) -> Candidate | None:
    """The limit of φ along a curve given by formulas in t, t -> oo."""
    from mpmath import mp, mpf

    if curve is None:
        return None
    tape = compile([parse(each, ("t",)) for each in curve], ("t",))
    values = []
    with mp.workdps(120):
        for exponent in range(6, 41, 2):
            point = tape.exact([mpf(2) ** exponent], 150)
            if (
                exponent < 20
                and not objective.feasible(np.array([[float(c) for c in point]])).all()
            ):
                return None
            value = objective.exact(point, 150)
            if not mp.isfinite(value):
                break
            values.append(value)
        point = tape.exact([mpf(2) ** 20], 60)
        return _limit(values, point, curve)


def _limit(values: list[Any], point: Sequence[Any], curve: tuple[str, ...]) -> Candidate | None:
    """None (plus infinity), 0, minus infinity, or a number: t grows by factors of 4."""
    from mpmath import mp, mpf

    last = values[-STEADY:]
    if len(last) < STEADY:
        return None
    steps = list(itertools.pairwise(last))
    c = last[-1]
    if all(v == 0 for v in last[-3:]):
        return Candidate("infinity", mp.zero, tuple(point), "0", curve)
    if c > 0 and all(abs(q) < mpf("0.9") * abs(p) for p, q in steps):
        return Candidate("infinity", mp.zero, tuple(point), "tends to 0", curve, limit_zero=True)
    falls = [p - q for p, q in steps]
    lasting = all(g > mpf("0.9") * f > 0 for f, g in itertools.pairwise(falls))
    if lasting and falls[-1] > mpf(10) ** -3 * abs(c):  # like a power, or a logarithm
        return Candidate("infinity", -mp.inf, tuple(point), "unbounded", curve, limit_zero=True)
    if all(g < mpf("0.9") * f < 0 for f, g in itertools.pairwise(falls)) and (
        -falls[-1] > mpf(10) ** -3 * abs(c)
    ):
        return None
    return Candidate("infinity", _extrapolated(values), tuple(point), "limit", curve)


def _extrapolated(values: list[Any]) -> Any:
    """Repeated Aitken steps on the last values: exact for sums of powers of t up to their order."""
    from mpmath import mp

    rows = values[-9:]
    while len(rows) >= 3:
        fresh = []
        for a, b, c in zip(rows, rows[1:], rows[2:], strict=False):
            bend = a - 2 * b + c
            fresh.append(c if abs(bend) < mp.mpf(10) ** -100 else c - (c - b) ** 2 / bend)
        if max(abs(r - fresh[-1]) for r in fresh) >= max(abs(r - rows[-1]) for r in rows):
            break
        rows = fresh
    return rows[-1]


def _follow(
    objective: Objective, j: int, sign: int, best: Any, until: float
) -> list[tuple[Floats, float]]:
    """Least φ with x_j = ±t held, for growing t: points and values."""
    rest = _without(objective.region, j)
    starts = rest.sample(400, seed=19)
    trail: list[tuple[Floats, float]] = []
    before: Floats | None = None
    for k in range(DISTANCES):
        t = sign * FIRST * GROWTH**k
        slope = _held(objective, j, t)
        values = slope(starts)[0]
        rank = np.argsort(values, kind="stable")[:32]
        rank = rank[np.isfinite(values[rank])]
        if not len(rank) or (k > 3 and time.perf_counter() > until):
            break
        ends, levels = descend(
            slope,
            rest,
            starts[rank],
            iterations=40,
            until=until,
            reach=REACH_FACTOR * float(np.arcsinh(abs(t))),
            gain=1e-11,
        )
        order = np.argsort(levels, kind="stable")[:KEPT]
        order = order[np.isfinite(levels[order])]
        if not len(order):
            break
        point = np.insert(ends[order[0]], j, t)
        trail.append((point, float(levels[order[0]])))
        if k >= 3 and not _promising([value for _, value in trail], best):
            break
        starts = _onward(ends[order], before, rest)
        before = ends[order[:1]]
    return trail


def _held(objective: Objective, j: int, t: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    def slope(x: Floats) -> tuple[Floats, Floats]:
        full = np.insert(x, j, t, axis=1)
        value, steep = objective.slope(full)
        if objective.within_tape is not None:
            bad = (objective.within_tape.points(full) < 0).any(axis=1)
            value = np.where(bad, np.inf, value)
        return value, np.delete(steep, j, axis=1)

    return slope


def _without(region: Region, j: int) -> Region:
    names = region.variables[:j] + region.variables[j + 1 :]
    return Region(names, region.domain[:j] + region.domain[j + 1 :])


def _onward(ends: Floats, before: Floats | None, rest: Region) -> Floats:
    """Starts for the next distance: the last ends times powers of the growth, and extrapolated."""
    factors = [GROWTH ** float(p) for p in (-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3)]
    parts = [ends * factor for factor in factors]
    if before is not None:
        with np.errstate(all="ignore"):
            trend = np.clip(np.nan_to_num(ends[:1] / before, nan=1.0), -64, 64)
        parts += [ends[:1] * trend, ends[:1] + (ends[:1] - before)]
    parts.append(rest.sample(8, seed=23))
    return rest.project(np.concatenate(parts))
