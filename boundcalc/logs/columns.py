"""Arrays as columns of a log: native float64 numbers, or labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.logs.array import Array, as_label, as_real
from boundcalc.logs.log import Float


@dataclass(frozen=True, eq=False)
class RealColumn:
    """Numbers of any shape per row, read as native C-contiguous float64.

    flat : the array is (N, 1) and stands for a column of numbers, (N,).
    """

    array: Array
    flat: bool = False

    @property
    def rows(self) -> int:
        return self.array.shape[0]

    def read(self, start: int, stop: int) -> Float:
        values = as_real(self.array.read(start, stop))
        return values.reshape(-1) if self.flat else values


@dataclass(frozen=True, eq=False)
class LabelColumn:
    """Labels, read as int64 or fixed-width str, (n,)."""

    array: Array

    @property
    def rows(self) -> int:
        return self.array.shape[0]

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        return as_label(self.array.read(start, stop).reshape(-1), self.array.where)


@dataclass(frozen=True, eq=False)
class ConstantColumn:
    """One number or label that stands for a column of equal ones. `value` is (1,)."""

    value: NDArray[np.generic]
    rows: int

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        return np.repeat(self.value, stop - start)
