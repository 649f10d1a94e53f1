"""What of a log is written to a file: columns, numbers for all rows, vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.columns import ConstantColumn, RealColumn
from boundcalc.logs.derived import DerivedColumn
from boundcalc.logs.log import Column, Log
from boundcalc.logs.schema import COLUMNS

BLOCK_ROWS = 1 << 16
_BLOCK_NUMBERS = 1 << 22

Told = Callable[[int], None]  # rows written so far, of `Content.rows`


@dataclass(frozen=True)
class Content:
    """rows : number of rows; columns : those with rows, of any shape per row; single : numbers and
    vectors that stand for all rows (0-d, or x_ref (d,)).
    """

    rows: int
    columns: Mapping[str, Column]
    single: Mapping[str, NDArray[np.generic]]

    def blocks(self) -> Iterator[tuple[int, dict[str, NDArray[np.generic]]]]:
        """(rows so far, columns) of every block of rows, in order."""
        for start in range(0, self.rows, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, self.rows)
            yield stop, {name: column.read(start, stop) for name, column in self.columns.items()}

    def windows(self, column: Column) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """(first row, values) of one column, as many rows at a time as memory allows."""
        width = max(1, int(np.prod(column.read(0, 1).shape[1:])))
        step = max(1, min(BLOCK_ROWS, _BLOCK_NUMBERS // width))
        for start in range(0, self.rows, step):
            yield start, column.read(start, min(start + step, self.rows))

    def dtype(self, column: Column) -> np.dtype[np.generic]:
        """float64, int64, or text as wide as the widest (which takes a reading)."""
        dtype = column.read(0, 1).dtype
        if dtype.kind != "U":
            return dtype
        return np.dtype(f"U{max(v.dtype.itemsize // 4 for _, v in self.windows(column))}")

    def shape(self, column: Column) -> tuple[int, ...]:
        return (self.rows, *column.read(0, 1).shape[1:])


def as_arrays(log: Log) -> Content:
    """For formats that hold arrays: as logged, vectors included, and nothing that follows."""
    columns: dict[str, Column] = {}
    single: dict[str, NDArray[np.generic]] = {}
    for name, column in {**log.columns, **log.vectors}.items():
        if isinstance(column, ConstantColumn):
            single[name] = column.value[0]
        elif COLUMNS[name].dims[0] != "N":
            assert isinstance(column, RealColumn)  # noqa: S101  (x_ref is no other)
            single[name] = column.read(0, column.rows)
        elif not isinstance(column, DerivedColumn):
            columns[name] = column
    if log.loss_min_given and log.loss_min is not None:
        single["loss_min"] = np.array(log.loss_min)
    return Content(log.rows, columns, single)


def as_table(log: Log) -> Content:
    """For tables: the scalar columns, those that follow from vectors included."""
    columns = dict(log.columns)
    if log.loss_min_given and log.loss_min is not None:
        columns["loss_min"] = ConstantColumn(np.array([log.loss_min]), log.rows)
    return Content(log.rows, columns, {})
