"""Stationary points: descents on ½|∇f|², Newton's method to many digits, exact coordinates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.search.numeric.derivative import dot, gradient
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.local import descend
from boundcalc.search.numeric.node import Node, multiply, number
from boundcalc.search.numeric.polish import newton
from boundcalc.search.numeric.recognise import recognise
from boundcalc.search.numeric.region import Floats, Indices, Region
from boundcalc.search.numeric.tape import Tape, compile

MOST_POINTS = 12  # isolated minimisers; more are taken for a continuum
DECIMALS = 45


@dataclass(frozen=True)
class Found:
    """One stationary point to many digits."""

    point: tuple[Any, ...]
    value: Any
    words: tuple[str, ...]
    exact: bool


def stationary(f: Node, region: Region, until: float, count: int = 24) -> list[Found]:
    """Interior stationary points, found by descents on ½|∇f|² and Newton's method."""
    variables = region.variables
    slopes = gradient(f, variables)
    size = multiply(number(Fraction(1, 2)), dot(slopes, slopes))
    tape = compile([size, *gradient(size, variables)], variables)
    plain = compile([f, *slopes], variables)

    def slope(x: Floats) -> tuple[Floats, Floats]:
        rows = tape.points(x)
        return np.where(np.isnan(rows[:, 0]), np.inf, rows[:, 0]), rows[:, 1:]

    grid = region.sample(600, seed=2)
    grid = grid[np.abs(grid).max(axis=1) < 1e3]
    starts = grid[spread(slope(grid)[0], count)] if len(grid) else grid
    if not len(starts):
        return []
    ends, values = descend(slope, region, starts, iterations=60, until=until)
    result: list[Found] = []
    for k in np.argsort(values, kind="stable"):
        if not values[k] < 1e-8 or time.perf_counter() > until or np.abs(ends[k]).max() > 1e4:
            continue
        if any(gap(ends[k], o.point) < 1e-4 for o in result):
            continue
        found = polished(plain, region, ends[k])
        if found is not None and all(gap(found.point, o.point) > 1e-8 for o in result):
            result.append(found)
        if len(result) > MOST_POINTS:
            break
    return result


def polished(tape: Tape, region: Region, start: Floats) -> Found | None:
    """The stationary point near a start: on the bounds and the sphere where it lies."""
    from mpmath import mp, mpf

    low, high = region.lower, region.upper
    width = 1e-7 * (1 + np.abs(start))
    fixed: dict[int, Fraction] = {}
    for k in range(len(start)):
        for side, bound in zip(region.domain[k], (low[k], high[k]), strict=True):
            if side is not None and abs(start[k] - bound) <= width[k]:
                fixed[k] = side
    loose = [k for k in range(len(start)) if k not in fixed]
    center, radius = _sphere(region, start)

    def full(x: Sequence[Any]) -> list[Any]:
        point = [mpf(0)] * len(start)
        for k, value in fixed.items():
            point[k] = mpf(value.numerator) / value.denominator
        for k, value in zip(loose, x, strict=False):
            point[k] = value
        return point

    def equations(x: list[Any]) -> list[Any]:
        point = full(x)
        slopes = tape.exact(point, 60)[1:]
        if radius is None:
            rows = [slopes[k] for k in loose]
        else:
            away = [point[k] - center[k] for k in range(len(point))]
            rows = [slopes[k] - x[-1] * away[k] for k in loose]
            rows.append(sum(a * a for a in away) - radius**2)
        return rows

    unknown: list[Any] = [float(start[k]) for k in loose]
    if radius is not None:
        slopes = tape.exact(list(start), 20)[1:]
        away = [float(start[k]) - float(center[k]) for k in range(len(start))]
        unknown.append(sum(s * a for s, a in zip(slopes, away, strict=True)) / float(radius) ** 2)
    root = newton(equations, unknown) if unknown else None
    if unknown and root is None:
        return None
    with mp.workdps(70):
        point = full(root.point if root is not None else ())
        if not _same_place(point, start, region):
            return None
        value = tape.exact(point, 55)[0]
        words, exact = _named(tape, point, loose, radius is None)
    return Found(tuple(point), value, words, exact)


def _sphere(region: Region, start: Floats) -> tuple[list[Any], Any]:
    """The ball's centre and radius where the start is on its sphere; else radius None."""
    from mpmath import mpf

    if region.ball is None:
        return [], None
    center = [mpf(c.numerator) / c.denominator for c in region.ball.center]
    away = np.linalg.norm(start - np.array([float(c) for c in center]))
    radius = float(region.ball.radius)
    if abs(away - radius) > 1e-3 * radius:
        return center, None
    return center, mpf(region.ball.radius.numerator) / region.ball.radius.denominator


def _same_place(point: Sequence[Any], start: Floats, region: Region) -> bool:
    near = np.array([[float(c) for c in point]])
    if not np.isfinite(near).all() or not region.inside(near, 1e-12).all():
        return False
    return bool(gap(near[0], start) < 0.1)


def _named(
    tape: Tape, point: Sequence[Any], loose: Sequence[int], free: bool
) -> tuple[tuple[str, ...], bool]:
    """Formulas of the coordinates; exact where they are stationary to 35 digits."""
    from mpmath import mp, mpf

    def words(digits: int) -> list[str | None]:
        return [recognise(value, digits) for value in point]

    def check(guess: list[str | None]) -> bool:
        if any(word is None for word in guess):
            return False
        tapes = compile([parse(str(word)) for word in guess], ())
        slopes = tape.exact(tapes.exact((), 60), 55)[1:]
        limit = mpf(10) ** -35
        return all(mp.isfinite(slopes[k]) and abs(slopes[k]) < limit for k in loose) or not free

    for digits in (35, 18, 10, 6):  # a degenerate minimiser is known to fewer digits
        guess = words(digits)
        if check(guess):
            return tuple(map(str, guess)), True
    decimals = tuple(
        str(recognise(value)) if recognise(value) is not None else decimal(value) for value in point
    )
    return decimals, False


def decimal(value: Any) -> str:
    """Digits without an exponent that a formula cannot have; 0 where it is negligible."""
    from mpmath import mp

    with mp.workdps(DECIMALS + 5):
        return str(mp.nstr(value, DECIMALS, strip_zeros=True))


def gap(a: Sequence[Any] | Floats, b: Sequence[Any] | Floats) -> float:
    """Largest difference of coordinates, relative to their size where that is above 1."""
    return max(
        (abs(float(p) - float(q)) / (1 + abs(float(q))) for p, q in zip(a, b, strict=True)),
        default=0.0,
    )


def spread(values: Floats, count: int) -> Indices:
    """Indices: half of the count with the least values, the rest at random."""
    rank = np.argsort(values, kind="stable")
    rank = rank[np.isfinite(values[rank])]
    if len(rank) <= count:
        return rank
    rest = np.random.default_rng(3).choice(rank[count // 2 :], count - count // 2, replace=False)
    return np.concatenate([rank[: count // 2], rest])
