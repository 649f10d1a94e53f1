"""Several logs as one: their rows one after the other, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.columns import ConstantColumn
from boundcalc.logs.formats.partitioned import natural
from boundcalc.logs.guard import listed
from boundcalc.logs.log import Column, Log, Part
from boundcalc.logs.schema import COLUMNS, NEEDS, Purpose, ruled_out

_MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class JoinedColumn:
    """Columns one after the other. starts : first row of each, and the number of all rows."""

    columns: tuple[Column, ...]
    starts: tuple[int, ...]

    @property
    def rows(self) -> int:
        return self.starts[-1]

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        parts = []
        for k in range(max(0, first), len(self.columns)):
            low, high = max(start, self.starts[k]), min(stop, self.starts[k + 1])
            if low >= stop:
                break
            parts.append(self.columns[k].read(low - self.starts[k], high - self.starts[k]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Labels as texts, so that they can be told from those of logs whose labels are texts."""

    column: Column

    @property
    def rows(self) -> int:
        return self.column.rows

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        return self.column.read(start, stop).astype(str)


def joined(
    logs: Sequence[Log], purpose: Purpose, *, separate: bool, source: str | None = None
) -> Log:
    """One log of all rows.

    separate : a log without a column `run` is a run of its own, called by its source.
    source : the name of the whole, by default those of its parts.

    Raises InputError where the logs have too little in common.
    """
    if separate:
        logs = sorted(logs, key=lambda log: natural(log.source))
    if len(logs) == 1 and not separate:
        return _enough(replace(logs[0], source=source or logs[0].source), purpose)
    starts = tuple(accumulate((log.rows for log in logs), initial=0))
    name = source or _name([log.source for log in logs])
    columns, warnings = _columns(logs, starts, separate)
    minima = {log.loss_min for log in logs}
    loss_min: float | None = minima.pop() if len(minima) == 1 else None
    if loss_min is None:
        columns["loss_min"] = JoinedColumn(tuple(map(_loss_min, logs)), starts)
    given = [log.loss_min_given for log in logs]
    if any(given) and not all(given):
        without = listed(log.source for log in logs if not log.loss_min_given)
        warnings.append(f"loss_min = 0 in {without}, which has none of its own")
    if not purpose.needed and len(ruled_out(columns)) == len(NEEDS):
        found = f"only {listed(columns)} in all of these logs: too little for any condition"
        fix = "fit them one by one, or log the same columns"
        raise InputError(Fault(name, found, "columns that all logs have", fix))
    shared = _same_everywhere([log.warnings for log in logs])
    warnings += shared
    for log in logs:
        warnings += [f"{log.source}: {said}" for said in log.warnings if said not in shared]
    parts = [
        Part(part.source, start + part.first_row, part.rows)
        for log, start in zip(logs, starts, strict=False)
        for part in log.parts or (Part(log.source, 0, log.rows),)
    ]
    forms = {log.form for log in logs}
    return _enough(
        Log(
            source=name,
            form=forms.pop() if len(forms) == 1 else "scalar",
            rows=starts[-1],
            columns={n: columns[n] for n in COLUMNS if n in columns},
            loss_min=loss_min,
            loss_min_given=any(given),
            warnings=tuple(warnings),
            vectors=_vectors(logs, starts),
            withheld={c: why for log in logs for c, why in log.withheld.items()},
            parts=tuple(parts),
        ),
        purpose,
    )


def _enough(log: Log, purpose: Purpose) -> Log:
    if log.rows < purpose.least_rows:
        expected = "a run of at least two rows"
        raise InputError(Fault(log.source, "one row", expected, "log more steps"))
    return log


def _name(sources: Sequence[str]) -> str:
    more = len(sources) - _MOST_NAMED
    return ", ".join(sources[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _columns(
    logs: Sequence[Log], starts: tuple[int, ...], separate: bool
) -> tuple[dict[str, Column], list[str]]:
    """The columns that all logs have; those of labels made alike; what is left out, said."""
    every = [set(log.columns) for log in logs]
    common, some = set.intersection(*every), set.union(*every)
    columns: dict[str, Column] = {}
    warnings = []
    for name in (n for n in COLUMNS if n in some and n != "loss_min"):
        spec = COLUMNS[name]
        if name == "run" and (name in common or separate):
            columns[name] = JoinedColumn(_alike([_run(log) for log in logs]), starts)
        elif name in common:
            parts = [log.columns[name] for log in logs]
            parts = list(_alike(parts)) if spec.kind == "label" and not spec.counted else parts
            columns[name] = JoinedColumn(tuple(parts), starts)
        elif spec.kind == "sparse":
            parts = [log.columns.get(name) or _constant(np.nan, log.rows) for log in logs]
            columns[name] = JoinedColumn(tuple(parts), starts)
        else:
            without = listed(log.source for log in logs if name not in log.columns)
            warnings.append(f"{name}: left out, since it is not in {without}")
    if separate and "run" not in columns:
        columns["run"] = JoinedColumn(tuple(map(_run, logs)), starts)
    if separate and "run" not in common:
        warnings.append("a log without a column run counts as a run of its own, independent")
    elif separate:
        warnings += _shared_runs([log for log in logs if "run" in log.columns])
    return columns, warnings


def _run(log: Log) -> Column:
    """The runs of a log: its own, or the log itself as one."""
    if "run" in log.columns:
        return log.columns["run"]
    return ConstantColumn(np.array([log.source]), log.rows)


def _shared_runs(logs: Sequence[Log]) -> list[str]:
    """A warning where two logs begin with a run of the same name: it counts as one run."""
    first: dict[object, str] = {}
    for log in logs:
        label = log.columns["run"].read(0, 1)[0].item()
        if label in first:
            return [
                f"run {label!r} is in {first[label]} and in {log.source}: its rows count as one "
                "run (leave out the column run where every log is a run of its own)"
            ]
        first[label] = log.source
    return []


def _alike(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns, as texts where some are texts."""
    kinds = {column.read(0, 1).dtype.kind for column in columns}
    return tuple(columns) if len(kinds) == 1 else tuple(map(TextColumn, columns))


def _loss_min(log: Log) -> Column:
    return log.columns["loss_min"] if log.loss_min is None else _constant(log.loss_min, log.rows)


def _constant(value: float, rows: int) -> Column:
    return ConstantColumn(np.array([value]), rows)


def _vectors(logs: Sequence[Log], starts: tuple[int, ...]) -> dict[str, Column]:
    """x and grad, where all logs have both and they are equally long."""
    names = set.intersection(*(set(log.vectors) for log in logs)) if logs else set()
    shapes = {n: {log.vectors[n].read(0, 1).shape[1:] for log in logs} for n in names}
    kept = {n for n in names if len(shapes[n]) == 1 and COLUMNS[n].dims[0] == "N"}
    if not {"x", "grad"} <= kept:
        return {}
    return {n: JoinedColumn(tuple(log.vectors[n] for log in logs), starts) for n in kept}


def _same_everywhere(warnings: Iterable[tuple[str, ...]]) -> list[str]:
    every = list(warnings)
    return [said for said in every[0] if all(said in others for others in every[1:])]
