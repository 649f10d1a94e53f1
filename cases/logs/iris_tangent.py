"""Train a tiny tanh network on iris by gradient descent; log its Jacobians for `boundcalc tangent`.

    python cases/logs/iris_tangent.py            # makes iris-tangent.npz again
    python cases/logs/iris_tangent.py --single   # the Jacobians rounded to float32

F(w)_i = a·tanh(B x_i + c)/√h, one output for each of 15 flowers (5 of each species, 4 features
each of mean 0 and variance 1), y_i = -1, 0, 1 by species. Residual r = F(w) - y, loss L = ½‖r‖²,
full gradient descent w <- w - η Jᵀr with J = DF(w) written out by hand. Every M-th iterate is a
snapshot: step, stepsize, jacobian (T, n, m), residual (T, n), w (T, m).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris

Array = NDArray[np.float64]


def flowers(each: int) -> tuple[Array, Array]:
    """x (3·each, 4) and y (3·each,): the first flowers of each species."""
    data = load_iris()
    rows = np.concatenate([np.flatnonzero(data.target == k)[:each] for k in range(3)])
    features = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return features[rows], data.target[rows] - 1.0


def residual_and_jacobian(w: Array, hidden: int, x: Array, y: Array) -> tuple[Array, Array]:
    """r (n,) and DF(w) (n, m), m = 6·hidden: w = (B (hidden, 4), c (hidden,), a (hidden,))."""
    weights, biases, out = np.split(w, [4 * hidden, 5 * hidden])
    h = np.tanh(x @ weights.reshape(hidden, 4).T + biases)
    slope = out * (1 - h * h)
    by_weights = (slope[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    jacobian = np.concatenate([by_weights, slope, h], axis=1) / np.sqrt(hidden)
    return h @ out / np.sqrt(hidden) - y, jacobian


def record(hidden: int, each: int, steps: int, every: int, stepsize: float) -> dict[str, Array]:
    """The columns of the log."""
    x, y = flowers(each)
    w = np.random.default_rng(0).standard_normal(6 * hidden)
    rows = []
    for k in range(steps + 1):
        residual, jacobian = residual_and_jacobian(w, hidden, x, y)
        if k % every == 0:
            rows.append((k, stepsize, jacobian, residual, w.copy()))
        w -= stepsize * (residual @ jacobian)
    names = ("step", "stepsize", "jacobian", "residual", "w")
    return {name: np.array(v) for name, v in zip(names, zip(*rows, strict=True), strict=True)}


def main() -> None:
    """Read the options, make the log, write it."""
    show = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(description="Log tangent kernels.", formatter_class=show)
    option = parser.add_argument
    option("--hidden", type=int, default=10, help="width")
    option("--each", type=int, default=5, help="flowers of each species")
    option("--steps", type=int, default=200, help="steps of gradient descent")
    option("--every", type=int, default=20, help="steps between snapshots")
    option("--stepsize", type=float, default=0.05, help="constant step size")
    option("--single", action="store_true", help="store Jacobians in float32")
    option("--out", type=Path, default=Path(__file__).with_name("iris-tangent.npz"))
    given = parser.parse_args()
    columns = record(given.hidden, given.each, given.steps, given.every, given.stepsize)
    if given.single:
        columns["jacobian"] = columns["jacobian"].astype(np.float32)
    np.savez_compressed(given.out, **columns)
    loss = (columns["residual"] ** 2).sum(axis=1) / 2
    print(f"{given.out}: {len(loss)} snapshots; loss from {loss[0]:.4g} to {loss[-1]:.4g}")


if __name__ == "__main__":
    main()
