"""Two routes to a μ on a ball, for systems of formulas: how large a residual does each allow?

Gradient descent is proved to find a zero where ‖F(w0)‖ < R√μ(R)/2 for some R. For each system the
largest such number is taken over R ≤ 8√λ_0, in floating point, with μ(R) = min λ_min(K) on the ball
(direct) and μ(R) = (√λ_0 − H(R)·R)² (Hessian). Systems: cases/systems, and random ones.

    python benchmarks/ball_routes.py [--count 60]
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from boundcalc.library.case import read_case
from boundcalc.search.ball.constants import Search
from boundcalc.search.prove.budget import Budget

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "kernel"))
RADII = 2.0 ** np.arange(-6, 4, 0.25)


def allowed(search: Search) -> tuple[float, float]:
    """The largest residual that the direct and the Hessian route allow."""
    sigma = max(search.seems("mu", 1e-9), 0.0) ** 0.5
    direct = hessian = 0.0
    for radius in map(float, RADII * sigma):
        least = max(search.seems("mu", radius), 0.0) ** 0.5
        curved = search.seems("H", radius)
        direct = max(direct, radius * least / 2)
        hessian = max(hessian, radius * (sigma - curved * radius) / 2)
        if least < 1e-6:
            break
    return direct, hessian


def searches(count: int):
    """Names and systems with λ_min(K(w0)) > 0."""
    from system.made_systems import problem, system

    for path in sorted((ROOT / "cases" / "systems").glob("*.toml")):
        case = read_case(path)
        yield path.stem, Search(case, tuple(map(Fraction, case.start)), Budget(60))
    for seed in range(count):
        data, _ = system(np.random.default_rng(seed))
        start = tuple(map(Fraction, data["start"]))
        yield f"random {seed}", Search(problem(data), start, Budget(60))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    ratios = []
    for name, search in searches(parser.parse_args().count):
        if search.seems("mu", 1e-9) < 1e-6:
            continue
        direct, hessian = allowed(search)
        if hessian > 0:
            ratios.append(direct / hessian)
        if not name.startswith("random"):
            print(f"{name:16} direct {direct:.4g}   Hessian {hessian:.4g}")
    quantiles = np.quantile(ratios, [0, 0.25, 0.5, 0.75, 1])
    print(f"{len(ratios)} systems, direct/Hessian: " + ", ".join(f"{q:.3g}" for q in quantiles))


if __name__ == "__main__":
    main()
