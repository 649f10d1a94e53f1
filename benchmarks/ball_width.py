"""How the ball of a wide random layer scales with its width, against the law of wide networks.

    python benchmarks/ball_width.py [--seeds 5] [--figure docs/figures/ball-width.png]

Three flowers of iris (cases/networks/iris-wide-3.toml), one tanh layer, standard parametrisation.
λ_0, H, R and mu are the kernel's bounds, for these very weights: nothing is sampled. "measured" is
the largest ‖D²F[u, v]‖ that a power iteration in float64 finds at w0: a lower bound of H.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boundcalc.landscape.ball import Search, system_of
from boundcalc.landscape.network import Network, flatten, jacobian, with_seed
from boundcalc.landscape.network_file import read_network

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = (64, 128, 256, 512, 1024, 2048, 4096)
LAW = "#888888"
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One width and seed; radius and mu are nan where the hypotheses do not close."""

    width: int
    least: float
    lipschitz: float
    measured: float
    residual: float
    shortage: float
    radius: float
    mu: float

    @property
    def reach(self) -> float:
        """R/‖r0‖: ‖r0‖ is random, and of order 1 at every width."""
        return self.radius / self.residual


def measured_bend(net: Network, steps: int = 12) -> float:
    """A lower bound of sup ‖D²F[u, v]‖ at w0, by differences and power iteration."""
    w = flatten(net.weights)
    u = np.random.default_rng(0).standard_normal(w.shape)
    best = 0.0
    for _ in range(steps):
        u /= np.linalg.norm(u)
        turn = (jacobian(net, w + 1e-4 * u) - jacobian(net, w - 1e-4 * u)) / 2e-4
        _, size, right = np.linalg.svd(turn, full_matrices=False)
        best, u = max(best, float(size[0])), right[0]
    return best


def row(base: Network, width: int, seed: int) -> Row:
    net = replace(base, widths=(base.widths[0], width, base.widths[-1]))
    net = replace(net, weights=with_seed(net, seed))
    search = Search(system_of(net), mapped=False)
    least, residual = float(search.root) ** 2, float(search.residual)
    h = float(search.at(1e-6).jacobian_lipschitz)
    radius, mu = search.by_hessian(), np.nan
    if radius is not None:
        mu = float(search.routes(radius, search.at(radius))[0].mu or 0)
    shortage = 8 * h * residual / least
    found = Row(width, least, h, measured_bend(net), residual, shortage, radius or np.nan, mu)
    print(found, file=sys.stderr, flush=True)
    return found


COLUMNS = {
    "λ_0": lambda o: o.least,
    "λ_0/m": lambda o: o.least / o.width,
    "H near w0": lambda o: o.lipschitz,
    "measured ‖D²F‖": lambda o: o.measured,
    "H/√λ_0": lambda o: o.lipschitz / o.least**0.5,
    "‖r0‖": lambda o: o.residual,
    "8H‖r0‖/λ_0": lambda o: o.shortage,
    "R": lambda o: o.radius,
    "R√m/‖r0‖": lambda o: o.radius * o.width**0.5 / o.residual,
    "μ/λ_0": lambda o: o.mu / o.least,
}


def table(rows: list[Row]) -> list[str]:
    """Medians over seeds (of R and μ: over those that close), in Markdown."""
    names = ["width m", *COLUMNS, "closes"]
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |"]
    for width in WIDTHS:
        own = [one for one in rows if one.width == width]
        cells = [str(width)]
        for value in COLUMNS.values():
            found = [value(one) for one in own if np.isfinite(value(one))]
            cells.append(f"{np.median(found):.3g}" if found else "-")
        closed = sum(np.isfinite(one.radius) for one in own)
        lines.append(f"| {' | '.join([*cells, f'{closed} of {len(own)}'])} |")
    return lines


def draw(rows: list[Row], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharex=True, layout="constrained")
    panels = (
        (axes[0, 0], "least", 1.0, "λ_0 at w0 (proved), law: ∝ m"),
        (axes[0, 1], "lipschitz", 0.0, "H near w0 (proved) and measured ‖D²F‖ (+), law: constant"),
        (axes[1, 0], "reach", -0.5, "R/‖r0‖, where it closes (proved), law: ∝ 1/√m"),
        (axes[1, 1], "shortage", -1.0, "8·H·‖r0‖/λ_0 near w0: closes only below 1, law: ∝ 1/m"),
    )
    m = np.array([one.width for one in rows], dtype=float)
    for axis, name, power, title in panels:
        values = np.array([getattr(one, name) for one in rows])
        axis.loglog(m, values, "o", ms=4, alpha=0.7, color="#1f5fa8")
        kept = np.isfinite(values)
        scale = np.exp(np.median(np.log(values[kept]) - power * np.log(m[kept])))
        axis.loglog(WIDTHS, scale * np.array(WIDTHS, float) ** power, "--", color=LAW, lw=1.2)
        axis.set_title(title, fontsize=9)
    axes[0, 1].loglog(m, [one.measured for one in rows], "+", ms=6, color="#c4541b")
    axes[0, 1].set_yscale("linear")
    axes[0, 1].set_ylim(0, 6)
    axes[1, 0].set_ylim(0.08, 1.2)
    axes[1, 0].set_yticks((0.1, 0.2, 0.5, 1), ("0.1", "0.2", "0.5", "1"))
    axes[1, 1].axhline(1.0, color="#c4541b", lw=1)
    for axis in axes[1]:
        axis.set_xlabel("width m of the hidden layer")
    for axis in axes.flat:
        axis.set_xticks(WIDTHS, [str(width) for width in WIDTHS], fontsize=8)
        axis.minorticks_off()
        axis.grid(alpha=0.25)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--figure", type=Path)
    chosen = parser.parse_args()
    base = read_network(ROOT / "cases" / "networks" / "iris-wide-3.toml")
    rows = [row(base, width, seed) for width in WIDTHS for seed in range(chosen.seeds)]
    print("\n".join(table(rows)))
    if chosen.figure is not None:
        draw(rows, chosen.figure)


if __name__ == "__main__":
    main()
