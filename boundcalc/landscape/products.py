"""Jacobians that are only applied: matrix-free access through two Python callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.landscape.lanczos import Ritz, lanczos
from boundcalc.landscape.spectrum import Spectrum, kernel_spectrum
from boundcalc.logs.log import Float

_ADJOINT = 1e-3  # relative mismatch of ⟨v, Ju⟩ and ⟨Jᵀv, u⟩ that single precision explains


@dataclass(frozen=True)
class JacobianProducts:
    """J (n, m) as u (m,) -> J u (n,) and v (n,) -> Jᵀv (m,).

    What the callables return is converted to float64; nothing is known of their rounding.
    """

    n: int
    m: int
    jvp: Callable[[Float], Any]
    vjp: Callable[[Float], Any]

    def forward(self, u: Float) -> Float:
        """J u, (n,)."""
        return _vector(self.jvp(u), self.n, "jvp")

    def back(self, v: Float) -> Float:
        """Jᵀv, (m,)."""
        return _vector(self.vjp(v), self.m, "vjp")


def rows_of(products: JacobianProducts) -> Float:
    """J (n, m), row by row: n products with unit vectors.

    One row is one product, always: it cannot depend on how many are asked for at once.

    Raises: InputError for products of a wrong shape, that are not finite, or not of one matrix.
    """
    _check(products)
    rows = np.empty((products.n, products.m))
    unit = np.zeros(products.n)
    for k in range(products.n):
        unit[k] = 1.0
        rows[k] = products.back(unit)
        unit[k] = 0.0
    return rows


def products_spectrum(products: JacobianProducts) -> Spectrum:
    """Enclosures for the matrix of the products with unit vectors, (n, m) held in memory.

    They are of the numbers that the callables return, whose own rounding is not known.
    """
    return kernel_spectrum(rows_of(products))


def estimate(products: JacobianProducts, steps: int = 100) -> Ritz:
    """Estimates of λ_min and λ_max of J Jᵀ by Lanczos' iteration: not certified.

    Holds `steps` vectors of n numbers; a λ_min far below λ_max takes many steps to come out.
    """
    _check(products)
    return lanczos(lambda v: products.forward(products.back(v)), products.n, steps)


def _check(products: JacobianProducts) -> None:
    """InputError where the two callables are not products with one matrix and its transpose."""
    if products.n < 1 or products.m < 1:
        found = f"n = {products.n}, m = {products.m}"
        raise InputError(Fault("JacobianProducts", found, "at least 1 each", "pass their sizes"))
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal(products.m), rng.standard_normal(products.n)
    ahead, back = products.forward(u), products.back(v)
    one, other = float(v @ ahead), float(back @ u)
    size = float(np.linalg.norm(v) * np.linalg.norm(ahead) + np.linalg.norm(back))
    if abs(one - other) > _ADJOINT * size:
        raise InputError(
            Fault(
                "JacobianProducts",
                f"⟨v, jvp(u)⟩ = {one:.6g} but ⟨vjp(v), u⟩ = {other:.6g}",
                "products with one matrix and its transpose",
                "take both at the same point, and check the order of the parameters",
            )
        )


def _vector(value: Any, length: int, name: str) -> Float:
    found = np.asarray(value, dtype=np.float64)
    if found.shape != (length,) or not np.isfinite(found).all():
        what = f"shape {found.shape}" if found.shape != (length,) else "NaN or infinity"
        raise InputError(
            Fault(name, what, f"({length},) finite numbers", "return the product itself")
        )
    return found
