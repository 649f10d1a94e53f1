"""Rigorous enclosures of the smallest and the largest eigenvalue of a tangent kernel J Jᵀ.

J is taken as it is stored: its entries are exact numbers. Which way is taken:

- n > m: λ_min = 0, exactly (J Jᵀ has rank at most m), and λ_max is that of JᵀJ.
- up to DENSE rows: an approximate singular value decomposition with its error (graded.py).
- more: shifted Cholesky factorisations of J Jᵀ (shifted.py).
- where λ_min is then still wide and n ≤ 200: exact integers and balls (exact.py).

None of them depends on how the rows of J were computed in batches; enclosures of one matrix by
different orders of its rows always overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boundcalc.landscape import exact
from boundcalc.landscape.enclosure import ZERO, Enclosure, rescaled, scaled
from boundcalc.landscape.graded import graded_spectrum
from boundcalc.landscape.shifted import shifted_spectrum
from boundcalc.logs.log import Float

DENSE = 2000  # order of the kernel up to which the decomposition is affordable
# Relative width of λ_min from which exact arithmetic is tried: (order up to which, width).
WIDE = ((40, 1e-9), (200, 1e-6))


@dataclass(frozen=True)
class Spectrum:
    """Enclosures of λ_min and λ_max of K = J Jᵀ, in units of J²; `method` in words.

    note : what is not certified, or "".
    """

    least: Enclosure
    largest: Enclosure
    method: str
    note: str = ""


def kernel_spectrum(jacobian: Float, *, dense: int = DENSE) -> Spectrum:
    """λ_min and λ_max of K = J Jᵀ for J (n, m) of finite float64 entries, n, m ≥ 1.

    dense : the largest order that is decomposed; beyond, Cholesky factorisations.
    """
    n, m = jacobian.shape
    matrix, exponent = scaled(np.ascontiguousarray(jacobian, dtype=np.float64))
    if not matrix.any():
        return Spectrum(ZERO, ZERO, "every entry is 0")
    deficient = n > m
    if deficient:
        matrix = np.ascontiguousarray(matrix.T)
    with np.errstate(all="ignore"):
        if min(n, m) <= dense:
            least, largest = graded_spectrum(matrix)
            method, note = "singular values, with their error", ""
        else:
            least, largest, note = shifted_spectrum(matrix, least_wanted=not deficient)
            method = "shifted Cholesky factorisations"
    least, largest = rescaled(least, 2 * exponent), rescaled(largest, 2 * exponent)
    if deficient:
        return Spectrum(ZERO, largest, f"rank at most {m} < {n}; λ_max: {method}")
    wide = next((width for order, width in WIDE if n <= order), None)
    if wide is not None and least.relative_width > wide and exact.affordable(jacobian):
        found = exact.exact_least(jacobian, least)
        if found is not None:
            return Spectrum(found.within(least), largest, f"exact integers; λ_max: {method}")
    if least.lower == 0 < least.upper:
        note = note or "λ_min > 0 is not certified: it is below what rounding allows to tell"
    return Spectrum(least, largest, method, note)
