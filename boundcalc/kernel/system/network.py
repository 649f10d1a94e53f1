"""A fully connected network with its data, exactly: F(w) = (outputs at all points), flat.

z_l = W_l h_{l-1} + b_l, h_0 = x; h_l = s(z_l) for hidden layers, φ(z_L) for the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from boundcalc.kernel.claim import ClaimError, Json, fields, items
from boundcalc.kernel.system.activation import Activation, activation
from boundcalc.kernel.system.fixed import Balls, exact
from boundcalc.kernel.system.statement import number

MAX_OUTPUTS = 200  # n = N·n_L, rows of the tangent kernel
MAX_NUMBERS = 2_000_000  # parameters and data


@dataclass(frozen=True)
class Layer:
    """weights : rows of W_l. bias : b_l, or None. act : what follows."""

    weights: list[Balls]
    bias: Balls | None
    act: Activation


@dataclass(frozen=True)
class Network:
    """points : rows of x. targets : y, flat, point by point."""

    points: list[Balls]
    targets: list[Fraction]
    layers: list[Layer]


def read_network(data: Json) -> Network:
    """{"widths", "activation", "output", "bias", "x", "y", "weights": W1, b1, W2, ... flat}.

    Raises ClaimError.
    """
    keys = {"widths", "activation", "output", "bias", "x", "y", "weights"}
    raw = fields(data, "network", keys, set())
    widths = items(raw["widths"], "widths")
    if len(widths) < 2 or not all(type(w) is int and 0 < w <= MAX_NUMBERS for w in widths):
        raise ClaimError("widths: at least two positive integers")
    if not isinstance(raw["bias"], bool):
        raise ClaimError("bias: true or false")
    x, y = items(raw["x"], "x"), items(raw["y"], "y")
    if not x or len(x) % widths[0] or len(x) // widths[0] * widths[-1] != len(y):
        raise ClaimError("x, y: one row of n_0 and one of n_L numbers for each point")
    if len(y) > MAX_OUTPUTS:
        raise ClaimError(f"y: at most {MAX_OUTPUTS} outputs")
    points = _rows([number(v, "x") for v in x], widths[0])
    targets = [number(v, "y") for v in y]
    return Network(points, targets, _layers(raw, widths))


def _layers(raw: dict[str, Json], widths: Sequence[int]) -> list[Layer]:
    hidden, last = activation(raw["activation"]), activation(raw["output"])
    flat = items(raw["weights"], "weights")
    bias = int(raw["bias"])
    if len(flat) != sum(n * (m + bias) for m, n in pairwise(widths)) or len(flat) > MAX_NUMBERS:
        raise ClaimError("weights: W1, b1, W2, ... row by row, as many as the widths say")
    values, at, layers = [number(v, "weights") for v in flat], 0, []
    for m, n in pairwise(widths):
        weights = _rows(values[at : at + n * m], m)
        at += n * m
        shift = exact(values[at : at + n]) if bias else None
        at += n * bias
        layers.append(Layer(weights, shift, hidden if at < len(values) else last))
    return layers


def _rows(values: Sequence[Fraction], width: int) -> list[Balls]:
    return [exact(values[at : at + width]) for at in range(0, len(values), width)]
