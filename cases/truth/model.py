"""A case as sympy expressions written by hand, and the ratio whose extremum is the constant.

Nothing here is read from the case files, and nothing of boundcalc is imported: the two must agree
because both are right.  A ratio exists twice, in float64 at many points and in mpmath at one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import mpmath as mp
import numpy as np
import sympy as sp

SUPREMUM = {"smooth", "self-bounding", "alpha-beta"}  # a smallest constant is asked for
SECOND_ORDER = {"smooth", "strongly-convex", "convex"}


@dataclass(frozen=True)
class Case:
    """f = mean of `components`, or ½|F|² of `residual`; f*, f_i* and the minimisers are given.

    box : (lo, hi) per variable, None = unbounded.  minimisers : points; or (A, b) for {x: Ax = b}.
    """

    name: str
    variables: tuple[sp.Symbol, ...]
    components: tuple[sp.Expr, ...] = ()
    residual: tuple[sp.Expr, ...] = ()
    box: tuple[tuple[object, object], ...] = ()
    minimisers: tuple[tuple[object, ...], ...] = ()
    affine: tuple[Sequence[Sequence[int]], Sequence[int]] | None = None
    least: object = 0  # f*
    leasts: tuple[object, ...] = ()  # f_i*

    @cached_property
    def functions(self) -> tuple[sp.Expr, ...]:
        if self.residual:
            return (sum((r**2 for r in self.residual), sp.Integer(0)) / 2,)
        return self.components

    @cached_property
    def mean(self) -> sp.Expr:
        return sum(self.functions, sp.Integer(0)) / len(self.functions)

    def compiled(self, expression: object, module: str) -> Callable[..., object]:
        return sp.lambdify(self.variables, expression, module)


def gradient(case: Case, f: sp.Expr) -> list[sp.Expr]:
    return [sp.diff(f, v) for v in case.variables]


def hessian(case: Case, f: sp.Expr) -> list[list[sp.Expr]]:
    return [[sp.diff(g, v) for v in case.variables] for g in gradient(case, f)]


def evaluate(function: Callable[..., object], points: np.ndarray) -> np.ndarray:
    """A list (of lists) of expressions at (N, d) points: (N, ...)."""

    def spread(value: object) -> np.ndarray:
        if isinstance(value, list):
            return np.stack([spread(v) for v in value], axis=1)
        return np.broadcast_to(np.asarray(value, float), len(points))

    return spread(function(*points.T))


class Ratio:
    """A/B of a condition: `many` at (N, d) points (nan where B is too small), `one` in mpmath."""

    def __init__(self, case: Case, condition: str, which: int = 0, **fixed: object) -> None:
        self.case, self.condition, self.fixed = case, condition, fixed
        every = condition in {"alpha-beta", "smooth", "self-bounding", "convex", "strongly-convex"}
        f = case.functions[which] if every else case.mean
        self.least = case.leasts[which] if case.leasts and every else case.least
        self.parts: dict[str, object] = {"f": [f]}
        if condition in SECOND_ORDER:
            self.parts = {"h": hessian(case, f)}
        elif condition == "uniform-conditioning":
            rows = sp.Matrix([[sp.diff(r, v) for v in case.variables] for r in case.residual])
            self.parts = {"h": (rows * rows.T).tolist()}
        elif condition != "qg":
            self.parts["g"] = gradient(case, f)
        if condition == "alpha-beta":
            self.parts["at"] = [f]
        self.np = {k: case.compiled(v, "numpy") for k, v in self.parts.items()}
        self.mp = {k: case.compiled(v, "mpmath") for k, v in self.parts.items()}
        self.sites = [[sp.N(c, 60) for c in p] for p in case.minimisers]

    # which minimiser is nearest -------------------------------------------------------------
    def nearest(self, points: np.ndarray) -> np.ndarray:
        if self.case.affine:
            a, b = (np.array(m, float) for m in self.case.affine)
            return points - (points @ a.T - b) @ np.linalg.inv(a @ a.T) @ a
        sites = np.array(self.sites, float)
        distance = ((points[:, None, :] - sites[None]) ** 2).sum(-1)
        return sites[distance.argmin(1)]

    def nearest_exact(self, x: list[mp.mpf]) -> list[mp.mpf]:
        if self.case.affine:
            a, b = (mp.matrix(m) for m in self.case.affine)
            point = mp.matrix(x)
            return list(point - a.T * mp.lu_solve(a * a.T, a * point - b))
        sites = [[mp.mpf(str(c)) for c in p] for p in self.sites]
        return min(sites, key=lambda p: sum((u - v) ** 2 for u, v in zip(x, p, strict=True)))

    # the ratio ------------------------------------------------------------------------------
    def many(self, points: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            value = {k: evaluate(f, points) for k, f in self.np.items()}
            top, bottom = self.top_bottom(value, points)
            small = bottom <= 1e-7 * (1 + np.abs(top)) if bottom is not None else np.zeros(1, bool)
            out = top if bottom is None else np.where(small, np.nan, top / bottom)
            if "epsilon" in self.fixed:
                out = np.where(value["f"][:, 0] >= float(self.fixed["epsilon"]), out, np.nan)
            return np.sqrt(out) if self.condition == "eb" else out

    def top_bottom(self, v: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, ...]:
        c = self.condition
        if "h" in v:
            h = np.nan_to_num(v["h"], nan=0.0, posinf=1e300, neginf=-1e300)
            eig = np.linalg.eigvalsh(h)
            return (np.abs(eig).max(1) if c == "smooth" else eig[:, 0]), None
        f, least = v["f"][:, 0], float(sp.N(self.least, 40))
        if c in ("pl", "pl-star", "pl-star-eps"):
            return (v["g"] ** 2).sum(1) / 2, f - (least if c == "pl" else 0)
        if c == "self-bounding":
            return (v["g"] ** 2).sum(1), 2 * (f - least)
        p = self.nearest(x)
        step = x - p
        square = (step**2).sum(1)
        if c == "qg":
            return 2 * (f - least), square
        inner = (v["g"] * step).sum(1)
        if c == "rsi":
            return inner, square
        if c == "eb":
            return (v["g"] ** 2).sum(1), square
        if c == "aiming":
            return inner, f - least
        at = evaluate(self.np["at"], p)[:, 0]
        return float(self.fixed["alpha"]) * (f - at) - inner, f - least

    def one(self, x: list[mp.mpf]) -> mp.mpf:
        c = self.condition
        if "h" in self.mp:
            eig = mp.eigsy(mp.matrix(self.mp["h"](*x)), eigvals_only=True)
            return max(abs(e) for e in eig) if c == "smooth" else min(eig)
        f, least = self.mp["f"](*x)[0], mp.mpf(str(sp.N(self.least, 60)))
        g = self.mp["g"](*x) if "g" in self.mp else []
        sq = sum((u * u for u in g), mp.mpf(0))
        if c in ("pl", "pl-star", "pl-star-eps"):
            return sq / 2 / (f - (least if c == "pl" else 0))
        if c == "self-bounding":
            return sq / (2 * (f - least))
        p = self.nearest_exact(x)
        step = [u - w for u, w in zip(x, p, strict=True)]
        square = sum(s * s for s in step)
        if c == "qg":
            return 2 * (f - least) / square
        if c == "eb":
            return mp.sqrt(sq / square)
        inner = sum(u * w for u, w in zip(g, step, strict=True))
        if c == "rsi":
            return inner / square
        if c == "aiming":
            return inner / (f - least)
        alpha = mp.mpf(str(sp.N(self.fixed["alpha"], 60)))
        return (alpha * (f - self.mp["at"](*p)[0]) - inner) / (f - least)
