"""Jacobians of known difficulty, and their spectra at 50 digits."""

from __future__ import annotations

import mpmath
import numpy as np

DIGITS = 50


def true_spectrum(jacobian):
    """All eigenvalues of J Jᵀ as mpmath numbers, increasing; wrong by at most 1e-60·λ_max.

    Computed with digits to spare, so that what is compared is right to 50 of them and more.
    """
    with mpmath.workdps(2 * DIGITS):
        matrix = mpmath.matrix(np.asarray(jacobian, dtype=float).tolist())
        return sorted(mpmath.eigsy(matrix * matrix.T, eigvals_only=True))


def slack(spectrum):
    """What the reference itself may be off by."""
    return mpmath.mpf(10) ** -80 * (abs(spectrum[-1]) + mpmath.mpf(10) ** -400)


def random_jacobian(rng, kind):
    """One matrix of at most 6 rows of a kind."""
    n = int(rng.integers(1, 7))
    m = n + int(rng.integers(0, 5))
    plain = rng.standard_normal((n, m))
    if kind == "plain":
        return plain
    if kind == "wide-range":
        return plain * 10.0 ** rng.uniform(-140, 140)
    if kind == "float32":
        return plain.astype(np.float32)
    if kind == "tall":
        return np.concatenate([plain, plain, rng.standard_normal((m, m))])
    if kind == "duplicate-rows":
        return np.concatenate([plain, plain[:1]])[:, : max(m, n + 1)]
    if kind == "low-rank":  # exact in integers: rank n - 1 or less
        left = rng.integers(-9, 10, (n + 1, n)).astype(float)
        return left @ rng.integers(-9, 10, (n, m + 1)).astype(float)
    if kind == "graded":
        return plain * (10.0 ** rng.uniform(-20, 20, n))[:, None]
    left, _, right = np.linalg.svd(plain, full_matrices=False)
    exponent = {"ill": 8.0, "ill32": 3.7, "worse": 15.0}[kind]
    made = (left * np.geomspace(1, 10.0 ** -rng.uniform(0, exponent), n)) @ right
    return made.astype(np.float32) if kind == "ill32" else made


KINDS = (
    "plain", "wide-range", "float32", "tall", "duplicate-rows",
    "low-rank", "graded", "ill", "ill32", "worse",
)  # fmt: skip


def with_condition(rng, n, m, kappa):
    """J (n, m) with κ(J Jᵀ) near kappa, spectrum geometric."""
    left, _, right = np.linalg.svd(rng.standard_normal((n, m)), full_matrices=False)
    return (left * np.geomspace(1, kappa**-0.5, n)) @ right
