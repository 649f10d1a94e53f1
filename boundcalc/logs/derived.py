"""Scalar columns that follow from vectors, row by row.

Every row is computed by itself in an order fixed by its length alone, so that the numbers do not
depend, in any bit, on how the rows are cut into chunks or on how the arrays lie in memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from boundcalc.logs.array import Array, as_real
from boundcalc.logs.log import Float

_BLOCK = 1 << 20  # numbers of one array that are held at a time
_LARGE_BLOCK = 1 << 23  # the same where wide rows would make the blocks too short to read well
_SEGMENT = 1 << 15  # numbers that are multiplied and summed at a time: they stay in the cache


class Table(Protocol):
    """Vectors from which several scalar columns are computed in one reading."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def block(self, start: int, stop: int) -> Mapping[str, Float]:
        """The derived columns, (stop - start,) each."""
        ...

    def width(self) -> int:
        """Numbers per row of the largest array."""
        ...


@dataclass(frozen=True, eq=False)
class Window:
    """The last window of rows that was computed, for the other columns that follow from it."""

    table: Table
    _last: dict[tuple[int, int], dict[str, Float]] = field(default_factory=dict, init=False)

    def compute(self, start: int, stop: int) -> dict[str, Float]:
        """All derived columns of rows start..stop, reading the vectors a block at a time."""
        if (start, stop) not in self._last:
            self._last.clear()
            out = {name: np.empty(stop - start) for name in self.table.names}
            width = max(1, self.table.width())
            rows = max(1, _BLOCK // width, min(512, _LARGE_BLOCK // width))
            for low in range(start, stop, rows):
                high = min(low + rows, stop)
                for name, values in self.table.block(low, high).items():
                    out[name][low - start : high - start] = values
            self._last[start, stop] = out
        return self._last[start, stop]


@dataclass(frozen=True, eq=False)
class DerivedColumn:
    """One of the columns of a window; columns of the same window share each reading."""

    name: str
    rows: int
    window: Window

    def read(self, start: int, stop: int) -> Float:
        return self.window.compute(start, stop)[self.name]


@dataclass(frozen=True, eq=False)
class VectorTable:
    """inner, grad_sqnorm and dist_sq from x (K, d), grad (K, d), x_ref (d,), as far as present."""

    x: Array | None
    grad: Array | None
    x_ref: Float | None

    @property
    def names(self) -> tuple[str, ...]:
        at = self.x is not None and self.x_ref is not None
        possible = {"inner": at and self.grad, "grad_sqnorm": self.grad, "dist_sq": at}
        return tuple(name for name, there in possible.items() if there)

    def width(self) -> int:
        return max(math.prod(a.shape[1:]) for a in (self.x, self.grad) if a is not None)

    def block(self, start: int, stop: int) -> Mapping[str, Float]:
        out: dict[str, Float] = {}
        with np.errstate(all="ignore"):  # overflow gives inf: a row fault, found later
            grad = None if self.grad is None else as_real(self.grad.read(start, stop))
            if grad is not None:
                out["grad_sqnorm"] = row_dots(grad, grad)
            if self.x is not None and self.x_ref is not None:
                away = as_real(self.x.read(start, stop)) - self.x_ref
                out["dist_sq"] = row_dots(away, away)
                if grad is not None:
                    out["inner"] = row_dots(grad, away)
        return out


@dataclass(frozen=True, eq=False)
class TangentTable:
    """loss = ½‖r‖² and grad_sqnorm = ‖Jᵀr‖² from residual r (T, n) and jacobian J (T, n, m)."""

    residual: Array
    jacobian: Array | None

    @property
    def names(self) -> tuple[str, ...]:
        return ("loss",) if self.jacobian is None else ("loss", "grad_sqnorm")

    def width(self) -> int:
        largest = self.residual if self.jacobian is None else self.jacobian
        return math.prod(largest.shape[1:])

    def block(self, start: int, stop: int) -> Mapping[str, Float]:
        with np.errstate(all="ignore"):
            residual = as_real(self.residual.read(start, stop))
            out = {"loss": row_dots(residual, residual) / 2}
            if self.jacobian is not None:
                jacobian = as_real(self.jacobian.read(start, stop))
                rows = zip(jacobian, residual, strict=True)
                out["grad_sqnorm"] = np.array([_pulled_back_sqnorm(J, r) for J, r in rows])
        return out


def row_dots(a: Float, b: Float) -> Float:
    """⟨a_k, b_k⟩ for every row of two C-contiguous (n, d) arrays, (n,)."""
    rows, width = a.shape
    out = np.zeros(rows)
    high = max(1, _SEGMENT // max(1, width))
    for row in range(0, rows, high):
        for column in range(0, width, _SEGMENT):
            at = np.s_[row : row + high, column : column + _SEGMENT]
            out[row : row + high] += np.add.reduce(a[at] * b[at], axis=1)
    return out


def _pulled_back_sqnorm(jacobian: Float, residual: Float) -> float:
    """‖Jᵀr‖² for J (n, m), r (n,), without BLAS, whose order of summing varies with alignment."""
    n, m = jacobian.shape
    step = max(1, _SEGMENT // n)
    gradient = np.empty((1, m))
    for column in range(0, m, step):
        part = jacobian[:, column : column + step] * residual[:, None]
        np.add.reduce(part, axis=0, out=gradient[0, column : column + step])
    return float(row_dots(gradient, gradient)[0])
