"""Sketches as files: exact, so that a fit can be put together from parts that never met.

JSON, schema `boundcalc.sketch/1`: floats in hexadecimal, large integers in decimal, a SHA-256 of
the rest. What is read is checked piece by piece; nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.fit.envelope import Envelope, Rows
from boundcalc.fit.moments import Sums, WindowPlan
from boundcalc.fit.positions import PositionInRun
from boundcalc.fit.ratio import RATIOS, Extreme
from boundcalc.fit.runs import Runs
from boundcalc.fit.sketch import Plan, Sketch
from boundcalc.fit.staircase import Steps
from boundcalc.logs.guard import shown, shown_path, unreadable
from boundcalc.logs.log import Column, Log, Part
from boundcalc.logs.schema import COLUMNS

SCHEMA = "boundcalc.sketch/1"
_MOST_BYTES = 1 << 30
_MOST = 1 << 62
_EXTREME = ("num", "num_minus", "den", "den_minus")
_WHOLE = (
    {"row", "rows", "first_step", "last_step", "start_row"}
    | {f"full_{which}_{what}" for which in ("first", "last") for what in ("step", "row")}
    | {"full_least_row", "full_next_row"}
)


@dataclass(frozen=True, eq=False)
class Gone:
    """A column of a log that is only known by its sketch."""

    source: str
    rows: int

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Raises InputError: what was asked for needs the rows themselves."""
        raise InputError(
            Fault(
                self.source,
                f"a sketch, asked for its rows {start} to {stop}",
                "the log itself, for figures, --discard, --cross-check and other methods",
                "ask `boundcalc fit` for them, with the log",
            )
        )


@dataclass(frozen=True)
class Kept:
    """A sketch and the log that it is of; the log's columns cannot be read."""

    log: Log
    sketch: Sketch
    numbered: bool  # its steps are positions within runs


def dump(log: Log, sketch: Sketch) -> str:
    """The text of a sketch file. log : what the sketch is of, as it was folded."""
    names = sorted(sketch.plan.names)
    body = {
        "schema": SCHEMA,
        "log": {
            "source": log.source,
            "form": log.form,
            "rows": log.rows,
            "columns": names,
            "loss_min": None if log.loss_min is None else float(log.loss_min).hex(),
            "loss_min_given": log.loss_min_given,
            "warnings": list(log.warnings),
            "withheld": dict(log.withheld),
            "parts": [[part.source, part.rows] for part in log.parts],
            "numbered": isinstance(log.columns.get("step"), PositionInRun),
        },
        "plan": {
            "by": sketch.plan.window.by,
            "width": sketch.plan.window.width,
            "how": sketch.plan.window.how,
            "origin": sketch.plan.window.origin,
            "drop_nonfinite": sketch.plan.drop_nonfinite,
        },
        "rows": sketch.rows,
        "dropped": sketch.dropped,
        "first_dropped": sketch.first_dropped,
        "below_float_floor": sketch.below_float_floor,
        "below_zero": sketch.below_zero,
        "envelope": {
            entry.name: _arrays(getattr(sketch.envelope, entry.name)) for entry in fields(Envelope)
        },
        "extremes": {
            name: [*(_hex(getattr(one, part)) for part in _EXTREME), int(one.row)]
            for name, one in sorted(sketch.extremes.items())
        },
        "steps": _arrays(sketch.steps),
        "sums": {
            "rows": sketch.sums.rows,
            "loss_min": str(sketch.sums.loss_min),
            "windows": [
                [key, rows, str(loss), str(ref)]
                for key, (rows, loss, ref) in sorted(sketch.sums.windows.items())
            ],
            "stepsize": str(sketch.sums.stepsize),
            "stepsize_square": str(sketch.sums.stepsize_square),
            "stepsize_smallest": _hex(sketch.sums.stepsize_smallest),
            "stepsize_largest": _hex(sketch.sums.stepsize_largest),
        },
        "runs": None if sketch.runs is None else _arrays(sketch.runs),
    }
    return json.dumps({**body, "sha256": _digest(body)}, separators=(",", ":")) + "\n"


def load(path: str | os.PathLike[str]) -> Kept:
    """The sketch in a file. Raises InputError for anything that is not one, or was changed."""
    where = shown_path(path)
    try:
        file = Path(path)
        if file.stat().st_size > _MOST_BYTES:
            raise _no_sketch(where, f"a file of {file.stat().st_size} bytes")
        text = file.read_bytes().decode("utf-8")
        body = json.loads(text, parse_constant=_no_constant)
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError):
            raise unreadable(where, error) from error
        raise _no_sketch(where, "bytes that are no text") from error
    except (ValueError, RecursionError) as error:
        raise _no_sketch(where, f"text that is not JSON ({shown(error)})") from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise _no_sketch(where, "JSON of another kind")
    digest = body.pop("sha256", None)
    if digest != _digest(body):
        raise _no_sketch(where, "a sketch that was changed or cut (its SHA-256 does not fit)")
    try:
        return _kept(body)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise _no_sketch(where, f"a sketch with a faulty entry ({shown(error)})") from error


