"""A log as the fits see it: named columns that are read in chunks of rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


class Column(Protocol):
    """A column on disk or in memory, read in slices of rows, in increasing order within a pass."""

    @property
    def rows(self) -> int: ...

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start..stop as native, C-contiguous float64 (labels: int64 or fixed-width str)."""
        ...


@dataclass(frozen=True)
class Chunk:
    """Consecutive usable rows of a log.

    columns : name -> (n,) array; float64, except the labels step, sample, run (int64 or str).
    loss_min : f_i*, one number for all rows or (n,) float64.
    rows : (n,) int64 row numbers in the whole log, increasing; or None when they are
        start, start+1, ..., start+n-1 (no row was dropped).
    """

    start: int
    size: int
    columns: Mapping[str, NDArray[np.generic]]
    loss_min: float | Float = 0.0
    rows: NDArray[np.int64] | None = None

    def row_numbers(self) -> NDArray[np.int64]:
        """Row numbers of this chunk in the whole log, (n,) int64."""
        if self.rows is not None:
            return self.rows
        return np.arange(self.start, self.start + self.size, dtype=np.int64)


@dataclass(frozen=True)
class Part:
    """One of the files that a log of several is made of: its rows follow from `first_row` on."""

    source: str
    first_row: int
    rows: int


def place_of(parts: Sequence[Part], row: int) -> tuple[str, int] | None:
    """The file that holds a row and the row's number there; None for a log that is one file."""
    at = bisect_right(parts, row, key=lambda part: part.first_row) - 1
    return (parts[at].source, row - parts[at].first_row) if at >= 0 <= row else None


@dataclass(frozen=True)
class Log:
    """An opened log: its columns, what is said about it, and how to read it in chunks.

    `columns` holds the columns present (any form); the vector and the tangent form also offer
    the scalar columns that follow from them. `loss_min` is a number when it is the same for all
    rows, and None when it is one of the columns. `withheld` has conditions that the columns would
    allow and the log says nothing about, with the reason; `parts` the files of a log of several.
    """

    source: str
    form: str
    rows: int
    columns: Mapping[str, Column]
    loss_min: float | None = 0.0
    loss_min_given: bool = False
    warnings: tuple[str, ...] = ()
    vectors: Mapping[str, Column] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def place(self, row: int) -> tuple[str, int]:
        """The file that holds a row, and the number that the row has there."""
        return place_of(self.parts, row) or (self.source, row)

    def chunks(
        self,
        rows_per_chunk: int,
        names: tuple[str, ...] | None = None,
        span: tuple[int, int] | None = None,
    ) -> Iterator[Chunk]:
        """The log in order, `rows_per_chunk` rows at a time, with the named columns (default: all).

        A loss_min that is a column comes with every chunk, named or not. span : these rows only.
        """
        wanted = tuple(self.columns) if names is None else names
        if self.loss_min is None and "loss_min" not in wanted:
            wanted = (*wanted, "loss_min")
        first, last = (0, self.rows) if span is None else span
        for start in range(first, last, rows_per_chunk):
            stop = min(start + rows_per_chunk, last)
            read = {name: self.columns[name].read(start, stop) for name in wanted}
            per_row = read.pop("loss_min", None)
            loss_min: float | Float = 0.0 if self.loss_min is None else self.loss_min
            if per_row is not None:
                loss_min = per_row.astype(np.float64, copy=False)
            yield Chunk(start, stop - start, read, loss_min)
