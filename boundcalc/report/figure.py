"""`--plot`: one figure of a fit, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from boundcalc.errors import Fault, InputError
from boundcalc.guarantees.assessment import Assessment, Progress
from boundcalc.guarantees.grid import grid
from boundcalc.logs.log import Log
from boundcalc.report.course import draw_course, draw_slack, draw_staircase
from boundcalc.report.ink import drawable, house_style
from boundcalc.report.plane import draw_heat, draw_plane, window_of
from boundcalc.report.sentence import answer
from boundcalc.report.trace import Trace, trace
from boundcalc.report.write import FIGURES, Writer, check_output_paths, write_whole

# suffix -> metadata that would otherwise hold the time of day
KINDS: dict[str, dict[str, None]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
DPI = 130
_LINE = 135  # characters of the heading

# The page, in inches: constrained layouts would let a long legend squeeze its panel.
_WIDTH = 10.0
_LEFT, _RIGHT = (0.8, 3.85), (5.65, 4.15)  # columns: where they begin, how wide they are
_ACROSS = (0.8, 9.0)
_TALL, _FLAT = 2.55, 2.0  # a panel, a wide panel
_ABOVE, _BELOW, _ENTRY = 0.4, 0.58, 0.17  # title; axis labels; each line of a legend
_HEADLINE = 0.2  # each line of the heading


@dataclass(frozen=True)
class Panel:
    """One panel: how to draw it, the lines its legend may have, whether it likes a wide row."""

    draw: Callable[[Axes], None]
    legend: int
    wide: bool = False


def check_figure_path(path: Path) -> None:
    """Raise InputError unless `path` names a figure that can be written: ask before a long fit."""
    check_output_paths([(path, FIGURES)])


def draw_fit(
    assessment: Assessment, log: Log, path: Path, progress: Progress | None = None
) -> None:
    """Draw what the fit of `log` says and write it to `path`: .png, .svg or .pdf.

    Panels: the (α, β) plane, the heat map of the worst row, slack of every row, promise against
    observed loss, PL staircase; those whose columns are missing are left out. The log is read
    again, at flat memory. The file appears whole or not at all, and the same fit gives the same
    bytes.

    Raises InputError for another suffix, a place that cannot be written to, a log without any
    column to draw. Reference (heat map): Islamov et al. 2024 (arXiv 2410.12455).
    """
    check_figure_path(path)
    write_whole(path, figure_writer(assessment, log, path.suffix, progress))


def figure_writer(
    assessment: Assessment, log: Log, suffix: str, progress: Progress | None = None
) -> Writer:
    """What fills a file with the figure; `suffix` says its kind."""
    kind = suffix.lower()

    def write(place: Path) -> None:
        with house_style():
            figure = figure_of(assessment, log, progress)
            figure.savefig(place, format=kind[1:], dpi=DPI, metadata=KINDS[kind])

    return write


def figure_file(figure: Figure, path: Path) -> None:
    """Write any figure, whole or not at all. Raises InputError for another suffix."""
    kind = path.suffix.lower()
    check_figure_path(path)
    write_whole(
        path,
        lambda place: figure.savefig(place, format=kind[1:], dpi=DPI, metadata=KINDS[kind]),
    )


def figure_of(assessment: Assessment, log: Log, progress: Progress | None = None) -> Figure:
    """The figure itself, under the current style."""
    seen = trace(log, assessment, progress)
    panels = _panels(assessment, log, seen, progress)
    if not panels:
        raise InputError(
            Fault(
                log.source,
                "no column that a figure shows",
                "loss with loss_ref, inner, grad_sqnorm or full_loss",
                "log more columns, or leave out --plot",
            )
        )
    rows = _layout(panels)
    said = wrap(drawable(f"{Path(log.source).name}: {answer(assessment)}"), _LINE)
    heading = _HEADLINE * (len(said) + 0.5)
    heights = [_FLAT if row[0].wide else _TALL for row in rows]
    below = [_BELOW + _ENTRY * max(panel.legend for panel in row) for row in rows]
    page = heading + sum(heights) + sum(below) + _ABOVE * len(rows)
    figure = Figure(figsize=(_WIDTH, page))
    at = page - heading
    for row, height, under in zip(rows, heights, below, strict=True):
        at -= _ABOVE + height
        places = (_ACROSS,) if len(row) == 1 else (_LEFT, _RIGHT)
        for panel, (left, width) in zip(row, places, strict=True):
            box = (left / _WIDTH, at / page, width / _WIDTH, height / page)
            panel.draw(figure.add_axes(box))
        at -= under
    figure.text(
        0.012,
        1 - 0.4 * _HEADLINE / page,
        "\n".join(said),
        va="top",
        fontsize=10,
        parse_math=False,
    )
    return figure


def _panels(
    assessment: Assessment, log: Log, seen: Trace, progress: Progress | None
) -> list[Panel]:
    """The panels that the log has columns for, in order."""
    fit = assessment.fit
    panels: list[Panel] = []
    if fit.alpha_beta is not None:
        window = window_of(assessment)
        worst = grid(
            log,
            *window.axes(),
            drop_nonfinite=assessment.request.drop_nonfinite,
            progress=None if progress is None else lambda rows: progress("heat map", rows),
        )
        panels.append(Panel(lambda axes: draw_plane(axes, assessment, window, seen), 1))
        panels.append(Panel(lambda axes: draw_heat(axes, assessment, window, worst), 2))
    if seen.slack is not None:
        panels.append(Panel(lambda axes: draw_slack(axes, assessment, seen), 1, wide=True))
    if seen.observed is not None or assessment.guarantees:
        lines = 5 if assessment.guarantees else 3
        panels.append(Panel(lambda axes: draw_course(axes, assessment, seen), lines))
    if fit.staircase is not None and fit.staircase.epsilon:
        staircase = fit.staircase
        panels.append(Panel(lambda axes: draw_staircase(axes, staircase), 0))
    return panels


def _layout(panels: list[Panel]) -> list[list[Panel]]:
    """Two panels in a row; a wide one is alone in the second row, an odd one in the last."""
    others = [panel for panel in panels if not panel.wide]
    rows = [others[k : k + 2] for k in range(0, len(others), 2)]
    rows[1:1] = [[panel] for panel in panels if panel.wide]
    return rows
