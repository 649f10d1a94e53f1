"""Conclusions over many steps: what each rule of induction asks of one step.

docs/trust.md states and proves every rule once. A rule turns the conclusion of a claim into
obligations about one step of the algorithm; the rule itself does the induction over steps.
"""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.claim import Claim, ClaimError, fields, text, texts
from boundcalc.kernel.grammar import Name, names, parse, parse_relation, substitute
from boundcalc.kernel.identity import Context, constant_level
from boundcalc.kernel.meaning import CONSTANTS
from boundcalc.kernel.obligation import (
    RUN,
    Obligation,
    Obligations,
    constant_of,
    counted,
    potential_of,
    successors,
)
from boundcalc.kernel.polynomial import ONE_RATIO, Polynomial, Ratio, ratio
from boundcalc.kernel.scope import STATE


def _start(context: Context, claim: Claim, value: Ratio) -> Obligations:
    """start ≥ the potential at the first point, where `initial` says what its names stand for."""
    meanings = {
        name: parse(meaning, None)
        for name, meaning in texts(claim.conclusion["initial"], "initial").items()
    }
    for name, meaning in meanings.items():
        if name not in claim.parameters or name in RUN.union(CONSTANTS):
            raise ClaimError(f"initial: {name} is not a constant of the claim")
        if context.scope.levels(context.scope.scalar(meaning).variables()) > STATE:
            raise ClaimError(f"initial: {name} is known before an index is sampled")
    start = parse(text(claim.conclusion["start"], "start"), None)
    given = context.scope.scalar(substitute(start, meanings, {}))
    yield Obligation("start", given - value)
    for name, meaning in meanings.items():
        sign = claim.parameters[name]
        if sign != "real":
            value = context.scope.scalar(meaning)
            yield Obligation(f"initial_{name}", value, strict=sign == "positive")


def _same_at_every_step(context: Context, claim: Claim, word: str, values: list[Ratio]) -> None:
    """Raises ClaimError where what is carried or given once depends on what changes with the step.

    Definitions are followed: a root or a minimum of the word depends on it.
    """
    scope = context.scope
    given = [scope.scalar(parse(value, None)) for value in claim.state.values()]
    for hypothesis in claim.hypotheses:
        given += [scope.scalar(parse(value)) for value in hypothesis.constants.values()]
    for name, meaning in texts(claim.conclusion["initial"], "initial").items():
        given += [scope.scalar(Name(name)), scope.scalar(parse(meaning, None))]
    for value in (*values, *given):
        if word in scope.behind(value.variables()):
            raise ClaimError(f"may not depend on {word}: of a step, or a step size that varies")


def telescoping(context: Context, claim: Claim) -> Obligations:
    """weight·quantity ≤ V − E V⁺ + noise gives min E quantity ≤ (start + Σ noise)/Σ weight."""
    keys = {"rule", "potential", "quantity", "weight", "noise", "start", "initial", "bound"}
    raw = fields(dict(claim.conclusion), "conclusion", keys, {"bound_varying"})
    scope = context.scope
    potential = potential_of(context, claim, "potential")
    quantity = scope.scalar(potential_of(context, claim, "quantity"))
    weight, noise = constant_of(context, claim, "weight"), constant_of(context, claim, "noise")
    if RUN & scope.behind((weight + noise).variables()):
        raise ClaimError("weight, noise: of one step only")
    value = scope.scalar(potential)
    after = scope.scalar(substitute(potential, successors(claim, scope), {}))
    yield Obligation("step", value - after + noise - weight * quantity, expected=True)
    yield Obligation("potential", value)
    yield Obligation("weight", weight, strict=True)
    yield from _start(context, claim, value)
    start = scope.scalar(parse(text(raw["start"], "start"), None))
    constant_level(context, start, "start")
    steps = counted(context, claim, "steps")
    once = context.inverse(parse(text(raw["weight"], "weight"), None))
    total = (start + steps * noise) * once / steps
    yield Obligation("bound", constant_of(context, claim, "bound") - total)
    if "bound_varying" in raw:
        varying = constant_of(context, claim, "bound_varying")
        _same_at_every_step(context, claim, "gamma", [value, quantity, start, varying])
        weights = _summed(context, claim, weight)
        total = (start + _summed(context, claim, noise)) / weights
        context.positive(weights)
        yield Obligation("bound_varying", constant_of(context, claim, "bound_varying") - total)


