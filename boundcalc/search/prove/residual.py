"""Functions that are written as sums of squares: f = ½‖F‖² with F read off the formula."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.grammar import Binary, Expr, Number, Power
from boundcalc.library.problem import Problem


def sum_of_squares(problem: Problem) -> list[str] | None:
    """Formulas F_i with f = ½ΣF_i² where f is written as Σ c·(...)^2, c > 0; else None.

    More squares than variables are of no use: their tangent kernel is singular.
    """
    if len(problem.components) != 1:
        return None
    text = problem.components[0]
    found = []
    for weight, root in _squares(parse(text), Fraction(1)):
        if root is None or weight <= 0:
            return None
        found.append(f"sqrt({2 * weight})*({written(root)})")
    return found if 0 < len(found) <= len(problem.variables) else None


def _squares(expr: Expr, weight: Fraction) -> Iterator[tuple[Fraction, Expr | None]]:
    match expr:
        case Binary("+", left, right):
            yield from _squares(left, weight)
            yield from _squares(right, weight)
        case Binary("*", Number(value), right):
            yield from _squares(right, weight * value)
        case Binary("*", left, Number(value)):
            yield from _squares(left, weight * value)
        case Binary("/", left, Number(value)) if value:
            yield from _squares(left, weight / value)
        case Power(base, 2):
            yield weight, base
        case _:
            yield weight, None


def written(expr: Expr) -> str:
    """The formula of a tree."""
    from boundcalc.kernel.grammar import Call, Name

    match expr:
        case Number(value):
            return f"({value})"
        case Name(name):
            return name
        case Binary(op, left, right):
            return f"({written(left)} {op} {written(right)})"
        case Power(base, exponent):
            return f"({written(base)})^({exponent})"
        case Call("root", (base, Number(degree))):
            return f"({written(base)})^(1/{degree})"
        case Call(function, arguments):
            return f"{function}({', '.join(map(written, arguments))})"
    raise ValueError("not a formula")
