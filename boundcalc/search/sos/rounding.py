"""From floating-point Gram matrices to exact sums of squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from typing import Any, TypeAlias

from boundcalc.search.sos.affine import Corrector
from boundcalc.search.sos.cone import Cone
from boundcalc.search.sos.moments import Solution
from boundcalc.search.sos.packed import Packed, add_square, cleared, plus, scaled

Squares: TypeAlias = list[tuple[Fraction, Packed]]  # Σ weight·q²

FINEST = 60  # bits after the point
MOST_BITS = 3_000  # of a number in the result; the grammar reads 4096
SMALL = 14  # Gram entries by block up to which Gram matrices are rounded themselves


@dataclass(frozen=True, eq=False)
class Exact:
    """goal = Σ factor·(block's squares) + Σ free·column, exactly."""

    squares: list[Squares]
    free: list[Fraction]


def exact(
    cone: Cone, goal: Packed, solution: Solution, running: Callable[[], bool]
) -> Exact | None:
    """Rationals near the solution: of few bits if that will do; None where none was found."""
    corrector = Corrector(cone)
    grams, free = _polished(cone, goal, solution)
    if all(len(block.basis) <= SMALL for block in cone.blocks):
        for bits in (0, 1, 2, 3, 4, 6, 8, 12, 18, 26, 36, 48):
            found = _rounded_gram(cone, goal, grams, free, bits, corrector)
            if found is not None:
                return found
            if not running():
                return None
    room = min((float(_least(q)) for q in grams), default=0.0)
    if room <= 0:
        return None
    for bits in _precisions(room, max(len(b.basis) for b in cone.blocks)):
        found = _rounded_root(cone, goal, grams, free, room, bits, corrector)
        if found is not None:
            return found
        if not running():
            return None
    return None


def _precisions(room: float, n: int) -> Iterator[int]:
    start = max(2, ceil(log2(n / room)) - 1)
    yield from range(start, min(start + 16, FINEST), 3)


def _least(gram: Any) -> float:
    import numpy as np

    return float(np.linalg.eigvalsh(gram)[0])


def _polished(cone: Cone, goal: Packed, solution: Solution) -> tuple[list[Any], Any]:
    """The nearest matrices that fulfil the equations as well as floating point allows."""
    import numpy as np
    from scipy import sparse  # type: ignore[import-untyped, unused-ignore]

    place = {m: k for k, m in enumerate(cone.rows(goal))}
    rows, columns, values, start = [], [], [], []
    at = 0
    for block, gram in zip(cone.blocks, solution.grams, strict=True):
        for (i, j), column in block.columns.items():
            by = 1.0 if i == j else 2**0.5
            start.append(by * gram[i, j])
            for m, c in column.items():
                rows.append(place[m])
                columns.append(at)
                values.append(by * float(c))
            at += 1
    for k, (_, _, column) in enumerate(cone.free):
        start.append(float(solution.free[k]))
        for m, c in column.items():
            rows.append(place[m])
            columns.append(at)
            values.append(float(c))
        at += 1
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(place), at))
    target = np.zeros(len(place))
    for m, c in goal.items():
        target[place[m]] = float(c)
    x = np.array(start)
    normal = (matrix @ matrix.T).toarray()
    for _ in range(2):
        x = x + matrix.T @ np.linalg.lstsq(normal, target - matrix @ x, rcond=1e-12)[0]
    grams, at = [], 0
    for block, old in zip(cone.blocks, solution.grams, strict=True):
        gram = np.zeros_like(old)
        for i, j in block.columns:
            gram[i, j] = gram[j, i] = x[at] if i == j else x[at] / 2**0.5
            at += 1
        grams.append(gram)
    return grams, x[at:]


def _dyadic(value: float, bits: int) -> Fraction:
    return Fraction(round(Fraction(float(value)) * 2**bits), 2**bits)


def _free_part(cone: Cone, goal: Packed, free: Any, bits: int) -> tuple[list[Fraction], Packed]:
    """Rounded free coefficients, and what they leave of the goal."""
    rounded = [_dyadic(value, bits) for value in free]
    rest = dict(goal)
    for (_, _, column), by in zip(cone.free, rounded, strict=True):
        rest = plus(rest, scaled(column, -by))
    return rounded, rest


