"""The spectrum of a large J Jᵀ from factorisations of it, with their error.

K is formed with a bound e of ‖K − J Jᵀ‖₂. If Cholesky's factorisation of a float matrix A runs to
completion, then λ_min(A) ≥ −c·tr(A) with c about n·u (Rump 2006, BIT 46; Higham 2002, Theorem
10.3; doubled here for blocked kernels). So A = K − σI gives λ_min ≥ σ − c·tr(A) − e, and
A = τI − K gives λ_max ≤ τ + c·tr(A) + e. The other sides are Rayleigh quotients. Guesses of σ and τ
come from Lanczos iterations with K and with its factor.
"""

from __future__ import annotations

import math

import numpy as np

from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.lanczos import lanczos
from boundcalc.landscape.rounding import TINY, U, above, below, gamma, gram, row_norms
from boundcalc.logs.log import Float

_MARGIN = 2.0**-20  # how far below an estimate σ is tried first
_TRIES = 4
_STEPS = 120


def shifted_spectrum(jacobian: Float, *, least_wanted: bool) -> tuple[Enclosure, Enclosure, str]:
    """(λ_min, λ_max) of J Jᵀ for J (n, m), n ≤ m, entries at most 1; what is not certified.

    Holds three matrices of n² numbers besides J. Without `least_wanted` λ_min is not looked at.
    """
    kernel, error = gram(jacobian)
    norms = row_norms(jacobian)
    trace = above(float(norms @ norms), len(norms) + 2)
    top = lanczos(lambda v: kernel @ v, len(kernel), _STEPS)
    low = _rayleigh(jacobian, norms, top.largest_vector).lower
    largest = Enclosure(low, _upper(kernel, error, top.largest, trace))
    if not least_wanted:
        return Enclosure(0.0, trace), largest, ""
    least, note = _least(jacobian, norms, kernel, error)
    return Enclosure(least.lower, min(least.upper, largest.upper)), largest, note


def _upper(kernel: Float, error: float, estimate: float, trace: float) -> float:
    """An upper bound of λ_max(J Jᵀ)."""
    best = trace
    for attempt in range(_TRIES):
        tau = estimate * (1 + _MARGIN * 64**attempt)
        shifted = -kernel
        shifted.flat[:: len(kernel) + 1] += tau
        slack = _definite(shifted)
        if slack is not None:
            rounded = above(U * (float(kernel.diagonal().max()) + tau), 2)  # of the diagonal
            best = min(best, above(tau + slack + rounded + error, 4))
            break
    return best


def _least(jacobian: Float, norms: Float, kernel: Float, error: float) -> tuple[Enclosure, str]:
    """λ_min(J Jᵀ), and what is not certified."""
    from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped, unused-ignore]

    n = len(kernel)
    try:
        factor = cho_factor(kernel, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        bottom = lanczos(lambda v: -(kernel @ v), n, _STEPS)
        high = _rayleigh(jacobian, norms, bottom.largest_vector).upper
        return Enclosure(0.0, high), "λ_min > 0 is not certified: Cholesky fails on K itself"

    def solve(v: Float) -> Float:
        solved: Float = cho_solve(factor, v, check_finite=False)
        return solved

    inverse = lanczos(solve, n, _STEPS)
    high = _rayleigh(jacobian, norms, inverse.largest_vector).upper
    estimate = min(high, 1 / inverse.largest)
    low = 0.0
    for attempt in range(_TRIES):
        sigma = estimate * (1 - _MARGIN * 64**attempt)
        if sigma <= 0:
            break
        shifted = kernel.copy()
        shifted.flat[:: n + 1] -= sigma
        slack = _definite(shifted)
        if slack is not None:
            rounded = above(U * (float(kernel.diagonal().max()) + sigma), 2)
            low = max(0.0, below(sigma - above(slack + rounded + error, 4), 1))
            break
    if low > 0:
        return Enclosure(low, high), ""
    return Enclosure(0.0, high), (
        "λ_min > 0 is not certified: it is below the rounding error of K "
        f"({above(error, 0):.2g} in units of the largest entry of J, squared)"
    )


def _definite(matrix: Float) -> float | None:
    """c·tr(A) with λ_min(A) ≥ −c·tr(A), if Cholesky's factorisation runs to completion."""
    n = len(matrix)
    trace = float(np.abs(matrix.diagonal()).sum())
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(factor.diagonal()).all():  # NaN passes the test of a pivot's sign
        return None
    relative = 2 * gamma(n + 2)
    return above(relative / (1 - relative) * trace, n + 4) + TINY


def _rayleigh(jacobian: Float, norms: Float, vector: Float) -> Enclosure:
    """‖Jᵀx‖²/‖x‖² for x (n,), which lies between λ_min and λ_max."""
    n, m = jacobian.shape
    image = vector @ jacobian
    length = math.sqrt(float(image @ image))
    off = above(gamma(n) * float(np.abs(vector) @ norms), n + 4) + TINY
    square = float(vector @ vector)
    high = above(above(length, m + 4) + off, 2)
    low = max(0.0, below(below(length, m + 4) - off, 2))
    return Enclosure(below(low * low / square, n + 6), above(high * high / square, n + 6))
