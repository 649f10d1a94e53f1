"""Enclosures contain the truth: mpmath, exact fractions and closed forms."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from made_matrices import KINDS, random_jacobian, slack, true_spectrum, with_condition

from boundcalc.landscape import exact, spectrum
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.graded import graded_spectrum
from boundcalc.landscape.shifted import shifted_spectrum
from boundcalc.landscape.spectrum import kernel_spectrum


def assert_contains(enclosure, value, room):
    assert 0 <= enclosure.lower <= enclosure.upper
    assert mpmath.mpf(enclosure.lower) <= value + room
    assert value - room <= mpmath.mpf(enclosure.upper)


def check_many(kind, count, seed):
    """The largest relative widths of λ_min and λ_max among `count` matrices of a kind."""
    rng = np.random.default_rng(seed)
    widths = [0.0, 0.0]
    for _ in range(count):
        jacobian = random_jacobian(rng, kind)
        found = kernel_spectrum(jacobian)
        values = true_spectrum(jacobian)
        assert_contains(found.least, values[0], slack(values))
        assert_contains(found.largest, values[-1], slack(values))
        widths[0] = max(widths[0], found.least.relative_width)
        widths[1] = max(widths[1], found.largest.relative_width)
    return widths


@pytest.mark.parametrize("kind", KINDS)
def test_enclosures_contain_the_truth_and_are_narrow(kind):
    least, largest = check_many(kind, 40, seed=1)
    assert least <= 1e-9
    assert largest <= 1e-12


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_enclosures_contain_the_truth_thousands_of_times(kind, record_property):
    least, largest = check_many(kind, 1000, seed=2)
    record_property("relative widths of λ_min and λ_max", (least, largest))
    assert least <= 1e-9
    assert largest <= 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_the_floating_point_ways_are_right_by_themselves(kind):
    """Without exact arithmetic behind them, which would hide an error of theirs."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        jacobian = np.asarray(random_jacobian(rng, kind), dtype=float)
        jacobian = jacobian / np.abs(jacobian).max()
        if jacobian.shape[0] > jacobian.shape[1]:
            jacobian = jacobian.T.copy()
        values = true_spectrum(jacobian)
        least, largest = graded_spectrum(jacobian)
        assert_contains(least, values[0], slack(values))
        assert_contains(largest, values[-1], slack(values))
        least, largest, _ = shifted_spectrum(jacobian, least_wanted=True)
        assert_contains(least, values[0], slack(values))
        assert_contains(largest, values[-1], slack(values))


def test_the_singular_values_keep_digits_that_the_kernel_loses():
    """κ(K) = 1e16: an eigenvalue solver on K would be left with none."""
    rng = np.random.default_rng(4)
    jacobian = with_condition(rng, 60, 90, 1e16)
    jacobian /= np.abs(jacobian).max()
    least, _ = graded_spectrum(jacobian)
    assert least.lower > 0
    assert least.relative_width < 1e-3
    assert not least.lower <= np.linalg.eigvalsh(jacobian @ jacobian.T)[0] <= least.upper


@pytest.mark.parametrize("kappa", [1e2, 1e8, 1e16, 1e24, 1e30])
def test_exact_arithmetic_agrees_with_the_singular_values(kappa):
    rng = np.random.default_rng(5)
    jacobian = with_condition(rng, 24, 30, kappa)
    values = true_spectrum(jacobian)
    found = exact.exact_least(jacobian, Enclosure(0.0, 30.0))
    assert_contains(found, values[0], slack(values))
    assert found.relative_width < 1e-11
    assert_contains(kernel_spectrum(jacobian).least, values[0], slack(values))


def test_a_hilbert_matrix_in_exact_fractions():
    """J = Hilbert's matrix as floats: det(J Jᵀ) = det(J)² is exact; λ_min lies beside it."""
    n = 10
    jacobian = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    values = true_spectrum(jacobian)
    found = kernel_spectrum(jacobian)
    assert values[0] < 1e-25
    assert_contains(found.least, values[0], slack(values))
    assert found.least.relative_width < 1e-9
    rows = [[Fraction(x) for x in row] for row in jacobian.tolist()]
    determinant = Fraction(1)
    for k in range(n):
        determinant *= rows[k][k]
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    product = Fraction(1)
    for value in values:
        product *= Fraction(int(mpmath.floor(value * 2**600)), 2**600)
    assert abs(float(product / determinant**2) - 1) < 1e-9


def test_closed_forms():
    found = kernel_spectrum(np.array([[3.0, 4.0]]))
    assert found.least.lower <= 25 <= found.least.upper
    assert found.least.relative_width < 1e-13
    # K = [[2, 1], [1, 2]]: 1 and 3.
    found = kernel_spectrum(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))
    assert found.least.lower <= 1 <= found.least.upper
    assert found.largest.lower <= 3 <= found.largest.upper
    # The Rosenbrock map (1 - x, 10(y - x²)) at x = 2: reference value (1701 - √(1701² - 400))/2.
    found = kernel_spectrum(np.array([[-1.0, 0.0], [-40.0, 10.0]]))
    with mpmath.workdps(50):
        truth = (1701 - mpmath.sqrt(mpmath.mpf(1701) ** 2 - 400)) / 2
        assert_contains(found.least, truth, 0)
        assert_contains(found.largest, 1701 - truth, 0)
    assert found.least.relative_width < 1e-9


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 7), (7, 3)])
def test_zeros_are_zero(shape):
    found = kernel_spectrum(np.zeros(shape))
    assert found.least == found.largest == Enclosure(0.0, 0.0)


