"""Eigenvalue bounds in integers, against mpmath at 60 digits and known spectra."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from boundcalc.kernel.system.fixed import UNIT
from boundcalc.kernel.system.spectrum import LARGE, exceeds, largest, norm, operator_norm


def thin(matrix):
    return tuple(tuple((Fraction(v), Fraction(v)) for v in row) for row in matrix)


def widened(matrix, error):
    return tuple(tuple((lo - error, hi + error) for lo, hi in row) for row in matrix)


def made(random, n, condition):
    """Symmetric, of integers over 2^40, with eigenvalues spread over a condition number."""
    q, _ = np.linalg.qr(random.standard_normal((n, n)))
    spectrum = np.logspace(0, -np.log10(condition), n)
    a = (q * spectrum) @ q.T
    return [
        [Fraction(round(float(a[max(i, j), min(i, j)]) * 2**40), 2**40) for j in range(n)]
        for i in range(n)
    ]


def least(matrix):
    with mpmath.workdps(60):
        a = mpmath.matrix(
            [[mpmath.mpf(v.numerator) / v.denominator for v in row] for row in matrix]
        )
        values = mpmath.eigsy(a, eigvals_only=True)
        return min(values), max(values)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("condition", [1.0, 1e3, 1e9, 1e16])
def test_the_smallest_eigenvalue_is_decided_on_both_sides(n, condition):
    random = np.random.default_rng(n)
    for _ in range(5):
        a = made(random, n, condition)
        low, high = least(a)
        room = Fraction(1, 10**25)
        value = Fraction(str(mpmath.nstr(low, 40)))
        assert exceeds(thin(a), value - room)
        assert not exceeds(thin(a), value + room)
        top = largest(thin(a))
        assert float(high) * (1 - 1e-12) <= top <= float(high) * (1.1 if n > 1 else 1 + 1e-9)


def test_an_enclosure_counts_with_its_worst_member():
    a = thin([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(2)]])  # eigenvalues 1 and 3
    assert exceeds(a, Fraction(999, 1000))
    assert not exceeds(a, Fraction(1))
    wide = widened(a, Fraction(1, 10))  # K − 0.1·ones has λ_min 1 − 0.2 in the worst case
    assert not exceeds(wide, Fraction(81, 100))
    assert exceeds(wide, Fraction(79, 100))
    assert largest(wide) >= Fraction(32, 10)


def test_an_indefinite_or_singular_matrix_exceeds_nothing():
    assert not exceeds(thin([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]), Fraction(-1))
    assert exceeds(
        thin([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]), Fraction(-101, 100)
    )
    singular = [[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4)]]
    assert not exceeds(thin(singular), Fraction(0))
    assert not exceeds(thin([[Fraction(0)]]), Fraction(0))


@pytest.mark.parametrize(("n", "slack"), [(1, 1e-9), (7, 1.03), (61, 1.4)])
def test_norms_of_integer_matrices(n, slack):
    random = np.random.default_rng(3)
    for _ in range(3):
        b = random.standard_normal((n, n))
        b = b + b.T
        whole = [[round(float(v) * UNIT) for v in row] for row in b]
        true = np.linalg.norm(b, 2)
        assert true * (1 - 1e-12) <= norm(whole) / UNIT <= true * (1 + slack)


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (4, 9), (9, 4), (LARGE + 1, LARGE + 2)])
def test_norms_of_operators(shape):
    random = np.random.default_rng(4)
    b = random.standard_normal(shape)
    whole = [[round(float(v) * UNIT) for v in row] for row in b]
    true = np.linalg.norm(b, 2)
    found = operator_norm(whole) / UNIT
    assert true * (1 - 1e-12) <= found <= np.linalg.norm(b) * (1 + 1e-12)
    if min(shape) < 5:
        assert found <= true * 1.02


def test_a_matrix_of_zeros():
    assert norm([[0, 0], [0, 0]]) <= 2**40  # in units of 2^-128
    assert operator_norm([[0, 0]]) <= 2**40
