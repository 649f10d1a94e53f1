"""Fully connected networks: what one is, its parameters as a vector, and its maps in float64.

z_l = W_l h_{l-1} + b_l and h_l = s(z_l), h_0 = x; behind the last layer is `output` in place of
the activation s. The loss is L(w) = ½ Σ_i ‖F(w; x_i) − y_i‖², a sum and no mean.
Nothing here is verified: rigorous bounds come from balls, elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.logs.log import Float


@dataclass(frozen=True, eq=False)
class Network:
    """A fully connected network and its data.

    widths : n_0, ..., n_L. activation, output : keys of ACTIVATIONS.
    loss : "square", L(w) = ½ Σ_i ‖F(w; x_i) − y_i‖².
    points : N, the number of data points; x : (N, n_0) and y : (N, n_L), or None: the count alone.
    weights : W_1 (n_1, n_0), b_1 (n_1,), W_2, ..., the b_l only where `bias`; or None.
    source : the file, for messages.
    """

    name: str
    widths: tuple[int, ...]
    activation: str
    bias: bool
    loss: str
    points: int
    x: Float | None
    y: Float | None
    weights: tuple[Float, ...] | None
    output: str = "linear"
    source: str = "network"


def shapes(net: Network) -> tuple[tuple[int, ...], ...]:
    """Shapes of W_1, b_1, W_2, ... (no b_l where the network has no bias)."""
    found: list[tuple[int, ...]] = []
    for before, after in pairwise(net.widths):
        found.append((after, before))
        if net.bias:
            found.append((after,))
    return tuple(found)


def weight_names(net: Network) -> tuple[str, ...]:
    """W1, b1, W2, ...: names in the order of `shapes`."""
    layers = range(1, len(net.widths))
    return tuple(f"{kind}{k}" for k in layers for kind in ("Wb" if net.bias else "W"))


def parameters(net: Network) -> int:
    """The number p of parameters."""
    widths, bias = net.widths, int(net.bias)
    return sum(n * (m + bias) for m, n in pairwise(widths))


def flatten(weights: tuple[Float, ...]) -> Float:
    """(p,): W_1, b_1, W_2, ..., each row by row."""
    return np.concatenate([part.ravel() for part in weights])


def unflatten(net: Network, w: Float) -> tuple[Float, ...]:
    """The inverse of `flatten`; w : (p,). Raises ValueError for another shape."""
    if w.shape != (parameters(net),):
        raise ValueError(f"shape {w.shape}, and the network has {parameters(net)} parameters")
    found, at = [], 0
    for shape in shapes(net):
        size = int(np.prod(shape))
        found.append(w[at : at + size].reshape(shape))
        at += size
    return tuple(found)


def with_seed(net: Network, seed: int, scale: float = 1.0) -> tuple[Float, ...]:
    """Weights W_l from N(0, scale²/n_{l-1}), b_l = 0: the standard parametrisation, by PCG64."""
    random = np.random.default_rng(seed)
    return tuple(
        random.standard_normal(shape) * (scale / np.sqrt(shape[1]))
        if len(shape) == 2
        else np.zeros(shape)
        for shape in shapes(net)
    )


def require_data(net: Network) -> tuple[Float, Float]:
    """x (N, n_0) and y (N, n_L). Raises InputError where the network has a count only."""
    if net.x is None or net.y is None:
        found, fix = f"points = {net.points} without data", 'add data = "file.npz" with x and y'
        raise InputError(Fault(f"{net.source}: data", found, "the data points", fix))
    return net.x, net.y


def require_weights(net: Network) -> Float:
    """w (p,). Raises InputError where the network has none."""
    if net.weights is None:
        fix = 'add weights = "file.npz", or seed = 0 with scale'
        raise InputError(Fault(f"{net.source}: weights", "nothing", "weights or a seed", fix))
    return flatten(net.weights)


def require_hessian(net: Network) -> None:
    """Raise InputError where an activation is not smooth."""
    for key, name in (("activation", net.activation), ("output", net.output)):
        if not ACTIVATIONS[name].smooth:
            smooth = ", ".join(n for n, one in ACTIVATIONS.items() if one.smooth)
            found = f"{name} has no Hessian: it is not differentiable where its argument is 0"
            fix = "take a smooth one; softplus is close to relu"
            raise InputError(
                Fault(f"{net.source}: {key}", found, f"a smooth activation: {smooth}", fix)
            )


def layers(net: Network, w: Float, x: Float) -> tuple[list[Float], list[Float]]:
    """Arguments z_1 .. z_L and values h_0 .. h_L, each (N, n_l), at w (p,), x (N, n_0)."""
    parts = list(unflatten(net, w))
    arguments, values = [], [x]
    depth = len(net.widths) - 1
    for k in range(depth):
        z = values[-1] @ parts.pop(0).T
        if net.bias:
            z = z + parts.pop(0)
        arguments.append(z)
        name = net.output if k == depth - 1 else net.activation
        values.append(ACTIVATIONS[name].value(z))
    return arguments, values


def forward(net: Network, w: Float, x: Float | None = None) -> Float:
    """F(w; x_i), (N, n_L), at w (p,); x : (N, n_0), the network's own data by default."""
    return layers(net, w, require_data(net)[0] if x is None else x)[1][-1]


def residual(net: Network, w: Float) -> Float:
    """F(w) − y, (N·n_L,): point by point, the outputs of a point together."""
    return (forward(net, w) - require_data(net)[1]).ravel()


def loss(net: Network, w: Float) -> float:
    """L(w) = ½‖F(w) − y‖²."""
    return 0.5 * float(np.sum(residual(net, w) ** 2))


def jacobian(net: Network, w: Float) -> Float:
    """DF(w), (N·n_L, p): rows as `residual`, columns as `flatten`. Raises as `require_hessian`."""
    require_hessian(net)
    x, _ = require_data(net)
    arguments, values = layers(net, w, x)
    matrices = [part for part in unflatten(net, w) if part.ndim == 2]
    outputs = net.widths[-1]
    # back[i, k, :] = derivative of output k at point i with respect to z_l
    back = ACTIVATIONS[net.output].first(arguments[-1])[:, :, None] * np.eye(outputs)
    blocks: list[Float] = []
    for k in range(len(matrices) - 1, -1, -1):
        parts = [(back[:, :, :, None] * values[k][:, None, None, :]).reshape(*back.shape[:2], -1)]
        blocks = [*parts, *([back] if net.bias else []), *blocks]
        if k:
            slope = ACTIVATIONS[net.activation].first(arguments[k - 1])
            back = (back @ matrices[k]) * slope[:, None, :]
    return np.concatenate(blocks, axis=2).reshape(len(x) * outputs, -1)


def gradient(net: Network, w: Float) -> Float:
    """∇L(w) = DF(w)ᵀ(F(w) − y), (p,), without the Jacobian; relu: with slope 0 at 0."""
    x, y = require_data(net)
    arguments, values = layers(net, w, x)
    matrices = [part for part in unflatten(net, w) if part.ndim == 2]
    back = (values[-1] - y) * ACTIVATIONS[net.output].first(arguments[-1])
    parts: list[Float] = []
    for k in range(len(matrices) - 1, -1, -1):
        parts = [back.T @ values[k], *([back.sum(axis=0)] if net.bias else []), *parts]
        if k:
            back = (back @ matrices[k]) * ACTIVATIONS[net.activation].first(arguments[k - 1])
    return flatten(tuple(parts))
