"""Extreme eigenvalues of a symmetric operator that is only applied: estimates, no bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boundcalc.logs.log import Float

_CONVERGED = 1e-12  # relative residual at which more steps say nothing new


@dataclass(frozen=True)
class Ritz:
    """Approximate extreme eigenvalues with vectors (n,) of length 1. They prove nothing."""

    least: float
    least_vector: Float
    largest: float
    largest_vector: Float
    steps: int


def lanczos(apply: Callable[[Float], Float], n: int, steps: int, *, seed: int = 0) -> Ritz:
    """Lanczos' iteration with full reorthogonalisation.

    apply : v (n,) -> A v (n,), A symmetric. Holds `steps` vectors.
    """
    steps = min(steps, n)
    basis = np.zeros((steps, n))
    start = np.random.default_rng(seed).standard_normal(n)
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    off: list[float] = []
    for k in range(steps):
        image = np.asarray(apply(basis[k]), dtype=np.float64).reshape(n)
        diagonal.append(float(basis[k] @ image))
        for _ in range(2):  # twice is enough (Kahan and Parlett)
            image = image - basis[: k + 1].T @ (basis[: k + 1] @ image)
        size = float(np.linalg.norm(image))
        if k + 1 == steps or size <= _CONVERGED * max(map(abs, diagonal)):
            break
        off.append(size)
        basis[k + 1] = image / size
    count = len(diagonal)
    small = np.diag(diagonal)
    if count > 1:
        small += np.diag(off[: count - 1], 1) + np.diag(off[: count - 1], -1)
    values, vectors = np.linalg.eigh(small)
    turned = vectors.T @ basis[:count]
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return Ritz(float(values[0]), turned[0], float(values[-1]), turned[-1], count)
