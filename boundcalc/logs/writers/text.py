"""CSV and JSON lines. Numbers are written with as many digits as bring the same bits back."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from boundcalc.logs.writers.content import Content, Told


def write_csv(content: Content, path: Path, told: Told) -> None:
    """A line of names, then a line per row; NaN is an empty cell."""
    tab = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=tab, lineterminator="\n")
        writer.writerow(content.columns)
        for done, block in content.blocks():
            cells = [[_cell(v) for v in values.tolist()] for values in block.values()]
            writer.writerows(zip(*cells, strict=True))
            told(done)


def write_jsonl(content: Content, path: Path, told: Told) -> None:
    """An object per row; NaN is null, infinity is "inf"."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for done, block in content.blocks():
            values = [[_json(v) for v in column.tolist()] for column in block.values()]
            for row in zip(*values, strict=True):
                file.write(json.dumps(dict(zip(block, row, strict=True)), ensure_ascii=False))
                file.write("\n")
            told(done)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
