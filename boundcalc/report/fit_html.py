"""`--html`: the terminal report and the figure as one self-contained page."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console

from boundcalc.guarantees.assessment import Assessment, Progress
from boundcalc.logs.log import Log
from boundcalc.report.figure import draw_fit
from boundcalc.report.fit_terminal import print_fit
from boundcalc.report.write import Writer

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>boundcalc fit</title>
<style>
body {{ margin: 2em; max-width: 75em; }}
pre {{ white-space: pre-wrap; }}
{stylesheet}
</style>
</head>
<body style="background-color: {background}; color: {foreground}">
<pre style="font-family: Menlo, 'DejaVu Sans Mono', Consolas, monospace">{code}</pre>
<!-- figure -->
</body>
</html>
"""


def page_writer(assessment: Assessment, log: Log, progress: Progress | None = None) -> Writer:
    """What fills a file with the page; nothing in it is loaded from elsewhere."""

    def write(place: Path) -> None:
        place.write_text(page_of(assessment, log, progress), encoding="utf-8")

    return write


def page_of(assessment: Assessment, log: Log, progress: Progress | None = None) -> str:
    """The page itself."""
    console = Console(record=True, file=io.StringIO(), width=120, force_terminal=True)
    print_fit(assessment, console)
    page = console.export_html(code_format=_PAGE)
    with tempfile.TemporaryDirectory() as folder:
        figure = Path(folder) / "fit.svg"
        draw_fit(assessment, log, figure, progress)
        drawn = figure.read_text(encoding="utf-8")
    return page.replace("<!-- figure -->", drawn[drawn.index("<svg") :])
