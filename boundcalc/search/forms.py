"""Instances at rational constants: linear in values, quadratic in a few vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.kernel.identity import Context
from boundcalc.kernel.polynomial import Monomial, Polynomial, Ratio, symbol
from boundcalc.kernel.scope import SAMPLE, Vector

Combination = Mapping[str, Fraction]  # of named vectors


class NotLinear(ValueError):
    """A product of values, or of values and inner products."""


@dataclass(frozen=True)
class Form:
    """Σ linear[a]·a + Σ quadratic[u, v]·⟨u, v⟩; gram names the vectors in order."""

    linear: Mapping[str, Fraction]
    quadratic: Mapping[tuple[str, str], Fraction]
    gram: tuple[str, ...]

    def scaled(self, by: Fraction) -> Form:
        """by·self."""
        linear = {name: by * c for name, c in self.linear.items()}
        return Form(linear, {pair: by * c for pair, c in self.quadratic.items()}, self.gram)

    def minus(self, other: Form) -> Form:
        """self − other."""
        linear, quadratic = dict(self.linear), dict(self.quadratic)
        for name, c in other.linear.items():
            linear[name] = linear.get(name, Fraction(0)) - c
        for pair, c in other.quadratic.items():
            quadratic[pair] = quadratic.get(pair, Fraction(0)) - c
        return Form(linear, quadratic, self.gram)

    def flattened(self, flat: set[str]) -> Form:
        """Inner products with some vectors as values of their own; these vectors leave the gram."""
        linear = dict(self.linear)
        for (u, v), c in self.quadratic.items():
            if flat & {u, v}:
                linear[f"<{u},{v}>"] = c
        inner = {pair: c for pair, c in self.quadratic.items() if not flat & set(pair)}
        return Form(linear, inner, tuple(v for v in self.gram if v not in flat))

    def exact(self) -> list[list[Fraction]]:
        """The symmetric matrix of the quadratic part."""
        place = {name: k for k, name in enumerate(self.gram)}
        matrix = [[Fraction(0)] * len(self.gram) for _ in self.gram]
        for (u, v), c in self.quadratic.items():
            matrix[place[u]][place[v]] += c / 2
            matrix[place[v]][place[u]] += c / 2
        return matrix

    def matrix(self) -> Any:
        """The same in floating point."""
        import numpy as np

        return np.array([[float(c) for c in row] for row in self.exact()])


class Frame:
    """Vectors in which all instances are written: differences of points, and gradients.

    Points are told from one of them, the anchor, so that a form does not depend on where the origin
    is. moves : a point that the claim ties to others by equations → what it equals.
    """

    def __init__(
        self, context: Context, values: Iterable[Ratio], moves: Mapping[str, Vector]
    ) -> None:
        self.context = context
        points = [n for n, p in context.scope.points.items() if n in context.scope.vectors]
        free = [n for n in points if dict(context.scope.vectors[n].terms).keys() == {n}]
        kinds = {n: context.scope.points[n].kind for n in free}
        fixed = [n for n in free if kinds[n] in ("minimiser", "projection", "fixed")]
        self.anchor = (fixed or free)[0]
        self.known: dict[str, Combination] = {}
        for name in free:
            if name not in moves:
                self.known[name] = {self._difference(name): Fraction(1), self.anchor: Fraction(1)}
        self.known[self.anchor] = {self.anchor: Fraction(1)}
        for name, vector in moves.items():
            self.known[name] = self._combined(vector)
        used: set[str] = set()
        for value in values:
            for name in value.numerator.variables() & context.scope.gram.keys():
                for part in context.scope.gram[name]:
                    used |= set(self.in_frame(part))
        self.vectors = tuple(sorted(used - {self.anchor}))

    def _difference(self, name: str) -> str:
        return f"({name} - {self.anchor})"

    def in_frame(self, name: str) -> Combination:
        """A named vector in the frame; a gradient is a vector of the frame itself."""
        return self.known.get(name, {name: Fraction(1)})

    def _combined(self, vector: Vector) -> Combination:
        found: dict[str, Fraction] = {}
        for name, coefficient in vector.terms.items():
            for part, c in self.in_frame(name).items():
                found[part] = found.get(part, Fraction(0)) + c * _number(coefficient)
        return {part: c for part, c in found.items() if c}

    def form(self, value: Ratio) -> Form:
        """Raises NotLinear."""
        linear: dict[str, Fraction] = {}
        quadratic: dict[tuple[str, str], Fraction] = {}
        for monomial, coefficient in value.numerator.terms.items():
            name = _single(monomial)
            pair = self.context.scope.gram.get(name)
            if pair is None:
                linear[name] = linear.get(name, Fraction(0)) + coefficient
                continue
            for u, a in self.in_frame(pair[0]).items():
                for v, b in self.in_frame(pair[1]).items():
                    first, second = sorted((u, v))
                    key, c = (first, second), a * b * coefficient
                    if self.anchor in key:  # must cancel: an equation, as between values
                        place = f"<{first},{second}>"
                        linear[place] = linear.get(place, Fraction(0)) + c
                    else:
                        quadratic[key] = quadratic.get(key, Fraction(0)) + c
        return Form(
            {name: c for name, c in linear.items() if c},
            {pair: c for pair, c in quadratic.items() if c},
            self.vectors,
        )


def _single(monomial: Monomial) -> str:
    """The variable of a monomial of degree 1; "1" of degree 0."""
    if not monomial:
        return "1"
    if len(monomial) > 1 or monomial[0][1] > 1:
        raise NotLinear(str(monomial))
    return monomial[0][0]


def _number(value: Ratio) -> Fraction:
    if value.variables():
        raise NotLinear("a coefficient that is not a number")
    return value.numerator.terms.get((), Fraction(0))


def mean_relations(context: Context, values: Iterable[Ratio]) -> list[Ratio]:
    """v − E v for every sampled variable: 0 once the expectation is taken."""
    seen = sorted(frozenset[str]().union(*(value.numerator.variables() for value in values)))
    found = []
    for name in seen:
        if context.scope.level[name] == SAMPLE:
            found.append(symbol(name) - context.scope.expect(symbol(name)))
    return found


def moved_out(
    context: Context, rest: Polynomial, moves: Mapping[str, Vector]
) -> dict[tuple[str, str], Fraction]:
    """Multipliers c with rest = Σ c[x, v]·⟨x − moves[x], v⟩, for a rest that the moves make 0.

    The last point goes first, since a move speaks of earlier points only. Raises NotLinear where
    something is left.
    """
    terms = {_single(m): c for m, c in rest.terms.items()}
    found: dict[tuple[str, str], Fraction] = {}

    def add(x: str, v: str, c: Fraction) -> None:
        """⟨x, v⟩ = ⟨x − moves[x], v⟩ + ⟨moves[x], v⟩, times c."""
        found[x, v] = found.get((x, v), Fraction(0)) + c
        for part, coefficient in moves[x].terms.items():
            first, second = sorted((part, v))
            name = f"<{first},{second}>"
            context.scope.gram.setdefault(name, (first, second))
            terms[name] = terms.get(name, Fraction(0)) + c * _number(coefficient)

    for x in reversed(list(moves)):
        while open_ := [n for n, c in terms.items() if c and x in context.scope.gram.get(n, ())]:
            name = open_[0]
            first, second = context.scope.gram[name]
            add(x, second if first == x else first, terms.pop(name))
    if any(terms.values()):
        raise NotLinear("the sum of weighted instances and squares is not the target")
    return {key: c for key, c in found.items() if c}
