"""Facial reduction: squares without the directions that every representation leaves out.

Where a goal lies on the boundary of its cone, Q·M = 0 for some moment matrices M ≠ 0 and every
Gram matrix Q. The range of M, found in floating point, is recognised as a rational subspace; the
basis is cut down to polynomials orthogonal to it. A wrong guess loses representations, no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from boundcalc.search.sos.cone import MULTIPLIER, Block, Cone, subspace
from boundcalc.search.sos.moments import Solution

THRESHOLDS = (1e-2, 1e-3, 1e-4, 1e-5)  # of an eigenvalue of M, relative to the largest
LARGEST_DENOMINATOR = 720
CLOSE = 3e-4  # how far a recognised rational may lie from its float


def reduced(cone: Cone, solution: Solution) -> Iterator[Cone]:
    """Smaller cones to try instead, most cautious guess first."""
    import numpy as np

    pieces = [np.linalg.eigh(moment) for moment in solution.moments]
    most = max((float(values[-1]) for values, _ in pieces), default=0.0)
    if most <= 0:
        return
    seen: set[tuple[int, ...]] = set()
    for threshold in THRESHOLDS:
        blocks: list[Block] = []
        ranks: list[int] = []
        for block, (values, vectors) in zip(cone.blocks, pieces, strict=True):
            span = vectors[:, values > threshold * most].T
            rows = _rational(span) if len(span) and block.product != (MULTIPLIER,) else []
            if rows is None:
                break
            basis = subspace(block.basis, rows) if rows else block.basis
            ranks.append(len(rows))
            if basis:
                blocks.append(replace(block, basis=basis))
        else:
            key = tuple(ranks)
            if blocks and any(ranks) and key not in seen:
                seen.add(key)
                yield Cone(tuple(blocks), cone.free)


def _rational(span: Any) -> list[list[Fraction]] | None:
    """The reduced echelon form of floating-point rows, as rationals; None where it is not near one.

    Pivots are the largest entries, so that no other entry of their rows is large.
    """
    import numpy as np

    matrix = np.array(span)
    for k in range(len(matrix)):
        rest = np.abs(matrix[k:])
        found_at, column = divmod(int(rest.argmax()), rest.shape[1])
        matrix[[k, k + found_at]] = matrix[[k + found_at, k]]
        matrix[k] /= matrix[k, column]
        for other in range(len(matrix)):
            if other != k:
                matrix[other] -= matrix[other, column] * matrix[k]
    found: list[list[Fraction]] = []
    for entries in matrix.tolist():
        row = [_simplest(v) for v in entries]
        if max(abs(float(r) - v) for r, v in zip(row, entries, strict=True)) > CLOSE:
            return None
        found.append(row)
    return found


def _simplest(value: float) -> Fraction:
    """A close fraction of small denominator if there is one."""
    short = Fraction(value).limit_denominator(12)
    if abs(float(short) - value) < CLOSE:
        return short
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
