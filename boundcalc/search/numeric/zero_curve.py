"""Curves of zeros of one function in two variables: as a graph or a circle, with projections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from boundcalc.search.numeric.derivative import diff, gradient
from boundcalc.search.numeric.estimate import Estimate
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.node import (
    Node,
    divide,
    multiply,
    negate,
    number,
    power,
    substitute,
    subtract,
    text,
    total,
    variable,
)
from boundcalc.search.numeric.region import Floats, Mask, Region, Side
from boundcalc.search.numeric.tape import Tape, compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem

FAR = 12  # how far an unbounded side is looked at
FINE = 801  # points of the curve that are compared
OFF = 0.02  # distances below are left to the limit at the curve
STEPS = tuple(sign * 2.0**-k for k in range(24) for sign in (1, -1))
TURN = Fraction(7)


@dataclass(frozen=True)
class ZeroCurve:
    """A curve F = 0, f = ½F².

    fact : the curve as certificates have it; foot : its points as formulas in t, t in the side.
    """

    region: Region
    residual: Node
    f: Node
    fact: Mapping[str, Any]
    foot: tuple[Node, Node]
    side: tuple[Fraction, Fraction]

    @property
    def low(self) -> float:
        return float(self.side[0])

    @property
    def high(self) -> float:
        return float(self.side[1])

    @cached_property
    def tape(self) -> Tape:
        """x -> f, ∇f."""
        return compile([self.f, *gradient(self.f, self.region.variables)], self.region.variables)

    @cached_property
    def places(self) -> tuple[Floats, Floats]:
        """Values of t and the points there."""
        t = np.linspace(self.low, self.high, FINE)
        return t, compile(self.foot, ("t",)).points(t[:, None])

    def nearest(self, x: Floats) -> Floats:
        """(N,) values of t of nearest points, by comparison and refinement."""
        t, points = self.places
        good = np.isfinite(points).all(axis=1)
        t, points = t[good], points[good]
        away = ((x[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        best = t[away.argmin(axis=1)]
        width = (self.high - self.low) / (FINE - 1)
        foot = compile(self.foot, ("t",))
        for _ in range(16):
            offsets = np.linspace(-width, width, 9)
            trial = np.clip(best[:, None] + offsets, self.low, self.high)
            there = foot.points(trial.reshape(-1, 1)).reshape(*trial.shape, 2)
            gaps = ((x[:, None, :] - there) ** 2).sum(axis=2)
            best = trial[
                np.arange(len(x)), np.where(np.isfinite(gaps), gaps, np.inf).argmin(axis=1)
            ]
            width /= 3
        return np.asarray(best)

    def ratios(self, condition: str, x: Floats) -> Floats:
        """The condition's quotient at points x; the constant is its infimum (squared, for eb)."""
        foot = compile(self.foot, ("t",)).points(self.nearest(x)[:, None])
        steps = x - foot
        square = (steps**2).sum(axis=1)
        value = quotients(condition, self.tape.points(x), steps)
        good = np.isfinite(value) & (square > OFF**2)
        return np.where(good, value, np.inf)

    def seen(self, x: Floats) -> Mask:
        """(N,) whether a point is not far out, where the curve is cut off."""
        low, high = self.view()
        return np.asarray(((x >= low) & (x <= high)).all(axis=1))

    def view(self) -> tuple[Floats, Floats]:
        """The box that is looked at."""
        low, high = self.region.frame()
        return np.maximum(low, -FAR / 2), np.minimum(high, FAR / 2)


KNOWN = ("qg", "eb", "rsi", "aiming")


def quotients(condition: str, rows: Floats, steps: Floats) -> Floats:
    """(N,) quotients of the condition from f, ∇f and x − x_p; the constant is the least."""
    f, slope = rows[:, 0], rows[:, 1:]
    square = (steps**2).sum(axis=1)
    with np.errstate(all="ignore"):
        found = {
            "qg": 2 * f / square,
            "eb": (slope**2).sum(axis=1) / square,
            "rsi": (slope * steps).sum(axis=1) / square,
            "aiming": (slope * steps).sum(axis=1) / f,
        }[condition]
    return np.asarray(found)


def zero_curves(problem: Problem, residual: Sequence[str]) -> Iterator[ZeroCurve]:
    """Descriptions of the zeros of a residual with one component; they may be wrong."""
    whole = landscape(problem)
    names = whole.variables
    if len(names) != 2 or len(residual) != 1:
        return
    f = whole.f
    node = parse(residual[0], names)
    yield from _circles(whole.region, node, f)
    for j in (1, 0):
        up, along = names[j], names[1 - j]
        side = whole.region.domain[1 - j]
        low = Fraction(-FAR) if side[0] is None else side[0]
        high = Fraction(FAR) if side[1] is None else side[1]
        for h in _solved(node, up, along, whole.region):
            slope = compile([diff(node, up)], names)
            in_t = substitute(h, {along: variable("t")})
            foot = (variable("t"), in_t) if j == 1 else (in_t, variable("t"))
            at = compile(foot, ("t",)).points(np.linspace(float(low), float(high), 41)[:, None])
            signs = slope.points(at)[:, 0]
            signs = signs[np.isfinite(signs)]
            if not len(signs) or not (np.all(signs > 0) or np.all(signs < 0)):
                continue
            if not whole.region.inside(at, 1e-9).all():
                continue
            fact = {"graph": up, "formula": text(h), "sign": 1 if signs[0] > 0 else -1}
            yield ZeroCurve(whole.region, node, f, fact, foot, (low, high))


