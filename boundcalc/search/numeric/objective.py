"""What is minimised: sense·A/B or sense·eigenvalue, with gradients, fast and to many digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from boundcalc.search.numeric.derivative import diff_all
from boundcalc.search.numeric.node import Node, free
from boundcalc.search.numeric.ratio import Piece, Ratio
from boundcalc.search.numeric.region import Floats, Region
from boundcalc.search.numeric.tape import Tape, compile

NEAR = 1e-4  # relative radius around zeros of B that is left to the analysis of limits


@dataclass(frozen=True)
class Objective:
    """φ = sense·A/B on a piece: minimising φ is minimising (sense +1) or maximising the ratio."""

    piece: Piece
    sense: int
    region: Region

    @property
    def variables(self) -> tuple[str, ...]:
        return self.region.variables

    @cached_property
    def zeros(self) -> list[tuple[float, ...]]:
        """Zeros of B as floats."""
        return [tuple(map(float, exact_point(zero))) for zero in self.piece.zeros]

    @cached_property
    def size(self) -> int:
        """Rows of the matrix; 0 for a quotient."""
        return len(self.piece.matrix)

    @cached_property
    def entries(self) -> tuple[Node, ...]:
        """A and B, or the matrix's upper triangle by rows."""
        if not self.size:
            return (self.piece.A, self.piece.B)
        return tuple(self.piece.matrix[i][j] for i in range(self.size) for j in range(i, self.size))

    @cached_property
    def constant(self) -> bool:
        """Whether φ is the same everywhere, by its form."""
        return not free(self.entries)

    @cached_property
    def values_tape(self) -> Tape:
        return compile(self.entries, self.variables)

    @cached_property
    def tape(self) -> Tape:
        """Entries, then their derivatives by each variable in turn."""
        slopes = [part for name in self.variables for part in diff_all(self.entries, name)]
        return compile([*self.entries, *slopes], self.variables)

    @cached_property
    def within_tape(self) -> Tape | None:
        return compile(self.piece.within, self.variables) if self.piece.within else None

    def feasible(self, x: Floats) -> np.ndarray:
        """(N,) in the region and in the piece's own part of it."""
        good = self.region.inside(x, 1e-12)
        if self.within_tape is not None:
            good &= (self.within_tape.points(x) >= 0).all(axis=1)
        return good

    def clear(self, x: Floats) -> np.ndarray:
        """(N,) away from the zeros of B."""
        good = np.ones(len(x), dtype=bool)
        for zero in self.zeros:
            middle = np.array(zero)
            good &= np.abs(x - middle).max(axis=1) > NEAR * (1 + np.abs(middle).max())
        return good

    def values(self, x: Floats) -> Floats:
        """(N,) φ; inf where it is undefined, noise, or outside."""
        rows = self.values_tape.points(x)
        return np.where(self.feasible(x), self._phi(x, rows), np.inf)

    def _phi(self, x: Floats, rows: Floats) -> Floats:
        with np.errstate(all="ignore"):
            if self.size:
                value = self._extreme(rows)[0]
            else:
                good = (rows[:, 1] > self.piece.floor) & self.clear(x)
                value = np.where(good, self.sense * rows[:, 0] / rows[:, 1], np.inf)
        return np.where(np.isnan(value), np.inf, value)

    def _extreme(self, rows: Floats) -> tuple[Floats, Floats]:
        """(N,) φ = sense·eigenvalue, and (N, m) unit eigenvectors."""
        matrix = self._square(rows)
        bad = ~np.isfinite(matrix).all(axis=(1, 2))
        matrix[bad] = 0.0
        if self.size == 1:
            sizes, axes = matrix[:, :, 0], np.ones((len(rows), 1, 1))
        else:
            sizes, axes = np.linalg.eigh(matrix)
        k = 0 if self.sense > 0 else -1
        return np.where(bad, np.inf, self.sense * sizes[:, k]), axes[:, :, k]

    def _square(self, rows: Floats) -> Floats:
        m = self.size
        matrix = np.empty((len(rows), m, m))
        upper = np.triu_indices(m)
        matrix[:, upper[0], upper[1]] = rows[:, : len(self.entries)]
        matrix[:, upper[1], upper[0]] = rows[:, : len(self.entries)]
        return matrix

    def slope(self, x: Floats) -> tuple[Floats, Floats]:
        """(N,) φ without the piece's own constraints, and (N, d) its gradient."""
        rows = self.tape.points(x)
        width, d = len(self.entries), len(self.variables)
        steep = rows[:, width:].reshape(len(x), d, width)
        with np.errstate(all="ignore"):
            if self.size:
                value, axis = self._extreme(rows)
                weights = self._pairs(axis)
                return value, self.sense * np.einsum("ndk,nk->nd", steep, weights)
            value = self._phi(x, rows)
            quotient = (rows[:, 0] / rows[:, 1])[:, None]
            slope = self.sense * (steep[:, :, 0] - quotient * steep[:, :, 1]) / rows[:, 1:2]
        return value, np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)

    def _pairs(self, axis: Floats) -> Floats:
        """(N, entries) v_i v_j, doubled off the diagonal."""
        upper = np.triu_indices(self.size)
        twice = np.where(upper[0] == upper[1], 1.0, 2.0)
        return np.asarray(axis[:, upper[0]] * axis[:, upper[1]] * twice)

    def exact(self, point: Sequence[Any], digits: int = 55) -> Any:
        """φ at one point; inf where undefined."""
        rows = self.values_tape.exact(point, digits)
        return self._exact_phi(rows, digits)[0]

    def exact_slope(self, point: Sequence[Any], digits: int = 70) -> list[Any]:
        """(d,) gradient of φ at one point."""
        from mpmath import mp

        with mp.workdps(digits):
            rows = self.tape.exact(point, digits)
            width = len(self.entries)
            weights = self._exact_phi(rows[:width], digits)[1]
            parts = [rows[width + k * width : 2 * width + k * width] for k in range(len(point))]
            return [
                sum((w * s for w, s in zip(weights, part, strict=True)), mp.zero) for part in parts
            ]

    def _exact_phi(self, rows: Sequence[Any], digits: int) -> tuple[Any, list[Any]]:
        """φ, and its derivative by each entry."""
        from mpmath import mp

        with mp.workdps(digits):
            if not self.size:
                A, B = rows
                if B == 0 or not mp.isfinite(A) or not mp.isfinite(B):
                    return mp.inf, [mp.nan, mp.nan]
                return self.sense * A / B, [self.sense / B, -self.sense * A / B**2]
            if not all(mp.isfinite(entry) for entry in rows):
                return mp.inf, [mp.nan] * len(rows)
            value, axis = self._exact_eigen(rows)
            weights = [
                self.sense * axis[i] * axis[j] * (1 if i == j else 2)
                for i in range(self.size)
                for j in range(i, self.size)
            ]
            return self.sense * value, weights

    def _exact_eigen(self, rows: Sequence[Any]) -> tuple[Any, list[Any]]:
        from mpmath import mp

        m = self.size
        if m == 1:
            return rows[0], [mp.one]
        matrix = mp.matrix(m, m)
        entry = iter(rows)
        for i in range(m):
            for j in range(i, m):
                matrix[i, j] = matrix[j, i] = next(entry)
        sizes, axes = mp.eigsy(matrix)
        k = min(range(m), key=lambda j: self.sense * sizes[j])
        return sizes[k], [axes[i, k] for i in range(m)]


def exact_point(point: Sequence[Node], digits: int = 70) -> list[Any]:
    """Constant formulas to many digits."""
    return compile(list(point), ()).exact((), digits)


def objectives(quotients: Ratio) -> list[Objective]:
    """What is to be minimised or maximised: one objective for each piece of a ratio."""
    return [Objective(piece, quotients.sense, quotients.region) for piece in quotients.pieces]
