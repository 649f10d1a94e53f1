"""A small zoo: functions with conditions that hold, the best constants in closed form, and not.

Constants are by hand, or by mpmath for x² + 3 sin² x (30 digits, rounded); none is computed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numeric import Array, Instance

LOWER = ("pl", "aiming", "rsi", "eb", "qg", "strongly-convex")  # larger constants say more
UPPER = ("smooth", "self-bounding", "eb-upper", "quadratic-bounds", "bounded-gradients")
NAMES = {**dict.fromkeys(LOWER, "mu"), **dict.fromkeys(UPPER, "L")}
NAMES |= {"aiming": "theta", "bounded-gradients": "G"}


@dataclass(frozen=True)
class Animal:
    """best : condition → best constant (None where it has none and holds). false : fails for
    every constant. witnesses : points where that shows, beside random ones. has_minimum : S is
    not empty."""

    name: str
    instance: Instance
    best: dict[str, float | None]
    false: tuple[str, ...]
    witnesses: list[Array] = field(default_factory=list)
    has_minimum: bool = True
    largest: float = 1e3


def _one(
    name: str,
    f: Callable[[float], float],
    slope: Callable[[float], float],
    best: dict[str, float | None],
    false: str,
    **more: Any,
) -> Animal:
    """A function of one variable; its minimum 0 is at 0 unless told."""
    project = more.pop("project", lambda x: np.zeros(1))
    part = (lambda x: f(float(x[0])), lambda x: np.array([slope(float(x[0]))]), 0.0)
    instance = Instance(name, 1, [part], project)
    instance.fstar = 0.0  # an infimum, where there is no minimum
    return Animal(name, instance, best, tuple(false.split()), **more)


def _two(
    name: str,
    f: Callable[[Array], float],
    grad: Callable[[Array], Any],
    project: Callable[[Array], Array],
    best: dict[str, float | None],
    false: str,
    **more: Any,
) -> Animal:
    """A function of more variables with minimum 0."""
    dim = more.pop("dim", 2)
    part = (lambda x: float(f(x)), lambda x: np.array(grad(x), dtype=float), 0.0)
    return Animal(name, Instance(name, dim, [part], project), best, tuple(false.split()), **more)


def _both(mu: float, L: float, **more: float | None) -> dict[str, float | None]:
    """A convex function with curvature between mu and L, away from its minimisers' directions."""
    made: dict[str, float | None] = dict.fromkeys(("pl", "rsi", "eb", "qg"), mu)
    made |= dict.fromkeys(("smooth", "self-bounding", "eb-upper", "quadratic-bounds"), L)
    return {**made, "convex": None, "star-convex": None, "aiming": 2.0, **more}


FLAT = {"smooth": 1.0, "self-bounding": 1.0, "eb-upper": 1.0, "quadratic-bounds": 1.0}
BOUNDED: dict[str, float | None] = {**FLAT, "convex": None, "star-convex": None, "aiming": 1.0}
BOUNDED["bounded-gradients"] = 1.0
TAIL = "pl rsi eb qg strongly-convex"
STEEP = "smooth self-bounding eb-upper quadratic-bounds bounded-gradients"


def _on_hyperbola(x: Array) -> Array:
    """The nearest (u, 1/u): u⁴ − p u³ + q u − 1 = 0."""
    p, q = x
    roots = np.roots([1, -p, 0, q, -1])
    real = [r.real for r in roots if abs(r.imag) < 1e-7 * (1 + abs(r)) and abs(r.real) > 1e-12]
    return min((np.array([u, 1 / u]) for u in real), key=lambda at: float(np.sum((at - x) ** 2)))


def _on_sine(x: Array) -> Array:
    """The nearest (t, sin t), by a fine grid and Newton's method."""
    reach = abs(x[1] - math.sin(x[0])) + 0.1
    grid = np.linspace(x[0] - reach, x[0] + reach, 4001)
    t = float(grid[np.argmin((grid - x[0]) ** 2 + (np.sin(grid) - x[1]) ** 2)])
    for _ in range(6):
        first = t - x[0] + (math.sin(t) - x[1]) * math.cos(t)
        second = 1 + math.cos(t) ** 2 - (math.sin(t) - x[1]) * math.sin(t)
        t -= first / second if second > 1e-3 else 0.0
    return np.array([t, math.sin(t)])


def _least_squares(rows: list[list[float]], name: str, mu: float, L: float) -> Animal:
    A, b = np.array(rows), np.arange(1.0, len(rows) + 1)
    pinv = np.linalg.pinv(A)
    return _two(
        name,
        lambda x: float(np.sum((A @ x - b) ** 2)) / 2,
        lambda x: A.T @ (A @ x - b),
        lambda x: x - pinv @ (A @ x - b),
        _both(mu, L),
        "strongly-convex bounded-gradients",
        dim=A.shape[1],
    )


