"""One sketch from several that were saved apart: what a fit of all their logs at once would have.

As in a fit of several logs, rows are numbered through in the order of the logs' names, and a log
without a column `run` is a run of its own, called by its name. What is joined may have been joined
before: the logs that it is of are put in order again, so that any grouping gives the same sketch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

Renumbered = Callable[[NDArray[np.int64]], NDArray[np.int64]]

_ROW = ("start_row", "full_first_row", "full_last_row", "full_least_row", "full_next_row")


def join(kept: Sequence[Kept]) -> tuple[Log, Sketch]:
    """The log of all rows, which cannot be read, and its sketch.

    Raises InputError where two are of the same log, or were made with other columns or windows.
    """
    if len(kept) == 1:
        return kept[0].log, kept[0].sketch
    ordered = sorted(kept, key=lambda one: natural(_parts(one)[0].source))
    _check(ordered)
    starts = _starts(ordered)
    parts = [_moved(one, _renumbering(one, starts)) for one in ordered]
    _same_plans(ordered, parts)
    sketch = reduce(merge, parts)
    return _log(ordered, parts[0], starts), sketch


def _parts(one: Kept) -> tuple[Part, ...]:
    """The logs that a sketch is of."""
    return one.log.parts or (Part(one.log.source, 0, one.log.rows),)


def _starts(ordered: Sequence[Kept]) -> dict[str, int]:
    """The first row of every log in the whole."""
    parts = sorted(
        (part for one in ordered for part in _parts(one)), key=lambda part: natural(part.source)
    )
    starts = accumulate((part.rows for part in parts), initial=0)
    return {part.source: start for part, start in zip(parts, starts, strict=False)}


def _renumbering(one: Kept, starts: Mapping[str, int]) -> Renumbered:
    """Row numbers of a sketch as row numbers in the whole; negative ones stand for no row."""
    parts = _parts(one)
    firsts = np.array([part.first_row for part in parts], dtype=np.int64)
    shifts = np.array([starts[part.source] for part in parts], dtype=np.int64) - firsts

    def renumbered(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        here = np.searchsorted(firsts, rows, side="right") - 1
        return np.where(rows < 0, rows, rows + shifts[np.maximum(here, 0)])

    return renumbered


def _check(ordered: Sequence[Kept]) -> None:
    names = [part.source for one in ordered for part in _parts(one)]
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


def _moved(one: Kept, renumbered: Renumbered) -> Sketch:
    """The sketch with its rows numbered as in the whole, and with a run of its own."""
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
        first_dropped=None if first is None else _one(renumbered, first),
        envelope=Envelope(
            **{
                entry.name: _rows_from(getattr(sketch.envelope, entry.name), renumbered)
                for entry in fields(Envelope)
            }
        ),
        extremes={
            name: replace(extreme, row=_one(renumbered, extreme.row))
            for name, extreme in sketch.extremes.items()
        },
        steps=replace(sketch.steps, row=renumbered(sketch.steps.row)),
        sums=_windows_from(sketch.sums, shift // width),
        runs=None if runs is None else _runs_from(runs, renumbered),
    )


def _one(renumbered: Renumbered, row: int) -> int:
    return int(renumbered(np.array([row], dtype=np.int64))[0])


def _rows_from(rows: Rows, renumbered: Renumbered) -> Rows:
    return replace(rows, row=renumbered(rows.row))


def _windows_from(sums: Sums, shift: int) -> Sums:
    return replace(sums, windows={key + shift: value for key, value in sums.windows.items()})


def _runs_from(runs: Runs, renumbered: Renumbered) -> Runs:
    moved: dict[str, Any] = {name: renumbered(getattr(runs, name)) for name in _ROW}
    return replace(runs, **moved)


def _log(ordered: Sequence[Kept], sketch: Sketch, starts: Mapping[str, int]) -> Log:
    """The log of all rows."""
    first = ordered[0].log
    rows, source = sum(one.log.rows for one in ordered), f"{len(starts)} logs, by their sketches"
    columns: dict[str, Column] = {name: Gone(source, rows) for name in sorted(sketch.plan.names)}
    if any(one.numbered or "step" not in one.sketch.plan.names for one in ordered):
        columns["step"] = PositionInRun(Gone(source, rows))
    sizes = {part.source: part.rows for one in ordered for part in _parts(one)}
    parts = tuple(Part(name, start, sizes[name]) for name, start in starts.items())
    warnings = {
        words if one.log.parts else f"{one.log.source}: {words}"
        for one in ordered
        for words in one.log.warnings
    }
    given = all(one.log.loss_min_given for one in ordered)
    withheld = {name: why for one in ordered for name, why in one.log.withheld.items()}
    return replace(
        first,
        source=source,
        rows=rows,
        columns=columns,
        loss_min_given=given,
        warnings=tuple(sorted(warnings, key=natural)),
        withheld=withheld,
        parts=parts,
    )
