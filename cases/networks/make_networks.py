"""Make the arrays of the networks here: a few rows of iris, and weights that fit them.

    python cases/networks/make_networks.py     (needs scikit-learn)

Inputs are the four lengths of a flower in millimetres, less (58, 31, 38, 12), over 16: exact in
float64, about as large as 1. Trained weights come from Levenberg and Marquardt's method and are
rounded to multiples of 2^-24, so that exact statements about them stay short; this leaves a small
residual. Of several starts the two with the largest λ_min of the tangent kernel are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris

from boundcalc.landscape.network import (
    Network,
    flatten,
    forward,
    jacobian,
    loss,
    residual,
    unflatten,
    weight_names,
    with_seed,
)

HERE = Path(__file__).parent
CENTRE = np.array([58, 31, 38, 12])
STARTS = range(60)
Float = NDArray[np.float64]


def rows(per_species: int) -> tuple[Float, NDArray[np.int64]]:
    """Inputs (3·per_species, 4) and species: every seventh flower of each species."""
    iris = load_iris()
    chosen = [50 * k + 7 * i for i in range(per_species) for k in range(3)]
    x = (np.rint(10 * iris.data[chosen]) - CENTRE) / 16
    return x, iris.target[chosen]


def network(widths: tuple[int, ...], activation: str, x: Float, y: Float) -> Network:
    return Network("", widths, activation, True, "square", len(x), x, y, None)


def trained(net: Network, seed: int) -> Float:
    """Weights (p,) from one start."""
    w = flatten(with_seed(net, seed))
    damping = 1e-2
    for _ in range(500):
        r, slope = residual(net, w), jacobian(net, w)
        if np.linalg.norm(r) < 1e-13:
            break
        kernel = slope @ slope.T
        step = slope.T @ np.linalg.solve(kernel + damping * np.eye(len(r)), r)
        better = loss(net, w - step) < loss(net, w)
        w, damping = (w - step, damping / 4) if better else (w, 4 * damping)
    return np.rint(w * 2**24) / 2**24


def least(net: Network, w: Float) -> float:
    """σ_min² of DF(w), in floating point."""
    return float(np.linalg.svd(jacobian(net, w), compute_uv=False)[-1]) ** 2


def save_weights(name: str, net: Network, w: Float) -> None:
    parts = dict(zip(weight_names(net), unflatten(net, w), strict=True))
    np.savez(HERE / f"{name}.npz", **parts)
    size = np.linalg.norm(residual(net, w))
    print(f"{name}: residual {size:.2e}, λ_min {least(net, w):.3e}")


def fit(name: str, net: Network) -> None:
    """The two best starts: NAME-weights.npz and NAME-weights-b.npz."""
    found = [w for w in (trained(net, seed) for seed in STARTS) if loss(net, w) < 1e-10]
    found.sort(key=lambda w: -least(net, w))
    for w, kind in zip(found, ("weights", "weights-b"), strict=False):
        save_weights(f"{name}-{kind}", net, w)


def integers(name: str, widths: tuple[int, ...], activation: str, points: int) -> None:
    """Integer weights, millimetres as inputs, and the outputs that they give: an exact zero."""
    x = rows(2)[0][:points, : widths[0]] * 16
    random = np.random.default_rng(0)
    net = network(widths, activation, x, np.zeros((points, widths[-1])))
    parts = tuple(
        random.integers(-2, 3, size=part.shape).astype(float) for part in with_seed(net, 0)
    )
    w = flatten(parts)
    y = forward(net, w)
    np.savez(HERE / f"{name}-data.npz", x=x, y=y)
    save_weights(f"{name}-weights", network(widths, activation, x, y), w)


def main() -> None:
    x, species = rows(3)
    y = (species - 1.0)[:, None]
    np.savez(HERE / "iris-data.npz", x=x, y=y)
    fit("iris-tanh", network((4, 8, 1), "tanh", x, y))
    x, species = rows(2)
    y = np.eye(3)[species]
    np.savez(HERE / "iris-three-data.npz", x=x, y=y)
    fit("iris-softplus", network((4, 10, 3), "softplus", x, y))
    integers("linear", (4, 5, 2), "linear", 4)
    integers("quadratic", (4, 4, 1), "quadratic", 5)


if __name__ == "__main__":
    main()
