"""Jacobian products of PyTorch and JAX agree with a Jacobian written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from boundcalc.landscape import estimate, kernel_spectrum, products_spectrum, rows_of
from boundcalc.landscape.autodiff import jax_products, torch_products

# torch.func itself imports what torch deprecates.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*torch.jit:{kind}")
    for kind in ("FutureWarning", "DeprecationWarning")
]

N, HIDDEN = 6, 4


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, 3)), rng.standard_normal(N), rng.standard_normal(5 * HIDDEN)


def by_hand(x, w):
    """DF(w) of a·tanh(B x + c), w = (B, c, a)."""
    weights, biases, out = np.split(w, [3 * HIDDEN, 4 * HIDDEN])
    h = np.tanh(x @ weights.reshape(HIDDEN, 3).T + biases)
    slope = out * (1 - h * h)
    return np.concatenate(
        [(slope[:, :, None] * x[:, None, :]).reshape(len(x), -1), slope, h], axis=1
    )


def residuals(backend, x, y):
    def function(w):
        weights, biases, out = w[: 3 * HIDDEN], w[3 * HIDDEN : 4 * HIDDEN], w[4 * HIDDEN :]
        return backend.tanh(x @ weights.reshape(HIDDEN, 3).T + biases) @ out - y

    return function


def from_torch(double):
    import torch

    x, y, w = (torch.tensor(v, dtype=torch.float64 if double else torch.float32) for v in data())
    return torch_products(residuals(torch, x, y), w)


def from_jax(double):
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(double):
        x, y, w = (jnp.asarray(v) for v in data())
        products = jax_products(residuals(jnp, x, y), w)
        rows_of(products)  # compiled in this precision
    return products


@pytest.mark.parametrize("made", [from_torch, from_jax])
def test_double_precision(made):
    import jax

    x, _, w = data()
    with jax.enable_x64(True):
        products = made(True)
        rows = rows_of(products)
        found, ritz = products_spectrum(products), estimate(products)
    np.testing.assert_allclose(rows, by_hand(x, w), rtol=1e-12, atol=1e-14)
    expected = kernel_spectrum(by_hand(x, w))
    assert found.least.upper == pytest.approx(expected.least.upper, rel=1e-9)
    assert ritz.least == pytest.approx(expected.least.upper, rel=1e-6)
    assert ritz.largest == pytest.approx(expected.largest.upper, rel=1e-9)


@pytest.mark.parametrize("made", [from_torch, from_jax])
def test_single_precision(made):
    x, _, w = data()
    np.testing.assert_allclose(rows_of(made(False)), by_hand(x, w), rtol=1e-4, atol=1e-5)
