"""What a ratio tends to at a zero of A and B: second derivatives, or orders along rays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from boundcalc.search.numeric.derivative import gradient, hessian
from boundcalc.search.numeric.objective import Objective, exact_point
from boundcalc.search.numeric.optimum import Candidate
from boundcalc.search.numeric.tape import compile

DIGITS = 60
FLAT = 82  # digits: twice those of a zero that is not exact


def limits(objective: Objective) -> list[Candidate]:
    """The least limit of φ at each zero of B (in the region's tangent cone there)."""
    result: list[Candidate] = []
    if objective.size:
        return result
    for zero in objective.piece.zeros:
        point = exact_point(zero)
        for face in _faces(objective, point):
            found = _on_face(objective, point, face)
            if found is not None:
                result.append(found)
    return result


def _faces(objective: Objective, point: Sequence[Any]) -> list[list[int]]:
    """Sets of coordinates that may move: all, and without those that are at a bound."""
    bound = []
    for k, side in enumerate(objective.region.domain):
        if any(s is not None and abs(point[k] * s.denominator - s.numerator) < 1e-30 for s in side):
            bound.append(k)
    everything = range(len(point))
    result = []
    for count in range(len(bound) + 1):
        for fixed in itertools.combinations(bound, count):
            loose = [k for k in everything if k not in fixed]
            if loose:
                result.append(loose)
    return result


def _on_face(objective: Objective, point: list[Any], loose: list[int]) -> Candidate | None:
    from mpmath import mp, mpf

    names = [objective.variables[k] for k in loose]
    A, B = objective.piece.A, objective.piece.B
    d = len(loose)
    parts = [A, B, *gradient(A, names), *gradient(B, names)]
    for formula in (A, B):
        parts += [e for row in hessian(formula, names) for e in row]
    with mp.workdps(DIGITS):
        rows = compile(parts, objective.variables).exact(point, DIGITS)
        if not all(mp.isfinite(value) for value in rows):
            return None
        tiny = mpf(10) ** -25
        if abs(rows[1]) > tiny:
            return None  # not a zero of B: an ordinary point
        if objective.sense * rows[0] > tiny:
            return None  # φ tends to +infinity
        if objective.sense * rows[0] < -tiny:
            return Candidate("minimiser", -mp.inf, tuple(point), "A < 0 where B = 0")
        if any(abs(v) > tiny for v in rows[2 + d : 2 + 2 * d]):
            return None
        if any(abs(v) > tiny for v in rows[2 : 2 + d]):
            return _first_order(objective, point, loose, rows[2 : 2 + d])
        first = mp.matrix(d, d)
        second = mp.matrix(d, d)
        for i in range(d):
            for j in range(d):
                first[i, j] = objective.sense * rows[2 + 2 * d + i * d + j]
                second[i, j] = rows[2 + 2 * d + d * d + i * d + j]
        return _pencil(objective, point, loose, first, second)


def _first_order(
    objective: Objective, point: list[Any], loose: list[int], slopes: Sequence[Any]
) -> Candidate | None:
    """A is linear and B quadratic: φ runs to +infinity, or to -infinity where A can fall."""
    from mpmath import mp

    step = np.zeros(len(point))
    for k, slope in zip(loose, slopes, strict=True):
        step[k] = -objective.sense * float(slope)
    at = np.array([[float(c) for c in point]])
    moved = objective.region.project(at + 1e-3 * step / np.linalg.norm(step)) - at
    if float(np.dot(moved[0], step)) <= 1e-9:
        return None
    return Candidate("minimiser", -mp.inf, tuple(point), "A falls linearly where B is quadratic")


def _pencil(
    objective: Objective, point: list[Any], loose: list[int], first: Any, second: Any
) -> Candidate | None:
    """The least generalised eigenvalue of (A'', B'') where B'' is positive, and rays elsewhere."""
    from mpmath import mp, mpf

    d = len(loose)
    sizes, axes = mp.eigsy(second)
    scale = max(abs(s) for s in sizes)
    none = scale < mpf(10) ** -20
    null = [k for k in range(d) if none or sizes[k] <= scale * mpf(10) ** -20]
    wide = [k for k in range(d) if k not in null]
    best = _along_rays(objective, point, loose, axes, null) if null else None
    if wide and all(mp.norm(first * axes[:, k]) < mpf(10) ** -20 for k in null):
        root = mp.matrix(d, len(wide))
        for column, k in enumerate(wide):
            for row in range(d):
                root[row, column] = axes[row, k] / mp.sqrt(sizes[k])
        values, vectors = mp.eigsy(root.T * first * root)
        k = min(range(len(wide)), key=lambda j: values[j])
        found = _limit(values[k], point, _widened(root * vectors[:, k], loose, point))
        if best is None or found.value < best.value:
            best = found
    return best


def _limit(
    value: Any, point: Sequence[Any], ray: Sequence[Any], limit_zero: bool = False
) -> Candidate:
    from mpmath import mp

    note = "along (" + ", ".join(mp.nstr(v, 6) for v in ray) + ")"
    direction = tuple(map(float, ray))
    return Candidate(
        "minimiser", value, tuple(point), note, direction=direction, limit_zero=limit_zero
    )


def _widened(direction: Any, loose: list[int], point: Sequence[Any]) -> list[Any]:
    from mpmath import mp

    result = [mp.zero] * len(point)
    size = mp.sqrt(sum(v * v for v in direction))
    for k, value in zip(loose, direction, strict=True):
        result[k] = value / size
    return result


def _along_rays(
    objective: Objective,
    point: list[Any],
    loose: list[int],
    axes: Any,
    null: list[int],
) -> Candidate | None:
    """B'' is singular: orders of A and B along rays in its null space (all rays, where B'' = 0)."""
    best: Candidate | None = None
    for combination in _directions(len(null)):
        direction = axes[:, null[0]] * 0
        for weight, k in zip(combination, null, strict=True):
            direction += axes[:, k] * weight
        ray = _widened(direction, loose, point)
        found = _order_along(objective, point, ray)
        if found is not None and (best is None or found.value < best.value):
            best = found
    return best


def _directions(count: int) -> list[tuple[float, ...]]:
    if count == 1:
        return [(1.0,), (-1.0,)]
    units = [tuple(float(j == k) for j in range(count)) for k in range(count)]
    opposite = [tuple(-u for u in unit) for unit in units]
    random = np.random.default_rng(17).normal(size=(8 * count, count))
    return [*units, *opposite, *(tuple(map(float, row)) for row in random)]


def _order_along(
    objective: Objective, point: Sequence[Any], ray: Sequence[Any]
) -> Candidate | None:
    """φ along a ray into the zero: its limit, by its order in the distance."""
    from mpmath import mp, mpf

    values = []
    for exponent in (8, 9, 10):
        step = mpf(10) ** -exponent
        moved = [p + step * r for p, r in zip(point, ray, strict=True)]
        if not objective.feasible(np.array([[float(c) for c in moved]])).all():
            return None
        if not abs(objective.values_tape.exact(moved, 200)[1]) > mpf(10) ** -FLAT:
            return None  # B vanishes along the ray, up to the digits of the zero
        values.append(objective.exact(moved, 200))
    if not all(mp.isfinite(v) for v in values) or values[2] == 0:
        return None
    with mp.workdps(DIGITS):
        ratio = values[1] / values[2]
        order = mp.log10(abs(ratio))
        if order > 0.2:  # φ tends to 0: a least value only from above
            return _limit(mp.zero, point, ray, True) if values[2] > 0 else None
        if order < -0.2:
            return _limit(-mp.inf, point, ray, True) if values[2] < 0 else None
        # error terms of first and second order in the distance cancel
        limit = (10 * values[2] - values[1]) / 9
        again = (10 * values[1] - values[0]) / 9
        return _limit((100 * limit - again) / 99, point, ray)
