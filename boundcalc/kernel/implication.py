"""Conclusions about one point or a few: a relation holds, or hypotheses imply a condition."""

from __future__ import annotations

from collections.abc import Mapping

from boundcalc.kernel.claim import Claim, ClaimError, Hypothesis, fields, text, texts
from boundcalc.kernel.grammar import parse_relation
from boundcalc.kernel.identity import Assumption, Context
from boundcalc.kernel.meaning import coherent
from boundcalc.kernel.obligation import Obligation, Obligations
from boundcalc.kernel.setting import (
    Available,
    instantiate,
    signs_hold,
    where_relations,
    with_constants,
)


def inequality(context: Context, claim: Claim) -> Obligations:
    """A relation between the declared points holds."""
    raw = fields(dict(claim.conclusion), "conclusion", {"rule", "holds"}, set())
    relation = parse_relation(text(raw["holds"], "holds"), None)
    value = context.scope.scalar(relation.difference)
    yield _shown("main", Assumption(value, relation.kind))


def implies(context: Context, claim: Claim) -> Obligations:
    """A condition holds: its schema, at points that are as free as its slots ask for."""
    keys = {"rule", "condition", "of", "constants", "at"}
    raw = fields(dict(claim.conclusion), "conclusion", keys, set())
    given = conclusion_condition(claim)
    at = texts(raw["at"], "at")
    slots = given.condition.slots
    if set(at) != set(slots) or len(set(at.values())) < len(at):
        raise ClaimError("conclusion: every slot needs a point of its own")
    for slot, kind in slots.items():
        _free(claim, kind, at, at[slot])
    signs_hold(context, given)
    for number, made in enumerate(where_relations(context, given), start=1):
        yield _shown(f"where{number}", made)
    if not given.condition.relations:
        raise ClaimError("a condition in words alone cannot be concluded")
    if given.condition.guard:
        raise ClaimError("a condition under a guard cannot be concluded")
    for name in given.condition.relations:
        made = instantiate(context, given, name, [at[slot] for slot in slots])
        yield _shown(name, made)


def _shown(name: str, relation: Assumption) -> Obligation:
    if relation.kind == "=":
        raise ClaimError("an equality cannot be concluded")
    return Obligation(name, relation.value, strict=relation.kind == ">")


def conclusion_condition(claim: Claim) -> Available:
    """The condition that an implication concludes, as a hypothesis for others to use."""
    raw = claim.conclusion
    id = text(raw["condition"], "conclusion")
    if id not in claim.conditions:
        raise ClaimError(f"conclusion: no schema of {id}")
    of, constants = texts(raw["of"], "of"), texts(raw["constants"], "constants")
    hypothesis = Hypothesis("conclusion", id, of, constants, "everywhere")
    coherent(hypothesis, claim.conditions[id], claim.functions)
    return with_constants(hypothesis, claim.conditions[id])


def _free(claim: Claim, kind: str, at: Mapping[str, str], name: str) -> None:
    """Raises ClaimError where a point is less general than its slot."""
    if kind.startswith("vector "):
        free = claim.vectors.get(name) == kind.removeprefix("vector ")
    elif kind == "point":
        free = claim.points.get(name) == "any"
    elif kind == "minimiser":
        free = claim.points.get(name) == "minimiser"
    else:
        of = at[kind.removeprefix("projection of ")]
        free = claim.points.get(name) == f"projection of {of}"
    if not free:
        raise ClaimError(f"conclusion: {name} is not a free {kind}")
