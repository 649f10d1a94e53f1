"""What a conclusion asks a certificate to show, and how rules read their parts of a claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from boundcalc.kernel.claim import Claim, ClaimError, Json, text, texts
from boundcalc.kernel.grammar import Expr, Name, names, parse, parse_relation, substitute
from boundcalc.kernel.identity import Context, constant_level
from boundcalc.kernel.polynomial import Ratio
from boundcalc.kernel.scope import CONSTANT, STATE, Scope
from boundcalc.kernel.setting import expects


@dataclass(frozen=True)
class Obligation:
    """value ≥ 0, or > 0 where strict; after taking expectations where `expected`."""

    name: str
    value: Ratio
    strict: bool = False
    expected: bool = False


Obligations: TypeAlias = Iterator[Obligation]


RUN = frozenset({"steps", "gamma_sum", "gamma_sqsum"})  # of a whole run, not of one step


def counted(context: Context, claim: Claim, name: str) -> Ratio:
    """The number of steps, or a sum over them; raises ClaimError unless a positive parameter."""
    if claim.parameters.get(name) != "positive":
        raise ClaimError(f"{name}: a positive parameter in this rule")
    return context.scope.scalar(Name(name))


def successors(claim: Claim, scope: Scope) -> dict[str, Expr]:
    """The state's names and what they become; the state must be free, successors defined."""
    for name, successor in claim.next.items():
        if claim.points.get(name) not in ("any", "inside") and name not in claim.state:
            raise ClaimError(f"next: {name} is not part of the state")
        known = scope.points if name in claim.points else scope.scalars
        if successor not in known:
            raise ClaimError(f"next: {successor} is not defined")
    if set(claim.state) - set(claim.next):
        raise ClaimError("next: every scalar of the state needs a successor")
    return {name: Name(successor) for name, successor in claim.next.items()}


def potential_of(context: Context, claim: Claim, key: str) -> Expr:
    """A function of the state: names only successors know, fixed points and constants."""
    expr = parse(text(claim.conclusion[key], key), None)
    if expects(claim.conclusion[key]):  # E of what the next state gives is not this at the next
        raise ClaimError(f"{key}: no expectation in a function of the state")
    fixed = {n for n, kind in claim.points.items() if kind in ("fixed", "minimiser", "centre")}
    constants = {
        n
        for n, v in context.scope.scalars.items()
        if context.scope.levels(v.variables()) == CONSTANT
    }
    strangers = names(expr) - (fixed | constants | set(claim.next)) | (names(expr) & RUN)
    if strangers:
        raise ClaimError(f"{key}: {sorted(strangers)} is not carried from step to step")
    if context.scope.levels(context.scope.scalar(expr).variables()) > STATE:
        raise ClaimError(f"{key}: depends on the sampled index")
    return expr


def constant_of(context: Context, claim: Claim, key: str) -> Ratio:
    """The value of a conclusion's entry, which must be the same at every step."""
    value = context.scope.scalar(parse(text(claim.conclusion[key], key), None))
    constant_level(context, value, key)
    return value


def invariants(
    context: Context, claim: Claim, proof: Mapping[str, Json], at_start: bool
) -> Obligations:
    """What holds of the carried scalars at the start, or is kept by every step."""
    starts = {name: parse(value, None) for name, value in claim.state.items()}
    for name, relation_text in texts(proof.get("invariants", {}), "invariants").items():
        relation = parse_relation(relation_text, None)
        if relation.kind == "=" or names(relation.difference) - {*claim.state, *claim.parameters}:
            raise ClaimError(f"{name}: an inequality between carried scalars and constants")
        if expects(relation_text):
            raise ClaimError(f"{name}: no expectation in an invariant")
        changing = {"k"} if claim.conclusion.get("rule") == "potential" else set()
        changing |= {"gamma"} if "bound_varying" in claim.conclusion else set()
        if names(relation.difference) & changing:
            raise ClaimError(f"{name}: {sorted(changing)} changes with the step")
        moved = starts if at_start else successors(claim, context.scope)
        value = context.scope.scalar(substitute(relation.difference, moved, {}))
        suffix = "start" if at_start else "kept"
        yield Obligation(f"{name}_{suffix}", value, strict=relation.kind == ">")
