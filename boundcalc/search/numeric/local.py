"""Many local descents at once: BFGS for every start in one array, with bounds by projection.

Unbounded coordinates are searched as x = anchor + sinh(y), so that a descent walks to infinity as
easily as it settles at 1e-3; curved constraints are a penalty (a later polish meets them exactly).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boundcalc.search.numeric.node import Node
from boundcalc.search.numeric.region import Floats, Indices, Mask, Region
from boundcalc.search.numeric.tape import Tape, compile

Slope = Callable[[Floats], tuple[Floats, Floats]]
"""(N, d) points -> (N,) values and (N, d) gradients; values may be inf, never nan."""

PENALTY = 1e3
LARGEST = 1e12  # of a coordinate
REACH = 40.0  # of y = asinh(x): coordinates up to 1e17


@dataclass(frozen=True)
class Chart:
    """Coordinates y of the search: x = lower + width·y where bounded, else anchor + sinh(y)."""

    low: Floats
    high: Floats
    finite: Mask
    anchor: Floats
    width: Floats

    @staticmethod
    def of(region: Region) -> Chart:
        low, high = region.frame()
        finite = np.isfinite(low) & np.isfinite(high)
        anchor = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        width = np.where(finite, np.where(finite, high, 1.0) - np.where(finite, low, 0.0), 1.0)
        return Chart(low, high, finite, anchor, width)

    def out(self, y: Floats) -> Floats:
        with np.errstate(over="ignore"):
            moved = np.where(self.finite, self.width * y, np.sinh(np.clip(y, -REACH, REACH)))
        return np.clip(self.anchor + moved, self.low, self.high)

    def back(self, x: Floats) -> Floats:
        moved = np.clip(x, -LARGEST, LARGEST) - self.anchor
        return np.where(
            self.finite, moved / np.where(self.width > 0, self.width, 1.0), np.arcsinh(moved)
        )

    def stretch(self, y: Floats) -> Floats:
        """dx/dy."""
        return np.where(self.finite, self.width, np.cosh(np.clip(y, -REACH, REACH)))


@dataclass(frozen=True)
class Penalised:
    """A slope with a penalty on negative constraints."""

    slope: Slope
    tape: Tape | None
    count: int

    @staticmethod
    def of(slope: Slope, constraints: tuple[Node, ...], variables: tuple[str, ...]) -> Penalised:
        from boundcalc.search.numeric.derivative import gradient

        rows = [part for g in constraints for part in (g, *gradient(g, variables))]
        return Penalised(slope, compile(rows, variables) if rows else None, len(constraints))

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        value, slope = self.slope(x)
        if self.tape is None:
            return value, slope
        rows = self.tape.points(x).reshape(len(x), self.count, -1)
        steep = np.linalg.norm(rows[:, :, 1:], axis=2) + 1e-12
        short = np.minimum(np.nan_to_num(rows[:, :, 0], nan=-1.0) / steep, 0.0)  # as a distance
        weight = PENALTY * (1 + np.abs(np.nan_to_num(value, posinf=0.0, neginf=0.0)))
        value = value + weight * (short**2).sum(axis=1)
        pull = 2 * weight[:, None] * ((short / steep)[:, :, None] * rows[:, :, 1:]).sum(axis=1)
        return value, slope + np.nan_to_num(pull)


def descend(
    slope: Slope,
    region: Region,
    starts: Floats,
    constraints: tuple[Node, ...] = (),
    iterations: int = 80,
    until: float | None = None,
    reach: float = REACH,
    gain: float = 1e-15,
) -> tuple[Floats, Floats]:
    """(N, d) points where the descents ended and (N,) their values (penalty included).

    until : a time.perf_counter() after which no further step is taken.
    reach : the largest |asinh x|.
    gain : relative decrease below which a descent ends.
    """
    chart = Chart.of(region)
    constraints = (*constraints, *region.curved())
    target = Penalised.of(slope, constraints, region.variables)
    with np.errstate(all="ignore"):
        state = _State(chart, target, chart.back(region.project(starts)), reach, gain)
    with np.errstate(all="ignore"):
        for _ in range(iterations):
            if not state.step() or (until is not None and time.perf_counter() > until):
                break
    return chart.out(state.y), state.value


class _State:
    """Positions, values, gradients and inverse Hessians of all descents."""

    def __init__(
        self, chart: Chart, target: Penalised, y: Floats, reach: float, gain: float
    ) -> None:
        self.chart, self.target, self.gain = chart, target, gain
        self.low = np.where(np.isfinite(chart.low), chart.back(chart.low), -reach)
        self.high = np.where(np.isfinite(chart.high), chart.back(chart.high), reach)
        self.y = np.clip(y, self.low, self.high)
        self.value, self.slope = self.evaluate(self.y)
        count, d = y.shape
        self.inverse = np.broadcast_to(np.eye(d), (count, d, d)).copy()
        self.live = np.isfinite(self.value)

    def evaluate(self, y: Floats) -> tuple[Floats, Floats]:
        value, slope = self.target(self.chart.out(y))
        slope = slope * self.chart.stretch(y)
        value = np.where(np.isnan(value), np.inf, value)
        bad = np.asarray(~np.isfinite(slope).all(axis=1))
        return np.where(bad, np.inf, value), np.where(bad[:, None], 0.0, slope)

    def step(self) -> bool:
        """One quasi-Newton step of every live descent; False where none is left."""
        k = np.flatnonzero(self.live)
        if not len(k):
            return False
        y, slope, inverse = self.y[k], self.slope[k], self.inverse[k]
        stuck = ((y <= self.low) & (slope > 0)) | ((y >= self.high) & (slope < 0))
        free = np.where(stuck, 0.0, slope)
        move = np.where(stuck, 0.0, -np.einsum("nij,nj->ni", inverse, free))
        uphill = (move * free).sum(axis=1) >= 0
        move[uphill] = -free[uphill]
        move *= np.minimum(1.0, 1.0 / np.maximum(np.abs(move).max(axis=1, keepdims=True), 1e-300))
        reached, value, fresh, moved = self.search(k, move, free)
        self.learn(k, reached - y, fresh - slope, uphill | stuck.any(axis=1))
        gain = self.value[k] - value
        self.y[k], self.value[k], self.slope[k] = reached, value, fresh
        self.live[k] = moved & (gain > self.gain * np.abs(value))
        return True

    def search(self, k: Indices, move: Floats, free: Floats):  # type: ignore[no-untyped-def]
        """Backtracking: the first of ten halvings that descends, else the old place."""
        y, value, slope = self.y[k].copy(), self.value[k].copy(), self.slope[k].copy()
        base, start = self.value[k], self.y[k]
        todo = np.arange(len(k))
        scale = 1.0
        for _ in range(12):
            trial = np.clip(start[todo] + scale * move[todo], self.low, self.high)
            got, steep = self.evaluate(trial)
            drop = 1e-4 * (free[todo] * (trial - start[todo])).sum(axis=1)
            good = got < base[todo] + np.minimum(drop, 0.0)
            chosen = todo[good]
            y[chosen], value[chosen], slope[chosen] = trial[good], got[good], steep[good]
            todo = todo[~good]
            if not len(todo):
                break
            scale *= 0.35
        moved = np.ones(len(k), dtype=bool)
        moved[todo] = False
        return y, value, slope, moved

    def learn(self, k: Indices, step: Floats, change: Floats, reset: Mask) -> None:
        """The BFGS update of the inverse Hessians."""
        inverse = self.inverse[k]
        inverse[reset] = np.eye(step.shape[1])
        product = (step * change).sum(axis=1)
        good = product > 1e-12 * np.linalg.norm(step, axis=1) * np.linalg.norm(change, axis=1)
        s, z = step[good], change[good]
        rho = 1.0 / product[good]
        left = np.eye(s.shape[1]) - rho[:, None, None] * s[:, :, None] * z[:, None, :]
        inverse[good] = left @ inverse[good] @ left.transpose(0, 2, 1)
        inverse[good] += rho[:, None, None] * s[:, :, None] * s[:, None, :]
        self.inverse[k] = inverse
