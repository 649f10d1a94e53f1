"""λ_min of J Jᵀ for small n in exact integers and ball arithmetic, to any condition number.

The entries of J are floats, hence integers times one power of two: K = J Jᵀ is an exact integer
matrix. Its rank settles whether λ_min is 0. If not, inverse iteration at growing precision gives
vectors whose Rayleigh quotients, evaluated in balls, are upper bounds; K − σI is shown positive
definite by block elimination in balls (a pivot that may be 0 or less fails), so σ is a lower bound.
"""

from __future__ import annotations

import math
from typing import Any

import flint  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from boundcalc.landscape.enclosure import LARGEST, ZERO, Enclosure
from boundcalc.logs.log import Float

_PRIME = (1 << 61) - 1
_MOST_BITS = 1 << 28  # of all entries of J together, as integers
_FIRST, _LAST = 128, 1 << 15  # bits of precision; elimination loses about one per row
_GOAL = 40  # bits of λ_min that are enough
_SLACKS = (44, 24, 8, 1)  # σ = ρ(1 − 2^-slack)
_STEPS = 30  # of inverse iteration per shift
_BASE = 6  # order at which elimination goes row by row


def affordable(jacobian: Float) -> bool:
    """Whether J (n, m) as integers fits the budget of this module."""
    n, m = jacobian.shape
    if n > 200 or n * m > 1_000_000:
        return False
    _, exponents = np.frexp(jacobian[jacobian != 0])
    spread = int(exponents.max() - exponents.min()) if exponents.size else 0
    return bool(n * m * (spread + 53) <= _MOST_BITS)


def exact_least(jacobian: Float, known: Enclosure) -> Enclosure | None:
    """λ_min of J Jᵀ for J (n, m), n ≤ m; None where the precision allowed does not suffice.

    known : a proved enclosure; the search starts at its lower end.
    """
    kernel, exponent = _integer_kernel(jacobian)
    n = jacobian.shape[0]
    if flint.nmod_mat(kernel, _PRIME).rank() < n and kernel.rank() < n:
        return ZERO
    precision = _FIRST + n
    best: Enclosure | None = None
    while precision <= _LAST:
        with flint.ctx.workprec(precision):
            scale = flint.arb(2) ** (2 * exponent)
            found = _least(kernel, (flint.arb(known.lower) / scale).lower())
            if found is not None:
                best = Enclosure(_float_below(found[0] * scale), _float_above(found[1] * scale))
                if found[1] - found[0] <= found[1] * flint.arb(2) ** -_GOAL:
                    return best
        precision *= 2
    return best


def _integer_kernel(jacobian: Float) -> tuple[Any, int]:
    """(M, e) with J Jᵀ = M·2^(2e), M an integer matrix."""
    mantissas, exponents = np.frexp(jacobian)
    whole = np.ldexp(mantissas, 53).astype(np.int64)
    shifts = exponents.astype(np.int64) - 53
    nonzero = whole != 0
    least = int(shifts[nonzero].min()) if nonzero.any() else 0
    up = np.where(nonzero, shifts - least, 0)
    rows = [
        [number << by for number, by in zip(numbers, moves, strict=True)]
        for numbers, moves in zip(whole.tolist(), up.tolist(), strict=True)
    ]
    integers = flint.fmpz_mat(rows)
    return integers * integers.transpose(), least


def _least(kernel: Any, shift: Any) -> tuple[Any, Any] | None:
    """(σ, ρ) with σ ≤ λ_min ≤ ρ as exact balls, at the present precision; None if it fails.

    shift : a number that λ_min is proved to be no smaller than.
    """
    n = kernel.nrows()
    matrix = flint.arb_mat(kernel)
    identity = flint.arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    vector = flint.arb_mat(n, 1, [1 + ((7 * i + 3) % 11) * flint.fmpq(1, 8) for i in range(n)])
    best: tuple[Any, Any] | None = None
    for _ in range(6):
        ahead = _iterate(matrix, matrix - shift * identity, vector)
        if ahead is None:
            return best
        vector, quotient = ahead
        if quotient - shift <= quotient * flint.arb(2) ** -_GOAL:
            return shift, quotient
        for slack in _SLACKS:
            sigma = (quotient * (1 - flint.arb(2) ** -slack)).mid()
            if sigma <= shift:
                continue
            if _positive(matrix - sigma * identity):
                break
        else:
            return best
        best, shift = (sigma, quotient), sigma
        if quotient - sigma <= quotient * flint.arb(2) ** -_GOAL:
            return best
    return best


def _iterate(matrix: Any, shifted: Any, vector: Any) -> tuple[Any, Any] | None:
    """A few steps of inverse iteration: a vector, and an upper bound of λ_min as an exact ball."""
    quotient = None
    try:
        inverse = shifted.inv().mid()  # an approximation: nothing below relies on it
    except ZeroDivisionError:  # singular as far as this precision sees
        return None
    for _ in range(_STEPS):
        vector = (inverse * vector).mid()
        length = max(abs(x) for x in vector.entries())
        if not length > 0:
            return None
        vector = (vector / length).mid()
        square = (vector.transpose() * vector)[0, 0]
        now = ((vector.transpose() * matrix * vector)[0, 0] / square).upper()
        if not now.is_finite():
            return None
        settled = quotient is not None and quotient - now <= abs(now) * flint.arb(2) ** -(_GOAL + 8)
        quotient = now if quotient is None else min(now, quotient)
        if settled:
            break
    return vector, quotient


def _positive(matrix: Any) -> bool:
    """Whether every symmetric matrix in this one is shown to be positive definite.

    A = (P, Q; Qᵀ, S) is, exactly if P and S − Qᵀ P⁻¹ Q are.
    """
    n = matrix.nrows()
    if n <= _BASE:
        return _positive_small([list(row) for row in matrix.tolist()])
    half = n // 2
    rows = matrix.tolist()
    first = flint.arb_mat([row[:half] for row in rows[:half]])
    if not _positive(first):
        return False
    across = flint.arb_mat([row[half:] for row in rows[:half]])
    last = flint.arb_mat([row[half:] for row in rows[half:]])
    try:
        solved = first.solve(across)
    except ZeroDivisionError:
        return False
    return _positive(last - across.transpose() * solved)


def _positive_small(rows: list[list[Any]]) -> bool:
    """The same by elimination, row by row."""
    n = len(rows)
    for k in range(n):
        pivot = rows[k][k]
        if not pivot > 0:  # also where it is not known
            return False
        for i in range(k + 1, n):
            factor = rows[k][i] / pivot
            for j in range(i, n):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return True


def _float_above(value: Any) -> float:
    """A float at least `value`."""
    found = math.nextafter(math.nextafter(float(value.upper()), math.inf), math.inf)
    return max(found, 0.0)


def _float_below(value: Any) -> float:
    """A float at most `value`, and at least 0."""
    found = float(value.lower())
    found = LARGEST if math.isinf(found) else math.nextafter(math.nextafter(found, 0.0), 0.0)
    return max(found, 0.0)
