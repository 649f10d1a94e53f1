"""All that a proof of a claim may use: implications that apply, instances at admissible points."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from boundcalc.kernel.check import Premise, check
from boundcalc.kernel.claim import Claim, ClaimError, Hypothesis, Setup, read_claim
from boundcalc.kernel.grammar import Expr, GrammarError, Name, parse, substitute
from boundcalc.kernel.identity import Context, Rejected
from boundcalc.kernel.implication import conclusion_condition
from boundcalc.kernel.meaning import FACTS
from boundcalc.kernel.scope import SAMPLE
from boundcalc.kernel.setting import (
    Available,
    announce,
    available,
    declare_claim,
    expects,
    set_up,
    where_relations,
)
from boundcalc.library.files import read
from boundcalc.library.proofs import implication
from boundcalc.library.theorems import theorem_ids

OF_ONE = {"f": "f_i", "grad": "grad_i"}  # an implication about f, moved to f_i


@dataclass(frozen=True)
class Material:
    """A claim as the kernel reads it, and what a proof of it can use.

    use : name → hypothesis or fact, and its points; derive : the proof's table of implications.
    """

    claim: Claim
    context: Context
    use: Mapping[str, list[str]]
    derive: tuple[Mapping[str, Any], ...]
    premises: Mapping[str, Premise]


def material(
    claim_data: Mapping[str, Any],
    allowed: Collection[str] | None = None,
    without: str = "",
    define: Collection[Mapping[str, str]] = (),
) -> Material:
    """What the kernel knows of a claim before a proof of it.

    allowed : implications that may be used (all of the catalogue where None); without : a theorem
    that may not be, nor what rests on it. define : points that only the proof speaks of.

    Raises Rejected, ClaimError, GrammarError for claims whose definitions need proofs of their own.
    """
    claim = read_claim(claim_data)
    derive, known, premises = _derivations(claim_data, claim, allowed, without)
    context = declare_claim(claim)
    for name, given in available(claim).items():
        for number, made in enumerate(where_relations(context, given), start=1):
            context.assume(f"{name}_where{number}".replace("-", "_"), made.value, made.kind)
    pointwise = claim.conclusion.get("rule") == "inequality"
    for step in claim.setup:
        set_up(context, step, {}, pointwise)
    for entry in define:
        set_up(context, Setup(entry["name"], entry["is"], None), {}, pointwise)
    use = dict(_instances(context, known))
    announce(context, use, known)
    usable = {name: entry for name, entry in use.items() if _reads(context, name)}
    return Material(claim, context, usable, tuple(derive), premises)


def _reads(context: Context, name: str) -> bool:
    """Whether the kernel makes this instance; it refuses points of the wrong kind."""
    try:
        made = context.known(name)
    except (Rejected, GrammarError, ClaimError):
        return False
    return made is not None and bool(made.value.numerator)


def _instances(context: Context, known: Mapping[str, Available]) -> Iterator[tuple[str, list[str]]]:
    facts = [(id, fact, "main") for id, fact in FACTS.items()]
    conditions = [(n, g.condition, r) for n, g in known.items() for r in g.condition.relations]
    for source, condition, relation in (*facts, *conditions):
        points = _points(context, condition.slots, expects(condition.relations[relation]))
        word = source if len(condition.relations) == 1 else f"{source}.{relation}"
        for at in points:
            name = "_".join((word, *at)).removeprefix("def.")
            yield name.replace("-", "_").replace(".", "_"), [word, *at]


def _points(context: Context, slots: Mapping[str, str], before: bool) -> Iterator[tuple[str, ...]]:
    """Different points for the slots, of their kinds; vectors and maps are not tried."""
    points = context.scope.points
    if any("vector" in kind for kind in slots.values()):
        return
    for at in product(points, repeat=len(slots)):
        late = any(context.scope.vector_level(context.scope.vectors[p]) == SAMPLE for p in at)
        if len(set(at)) == len(at) and not (before and late):
            placed = dict(zip(slots, at, strict=True))
            if all(_fits(context, kind, placed, slot) for slot, kind in slots.items()):
                yield at


def _fits(context: Context, kind: str, placed: Mapping[str, str], slot: str) -> bool:
    point = context.scope.points[placed[slot]]
    if kind == "minimiser":
        return point.kind in ("minimiser", "projection")
    if kind.startswith("projection of "):
        return point.projection_of == placed[kind.removeprefix("projection of ")]
    return True


def _derivations(
    claim_data: Mapping[str, Any], claim: Claim, allowed: Collection[str] | None, without: str
) -> tuple[list[dict[str, Any]], dict[str, Available], dict[str, Premise]]:
    """Implications of the catalogue that apply here, one after the other, as the kernel says."""
    trial = {
        **{key: value for key, value in claim_data.items() if key not in ("setup", "next")},
        "setup": [s for s in claim_data.get("setup", []) if "holds" in s and _constants(claim, s)],
        "conclusion": {"rule": "inequality", "holds": "0 >= 0"},
    }
    known = available(claim)
    found: list[dict[str, Any]] = []
    premises: dict[str, Premise] = {}
    for _ in range(2):  # what was derived may be what another implication needs
        for id in implications(without):
            if allowed is not None and id not in allowed:
                continue
            for functions in ({}, OF_ONE):
                entry = _entry(id, functions, known)
                if entry is None:
                    continue
                premises[id] = implication(id)
                proof = {"derive": [*found, entry], "show": {"main": {"by": "0"}}}
                try:
                    check(trial, proof, premises)
                except Rejected:
                    continue
                found.append(entry)
                known[entry["name"]] = _made(entry, premises[id].claim)
    return found, known, premises


def _constants(claim: Claim, step: Mapping[str, str]) -> bool:
    """Whether a constraint is between constants."""
    from boundcalc.kernel.grammar import names, parse_relation

    return names(parse_relation(step["holds"], None).difference) <= set(claim.parameters)


@cache
def implications(without: str) -> tuple[str, ...]:
    """The catalogue's implications between conditions that do not rest on a given theorem."""
    return tuple(
        id
        for id in theorem_ids()
        if read("theorems", id).get("conclusion", {}).get("rule") == "implies"
        and without not in _rests_on(id)
    )


