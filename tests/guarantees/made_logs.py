"""Logs in memory, made for tests."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from boundcalc.fit import envelope
from boundcalc.guarantees.rows import envelope_without
from boundcalc.guarantees.theorem_at import Constants
from boundcalc.logs.array import MemoryArray
from boundcalc.logs.columns import LabelColumn, RealColumn
from boundcalc.logs.log import Log

CONSTANTS = Constants(L=Fraction(2), sigma2=Fraction(1, 10), dist2=Fraction(3), steps=100)


def log_of(**columns):
    """A scalar log; loss_min may be a number or a column."""
    arrays = {name: np.asarray(values) for name, values in columns.items() if name != "loss_min"}
    low = columns.get("loss_min", 0.0)
    if np.ndim(low):
        arrays["loss_min"] = np.asarray(low, dtype=np.float64)
    made = {
        name: (LabelColumn if name in ("run", "sample", "step") else RealColumn)(
            MemoryArray(name, values)
        )
        for name, values in arrays.items()
    }
    rows = len(arrays["loss"])
    return Log("memory", "scalar", rows, made, None if np.ndim(low) else float(low))


def random_log(seed, rows=None, kind="smooth"):
    """loss, loss_ref, inner of some rows; "grid" numbers make ties, b = 0 and collinear points."""
    rng = np.random.default_rng(seed)
    rows = rows or int(rng.integers(5, 14))
    if kind == "grid":
        loss, ref = rng.integers(0, 6, rows) / 4, rng.integers(0, 3, rows) / 4
        return log_of(loss=loss, loss_ref=ref, inner=rng.integers(-3, 8, rows) / 4)
    loss, ref = rng.uniform(0.1, 2, rows), rng.uniform(0, 0.5, rows)
    inner = (loss - ref) * rng.uniform(0.5, 1.5) + rng.normal(size=rows) * 0.2
    return log_of(loss=loss, loss_ref=ref, inner=inner)


def frontier_of(log, without=()):
    """The exact frontier of a log without some rows."""
    gone = np.array(sorted(without), dtype=np.int64)
    return envelope.finish(envelope_without(log, [gone])[0])


def columns_of(log):
    """loss, loss_ref, loss_min, inner as arrays."""
    chunk = next(iter(log.chunks(log.rows)))
    low = np.broadcast_to(chunk.loss_min, (log.rows,))
    return chunk.columns["loss"], chunk.columns["loss_ref"], low, chunk.columns["inner"]
