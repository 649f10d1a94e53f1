"""CSV files of trackers: Lightning's metrics.csv, W&B's history, MLflow's metric history."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from boundcalc.errors import Fault, InputError
from boundcalc.logs.foreign.history import Gathering, History
from boundcalc.logs.foreign.names import is_known
from boundcalc.logs.foreign.pair import found_in
from boundcalc.logs.formats.csv import header_of, records
from boundcalc.logs.found import Found
from boundcalc.logs.guard import shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place
from boundcalc.logs.schema import COLUMNS

_WEIGHTS_AND_BIASES = "history() returns a sample of 500 rows; scan_history() returns all"
# Columns that only a log of ours has: such a table is read as it is.
_OURS = {name for name in COLUMNS if name not in {"loss", "step", "run", "sample", "stepsize"}}


def kind_of(names: Collection[str]) -> str | None:
    """What wrote a table with these columns; None for a log of columns as they are."""
    every = set(names)
    if every & _OURS:
        return None
    if {"key", "value", "step"} <= every:
        return "mlflow"
    if "_step" in every or any(name.endswith("__MAX") for name in every):
        return "wandb"
    known = any(is_known(name) and name not in COLUMNS for name in every)
    return "lightning" if {"step", "epoch"} <= every and known else None


def read_tracked(place: Place, asked: Asked) -> Found:
    """The metrics of a tracker's CSV file, merged by step."""
    header = header_of(place)
    kind = kind_of(header)
    if kind == "mlflow":
        return found_in(_long(place, asked), asked)
    history = _wandb(place, asked, header) if kind == "wandb" else _lightning(place, asked)
    return found_in(history, asked)


def _lightning(place: Place, asked: Asked) -> History:
    """One row per call, blanks where a metric was not part of it."""
    series = _wide(place, asked, lambda header: header.index("step"))
    return History(place.shown, "a Lightning metrics.csv", series.series(), series.others)


def _wandb(place: Place, asked: Asked, header: list[str]) -> History:
    """The history of a W&B run, or what a chart of its web page exports."""
    charts = [name for name in header if name.endswith(("__MIN", "__MAX"))]
    if charts:
        fix = "export the run itself: api.run(...).scan_history() as JSON lines or CSV"
        found = f"the export of a chart ({shown(charts[0])}): means over bins of steps"
        raise InputError(Fault(place.shown, found, "the history of a run", fix))
    series = _wide(place, asked, lambda header: header.index("_step"))
    return History(
        place.shown,
        "a W&B history",
        series.series(),
        series.others,
        sampled=_WEIGHTS_AND_BIASES,
    )


def _wide(place: Place, asked: Asked, axis: Callable[[list[str]], int]) -> Gathering:
    """A column per metric, a row per report."""
    gathering = Gathering(place.shown, asked)
    rows = records(place)
    _, header = next(rows, (0, []))
    at = axis(header)
    served = [(k, n) for k, n in enumerate(header) if k != at and gathering.serves(n)]
    for line, row in rows:
        if len(row) != len(header):
            raise _wrong(place, line, f"{len(row)} cells", f"{len(header)}, as in the first line")
        if not row[at].strip():
            continue  # Lightning writes such rows for hyper-parameters
        step = _step(place, line, row[at])
        for k, name in served:
            if row[k].strip():
                gathering.add(name, step, _value(place, line, row[k]))
    return gathering


def _long(place: Place, asked: Asked) -> History:
    """A row per value: key, value, step, as MlflowClient.get_metric_history gives them."""
    gathering = Gathering(place.shown, asked)
    rows = records(place)
    _, header = next(rows, (0, []))
    key, value, step = (header.index(name) for name in ("key", "value", "step"))
    run = next((header.index(name) for name in ("run_id", "run_uuid") if name in header), None)
    seen = None
    for line, row in rows:
        if len(row) != len(header):
            raise _wrong(place, line, f"{len(row)} cells", f"{len(header)}, as in the first line")
        if run is not None and row[run] != (seen := row[run] if seen is None else seen):
            fix = "export one file for each run"
            raise _wrong(place, line, f"another run, {shown(row[run], 40)}", "one run", fix)
        if gathering.serves(row[key]):
            at = _step(place, line, row[step])
            gathering.add(row[key], at, _value(place, line, row[value]))
    return History(place.shown, "an MLflow metric history", gathering.series(), gathering.others)


def _step(place: Place, line: int, cell: str) -> int:
    try:
        number = float(cell)
        if math.isfinite(number) and number == int(number):
            return int(cell) if cell.strip().lstrip("-").isdigit() else int(number)
    except ValueError:
        pass
    raise _wrong(place, line, f"step {shown(cell, 40)}", "an integer")


def _value(place: Place, line: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise _wrong(place, line, shown(cell, 40), "a number") from None


def _wrong(
    place: Place, line: int, found: str, expected: str, fix: str = "export the file again"
) -> InputError:
    return InputError(Fault(f"{place.shown}: line {line}", found, expected, fix))


def read_wandb_lines(place: Place, asked: Asked) -> Found:
    """The history of a W&B run as JSON lines, one report per line."""
    from boundcalc.logs.formats.jsonl import objects

    gathering = Gathering(place.shown, asked)
    for line, row in objects(place):
        step = row.get("_step")
        if type(step) is not int:
            raise _wrong(place, line, f"_step {shown(step, 40)}", "an integer")
        for name, value in row.items():
            if name == "_step" or value is None or isinstance(value, (dict, list, bool)):
                continue
            if gathering.serves(name):
                gathering.add(name, step, _value(place, line, str(value)))
    history = History(
        place.shown,
        "a W&B history",
        gathering.series(),
        gathering.others,
        sampled=_WEIGHTS_AND_BIASES,
    )
    return found_in(history, asked)


def first_object(names: Sequence[str]) -> bool:
    """Whether the keys of the first JSON line are those of a W&B history."""
    return "_step" in names and not set(names) & _OURS
