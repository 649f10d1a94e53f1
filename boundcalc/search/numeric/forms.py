"""Linear forms that a function depends on: from sampled gradients to integer vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from boundcalc.search.numeric.landscape import Landscape
from boundcalc.search.numeric.node import number, rational
from boundcalc.search.numeric.tape import compile

LARGEST_ENTRY = 100


def linear_forms(whole: Landscape) -> tuple[tuple[int, ...], ...] | None:
    """Orthogonal integer rows q where every f_i depends on the q·x only; None where on all of x.

    The gradients' null space is guessed from samples and confirmed as an identity at exact points.
    """
    d = len(whole.variables)
    if d == 1:
        return None
    nodes = [part for row in (whole.jacobian or whole.gradients) for part in row]
    tape = compile(nodes, whole.variables)
    random = np.random.default_rng(5)
    rows = tape.points(whole.region.project(random.uniform(-2, 2, (40, d)))).reshape(-1, d)
    rows = rows[np.isfinite(rows).all(axis=1)]
    size = np.linalg.norm(rows, axis=1)
    rows = rows[size > 1e-9] / size[size > 1e-9][:, None]
    if len(rows) < d:
        return None
    _, sizes, axes = np.linalg.svd(rows)
    rank = int((sizes > 1e-9 * sizes[0]).sum())
    if rank == d:
        return None
    null = _integer_rows(axes[rank:])
    span = _integer_rows(axes[:rank])
    if null is None or span is None or not _confirmed(whole, null):
        return None
    return _orthogonal(span)


def _integer_rows(basis: np.ndarray) -> list[list[int]] | None:
    """The reduced echelon form of a row space, cleared of denominators."""
    matrix = np.array(basis, dtype=float)
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        row = len(pivots)
        if row == len(matrix):
            break
        best = row + int(np.abs(matrix[row:, column]).argmax())
        if abs(matrix[best, column]) < 1e-7:
            continue
        matrix[[row, best]] = matrix[[best, row]]
        matrix[row] /= matrix[row, column]
        for other in range(len(matrix)):
            if other != row:
                matrix[other] -= matrix[other, column] * matrix[row]
        pivots.append(column)
    result = []
    for values in matrix:
        exact = [Fraction(float(v)).limit_denominator(LARGEST_ENTRY) for v in values]
        if np.abs(np.array([float(e) for e in exact]) - values).max() > 1e-7:
            return None
        result.append(_cleared(exact))
    return result


def _cleared(row: Sequence[Fraction]) -> list[int]:
    """The shortest integer multiple of a rational row, first entry that is not 0 positive."""
    scale = math.lcm(*(q.denominator for q in row))
    whole = [int(q * scale) for q in row]
    shared = math.gcd(*whole) or 1
    sign = next((1 if v > 0 else -1 for v in whole if v), 1)
    return [sign * v // shared for v in whole]


def _orthogonal(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Gram-Schmidt over the rationals."""
    done: list[list[int]] = []
    for row in rows:
        rest = [Fraction(v) for v in row]
        for other in done:
            share = sum(a * b for a, b in zip(rest, other, strict=True)) / Fraction(
                sum(b * b for b in other)
            )
            rest = [a - share * b for a, b in zip(rest, other, strict=True)]
        done.append(_cleared(rest))
    return tuple(map(tuple, done))


def _confirmed(whole: Landscape, null: Sequence[Sequence[int]]) -> bool:
    """Whether the derivative along each null vector vanishes to 30 digits at random points."""
    from boundcalc.search.numeric.derivative import dot

    along = [
        dot([number(v) for v in vector], list(row))
        for vector in null
        for row in (whole.jacobian or whole.gradients)
    ]
    if all(rational(part) == 0 for part in along):
        return True
    tape = compile(along, whole.variables)
    random = np.random.default_rng(7)
    for point in whole.region.project(random.uniform(-1.5, 1.5, (4, len(whole.variables)))):
        if any(not abs(value) < 1e-30 for value in tape.exact(list(point), 45)):
            return False
    return True