def _summed(context: Context, claim: Claim, value: Ratio) -> Ratio:
    """Σ over the steps of a polynomial of degree ≤ 2 in gamma, in the sums of γ_k and γ_k²."""
    hidden = value.numerator.variables() - {"gamma"}
    hidden = hidden.union(*(factor.variables() for factor in value.factors))
    if "gamma" in context.scope.behind(hidden):
        raise ClaimError("a sum over varying step sizes needs polynomials in gamma")
    sums = ("steps", "gamma_sum", "gamma_sqsum")
    total = ratio(Fraction(0))
    for monomial, coefficient in value.numerator.terms.items():
        power = dict(monomial).get("gamma", 0)
        if power > 2:
            raise ClaimError("a sum over varying step sizes goes up to gamma^2")
        rest = tuple(part for part in monomial if part[0] != "gamma")
        part = Ratio(Polynomial({rest: coefficient}), value.factors)
        total = total + part * counted(context, claim, sums[power])
    return total


def contraction(context: Context, claim: Claim) -> Obligations:
    """E V⁺ ≤ rate·V + noise, 0 ≤ rate < 1, gives E V(x^n) ≤ rate^n·V(x^0) + noise/(1 − rate)."""
    keys = {"rule", "potential", "rate", "noise", "floor"}
    fields(dict(claim.conclusion), "conclusion", keys, set())
    scope = context.scope
    potential = potential_of(context, claim, "potential")
    rate, noise = constant_of(context, claim, "rate"), constant_of(context, claim, "noise")
    value = scope.scalar(potential)
    after = scope.scalar(substitute(potential, successors(claim, scope), {}))
    yield Obligation("step", rate * value + noise - after, expected=True)
    yield Obligation("rate", rate)
    yield Obligation("noise", noise)
    left = ONE_RATIO - rate
    yield Obligation("below_one", left, strict=True)
    context.positive(left)
    yield Obligation("floor", constant_of(context, claim, "floor") - noise / left)


def potential(context: Context, claim: Claim) -> Obligations:
    """E Φ(k+1, x⁺) ≤ Φ(k, x) + noise for all k ≥ 0 gives E quantity(x^K) ≤ bound."""
    keys = {"rule", "potential", "quantity", "growth", "noise", "start", "initial", "bound"}
    raw = fields(dict(claim.conclusion), "conclusion", keys, set())
    if claim.parameters.get("k") != "nonnegative":
        raise ClaimError("parameters: k is nonnegative in this rule")
    scope = context.scope
    phi = potential_of(context, claim, "potential")
    quantity = scope.scalar(potential_of(context, claim, "quantity"))
    noise = constant_of(context, claim, "noise")
    bound = constant_of(context, claim, "bound")
    start_text = parse(text(raw["start"], "start"), None)
    once = [noise, quantity, bound, scope.scalar(start_text)]
    growth_text = parse(text(raw["growth"], "growth"), None)
    for name in (names(phi) | names(growth_text)) - {"k"}:
        once += [scope.scalars[name]] if name in scope.scalars else []
    for step in claim.setup:
        if step.holds is not None:
            once.append(scope.scalar(parse_relation(step.holds, None).difference))
    _same_at_every_step(context, claim, "k", once)
    plus_one = parse("k + 1")
    moved = substitute(phi, {**successors(claim, scope), "k": plus_one}, {})
    last = {"k": Name("steps")}
    yield Obligation("step", scope.scalar(phi) - scope.scalar(moved) + noise, expected=True)
    at_last = scope.scalar(substitute(phi, last, {}))
    growth = scope.scalar(substitute(growth_text, last, {}))
    constant_level(context, growth, "growth")
    yield Obligation("growth", growth, strict=True)
    yield Obligation("final", at_last - growth * quantity)
    yield from _start(context, claim, scope.scalar(substitute(phi, {"k": parse("0")}, {})))
    start = scope.scalar(start_text)
    constant_level(context, start, "start")
    total = (start + counted(context, claim, "steps") * noise) * context.inverse(
        substitute(growth_text, last, {})
    )
    yield Obligation("bound", bound - total)
