"""Logged points, group by group, in tiles that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.smooth_screen import Points, Units, points_of
from boundcalc.logs.log import Float, Log

Index = NDArray[np.int64]

_TILE = 1 << 26  # bytes of vectors that are held at a time
_PIECE = 1 << 24  # bytes of vectors that are read, or streamed past a tile, at a time


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over the log shows: the finite rows, their number, the units, the dimension."""

    rows: Index
    excluded: int
    units: Units
    width: int


def survey(log: Log) -> Survey:
    """Find the rows with finite x, grad and loss, and powers of two that bring them near 1."""
    finite = np.zeros(log.rows, dtype=bool)
    largest = {"x": 0.0, "grad": 0.0, "loss": 0.0}
    width = log.vectors["x"].read(0, 1).reshape(1, -1).shape[1] if log.rows else 1
    for start, stop in _slices(log.rows, width):
        parts = dict(zip(largest, _read(log, start, stop), strict=True))
        usable = np.logical_and.reduce(
            [np.isfinite(part).reshape(stop - start, -1).all(axis=1) for part in parts.values()]
        )
        finite[start:stop] = usable
        for name, part in parts.items():
            top = float(np.abs(part[usable]).max(initial=0.0))
            largest[name] = max(largest[name], top)
    x, g, f = (int(np.frexp(top)[1]) if top else -1074 for top in largest.values())
    rows = np.flatnonzero(finite)
    return Survey(rows, log.rows - len(rows), Units(x, max(g, f - x)), width)


def _slices(rows: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, _PIECE // (16 * width))
    for start in range(0, rows, step):
        yield start, min(start + step, rows)


def _read(log: Log, start: int, stop: int) -> tuple[Float, Float, Float]:
    """x, grad (n, d) and loss (n,) of rows start..stop."""
    x, g = (
        np.asarray(log.vectors[name].read(start, stop), dtype=np.float64).reshape(stop - start, -1)
        for name in ("x", "grad")
    )
    return x, g, np.asarray(log.columns["loss"].read(start, stop), dtype=np.float64)


def groups_of(log: Log, rows: Index) -> list[Index]:
    """The rows of each function that has two or more, in order (equal `sample`, or all)."""
    if "sample" not in log.columns:
        return [rows] if len(rows) > 1 else []
    step = 1 << 20
    labels = np.concatenate(
        [
            log.columns["sample"].read(start, min(start + step, log.rows))
            for start in range(0, log.rows, step)
        ]
    )[rows]
    order = np.argsort(labels, kind="stable")
    edges = np.flatnonzero(labels[order][1:] != labels[order][:-1]) + 1
    return [group for group in np.split(rows[order], edges) if len(group) > 1]


@dataclass(frozen=True, eq=False)
class Tile:
    """Points held in memory, one part per function; `rest`: rows of the only part's function that
    are streamed past it."""

    log: Log
    units: Units
    parts: list[Points]
    rest: Index = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def blocks(self, size: int) -> Iterator[tuple[Points, Points]]:
        """Pairs of blocks of at most `size` rows; a block with itself is the same object twice."""
        for part in self.parts:
            cut = _cut(part, size)
            for k, left in enumerate(cut):
                for right in cut[k:]:
                    yield left, right
        if not len(self.rest):
            return
        cut = _cut(self.parts[0], size)
        step = max(size, _PIECE // (16 * self.parts[0].x.shape[1]))
        for start in range(0, len(self.rest), step):
            passing = _cut(_load(self.log, self.rest[start : start + step], self.units), size)
            for left in cut:
                for right in passing:
                    yield left, right


def tiles(log: Log, groups: list[Index], found: Survey) -> Iterator[Tile]:
    """Tiles that between them hold every pair of rows of one group once."""
    most = max(2, _TILE // (32 * found.width))
    held: list[Index] = []
    for group in groups:
        if held and sum(map(len, held)) + len(group) > most:
            yield _tile(log, held, found.units)
            held = []
        if len(group) <= most:
            held.append(group)
            continue
        for start in range(0, len(group), most):
            part = _load(log, group[start : start + most], found.units)
            yield Tile(log, found.units, [part], group[start + most :])
    if held:
        yield _tile(log, held, found.units)


def _tile(log: Log, groups: list[Index], units: Units) -> Tile:
    rows = np.concatenate(groups)
    order = np.argsort(rows, kind="stable")
    x, g, f = _gather(log, rows[order])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    parts, start = [], 0
    for group in groups:
        at = back[start : start + len(group)]
        parts.append(_distinct(group, x[at], g[at], f[at], units))
        start += len(group)
    return Tile(log, units, parts)


def _load(log: Log, rows: Index, units: Units) -> Points:
    return _distinct(rows, *_gather(log, rows), units)


def _gather(log: Log, rows: Index) -> tuple[Float, Float, Float]:
    """x, grad, loss of the given rows (increasing), read in order."""
    parts: list[tuple[Float, Float, Float]] = []
    width = log.vectors["x"].read(0, 1).size if len(rows) else 1
    step = max(1, _PIECE // (16 * width))
    at = 0
    while at < len(rows):
        start = int(rows[at])
        end = int(np.searchsorted(rows, start + step))
        piece = _read(log, start, int(rows[end - 1]) + 1)
        where = rows[at:end] - start
        whole = len(where) == len(piece[2])
        parts.append(piece if whole else (piece[0][where], piece[1][where], piece[2][where]))
        at = end
    if len(parts) == 1:
        return parts[0]
    x, g, f = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return x, g, f


def _distinct(rows: Index, x: Float, g: Float, f: Float, units: Units) -> Points:
    """The points without those that repeat an earlier one in every bit: they add nothing."""
    weight = np.random.default_rng(0).integers(1, 1 << 63, 2 * x.shape[1] + 1, dtype=np.uint64)
    mark = f.view(np.uint64) * weight[-1]
    step = max(1, _PIECE // (16 * x.shape[1]))
    for start in range(0, len(rows), step):
        at = slice(start, start + step)
        mark[at] += (x[at].view(np.uint64) * weight[: x.shape[1]]).sum(axis=1, dtype=np.uint64)
        mark[at] += (g[at].view(np.uint64) * weight[x.shape[1] : -1]).sum(axis=1, dtype=np.uint64)
    _, first, which = np.unique(mark, return_index=True, return_inverse=True)
    if len(first) < len(rows):
        again = np.flatnonzero(first[which] != np.arange(len(rows)))
        origin = first[which[again]]
        same = np.array(
            [
                f[k] == f[o] and np.array_equal(x[k], x[o]) and np.array_equal(g[k], g[o])
                for k, o in zip(again, origin, strict=True)
            ]
        )
        keep = np.setdiff1d(np.arange(len(rows)), again[same])
        rows, x, g, f = rows[keep], x[keep], g[keep], f[keep]
    return points_of(rows, x, g, f, units)


def _cut(points: Points, size: int) -> list[Points]:
    if len(points) <= size:
        return [points]
    return [points.part(slice(k, k + size)) for k in range(0, len(points), size)]
