"""The set that is searched: a box, perhaps unbounded, and perhaps a ball in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt

from boundcalc.search.numeric.node import Node, number, square, subtract, total, variable

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Side = tuple[Fraction | None, Fraction | None]


class BallLike(Protocol):
    """The closed ball |x − center| ≤ radius."""

    @property
    def center(self) -> tuple[Fraction, ...]: ...
    @property
    def radius(self) -> Fraction: ...


@dataclass(frozen=True)
class Region:
    """variables : (d,) names; domain : (d,) sides, None where unbounded; ball : or None."""

    variables: tuple[str, ...]
    domain: tuple[Side, ...]
    ball: BallLike | None = None

    @property
    def dimension(self) -> int:
        return len(self.variables)

    @property
    def lower(self) -> Floats:
        return np.array([-np.inf if low is None else float(low) for low, _ in self.domain])

    @property
    def upper(self) -> Floats:
        return np.array([np.inf if high is None else float(high) for _, high in self.domain])

    @property
    def bounded(self) -> bool:
        return self.ball is not None or all(None not in side for side in self.domain)

    @property
    def whole(self) -> bool:
        """Whether it is all of R^d."""
        return self.ball is None and all(side == (None, None) for side in self.domain)

    def constraints(self) -> tuple[Node, ...]:
        """Formulas that are nonnegative exactly on the region."""
        result = []
        for name, (low, high) in zip(self.variables, self.domain, strict=True):
            if low is not None:
                result.append(subtract(variable(name), number(low)))
            if high is not None:
                result.append(subtract(number(high), variable(name)))
        return (*result, *self.curved())

    def curved(self) -> tuple[Node, ...]:
        """The ball's formula, nonnegative inside."""
        if self.ball is None:
            return ()
        away = (
            square(subtract(variable(name), number(middle)))
            for name, middle in zip(self.variables, self.ball.center, strict=True)
        )
        return (subtract(number(self.ball.radius**2), total(away)),)

    def inside(self, points: Floats, slack: float = 0.0) -> Mask:
        """(N,) whether each point lies in the region, up to a relative slack."""
        room = slack * (1 + np.abs(points))
        above, below = points >= self.lower - room, points <= self.upper + room
        good = np.asarray((above & below).all(axis=1))
        if self.ball is not None:
            away = np.linalg.norm(points - np.array([float(c) for c in self.ball.center]), axis=1)
            good &= away <= float(self.ball.radius) * (1 + slack)
        return good

    def project(self, points: Floats) -> Floats:
        """Points moved into the region (nearest ones, for a box or a ball alone)."""
        points = np.clip(points, self.lower, self.upper)
        if self.ball is None:
            return points
        center = np.array([float(c) for c in self.ball.center])
        radius = float(self.ball.radius)
        for _ in range(8):
            away = points - center
            size = np.linalg.norm(away, axis=1, keepdims=True)
            points = center + away * np.minimum(1.0, radius / np.maximum(size, 1e-300))
            points = np.clip(points, self.lower, self.upper)
        return points

    def frame(self) -> tuple[Floats, Floats]:
        """A finite box that holds the region where it is bounded; (-inf, inf) elsewhere."""
        low, high = self.lower, self.upper
        if self.ball is not None:
            center = np.array([float(c) for c in self.ball.center])
            low = np.maximum(low, center - float(self.ball.radius))
            high = np.minimum(high, center + float(self.ball.radius))
        return low, high

    def sample(self, count: int, seed: int, near: Sequence[Floats] = ()) -> Floats:
        """(about count, d) points: even, at all scales around 0 and `near`, and on faces."""
        random = np.random.default_rng(seed)
        d = self.dimension
        low, high = self.frame()
        start = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - 10.0, -10.0))
        end = np.where(np.isfinite(high), high, np.where(np.isfinite(low), low + 10.0, 10.0))
        parts = [start + (end - start) * random.random((count, d))]
        limit = 4.0 if self.bounded else 8.0
        middles = [*near, np.clip(np.zeros(d), low, high)]
        for middle in middles:
            size = 10.0 ** random.uniform(-limit, limit, (max(1, count // len(middles)), 1))
            mixed = 10.0 ** random.uniform(-2, 0, (len(size), d)) * size
            parts.append(middle + mixed * random.choice([-1.0, 1.0], mixed.shape))
        points = np.concatenate(parts)
        faces = points[: count // 2].copy()
        side = random.integers(0, 3, faces.shape)
        faces = np.where((side == 0) & np.isfinite(low), low, faces)
        faces = np.where((side == 1) & np.isfinite(high), high, faces)
        return self.project(np.concatenate([points, faces]))


def region_of(problem: object, variables: Sequence[str]) -> Region:
    """The region of a problem (anything with .domain and .ball)."""
    domain = tuple((low, high) for low, high in problem.domain)  # type: ignore[attr-defined]
    return Region(tuple(variables), domain, problem.ball)  # type: ignore[attr-defined]
