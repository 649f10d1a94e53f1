"""Which method finds the lowest path between two trained networks: the table of docs/level-sets.md.

    python benchmarks/paths.py [SECONDS]

Every method starts from the straight line, alone, with the same number of gradients (string, band:
31 inner vertices, 300 steps; Bézier: 16 places, 300 steps) or of Gauss-Newton steps (GN: at most 36
for each vertex); "command" is what `boundcalc topology path` does. Printed: the largest loss at
samples.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.network import Network, flatten, gradient, loss
from boundcalc.landscape.network_file import read_network, read_weights
from boundcalc.landscape.path import (
    FINEST,
    IMAGES,
    _Adam,
    attempts,
    bezier,
    gauss_newton,
    highest,
    respaced,
    string,
)
from boundcalc.logs.log import Float

NETWORKS = Path(__file__).parents[1] / "cases" / "networks"
Pair = tuple[str, Network, Float, Float]


def shipped(name: str) -> Pair:
    net = read_network(NETWORKS / f"{name}.toml")
    ends = [read_weights(NETWORKS / f"{name}-{kind}.npz", net) for kind in ("weights", "weights-b")]
    return name, net, flatten(ends[0]), flatten(ends[1])


def made(widths: tuple[int, ...], activation: str, points: int, seed: int) -> Pair:
    """Two gradient descents (Adam, 4,000 steps) from two seeds on random data."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((points, widths[0]))
    y = np.sin(2 * x @ rng.standard_normal((widths[0], widths[-1])))
    net = Network("made", widths, activation, True, "square", points, x, y, None)
    ends = []
    for _ in range(2):
        size = sum(n * (m + 1) for m, n in pairwise(widths))
        w = rng.standard_normal(size) * 0.7
        adam = _Adam(w.shape, 0.02, 4000)
        for _ in range(4000):
            w = w + adam.step(gradient(net, w))
        ends.append(w)
    label = f"{'-'.join(map(str, widths))} {activation}, {points} points"
    return label, net, ends[0], ends[1]


def main(seconds: float) -> None:
    pairs = [
        shipped("iris-tanh"),
        shipped("iris-softplus"),
        made((2, 6, 1), "tanh", 8, 1),
        made((2, 6, 1), "sigmoid", 8, 2),
        made((2, 6, 6, 1), "softplus", 10, 4),
        made((2, 4, 1), "tanh", 30, 3),
        made((2, 8, 1), "relu", 10, 5),
        made((2, 4, 1), "relu", 30, 6),
    ]
    names = ["line", "Bézier", "string", "band", f"GN {IMAGES}", f"GN {FINEST}"]
    print("| network | ends | " + " | ".join([*names, "command", "seconds"]) + " |")
    print("| --- " * (len(names) + 4) + "|")
    for label, net, a, b in pairs:
        straight = np.stack([a, b])
        methods: list[Callable[[float], Float]] = [
            lambda until, s=straight: respaced(s, IMAGES),
            lambda until, n=net, p=a, q=b: bezier(n, p, q, until),
            lambda until, n=net, s=straight: string(n, s, until),
            lambda until, n=net, s=straight: string(n, s, until, springs=True),
        ]
        if ACTIVATIONS[net.activation].smooth:
            for pieces in (IMAGES, FINEST):
                methods.append(
                    lambda until, n=net, s=straight, k=pieces: gauss_newton(n, s, k, until)
                )
        cells = [f"{highest(net, way(time.monotonic() + seconds)):.2g}" for way in methods]
        cells += ["-"] * (len(names) - len(cells))
        begin = time.monotonic()
        cells.append(f"{min(one.highest for one in attempts(net, a, b, seconds)):.2g}")
        cells.append(f"{time.monotonic() - begin:.0f}")
        ends = max(loss(net, a), loss(net, b))
        print("| " + " | ".join([label, f"{ends:.2g}", *cells]) + " |", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
