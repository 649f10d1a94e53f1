"""A path between two weights of a network: in words, as the contract's JSON, and as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from boundcalc.landscape.joining import Joining
from boundcalc.landscape.network import Network
from boundcalc.landscape.path import Attempt, losses, respaced
from boundcalc.logs.log import Float
from boundcalc.report.figure import figure_file
from boundcalc.report.ink import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    drawable,
    house_style,
    legend_below,
)
from boundcalc.report.tighten_digits import outward

SCHEMA = "boundcalc.path/1"
_DIGITS = 6
_INKS = (GREY, ORANGE, GREEN, BLUE, "#56B4E9", "#CC79A7", RED, BLACK, "#F0E442")


def exit_code(joining: Joining) -> int:
    """0 where the path stays below the level, else 3."""
    return 0 if joining.connected else 3


def path_json(joining: Joining, certificate: str | None) -> dict[str, Any]:
    """The keys of the contract, and more."""
    found = joining.bounded
    return {
        "schema": SCHEMA,
        "level": {"lower": found.lower, "upper": found.upper},
        "verdict": "connected" if joining.connected else "undecided",
        "asked": None if joining.asked is None else float(joining.asked),
        "method": joining.chosen.method,
        "sampled_maximum": joining.chosen.highest,
        "attempts": [
            {"method": one.method, "sampled_maximum": one.highest, "seconds": one.seconds}
            for one in joining.attempts
        ],
        "vertices": len(joining.chosen.path),
        "pieces": found.pieces,
        "certificate": certificate,
    }


def path_lines(joining: Joining) -> list[str]:
    """The answer, the methods in the order in which they were tried, and what is not said."""
    found = joining.bounded
    upper, lower = _up(found.upper), _down(found.lower)
    if joining.connected:
        answer = f"connected: a path on which the loss is at most {upper}, proved"
    else:
        level = float(joining.asked or 0)
        answer = f"undecided at level {level:.6g}: the lowest path found has a loss up to {upper}"
    lines = [answer, f"  every path  meets a loss of at least {lower} (the higher end)"]
    lines.append(
        f"  this path   {joining.chosen.method}: {len(joining.chosen.path)} vertices, "
        f"{found.pieces} pieces enclosed, largest sample {joining.chosen.highest:.6g}"
    )
    for one in joining.attempts:
        lines.append(f"  tried       {one.method}: {one.highest:.6g} ({one.seconds:.1f} s)")
    if not joining.connected:
        lines.append("  a lower path may exist: that none was found proves nothing")
    return lines


def _up(value: float) -> str:
    return outward(Fraction(value), 1, _DIGITS)


def _down(value: float) -> str:
    return outward(Fraction(value), -1, _DIGITS)


def draw_path(joining: Joining, path: Path) -> None:
    """Write the figure: .png, .svg or .pdf. Raises InputError for another suffix."""
    with house_style():
        figure = Figure(figsize=(10.0, 4.8))
        left, right = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.08, right=0.98, top=0.87, bottom=0.28, wspace=0.25)
        _draw_attempts(left, joining.net, joining.attempts)
        _draw_bound(right, joining)
        net = joining.net
        title = f"{net.name}: {'-'.join(map(str, net.widths))}, {net.activation}"
        figure.text(0.012, 0.985, drawable(title)[:135], va="top", fontsize=10, parse_math=False)
        figure_file(figure, path)


def _draw_attempts(axes: Axes, net: Network, attempts: Sequence[Attempt]) -> None:
    for one, ink in zip(attempts, _INKS, strict=False):
        edges, values = _highest(net, one.path)
        axes.stairs(values, edges, color=ink, lw=1.2, label=one.method, baseline=None)
    _finish(axes, "Largest loss on each piece of the paths that were tried")
    axes.set_ylabel("loss L")


def _highest(net: Network, path: Float) -> tuple[Float, Float]:
    """Edges of the straight pieces of a path (a long one in parts), and the largest sample."""
    line = respaced(path, 64) if len(path) == 2 else path
    places, values = losses(net, line)
    rows = np.stack([values[:-1].reshape(len(line) - 1, -1).max(axis=1),
                     values[1:].reshape(len(line) - 1, -1).max(axis=1)])  # fmt: skip
    return places[:: (len(places) - 1) // (len(line) - 1)], _shown(rows.max(axis=0))


def _finish(axes: Axes, title: str) -> None:
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("place along the path, by length")
    legend_below(axes, 2)


def _shown(values: Float) -> Float:
    """Positive numbers for a logarithmic axis."""
    return np.asarray(np.maximum(values, 1e-300))


def _draw_bound(axes: Axes, joining: Joining) -> None:
    found = joining.bounded
    edges, bounds = found.bounds
    axes.stairs(
        _shown(bounds), edges, color=RED, lw=1.2, label="proved bound of each piece", baseline=None
    )
    edges, values = _highest(joining.net, joining.chosen.path)
    axes.stairs(values, edges, color=BLUE, lw=1.0, label="largest sample", baseline=None)
    axes.axhline(found.upper, color=BLACK, lw=0.8, ls="--", label=f"proved: {_up(found.upper)}")
    if joining.asked is not None:
        axes.axhline(float(joining.asked), color=GREEN, lw=0.8, label="level asked for")
    _finish(axes, "The path that was chosen, with its proof")
