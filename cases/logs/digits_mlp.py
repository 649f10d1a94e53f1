"""Train a small network on scikit-learn's digits by plain SGD; log the run for `boundcalc fit`.

    python cases/logs/digits_mlp.py                                # makes digits-mlp.npz again
    python cases/logs/digits_mlp.py --batch 1 --stepsize 0.02 --out one-sample.npz
    python cases/logs/digits_mlp.py --batch 0 --stepsize 0.5 --steps 1000 --out full-batch.npz
    python cases/logs/digits_mlp.py --hidden --out softmax.npz     # no hidden layer: convex

The functions. The digits are split once into n batches of equal size (a remainder is left out).
f_i is the mean cross-entropy on batch i, f the mean of the f_i. Each step draws i uniformly and
*with replacement*, as theorems on SGD assume; an "epoch" means n steps. Arithmetic is float64.

Two passes. `loss_ref`, `inner` and `dist_sq` compare x^k with a minimiser x_ref, which nobody knows
before the run has ended. So the first pass trains and keeps the iterate after the last step as
x_ref (a stand-in: nothing shows that it is a minimiser); the second repeats the very same run,
stops if one loss differs in one bit, and writes the rows. No pass holds more than one iterate.

A row. step k, sample i, stepsize, loss = f_i(x^k), loss_ref = f_i(x_ref), grad_sqnorm =
||grad f_i(x^k)||^2, inner = <grad f_i(x^k), x^k - x_ref>, dist_sq = ||x^k - x_ref||^2; full_loss =
f(x^k), full_grad_sqnorm = ||grad f(x^k)||^2 on every K-th row and the last, NaN on the others.
`loss_min` is left out, so f_i* is taken as 0: cross-entropy is bounded below by 0.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
COLUMNS = "step sample stepsize loss loss_ref grad_sqnorm inner dist_sq full_loss full_grad_sqnorm"


class Network(NamedTuple):
    """A fully connected network. Its parameters are one flat vector x."""

    widths: tuple[int, ...]
    activation: str = "tanh"

    def layers(self, x: Array) -> list[tuple[Array, Array]]:
        """Views of x, (weights, biases) for each layer."""
        pairs, at = [], 0
        for m, n in pairwise(self.widths):
            pairs.append((x[at : at + m * n].reshape(m, n), x[at + m * n : at + (m + 1) * n]))
            at += (m + 1) * n
        return pairs

    def start(self, rng: np.random.Generator) -> Array:
        """Weights N(0, 1/fan-in), biases zero."""
        x = np.zeros(sum((m + 1) * n for m, n in pairwise(self.widths)))
        for weights, _ in self.layers(x):
            weights[:] = rng.standard_normal(weights.shape) / np.sqrt(len(weights))
        return x

    def loss_and_gradient(self, x: Array, inputs: Array, labels: Labels) -> tuple[float, Array]:
        """Mean cross-entropy and its gradient in x. inputs : (batch, 64), labels : (batch,)."""
        layers = self.layers(x)
        enters = [inputs]  # what enters each layer
        for weights, biases in layers[:-1]:
            z = enters[-1] @ weights + biases
            enters.append(np.tanh(z) if self.activation == "tanh" else np.logaddexp(0.0, z))
        z = enters[-1] @ layers[-1][0] + layers[-1][1]

        # Logits against the right class, so that a tiny loss keeps its relative accuracy.
        right = np.arange(len(labels)), labels
        z -= z[right][:, None]
        z[right] = -np.inf
        losses = np.logaddexp(0.0, np.logaddexp.reduce(z, axis=1))
        delta = np.exp(z - losses[:, None])  # probabilities of the wrong classes
        delta[right] = -delta.sum(axis=1)
        delta /= len(labels)

        gradient = np.empty_like(x)
        slots = self.layers(gradient)
        for level in reversed(range(len(layers))):
            h = enters[level]
            slots[level][0][:] = h.T @ delta
            slots[level][1][:] = delta.sum(axis=0)
            if level:  # tanh' = 1 - tanh^2, softplus' = 1 - exp(-softplus)
                slope = 1.0 - h * h if self.activation == "tanh" else -np.expm1(-h)
                delta = (delta @ layers[level][0].T) * slope
        return float(losses.mean()), gradient


class Run(NamedTuple):
    """All that fixes a run. inputs : (n, batch, 64), labels : (n, batch), f_i on each of n."""

    network: Network
    inputs: Array
    labels: Labels
    steps: int
    stepsize: float
    seed: int

    def f(self, i: int, x: Array) -> tuple[float, Array]:
        """f_i(x) and its gradient."""
        return self.network.loss_and_gradient(x, self.inputs[i], self.labels[i])


def digits(batch: int, seed: int) -> tuple[Array, Labels]:
    """The 1,797 digits, shuffled and split into batches (0: all in one): `inputs` and `labels`."""
    data = load_digits()
    batch = batch or len(data.target)
    n = len(data.target) // batch
    order = np.random.default_rng([seed, 0]).permutation(len(data.target))
    order = order[: n * batch].reshape(n, batch)
    return data.data[order] / 16.0, data.target[order].astype(np.int64)


def trajectory(run: Run) -> Iterator[tuple[int, int, Array, float, Array]]:
    """Plain SGD, x <- x - stepsize * grad f_i(x): k, i, x^k, f_i(x^k), grad f_i(x^k)."""
    rng = np.random.default_rng([run.seed, 1])
    x = run.network.start(rng)
    for k, i in enumerate(rng.integers(len(run.inputs), size=run.steps).tolist()):
        loss, gradient = run.f(i, x)
        if not np.isfinite(loss + gradient @ gradient + x @ x):
            raise ArithmeticError(f"the run overflowed at step {k}: choose a smaller --stepsize")
        yield k, i, x, loss, gradient
        x = x - run.stepsize * gradient


def record(run: Run, whole_data_every: int = 20, every: int = 1) -> dict[str, Any]:
    """The columns of the log: the first pass finds x_ref, the second makes the rows."""
    losses = np.empty(run.steps)
    for k, _, x, loss, gradient in trajectory(run):
        losses[k], x_ref = loss, x - run.stepsize * gradient
    loss_ref = [run.f(i, x_ref)[0] for i in range(len(run.inputs))]

    rows: list[tuple[Any, ...]] = []
    for k, i, x, loss, gradient in trajectory(run):
        if loss != losses[k]:
            raise ArithmeticError(f"the second pass left the first at step {k}: nothing written")
        last = k == run.steps - 1
        if k % every and not last:
            continue
        whole, whole_gradient = np.nan, np.full(1, np.nan)
        if len(rows) % whole_data_every == 0 or last:
            data = np.concatenate(run.inputs), np.concatenate(run.labels)
            whole, whole_gradient = run.network.loss_and_gradient(x, *data)
        away = x - x_ref
        row = k, i, run.stepsize, loss, loss_ref[i], gradient @ gradient, gradient @ away
        rows.append((*row, away @ away, whole, whole_gradient @ whole_gradient))
    log = dict(zip(COLUMNS.split(), np.array(rows).T, strict=True))
    return log | {"step": log["step"].astype(np.int32), "sample": log["sample"].astype(np.int32)}


def main() -> None:
    """Read the options, make the log, write it in one stroke."""
    show = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(description="Log SGD on the digits.", formatter_class=show)
    option = parser.add_argument
    option("--hidden", type=int, nargs="*", default=[64, 32], help="widths of the hidden layers")
    option("--activation", choices=("tanh", "softplus"), default="tanh", help="of hidden layers")
    option("--batch", type=int, default=32, help="samples in each f_i (0: all)")
    option("--steps", type=int, default=4000, help="steps of SGD")
    option("--stepsize", type=float, default=0.1, help="constant step size")
    option("--seed", type=int, default=0, help="of split, start and draws")
    option("--whole-data-every", type=int, default=20, metavar="K", help="rows between f(x^k)")
    option("--every", type=int, default=1, metavar="M", help="steps between rows")
    option("--uncompressed", action="store_true", help="so that the npz can be memory-mapped")
    shipped = Path(__file__).with_name("digits-mlp.npz")
    option("--out", type=Path, default=shipped, help="npz file to write")
    given = parser.parse_args()
    counts = (*given.hidden, given.steps, given.every, given.whole_data_every)
    if min(counts) < 1 or given.seed < 0 or not 0 <= given.batch <= 1797 or not given.stepsize > 0:
        parser.error("numbers must be positive (--batch at most 1797; --batch, --seed may be 0)")

    began = time.perf_counter()
    network = Network((64, *given.hidden, 10), given.activation)
    batches = digits(given.batch, given.seed)
    run = Run(network, *batches, given.steps, given.stepsize, given.seed)
    try:
        with threadpool_limits(limits=1):  # many threads only slow matrices this small down
            columns = record(run, given.whole_data_every, given.every)
    except ArithmeticError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    part = given.out.with_name(f"{given.out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            save = np.savez if given.uncompressed else np.savez_compressed
            save(file, **columns)
        os.replace(part, given.out)
    finally:
        part.unlink(missing_ok=True)
    n, full, kilobytes = len(run.inputs), columns["full_loss"], given.out.stat().st_size / 1e3
    print(f"{given.out}: {len(full)} rows, {kilobytes:.0f} kB; {time.perf_counter() - began:.1f} s")
    print(f"{run.steps / n:.4g} epochs of {n} steps; f from {full[0]:.4g} to {full[-1]:.4g}")


if __name__ == "__main__":
    main()
