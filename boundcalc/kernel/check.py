"""The checker: a claim and a proof, as plain JSON data, to Proved or Rejected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import TypeAlias

from boundcalc.kernel.ball import path_length, stopped
from boundcalc.kernel.claim import (
    NAME,
    Claim,
    ClaimError,
    Hypothesis,
    Json,
    Setup,
    canonical,
    fields,
    identifier,
    items,
    read_claim,
    text,
    texts,
)
from boundcalc.kernel.grammar import (
    Expr,
    GrammarError,
    Name,
    names,
    parse,
    parse_relation,
    substitute,
)
from boundcalc.kernel.identity import (
    Context,
    Rejected,
    constant_level,
    prove,
    prove_lemma,
    signed,
)
from boundcalc.kernel.implication import conclusion_condition, implies, inequality
from boundcalc.kernel.induction import contraction, potential, telescoping
from boundcalc.kernel.meaning import CONSTANTS, FAMILIES, coherent
from boundcalc.kernel.obligation import Obligation, Obligations, invariants
from boundcalc.kernel.outcome import SEAL, Axiom, Proved, is_genuine
from boundcalc.kernel.polynomial import TooLarge
from boundcalc.kernel.setting import (
    Available,
    announce,
    available,
    declare_claim,
    expects,
    set_up,
    where_relations,
    with_constants,
)

RULES: Mapping[str, Callable[[Context, Claim], Obligations]] = {
    "inequality": inequality,
    "implies": implies,
    "telescoping": telescoping,
    "contraction": contraction,
    "potential": potential,
    "path-length": path_length,
    "stopped": stopped,
}

Premise: TypeAlias = Proved | Axiom


def check(claim_data: Json, proof: Json, premises: Mapping[str, Premise]) -> Proved:
    """Check a certificate.

    claim_data : see claim.py. proof : "show" (obligation → proof), and where needed "use",
    "derive", "define", "defined", "lemmas", "invariants". premises : what "derive" may name.

    Raises Rejected where the proof does not prove the claim, for whatever reason.
    """
    try:
        claim = read_claim(claim_data)
        _own_names(claim_data, proof)
        return _check(claim, proof, premises)
    except (ClaimError, GrammarError, TooLarge, ZeroDivisionError) as error:
        raise Rejected(str(error)) from error
    except RecursionError:
        raise Rejected("nested too deeply") from None
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise Rejected(f"not well formed: {error}") from error


def _own_names(claim: Json, proof: Json) -> None:
    """Raises Rejected where a proof would give a meaning to a name of the claim."""
    said = {key: value for key, value in claim.items() if key != "conditions"}
    words = set(NAME.findall(canonical(said)))
    raw = proof if isinstance(proof, dict) else {}
    taken = words & {step.name for step in _auxiliary(raw.get("define", []))}
    if taken:
        raise Rejected(f"{sorted(taken)}: declared twice, or a name that the claim leaves open")


def _check(claim: Claim, proof: Json, premises: Mapping[str, Premise]) -> Proved:
    optional = {"use", "derive", "define", "defined", "lemmas", "invariants"}
    raw = fields(proof, "proof", {"show"}, optional)
    rule = text(claim.conclusion.get("rule"), "rule")
    if rule not in RULES:
        raise ClaimError(f"rule: one of {sorted(RULES)}")
    if rule not in ("path-length", "stopped"):
        _no_ball(claim)
    context, hypotheses = declare_claim(claim), available(claim)
    _know_constants(context, hypotheses)
    cited: frozenset[tuple[str, str]] = frozenset()
    announce(context, raw.get("use", {}), hypotheses)
    setup = list(claim.setup)
    checks = 0
    defined = raw.get("defined", {})
    if not isinstance(defined, dict):
        raise ClaimError("defined: expected an object")
    pointwise = rule == "inequality"
    while setup and setup[0].holds is not None:
        checks += set_up(context, setup.pop(0), defined, pointwise)
    checks += _begin(context, claim, raw)
    for step in setup:
        checks += set_up(context, step, defined, pointwise)
    for step in _auxiliary(raw.get("define", [])):
        checks += set_up(context, step, defined, pointwise)
    for entry in items(raw.get("derive", []), "derive"):
        cited |= _derive(context, entry, hypotheses, premises, claim)
    for lemma in items(raw.get("lemmas", []), "lemmas"):
        checks += prove_lemma(context, lemma)
    checks += _conclude(context, claim, raw)
    if not checks:
        raise Rejected("nothing was shown")
    return Proved(claim, cited, checks, SEAL)


def _no_ball(claim: Claim) -> None:
    """Raises ClaimError where a claim speaks of a ball that its rule does not keep iterates in."""
    inside = [name for name, kind in claim.points.items() if kind == "inside"]
    if inside:
        raise ClaimError(f"{sorted(inside)}: this rule is not about a ball")


def _know_constants(context: Context, hypotheses: Mapping[str, Available]) -> None:
    """Relations between constants that come with the hypotheses, as <hypothesis>_where<number>."""
    for name, given in hypotheses.items():
        for number, made in enumerate(where_relations(context, given), start=1):
            context.assume(f"{name}_where{number}".replace("-", "_"), made.value, made.kind)


def _auxiliary(data: Json) -> list[Setup]:
    """Points and scalars that only the proof speaks of."""
    made = []
    for entry in items(data, "define"):
        raw = fields(entry, "define", {"name", "is"}, set())
        made.append(Setup(identifier(raw["name"], "define"), text(raw["is"], "define"), None))
    return made


def _begin(context: Context, claim: Claim, proof: Mapping[str, Json]) -> int:
    """Invariants at the start, shown before they are assumed of every state."""
    checks = 0
    for obligation in invariants(context, claim, proof, at_start=True):
        checks += _show(context, proof, obligation)
    for name, relation_text in texts(proof.get("invariants", {}), "invariants").items():
        relation = parse_relation(relation_text, None)
        context.assume(name, context.scope.scalar(relation.difference), relation.kind)
    return checks


def _show(context: Context, proof: Mapping[str, Json], obligation: Obligation) -> int:
    shown = proof["show"]
    if not isinstance(shown, dict) or obligation.name not in shown:
        raise Rejected(f"{obligation.name}: no proof of it")
    try:
        return prove(
            context,
            shown[obligation.name],
            obligation.value,
            strict=obligation.strict,
            expected=obligation.expected,
        )
    except (Rejected, GrammarError) as error:
        raise Rejected(f"{obligation.name}: {error}") from error


def _conclude(context: Context, claim: Claim, proof: Mapping[str, Json]) -> int:
    """Every obligation of the claim's rule, and that the proof shows nothing else."""
    rule = RULES[claim.conclusion["rule"]]
    checks, asked = 0, set()
    for obligation in chain(
        invariants(context, claim, proof, at_start=False), rule(context, claim)
    ):
        checks += _show(context, proof, obligation)
        asked.add(obligation.name)
    asked.update(f"{name}_start" for name in proof.get("invariants", {}))
    if set(proof["show"]) - asked:
        raise ClaimError(f"show: nothing asks for {sorted(set(proof['show']) - asked)}")
    return checks


