"""Bounds of what rounding does, for sums and products in float64.

Assumed of the arithmetic: IEEE 754 binary64, to nearest; a matrix product is made of inner
products summed in some order, with or without fused multiply-add. Then an inner product of length k
is off by at most k·u·|x|ᵀ|y| + k·η, whatever the order (Jeannerod and Rump 2013, SIAM J. Matrix
Anal. Appl. 34(2)), u = 2^-53 and η = 2^-1074.
"""

from __future__ import annotations

import math

import numpy as np

from boundcalc.logs.log import Float

U = 2.0**-53
# Above what underflow adds to any bound here, for matrices scaled to entries of at most 1: the
# number of products in a bound is below 2^64.
TINY = 2.0**-960
_BLOCK = 512  # columns of a product at a time: the error grows with the block, not the whole length


def above(value: float, operations: int) -> float:
    """An upper bound of a nonnegative quantity that float64 evaluated to `value`.

    operations : roundings on the way to it, at most (for sums, products and roots of nonnegative
    numbers each costs one relative u).
    """
    return math.nextafter(value * (1 + 4 * (operations + 8) * U), math.inf)


def below(value: float, operations: int) -> float:
    """A lower bound of a nonnegative quantity that float64 evaluated to `value`."""
    return max(0.0, math.nextafter(value * (1 - 4 * (operations + 8) * U), 0.0) - TINY)


def gamma(length: int) -> float:
    """Relative error of an inner product of this length, padded."""
    return above((length + 8) * U, 2)


def row_norms(matrix: Float) -> Float:
    """Upper bounds of the Euclidean norms of the rows of an (n, m) matrix, (n,)."""
    squares = np.einsum("ij,ij->i", matrix, matrix)
    factor = 1 + 4 * (matrix.shape[1] + 16) * U
    bound: Float = np.sqrt(squares + TINY) * factor
    return bound


def gram(matrix: Float) -> tuple[Float, float]:
    """A Aᵀ of an (n, m) matrix with entries of moderate size, and how far off it may be.

    Returns (G, e): G symmetric (n, n) float64 with ‖G − A Aᵀ‖₂ ≤ e.
    """
    n, m = matrix.shape
    total = np.zeros((n, n))
    for start in range(0, m, _BLOCK):
        part = np.ascontiguousarray(matrix[:, start : start + _BLOCK])
        total += part @ part.T
    lower = np.tril(total)
    total = lower + np.tril(lower, -1).T  # one value for both halves
    # |A||A|ᵀ is nonnegative and symmetric: its norm is at most its largest row sum.
    absolute = np.abs(matrix)
    sums = absolute @ absolute.sum(axis=0)
    weight = above(float(sums.max(initial=0.0)), n + m)
    length = min(m, _BLOCK) + math.ceil(m / _BLOCK)
    return total, above(gamma(length) * weight, 4) + TINY


def largest_row_sum(matrix: Float) -> float:
    """An upper bound of max_i Σ_j |a_ij|, hence of the 2-norm of a symmetric matrix."""
    sums = np.abs(matrix).sum(axis=1)
    return above(float(sums.max(initial=0.0)), matrix.shape[1])
