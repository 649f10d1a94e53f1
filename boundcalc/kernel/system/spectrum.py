"""Eigenvalues of symmetric matrices that are enclosed entry by entry: both ends, in integers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from operator import mul

from boundcalc.kernel.system.bounds import Matrix
from boundcalc.kernel.system.fixed import BITS, UNIT, of_pairs, up

SQUARINGS = 6  # ‖M‖ ≤ (row sums of M^64)^(1/64) ≤ n^(1/128)‖M‖: 3 % above at most for 60 rows
SMALL = 60  # rows; beyond it half as many squarings
LARGE = 100  # rows and columns of A; beyond it ‖A‖ ≤ √(‖A‖_1‖A‖_∞)
_KEPT = 192  # bits of the entries of a squared matrix


def exceeds(matrix: Matrix, value: Fraction) -> bool:
    """Whether λ_min > value is shown for every symmetric matrix in the enclosure.

    λ_min(M + E) ≥ λ_min(M) − ‖E‖ (Weyl), and ‖E‖ is at most the largest row sum of |E|.
    """
    mid, error = _split(matrix)
    shift = up(value) + error
    rows = [[m - shift * (i == j) for j, m in enumerate(row)] for i, row in enumerate(mid)]
    return _positive(rows)


def largest(matrix: Matrix) -> Fraction:
    """An upper bound of ‖M‖₂, hence of λ_max, for every symmetric matrix in the enclosure."""
    mid, error = _split(matrix)
    return Fraction(norm(mid) + error, UNIT)


def _split(matrix: Matrix) -> tuple[list[list[int]], int]:
    """Middles, symmetric, and the largest row sum of radii."""
    n = len(matrix)
    upper = [of_pairs(row[i:]) for i, row in enumerate(matrix)]
    mid = [[upper[min(i, j)].mid[abs(i - j)] for j in range(n)] for i in range(n)]
    rad = [sum(upper[min(i, j)].rad[abs(i - j)] for j in range(n)) for i in range(n)]
    return mid, max(rad)


def _positive(rows: list[list[int]]) -> bool:
    """Whether a symmetric matrix in units of 2^-BITS is shown to be positive definite.

    A − cI = G Gᵀ + E with E exact, so λ_min(A) ≥ c − (largest row sum of |E|). G may be any matrix:
    it is Cholesky's factor, rounded, which leaves entries of E below 2 max|G| last digits.
    """
    n, top = len(rows), max(row[i] for i, row in enumerate(rows))
    if top <= 0:
        return False
    room = 4 * n * (isqrt(top >> BITS) + 1) + 4
    factor: list[list[int]] = []
    errors = [0] * n
    for i, row in enumerate(rows):
        made: list[int] = []
        for j in range(i + 1):
            wanted = (row[j] - room * (i == j)) << BITS
            rest = wanted - sum(map(mul, made, factor[j] if j < i else made))
            if j == i and rest <= 0:
                return False
            made.append(isqrt(rest) if j == i else rest // factor[j][j])
            left = abs(rest - made[j] * (made[j] if j == i else factor[j][j]))
            errors[i] += left
            errors[j] += left * (j < i)
        factor.append(made)
    return max(errors) < room << BITS


def norm(rows: Sequence[Sequence[int]], squarings: int | None = None) -> int:
    """An upper bound of the spectral norm of a symmetric integer matrix, in units of its entries.

    ‖M‖² = ‖M²‖, again and again; entries of a square are cut, which changes its norm by less than
    n units of the last digit kept.
    """
    n = len(rows)
    if squarings is None:
        squarings = SQUARINGS if n <= SMALL else SQUARINGS // 2
    frobenius = isqrt(sum(sum(map(mul, row, row)) for row in rows)) + 1
    if n == 1 or not squarings:
        return min(frobenius, max(sum(map(abs, row)) for row in rows))
    square = [[0] * n for _ in range(n)]
    for i, row in enumerate(rows):
        for j in range(i + 1):
            square[i][j] = square[j][i] = sum(map(mul, row, rows[j]))
    cut = max(0, max(square[i][i] for i in range(n)).bit_length() - _KEPT)
    kept = [[entry >> cut for entry in row] for row in square]
    return isqrt((norm(kept, squarings - 1) + n) << cut) + 1


def operator_norm(rows: Sequence[Sequence[int]]) -> int:
    """An upper bound of ‖A‖₂ for integer rows, through the smaller of A Aᵀ and Aᵀ A."""
    short = rows if len(rows) <= len(rows[0]) else list(zip(*rows, strict=True))
    frobenius = isqrt(sum(sum(map(mul, row, row)) for row in rows)) + 1
    if len(short) > LARGE:
        across = max(sum(map(abs, row)) for row in rows)
        down = max(sum(map(abs, column)) for column in zip(*rows, strict=True))
        return min(frobenius, isqrt(across * down) + 1)
    gram = [[sum(map(mul, a, b)) for b in short] for a in short]
    return min(frobenius, isqrt(norm(gram)) + 1)
