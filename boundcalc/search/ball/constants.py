"""Constants of a system of formulas on a ball: near the best that floating point finds, and proved.

The kernel's own goals are proved with its own rules, so what is found here is accepted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor, log10
from typing import Any

import numpy as np

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Context, Goal, MatrixGoal
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import PRECISION, Goals, framed, goals
from boundcalc.kernel.system.formulas import System, read_system
from boundcalc.library.problem import Problem
from boundcalc.search.ball.floats import (
    Floats,
    Quantity,
    above_level,
    floats_of,
    hessian_norm,
    jacobian_norm,
    kernel_least,
    loss_curvature,
    seems,
)
from boundcalc.search.ball.made import quantities, system_data
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.goals import Proof, Prover
from boundcalc.search.prove.pave import Paved, pave

Frame = list[list[str]]

FRAMED = ("mu", "inner.mu", "input.mu", "input.rho")  # constants that bound a matrix from below
QUICK = 12  # boxes for a value that floating point takes for the exact one
LOOSER = (  # how far from the value in floating point; boxes, and a share of what time is left
    (Fraction(1, 10**4), 300, 0.1),
    (Fraction(1, 500), 3_000, 0.25),
    (Fraction(1, 50), 8_000, 0.4),
    (Fraction(1, 8), 20_000, 0.5),
    (Fraction(2, 5), 40_000, 1.0),
)
OWN: Mapping[str, tuple[Quantity, int]] = {  # and whether it is bounded from above
    "L_F": (jacobian_norm, 1),
    "H": (hessian_norm, 1),
    "beta": (loss_curvature, 1),
    "mu": (kernel_least, -1),
}


@dataclass(frozen=True)
class Shown:
    """A constant with the proofs of its goals, and the frames in which matrices were shown.

    seems : what floating point found.
    """

    name: str
    value: Fraction
    seems: float
    proofs: Mapping[str, Proof]
    frames: Mapping[str, Frame]


@dataclass
class Search:
    """One system, one start; `stopped` tells why a constant was not proved."""

    problem: Problem
    start: tuple[Fraction, ...]
    budget: Budget
    floats: Floats = field(init=False)
    data: dict[str, Any] = field(init=False)
    quantities: Mapping[str, tuple[Quantity, int]] = field(init=False)
    stopped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.floats = floats_of(self.problem)
        self.data = system_data(self.problem, self.start)
        self.quantities = {**OWN, **quantities(self.problem)}

    def seems(self, name: str, radius: float, level: float = 0.0) -> float:
        """A constant on a ball in floating point; "above" is mu of PL* above the level."""
        quantity, sign = (above_level(level), -1) if name == "above" else self.quantities[name]
        return seems(self.floats, quantity, self.start, radius, sign)[0]

    def show(
        self, name: str, radius: Fraction, level: Fraction = Fraction(0), most: float = 8.0
    ) -> Shown | None:
        """A constant with its proof, within `most` seconds; None where no value was proved."""
        best = self.seems(name, float(radius), float(level))
        share = self.budget.part(most)
        self.stopped.pop(name, None)
        sign = -1 if name == "above" else self.quantities[name][1]
        for value, boxes, part in near(best, sign):
            within = share.part(part * share.left())
            found = self._proved(name, radius, value, level, boxes, within)
            if not isinstance(found, Stopped):
                return Shown(name, value, best, *found)
            self.stopped[name] = f"{found.method}: {found.reason}"
            if share.left() <= 0:
                break
        return None

    def defined(self, radius: Fraction) -> Mapping[str, Proof] | None:
        """Proofs that F is smooth on the ball; None where they were not found."""
        share = self.budget.part(8.0)
        found = self._proved("defined", radius, Fraction(0), Fraction(0), QUICK, share)
        if isinstance(found, Stopped):
            self.stopped["defined"] = f"{found.method}: {found.reason}"
            return None
        return found[0]

    def _proved(
        self,
        name: str,
        radius: Fraction,
        value: Fraction,
        level: Fraction,
        boxes: int,
        budget: Budget,
    ) -> tuple[dict[str, Proof], dict[str, Frame]] | Stopped:
        """Proofs of the goals of one constant alone."""
        proofs: dict[str, Proof] = {}
        frames: dict[str, Frame] = {}
        with iv.precision(PRECISION):
            try:
                system = read_system(self.data)
                wanted = self._goals(system, name, radius, value, level)
                if boxes > QUICK and (name in FRAMED or name.startswith("part.")):
                    frames = _frames(system, wanted, value)
                    wanted = framed(system, wanted, frames)
            except (Rejected, ValueError, ArithmeticError) as error:
                return Stopped("system", str(error))
            for key, goal in wanted.items():
                found = _prove(system.context, goal, boxes, budget)
                if isinstance(found, Stopped):
                    return found
                proofs[key] = found
        return proofs, frames

    def _goals(
        self, system: System, name: str, radius: Fraction, value: Fraction, level: Fraction
    ) -> dict[str, Goal | MatrixGoal]:
        if name == "above":
            return Goals(system, radius).above_level(value, level)
        if name == "defined":
            return goals(system, radius, {})
        every = goals(system, radius, {name: value})
        return {key: goal for key, goal in every.items() if key.split(".")[0] != "defined"}


def _prove(
    context: Context, goal: Goal | MatrixGoal, boxes: int, budget: Budget
) -> Proof | Stopped:
    """By boxes; a few of them, then by every rule, where the value may be exact."""
    if boxes <= QUICK:
        return Prover(context, budget.part(3.0)).prove(goal)
    found = pave(context, goal, "factored", budget, boxes)
    return found.proof if isinstance(found, Paved) else found


def _frames(
    system: System, wanted: Mapping[str, Goal | MatrixGoal], value: Fraction
) -> dict[str, Frame]:
    """A frame in which a matrix is near I at the start: the inverse root of it there."""
    frames: dict[str, Frame] = {}
    for name, goal in wanted.items():
        if not isinstance(goal, MatrixGoal) or len(goal.rows) < 2:
            continue
        size = len(goal.rows)
        ends = system.at(system.start, [entry for row in goal.rows for entry in row])
        middle = np.array([float(sum(iv.outward(x))) / 2 for x in ends]).reshape(size, size)
        values, vectors = np.linalg.eigh(middle + float(value) * np.eye(size))
        if values[0] > 1e-12 * values[-1] > 0:
            frame = vectors / np.sqrt(values / values[-1])
            frames[name] = [
                [str(Fraction(float(x)).limit_denominator(1024)) for x in row] for row in frame
            ]
    return frames


def near(value: float, sign: int) -> Iterator[tuple[Fraction, int, float]]:
    """Rationals at or beyond a float, with the boxes and the share of the time for each: above it
    for sign 1, below for −1, the nearest first. A short fraction that the float seems to be leads.
    """
    if not abs(value) < float("inf"):
        return
    plain = Fraction(value).limit_denominator(10_000)
    if abs(float(plain) - value) <= 1e-12 * abs(value) and (plain or sign > 0):
        yield plain, QUICK, 0.3
    if value <= 0:
        return
    for slack, boxes, part in LOOSER:
        yield rounded(Fraction(value) * (1 + sign * slack), sign), boxes, part


def rounded(value: Fraction, sign: int, digits: int = 6) -> Fraction:
    """A decimal of so many digits, not below (above) a positive number for sign 1 (−1)."""
    unit = Fraction(10) ** (floor(log10(value)) - digits + 1)
    quotient = value / unit
    whole = quotient.numerator // quotient.denominator
    return (whole + (1 if sign > 0 and whole != quotient else 0)) * unit
