"""Row checks: what rows of a log contradict, as a value that merges over chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault
from boundcalc.logs.log import Chunk, Float, Log
from boundcalc.logs.schema import COLUMNS
from boundcalc.logs.tolerance import contradicts_cauchy_schwarz

Mask = NDArray[np.bool_]

_EXPLAINED = {
    "nonfinite": ("finite numbers", "--drop-nonfinite leaves such rows out"),
    "infinite": (
        "finite numbers (or NaN where it was not evaluated)",
        "--drop-nonfinite leaves such rows out",
    ),
    "below-loss-min": (
        "at least loss_min, which is the infimum of the loss",
        "give the true infimum with --loss-min or in the column loss_min",
    ),
    "negative": ("a number that is not negative", "log the squared norm (or the step size) itself"),
    "cauchy-schwarz": (
        "inner^2 <= grad_sqnorm * dist_sq up to rounding (relative 1e-6; float32: 1e-3)",
        "log the three from the same gradient, x and x_ref",
    ),
}


@dataclass(frozen=True)
class Sighting:
    """Rows with one fault: how many, the first one, and what stood there."""

    count: int
    row: int
    what: str

    def merge(self, other: Sighting) -> Sighting:
        row, what = min((self.row, self.what), (other.row, other.what))
        return Sighting(self.count + other.count, row, what)


@dataclass(frozen=True)
class RowFaults:
    """What is wrong with rows: (kind, column) -> sighting. A commutative monoid under merge.

    Chunks that are merged must not share rows, or those are counted twice.
    """

    sightings: Mapping[tuple[str, str], Sighting] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sightings)

    def merge(self, other: RowFaults) -> RowFaults:
        """The faults of the rows of both."""
        if not (self and other):
            return self or other
        both = dict(self.sightings)
        for key, sighting in other.sightings.items():
            both[key] = both[key].merge(sighting) if key in both else sighting
        return RowFaults(both)

    def to_faults(self, log: Log | str = "log") -> tuple[Fault, ...]:
        """One message per kind and column, in the order of the first rows.

        log : the log, or its name.
        """
        ordered = sorted(self.sightings.items(), key=lambda item: (item[1].row, item[0]))
        return tuple(_fault(log, *key, sighting) for key, sighting in ordered)


def check_chunk(chunk: Chunk) -> RowFaults:
    """Everything that is wrong with the rows of a chunk.

    Looks at the columns that the chunk has. Rows with NaN or infinity are faults of their own and
    take part in the other checks only with their finite numbers.
    """
    if chunk.size == 0:
        return RowFaults()
    with np.errstate(all="ignore"):
        seen = dict(_sightings(chunk))
    return RowFaults(seen)


def usable(chunk: Chunk) -> Mask:
    """Rows without NaN or infinity, (n,) bool; NaN in a sparse column drops no row."""
    mask = np.ones(chunk.size, dtype=np.bool_)
    for name, values in chunk.columns.items():
        kind = COLUMNS[name].kind
        if kind == "real":
            mask &= np.isfinite(values)
        elif kind == "sparse":
            mask &= ~np.isinf(values)
    if isinstance(chunk.loss_min, np.ndarray):
        mask &= np.isfinite(chunk.loss_min)
    return mask


def drop(chunk: Chunk, keep: Mask) -> Chunk:
    """The chunk without the rows where `keep` (n,) is False; the others keep their row numbers."""
    if keep.all():
        return chunk
    per_row = isinstance(chunk.loss_min, np.ndarray)
    return replace(
        chunk,
        size=int(np.count_nonzero(keep)),
        columns={name: values[keep] for name, values in chunk.columns.items()},
        loss_min=chunk.loss_min[keep] if per_row else chunk.loss_min,  # type: ignore[index]
        rows=chunk.row_numbers()[keep],
    )


def _sightings(chunk: Chunk) -> Iterator[tuple[tuple[str, str], Sighting]]:
    numbers: dict[str, Float] = {
        name: values  # type: ignore[misc]
        for name, values in chunk.columns.items()
        if COLUMNS[name].kind != "label"
    }
    if isinstance(chunk.loss_min, np.ndarray):
        numbers["loss_min"] = chunk.loss_min
    for name, values in numbers.items():
        spec = COLUMNS[name]
        # Extremes first: they need no memory, and in an honest log they are all there is to do.
        if spec.kind == "sparse":
            low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
            if math.isinf(low) or math.isinf(high):
                yield _seen(chunk, "infinite", name, np.isinf(values), f"{name} = %r", values)
        else:
            low, high = float(values.min()), float(values.max())
            if not (math.isfinite(low) and math.isfinite(high)):
                yield _seen(chunk, "nonfinite", name, ~np.isfinite(values), f"{name} = %r", values)
        if spec.nonnegative and not low >= 0:
            negative = (values < 0) & np.isfinite(values)
            if negative.any():
                yield _seen(chunk, "negative", name, negative, f"{name} = %r", values)
        if name in {"loss", "loss_ref", "full_loss"}:
            yield from _below_loss_min(chunk, name, values, low)
    names = ("inner", "grad_sqnorm", "dist_sq")
    if all(name in numbers for name in names):
        columns = tuple(numbers[name] for name in names)
        bad = contradicts_cauchy_schwarz(*columns)
        if bad is not None:
            said = "inner = %r, grad_sqnorm = %r, dist_sq = %r"
            yield _seen(chunk, "cauchy-schwarz", "inner", bad, said, *columns)


def _below_loss_min(
    chunk: Chunk, name: str, values: Float, low: float
) -> Iterator[tuple[tuple[str, str], Sighting]]:
    """Losses below loss_min; a full loss only where loss_min is the same for all rows."""
    bound = chunk.loss_min
    if isinstance(bound, np.ndarray):
        if name == "full_loss":
            return
        below = (values < bound) & np.isfinite(values) & np.isfinite(bound)
        if below.any():
            said = f"{name} = %r, loss_min = %r"
            yield _seen(chunk, "below-loss-min", name, below, said, values, bound)
    elif not low >= bound:
        below = (values < bound) & np.isfinite(values)
        if below.any():
            said = f"{name} = %r, loss_min = {float(bound)!r}"
            yield _seen(chunk, "below-loss-min", name, below, said, values)


def _seen(
    chunk: Chunk, kind: str, column: str, bad: Mask, said: str, *values: Float
) -> tuple[tuple[str, str], Sighting]:
    """The sighting of the rows where `bad` (n,) is True: at least one."""
    first = int(np.argmax(bad))
    row = chunk.start + first if chunk.rows is None else int(chunk.rows[first])
    what = said % tuple(float(column_values[first]) for column_values in values)
    return (kind, column), Sighting(int(np.count_nonzero(bad)), row, what)


def _fault(log: Log | str, kind: str, column: str, sighting: Sighting) -> Fault:
    expected, fix = _EXPLAINED[kind]
    source, row = (log, sighting.row) if isinstance(log, str) else log.place(sighting.row)
    found = f"{sighting.what} in row {row}"
    if sighting.count > 1:
        found += f", the first of {sighting.count} such rows"
    return Fault(f"{source}: column {column}", found, expected, fix)