def _kept(body: Mapping[str, Any]) -> Kept:
    about, plan = body["log"], body["plan"]
    names = frozenset(about["columns"])
    if not names <= COLUMNS.keys() or plan["by"] not in ("step", "row"):
        raise ValueError("an unknown column or window")
    rows, source = _count(about["rows"]), str(about["source"])
    if about["parts"] and sum(_count(part[1]) for part in about["parts"]) != rows:
        raise ValueError("parts that are not all rows")
    columns: dict[str, Column] = {name: Gone(source, rows) for name in sorted(names)}
    if about["numbered"]:
        columns["step"] = PositionInRun(Gone(source, rows))
    window = WindowPlan(plan["by"], _count(plan["width"], 1), str(plan["how"]), int(plan["origin"]))
    starts = np.cumsum([0, *(_count(part[1]) for part in about["parts"])]).tolist()
    log = Log(
        source,
        str(about["form"]),
        rows,
        columns,
        None if about["loss_min"] is None else float.fromhex(about["loss_min"]),
        bool(about["loss_min_given"]),
        tuple(map(str, about["warnings"])),
        withheld={str(name): str(why) for name, why in about["withheld"].items()},
        parts=tuple(
            Part(str(part[0]), start, _count(part[1]))
            for part, start in zip(about["parts"], starts[:-1], strict=True)
        ),
    )
    sums = body["sums"]
    sketch = Sketch(
        Plan(names, window, bool(plan["drop_nonfinite"])),
        _count(body["rows"]),
        _count(body["dropped"]),
        None if body["first_dropped"] is None else _count(body["first_dropped"]),
        envelope=Envelope(
            **{
                entry.name: Rows(**_columns(body["envelope"][entry.name], Rows))
                for entry in fields(Envelope)
            }
        ),
        extremes={
            name: _extreme(entry) for name, entry in body["extremes"].items() if RATIOS[name]
        },
        steps=Steps(**_columns(body["steps"], Steps)),
        sums=Sums(
            _count(sums["rows"]),
            int(sums["loss_min"]),
            {
                int(key): (_count(count), int(loss), int(ref))
                for key, count, loss, ref in sums["windows"]
            },
            int(sums["stepsize"]),
            int(sums["stepsize_square"]),
            float.fromhex(sums["stepsize_smallest"]),
            float.fromhex(sums["stepsize_largest"]),
        ),
        runs=None if body["runs"] is None else Runs(**_columns(body["runs"], Runs)),
        below_float_floor=_count(body["below_float_floor"]),
        below_zero=_count(body["below_zero"]),
    )
    _check_values(sketch, rows)
    return Kept(log, sketch, bool(about["numbered"]))


def _check_values(sketch: Sketch, rows: int) -> None:
    """Raise ValueError for numbers that no log has: rows beyond its end, NaN, infinities."""
    numbered: list[Any] = [getattr(sketch.envelope, entry.name) for entry in fields(Envelope)]
    for one in [*numbered, sketch.steps]:
        arrays = {entry.name: getattr(one, entry.name) for entry in fields(one)}
        at = arrays.pop("row")
        if any(not np.isfinite(values).all() for values in arrays.values()):
            raise ValueError("NaN or infinity")
        if len(at) and not 0 <= at.min() <= at.max() < rows:
            raise ValueError("a row beyond the log")
    for extreme in sketch.extremes.values():
        if not np.isfinite([getattr(extreme, part) for part in _EXTREME]).all():
            raise ValueError("NaN or infinity")
    counts = (sketch.rows, sketch.dropped, sketch.below_float_floor, sketch.below_zero)
    if max(counts) > rows or any(extreme.row >= rows for extreme in sketch.extremes.values()):
        raise ValueError("more rows than the log has")
    if sketch.runs is not None:
        _check_runs(sketch.runs, rows)


def _check_runs(runs: Runs, rows: int) -> None:
    for name in ("first", "last", "least", "next"):
        at, values = getattr(runs, f"full_{name}_row"), getattr(runs, f"full_{name}")
        if not (np.where(at < 0, np.isnan(values), np.isfinite(values)) & (at < rows)).all():
            raise ValueError(f"full_{name}, which is of no row")
    if np.isinf(runs.start_dist).any() or (runs.start_dist < 0).any():
        raise ValueError("start_dist, which is no squared distance")
    spans = runs.last_step < runs.first_step
    if spans.any() or (runs.rows < 1).any() or runs.rows.sum() > rows:
        raise ValueError("runs that are longer than the log, or end before they begin")


def _extreme(entry: Sequence[Any]) -> Extreme:
    num, num_minus, den, den_minus = map(float.fromhex, entry[:4])
    return Extreme(num, num_minus, den, den_minus, _count(entry[4]))


def _count(value: Any, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise ValueError(f"{shown(repr(value), 40)}, which is no count")
    return value


def _arrays(record: Any) -> dict[str, list[Any]]:
    """The arrays of a dataclass, floats in hexadecimal."""
    named = {entry.name: getattr(record, entry.name) for entry in fields(record)}
    return {
        name: [_hex(value) for value in values] if values.dtype.kind == "f" else values.tolist()
        for name, values in named.items()
    }


def _columns(stored: Mapping[str, Sequence[Any]], kind: type) -> dict[str, Any]:
    """Arrays by name again, of one length."""
    found = {entry.name: _array(entry.name, stored[entry.name]) for entry in fields(kind)}
    if len({len(values) for values in found.values()}) != 1:
        raise ValueError("arrays of several lengths")
    return found


def _array(name: str, values: Sequence[Any]) -> NDArray[np.generic]:
    """float64 for hexadecimal texts, int64 for integers; `run` may be labels."""
    if not isinstance(values, list):
        raise ValueError(f"{name}, which is no array")
    if name == "run":
        if values and all(isinstance(value, str) for value in values):
            return np.array(values)
        return np.array([_count(value, -_MOST) for value in values], dtype=np.int64)
    if name in _WHOLE:
        return np.array([_count(value, -_MOST) for value in values], dtype=np.int64)
    return np.array([float.fromhex(value) for value in values], dtype=np.float64)


def _hex(value: float) -> str:
    return float(value).hex()


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _no_sketch(where: str, found: str) -> InputError:
    fix = "make one with `boundcalc fit LOG --save-sketch FILE.json`"
    return InputError(Fault(where, found, f"a sketch ({SCHEMA})", fix))
