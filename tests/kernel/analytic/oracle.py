"""What numbers say of a claim: its tightest constant by dense sampling and polishing in mpmath.

Independent of the kernel and of the search: sympy reads formulas and differentiates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp, mpf
from scipy.optimize import minimize

FUNCTIONS = {
    "pi": sp.pi,
    "e": sp.E,
    "logistic": lambda u: 1 / (1 + sp.exp(-u)),
    "softplus": lambda u: sp.log(1 + sp.exp(u)),
}
REACH = 25.0  # unbounded sides are sampled up to here densely, and far beyond thinly
DIGITS = 50


def as_sympy(text: str, names: Sequence[str]) -> sp.Expr:
    known = {name: sp.Symbol(name, real=True) for name in names}
    return sp.sympify(text.replace("^", "**"), locals={**FUNCTIONS, **known}, rational=True)


def _window(lo: float, hi: float) -> tuple[float, float]:
    """A bounded part of an interval, near 0 where it comes near."""
    low = max(lo, min(-REACH, hi - REACH)) if hi < np.inf else max(lo, -REACH)
    high = min(hi, max(REACH, low + REACH))
    return low, high


class Oracle:
    """A claim as sympy reads it."""

    def __init__(self, claim: Mapping[str, Any]) -> None:
        names = claim["variables"]
        texts = claim.get("components") or claim["residual"]
        parts = [as_sympy(text, names) for text in texts]
        self.symbols = [sp.Symbol(name, real=True) for name in names]
        self.ends = [
            (
                -mp.inf if lo == "-oo" else mpf(sp.Rational(lo).p) / sp.Rational(lo).q,
                mp.inf if hi == "oo" else mpf(sp.Rational(hi).p) / sp.Rational(hi).q,
            )
            for lo, hi in (claim["domain"][name] for name in names)
        ]
        self.ball = claim.get("ball")
        self.condition = claim["condition"]["id"]
        self.constants = {
            name: None if text == "any" else mpf(str(sp.N(as_sympy(text, []), 60)))
            for name, text in claim["constants"].items()
        }
        self.residual = parts if "residual" in claim else []
        self.components = [sum(p**2 for p in parts) / 2] if self.residual else parts
        self.f = sum(self.components) / len(self.components)
        each = claim.get("of", "mean") == "each"
        self.functions = self.components if each else [self.f]
        if len(names) == 2 and self._needs_minimisers and self._diagonal():
            x, y = self.symbols
            self.components = [g.subs(y, x) for g in self.components]
            self.functions = [g.subs(y, x) for g in self.functions]
            self.f, self.symbols, self.ends = self.f.subs(y, x), [x], self.ends[:1]

    @property
    def _needs_minimisers(self) -> bool:
        return self.condition in ("qg", "rsi", "aiming", "eb", "alpha-beta", "star-convex")

    def _diagonal(self) -> bool:
        """Whether all functions depend on the sum of the variables: then y = x says it all."""
        x, y = self.symbols
        return all(sp.simplify(sp.diff(g, x) - sp.diff(g, y)) == 0 for g in self.components)

    # -- evaluation

    def number(self, expr: sp.Expr) -> Callable[..., mpf]:
        return sp.lambdify(self.symbols, expr, "mpmath")

    def array(self, expr: sp.Expr) -> Callable[[np.ndarray], np.ndarray]:
        inner = sp.lambdify(self.symbols, expr, "numpy")

        def values(points: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                return np.broadcast_to(inner(*points.T), len(points)).astype(float)

        return values

    def gradient(self, f: sp.Expr) -> list[sp.Expr]:
        return [sp.diff(f, x) for x in self.symbols]

    def allowed(self, points: np.ndarray) -> np.ndarray:
        keep = np.ones(len(points), dtype=bool)
        for k, (lo, hi) in enumerate(self.ends):
            keep &= (points[:, k] >= float(lo)) & (points[:, k] <= float(hi))
        if self.ball:
            center = [float(sp.Rational(c)) for c in self.ball["center"]]
            radius = float(sp.Rational(self.ball["radius"]))
            keep &= ((points - center) ** 2).sum(axis=1) <= radius**2
        return keep

    @cached_property
    def samples(self) -> np.ndarray:
        source = np.random.default_rng(1)
        sides = [_window(float(lo), float(hi)) for lo, hi in self.ends]
        if len(sides) == 1:
            near = np.linspace(*sides[0], 40_001)[:, None]
        else:
            near = np.concatenate(
                [source.uniform(*np.transpose(sides), (40_000, len(sides)))]
                + [c + source.normal(0, s, (4_000, len(sides))) for s in (1, 0.1) for c in (0, 1)]
            )
            corners = np.stack(np.meshgrid(*sides), -1).reshape(-1, len(sides))
            near = np.concatenate([near, corners, np.zeros((1, len(sides)))])
        wide = near[::40] * np.array([[10.0 ** source.integers(1, 5)] for _ in near[::40]])
        points = np.concatenate([near, wide])
        return points[self.allowed(points)]

    # -- minimisers

    @cached_property
    def minimisers(self) -> list[tuple[mpf, ...]]:
        """Polished points of least f among all samples."""
        values = self.array(self.f)
        order = np.argsort(values(self.samples))
        found: list[tuple[mpf, ...]] = []
        best = values(self.samples[order[:1]])[0]
        for k in order[:4000]:
            if values(self.samples[k : k + 1])[0] > best + 1e-3 * (1 + abs(best)):
                break
            start = self.samples[k]
            if any(all(abs(a - b) < 0.2 for a, b in zip(p, start, strict=True)) for p in found):
                continue
            found.append(self.polished(start))
        exact = self.number(self.f)
        least = min(exact(*p) for p in found)
        return [p for p in found if exact(*p) <= least + mpf(10) ** -30]

    def polished(self, start: Sequence[float]) -> tuple[mpf, ...]:
        """A stationary point near, where there is one in the domain and it is lower."""
        at = tuple(mpf(float(x)) for x in start)
        slopes = [self.number(g) for g in self.gradient(self.f)]
        try:
            if len(at) == 1:
                zero = (mp.findroot(slopes[0], at[0]),)
            else:
                zero = tuple(mp.findroot(lambda *x: [s(*x) for s in slopes], at))
        except (ValueError, ZeroDivisionError):
            return at
        inside = self.allowed(np.array([[float(x) for x in zero]])).all()
        near = all(abs(a - b) < 0.5 for a, b in zip(zero, at, strict=True))
        value = self.number(self.f)
        return zero if inside and near and value(*zero) <= value(*at) else at

    @cached_property
    def infimum(self) -> mpf:
        """At least the infimum."""
        return min(self.number(self.f)(*p) for p in self.minimisers)

    # -- ratios: the constant is at most (at least) the ratio at any point

    def worst(self, numerator: sp.Expr, denominator: sp.Expr, largest: bool = False) -> mpf:
        """The least (largest) quotient over samples with a positive denominator, polished."""
        sign = -1 if largest else 1
        top, bottom = self.array(numerator), self.array(denominator)
        with np.errstate(all="ignore"):
            below = bottom(self.samples)
            scale = np.abs(below).max() if len(below) else 1.0
            ratio = np.where(
                below > 1e-9 * min(1.0, scale), sign * top(self.samples) / below, np.inf
            )
        ratio = np.where(np.isfinite(ratio), ratio, np.inf)
        high_top, high_bottom = self.number(numerator), self.number(denominator)

        def exact(point: Sequence[float]) -> mpf:
            at = [mpf(float(x)) for x in point]
            under = high_bottom(*at)
            if not under > mpf(10) ** -20:
                return mp.inf
            return sign * high_top(*at) / under

        def loss(x: np.ndarray) -> float:
            if not self.allowed(x[None])[0]:
                return 1e30
            value = exact(x)
            return float(value) if mp.isfinite(value) else 1e30

        best = mp.inf
        for k in np.argsort(ratio)[:3]:
            start = self.samples[k]
            options = {"xatol": 1e-13, "fatol": 1e-18, "maxiter": 300}
            done = minimize(loss, start, method="Nelder-Mead", options=options)
            best = min(best, exact(start), exact(done.x))
        return sign * best


def tightest(oracle: Oracle) -> mpf:
    """A bound of the tightest constant: true values are not better than this."""
    f, condition = oracle.f, oracle.condition
    square = sum(g**2 for g in oracle.gradient(f))
    one = sp.Integer(1)
    if condition == "pl":
        gap = f - sp.Float(oracle.infimum, 45)
        return oracle.worst(square / 2, gap)
    if condition == "pl-star":
        return oracle.worst(square / 2, f)
    if condition == "self-bounding":
        return oracle.worst(square / 2, f - sp.Float(oracle.infimum, 45), largest=True)
    if condition in ("convex", "strongly-convex", "smooth"):
        found = [_eigenvalue(oracle, sp.hessian(g, oracle.symbols), condition == "smooth")
                 for g in oracle.functions]  # fmt: skip
        return max(found) if condition == "smooth" else min(found)
    if condition == "nonnegative":
        return oracle.worst(f, one)
    if condition == "uniform-conditioning":
        rows = sp.Matrix([oracle.gradient(part) for part in oracle.residual])
        return _eigenvalue(oracle, rows * rows.T, False)
    if condition in ("qg", "rsi", "aiming", "eb", "alpha-beta") and len(oracle.symbols) == 1:
        return _with_projection(oracle)
    raise NotImplementedError(condition)


def _eigenvalue(oracle: Oracle, matrix: sp.Matrix, largest: bool) -> mpf:
    """The least eigenvalue over all points, or the largest absolute one; 1 or 2 rows."""
    one = sp.Integer(1)
    if matrix.shape == (1, 1):
        return oracle.worst(sp.Abs(matrix[0]) if largest else matrix[0], one, largest)
    half = (matrix[0, 0] + matrix[1, 1]) / 2
    root = sp.sqrt((matrix[0, 0] - matrix[1, 1]) ** 2 / 4 + matrix[0, 1] ** 2)
    if matrix.shape != (2, 2):
        raise NotImplementedError("three rows")
    if largest:
        return oracle.worst(sp.Abs(half) + root, one, True)
    return oracle.worst(half - root, one)


def _with_projection(oracle: Oracle) -> mpf:
    """One variable; each piece of the line that has one nearest minimiser by itself."""
    (x,) = oracle.symbols
    least = mp.inf
    largest = -mp.inf
    points = sorted(p[0] for p in oracle.minimisers)
    cuts = [-mp.inf, *((a + b) / 2 for a, b in pairwise(points)), mp.inf]
    ends = oracle.ends
    for p, (lo, hi) in zip(points, pairwise(cuts), strict=True):
        foot = sp.Float(p, 45)
        oracle.__dict__.pop("samples", None)
        oracle.ends = [(max(ends[0][0], lo), min(ends[0][1], hi))]
        slope = sp.diff(oracle.f, x)
        gap = oracle.f - sp.Float(oracle.infimum, 45)
        d = x - foot
        if oracle.condition == "qg":
            least = min(least, oracle.worst(2 * gap, d**2))
        elif oracle.condition == "rsi":
            least = min(least, oracle.worst(slope * d, d**2))
        elif oracle.condition == "aiming":
            least = min(least, oracle.worst(slope * d, gap))
        elif oracle.condition == "eb":
            least = min(least, mp.sqrt(oracle.worst(slope**2, d**2)))
        else:
            for g in oracle.functions:
                alpha = sp.Float(oracle.constants["alpha"], 45)
                value = oracle.number(g)
                rise = g - sp.Float(value(p), 45)
                low = _infimum_of(oracle, g)
                top = alpha * rise - sp.diff(g, x) * d
                largest = max(largest, oracle.worst(top, g - sp.Float(low, 45), largest=True))
    oracle.ends = ends
    oracle.__dict__.pop("samples", None)
    return largest if oracle.condition == "alpha-beta" else least


def _infimum_of(oracle: Oracle, g: sp.Expr) -> mpf:
    claim = {
        "variables": [str(oracle.symbols[0])],
        "components": [str(g)],
        "domain": {str(oracle.symbols[0]): ["-oo", "oo"]},
        "condition": {"id": "pl"},
        "constants": {},
    }
    return Oracle(claim).infimum


def verdict_is_possible(claim: Mapping[str, Any], verdict: str) -> bool:
    """Whether numbers do not contradict a verdict (refuted: a violation is seen)."""
    with mp.workdps(DIGITS):
        oracle = Oracle(claim)
        bound = tightest(oracle)
        sought = [name for name in ("mu", "theta", "L", "beta") if name in oracle.constants]
        value = oracle.constants[sought[0]] if sought else mpf(0)
        room = mpf(10) ** -25 * (1 + abs(bound))
        if value is None:  # any: refuted where the ratio comes arbitrarily near to 0
            return verdict == "refuted" and bound < mpf(10) ** -3
        smallest = bool(sought) and sought[0] in ("L", "beta")
        excess = bound - value if smallest else value - bound
        return excess <= room if verdict == "proved" else excess > -room
