"""A system of formulas in floating point: what its constants on a ball seem to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from boundcalc.library.problem import Problem
from boundcalc.search.numeric.derivative import hessian
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.tape import Tape
from boundcalc.search.numeric.tape import compile as compiled

Array = NDArray[np.float64]
Quantity = Callable[["Floats", Array], Array]

POINTS = 256  # inside, and as many on the sphere
ROUNDS = 14
AROUND = 48  # points around each of the best
BEST = 4


@dataclass(frozen=True)
class Floats:
    """F: R^m → R^n with its first and second derivatives.

    Methods take points (N, m); shapes of what they give: residual (N, n), jacobian (N, n, m),
    hessians (N, n, m, m).
    """

    size: tuple[int, int]
    first: Tape
    second: Tape

    def values(self, points: Array) -> tuple[Array, Array]:
        """F and DF."""
        n, m = self.size
        found = self.first.points(points)
        return found[:, :n], found[:, n:].reshape(-1, n, m)

    def hessians(self, points: Array) -> Array:
        """The Hessians of all F_i."""
        n, m = self.size
        return self.second.points(points).reshape(-1, n, m, m)


def floats_of(problem: Problem) -> Floats:
    """The system of a problem with a residual map."""
    whole = landscape(problem)
    names = tuple(problem.variables)
    slopes = [entry for row in whole.jacobian for entry in row]
    second = [entry for f in whole.residual for row in hessian(f, names) for entry in row]
    size = (len(whole.residual), len(names))
    return Floats(size, compiled([*whole.residual, *slopes], names), compiled(second, names))


def jacobian_norm(system: Floats, points: Array) -> Array:
    """‖DF‖₂."""
    return _singular(system.values(points)[1])[:, 0]


def hessian_norm(system: Floats, points: Array) -> Array:
    """√λ_max(Σ H_i²)."""
    every = system.hessians(points)
    return _singular(every.reshape(len(points), -1, every.shape[-1]))[:, 0]


def kernel_least(system: Floats, points: Array) -> Array:
    """λ_min(DF DFᵀ)."""
    return least_of(system.values(points)[1])


def least_of(jacobians: Array) -> Array:
    """λ_min(A Aᵀ) of matrices (N, n, m)."""
    n, m = jacobians.shape[1:]
    return np.zeros(len(jacobians)) if n > m else _singular(jacobians)[:, -1] ** 2


def loss_curvature(system: Floats, points: Array) -> Array:
    """‖∇²L‖₂."""
    residual, jacobian = system.values(points)
    curved = np.einsum("ki,kiab->kab", residual, system.hessians(points))
    return _singular(np.einsum("kia,kib->kab", jacobian, jacobian) + curved)[:, 0]


def _singular(matrices: Array) -> Array:
    """Singular values in descending order, (N, k); nan where an entry is not finite."""
    found = np.full((len(matrices), min(matrices.shape[1:])), np.nan)
    sound = np.isfinite(matrices).all(axis=(1, 2))
    found[sound] = np.linalg.svd(matrices[sound], compute_uv=False)
    return found


def above_level(level: float) -> Quantity:
    """½‖∇L‖²/L where L ≥ level; +∞ elsewhere."""

    def quotient(system: Floats, points: Array) -> Array:
        residual, jacobian = system.values(points)
        loss = 0.5 * np.sum(residual**2, axis=1)
        slope = 0.5 * np.sum(np.einsum("ki,kia->ka", residual, jacobian) ** 2, axis=1)
        return np.where(loss >= level, slope / np.maximum(loss, 1e-300), np.inf)

    return quotient


def seems(
    system: Floats,
    quantity: Quantity,
    center: Sequence[Fraction],
    radius: float,
    sign: int,
) -> tuple[float, Array]:
    """The largest (sign 1) or smallest (−1) value that was met on the ball, and where.

    Where a formula is undefined the value is the worst there is.
    """
    middle = np.array([float(x) for x in center])
    rng = np.random.default_rng(0)
    points = _first(rng, len(middle))
    best = points[:1]
    worth = np.array([-np.inf])
    for round_ in range(ROUNDS + 1):
        with np.errstate(all="ignore"):  # beyond float64: the worst value there is
            values = sign * _finite(quantity(system, middle + radius * points), sign)
        every, scores = np.vstack([best, points]), np.concatenate([worth, values])
        order = np.argsort(-scores, kind="stable")[:BEST]
        best, worth = every[order], scores[order]
        spread = 0.5 ** (1 + 1.5 * round_)
        around = np.repeat(best, AROUND, axis=0)
        around = around + spread * rng.normal(size=around.shape)
        lengths = np.linalg.norm(around, axis=1, keepdims=True)
        points = around / np.maximum(lengths, 1.0)
    return float(sign * worth[0]), middle + radius * best[0]


def _finite(values: Array, sign: int) -> Array:
    """Values with the worst one in the place of not-a-number."""
    return np.where(np.isnan(values), sign * np.inf, values)


def _first(rng: np.random.Generator, size: int) -> Array:
    """Points of the unit ball: the center, the axes, the sphere and the inside."""
    sphere = rng.normal(size=(POINTS, size))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    inside = sphere * rng.random((POINTS, 1)) ** (1 / size)
    axes = np.eye(size)
    return np.vstack([np.zeros((1, size)), axes, -axes, sphere, inside])
