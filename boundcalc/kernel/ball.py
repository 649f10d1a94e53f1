"""Conclusions about a ball: hypotheses hold on it, and the iterates are shown never to leave it."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.claim import Claim, ClaimError, fields, text
from boundcalc.kernel.grammar import Name, parse, substitute
from boundcalc.kernel.identity import Context
from boundcalc.kernel.obligation import (
    Obligation,
    Obligations,
    constant_of,
    potential_of,
    successors,
)
from boundcalc.kernel.polynomial import ONE_RATIO, Ratio, ratio
from boundcalc.kernel.scope import SAMPLE

ZERO = ratio(Fraction(0))


def _root(context: Context, claim: Claim, key: str, of: Ratio) -> Ratio:
    """The variable that the claim defined as the square root of a value."""
    name = text(claim.conclusion[key], key)
    root = context.scope.scalar(Name(name))
    if name not in context.roots or (context.roots[name] - of).numerator:
        raise ClaimError(f"{key}: {name} is not defined as the square root that the rule needs")
    return root


def _move(context: Context, claim: Claim) -> Ratio:
    """The squared length of one step."""
    if len(claim.next) != 1 or claim.state:
        raise ClaimError("next: this rule moves one point")
    ((point, successor),) = claim.next.items()
    if claim.points.get(point) != "inside":
        raise ClaimError(f"next: {point} is a point inside the ball")
    scope = context.scope
    step = scope.vector(Name(successor)).plus(scope.vector(Name(point)), -1)
    return scope.inner(step, step)


def _both(context: Context, claim: Claim) -> tuple[Ratio, Ratio]:
    """The loss now and after the step."""
    loss = potential_of(context, claim, "loss")
    after = substitute(loss, successors(claim, context.scope), {})
    return context.scope.scalar(loss), context.scope.scalar(after)


def path_length(context: Context, claim: Claim) -> Obligations:
    """‖x⁺ − x‖ ≤ length ≤ scale·(√V − √V⁺), V⁺ ≤ rate·V inside the ball; scale·√V(x^0) ≤ radius.

    While V > until (0 if not given): the iterates stay inside and V(x^k) ≤ rate^k·V(x^0). Known of
    every such x: level (V ≤ V(x^0)), running (V > until), moving (√V > 0). With until = 0 either
    V(x^k) = 0 for some k, or x^k converges to a zero of V; both lie inside.
    """
    keys = {"rule", "loss", "root", "root_next", "root_start", "length", "start"}
    more = {"scale", "rate", "radius"}
    raw = fields(dict(claim.conclusion), "conclusion", keys | more, {"until"})
    now, after = _both(context, claim)
    start = constant_of(context, claim, "start")
    root, root_next = (
        _root(context, claim, "root", now),
        _root(context, claim, "root_next", after),
    )
    length = context.scope.scalar(parse(text(raw["length"], "length"), None))
    if context.scope.levels((length + after).variables()) == SAMPLE:
        raise ClaimError("length: this rule is for deterministic steps")
    scale, rate = constant_of(context, claim, "scale"), constant_of(context, claim, "rate")
    root_start = _root(context, claim, "root_start", start)
    until = constant_of(context, claim, "until") if "until" in raw else ZERO
    yield Obligation("until", until)
    yield Obligation("scale", scale)
    yield Obligation("rate", rate)
    yield Obligation("below_one", ONE_RATIO - rate, strict=True)
    yield Obligation("radius", constant_of(context, claim, "radius") - scale * root_start)
    context.assume("level", start - now, ">=")
    context.assume("running", now - until, ">")
    context.assume("moving", root, ">")
    yield Obligation("step", rate * now - after)
    yield Obligation("move", length * length - _move(context, claim))
    yield Obligation("forward", length)
    yield Obligation("length", scale * (root - root_next) - length)


def stopped(context: Context, claim: Claim) -> Obligations:
    """E V⁺ ≤ rate·V and E‖x⁺ − x‖² ≤ spread·V inside the ball; V ≥ 0 everywhere.

    With radius·delta·(1 − √rate) ≥ √(spread·V(x^0)): with probability at least 1 − delta no iterate
    leaves the ball, and E[V(x^k); none left before] ≤ rate^k·V(x^0) (Markov's inequality).
    """
    keys = {"rule", "loss", "rate", "spread", "radius", "delta", "start", "root_rate", "reach"}
    fields(dict(claim.conclusion), "conclusion", keys, set())
    now, after = _both(context, claim)
    rate, spread = constant_of(context, claim, "rate"), constant_of(context, claim, "spread")
    start = constant_of(context, claim, "start")
    root_rate = _root(context, claim, "root_rate", rate)
    reach = _root(context, claim, "reach", spread * start)
    radius, delta = constant_of(context, claim, "radius"), constant_of(context, claim, "delta")
    yield Obligation("rate", rate)
    yield Obligation("below_one", ONE_RATIO - rate, strict=True)
    yield Obligation("spread", spread)
    yield Obligation("delta", delta, strict=True)
    yield Obligation("radius", radius * delta * (ONE_RATIO - root_rate) - reach)
    yield Obligation("loss", now)
    yield Obligation("loss_next", after)
    yield Obligation("step", rate * now - after, expected=True)
    yield Obligation("length", spread * now - _move(context, claim), expected=True)
