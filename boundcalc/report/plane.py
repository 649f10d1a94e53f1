"""Panels in the (α, β) plane: the feasible region with its frontier, and the heat map of min T."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.patheffects import withStroke

from boundcalc.fit.exact import float_up
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.guarantees.assessment import Assessment
from boundcalc.guarantees.grid import Grid
from boundcalc.guarantees.pair import Pair
from boundcalc.logs.log import Float
from boundcalc.report.ink import BLACK, BLUE, GREY, ORANGE, PALE, RED, legend_below, short
from boundcalc.report.trace import Trace

GRID = 48  # pairs per side of the heat map
_ROOM = 0.6  # of the way from the first admissible α to the chosen one, shown beyond it
_FLAT, _ROOF = 0.2, 4.0  # a frontier lower than this share of α; times its height, shown
_TERMS = ("loss − loss_ref", "loss − loss_min", "inner")
_MOST_MARKS = 200  # vertices that are marked one by one


@dataclass(frozen=True)
class Window:
    """The part of the (α, β) plane that is shown."""

    alpha: tuple[float, float]
    beta: tuple[float, float]

    def axes(self) -> tuple[Float, Float]:
        """Centres of GRID × GRID equal cells: alphas (GRID,), betas (GRID,)."""
        parts = (np.arange(GRID) + 0.5) / GRID
        (left, right), (bottom, top) = self.alpha, self.beta
        return left + parts * (right - left), bottom + parts * (top - bottom)

    def show(self, axes: Axes) -> None:
        axes.set_xlim(*self.alpha)
        axes.set_ylim(*self.beta)
        axes.set_xlabel("α")
        axes.set_ylabel("β")


def window_of(assessment: Assessment) -> Window:
    """Limits around the chosen pair, from where the frontier starts; far vertices stay outside."""
    frontier, pair = assessment.fit.alpha_beta, assessment.pair
    if not isinstance(frontier, Frontier) or pair is None:
        return Window((0.0, 2.0), (0.0, 2.0))
    start = float(frontier.alpha_min)
    span = max(pair.alpha - start, (pair.alpha - pair.beta) / 2, pair.alpha * 1e-9)
    low, high = start - 0.3 * span, pair.alpha + _ROOM * span
    if low < 0.3 * high:
        low = 0.0
    heights = [float(beta) for alpha, beta, _ in frontier.vertices if low <= alpha <= high]
    heights.append(_beta(frontier, high))
    floor, top = min(heights), max(*heights, pair.beta)
    if low > 0:
        return Window((low, high), (max(0.0, floor - 0.45 * (high - floor)), high))
    flat = 0 < top < _FLAT * high  # then α = β may leave the picture, for the frontier to be seen
    return Window((0.0, high), (0.0, _ROOF * top if flat else high))


def _beta(frontier: Frontier, alpha: float) -> float:
    return float_up(frontier.beta(Fraction(alpha)))


def frontier_within(frontier: Frontier, window: Window) -> tuple[Float, Float, int]:
    """Points (α, β*) from the first α to the window's right edge; how many are vertices."""
    high = window.alpha[1]
    inside = [(float(a), float(b)) for a, b, _ in frontier.vertices if a <= high]
    points = np.array([*inside, (high, _beta(frontier, high))])
    return points[:, 0], points[:, 1], len(inside)


def draw_plane(axes: Axes, assessment: Assessment, window: Window, seen: Trace) -> None:
    """Panel (a): the pairs that all rows admit, or the row that rules all of them out."""
    found = assessment.fit.alpha_beta
    corner = max(window.alpha[1], window.beta[1])
    axes.plot([0, corner], [0, corner], color=GREY, lw=1, ls=(0, (4, 2)), label="α = β")
    if isinstance(found, Frontier):
        axes.set_title("All rows hold for the shaded pairs")
        _draw_region(axes, found, window)
        if assessment.pair is not None:
            _draw_pair(axes, assessment.pair, window)
    elif isinstance(found, Infeasible):
        axes.set_title(f"Row {found.rows[0]} alone rules out every α > β ≥ 0")
        _draw_contradiction(axes, found, window, seen)
    window.show(axes)
    legend_below(axes)


def _draw_region(axes: Axes, frontier: Frontier, window: Window) -> None:
    alpha, beta, vertices = frontier_within(frontier, window)
    axes.fill_between(alpha, beta, np.maximum(alpha, beta), color=PALE, lw=0)
    several = len(frontier.vertices)
    label = f"frontier β*(α): {vertices} of {several} vertices shown"
    if several == 1:
        label = "frontier β*(α)"
    axes.plot(alpha, beta, color=BLUE, lw=1.6, label=label)
    axes.plot([alpha[0]] * 2, [beta[0], alpha[0]], color=BLUE, lw=1.6)
    if vertices <= _MOST_MARKS:
        axes.plot(alpha[:vertices], beta[:vertices], "o", color=BLUE, ms=3.5, clip_on=False)


