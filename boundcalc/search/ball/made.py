"""Constants of the parts that a residual map is made of, in floating point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from boundcalc.library.problem import Made, Problem
from boundcalc.search.ball.floats import (
    Array,
    Floats,
    Quantity,
    floats_of,
    hessian_norm,
    jacobian_norm,
    kernel_least,
    least_of,
)


def system_data(problem: Problem, start: tuple[Any, ...]) -> dict[str, Any]:
    """The system as the kernel reads it."""
    made = problem.made
    data: dict[str, Any] = {
        "variables": list(problem.variables),
        "residual": list(problem.residual if made is None else made.formulas),
        "start": [str(x) for x in start],
    }
    if made is None:
        return data
    if made.kind == "output":
        return {**data, "output": {"function": made.function, "target": list(made.target)}}
    if made.kind == "input":
        return {**data, "input": dict(made.names)}
    return {**data, "parts": [list(part) for part in made.parts]}


def quantities(problem: Problem) -> Mapping[str, tuple[Quantity, int]]:
    """Constant → what it bounds at points, and 1 for an upper, −1 for a lower bound."""
    if problem.made is None:
        return {}
    return {"output": _output, "input": _input, "parts": _parts}[problem.made.kind](
        problem, problem.made
    )


def _output(problem: Problem, made: Made) -> dict[str, tuple[Quantity, int]]:
    inner = floats_of(replace(problem, residual=made.formulas))
    name = problem.variables[0]
    outer = floats_of(
        replace(problem, variables=(name,), domain=problem.domain[:1],
                residual=(f"{made.function}({name})",), ball=None, minimisers=())
    )  # fmt: skip

    def slope(_: Floats, points: Array) -> Array:
        values = inner.values(points)[0]
        slopes = outer.values(values.reshape(-1, 1))[1]
        return np.asarray(np.abs(slopes).reshape(values.shape).min(axis=1))

    return {
        "inner.L_F": (lambda _, points: jacobian_norm(inner, points), 1),
        "inner.H": (lambda _, points: hessian_norm(inner, points), 1),
        "inner.mu": (lambda _, points: kernel_least(inner, points), -1),
        "slope": (slope, -1),
    }


def _input(problem: Problem, made: Made) -> dict[str, tuple[Quantity, int]]:
    names = tuple(name for name, _ in made.names)
    sides = ((None, None),) * len(names)
    map_ = floats_of(replace(problem, residual=tuple(formula for _, formula in made.names)))
    outer = floats_of(
        replace(problem, variables=names, domain=sides, residual=made.formulas, ball=None,
                minimisers=())
    )  # fmt: skip
    return {
        "input.mu": (lambda _, points: kernel_least(outer, map_.values(points)[0]), -1),
        "input.rho": (lambda _, points: np.sqrt(kernel_least(map_, points)), -1),
    }


def _parts(problem: Problem, made: Made) -> dict[str, tuple[Quantity, int]]:
    def of(columns: list[int]) -> Quantity:
        return lambda system, points: least_of(system.values(points)[1][:, :, columns])

    numbers = [[problem.variables.index(name) for name in part] for part in made.parts]
    return {f"part.{k}": (of(columns), -1) for k, columns in enumerate(numbers)}