def _derive(
    context: Context,
    data: Json,
    hypotheses: dict[str, Available],
    premises: Mapping[str, Premise],
    here: Claim,
) -> frozenset[tuple[str, str]]:
    """One more hypothesis, by an implication between conditions that is proved or an axiom.

    of : its functions → functions here. constants : its constants → expressions here.
    """
    raw = fields(data, "derive", {"name", "by"}, {"of", "constants"})
    name, by = text(raw["name"], "derive"), text(raw["by"], "derive")
    if by not in premises or name in hypotheses:
        raise Rejected(f"{name}: {by} is not at hand, or the name is taken")
    premise = premises[by]
    if not (isinstance(premise, Axiom) or is_genuine(premise)):
        raise Rejected(f"{by}: neither an axiom nor what the checker made")
    claim = premise.claim
    if claim.conclusion.get("rule") != "implies":
        raise ClaimError(f"{by}: not an implication between conditions")
    functions = texts(raw.get("of", {}), "of")
    _transportable(claim, by, functions, here)
    if functions.keys() - claim.functions.keys():
        functions = {**functions, "fstar": "inf_i"}
    given = {name: parse(value) for name, value in texts(raw.get("constants", {}), by).items()}
    for constant, value in given.items():
        if constant not in claim.parameters:
            raise ClaimError(f"{by}: {constant} is not a constant of it")
        if constant in CONSTANTS and value != Name(constant):
            raise ClaimError(f"{by}: {constant} has a meaning of its own")
    constants = {name: given.get(name, Name(name)) for name in claim.parameters}
    _signs(context, claim, constants)
    for step in claim.setup:
        _constraint(context, step, constants)
    known = list(hypotheses.values())
    for hypothesis in claim.hypotheses:
        wanted = with_constants(hypothesis, claim.conditions[hypothesis.condition])
        if not any(_same(context, wanted, constants, functions, have) for have in known):
            raise Rejected(f"{name}: {by} needs {hypothesis.name}, which is not assumed")
    last = conclusion_condition(claim)
    placed = {
        key: substitute(parse(value), constants, {})
        for key, value in last.hypothesis.constants.items()
    }
    of = {role: functions.get(f, f) for role, f in last.hypothesis.of.items()}
    made = Hypothesis(name, last.hypothesis.condition, of, {}, "everywhere")
    coherent(made, last.condition, here.functions)
    hypotheses[name] = Available(made, last.condition, placed)
    if isinstance(premise, Axiom):
        return frozenset({(premise.id, claim.sha256)})
    return premise.cited


