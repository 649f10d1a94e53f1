"""CSV and TSV: a line of column names, then one line per row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice

from boundcalc.errors import Fault, InputError
from boundcalc.logs.formats.lines import lines
from boundcalc.logs.found import Found
from boundcalc.logs.guard import corrupt, listed, shown
from boundcalc.logs.mapping import Asked
from boundcalc.logs.place import Place
from boundcalc.logs.schema import COLUMNS
from boundcalc.logs.spool import BLOCK_ROWS, Sink

_MOST_COLUMNS = 100_000
_LONGEST_RECORD = 64  # lines: cells of a log hold no line breaks, so that more is a lost quote


def read_csv(place: Place, asked: Asked) -> Found:
    """The columns of a CSV file; its rows are parsed once, into temporary files."""
    rows = records(place)
    header = next(rows, (0, []))[1]
    _check_header(place.shown, header)
    sink = Sink(place.shown)
    wanted = [(k, name) for k, name in enumerate(header) if name in asked.wanted]
    for _, name in wanted:
        sink.column(name, asked.is_label(name), name in COLUMNS and COLUMNS[name].counted)
    try:
        while block := list(islice(rows, BLOCK_ROWS)):
            numbers = [number for number, _ in block]
            cells = [row for _, row in block]
            if any(len(row) != len(header) for row in cells):
                raise _ragged(place.shown, block, len(header))
            columns = {name: [row[k] for row in cells] for k, name in wanted}
            sink.add(columns, len(block), lambda k, at=numbers: f"line {at[k]}")  # type: ignore[misc]
    finally:
        sink.close()
    others = tuple(name for name in header if name not in asked.wanted)
    return Found(place.shown, sink.arrays(), others, table=True)


def header_of(place: Place) -> list[str]:
    """The names in the first line."""
    return next(records(place), (0, []))[1]


def records(place: Place) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not blank.

    Raises InputError where quotes do not match.
    """
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in lines(place.path, place.shown, place.told):
            taken += 1
            if taken > _LONGEST_RECORD:
                raise corrupt(place.shown, f"line {reader.line_num - taken + 2}: an open quote")
            yield line

    text = counted()
    try:
        first = next(text)
    except StopIteration:
        return
    delimiter = "\t" if "\t" in first and "," not in first else ","

    def again() -> Iterator[str]:
        yield first
        yield from text

    reader = csv.reader(again(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            taken = 0
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise corrupt(f"{place.shown}: line {reader.line_num}", shown(error)) from error


def _check_header(source: str, header: list[str]) -> None:
    """Raises InputError unless the first line holds different names."""
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    if twice:
        found = f"{listed(twice)} twice"
    elif len(header) > _MOST_COLUMNS:
        found = f"{len(header)} columns"
    elif header and all(map(_is_number, header)):
        found = "numbers"
    else:
        return
    fix = "write the names of the columns first: loss,grad_sqnorm,..."
    raise InputError(Fault(f"{source}: line 1", found, "the names of the columns", fix))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _ragged(source: str, block: list[tuple[int, list[str]]], width: int) -> InputError:
    number, row = next((n, row) for n, row in block if len(row) != width)
    found = f"{len(row)} cells"
    fix = "write the line again, or leave it out (was the file cut short?)"
    return InputError(
        Fault(f"{source}: line {number}", found, f"{width} cells, as in the first line", fix)
    )
