"""JSON lines: one object per line, its keys are column names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.logs.formats.lines import lines
from boundcalc.logs.found import Found
from boundcalc.logs.guard import shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place
from boundcalc.logs.schema import COLUMNS
from boundcalc.logs.spool import BLOCK_ROWS, Sink

_MOST_NAMES = 100_000


def read_jsonl(place: Place, asked: Asked) -> Found:
    """The columns of a file of JSON lines; null and absent keys are NaN."""
    rows = objects(place)
    sink = Sink(place.shown)
    others: dict[str, None] = {}
    try:
        while block := list(islice(rows, BLOCK_ROWS)):
            names = dict.fromkeys(name for _, row in block for name in row)
            for name in names:
                if name in asked.wanted and name not in sink.names:
                    counted = name in COLUMNS and COLUMNS[name].counted
                    sink.column(name, asked.is_label(name), counted)
                elif name not in asked.wanted and len(others) < _MOST_NAMES:
                    others[name] = None
            columns = {name: [row.get(name) for _, row in block] for name in sink.names}
            numbers = [number for number, _ in block]
            sink.add(columns, len(block), lambda k, at=numbers: f"line {at[k]}")  # type: ignore[misc]
    finally:
        sink.close()
    return Found(place.shown, sink.arrays(), tuple(others), table=True)


def objects(place: Place) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of every line that is not blank. Raises InputError for any other."""
    for number, line in enumerate(lines(place.path, place.shown, place.told), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _not_an_object(place, number, shown(error)) from error
        if not isinstance(row, dict):
            raise _not_an_object(place, number, f"{type(row).__name__} {shown(line, 40)}")
        yield number, row


def _not_an_object(place: Place, number: int, found: str) -> InputError:
    fix = "write one object per line, and none in part (was the file cut short?)"
    where = f"{place.shown}: line {number}"
    return InputError(Fault(where, found, "a JSON object", fix))
