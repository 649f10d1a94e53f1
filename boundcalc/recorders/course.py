"""What two passes over one run have in common: losses of the first, rows of the second, a report.

A log needs x_ref, the last iterate, on every row, and no run knows its last iterate before its end.
So the run is made twice from the same start with the same data order: first to find x_ref, then to
write the rows. The two must see the same losses; whether they did is measured and reported.
"""

from __future__ import annotations

import math
import os
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.recorders.writer import PART_ROWS, LogWriter, Value, check_run


@dataclass(frozen=True)
class Report:
    """What was recorded: the log and its rows, the time the recorder took of the second pass, and
    how far the losses of the two passes are apart (rows that differ, the largest difference)."""

    path: Path
    rows: int
    steps: int
    overhead_seconds: float
    seconds: float
    differing: int
    difference: float

    def __str__(self) -> str:
        share = self.overhead_seconds / self.seconds if self.seconds else 0.0
        lines = [
            f"{self.path}: {self.rows} rows of {self.steps} steps; recording took "
            f"{self.overhead_seconds:.2g} s of {self.seconds:.2g} s ({share:.0%}), after a first "
            "pass without rows"
        ]
        if self.differing:
            lines.append(
                f"the replay is another run: {self.differing} of {self.steps} losses differ from "
                f"the first pass, by up to {self.difference:.3g}. The rows are still those of one "
                "run (the second), but x_ref is the last iterate of the first: seed all random "
                "numbers inside the training function, or pass what has a state as `state`"
            )
        else:
            lines.append("the replay met the same losses as the first pass, bit for bit")
        return "\n".join(lines)


class Course:
    """The bookkeeping of two passes; `recording` tells which one is going on.

    path, run, append, part_rows : where rows go, as LogWriter has them; `run` labels every row.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        run: int | str | None = None,
        append: bool = False,
        part_rows: int = PART_ROWS,
    ) -> None:
        if append:
            check_run(Path(path), run)
        self._writer = LogWriter(path, append=append, part_rows=part_rows)
        self._run = run
        self._losses = array("d")
        self._differing, self._difference = 0, 0.0
        self._started, self._overhead = time.perf_counter(), 0.0
        self.recording, self._over = False, False
        self.step = 0

    def saw(self, loss: float) -> None:
        """A step with this loss: remembered in the first pass, compared in the second."""
        if self._over:
            fix = "call it in the training function only"
            where = str(self._writer.path)
            raise InputError(Fault(where, "a recorder that is used after its replay", "none", fix))
        if not self.recording:
            self._losses.append(loss)
        else:
            first = self._losses[self.step] if self.step < len(self._losses) else math.nan
            if not (loss == first or (math.isnan(loss) and math.isnan(first))):
                self._differing += 1
                self._difference = max(self._difference, _distance(loss, first))
        self.step += 1

    def row(self, **values: Value) -> None:
        """A row of the log, at the present step."""
        if self._run is not None:
            values["run"] = self._run
        self._writer.append(step=self.step, **values)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What happens inside is the recorder's own work."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._overhead += time.perf_counter() - start

    def record(self) -> None:
        """The first pass is over, the second begins."""
        if not self.step:
            self.abandon()
            raise InputError(
                Fault(
                    str(self._writer.path),
                    "a training function that recorded no step",
                    "at least two steps",
                    "call the recorder in the training loop",
                )
            )
        self.recording, self.step = True, 0
        self._started, self._overhead = time.perf_counter(), 0.0

    def finish(self, *, quiet: bool) -> Report:
        """Write the log; say on standard error what was recorded, unless `quiet`."""
        seconds, self._over = time.perf_counter() - self._started, True
        missed = abs(len(self._losses) - self.step)  # steps that only one of the passes made
        if self.step < len(self._losses):
            self._differing += missed
            self._difference = math.inf
        report = Report(
            self._writer.close(),
            self._writer.rows,
            self.step,
            self._overhead,
            seconds,
            self._differing,
            self._difference,
        )
        if not quiet:
            sys.stderr.write(f"{report}\n")
        return report

    def abandon(self) -> None:
        """After an error: what was written stays as parts; with no row at all nothing stays."""
        self._over = True
        self._writer.abandon()


def _distance(one: float, other: float) -> float:
    gap = abs(one - other)
    return math.inf if math.isnan(gap) else gap


@contextmanager
def abandoned_on_error(course: Course) -> Iterator[None]:
    """Leave nothing half-written when the training function fails."""
    try:
        yield
    except BaseException:
        course.abandon()
        raise