def _transportable(claim: Claim, by: str, functions: Mapping[str, str], here: Claim) -> None:
    """Raises ClaimError where an implication cannot be used of other functions.

    Constants are its own parameters; what is said with minimisers or sigma2 holds for f alone.
    """
    used = [value for h in claim.hypotheses for value in h.constants.values()]
    used += texts(claim.conclusion.get("constants", {}), by).values()
    if frozenset().union(*(names(parse(value)) for value in used)) - set(claim.parameters):
        raise ClaimError(f"{by}: its constants are not its parameters alone")
    about_f = CONSTANTS.keys() & claim.parameters.keys()
    about_f |= set(claim.points.values()) - {"any", "fixed"}
    if functions and (claim.state or claim.next or about_f):
        raise ClaimError(f"{by}: it speaks of minimisers and holds for f alone")
    if functions.keys() - claim.functions.keys():
        _of_one_function(claim, by, functions)
    for name, parts in claim.functions.items():
        if here.functions.get(functions.get(name, name)) != parts:
            raise ClaimError(f"{by}: {name} is another kind of function here")


def _of_one_function(claim: Claim, by: str, functions: Mapping[str, str]) -> None:
    """Raises ClaimError unless the whole of f goes to the whole of f_i, and f alone is spoken of.

    An expectation in a condition is over the index i, so it cannot be moved to f_i.
    """
    whole = {"f": "f_i", "grad": "grad_i", "fstar": "inf_i"}
    moved = {name: to for name, to in functions.items() if name not in claim.functions}
    if {"fstar": "inf_i", **moved} != whole:
        raise ClaimError(f"{by}: f and its gradient go to f_i and its gradient together")
    last = conclusion_condition(claim).hypothesis
    spoken = {name for h in (*claim.hypotheses, last) for name in h.of.values()}
    if spoken & set(FAMILIES["f_i"].values()):
        raise ClaimError(f"{by}: it speaks of f_i itself")
    if any(parts[-1] == "sampled" for parts in claim.functions.values()):
        raise ClaimError(f"{by}: it speaks of sampled functions")
    for condition in claim.conditions.values():
        for relation in (*condition.relations.values(), *condition.where, condition.guard):
            if expects(relation):
                raise ClaimError(f"{by}: {condition.id} speaks of an expectation")


def _signs(context: Context, claim: Claim, constants: Mapping[str, Expr]) -> None:
    for name, sign in claim.parameters.items():
        constant_level(context, context.scope.scalar(constants[name]), name)
        if sign != "real" and not (signed(context, constants[name])[1] or sign == "nonnegative"):
            raise Rejected(f"{name}: not known to be positive")


def _constraint(context: Context, step: Setup, constants: Mapping[str, Expr]) -> None:
    """A constraint of an implication, translated: it must be an assumption here."""
    if step.holds is None:
        raise ClaimError(f"{step.name}: an implication with definitions cannot be used here")
    relation = parse_relation(step.holds, None)
    if names(relation.difference) - constants.keys():
        raise ClaimError(f"{step.name}: a constraint on more than its own constants")
    value = context.scope.scalar(substitute(relation.difference, constants, {}))
    for assumption in context.assumptions.values():
        if assumption.kind in (relation.kind, ">") and not (assumption.value - value).numerator:
            return
    raise Rejected(f"{step.name}: this constraint of the implication is not known here")


def _same(
    context: Context,
    wanted: Available,
    constants: Mapping[str, Expr],
    functions: Mapping[str, str],
    have: Available,
) -> bool:
    """Whether a hypothesis of an implication, translated, is one that is assumed here."""
    if wanted.condition != have.condition or have.hypothesis.domain != "everywhere":
        return False
    of = {role: functions.get(name, name) for role, name in wanted.hypothesis.of.items()}
    if of != have.hypothesis.of:
        return False
    for name, expr in wanted.constants.items():
        here = context.scope.scalar(have.constants[name])
        if (context.scope.scalar(substitute(expr, constants, {})) - here).numerator:
            return False
    return True
