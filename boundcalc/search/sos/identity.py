"""The identity in the caller's own coordinates: its exact check and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.search.sos.cone import MULTIPLIER, Cone
from boundcalc.search.sos.packed import (
    ONE,
    Packed,
    add_square,
    cleared,
    plus,
    scaled,
    text,
    times,
)
from boundcalc.search.sos.rounding import Exact, Squares
from boundcalc.search.sos.task import Task


@dataclass(frozen=True, eq=False)
class Identity:
    """(1 + multiplier)·goal = Σ product of constraints · squares + Σ p·equality."""

    multiplier: Squares
    parts: list[tuple[tuple[int, ...], Squares]]
    equalities: list[tuple[int, Packed]]


def identity(task: Task, cone: Cone, solved: Exact, given: Squares) -> Identity:
    """Undo the coordinates, the powers of two and the square factor."""
    parts: dict[tuple[int, ...], Squares] = {}
    for block, squares in zip(cone.blocks, solved.squares, strict=True):
        exponent = 0 if block.product == (MULTIPLIER,) else task.goal_shift
        exponent -= sum(task.constraints[k][0] for k in block.product if k != MULTIPLIER)
        for weight, q in squares:
            moved = task.frame.outward(q)
            if block.product != (MULTIPLIER,):
                moved = times(moved, task.square)
            by, whole = cleared(moved)
            plain = {m: Fraction(c) for m, c in whole.items()}
            entry = (weight * by * by * Fraction(2) ** exponent, plain)
            parts.setdefault(block.product, []).append(entry)
    sought = parts.pop((MULTIPLIER,), [])
    free: dict[int, Packed] = {}
    for (k, monomial, _), value in zip(cone.free, solved.free, strict=True):
        if value:
            free[k] = plus(free.get(k, {}), {monomial: value})
    equalities = []
    for k, p in free.items():
        by = Fraction(2) ** (task.goal_shift - task.equalities[k][0])
        moved = times(task.frame.outward(p), times(task.square, task.square))
        equalities.append((k, scaled(moved, by)))
    return Identity([*given, *sought], sorted(parts.items()), equalities)


def holds(
    said: Identity, goal: Packed, constraints: Sequence[Packed], equalities: Sequence[Packed]
) -> bool:
    """The identity, multiplied out in exact arithmetic, and the signs of its weights."""
    multiplier = dict(ONE)
    for weight, q in said.multiplier:
        add_square(multiplier, weight, q, ONE)
    total = scaled(times(multiplier, goal), Fraction(-1))
    weights = [weight for weight, _ in said.multiplier]
    for product, squares in said.parts:
        factor = ONE
        for k in product:
            factor = times(factor, constraints[k])
        own: Packed = {}
        for weight, q in squares:
            add_square(own, weight, q, ONE)
            weights.append(weight)
        total = plus(total, times({m: c for m, c in own.items() if c}, factor))
    for k, p in said.equalities:
        total = plus(total, times(p, equalities[k]))
    return not any(total.values()) and all(weight >= 0 for weight in weights)


def texts(said: Identity, names: tuple[str, ...]) -> dict[str, Any]:
    """The identity as the kernel's rule takes it; what is empty is left out."""

    def written(squares: Squares) -> list[list[str]]:
        return [[str(weight), text(q, names)] for weight, q in squares]

    parts = dict(said.parts)
    found: dict[str, Any] = {"rule": "sos", "squares": written(parts.pop((), []))}
    if said.multiplier:
        found["multiplier"] = written(said.multiplier)
    if parts:
        found["products"] = [
            {"constraints": list(product), "squares": written(squares)}
            for product, squares in parts.items()
        ]
    if said.equalities:
        found["equalities"] = [
            {"constraint": k, "times": text(p, names)} for k, p in said.equalities
        ]
    return found