def _solved(node: Node, up: str, along: str, region: Region) -> Iterator[Node]:
    """F = 0 solved for one variable, where F is linear in it, or has its square only."""
    zero = {up: number(0)}
    first = diff(node, up)
    second = diff(first, up)
    rest = substitute(node, zero)
    if not _is_zero(diff(second, up), region):
        return
    if _is_zero(second, region):
        lead = substitute(first, zero)
        yield divide(negate(rest), lead)
        yield divide(rest, negate(lead))
    elif _is_zero(substitute(first, zero), region):
        lead = divide(substitute(second, zero), number(2))
        root = power(divide(negate(rest), lead), Fraction(1, 2))
        yield root
        yield negate(root)


def _is_zero(node: Node, region: Region) -> bool:
    values = compile([node], region.variables).points(region.sample(50, seed=3))
    values = values[np.isfinite(values)]
    return bool(len(values) and np.abs(values).max() < 1e-9)


def _circles(region: Region, node: Node, f: Node) -> Iterator[ZeroCurve]:
    """F = k·(|x − c|² − ρ²) with a constant k, in the plane or a ball."""
    from math import isqrt

    names = region.variables
    if any(end is not None for side in region.domain for end in side):
        return
    slopes = gradient(node, names)
    curvature = [diff(slope, name) for slope in slopes for name in names]
    tape = compile(curvature, names).points(region.sample(20, seed=3))
    same = np.abs(tape - tape[0]).max() < 1e-9 and abs(tape[0, 0] - tape[0, 3]) < 1e-9
    if not same or abs(tape[0, 1]) > 1e-9 or not tape[0, 0]:
        return
    at = {name: number(0) for name in names}
    flat = substitute(curvature[0], at)
    zero, *first = compile(
        [divide(substitute(part, at), flat) for part in (node, *slopes)], ()
    ).points(np.zeros((1, 0)))[0]
    center = [Fraction(-c).limit_denominator(1000) for c in first]
    size = sum((c * c for c in center), Fraction(0)) - 2 * Fraction(zero).limit_denominator(10**6)
    if size <= 0:
        return
    radius = Fraction(isqrt(size.numerator), isqrt(size.denominator))
    if radius * radius != size:
        return
    factor = divide(flat, number(2))
    if tape[0, 0] < 0:
        factor = negate(factor)
    foot = tuple(
        parse(f"{c} + ({radius})*{wave}(t)", ("t",))
        for c, wave in zip(center, ("cos", "sin"), strict=True)
    )
    fact = {
        "center": [str(c) for c in center],
        "radius": str(radius),
        "factor": text(factor),
    }
    yield ZeroCurve(region, node, f, fact, (foot[0], foot[1]), (Fraction(0), TURN))


def curve_estimate(curve: ZeroCurve, condition: str) -> Estimate:
    """The best constant of a condition, in floating point: sampled, refined, or a limit."""
    from mpmath import mpf

    x = curve.region.sample(1500, seed=5)
    x = np.concatenate([x, *_beside(curve)])
    x = x[curve.region.inside(x)]
    x = x[curve.seen(x)]
    values = curve.ratios(condition, x)
    best = x[values.argmin()]
    width = 0.5
    random = np.random.default_rng(9)
    for _ in range(40):
        cloud = np.clip(best + width * random.uniform(-1, 1, (60, 2)), *curve.view())
        cloud = curve.region.project(cloud)
        cloud = np.concatenate([best[None], cloud])
        values = curve.ratios(condition, cloud)
        best = cloud[values.argmin()]
        width *= 0.6 if values.argmin() == 0 else 1.0
    found = float(curve.ratios(condition, best[None])[0])
    limit, at = _limit(curve, condition)
    if limit <= found * (1 + 1e-6):
        found, best = limit, at
    value = mpf(found) if condition != "eb" else mpf(max(found, 0.0)) ** mpf("0.5")
    reason = None if found > 1e-12 else "the quotient is not positive at the point"
    place = tuple(mpf(float(c)) for c in best)
    return Estimate(value, "point", place, reason, (None, None))