def _curves() -> list[Animal]:
    """Functions of one variable."""
    sine = {"pl": 0.175530985879731734, "aiming": 0.496090062114452608}
    sine |= {"rsi": 0.696598230732670056, "qg": 2.0}
    sine |= {"smooth": 8.0, "self-bounding": 8.0, "eb-upper": 8.0, "quadratic-bounds": 8.0}
    quartic: dict[str, float | None] = {"convex": None, "star-convex": None, "aiming": 4.0}
    power: dict[str, float | None] = {"convex": None, "star-convex": None, "aiming": 1.5}
    steep: dict[str, float | None] = dict.fromkeys(("pl", "rsi", "eb", "qg"), 2.0)
    steep |= {"strongly-convex": 2.0, "aiming": 2.0, "convex": None, "star-convex": None}
    return [
        _one(
            "3x²/2",
            lambda x: 1.5 * x * x,
            lambda x: 3 * x,
            _both(3, 3, **{"strongly-convex": 3.0}),
            "bounded-gradients",
        ),
        _one(
            "x² + 3 sin² x",
            lambda x: x * x + 3 * math.sin(x) ** 2,
            lambda x: 2 * x + 3 * math.sin(2 * x),
            dict(sine),
            "convex star-convex strongly-convex bounded-gradients",
            largest=60,
        ),
        _one("x⁴", lambda x: x**4, lambda x: 4 * x**3, quartic, f"{TAIL} {STEEP}"),
        _one(
            "|x|^1.5",
            lambda x: abs(x) ** 1.5,
            lambda x: 1.5 * math.copysign(abs(x) ** 0.5, x),
            power,
            f"{TAIL} smooth self-bounding eb-upper quadratic-bounds bounded-gradients",
            largest=1e6,
        ),
        _one(
            "Huber",
            lambda x: x * x / 2 if abs(x) <= 1 else abs(x) - 0.5,
            lambda x: max(-1.0, min(1.0, x)),
            dict(BOUNDED),
            TAIL,
            largest=1e5,
        ),
        _one(
            "log cosh x",
            lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2),
            math.tanh,
            dict(BOUNDED),
            TAIL,
            largest=1e5,
        ),
        _one(
            "√(1 + x²) − 1",
            lambda x: math.hypot(1, x) - 1,
            lambda x: x / math.hypot(1, x),
            dict(BOUNDED),
            TAIL,
            largest=1e5,
        ),
        _one(
            "log(1 + e^−x)",
            lambda x: math.log1p(math.exp(-abs(x))) + max(-x, 0),
            lambda x: -1 / (1 + math.exp(min(x, 700))),
            {"smooth": 0.25, "quadratic-bounds": 0.25, "convex": None, "bounded-gradients": 1.0},
            "pl strongly-convex",
            has_minimum=False,
            largest=600,
        ),
        _one(
            "x²/(1 + x²)",
            lambda x: x * x / (1 + x * x),
            lambda x: 2 * x / (1 + x * x) ** 2,
            {
                "smooth": 2.0,
                "self-bounding": 2.0,
                "eb-upper": 2.0,
                "quadratic-bounds": 2.0,
                "bounded-gradients": 3 * math.sqrt(3) / 8,
            },
            f"{TAIL} aiming convex star-convex",
        ),
        _one(
            "(x² − 1)²/4",
            lambda x: (x * x - 1) ** 2 / 4,
            lambda x: x * (x * x - 1),
            {"qg": 0.5},
            f"pl rsi eb aiming convex star-convex strongly-convex {STEEP}",
            project=lambda x: np.array([math.copysign(1.0, x[0])]),
            witnesses=[np.array([1e-9])],
        ),
        _one(
            "2 cosh x − 2",
            lambda x: 4 * math.sinh(x / 2) ** 2,
            lambda x: 2 * math.sinh(x),
            steep,
            STEEP,
            largest=20,
        ),
        _one(
            "x² right, 4x² left",
            lambda x: x * x if x > 0 else 4 * x * x,
            lambda x: 2 * x if x > 0 else 8 * x,
            _both(2, 8, **{"strongly-convex": 2.0}),
            "bounded-gradients",
        ),
        _one(
            "max(|x| − 1, 0)²/2",
            lambda x: max(abs(x) - 1, 0) ** 2 / 2,
            lambda x: math.copysign(max(abs(x) - 1, 0), x),
            _both(1, 1),
            "strongly-convex bounded-gradients",
            witnesses=[np.array([1.001]), np.array([-0.9])],
            project=lambda x: np.clip(x, -1, 1),
        ),
    ]


