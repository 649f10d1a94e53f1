"""Conditions beside affine subspaces of minimisers, in floating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from boundcalc.search.numeric.estimate import Estimate
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.region import Floats
from boundcalc.search.numeric.zero_curve import quotients

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem

NEAR = 1e-6  # squared distances below are noise
SIMPLE = 8


def flat_estimate(problem: Problem, flats: Sequence[Mapping[str, Any]], condition: str) -> Estimate:
    """The best constant among simple points at several scales; f is 0 on the flats."""
    from mpmath import mpf

    whole = landscape(problem)
    x = whole.region.sample(4000, seed=21)
    x = np.unique(np.round(x * SIMPLE) / SIMPLE, axis=0)
    x = np.concatenate([x * 2.0**-k for k in (0, 2, 4, 6)])
    x = x[whole.region.inside(x) & (np.abs(x).max(axis=1) < 100)]
    steps = _steps(flats, x)
    values = quotients(condition, whole.slope_tape.points(x), steps)
    good = np.isfinite(values) & ((steps**2).sum(axis=1) > NEAR)
    values = np.where(good, values, np.inf)
    k = int(values.argmin())
    least = float(values[k])
    value = mpf(least) if condition != "eb" else mpf(max(least, 0.0)) ** mpf("0.5")
    reason = None if least > 1e-12 else "the quotient is not positive at the point"
    at = tuple(mpf(float(c)) for c in x[k])
    return Estimate(value, "point", at, reason, (None,) * len(at))


def _steps(flats: Sequence[Mapping[str, Any]], x: Floats) -> Floats:
    """(N, d) x − x_p for hyperplanes a·x = b."""
    found = []
    for flat in flats:
        row = np.array([float(Fraction(c)) for c in flat["rows"][0]])
        gap = x @ row - float(Fraction(flat["values"][0]))
        found.append(gap[:, None] * row / (row @ row))
    every = np.array(found)
    nearest = (every**2).sum(axis=2).argmin(axis=0)
    return np.asarray(every[nearest, np.arange(len(x))])
