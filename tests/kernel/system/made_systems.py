"""Random systems of formulas, and what sympy says of them: independent of the kernel's readers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy

NAMES = ("x", "y", "z")
SHAPES = (
    "{a}*{u}",
    "{a}*{u}*{v}",
    "{a}*{u}^2",
    "sin({a}*{u} + {v})",
    "{a}*tanh({u} - {v})",
    "exp({u}/2)",
    "{a}/(2 + {u}^2)",
    "sqrt(1 + {u}^2)",
    "log(3 + {v}^2)",
    "logistic({a}*{u})",
    "softplus({u} + {a}*{v})",
    "atan({u}*{v})",
    "cos({u})*{v}",
    "{u}^3/3",
    "cosh({u})/2",
)


def formula(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    """A sum of a few terms and a constant."""
    terms = []
    for _ in range(int(rng.integers(1, 4))):
        shape = SHAPES[rng.integers(len(SHAPES))]
        a = Fraction(int(rng.integers(-8, 9)) or 3, 4)
        u, v = rng.choice(names, 2)
        terms.append(shape.format(a=f"({a})", u=u, v=v))
    return " + ".join(terms) + f" - ({Fraction(int(rng.integers(-8, 9)), 8)})"


def system(rng: np.random.Generator) -> tuple[dict, Fraction]:
    """The kernel's data of a random system, and a radius."""
    names = NAMES[: int(rng.integers(1, 4))]
    count = int(rng.integers(1, len(names) + 1))
    data = {
        "variables": list(names),
        "residual": [formula(rng, names) for _ in range(count)],
        "start": [str(Fraction(int(rng.integers(-8, 9)), 8)) for _ in names],
    }
    return data, Fraction(int(rng.integers(1, 9)), 16)


def sympified(text: str, names: tuple[str, ...]) -> sympy.Expr:
    """The formula by sympy's own reader; for test data only."""
    symbols = {name: sympy.Symbol(name, real=True) for name in names}
    own = {
        "logistic": lambda u: 1 / (1 + sympy.exp(-u)),
        "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
        **symbols,
    }
    return sympy.sympify(text.replace("^", "**"), locals=own)


class Sampled:
    """F, DF and ∇²L of a system in floating point, by sympy's derivatives."""

    def __init__(self, data: dict) -> None:
        names = tuple(data["variables"])
        symbols = [sympy.Symbol(name, real=True) for name in names]
        F = [sympified(text, names) for text in data["residual"]]
        L = sum(f**2 for f in F) / 2
        J = [[sympy.diff(f, s) for s in symbols] for f in F]
        H = [[sympy.diff(L, s, t) for s in symbols] for t in symbols]
        self.start = np.array([float(Fraction(x)) for x in data["start"]])
        self._F, self._J, self._H = (sympy.lambdify(symbols, e, "math") for e in (F, J, H))

    def residual(self, w: np.ndarray) -> np.ndarray:
        return np.array(self._F(*map(float, w)), dtype=float)

    def jacobian(self, w: np.ndarray) -> np.ndarray:
        return np.array(self._J(*map(float, w)), dtype=float)

    def curvature(self, w: np.ndarray) -> np.ndarray:
        return np.array(self._H(*map(float, w)), dtype=float)

    def loss(self, w: np.ndarray) -> float:
        return float(np.sum(self.residual(w) ** 2) / 2)

    def gradient(self, w: np.ndarray) -> np.ndarray:
        return self.jacobian(w).T @ self.residual(w)

    def least(self, w: np.ndarray) -> float:
        """λ_min(K)."""
        J = self.jacobian(w)
        return 0.0 if len(J) > len(w) else float(np.linalg.svd(J, compute_uv=False)[-1] ** 2)

    def points(self, radius: float, count: int, rng: np.random.Generator) -> np.ndarray:
        """Points of the ball: half of them on its boundary."""
        d = rng.normal(size=(count, len(self.start)))
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        d[::2] *= rng.random((len(d[::2]), 1)) ** (1 / d.shape[1])
        return self.start + radius * d


def problem(data: dict):
    """The same as a problem of the library."""
    from boundcalc.library.problem import Problem
    from boundcalc.library.problem_text import UNBOUNDED

    names = tuple(data["variables"])
    return Problem("made", "", names, (), tuple(data["residual"]), (UNBOUNDED,) * len(names))
