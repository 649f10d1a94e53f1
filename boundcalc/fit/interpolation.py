"""The smallest L of any L-smooth function through the logged points, over all pairs of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from boundcalc.fit.exact import float_up
from boundcalc.fit.fold import CHUNK_ROWS
from boundcalc.fit.smooth_exact import Demand
from boundcalc.fit.smooth_points import groups_of, survey, tiles
from boundcalc.fit.smooth_search import Search
from boundcalc.logs.log import Log

_BLOCK = 512  # rows of a block: a block of pairs stays in the cache, and its products run in BLAS
_NOISE = Fraction(
    1, 100
)  # share of L that rounding of the loss may make up before the note says so


@dataclass(frozen=True)
class SmoothFit:
    """The smallest L that a smooth function through the logged points can have.

    value : loss/parameter², rounded up so that every pair satisfies it; inf where two rows have the
        same x but another loss or gradient (`contradiction`).
    rows : the pair (i, j) that asks for it (the first such pair), () when no two rows compare.
    pairs : how many pairs were compared. note : what was assumed, and how far to trust the number.
    """

    value: float
    rows: tuple[int, ...]
    pairs: int
    contradiction: bool
    note: str


def smooth_constant(log: Log, *, progress: Callable[[int], None] | None = None) -> SmoothFit | None:
    """The smallest L such that some L-smooth function (convex or not) passes through all rows.

    For every pair of rows of the same function (equal `sample`):  L ≥ (2|Δ| + √(4Δ² + X G))/X  with
    X = ‖x_i − x_j‖², G = ‖g_i − g_j‖², Δ = f_i − f_j − ½⟨g_i + g_j, x_i − x_j⟩. The result is
    the exact maximum over all pairs: floats only rule pairs out. Rows with NaN or infinity in x,
    grad or loss are left out. Memory is flat; reading is block by block, in order within each pass.

    progress : told how much is done, in rows of the log.

    Returns None where the log has no x, grad or loss.
    Reference: Taylor, Hendrickx, Glineur 2017, Theorem 4 with μ = −L; docs/theory.md, section 4.
    """
    if not {"x", "grad"} <= set(log.vectors) or "loss" not in log.columns:
        return None
    found = survey(log)
    groups = groups_of(log, found.rows)
    total = sum(len(group) * (len(group) - 1) // 2 for group in groups)
    search = Search(found.units)
    done = 0
    for tile in tiles(log, groups, found):
        for left, right in tile.blocks(_BLOCK):
            search.compare(left, right)
            done += len(left) * (len(left) - 1) // 2 if right is left else len(left) * len(right)
            if progress is not None:
                progress(log.rows * done // total)
    return _fit(log, search, total, found.excluded)


def pairs_work(log: Log) -> int:
    """About how many multiplications comparing all pairs takes: pairs × numbers in a point."""
    width = int(np.asarray(log.vectors["x"].read(0, 1)).size) + 30  # and some work per pair
    if "sample" not in log.columns:
        return log.rows * (log.rows - 1) // 2 * width
    counts: dict[object, int] = {}
    for chunk in log.chunks(CHUNK_ROWS, ("sample",)):
        labels, sizes = np.unique(chunk.columns["sample"], return_counts=True)
        for label, size in zip(labels.tolist(), sizes.tolist(), strict=True):
            counts[label] = counts.get(label, 0) + size
    return sum(size * (size - 1) // 2 for size in counts.values()) * width


def _fit(log: Log, search: Search, pairs: int, excluded: int) -> SmoothFit:
    notes = []
    if "sample" not in log.columns:
        notes.append("all rows are taken to be of one function (no `sample` column)")
    if excluded:
        notes.append(f"{excluded} rows with NaN or infinity in x, grad or loss are left out")
    if not pairs:
        notes.append("no two rows belong to the same function: any L ≥ 0 will do")
    best = search.best
    if best is not None and best.impossible:
        notes.append(
            f"rows {best.i} and {best.j} have the same x but another loss or gradient: no L will "
            "do (another mini-batch, dropout, or x rounded when it was logged?)"
        )
        return SmoothFit(math.inf, (best.i, best.j), pairs, True, "; ".join(notes))
    value = 0.0 if best is None else best.bounds()[1]
    if search.loose_value() > value:
        notes.append(
            f"{search.unsettled} pairs tie to within rounding and were too many to be put in exact "
            "order: the value satisfies all pairs, and exceeds the smallest L by "
            f"{search.loose_value() - value:.2g} at most"
        )
        value = search.loose_value()
    if math.isinf(value):
        notes.append("the value is beyond float64")
    rows: tuple[int, ...] = ()
    if best is not None:
        rows = (best.i, best.j)
        notes += _noise(log, best, value)
    return SmoothFit(value, rows, pairs, False, "; ".join(notes))


def _noise(log: Log, best: Demand, value: float) -> list[str]:
    """How far the last digit of the two losses moves L: dL/dΔ ≤ 4/X."""
    if value == 0 or math.isinf(value):
        return []
    losses = [float(log.columns["loss"].read(row, row + 1)[0]) for row in (best.i, best.j)]
    with np.errstate(all="ignore"):
        single = all(float(np.float32(loss)) == loss for loss in losses)
        kind = np.float32 if single else np.float64
        digit = sum((Fraction(float(np.spacing(kind(abs(f))))) / 2 for f in losses), Fraction(0))
    share = min(4 * digit / (best.X * Fraction(value)), Fraction(1))
    if share < _NOISE:
        return []
    return [
        f"rows {best.i} and {best.j} are so close ({float_up(best.X) ** 0.5:.3g} apart) that "
        f"rounding of the logged losses alone may make up {float(share):.0%} of this value"
    ]
