"""How far rounding may carry a row beyond the Cauchy-Schwarz inequality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.log import Float

_BLOCK = 1 << 14  # rows whose temporaries stay in the cache

# Relative excess of inner² that rounding explains, by the precision that the numbers show.
DOUBLE, SINGLE, HALF = 1e-6, 1e-3, 1e-2
# What squares lose by underflow: one term in double precision, a million terms in single precision
# (gradients of norm 1e-20 are common there), the rounding of the number itself in half precision.
_DOUBLE_FLOOR = float(np.finfo(np.float64).tiny)
_SINGLE_FLOOR = 1e6 * float(np.finfo(np.float32).tiny)
_HALF_FLOOR = float(np.finfo(np.float16).smallest_subnormal)


def contradicts_cauchy_schwarz(
    inner: Float, grad_sqnorm: Float, dist_sq: Float
) -> NDArray[np.bool_] | None:
    """Rows where inner² > grad_sqnorm·dist_sq beyond rounding, (n,); None when there are none.

    Trainers compute in float32 and often store float64, so the tolerance goes by the numbers and
    not by the dtype: relative 1e-3 where a nonzero one of the three is a float32 number, 1e-2
    where all are float16 numbers, else 1e-6. Square roots are compared, so that nothing overflows.
    """
    bad: NDArray[np.bool_] | None = None
    for start in range(0, inner.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        bound = np.sqrt(grad_sqnorm[rows])
        bound *= np.sqrt(dist_sq[rows])
        bound *= 1 + DOUBLE / 4
        above = np.flatnonzero(np.abs(inner[rows]) > bound)  # NaN compares false
        if above.size:
            above += start
            sure = above[_beyond_rounding(inner[above], grad_sqnorm[above], dist_sq[above])]
            if sure.size:
                bad = np.zeros(inner.size, dtype=np.bool_) if bad is None else bad
                bad[sure] = True
    return bad


def _beyond_rounding(inner: Float, grad_sqnorm: Float, dist_sq: Float) -> NDArray[np.bool_]:
    """The same question for few rows, with the tolerance that their numbers deserve."""
    three = (inner, grad_sqnorm, dist_sq)
    # Zero is a number of every precision and shows none.
    single = np.any([_exact(v, np.float32) & (v != 0) for v in three], axis=0)
    half = np.all([_exact(v, np.float16) for v in three], axis=0)
    relative = np.where(half, HALF, np.where(single, SINGLE, DOUBLE))
    floor = np.where(half, _HALF_FLOOR, np.where(single, _SINGLE_FLOOR, _DOUBLE_FLOOR))
    bound = np.sqrt(grad_sqnorm + floor) * np.sqrt(dist_sq + floor) * np.sqrt(1 + relative)
    beyond: NDArray[np.bool_] = np.isfinite(inner) & (np.abs(inner) > bound)
    return beyond


def _exact(values: Float, dtype: type[np.floating]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = values.astype(dtype).astype(np.float64) == values
    return same
