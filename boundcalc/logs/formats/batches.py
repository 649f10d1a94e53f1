"""A column that comes in batches of rows, in order: the part that Parquet and Arrow share."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.guard import corrupt, guarded

Values = NDArray[np.generic]


@dataclass
class _Stream:
    """Where reading stands: the open iterator, what is left of its last batch, the next row."""

    batches: Iterator[Values] | None = None
    rest: Values | None = None
    row: int = -1


@dataclass(frozen=True, eq=False)
class BatchedColumn:
    """One column of a file whose rows come in groups.

    starts : first row of every group, by increasing row.
    batches : group number -> the values from there to the end of the file, in batches of any size.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    starts: tuple[int, ...]
    batches: Callable[[int], Iterator[Values]]
    _stream: _Stream = field(default_factory=_Stream, init=False, repr=False)

    def read(self, start: int, stop: int) -> Values:
        """Rows start..stop. In increasing order it is one pass over the file."""
        stream = self._stream
        if start >= stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        try:
            with guarded(self.where):
                if stream.batches is None or not self._reaches(start):
                    self._open(start)
                self._skip(start)
                parts = list(self._take(stop - start))
        except BaseException:
            self._close()  # what failed once is not to be continued
            raise
        if stop >= self.shape[0]:
            self._close()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _reaches(self, start: int) -> bool:
        """Whether going on is better than opening the group of `start`."""
        row = self._stream.row
        return row <= start and self.starts[bisect_right(self.starts, start) - 1] <= row

    def _open(self, start: int) -> None:
        self._close()
        group = bisect_right(self.starts, start) - 1
        self._stream.batches, self._stream.row = self.batches(group), self.starts[group]

    def _close(self) -> None:
        self._stream.batches, self._stream.rest, self._stream.row = None, None, -1

    def _skip(self, start: int) -> None:
        for part in self._take(start - self._stream.row):
            del part

    def _take(self, rows: int) -> Iterator[Values]:
        """The next rows, in pieces."""
        stream = self._stream
        while rows > 0:
            if stream.rest is None:
                if stream.batches is None or (batch := next(stream.batches, None)) is None:
                    raise corrupt(self.where, "fewer rows than the file claims")
                stream.rest = batch
            part, rest = stream.rest[:rows], stream.rest[rows:]
            stream.rest = rest if len(rest) else None
            stream.row += len(part)
            rows -= len(part)
            yield part
