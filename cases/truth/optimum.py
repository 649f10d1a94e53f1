"""Where a ratio is least or greatest: a dense sample, local searches, Newton at 50 digits."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath as mp
import numpy as np
import sympy as sp
from model import SUPREMUM, Case, Ratio
from scipy.optimize import minimize

SAMPLES = {1: 400_001, 2: 901, 3: 91, 4: 27}  # points per axis; beyond: random points


@dataclass(frozen=True)
class Best:
    """value at `at`; `digits` is how many of them can be trusted."""

    value: mp.mpf
    at: tuple[mp.mpf, ...]
    digits: int


def axis(side: tuple[object, object], count: int, reach: float) -> np.ndarray:
    lo, hi = (None if s is None else float(sp.N(s, 30)) for s in side)
    if lo is not None and hi is not None:
        return np.linspace(lo, hi, count)
    wide = np.sinh(np.linspace(-np.arcsinh(reach), np.arcsinh(reach), count))
    if lo is not None:
        return lo + np.abs(wide)
    return wide if hi is None else hi - np.abs(wide)


def sample(case: Case, reach: float) -> np.ndarray:
    d = len(case.variables)
    if d in SAMPLES:
        grids = np.meshgrid(*(axis(s, SAMPLES[d], reach) for s in case.box), indexing="ij")
        return np.stack([g.ravel() for g in grids], axis=1)
    rng = np.random.default_rng(0)
    axes = [axis(s, 4001, reach) for s in case.box]
    return np.stack([rng.choice(a, 400_000) for a in axes], axis=1)


def bounds(case: Case, reach: float) -> list[tuple[float, float]]:
    return [(float(a[0]), float(a[-1])) for a in (np.sort(axis(s, 3, reach)) for s in case.box)]


def optimum(
    case: Case, condition: str, which: int = 0, reach: float = 30.0, **fixed: object
) -> Best:
    """The best point within the box (cut to |x| ≤ reach where it is unbounded)."""
    ratio = Ratio(case, condition, which, **fixed)
    sign = -1.0 if condition in SUPREMUM else 1.0
    points = sample(case, reach)
    values = np.concatenate(
        [sign * ratio.many(points[i : i + 200_000]) for i in range(0, len(points), 200_000)]
    )
    values = np.where(np.isfinite(values), values, np.inf)
    limits = bounds(case, reach)

    def objective(x: np.ndarray) -> float:
        value = sign * float(ratio.many(x[None])[0])
        return value if np.isfinite(value) else 1e300

    best: list[tuple[float, np.ndarray]] = []
    for k in np.argsort(values)[: 40 * 6 : 40 if len(case.variables) > 1 else 1][:6]:
        at, x = float(values[k]), points[k]
        for method in ("Nelder-Mead", "L-BFGS-B", "Nelder-Mead"):
            tight = {"xatol": 1e-12, "fatol": 1e-15, "maxiter": 6000} if method[0] == "N" else {}
            found = minimize(objective, x, method=method, bounds=limits, options=tight)
            if found.fun < at:
                at, x = float(found.fun), found.x
        best.append((at, x))
    _, x = min(best, key=lambda pair: pair[0])
    return polish(case, ratio, [mp.mpf(float(c)) for c in x], sign)


def polish(case: Case, ratio: Ratio, x: list[mp.mpf], sign: float) -> Best:
    """Newton at 50 digits on the coordinates that are not at a bound, by central differences."""
    with mp.workdps(50):
        free = []
        for j, side in enumerate(case.box):
            ends = [mp.mpf(str(sp.N(s, 50))) for s in side if s is not None]
            near = [e for e in ends if abs(e - x[j]) < mp.mpf("1e-6")]
            if near:
                x[j] = near[0]
            else:
                free.append(j)
        start, first = list(x), ratio.one(x)
        try:
            value = newton(ratio, x, free)
        except (ZeroDivisionError, ValueError):
            return Best(first, tuple(start), 7)
        moved = max((abs(a - b) for a, b in zip(x, start, strict=True)), default=mp.mpf(0))
        if moved > mp.mpf("1e-3") or sign * (value - first) > mp.mpf("1e-12"):
            return Best(first, tuple(start), 7)
        return Best(value, tuple(x), 25)


def newton(ratio: Ratio, x: list[mp.mpf], free: list[int]) -> mp.mpf:
    h = mp.mpf("1e-13")

    def at(*moves: tuple[int, mp.mpf]) -> mp.mpf:
        y = list(x)
        for j, step in moves:
            y[j] += step
        return ratio.one(y)

    for _ in range(12 if free else 0):
        g = mp.matrix([(at((j, h)) - at((j, -h))) / (2 * h) for j in free])
        second = mp.matrix(len(free), len(free))
        for a, j in enumerate(free):
            for b, k in enumerate(free):
                corners = at((j, h), (k, h)) - at((j, h), (k, -h)) - at((j, -h), (k, h))
                second[a, b] = (corners + at((j, -h), (k, -h))) / (4 * h * h)
        step = mp.lu_solve(second, g)
        for a, j in enumerate(free):
            x[j] -= step[a]
        if mp.norm(step) < mp.mpf("1e-20"):
            break
    else:
        if free:
            raise ValueError("Newton did not settle")
    return ratio.one(x)