def _rests_on(id: str) -> frozenset[str]:
    used = {entry["by"] for entry in read("theorems", id).get("proof", {}).get("derive", [])}
    return frozenset({id}).union(*(_rests_on(by) for by in used))


def _entry(
    id: str, functions: Mapping[str, str], known: Mapping[str, Available]
) -> dict[str, Any] | None:
    """The table entry that derives this implication from what is known; None where it cannot."""
    claim = implication(id).claim
    name = id + ("-i" if functions else "")
    if name in known or claim.functions or claim.vectors:
        return None
    constants: dict[str, Expr] = {}
    for wanted in claim.hypotheses:
        of = {role: functions.get(f, f) for role, f in wanted.of.items()}
        if functions and "inf" in of:
            of["inf"] = "inf_i"
        have = next(
            (
                given
                for given in known.values()
                if given.condition == claim.conditions[wanted.condition]
                and dict(given.hypothesis.of) == of
            ),
            None,
        )
        if have is None:
            return None
        for role, text in wanted.constants.items():
            constants.setdefault(text, have.constants[role])
    written = {n: _text(e) for n, e in constants.items() if n in claim.parameters}
    return {"name": name, "by": id, "constants": written, "of": dict(functions)}


def _made(entry: Mapping[str, Any], claim: Claim) -> Available:
    """The condition that an implication gives, as the kernel will make it."""
    last = conclusion_condition(claim)
    constants = {name: parse(entry["constants"].get(name, name)) for name in claim.parameters}
    placed = {
        key: substitute(parse(value), constants, {})
        for key, value in last.hypothesis.constants.items()
    }
    of = {role: entry["of"].get(f, f) for role, f in last.hypothesis.of.items()}
    if entry["of"] and "inf" in of:
        of["inf"] = "inf_i"
    made = Hypothesis(entry["name"], last.hypothesis.condition, of, {}, "everywhere")
    return Available(made, last.condition, placed)


def _text(expr: Expr) -> str:
    """A constant as text that reads back as the same tree."""
    from boundcalc.kernel.grammar import Binary, Call, Number, Power

    match expr:
        case Number(value):
            return str(value) if value >= 0 else f"(0 - {-value})"
        case Name(name):
            return name
        case Binary(op, left, right):
            return f"({_text(left)} {op} {_text(right)})"
        case Power(base, exponent):
            return f"({_text(base)})^{exponent}"
        case Call(function, arguments):  # pragma: no branch - the last kind of node
            return f"{function}({', '.join(map(_text, arguments))})"
