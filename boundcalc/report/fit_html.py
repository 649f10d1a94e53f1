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
from boundcalc.report.write import write_whole

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


def write_html(
    assessment: Assessment, log: Log, path: Path, progress: Progress | None = None
) -> None:
    """Write the report to `path`, whole or not at all; nothing in it is loaded from elsewhere.

    Raises InputError where `path` cannot be written to.
    """
    console = Console(record=True, file=io.StringIO(), width=120, force_terminal=True)
    print_fit(assessment, console)
    page = console.export_html(code_format=_PAGE)
    with tempfile.TemporaryDirectory() as folder:
        figure = Path(folder) / "fit.svg"
        draw_fit(assessment, log, figure, progress)
        drawn = figure.read_text(encoding="utf-8")
    page = page.replace("<!-- figure -->", drawn[drawn.index("<svg") :])

    def write(temporary: Path) -> None:
        temporary.write_text(page, encoding="utf-8")

    write_whole(path, write)
