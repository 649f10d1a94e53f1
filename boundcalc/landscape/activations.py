"""Activations of a network and their derivatives, in floating point (nothing here is verified)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from boundcalc.logs.log import Float


@dataclass(frozen=True)
class Activation:
    """value, first : s and s' elementwise, any shape.

    smooth : s has derivatives of all orders everywhere.
    nonlinear : s is no affine function.
    """

    value: Callable[[Float], Float]
    first: Callable[[Float], Float]
    smooth: bool
    nonlinear: bool


def _logistic(z: Float) -> Float:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def _logistic_first(z: Float) -> Float:
    s = _logistic(z)
    return s * (1 - s)


ACTIVATIONS: Mapping[str, Activation] = {
    "tanh": Activation(np.tanh, lambda z: 1 - np.tanh(z) ** 2, True, True),
    "softplus": Activation(lambda z: np.logaddexp(0, z), _logistic, True, True),
    "sigmoid": Activation(_logistic, _logistic_first, True, True),
    "relu": Activation(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float), False, True),
    "linear": Activation(lambda z: z, np.ones_like, True, False),
    "quadratic": Activation(np.square, lambda z: 2 * z, True, True),
}
