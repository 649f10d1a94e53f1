"""Many digits: Newton's method in mpmath on the conditions of a constrained optimum."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

DIGITS = 40
WORKING = 70  # digits carried; half of them are lost to difference quotients
SECONDS = 1.0  # for one zero

Vector = list[Any]
Equations = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Root:
    """point : (k,) mpf; size : the largest equation left; steps : of Newton's method."""

    point: tuple[Any, ...]
    size: Any
    steps: int


def newton(equations: Equations, start: Sequence[Any], steps: int = 40) -> Root | None:
    """A zero near the start, by Levenberg-damped Newton steps; None where it is lost.

    Where the Jacobian is singular the step is the shortest least-squares one; the convergence is
    slower then, and the best point is returned all the same.
    """
    from mpmath import mp, mpf

    with mp.workdps(WORKING):
        x = [mpf(value) for value in start]
        value = equations(x)
        size = _size(value)
        if not mp.isfinite(size):
            return None
        damping = mpf(0)
        count = 0
        until = time.perf_counter() + SECONDS
        for count in range(steps):  # noqa: B007 (read after the loop)
            if time.perf_counter() > until or size < mpf(10) ** -(WORKING - 12):
                break
            matrix = _jacobian(equations, x, value)
            moved = None
            for _ in range(8):
                moved = _trial(equations, matrix, x, value, damping, size)
                if moved is not None:
                    break
                damping = max(damping * 30, mpf(10) ** -4)
            if moved is None:
                break
            step = max(abs(a - b) / (1 + abs(b)) for a, b in zip(moved[0], x, strict=True))
            x, value = moved
            size = _size(value)
            damping = damping / 100 if damping > mpf(10) ** -12 else mpf(0)
            if step < mpf(10) ** -(DIGITS + 8):
                break
        if not _settled(_jacobian(equations, x, value), value, x):
            return None
        return Root(tuple(x), size, count)


def _settled(matrix: Any, value: Vector, x: Vector) -> bool:
    """Whether the next step would be short: equations alone are small for exp(x) at -100."""
    from mpmath import mp, mpf

    if matrix.rows != matrix.cols:
        return True
    try:
        step = mp.lu_solve(matrix, -mp.matrix(value))
    except (ZeroDivisionError, TypeError):  # TypeError: mpmath's word for a zero column
        return True
    return all(abs(s) < mpf(10) ** -8 * (1 + abs(c)) for s, c in zip(step, x, strict=True))


def _size(value: Vector) -> Any:
    from mpmath import mp

    return max((abs(part) for part in value), default=mp.zero)


def _jacobian(equations: Equations, x: Vector, value: Vector) -> Any:
    from mpmath import mp, mpf

    matrix = mp.matrix(len(value), len(x))
    for k in range(len(x)):
        step = mpf(10) ** (-WORKING // 2) * (1 + abs(x[k]))
        shifted = equations([*x[:k], x[k] + step, *x[k + 1 :]])
        for row in range(len(value)):
            matrix[row, k] = (shifted[row] - value[row]) / step
    return matrix


def _trial(
    equations: Equations, matrix: Any, x: Vector, value: Vector, damping: Any, size: Any
) -> tuple[Vector, Vector] | None:
    """The damped step, where it does not make the equations worse."""
    from mpmath import mp, mpf

    right = -mp.matrix(value)
    try:
        if damping == 0 and matrix.rows == matrix.cols:
            step = mp.lu_solve(matrix, right)
        else:
            normal = matrix.T * matrix
            scale = max(abs(normal[k, k]) for k in range(normal.rows)) or mpf(1)
            for k in range(normal.rows):
                normal[k, k] += (damping + mpf(10) ** -40) * scale
            step = mp.lu_solve(normal, matrix.T * right)
    except (ZeroDivisionError, TypeError):  # TypeError: mpmath's word for a zero column
        return None
    moved = [a + b for a, b in zip(x, step, strict=True)]
    fresh = equations(moved)
    after = _size(fresh)
    return (moved, fresh) if mp.isfinite(after) and after < size else None
