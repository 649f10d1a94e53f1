"""A problem's functions with their derivatives, as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from boundcalc.search.numeric.derivative import gradient, hessian
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.node import (
    Node,
    divide,
    multiply,
    number,
    square,
    substitute,
    total,
    variable,
)
from boundcalc.search.numeric.region import Region, region_of
from boundcalc.search.numeric.tape import Tape, compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem


@dataclass(frozen=True)
class Landscape:
    """f = mean of f_i, or f = ½‖F‖² alone, on a region.

    weights : (d,) of the coordinates: where a coordinate is a linear form q·x of the problem's
    own variables, the weight is ‖q‖², and ‖∇f‖² = Σ weight·(∂f)², ‖x − y‖² = Σ (x_k − y_k)²/weight.
    lift : the problem's own variables as formulas in these coordinates.
    """

    region: Region
    components: tuple[Node, ...]
    residual: tuple[Node, ...]
    weights: tuple[Fraction, ...]
    lift: tuple[Node, ...]
    given: tuple[tuple[Node, ...], ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        return self.region.variables

    @cached_property
    def f(self) -> Node:
        if self.residual:
            return multiply(number(Fraction(1, 2)), total(square(part) for part in self.residual))
        return mean(self.components)

    @cached_property
    def f_i(self) -> tuple[Node, ...]:
        """The components; of a residual map f itself, alone."""
        return (self.f,) if self.residual else self.components

    @cached_property
    def gradient(self) -> tuple[Node, ...]:
        return tuple(gradient(self.f, self.variables))

    @cached_property
    def gradients(self) -> tuple[tuple[Node, ...], ...]:
        """(n, d) partial derivatives of every f_i."""
        return tuple(tuple(gradient(part, self.variables)) for part in self.f_i)

    @cached_property
    def hessian(self) -> tuple[tuple[Node, ...], ...]:
        return tuple(map(tuple, hessian(self.f, self.variables)))

    @cached_property
    def hessians(self) -> tuple[tuple[tuple[Node, ...], ...], ...]:
        """(n, d, d) second partial derivatives of every f_i."""
        return tuple(tuple(map(tuple, hessian(part, self.variables))) for part in self.f_i)

    @cached_property
    def jacobian(self) -> tuple[tuple[Node, ...], ...]:
        """(n, d) partial derivatives of the residual map."""
        return tuple(tuple(gradient(part, self.variables)) for part in self.residual)

    @cached_property
    def value_tape(self) -> Tape:
        """x -> f(x)."""
        return compile([self.f], self.variables)

    @cached_property
    def slope_tape(self) -> Tape:
        """x -> f(x), ∇f(x)."""
        return compile([self.f, *self.gradient], self.variables)


def mean(parts: Sequence[Node]) -> Node:
    """The mean of functions."""
    return divide(total(parts), number(len(parts)))


def landscape(problem: Problem) -> Landscape:
    """The landscape of a problem in its own variables.

    Raises FormulaError where a formula is not of the grammar.
    """
    names = tuple(problem.variables)
    return Landscape(
        region=region_of(problem, names),
        components=tuple(parse(formula, names) for formula in problem.components),
        residual=tuple(parse(formula, names) for formula in problem.residual),
        weights=(Fraction(1),) * len(names),
        lift=tuple(variable(name) for name in names),
        given=tuple(tuple(parse(c) for c in point) for point in problem.minimisers),
    )


def reduced(whole: Landscape, forms: Sequence[Sequence[int]]) -> Landscape:
    """The same function of u_k = forms[k]·x, mutually orthogonal, on all of R^d.

    A point x of the span of the forms is Σ u_k forms[k]/‖forms[k]‖²; f does not see the rest.
    """
    names = tuple(f"u{k + 1}" for k in range(len(forms)))
    sizes = tuple(Fraction(sum(q * q for q in form)) for form in forms)
    lift = tuple(
        total(
            multiply(number(Fraction(form[j]) / size), variable(name))
            for form, size, name in zip(forms, sizes, names, strict=True)
        )
        for j in range(len(whole.variables))
    )
    values = dict(zip(whole.variables, lift, strict=True))
    points = [
        tuple(
            total(multiply(number(q), c) for q, c in zip(form, point, strict=True))
            for form in forms
        )
        for point in whole.given
    ]
    return Landscape(
        region=Region(names, ((None, None),) * len(names)),
        components=tuple(substitute(part, values) for part in whole.components),
        residual=tuple(substitute(part, values) for part in whole.residual),
        weights=sizes,
        lift=lift,
        given=tuple(points),
    )
