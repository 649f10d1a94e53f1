"""`topology levels --plot`: the landscape with its components, and the merge tree beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from boundcalc.kernel.levels.components import BELOW, OUTSIDE, Branch
from boundcalc.landscape.levels import Counter, Level
from boundcalc.landscape.merging import Tree, group_of, heights
from boundcalc.report.figure import figure_file
from boundcalc.report.ink import BLACK, BLUE, GREEN, GREY, ORANGE, RED, drawable, house_style, short

INKS = (BLUE, RED, GREEN, ORANGE, "#CC79A7", "#56B4E9", "#F0E442", BLACK)
_SIZE = 160  # points of the landscape along each axis


def draw_levels(counter: Counter, levels: Sequence[Level], tree: Tree, path: Path) -> None:
    """Write the figure: .png, .svg or .pdf. Raises InputError for another suffix."""
    with house_style():
        figure = Figure(figsize=(10.0, 4.5))
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1.15, 1.0)})
        figure.subplots_adjust(left=0.07, right=0.98, top=0.86, bottom=0.13, wspace=0.25)
        shown = _shown_level(levels)
        draw = _draw_plane if len(counter.landscape.variables) == 2 else _draw_line
        draw(left, counter, shown, levels, tree)
        _draw_tree(right, tree, levels)
        title = drawable(f"f = {counter.landscape.formula}")
        figure.text(0.012, 0.985, title[:135], va="top", fontsize=10, parse_math=False)
        figure_file(figure, path)


def _shown_level(levels: Sequence[Level]) -> Level:
    """The highest exact level with the most components."""
    exact = [one for one in levels if one.exact] or list(levels)
    return max(exact, key=lambda one: (one.count.lower, one.level))


def _inks(counter: Counter, level: Level, tree: Tree) -> dict[int, str]:
    """Groups of cells by the colour of the life they belong to."""
    row = dict(tree.rows).get(level.level, ())
    return {
        group_of(counter, level, point): INKS[life % len(INKS)]
        for point, life in zip(level.components, row, strict=False)
    }


def _draw_plane(
    axes: Axes, counter: Counter, level: Level, levels: Sequence[Level], tree: Tree
) -> None:
    values, (across, up) = heights(counter, _SIZE)
    shown = np.ma.masked_invalid(values.T)
    low, high = float(shown.min()), float(shown.max())
    axes.pcolormesh(
        across, up, shown, cmap="Greys_r", norm=PowerNorm(0.35, low, high), alpha=0.55,
        shading="gouraud", rasterized=True,
    )  # fmt: skip
    marks = sorted({float(one.level) for one in levels if low < one.level < high})
    if marks:
        axes.contour(across, up, shown, marks, colors=[GREY], linewidths=0.5)
    inks = _inks(counter, level, tree)
    for group, ink in inks.items():
        _fill(axes, counter, level, group, ink)
    rest = [leaf for leaf in level.survey.leaves if leaf.known not in (OUTSIDE, *BELOW)]
    axes.add_collection(
        PolyCollection([_corners(counter, leaf) for leaf in rest], facecolor=BLACK, lw=0, alpha=0.7)
    )
    axes.set_title(f"{{f ≤ {short(float(level.level))}}}: N = {_number(level)}", parse_math=False)
    axes.set_xlabel(drawable(counter.landscape.variables[0]))
    axes.set_ylabel(drawable(counter.landscape.variables[1]))


def _number(level: Level) -> str:
    from boundcalc.report.levels import count_text

    return count_text(level.count)


def _fill(axes: Axes, counter: Counter, level: Level, group: int, ink: str) -> None:
    of = level.survey.possible.of
    inner = [
        leaf for leaf in level.survey.leaves if leaf.known in BELOW and of(leaf.number) == group
    ]
    axes.add_collection(
        PolyCollection([_corners(counter, leaf) for leaf in inner], facecolor=ink, lw=0, alpha=0.8)
    )


def _corners(counter: Counter, leaf: Branch) -> list[tuple[float, float]]:
    (a, b), (c, d) = (
        (float(counter.cells.place(k, lo)), float(counter.cells.place(k, hi)))
        for k, (lo, hi) in enumerate(leaf.cell)
    )
    return [(a, c), (b, c), (b, d), (a, d)]


def _draw_line(
    axes: Axes, counter: Counter, level: Level, levels: Sequence[Level], tree: Tree
) -> None:
    values, (across,) = heights(counter, 600)
    axes.plot(across, values, color=BLACK, lw=1.2)
    height = float(level.level)
    inks = _inks(counter, level, tree)
    of = level.survey.possible.of
    for leaf in level.survey.leaves:
        if leaf.known in BELOW:
            (lo, hi), *_ = leaf.cell
            ends = [float(counter.cells.place(0, lo)), float(counter.cells.place(0, hi))]
            ink = inks.get(of(leaf.number), GREY)
            axes.plot(ends, [height, height], color=ink, lw=5, solid_capstyle="butt")
    axes.set_title(f"{{f ≤ {short(height)}}}: N = {_number(level)}", parse_math=False)
    axes.set_xlabel(drawable(counter.landscape.variables[0]))
    axes.set_ylabel("f")


def _draw_tree(axes: Axes, tree: Tree, levels: Sequence[Level]) -> None:
    """A line for each component from where it appears to where it joins an older one."""
    axes.set_title("Merge tree: each bar holds the level of a change")
    axes.set_ylabel("level λ")
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    if not tree.lives:
        axes.text(0.5, 0.5, "no component", transform=axes.transAxes, ha="center", color=GREY)
        return
    place = {life: k for k, life in enumerate(_order(tree))}
    heights_seen = [float(one.level) for one in levels]
    top = max(heights_seen) + 0.06 * (max(heights_seen) - min(heights_seen))
    for number, life in enumerate(tree.lives):
        ink, x = INKS[number % len(INKS)], place[number]
        first, last = life.born
        low = float(last if first is None else first)
        end = top if life.ended is None else float(life.ended[1])
        axes.plot([x, x], [float(last), end], color=ink, lw=2.2, solid_capstyle="round")
        axes.plot([x, x], [low, float(last)], color=ink, lw=6, alpha=0.45, solid_capstyle="butt")
        if life.ended is not None and life.into is not None:
            other = place[life.into]
            below, above = (float(value) for value in life.ended)
            axes.fill_between(sorted([x, other]), below, above, color=ink, alpha=0.45, lw=0)
            axes.plot([x, other], [above, above], color=ink, lw=1.2)
            middle = f"{short((below + above) / 2)} ± {short((above - below) / 2, 2)}"
            axes.annotate(
                middle, ((x + other) / 2, above), xytext=(0, 3), textcoords="offset points",
                ha="center", fontsize=8, color=ink,
            )  # fmt: skip
    axes.set_xlim(-0.7, len(place) - 0.3)


def _order(tree: Tree) -> list[int]:
    """Lives from left to right: each next to what it joins, the last to join nearest."""
    order: list[int] = []

    def put(number: int) -> None:
        order.append(number)
        joined = [k for k, life in enumerate(tree.lives) if life.into == number]
        for k in sorted(joined, key=lambda k: tree.lives[k].ended or ()):
            put(k)

    for number, life in enumerate(tree.lives):
        if life.into is None:
            put(number)
    return order
