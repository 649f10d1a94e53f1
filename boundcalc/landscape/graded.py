"""The spectrum of J Jᵀ from an approximate singular value decomposition of J, with its error.

J Jᵀ squares the condition number, and an eigenvalue solver is off by u·λ_max. So the kernel is not
handed to one. J = Rᵀ Qᵀ (QR of Jᵀ) and Rᵀ = U S Wᵀ give an approximate U; then, proved afterwards:

- T = Uᵀ J has nearly orthogonal rows of length s_i. With powers of two d_i ≈ 1/s_i (exact scaling)
  H = D T Tᵀ D is computed with a bound ω of all that rounding did and of its off-diagonal part.
- diag((h − ω)/d²) ⪯ T Tᵀ ⪯ diag((h + ω)/d²), so eigenvalues of T Tᵀ lie between those, sorted
  (Weyl's monotonicity): *relative* accuracy ω for each, small ones too.
- ‖Uᵀ U − I‖ ≤ δ < 1: eigenvalues of Uᵀ(J Jᵀ)U are those of J Jᵀ times numbers in [1 − δ, 1 + δ]
  (Ostrowski).

ω is about n·u·(condition number of J): λ_min keeps digits up to κ(K) near 10^28.
"""

from __future__ import annotations

import math

import numpy as np

from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.rounding import (
    TINY,
    U,
    above,
    below,
    gamma,
    gram,
    largest_row_sum,
    row_norms,
)
from boundcalc.logs.log import Float

_SMALLEST_SCALE = 2.0**-400


def graded_spectrum(jacobian: Float) -> tuple[Enclosure, Enclosure]:
    """(λ_min, λ_max) of J Jᵀ for J (n, m), n ≤ m, entries at most 1; both in units of J².

    Never wrong; wide where J is close to rank-deficient, (0, ‖J‖_F²) at worst.
    """
    n, m = jacobian.shape
    norms = row_norms(jacobian)
    trace = above(float(norms @ norms), n + 2)
    try:
        triangle = np.asarray(np.linalg.qr(jacobian.T, mode="r"))
        left, sigma, _ = np.linalg.svd(triangle.T)
    except np.linalg.LinAlgError:  # no convergence
        return Enclosure(0.0, trace), Enclosure(below(trace / n, 4 * (n + m) + 64), trace)
    overlap, error = gram(np.ascontiguousarray(left.T))
    delta = largest_row_sum(overlap - np.eye(n)) + above(error + n * U, 2)
    if not delta < 0.5:
        return Enclosure(0.0, trace), Enclosure(below(trace / n, 4 * (n + m) + 64), trace)
    turned = left.T @ jacobian
    # What the rows of T may be off by.
    off = (np.abs(left).T @ norms) * above(gamma(n), n + 4) + TINY
    largest = float(sigma[0])
    lows, highs = _bounds(turned, off, np.maximum(sigma, _SMALLEST_SCALE))
    # One scale for all rows: small rows do not spoil what is known of the large ones.
    flat_lows, flat_highs = _bounds(turned, off, np.full(n, largest))
    high = min(highs.max(), flat_highs.max(), trace)
    low = max(lows.max(), flat_lows.max(), 0.0)
    least_high = min(highs.min(), flat_highs.min(), high)
    least_low = max(lows.min(), flat_lows.min(), 0.0)
    grow, shrink = 1.0 / (1.0 - delta), 1.0 / (1.0 + delta)
    return (
        Enclosure(below(least_low * shrink, 4), above(least_high * grow, 4)),
        Enclosure(below(low * shrink, 4), above(high * grow, 4)),
    )


def _bounds(turned: Float, off: Float, sigma: Float) -> tuple[Float, Float]:
    """(h − ω)/d² and (h + ω)/d² with d_i a power of two near 1/sigma_i; (n,) each."""
    n = len(turned)
    _, exponents = np.frexp(sigma)
    rows = np.ldexp(turned, -exponents[:, None])  # exact: upward, or down by a few bits
    scaled_off = np.ldexp(off, -exponents)
    tau = above(math.sqrt(float(scaled_off @ scaled_off)), n + 2) + TINY
    product, error = gram(rows)
    diagonal = product.diagonal().copy()
    rest = largest_row_sum(product - np.diag(diagonal))
    norm = above(math.sqrt(largest_row_sum(product) + error), 2)
    omega = above(rest + error + 2 * norm * tau + tau * tau, 8) + TINY
    if not math.isfinite(omega):
        return np.zeros(n), np.full(n, np.inf)
    lows = np.array([below(max(0.0, below(h - omega, 1)), 0) for h in diagonal.tolist()])
    highs = np.array([above(h + omega, 1) for h in diagonal.tolist()])
    return np.ldexp(lows, 2 * exponents), np.ldexp(highs, 2 * exponents)