def _surfaces() -> list[Animal]:
    """Functions of two variables or three."""
    sheet = {"pl": 1.0, "qg": 1.0}
    wave = {"pl": 0.175530985879731734, "aiming": 0.496090062114452608}
    wave |= {"rsi": 0.696598230732670056, "qg": 2.0, "smooth": 8.0, "self-bounding": 8.0}
    wave |= {"eb-upper": 8.0, "quadratic-bounds": 8.0}
    far = np.array([1e3, 1e6 + 0.005 * 0.999])  # where Jᵀr is almost 0
    peaks = [np.array([x, 0.0]) for x in (2.20170917643585, 2.15382743759955, 2.24670472895453)]
    none = "pl rsi convex star-convex strongly-convex smooth quadratic-bounds bounded-gradients"
    return [
        _two(
            "x²/2 + 2y²",
            lambda x: x[0] ** 2 / 2 + 2 * x[1] ** 2,
            lambda x: [x[0], 4 * x[1]],
            lambda x: np.zeros(2),
            _both(1, 4, **{"strongly-convex": 1.0}),
            "bounded-gradients",
        ),
        _least_squares([[1.0, 2.0]], "one equation, two unknowns", 5, 5),
        _least_squares([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]], "two equations, three unknowns", 1, 3),
        _two(
            "x² + 3 sin² x + 2y²",
            lambda x: x[0] ** 2 + 3 * math.sin(x[0]) ** 2 + 2 * x[1] ** 2,
            lambda x: [2 * x[0] + 3 * math.sin(2 * x[0]), 4 * x[1]],
            lambda x: np.zeros(2),
            dict(wave),
            "convex star-convex strongly-convex bounded-gradients",
            witnesses=peaks,
            largest=60,
        ),
        _two(
            "Rosenbrock",
            lambda x: (1 - x[0]) ** 2 / 2 + 50 * (x[1] - x[0] ** 2) ** 2,
            lambda x: [x[0] - 1 - 200 * x[0] * (x[1] - x[0] ** 2), 100 * (x[1] - x[0] ** 2)],
            lambda x: np.ones(2),
            {},
            none,
            witnesses=[far],
            largest=100,
        ),
        _two(
            "x² + (y − x²)²",
            lambda x: x[0] ** 2 + (x[1] - x[0] ** 2) ** 2,
            lambda x: [2 * x[0] - 4 * x[0] * (x[1] - x[0] ** 2), 2 * (x[1] - x[0] ** 2)],
            lambda x: np.zeros(2),
            {},
            none,
            witnesses=[np.array([1e4, 1e8 + 0.5])],
            largest=100,
        ),
        _two(
            "(uv − 1)²/2",
            lambda x: (x[0] * x[1] - 1) ** 2 / 2,
            lambda x: [(x[0] * x[1] - 1) * x[1], (x[0] * x[1] - 1) * x[0]],
            _on_hyperbola,
            {},
            f"eb aiming {none}",
            witnesses=[np.array([1e-7, 1e-7])],
            largest=30,
        ),
        _two(
            "(y − sin x)²/2",
            lambda x: (x[1] - math.sin(x[0])) ** 2 / 2,
            lambda x: [-(x[1] - math.sin(x[0])) * math.cos(x[0]), x[1] - math.sin(x[0])],
            _on_sine,
            dict(sheet),
            "convex strongly-convex smooth quadratic-bounds bounded-gradients",
            largest=30,
        ),
        _two(
            "x²y²/2",
            lambda x: (x[0] * x[1]) ** 2 / 2,
            lambda x: [x[0] * x[1] ** 2, x[0] ** 2 * x[1]],
            lambda x: x * (np.abs(x) >= np.abs(x).max()) * [1, abs(x[0]) != abs(x[1])],
            {},
            "pl rsi eb qg convex strongly-convex smooth quadratic-bounds bounded-gradients",
        ),
    ]


ZOO = [*_curves(), *_surfaces()]


def points(animal: Animal, rng: np.random.Generator, count: int) -> list[Array]:
    """Points near 0 and far out, and the witnesses."""
    found = [np.array(w) for w in animal.witnesses]
    low, high = math.log(1e-4), math.log(animal.largest)
    for _ in range(count):
        direction = rng.normal(size=animal.instance.dim)
        length = math.exp(rng.uniform(low, high))
        found.append(length * direction / np.linalg.norm(direction))
    return found
