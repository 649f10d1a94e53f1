"""`tighten --plot`: the certified band around beta*(alpha), as PNG, SVG or PDF."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure

from boundcalc.report.figure import DPI, KINDS
from boundcalc.report.frontier import Bounded, Chain
from boundcalc.report.ink import BLUE, GREY, ORANGE, PALE, drawable, house_style, legend_below
from boundcalc.report.tighten_digits import outward
from boundcalc.report.write import write_whole

_SIZE = (6.4, 4.6)  # inches
_BOX = (0.1, 0.22, 0.87, 0.66)
_LINE = 90  # characters of the title


def draw_frontier(path: Path, name: str, band: Bounded) -> None:
    """Draw a band and write it to `path`: .png, .svg or .pdf, whole or not at all.

    name : of the problem, for the title. Raises InputError for a place that cannot be written to.
    """
    kind = path.suffix.lower()

    def write(place: Path) -> None:
        with house_style():
            figure = frontier_figure(name, band)
            figure.savefig(place, format=kind[1:], dpi=DPI, metadata=KINDS[kind])

    write_whole(path, write)


def frontier_figure(name: str, band: Bounded) -> Figure:
    """The figure itself, under the current style."""
    figure = Figure(figsize=_SIZE)
    axes = figure.add_axes(_BOX)
    upper, lower = _floats(band.upper), _floats(band.lower)
    left, right = upper[0][0], upper[0][-1]
    sides = ([*lower[0], *upper[0][::-1]], [*lower[1], *upper[1][::-1]])
    axes.fill(*sides, color=PALE, lw=0)
    axes.plot(*upper, "o-", color=BLUE, lw=1.2, ms=2.5, label="proved pairs and their chords")
    axes.plot(*lower, color=ORANGE, lw=1.2, label="lines of counterexamples")
    axes.plot([left, right], [left, right], color=GREY, lw=1, ls=(0, (4, 2)), label="α = β")
    axes.set_xlim(left, right)
    axes.set_ylim(0, max(*upper[1], right))
    axes.set_xlabel("α")
    axes.set_ylabel("β")
    said = f"{name}: β*(α) in a band of width {outward(band.width, 1, 3)}"
    axes.set_title("\n".join(wrap(drawable(said), _LINE)), parse_math=False)
    legend_below(axes)
    return figure


def _floats(chain: Chain) -> tuple[list[float], list[float]]:
    return [float(alpha) for alpha, _ in chain], [float(beta) for _, beta in chain]
