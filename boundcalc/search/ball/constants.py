"""Constants of a system of formulas on a ball: near the best that floating point finds, and proved.

The kernel's own goals are proved with its own rules, so what is found here is accepted there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor, log10
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Context, Goal, MatrixGoal
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import PRECISION, Goals, goals
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
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.goals import Proof, Prover
from boundcalc.search.prove.pave import Paved, pave

QUICK = 12  # boxes for a value that floating point takes for the exact one
LOOSER = (  # how far from the value in floating point, and how many boxes for it
    (Fraction(1, 10**4), 300),
    (Fraction(1, 500), 3_000),
    (Fraction(1, 50), 8_000),
    (Fraction(1, 8), 20_000),
    (Fraction(2, 5), 40_000),
)
LARGEST: Mapping[str, Quantity] = {
    "L_F": jacobian_norm,
    "H": hessian_norm,
    "beta": loss_curvature,
}


@dataclass(frozen=True)
class Shown:
    """A constant with the proofs of its goals; `seems` is what floating point found."""

    name: str
    value: Fraction
    seems: float
    proofs: Mapping[str, Proof]


@dataclass
class Search:
    """One system, one start; `stopped` tells why a constant was not proved."""

    problem: Problem
    start: tuple[Fraction, ...]
    budget: Budget
    floats: Floats = field(init=False)
    data: dict[str, Any] = field(init=False)
    stopped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.floats = floats_of(self.problem)
        self.data = {
            "variables": list(self.problem.variables),
            "residual": list(self.problem.residual),
            "start": [str(x) for x in self.start],
        }

    def seems(self, name: str, radius: float, level: float = 0.0) -> float:
        """A constant on a ball in floating point: L_F, H, beta, mu, or "above" for mu above."""
        if name in LARGEST:
            return seems(self.floats, LARGEST[name], self.start, radius, 1)[0]
        quantity = kernel_least if name == "mu" else above_level(level)
        return seems(self.floats, quantity, self.start, radius, -1)[0]

    def show(
        self, name: str, radius: Fraction, level: Fraction = Fraction(0), most: float = 8.0
    ) -> Shown | None:
        """A constant with its proof, within `most` seconds; None where no value was proved."""
        best = self.seems(name, float(radius), float(level))
        share = self.budget.part(most)
        for value, boxes in near(best, 1 if name in LARGEST else -1):
            found = self._proved(name, radius, value, level, boxes, share)
            if isinstance(found, dict):
                return Shown(name, value, best, found)
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
        return found

    def _proved(
        self,
        name: str,
        radius: Fraction,
        value: Fraction,
        level: Fraction,
        boxes: int,
        budget: Budget,
    ) -> dict[str, Proof] | Stopped:
        """Proofs of the goals of one constant alone."""
        proofs: dict[str, Proof] = {}
        with iv.precision(PRECISION):
            try:
                system = read_system(self.data)
                wanted = self._goals(system, name, radius, value, level)
            except (Rejected, ValueError, ArithmeticError) as error:
                return Stopped("system", str(error))
            for key, goal in wanted.items():
                found = _prove(system.context, goal, boxes, budget)
                if isinstance(found, Stopped):
                    return found
                proofs[key] = found
        return proofs

    def _goals(
        self, system: System, name: str, radius: Fraction, value: Fraction, level: Fraction
    ) -> dict[str, Goal | MatrixGoal]:
        if name == "above":
            return Goals(system, radius).above_level(value, level)
        if name == "defined":
            return goals(system, radius, {})
        every = goals(system, radius, {name: value})
        return {key: goal for key, goal in every.items() if key.split(".")[0] == name}


def _prove(
    context: Context, goal: Goal | MatrixGoal, boxes: int, budget: Budget
) -> Proof | Stopped:
    """By boxes; a few of them, then by every rule, where the value may be exact."""
    if boxes <= QUICK:
        return Prover(context, budget.part(3.0)).prove(goal)
    found = pave(context, goal, "factored", budget, boxes)
    return found.proof if isinstance(found, Paved) else found


def near(value: float, sign: int) -> Iterator[tuple[Fraction, int]]:
    """Rationals at or beyond a float, and how many boxes to spend on each: above it for sign 1,
    below for −1, first the nearest. A short fraction that the float seems to be comes first.
    """
    if not abs(value) < float("inf"):
        return
    plain = Fraction(value).limit_denominator(10_000)
    if abs(float(plain) - value) <= 1e-12 * abs(value) and (plain or sign > 0):
        yield plain, QUICK
    if value <= 0:
        return
    for slack, boxes in LOOSER:
        yield rounded(Fraction(value) * (1 + sign * slack), sign), boxes


def rounded(value: Fraction, sign: int, digits: int = 6) -> Fraction:
    """A decimal of so many digits, not below (above) a positive number for sign 1 (−1)."""
    unit = Fraction(10) ** (floor(log10(value)) - digits + 1)
    quotient = value / unit
    whole = quotient.numerator // quotient.denominator
    return (whole + (1 if sign > 0 and whole != quotient else 0)) * unit
