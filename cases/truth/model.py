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

    box : (lo, hi) per variable, None = unbounded.  minimisers : points; or (A, b) for {x: Ax = b};
    or lines (a, b) for a·x = b, whose union they are; or a curve in t, (x(t), y(t), low, high).
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
    lines: tuple[tuple[tuple[int, ...], int], ...] = ()
    curve: tuple[sp.Expr, sp.Expr, object, object] | None = None

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
        if self.case.lines:
            feet = []
            for a, b in self.case.lines:
                row = np.array(a, float)
                feet.append(points - ((points @ row - b) / (row @ row))[:, None] * row)
            gaps = np.array([((points - foot) ** 2).sum(1) for foot in feet])
            return np.array(feet)[gaps.argmin(0), np.arange(len(points))]
        if self.case.curve:
            return self.place(self.along(points))
        if self.case.affine:
            a, b = (np.array(m, float) for m in self.case.affine)
            return points - (points @ a.T - b) @ np.linalg.inv(a @ a.T) @ a
        sites = np.array(self.sites, float)
        distance = ((points[:, None, :] - sites[None]) ** 2).sum(-1)
        return sites[distance.argmin(1)]

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of t and the points of the curve there, to compare with."""
        low, high = (float(end) for end in self.case.curve[2:])
        t = np.linspace(low, high, 2001)
        return t, self.place(t)

    def place(self, t: np.ndarray) -> np.ndarray:
        made = [formula(t) for formula in self.parametrised[0]]
        return np.stack([np.broadcast_to(c, t.shape) for c in made], axis=1)

    @cached_property
    def parametrised(self) -> list[list[Callable[..., object]]]:
        """The curve's formulas in numpy and in mpmath, and their derivatives."""
        symbol = sp.Symbol("t", real=True)
        plain = self.case.curve[:2]
        return [
            [sp.lambdify(symbol, c, module) for c in formulas]
            for formulas, module in (
                (plain, "numpy"),
                (plain, "mpmath"),
                ([sp.diff(c, symbol) for c in plain], "mpmath"),
            )
        ]

    def along(self, points: np.ndarray) -> np.ndarray:
        """Nearest t: by a tree over the grid, then by thirds."""
        from scipy.spatial import cKDTree

        t, places = self.grid
        best = t[cKDTree(places).query(points)[1]]
        width = t[1] - t[0]
        for _ in range(15 if len(points) > 1000 else 28):
            tries = [np.clip(best + k * width, t[0], t[-1]) for k in (-1, -0.5, 0, 0.5, 1)]
            gaps = np.array([((points - self.place(u)) ** 2).sum(1) for u in tries])
            best = np.array(tries)[gaps.argmin(0), np.arange(len(points))]
            width *= 0.5
        return best

    def nearest_exact(self, x: list[mp.mpf]) -> list[mp.mpf]:
        if self.case.lines:
            feet = []
            for a, b in self.case.lines:
                gap = (sum(c * v for c, v in zip(a, x, strict=True)) - b) / sum(c * c for c in a)
                feet.append([v - gap * c for c, v in zip(a, x, strict=True)])
            return min(feet, key=lambda p: sum((u - v) ** 2 for u, v in zip(x, p, strict=True)))
        if self.case.curve:
            return self.foot(x)
        if self.case.affine:
            a, b = (mp.matrix(m) for m in self.case.affine)
            point = mp.matrix(x)
            return list(point - a.T * mp.lu_solve(a * a.T, a * point - b))
        sites = [[mp.mpf(str(c)) for c in p] for p in self.sites]
        return min(sites, key=lambda p: sum((u - v) ** 2 for u, v in zip(x, p, strict=True)))

    def foot(self, x: list[mp.mpf]) -> list[mp.mpf]:
        """The nearest point of the curve by Newton's method, or an end of it."""
        _, place, slopes = self.parametrised
        low, high = self.case.curve[2:]
        t = mp.mpf(float(self.along(np.array([[float(c) for c in x]]))[0]))

        def turning(u: mp.mpf) -> mp.mpf:
            return sum((p(u) - v) * q(u) for p, q, v in zip(place, slopes, x, strict=True))

        ends = [mp.mpf(str(sp.N(end, 60))) for end in (low, high)]
        if sum((v - p(t)) ** 2 for p, v in zip(place, x, strict=True)) < mp.mpf(10) ** -20:
            return [p(t) for p in place]
        if min(abs(t - end) for end in ends) < 1e-9:
            t = min(ends, key=lambda end: abs(end - t))
        else:
            t = mp.findroot(turning, t)
        return [p(t) for p in place]

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