def test_fewer_parameters_than_outputs_is_zero_exactly():
    rng = np.random.default_rng(6)
    found = kernel_spectrum(rng.standard_normal((9, 4)))
    assert found.least == Enclosure(0.0, 0.0)
    assert "rank at most 4 < 9" in found.method
    huge = kernel_spectrum(rng.standard_normal((200_000, 3)))
    assert huge.least == Enclosure(0.0, 0.0)
    assert huge.largest.relative_width < 1e-9


def test_a_rank_deficient_square_is_zero_exactly():
    jacobian = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    assert kernel_spectrum(jacobian).least == Enclosure(0.0, 0.0)
    jacobian[2, 2] = np.nextafter(9.0, 10.0)  # regular by one unit in the last place
    found = kernel_spectrum(jacobian).least
    assert found.lower > 0
    assert found.relative_width < 1e-9


@pytest.mark.parametrize("exponent", [-1070, -600, -500, 500, 600, 1020])
def test_scales_at_the_ends_of_float64(exponent):
    base = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    found = kernel_spectrum(np.ldexp(base, exponent))
    with mpmath.workdps(700):
        least, largest = (mpmath.ldexp(value, 2 * exponent) for value in (1, 3))
        assert_contains(found.least, least, 0)
        assert_contains(found.largest, largest, 0)


def test_integers_and_single_precision_are_taken_exactly():
    jacobian = np.random.default_rng(7).standard_normal((5, 9)).astype(np.float32)
    assert kernel_spectrum(jacobian) == kernel_spectrum(jacobian.astype(float))
    assert kernel_spectrum(np.array([[2, 0], [0, 3]])).least.lower <= 4


def test_single_precision_kernels_go_negative_and_enclosures_do_not():
    """The trap: K in float32 of an ill-conditioned J has λ_min < 0."""
    jacobian = with_condition(np.random.default_rng(8), 30, 40, 1e9).astype(np.float32)
    assert np.linalg.eigvalsh(jacobian @ jacobian.T)[0] < 0
    found = kernel_spectrum(jacobian).least
    assert found.lower > 0
    assert found.relative_width < 1e-6


def test_orders_of_rows_and_columns_agree():
    """K is known up to the order of the data; enclosures of one number must overlap."""
    rng = np.random.default_rng(9)
    jacobian = with_condition(rng, 40, 70, 1e12)
    first = kernel_spectrum(jacobian).least
    for _ in range(5):
        other = kernel_spectrum(jacobian[rng.permutation(40)][:, rng.permutation(70)]).least
        both = first.within(other)
        assert both.lower <= both.upper


def test_large_kernels_by_factorisation():
    rng = np.random.default_rng(10)
    jacobian = with_condition(rng, 260, 300, 1e5)
    exactly = kernel_spectrum(jacobian)
    found = kernel_spectrum(jacobian, dense=100)
    assert found.method.startswith("shifted")
    assert found.least.within(exactly.least).width >= 0
    assert found.largest.within(exactly.largest).width >= 0
    assert found.least.lower > 0
    assert found.least.relative_width < 1e-3
    assert found.largest.relative_width < 1e-4


def test_large_and_ill_conditioned_is_not_certified():
    jacobian = with_condition(np.random.default_rng(11), 260, 300, 1e17)
    found = kernel_spectrum(jacobian, dense=100)
    assert found.least.lower == 0
    assert 0 < found.least.upper < 1e-9  # the rounding of the machine's BLAS
    assert "not certified" in found.note


def test_without_convergence_bounds_stay_true(monkeypatch):
    def fails(*_, **__):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "svd", fails)
    monkeypatch.setattr(spectrum.exact, "affordable", lambda _: False)
    found = kernel_spectrum(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))
    assert found.least.lower == 0
    assert found.least.upper >= 1
    assert found.largest.lower <= 3 <= found.largest.upper


def test_a_wrong_decomposition_cannot_make_a_wrong_enclosure(monkeypatch):
    """What numpy's solver returns is a guess: nonsense costs width, never truth."""
    rng = np.random.default_rng(12)
    jacobian = with_condition(rng, 6, 9, 1e4)
    values = true_spectrum(jacobian)
    original = np.linalg.svd

    def spoiled(kind):
        def svd(matrix, *args, **options):
            left, sigma, right = original(matrix, *args, **options)
            if kind == "order":
                return left[:, ::-1].copy(), sigma, right
            if kind == "values":
                return left, sigma * rng.uniform(0.1, 10, sigma.shape), right
            if kind == "vectors":
                return left + 0.01 * rng.standard_normal(left.shape), sigma, right
            return rng.standard_normal(left.shape), np.zeros_like(sigma), right

        return svd

    for kind in ("order", "values", "vectors", "all"):
        monkeypatch.setattr(np.linalg, "svd", spoiled(kind))
        with np.errstate(all="ignore"):
            least, largest = graded_spectrum(jacobian)
        assert_contains(least, values[0], slack(values))
        assert_contains(largest, values[-1], slack(values))
