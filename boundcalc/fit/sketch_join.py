"""One sketch from several that were saved apart: what a fit of all their logs at once would have.

As in a fit of several logs, rows are numbered through in the order of the logs' names, and a log
without a column `run` is a run of its own, called by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.fit.envelope import Envelope, Rows
from boundcalc.fit.moments import Sums
from boundcalc.fit.positions import PositionInRun
from boundcalc.fit.runs import Runs
from boundcalc.fit.sketch import Sketch, merge
from boundcalc.fit.sketch_file import Gone, Kept
from boundcalc.logs.formats.partitioned import natural
from boundcalc.logs.log import Column, Log, Part

_ROW = ("start_row", "full_first_row", "full_last_row", "full_least_row", "full_next_row")


def join(kept: Sequence[Kept]) -> tuple[Log, Sketch]:
    """The log of all rows, which cannot be read, and its sketch.

    Raises InputError where two are of the same log, or were made with other columns or windows.
    """
    if len(kept) == 1:
        return kept[0].log, kept[0].sketch
    ordered = sorted(kept, key=lambda one: natural(one.log.source))
    _check(ordered)
    starts = [0, *accumulate(one.log.rows for one in ordered)]
    parts = [_moved(one, start) for one, start in zip(ordered, starts, strict=False)]
    _same_plans(ordered, parts)
    sketch = reduce(merge, parts)
    return _log(ordered, parts[0], starts), sketch


def _check(ordered: Sequence[Kept]) -> None:
    names = [one.log.source for one in ordered]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        fix = "merge each once; name logs apart"
        raise InputError(Fault(", ".join(twice), "two sketches of it", "one of each log", fix))
    _check_runs(ordered)
    minima = {one.log.loss_min for one in ordered}
    if len(minima) > 1:
        found = "sketches with several values of loss_min"
        fix = "make all with the same --loss-min"
        raise InputError(Fault("loss_min", found, "one value, or a column in all", fix))


def _check_runs(ordered: Sequence[Kept]) -> None:
    """A run that goes on in another log needs logged steps: positions begin anew in each."""
    seen: dict[object, str] = {}
    for one in ordered:
        runs = one.sketch.runs
        if not one.numbered or runs is None:
            continue
        for label in runs.run.tolist():
            if label in seen:
                found = f"run {label!r} in both, and no column step"
                fix = "log the column step, or give each run a name of its own"
                places = f"{seen[label]}, {one.log.source}"
                raise InputError(Fault(places, found, "runs apart, or steps", fix))
            seen[label] = one.log.source


def _same_plans(ordered: Sequence[Kept], parts: Sequence[Sketch]) -> None:
    """Raise InputError unless the sketches can be merged; they say which window they use."""
    first = parts[0].plan
    for one, part in zip(ordered[1:], parts[1:], strict=True):
        if part.plan.names != first.names:
            differing = sorted(part.plan.names ^ first.names)
            found = f"columns that {ordered[0].log.source} lacks, or lacks those: {differing}"
            fix = "log the same columns"
            raise InputError(Fault(one.log.source, found, "the same columns in all", fix))
        if part.plan != first:
            found = f"windows of {part.plan.window.how}, from {part.plan.window.origin}"
            expected = f"those of {ordered[0].log.source}: {first.window.how}"
            fix = "save all sketches with the same --epoch N and --drop-nonfinite"
            raise InputError(Fault(one.log.source, found, expected, fix))


def _moved(one: Kept, start: int) -> Sketch:
    """The sketch with its rows numbered from `start`, and with a run of its own."""
    sketch = one.sketch
    plan, runs = sketch.plan, sketch.runs
    if "run" not in plan.names:
        names = plan.names | {"run", "step"}
        plan = replace(plan, names=names, window=replace(plan.window, by="step"))
        if runs is not None:
            runs = replace(runs, run=np.full(len(runs.run), one.log.source))
    width = plan.window.width
    plan = replace(plan, window=replace(plan.window, how=f"{width} steps", origin=0))
    shift = sketch.plan.window.origin
    if shift % width:
        fix = "save all sketches with the same --epoch N"
        found = f"windows of {width} steps that begin at step {shift}"
        raise InputError(Fault(one.log.source, found, "windows that begin at step 0", fix))
    first = sketch.first_dropped
    return replace(
        sketch,
        plan=plan,
        first_dropped=None if first is None else first + start,
        envelope=Envelope(
            **{
                entry.name: _rows_from(getattr(sketch.envelope, entry.name), start)
                for entry in fields(Envelope)
            }
        ),
        extremes={
            name: replace(extreme, row=extreme.row + start)
            for name, extreme in sketch.extremes.items()
        },
        steps=replace(sketch.steps, row=sketch.steps.row + start),
        sums=_windows_from(sketch.sums, shift // width),
        runs=None if runs is None else _runs_from(runs, start),
    )


def _rows_from(rows: Rows, start: int) -> Rows:
    return replace(rows, row=rows.row + start)


def _windows_from(sums: Sums, shift: int) -> Sums:
    return replace(sums, windows={key + shift: value for key, value in sums.windows.items()})


def _runs_from(runs: Runs, start: int) -> Runs:
    moved: dict[str, Any] = {name: _from(getattr(runs, name), start) for name in _ROW}
    return replace(runs, **moved)


def _from(rows: NDArray[np.int64], start: int) -> NDArray[np.int64]:
    return np.where(rows < 0, rows, rows + start)


def _log(ordered: Sequence[Kept], sketch: Sketch, starts: Sequence[int]) -> Log:
    """The log of all rows."""
    first = ordered[0].log
    rows, source = starts[-1], f"{len(ordered)} sketches"
    columns: dict[str, Column] = {name: Gone(source, rows) for name in sorted(sketch.plan.names)}
    if any(one.numbered or "step" not in one.sketch.plan.names for one in ordered):
        columns["step"] = PositionInRun(Gone(source, rows))
    parts = tuple(
        Part(part.source, start + part.first_row, part.rows)
        for one, start in zip(ordered, starts, strict=False)
        for part in (one.log.parts or (Part(one.log.source, 0, one.log.rows),))
    )
    warnings = dict.fromkeys(
        f"{one.log.source}: {words}" for one in ordered for words in one.log.warnings
    )
    given = all(one.log.loss_min_given for one in ordered)
    withheld = {name: why for one in ordered for name, why in one.log.withheld.items()}
    return replace(
        first,
        source=source,
        rows=rows,
        columns=columns,
        loss_min_given=given,
        warnings=tuple(warnings),
        withheld=withheld,
        parts=parts,
    )
