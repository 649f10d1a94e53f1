"""The rows that alpha-beta sees, chunk by chunk: the same ones that the fit used."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.envelope import Envelope, Rows, envelope_of, join, merge, rows_of
from boundcalc.fit.fold import CHUNK_ROWS
from boundcalc.logs import check
from boundcalc.logs.log import Chunk, Log

Progress = Callable[[int], None]

NEEDED = ("loss", "loss_ref", "inner")


def chunks(
    log: Log,
    *,
    drop_nonfinite: bool = False,
    also: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Iterator[Chunk]:
    """The usable rows of the log with the columns of alpha-beta (and those in `also`).

    With `drop_nonfinite` a row goes when any of its columns is not finite, as in the fit.
    """
    names = None if drop_nonfinite else (*NEEDED, *also)
    for chunk in log.chunks(CHUNK_ROWS, names):
        stop = chunk.start + chunk.size
        yield check.drop(chunk, check.usable(chunk)) if drop_nonfinite else chunk
        if progress is not None:
            progress(stop)


def all_rows(log: Log, *, drop_nonfinite: bool = False) -> Rows:
    """All rows at once, in memory."""
    return join([rows_of(chunk) for chunk in chunks(log, drop_nonfinite=drop_nonfinite)])


def without(rows: Rows, excluded: NDArray[np.int64]) -> Rows:
    """The rows whose numbers are not among `excluded` (sorted)."""
    if not len(excluded) or not len(rows):
        return rows
    at = np.searchsorted(excluded, rows.row).clip(max=len(excluded) - 1)
    gone = excluded[at] == rows.row
    return rows.take(np.flatnonzero(~gone)) if gone.any() else rows


def envelope_without(
    log: Log,
    excluded: list[NDArray[np.int64]],
    *,
    drop_nonfinite: bool = False,
    progress: Progress | None = None,
) -> list[Envelope]:
    """For each sorted set of row numbers, the envelope of all other rows; one pass for all sets."""
    found = [Envelope() for _ in excluded]
    for chunk in chunks(log, drop_nonfinite=drop_nonfinite, progress=progress):
        rows = rows_of(chunk)
        for k, gone in enumerate(excluded):
            found[k] = merge(found[k], envelope_of(without(rows, gone), found[k]))
    return found
