"""One figure of the gallery: a curve, a contour plot or a slice, with what is known marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from boundcalc.library.problem import Problem

MOST_BYTES = 60_000  # of a figure
FAR = 12.0  # places with larger coordinates are not shown
NEAR = 0.03  # marks nearer than that, as a share of the figure, are drawn as one
Json = dict[str, Any]


def constant(text: str) -> float | None:
    """The value of a constant formula such as "5*(sqrt(5) - 2)/2"; None for words."""
    from boundcalc.search.numeric.formula import parse
    from boundcalc.search.numeric.tape import compile

    try:
        value = float(compile([parse(text, ())], ()).points(np.zeros((1, 0)))[0, 0])
    except (ValueError, ZeroDivisionError):
        return None
    return value if np.isfinite(value) else None


def place(
    at: Mapping[str, str] | Sequence[str] | None, variables: Sequence[str]
) -> list[float] | None:
    """Coordinates of a point given as formulas; None where one is missing or not a number."""
    if not at or (isinstance(at, Mapping) and set(variables) - set(at)):
        return None
    texts = [at[v] for v in variables] if isinstance(at, Mapping) else list(at)
    values = [constant(str(text)) for text in texts]
    if any(value is None or abs(value) > 1e3 for value in values):
        return None
    return [float(value) for value in values if value is not None]


def window(problem: Problem, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """What to draw per variable: the domain where it is bounded, else around the points."""
    sides = []
    for k, (low, high) in enumerate(problem.domain):
        seen = [p[k] for p in points] or [0.0]
        reach = max(2.5, 0.6 * (max(seen) - min(seen)))
        left = min(seen) - reach if low is None else float(low)
        right = max(seen) + reach if high is None else float(high)
        sides.append((left, right))
    return sides


def curves(axes: Axes, problem: Problem, base: Sequence[float], side: tuple[float, float]) -> Any:
    """f along the first variable, the components thin; returns f for the marks."""
    from boundcalc.search.numeric.landscape import landscape
    from boundcalc.search.numeric.tape import compile

    terrain = landscape(problem)
    tape = compile([terrain.f, *terrain.f_i], problem.variables)
    grid = np.linspace(*side, 801)
    points = np.tile(np.asarray(base, float), (len(grid), 1))
    points[:, 0] = grid
    values = tape.points(points)
    if values.shape[1] > 2:
        axes.plot(grid, values[:, 1:], linewidth=0.7, color="0.7")
    axes.plot(grid, values[:, 0], linewidth=1.6, color="C0")
    axes.set_xlabel(problem.variables[0])
    axes.set_ylabel("f")
    return lambda p: float(tape.points(np.asarray([p], float))[0, 0])


def contours(
    axes: Axes, problem: Problem, base: Sequence[float], sides: Sequence[tuple[float, float]]
) -> None:
    """Contours of f over the first two variables, evenly in the rank of its values."""
    from matplotlib import colormaps

    from boundcalc.search.numeric.landscape import landscape

    tape = landscape(problem).value_tape
    first, second = (np.linspace(*side, 181) for side in sides[:2])
    x, y = np.meshgrid(first, second)
    points = np.tile(np.asarray(base, float), (x.size, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    values = tape.points(points)[:, 0].reshape(x.shape)
    levels = np.unique(np.nanquantile(values, np.linspace(0, 1, 16)))
    if len(levels) > 1:
        shades = colormaps["Blues_r"](np.linspace(0.25, 0.95, len(levels) - 1))  # one for each band
        axes.contourf(x, y, values, levels=levels, colors=shades)
        axes.contour(
            x, y, values, levels=levels, colors="white", linewidths=0.4, linestyles="solid"
        )
    wide, high = (side[1] - side[0] for side in sides[:2])
    if max(wide, high) < 2 * min(wide, high):
        axes.set_aspect("equal")
    axes.set_xlabel(problem.variables[0])
    axes.set_ylabel(problem.variables[1])


Marks = tuple[list[list[float]], list[tuple[str, list[float]]]]


def marks(problem: Problem, found: Json) -> Marks:
    """Minimisers, and where which condition is tight."""
    sites = [p for point in found["minimisers"] if (p := place(point, problem.variables))]
    tight = []
    for row in found["tight"]:
        at = place(row["attained_at"], problem.variables)
        if at is not None and row["verdict"] == "enclosed":
            tight.append((row["condition"], at))
    return sites, tight


def failures(problem: Problem, found: Json) -> list[list[float]]:
    """Where refuted claims fail, if that is not far away: such places are worth seeing."""
    points = [place(claim["witness"], problem.variables) for claim in found["claims"]]
    return [p for p in points if p and max(map(abs, p)) <= FAR]


def near(points: Sequence[list[float]]) -> list[list[float]]:
    """Points that are not far away; all, where every one is."""
    return [p for p in points if max(map(abs, p)) <= FAR] or list(points)


def inside(point: Sequence[float], sides: Sequence[tuple[float, float]]) -> bool:
    return all(low <= x <= high for x, (low, high) in zip(point, sides, strict=True))


def gathered(
    tight: Sequence[tuple[str, list[float]]], sides: Sequence[tuple[float, float]]
) -> list[tuple[list[str], list[float]]]:
    """Marks that would lie on one another as one, with all their names."""
    widths = np.array([high - low for low, high in sides])
    found: list[tuple[list[str], list[float]]] = []
    for label, at in tight:
        for names, point in found:
            if np.all(np.abs(np.subtract(at, point)) <= NEAR * widths):
                names.extend([label] if label not in names else [])
                break
        else:
            found.append(([label], at))
    return found


def figure(case: Path, found: Json, path: Path) -> None:
    """Draw one case: a curve, a contour plot, or a contour plot of a slice through a minimiser."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from boundcalc.library.case import read_case

    problem = read_case(case)
    sites, tight = marks(problem, found)
    seen = [*sites, *(point for _, point in tight)]
    base = (seen or [[0.0] * len(problem.variables)])[0]
    sides = window(problem, near([*seen, *failures(problem, found)]))
    canvas = FigureCanvasAgg(Figure(figsize=(4.2, 3.0), layout="constrained"))
    axes = canvas.figure.add_subplot()
    flat = len(problem.variables) == 1
    height = curves(axes, problem, base, sides[0]) if flat else None
    if not flat:
        contours(axes, problem, base, sides)
        if len(base) > 2:
            rest = zip(problem.variables[2:], base[2:], strict=True)
            axes.set_title(", ".join(f"{v} = {c:.3g}" for v, c in rest), fontsize=8)

    def spot(point: Sequence[float]) -> tuple[float, float]:
        return (point[0], height(point)) if height else (point[0], point[1])

    edge = {"markeredgecolor": "white", "markeredgewidth": 0.5, "clip_on": False, "zorder": 3}
    for site in sites:
        if np.allclose(site[2:], base[2:]) and inside(site, sides):  # else it is not on the slice
            axes.plot(*spot(site), "o", color="C1", markersize=7, **edge)
    marked = [(label, p) for label, p in tight if inside(p, sides)]
    shown = [(x, p) for x, p in gathered(marked, sides) if np.allclose(p[2:], base[2:])]
    for _, point in shown:
        axes.plot(*spot(point), "X", color="C3", markersize=6, **edge)
    named(axes, [(", ".join(labels), spot(point)) for labels, point in shown])
    save(canvas, path)


def named(axes: Axes, labels: Sequence[tuple[str, tuple[float, float]]]) -> None:
    """Write labels beside their marks, toward the middle of the figure and not on one line."""
    axes.autoscale_view()  # else the view is set when the figure is drawn
    place = axes.transData + axes.transAxes.inverted()
    taken: list[tuple[bool, float]] = []
    for label, at in labels:
        x, y = place.transform(at)
        up = y < 0.5
        up ^= any(up == other and abs(y - height) < 0.08 for other, height in taken)
        taken.append((up, y))
        axes.annotate(
            label,
            at,
            fontsize=7,
            xytext=(5 if x < 0.5 else -5, 5 if up else -5),
            textcoords="offset points",
            ha="left" if x < 0.5 else "right",
            va="bottom" if up else "top",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
            zorder=4,
        )


def save(canvas: Any, path: Path) -> None:
    """As PNG of 64 colours, coarser until it is small enough."""
    from PIL import Image

    for dots in (110, 90, 70, 50):
        canvas.figure.set_dpi(dots)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        # the method that keeps rare colours, those of the marks
        picture.quantize(64, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
