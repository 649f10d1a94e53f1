"""Functions that are written as products with squares of affine factors: f = w·Π(a·x − b)²."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.grammar import Binary, Expr, Power
from boundcalc.library.problem import Problem
from boundcalc.search.numeric.derivative import diff
from boundcalc.search.numeric.formula import parse as read
from boundcalc.search.numeric.node import number, rational, substitute
from boundcalc.search.prove.residual import written


def flat_facts(problem: Problem) -> dict[str, Any] | None:
    """Facts that f is least, and 0, on the hyperplanes of its affine factors; None for others."""
    if len(problem.components) == 1:
        start, weight, power = problem.components[0], "1", 1
    elif len(problem.residual) == 1:
        start, weight, power = problem.residual[0], "1/2", 2
    else:
        return None
    flats: list[dict[str, Any]] = []
    others = [weight]
    for factor, exponent in _factors(parse(start), power):
        words = written(factor)
        affine = _affine(words, problem.variables) if exponent >= 2 else None
        if affine is None:
            others.append(f"({words})^({exponent})")
            continue
        row, value = affine
        if exponent > 2:
            others.append(f"({words})^({exponent - 2})")
        flats.append({"rows": [[str(c) for c in row]], "values": [str(value)]})
    if not flats:
        return None
    return {"flats": {"value": "0", "weight": "*".join(others), "flats": flats}}


def _factors(expr: Expr, power: int) -> Iterator[tuple[Expr, int]]:
    match expr:
        case Binary("*", left, right):
            yield from _factors(left, power)
            yield from _factors(right, power)
        case Binary("/", left, right):
            yield from _factors(left, power)
            yield right, -power
        case Power(base, int(exponent)) if exponent > 0:
            yield from _factors(base, power * exponent)
        case _:
            yield expr, power


def _affine(words: str, names: tuple[str, ...]) -> tuple[list[Fraction], Fraction] | None:
    """a and b where the formula is a·x − b, with rational numbers; None for others."""
    node = read(words, names)
    at = {name: number(0) for name in names}
    row = [rational(diff(node, name)) for name in names]
    rest = rational(substitute(node, at))
    if rest is None or not any(row) or None in row:
        return None
    return [c for c in row if c is not None], -rest
