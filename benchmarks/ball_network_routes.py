"""Which of the two routes to λ_min on a ball is better for networks: 60 random ones.

    python benchmarks/ball_network_routes.py

1 to 3 hidden layers of 3 to 6 units, two points, five activations, four output maps (those of
tests/kernel/system). "loss" is (λ_0 − μ) of the direct route over that of the Hessian's norm, at
the same radius, where both give a μ.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from boundcalc.landscape.ball import ball
from tests.kernel.system.made_networks import random_network

NETWORKS = 60
RESIDUALS = (1e-8, 1e-5, 1e-2)


def main() -> None:
    names = ("hessian", "direct", "output-hessian", "output-direct", "undecided")
    print(f"| ‖r0‖ | {' | '.join(names)} | loss: quartiles |")
    print(f"| --- | {' | '.join('---' for _ in names)} | --- |")
    for residual in RESIDUALS:
        won: Counter[str] = Counter()
        losses = []
        for seed in range(NETWORKS):
            found = ball(random_network(seed, residual=residual))
            won["undecided" if found.proved is None else found.best.name] += 1
            hessian, direct = (route.mu for route in found.routes[:2])
            if found.proved is not None and hessian and direct:
                least = found.start.root**2
                losses.append((least - float(direct)) / (least - float(hessian)))
        quartiles = ", ".join(f"{q:.3g}" for q in np.quantile(losses, (0.25, 0.5, 0.75)))
        print(f"| {residual:g} | {' | '.join(str(won[name]) for name in names)} | {quartiles} |")


if __name__ == "__main__":
    main()
