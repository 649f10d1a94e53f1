"""Random small networks for tests of the ball, and their certificates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from boundcalc.landscape.network import Network, flatten, forward, with_seed

SHAPES = ((2, 6, 1), (3, 5, 2), (2, 4, 4, 1), (2, 5, 3, 2), (2, 3, 4, 3, 1))
ACTIVATIONS = ("tanh", "softplus", "sigmoid", "quadratic", "linear")
OUTPUTS = ("linear", "linear", "tanh", "softplus", "sigmoid")


def random_network(seed, *, points=2, residual=None):
    """A network with targets at a distance `residual` from its outputs (or random ones)."""
    random = np.random.default_rng(seed)
    widths = SHAPES[seed % len(SHAPES)]
    net = Network(
        "random",
        widths,
        ACTIVATIONS[(seed // 2) % len(ACTIVATIONS)],
        bool(seed % 3),
        "square",
        points,
        random.standard_normal((points, widths[0])),
        None,
        None,
        OUTPUTS[(seed // 3) % len(OUTPUTS)],
    )
    net = replace(net, weights=with_seed(net, seed, 1.0))
    if net.bias:  # biases of their own, not the zeros of a start
        parts = [p if p.ndim == 2 else 0.3 * random.standard_normal(p.shape) for p in net.weights]
        net = replace(net, weights=tuple(parts))
    y = forward(net, flatten(net.weights), net.x)
    off = random.standard_normal(y.shape)
    size = 1.0 if residual is None else residual / np.linalg.norm(off)
    return replace(net, y=y + size * off)


def inside(random, net, radius, where):
    """A point of the ball around the weights: on a random ray, or towards one parameter."""
    w = flatten(net.weights)
    if where % 3 == 0:
        u = np.zeros_like(w)
        u[random.integers(len(w))] = random.choice([-1.0, 1.0])
    else:
        u = random.standard_normal(w.shape)
        u /= np.linalg.norm(u)
    return w + u * radius * (1 - 1e-9) * (1.0 if where % 2 else random.uniform())
