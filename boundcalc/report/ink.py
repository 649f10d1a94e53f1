"""How figures look: colours that the colour-blind can tell apart, and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from boundcalc.logs.log import Float

# Okabe & Ito (2008)
BLUE, ORANGE, RED, GREEN = "#0072B2", "#E69F00", "#D55E00", "#009E73"
BLACK, GREY, PALE = "#222222", "#777777", "#CFE3F1"

_SETTINGS = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.hashsalt": "boundcalc",  # so that the same figure gets the same bytes
}


_LEGEND_BELOW = 0.5  # inches under the axis: room for its labels


@contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's own defaults and the settings above, whatever a matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]  # keys typed as literals
        yield


def legend_below(axes: Axes, columns: int = 3, title: str | None = None) -> None:
    """The legend under the axis labels, where it covers no data."""
    if not axes.get_legend_handles_labels()[0]:
        return
    legend = axes.legend(
        loc="upper left",
        bbox_to_anchor=(0.0, -_LEGEND_BELOW / _height(axes)),
        ncols=columns,
        columnspacing=1.4,
        handlelength=1.8,
        borderpad=0.0,
        borderaxespad=0.0,
        title=title,
        title_fontsize=8.5,
        alignment="left",
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _height(axes: Axes) -> float:
    """Of the panel, in inches."""
    figure = axes.get_figure(root=True)
    return axes.get_position().height * float(figure.get_figheight()) if figure else 1.0


def log_limits(values: Float) -> tuple[float, float]:
    """Limits of a logarithmic axis that shows all positive, finite values with some room."""
    exponents = np.log10(values[np.isfinite(values) & (values > 0)])
    if not len(exponents):
        return 0.5, 2.0
    low, high = float(exponents.min()), float(exponents.max())
    room = max(0.05 * (high - low), 0.3 if high - low < 0.3 else 0.0)
    return 10.0 ** max(low - room, -307.0), 10.0 ** min(high + room, 307.0)


def plain_log_ticks(axis: Axis) -> None:
    """A logarithmic axis of few decades with 0.02, 0.05, 0.1; of very many with few ticks."""
    low, high = np.log10(sorted(axis.get_view_interval()))
    if high - low < 2.5:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    elif high - low > 50:  # matplotlib's own ticks would overflow next to the largest floats
        exponents = np.round(np.linspace(low + 1, high - 1, 6))
        axis.set_major_locator(FixedLocator((10.0**exponents).tolist()))
        axis.set_minor_locator(NullLocator())


def drawable(text: str) -> str:
    """`text` with ? for the characters that the font lacks."""
    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(c if ord(c) in known else "?" for c in text)


def short(value: float, digits: int = 4) -> str:
    """`digits` significant digits, with a minus as the axes have it."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")
