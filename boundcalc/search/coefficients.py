"""Instances of conditions as numbers: linear in function values, quadratic in gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.check import Premise
from boundcalc.kernel.claim import Setup, read_claim
from boundcalc.kernel.grammar import parse
from boundcalc.kernel.identity import Context
from boundcalc.kernel.implication import conclusion_condition
from boundcalc.kernel.polynomial import Ratio
from boundcalc.kernel.setting import announce, available, declare_claim, set_up, with_constants


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


def forms(
    claim_data: Any,
    proof: Mapping[str, Any],
    premises: Mapping[str, Premise],
    expressions: Mapping[str, str],
) -> dict[str, Form]:
    """What a proof uses, and expressions, by name: forms over the gradients at all its points.

    The kernel's own reader makes them, so that finder and checker mean the same thing.
    """
    claim = read_claim(claim_data)
    context, known = declare_claim(claim), available(claim)
    own = [Setup(entry["name"], entry["is"], None) for entry in proof["define"]]
    for step in (*claim.setup, *own):
        set_up(context, step, {}, pointwise=True)
    for entry in proof["derive"]:
        said = conclusion_condition(premises[entry["by"]].claim)
        constants = {n: entry["constants"].get(n, t) for n, t in said.hypothesis.constants.items()}
        hypothesis = replace(said.hypothesis, name=entry["name"], constants=constants)
        known[entry["name"]] = with_constants(hypothesis, said.condition)
    vectors = tuple(f"grad({name})" for name in context.scope.points)
    announce(context, proof["use"], known)
    made = {name: _form(context, context.later[name]().value, vectors) for name in proof["use"]}
    for name, text in expressions.items():
        made[name] = _form(context, context.scope.scalar(parse(text, None)), vectors)
    return made


def _form(context: Context, value: Ratio, vectors: tuple[str, ...]) -> Form:
    linear: dict[str, Fraction] = {}
    quadratic: dict[tuple[str, str], Fraction] = {}
    for monomial, coefficient in value.numerator.terms.items():
        ((name, _),) = monomial
        pair = context.scope.gram.get(name)
        if pair is None:
            linear[name] = coefficient
        else:
            quadratic[pair] = coefficient
    return Form(linear, quadratic, vectors)
