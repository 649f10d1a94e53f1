"""A progress bar on stderr, for work that has taken a while, on a terminal only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from boundcalc.guarantees.assessment import Progress as Callback

_PATIENCE = 0.7  # seconds without a bar: most fits end before


@contextmanager
def row_progress(rows: int) -> Iterator[Callback]:
    """A callback (stage, rows done) that draws a bar once the work has lasted."""
    console = Console(stderr=True)
    began = time.monotonic()
    bars: dict[str, TaskID] = {}
    with ExitStack() as stack:
        progress: Progress | None = None

        def report(stage: str, done: int) -> None:
            nonlocal progress
            if not console.is_terminal or time.monotonic() - began < _PATIENCE:
                return
            if progress is None:
                columns = (
                    TextColumn("{task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TimeRemainingColumn(),
                )
                progress = stack.enter_context(Progress(*columns, console=console, transient=True))
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=rows)
            progress.update(bars[stage], completed=done)

        yield report