def _beside(curve: ZeroCurve) -> Iterator[Floats]:
    """Points on normals of the curve."""
    t, points = curve.places
    steps = np.gradient(points, t, axis=0)
    normal = np.stack([-steps[:, 1], steps[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    for step in (0.03, 0.1, 0.3, 1.0):
        for sign in (1, -1):
            yield (points + sign * step * normal)[::40]


def _limit(curve: ZeroCurve, condition: str) -> tuple[float, Floats]:
    """The limit at the curve: the least |∇F|², (squared for eb), or 2 for aiming."""
    _, points = curve.places
    slopes = compile(gradient(curve.residual, curve.region.variables), curve.region.variables)
    size = np.where(curve.seen(points), (slopes.points(points) ** 2).sum(axis=1), np.inf)
    k = int(np.where(np.isfinite(size), size, np.inf).argmin())
    value = 2.0 if condition == "aiming" else float(size[k])
    return (value**2 if condition == "eb" else value), points[k]


def failing_points(
    curve: ZeroCurve, condition: str, level: Fraction | None, at: Sequence[Any]
) -> Iterator[tuple[Fraction, ...]]:
    """Rational points near one of low quotient where the quotient is below the level."""
    target = -np.inf if level is None else float(level) ** (2 if condition == "eb" else 1)
    base = np.array([[float(c) for c in at]])
    t = curve.nearest(base)
    foot = compile(curve.foot, ("t",))
    here, ahead = foot.points(t[:, None])[0], foot.points(t[:, None] + 1e-6)[0]
    normal = np.array([-(ahead - here)[1], (ahead - here)[0]])
    normal /= np.linalg.norm(normal) or 1.0
    trial = [base[0], *(here + step * normal for step in STEPS)]
    for point in trial:
        for bits in (4, 10, 30):
            exact = tuple(
                _clipped(Fraction(round(float(c) * 2**bits), 2**bits), side)
                for c, side in zip(point, curve.region.domain, strict=True)
            )
            x = np.array([[float(c) for c in exact]])
            if not curve.region.inside(x).all() or not curve.seen(x).all():
                continue
            value = _plain(curve, condition, x)
            if value < target or (level is None and value <= 1e-12):
                yield exact


def _clipped(x: Fraction, side: Side) -> Fraction:
    low, high = side
    x = x if low is None else max(x, low)
    return x if high is None else min(x, high)


def _plain(curve: ZeroCurve, condition: str, x: Floats) -> float:
    """The quotient, also near the curve."""
    from mpmath import mpf

    with np.errstate(all="ignore"):
        t = curve.nearest(x)
    foot = compile(curve.foot, ("t",)).exact([mpf(float(t[0]))], 40)
    f, *slope = curve.tape.exact([mpf(float(c)) for c in x[0]], 40)
    steps = [mpf(float(c)) - z for c, z in zip(x[0], foot, strict=True)]
    square = sum(s * s for s in steps)
    along = sum(a * b for a, b in zip(slope, steps, strict=True))
    if square < 1e-24 or (condition == "aiming" and f == 0):
        return float("inf")
    return float(
        {
            "qg": lambda: 2 * f / square,
            "eb": lambda: sum(s * s for s in slope) / square,
            "rsi": lambda: along / square,
            "aiming": lambda: along / f,
        }[condition]()
    )


def feet(curve: ZeroCurve, point: Sequence[Fraction]) -> Iterator[dict[str, Any]]:
    """The nearest place on the curve, and shrinking arcs around it, for a witness."""
    place = _polished(curve, point)
    low, high = curve.side
    round_ = "center" in curve.fact
    places = [place]
    if round_:  # the same point, once more
        turn = Fraction(np.pi) * 2
        places += [other for other in (place + turn, place - turn) if low <= other <= high]
    for exponent in (9, 6, 4, 3, 2):
        width = Fraction(1, 10**exponent)
        arcs = [(max(low, x - width), min(high, x + width)) for x in places]
        yield {"at": str(place), "arcs": [[str(a), str(b)] for a, b in arcs]}
    if round_:
        yield {"at": str(place), "arcs": [[str(low), str(high)]]}


def _polished(curve: ZeroCurve, point: Sequence[Fraction]) -> Fraction:
    """The parameter of the nearest point by Newton's method, to 30 digits."""
    from mpmath import mp, mpf

    start = float(curve.nearest(np.array([[float(c) for c in point]]))[0])
    gaps = [subtract(z, number(c)) for z, c in zip(curve.foot, point, strict=True)]
    square = total(map(multiply, gaps, gaps))
    slope = diff(square, "t")
    tape = compile([slope, diff(slope, "t")], ("t",))
    with mp.workdps(50):
        t = mpf(start)
        for _ in range(8):
            first, second = tape.exact([t], 50)
            if not second > 0:
                break
            t -= first / second
        if abs(t - start) > 1e-3 or not curve.low < t < curve.high:
            t = mpf(start)
        return min(max(Fraction(int(mp.nint(t * 2**100)), 2**100), curve.side[0]), curve.side[1])
