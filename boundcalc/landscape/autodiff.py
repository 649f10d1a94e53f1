"""Jacobian products of functions of PyTorch and JAX. Neither is needed by anything else here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from boundcalc.landscape.products import JacobianProducts
from boundcalc.logs.log import Float


def torch_products(function: Callable[[Any], Any], parameters: Any) -> JacobianProducts:
    """Products with DF(w) of a pure function of torch tensors, by torch.func.

    function : (m,) tensor -> (n,) tensor of residuals; parameters : w, (m,) tensor. The products
    are taken in the dtype of w: pass float64 where λ_min matters.
    """
    import torch  # type: ignore[import-not-found, unused-ignore]
    from torch.func import jvp, vjp  # type: ignore[import-not-found, unused-ignore]

    value, pull = vjp(function, parameters)

    def tensor(vector: Float, like: Any) -> Any:
        return torch.tensor(vector, dtype=like.dtype, device=like.device)

    def forward(u: Float) -> Any:
        return _host(jvp(function, (parameters,), (tensor(u, parameters),))[1])

    def back(v: Float) -> Any:
        return _host(pull(tensor(v, value))[0])

    return JacobianProducts(value.numel(), parameters.numel(), forward, back)


def jax_products(function: Callable[[Any], Any], parameters: Any) -> JacobianProducts:
    """Products with DF(w) of a pure function of JAX arrays.

    function : (m,) array -> (n,) array of residuals; parameters : w, (m,). JAX computes in float32
    unless jax_enable_x64 is set: set it where λ_min matters.
    """
    import jax  # type: ignore[import-not-found, unused-ignore]
    import jax.numpy as jnp  # type: ignore[import-not-found, unused-ignore]

    w = jnp.asarray(parameters)
    value, push = jax.linearize(function, w)
    _, pull = jax.vjp(function, w)

    def forward(u: Float) -> Any:
        return push(jnp.asarray(u, dtype=w.dtype))

    def back(v: Float) -> Any:
        return pull(jnp.asarray(v, dtype=value.dtype))[0]

    return JacobianProducts(int(value.size), int(w.size), forward, back)


def _host(tensor: Any) -> Any:
    """A tensor as a NumPy array, wherever it lies."""
    return np.asarray(tensor.detach().cpu().double().numpy())
