"""Matrix-free access, Lanczos' estimates, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_matrices import with_condition

from boundcalc.errors import InputError
from boundcalc.landscape import JacobianProducts, estimate, products_spectrum, rows_of
from boundcalc.landscape.lanczos import lanczos
from boundcalc.landscape.spectrum import kernel_spectrum


def products_of(jacobian):
    n, m = jacobian.shape
    return JacobianProducts(n, m, lambda u: jacobian @ u, lambda v: v @ jacobian)


def test_rows_are_the_matrix_and_give_its_spectrum():
    jacobian = with_condition(np.random.default_rng(0), 12, 20, 1e6)
    products = products_of(jacobian)
    assert np.array_equal(rows_of(products), jacobian)
    assert products_spectrum(products) == kernel_spectrum(jacobian)


def test_estimates_are_close_to_the_enclosures():
    jacobian = with_condition(np.random.default_rng(1), 80, 120, 1e3)
    found = kernel_spectrum(jacobian)
    ritz = estimate(products_of(jacobian), steps=80)
    assert ritz.largest == pytest.approx(found.largest.upper, rel=1e-9)
    assert ritz.least == pytest.approx(found.least.upper, rel=1e-6)
    few = estimate(products_of(jacobian), steps=10)
    assert few.least > found.least.lower  # Ritz values lie inside the spectrum
    assert few.largest < found.largest.upper


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_lanczos_ends_with_the_spectrum_of_a_small_matrix(n):
    rng = np.random.default_rng(n)
    square = rng.standard_normal((n, n))
    square = square + square.T
    ritz = lanczos(lambda v: square @ v, n, n)
    values = np.linalg.eigvalsh(square)
    assert ritz.least == pytest.approx(values[0], rel=1e-9, abs=1e-12)
    assert ritz.largest == pytest.approx(values[-1], rel=1e-9, abs=1e-12)
    residual = square @ ritz.largest_vector - ritz.largest * ritz.largest_vector
    assert np.linalg.norm(residual) < 1e-8 * np.abs(values).max()


def test_lanczos_stops_in_an_invariant_subspace():
    assert lanczos(lambda v: 3 * v, 50, 20).steps == 1


@pytest.mark.parametrize(
    ("n", "m", "jvp", "vjp", "said"),
    [
        (0, 3, None, None, "at least 1"),
        (2, 3, lambda u: np.zeros(3), lambda v: np.zeros(3), "shape (3,)"),
        (2, 3, lambda u: np.full(2, np.nan), lambda v: np.zeros(3), "NaN"),
        (2, 3, lambda u: u[:2], lambda v: np.ones(3), "one matrix and its transpose"),
    ],
)
def test_products_that_are_none_are_refused(n, m, jvp, vjp, said):
    with pytest.raises(InputError) as raised:
        rows_of(JacobianProducts(n, m, jvp, vjp))
    assert said in str(raised.value)