def _rounded_gram(
    cone: Cone, goal: Packed, grams: list[Any], free: Any, bits: int, corrector: Corrector
) -> Exact | None:
    """Round the entries, correct a few of them, and factor: as many squares as the rank."""
    coefficients, rest = _free_part(cone, goal, free, bits)
    matrices = []
    for block, gram in zip(cone.blocks, grams, strict=True):
        n = len(block.basis)
        matrix = [[_dyadic(gram[i, j], bits) for j in range(n)] for i in range(n)]
        for (i, j), column in block.columns.items():
            by = matrix[i][j] if i == j else 2 * matrix[i][j]
            rest = plus(rest, scaled(column, -by))
        matrices.append(matrix)
    change = corrector.solve(rest)
    if change is None:
        return None
    for (b, i, j), by in change.items():
        if b < 0:
            coefficients[i] += by
        else:
            matrices[b][i][j] += by
            if i != j:
                matrices[b][j][i] += by
    squares = []
    for block, matrix in zip(cone.blocks, matrices, strict=True):
        factored = _factored(matrix, block.basis)
        if factored is None:
            return None
        squares.append(factored)
    return Exact(squares, coefficients)


def _factored(matrix: list[list[Fraction]], basis: tuple[Packed, ...]) -> Squares | None:
    """vᵀQv = Σ pivot·(row·v)² by LDLᵀ; None where Q is not semidefinite or numbers grow."""
    n, found = len(matrix), []
    for k in range(n):
        pivot = matrix[k][k]
        if pivot < 0 or (pivot == 0 and any(matrix[k][k:])):
            return None
        if pivot == 0:
            continue
        row = [value / pivot for value in matrix[k]]
        if max(value.denominator.bit_length() for value in (pivot, *row[k:])) > MOST_BITS:
            return None
        found.append((pivot, _combination(row[k:], basis[k:])))
        for i in range(k + 1, n):
            if row[i]:
                for j in range(k + 1, n):
                    matrix[i][j] -= pivot * row[i] * row[j]
    return found


def _combination(row: list[Fraction], basis: tuple[Packed, ...]) -> Packed:
    total: Packed = {}
    for by, v in zip(row, basis, strict=True):
        if by:
            total = plus(total, scaled(v, by))
    return total


def _rounded_root(
    cone: Cone,
    goal: Packed,
    grams: list[Any],
    free: Any,
    room: float,
    bits: int,
    corrector: Corrector,
) -> Exact | None:
    """Q = RᵀR + E: R rounded to short numbers, the exact rest E diagonally dominant.

    Half of the room goes to the diagonal of E; off it stands what corrects the identity, one entry
    per monomial. Numbers stay as short as those of R, whatever the size of Q.
    """
    import numpy as np

    diagonal = _dyadic(room / 2, ceil(-log2(room)) + 4)
    squares: list[Squares] = []
    coefficients, rest = _free_part(cone, goal, free, bits)
    total = {m: -c for m, c in rest.items()}
    for block, gram in zip(cone.blocks, grams, strict=True):
        n = len(block.basis)
        try:
            root = np.linalg.cholesky(gram - float(diagonal) * np.eye(n)).T
        except np.linalg.LinAlgError:
            return None
        own: Squares = []
        for k in range(n):
            row = [_dyadic(value, bits) for value in root[k, k:]]
            q = _combination(row, block.basis[k:])
            if q:
                by, whole = cleared(q)
                own.append((by * by, {m: Fraction(c) for m, c in whole.items()}))
        for by, q in own:
            add_square(total, by, q, block.factor)
        for k in range(n):
            total = plus(total, scaled(block.columns[k, k], diagonal))
        squares.append(own)
    change = corrector.solve({m: -c for m, c in total.items() if c})
    if change is None:
        return None
    for b, block in enumerate(cone.blocks):
        own_change = {(i, j): by for (c, i, j), by in change.items() if c == b}
        rest_squares = _dominant(block.basis, diagonal, own_change)
        if rest_squares is None:
            return None
        squares[b] += rest_squares
    for (b, k, _), by in change.items():
        if b < 0:
            coefficients[k] += by
    return Exact(squares, coefficients)


def _dominant(
    basis: tuple[Packed, ...], diagonal: Fraction, change: dict[tuple[int, int], Fraction]
) -> Squares | None:
    """vᵀ(diagonal·I + change)v as squares v_i² and (v_i ± v_j)²; None where not dominant."""
    left = [diagonal + change.get((k, k), 0) for k in range(len(basis))]
    found: Squares = []
    for (i, j), by in change.items():
        if i != j:
            left[i] -= abs(by)
            left[j] -= abs(by)
            other = basis[j] if by > 0 else scaled(basis[j], Fraction(-1))
            found.append((abs(by), plus(basis[i], other)))
    if any(value < 0 for value in left):
        return None
    return found + [(by, v) for by, v in zip(left, basis, strict=True) if by]
