"""A formula at many points at once in floating point, and its critical points: all untrusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.levels.cells import Landscape

Floats = npt.NDArray[np.float64]

STARTS = 61  # of Newton's method, along each axis
ITERATIONS = 60
SAME = 1e-6  # critical points this close, relative to the box, are one


@dataclass(frozen=True)
class Critical:
    """A point from which nothing goes down to first order within the box.

    kind : "minimum", "saddle" or "maximum", among the neighbours within the box.
    """

    point: tuple[float, ...]
    value: float
    kind: str


class Surface:
    """f, ∇f and ∇²f of a landscape as functions of arrays."""

    def __init__(self, landscape: Landscape) -> None:
        terms = Terms()
        self.names = landscape.variables
        self.box = np.array([[float(lo), float(hi)] for lo, hi in landscape.box])
        nodes = {name: terms.var(name) for name in self.names}
        f = terms.read(parse(landscape.formula), nodes)
        gradient = [terms.derivative(f, name) for name in self.names]
        second = [terms.derivative(slope, name) for slope in gradient for name in self.names]
        self._terms = terms
        self._value, self._slopes, self._second = [f], gradient, second

    def _run(self, targets: Sequence[Node], points: Floats) -> Floats:
        """(N, len(targets)) values at (N, d) points; nan where a formula is undefined."""
        found: dict[Node, Any] = {}
        with np.errstate(all="ignore"):
            for node in self._terms.order(targets):
                key = self._terms.nodes[node]
                found[node] = _step(key, found, dict(zip(self.names, points.T, strict=True)))
        return np.stack([found[k] + np.zeros(len(points)) for k in targets], axis=1)

    def values(self, points: Floats) -> Floats:
        """(N,) values at (N, d) points."""
        return self._run(self._value, points)[:, 0]

    def slopes(self, points: Floats) -> Floats:
        """(N, d) gradients."""
        return self._run(self._slopes, points)

    def second(self, points: Floats) -> Floats:
        """(N, d, d) second derivatives."""
        d = len(self.names)
        return self._run(self._second, points).reshape(len(points), d, d)


def _step(key: tuple[Any, ...], found: Mapping[Node, Any], values: Mapping[str, Floats]) -> Any:
    kind = key[0]
    if kind == "const":
        return float(key[1])
    if kind == "var":
        return values[key[1]]
    if kind in ("pi", "e"):
        return np.pi if kind == "pi" else np.e
    a = found[key[1]]
    if kind == "add":
        return a + found[key[2]]
    if kind == "mul":
        return a * found[key[2]]
    if kind == "power":
        return a ** key[2]
    if kind == "root":
        return np.power(a, 1.0 / key[2])
    if kind in ("size", "odd"):  # |a|^p and sign(a)·|a|^p
        return np.abs(a) ** float(key[2]) * (np.sign(a) if kind == "odd" else 1.0)
    return _CALLS[kind](a)


_CALLS: dict[str, Callable[[Any], Any]] = {
    "inv": lambda a: 1.0 / (a + np.zeros(1)),
    "sqrt": np.sqrt,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "exp": np.exp,
    "tanh": np.tanh,
    "atan": np.arctan,
    "logistic": lambda a: np.exp(-np.logaddexp(0.0, -a)),
    "softplus": lambda a: np.logaddexp(0.0, a),
}


def critical_points(surface: Surface) -> list[Critical]:
    """What Newton's method finds from a grid: inside, on the edges, and at the corners."""
    found: list[Critical] = []
    for fixed in _faces(len(surface.box)):
        free = [k for k, side in enumerate(fixed) if side is None]
        axes = [
            np.linspace(surface.box[k, 0], surface.box[k, 1], STARTS)
            if side is None
            else surface.box[k, [side]]
            for k, side in enumerate(fixed)
        ]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        points = _newton(surface, points, free) if free else points
        found += _kept(surface, points, fixed, free)
    return sorted(found, key=lambda one: one.value)


def _faces(d: int) -> list[tuple[int | None, ...]]:
    """None: the coordinate is free; 0, 1: at its lower, upper end."""
    faces: list[tuple[int | None, ...]] = [()]
    for _ in range(d):
        faces = [(*face, side) for face in faces for side in (None, 0, 1)]
    return faces


def _newton(surface: Surface, points: Floats, free: list[int]) -> Floats:
    """Newton's method in the free coordinates, with steps cut to a tenth of the box."""
    low, high = surface.box.T
    most = 0.1 * (high - low)[free]
    for _ in range(ITERATIONS):
        slopes = surface.slopes(points)[:, free]
        second = surface.second(points)[:, free][:, :, free]
        with np.errstate(all="ignore"):
            step = -np.einsum("nij,nj->ni", np.linalg.pinv(_finite(second)), _finite(slopes))
        points = points.copy()
        points[:, free] = np.clip(
            points[:, free] + np.clip(step, -most, most), low[free], high[free]
        )
    return points


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _kept(
    surface: Surface, points: Floats, fixed: tuple[int | None, ...], free: list[int]
) -> list[Critical]:
    """Points at rest, each once, with what they are."""
    sides = surface.box[:, 1] - surface.box[:, 0]
    values, slopes = surface.values(points), surface.slopes(points)
    size = np.nanmax(np.abs(surface.slopes(points) * sides), initial=1.0)
    rest = np.isfinite(values)
    for k, side in enumerate(fixed):
        if side is None:
            inner = (points[:, k] > surface.box[k, 0]) & (points[:, k] < surface.box[k, 1])
            rest &= inner & (np.abs(slopes[:, k]) * sides[k] <= 1e-9 * size)
        else:
            rest &= slopes[:, k] >= 0 if side == 0 else slopes[:, k] <= 0
    kept: list[Critical] = []
    places: list[Floats] = []
    for index in np.flatnonzero(rest):
        point = points[index]
        if any(np.all(np.abs(point - other) <= SAME * sides) for other in places):
            continue
        places.append(point)
        curved = surface.second(point[None])[0][np.ix_(free, free)]
        kept.append(Critical(tuple(point.tolist()), float(values[index]), _kind(curved, fixed)))
        if len(kept) >= MOST:
            break
    return kept


MOST = 200  # critical points on one face


def _kind(curved: Floats, fixed: tuple[int | None, ...]) -> str:
    """By the second derivatives in the free coordinates; a fixed one goes up inwards."""
    if not curved.size:
        return "minimum"
    values = np.linalg.eigvalsh(_finite(curved))
    slack = 1e-9 * max(1.0, float(np.abs(values).max()))
    if values.min() >= -slack:
        return "minimum"
    inner = all(side is None for side in fixed)
    return "maximum" if inner and len(values) > 1 and values.max() <= slack else "saddle"


def nearby(point: Sequence[float]) -> list[tuple[Fraction, ...]]:
    """Rational points close to a point of floats: simple ones first."""
    simple = tuple(Fraction(x).limit_denominator(1000) for x in point)
    return [simple, tuple(Fraction(x) for x in point)]
