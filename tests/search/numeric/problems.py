"""Short-hand for problems in tests."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.library.problem import Ball, Problem, Side

LINE: Side = (None, None)


def problem(
    *components: str,
    variables: str = "x",
    domain: tuple[Side, ...] | None = None,
    residual: tuple[str, ...] = (),
    ball: Ball | None = None,
    minimisers: tuple[tuple[str, ...], ...] = (),
) -> Problem:
    names = tuple(variables)
    sides = domain or (LINE,) * len(names)
    return Problem("test", "", names, components, residual, sides, ball, minimisers)


def side(low: str, high: str) -> Side:
    return Fraction(low), Fraction(high)


SINE = problem("x^2 + 3*sin(x)^2")
PAIR = problem("(x-1)^2/2", "(x+1)^2/2")
RIDGE = problem("(x+y)^2/(1+(x+y)^2)", "(x+y+1)^2/(1+(x+y+1)^2)", variables="xy")
CURVED = problem("x^2 + (y-x^2)^2", variables="xy")
ROOTS = problem("(x^2-2)^2")
