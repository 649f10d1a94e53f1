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
    from boundcalc.search.numeric.landscape import landscape

    tape = landscape(problem).value_tape
    first, second = (np.linspace(*side, 181) for side in sides[:2])
    x, y = np.meshgrid(first, second)
    points = np.tile(np.asarray(base, float), (x.size, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    values = tape.points(points)[:, 0].reshape(x.shape)
    levels = np.unique(np.nanquantile(values, np.linspace(0, 1, 16)))
    if len(levels) > 1:
        axes.contourf(x, y, values, levels=levels, cmap="Blues_r", extend="both")
        axes.contour(x, y, values, levels=levels, colors="white", linewidths=0.4)
    axes.set_xlabel(problem.variables[0])
    axes.set_ylabel(problem.variables[1])


def marks(problem: Problem, found: Json) -> tuple[list[list[float]], dict[str, list[float]]]:
    """Minimisers, and where which condition is tight."""
    sites = [p for point in found["minimisers"] if (p := place(point, problem.variables))]
    tight: dict[str, list[float]] = {}
    for row in found["tight"]:
        at = place(row["attained_at"], problem.variables)
        if at is not None and row["verdict"] == "enclosed":
            label = row["condition"]
            same = next((key for key, point in tight.items() if np.allclose(point, at)), None)
            tight[f"{same}, {label}" if same and label not in same else label] = (
                tight.pop(same) if same else at
            )
    return sites, tight


def figure(case: Path, found: Json, path: Path) -> None:
    """Draw one case: a curve, a contour plot, or a contour plot of a slice through a minimiser."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from boundcalc.library.case import read_case

    problem = read_case(case)
    sites, tight = marks(problem, found)
    seen = [*sites, *tight.values()]
    base = (seen or [[0.0] * len(problem.variables)])[0]
    sides = window(problem, seen)
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

    for site in sites:
        if np.allclose(site[2:], base[2:]):  # else it is not on the slice
            axes.plot(*spot(site), "o", color="C1", markersize=5)
    veil = {"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0}
    for label, point in tight.items():
        if np.allclose(point[2:], base[2:]):
            axes.plot(*spot(point), "x", color="C3", markersize=6, clip_on=False)
            axes.annotate(
                label, spot(point), fontsize=7, xytext=(3, 4), textcoords="offset points", bbox=veil
            )
    save(canvas, path)


def save(canvas: Any, path: Path) -> None:
    """As PNG of 64 colours, coarser until it is small enough."""
    from PIL import Image

    for dots in (110, 90, 70, 50):
        canvas.figure.set_dpi(dots)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        picture.quantize(64).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
