"""What a search is doing, on stderr, once it has taken a while, on a terminal only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

_PATIENCE = 0.7  # seconds without a line: many searches end before


@contextmanager
def stage_progress() -> Iterator[Callable[..., None]]:
    """A callback (stage, done = None, total = None) that shows the stage with a clock."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    began = time.monotonic()
    with ExitStack() as stack:
        shown: tuple[Progress, TaskID] | None = None

        def report(stage: str, done: float | None = None, total: float | None = None) -> None:
            nonlocal shown
            if not console.is_terminal or time.monotonic() - began < _PATIENCE:
                return
            if shown is None:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
                bar = stack.enter_context(Progress(*columns, console=console, transient=True))
                shown = bar, bar.add_task("", total=None)
            amount = "" if done is None else f" {done:,.0f}"
            amount += "" if total is None else f" of {total:,.0f}"
            bar, task = shown
            bar.update(task, description=stage.replace("[", "\\[") + amount)

        yield report