def _draw_pair(axes: Axes, pair: Pair, window: Window) -> None:
    axes.plot(
        pair.alpha, pair.beta, "*", color=RED, ms=13, mec="white", mew=0.8, zorder=5, clip_on=False
    )
    low = pair.beta < window.beta[0] + 0.22 * (window.beta[1] - window.beta[0])
    axes.annotate(
        f"α = {short(pair.alpha)}\nβ = {short(pair.beta)}\nα − β = {short(pair.alpha - pair.beta)}",
        (pair.alpha, pair.beta),
        xytext=(-4, 22) if low else (12, -8),
        textcoords="offset points",
        va="bottom" if low else "top",
        ha="center" if low else "left",
        color=RED,
        fontweight="bold",
        path_effects=[withStroke(linewidth=3, foreground="white", alpha=0.8)],
        zorder=6,
    )


def _draw_contradiction(axes: Axes, found: Infeasible, window: Window, seen: Trace) -> None:
    """What the row leaves of the plane, which has no pair with α > β in it."""
    row = found.rows[0]
    said = wrap(f"row {row}: {found.reason}", 36)
    witness = seen.witnesses.get(row)
    if witness is not None:
        a, b, c = witness
        said += [
            "",
            *(f"{name} = {short(value)}" for name, value in zip(_TERMS, witness, strict=True)),
        ]
        if b > 0:
            alpha = np.array(window.alpha)
            with np.errstate(all="ignore"):
                demand = np.clip((alpha * a - c) / b, 0, 4 * window.beta[1])
            axes.fill_between(alpha, demand, 4 * window.beta[1], color=PALE, lw=0)
            axes.plot(
                alpha, demand, color=BLUE, lw=1.6, label=f"row {row} admits the shaded pairs only"
            )
    axes.text(
        0.98,
        0.03,
        "\n".join(said),
        transform=axes.transAxes,
        va="bottom",
        ha="right",
        color=RED,
        fontsize=8,
        zorder=6,
        parse_math=False,
    )


def draw_heat(
    axes: Axes,
    assessment: Assessment,
    window: Window,
    worst: Grid,
) -> None:
    """Panel (c): min over rows of T(α, β). worst : T over the window's axes, loss units."""
    axes.set_title("The worst row at each pair: it fails where T < 0")
    shown = np.ma.masked_invalid(worst.least.T)  # β upwards, α to the right
    low, high = _extent(shown)
    image = axes.imshow(
        shown,
        extent=(*window.alpha, *window.beta),
        origin="lower",
        aspect="auto",
        cmap="RdBu",
        norm=_centred(low, high),
        interpolation="nearest",
    )
    left, bottom, width, height = axes.get_position().bounds
    axes.set_position((left, bottom, 0.78 * width, height))
    ticks = [low, low / 4, 0.0, high / 4, high]
    bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0.0, 0.04, 1.0)), ticks=ticks)
    bar.ax.set_yticklabels([_brief(tick) for tick in ticks], fontsize=8)
    bar.ax.minorticks_off()
    bar.set_label("min over rows of T   [loss]")
    if shown.count() and shown.min() < 0 < shown.max():
        axes.contour(
            worst.alphas, worst.betas, shown, [0.0], colors=[BLACK], linewidths=1.2, linestyles="--"
        )
        axes.plot([], [], color=BLACK, lw=1.2, ls="--", label="T = 0 on the grid")
    found = assessment.fit.alpha_beta
    if isinstance(found, Frontier):
        across, up, _ = frontier_within(found, window)
        axes.plot(across, up, color=ORANGE, lw=1.6, label="exact frontier")
        if assessment.pair is not None:
            pair = assessment.pair
            axes.plot(pair.alpha, pair.beta, "*", color=RED, ms=12, mec="white", mew=0.8, zorder=5)
    corner = max(window.alpha[1], window.beta[1])
    axes.plot([0, corner], [0, corner], color=GREY, lw=1, ls=(0, (4, 2)), label="α = β")
    window.show(axes)
    legend_below(axes, title="T = inner − α(loss − loss_ref) + β(loss − loss_min)")


def _brief(value: float) -> str:
    return f"{value:.0f}".replace("-", "−") if 10 <= abs(value) < 1e4 else short(value, 2)


def _extent(shown: np.ma.MaskedArray) -> tuple[float, float]:
    """Smallest and largest T, kept apart from 0 on both sides so that 0 can be the centre."""
    low, high = (float(shown.min()), float(shown.max())) if shown.count() else (-1.0, 1.0)
    small = max(abs(low), abs(high), 1e-290) * 1e-9
    return min(low, -small), max(high, small)


def _centred(low: float, high: float) -> FuncNorm:
    """Colours centred at 0; each side by square roots, so that values near 0 are seen to differ."""

    def forward(value: Float) -> Float:
        side = np.where(value < 0, low, high)
        return np.sign(value) * np.sqrt(np.abs(value / side))

    def inverse(share: Float) -> Float:
        return np.where(share < 0, low, high) * np.square(share)

    return FuncNorm((forward, inverse), vmin=low, vmax=high)
