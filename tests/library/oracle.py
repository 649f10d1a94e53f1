"""An independent judge of proofs, written with sympy: what docs/trust.md says, read again.

`confirm(claim, proof, implications)` raises NotShownError unless every obligation of the claim's
rule is an identity that sympy's expansion confirms, with instances of conditions that this file
makes itself. It shares no code with boundcalc.kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy as sp
from oracle_forms import Known, constant, define, difference, prove, prove_lemma, signed
from oracle_rules import RULES, words
from oracle_world import CONSTANT, SAMPLE, STATE, At, Function, NotShownError, Vec, World, vanishes
from sympy.polys.polyerrors import BasePolynomialError

FACTS = {
    "def.lower": ([("x", "point")], "f(x) >= fstar"),
    "def.sample-lower": ([("x", "point")], "f_i(x) >= inf_i"),
    "def.distance": ([("x", "point")], "dist2(x) >= 0"),
    "def.nearest": ([("y", "point"), ("s", "minimiser")], "dist2(y) <= sqnorm(y - s)"),
}
WHOLE = {"f": "f_i", "grad": "grad_i", "fstar": "inf_i"}


def confirm(
    claim: Mapping[str, Any], proof: Mapping[str, Any], implications: Mapping[str, Any]
) -> None:
    """Raises NotShownError unless the proof shows the claim.

    implications : id → claim, of what `derive` may name.
    """
    try:
        _confirm(claim, proof, implications)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise NotShownError(f"not well formed: {error!r}") from error
    except (BasePolynomialError, ZeroDivisionError, AssertionError) as error:
        raise NotShownError(f"no expansion: {error!r}") from error


def _confirm(
    claim: Mapping[str, Any], proof: Mapping[str, Any], implications: Mapping[str, Any]
) -> None:
    known = _declared(claim)
    for condition in claim["conditions"].values():
        _closed(condition)
    rule = claim["conclusion"]["rule"]
    if rule not in ("path-length", "stopped") and "inside" in claim.get("points", {}).values():
        raise NotShownError("no ball in this rule")
    hypotheses = {h["name"]: _hypothesis(claim, h) for h in claim["hypotheses"]}
    for name, (condition, entry) in hypotheses.items():
        for number, text in enumerate(condition.get("where", []), start=1):
            value, kind = difference(known.world, text, _constants(known, entry))
            known.learn(f"{name}_where{number}".replace("-", "_"), value, kind)
    for name, (source, *points) in proof.get("use", {}).items():
        known.later[name] = partial(_use, known, hypotheses, source, points)
    setup, shown = list(claim.get("setup", [])), proof.get("defined", {})
    pointwise = rule == "inequality"
    leading = 0
    while leading < len(setup) and "holds" in setup[leading]:
        _constrain(known, setup[leading], pointwise)
        leading += 1
    _invariants_at_start(known, claim, proof)
    for step in [*setup[leading:], *proof.get("define", [])]:
        if "holds" in step:
            _constrain(known, step, pointwise)
        else:
            define(known, step, shown)
    for entry in proof.get("derive", []):
        _derive(known, claim, hypotheses, entry, implications)
    for lemma in proof.get("lemmas", []):
        prove_lemma(known, lemma)
    for name, value, strict, expected in RULES[rule](known, claim, proof):
        if name not in proof["show"]:
            raise NotShownError(f"{name} is not shown")
        prove(known, proof["show"][name], value, strict, expected)


def _declared(claim: Mapping[str, Any]) -> Known:
    world = World()
    known = Known(world)
    world.scalar_name("fstar", CONSTANT)
    world.scalar_name("sigma2", CONSTANT)
    world.scalar_name("inf_i", SAMPLE)
    world.mean_value["inf_i"] = world.scalars["fstar"] - world.scalars["sigma2"]
    known.signs |= {"fstar": "real", "sigma2": "nonnegative", "inf_i": "real"}
    for name, sign in claim["parameters"].items():
        if name not in known.signs:
            world.scalar_name(name, CONSTANT)
            known.signs[name] = sign
        elif known.signs[name] != sign:
            raise NotShownError(f"{name} has a sign of its own")
    for name, parts in claim.get("functions", {}).items():
        sampled = parts[-1] == "sampled"
        *arguments, result = parts[:-1] if sampled else parts
        level = SAMPLE if sampled else STATE
        if name in world.functions:
            raise NotShownError(f"{name} has a meaning")
        world.functions[name] = Function(tuple(arguments), result, level)
    for name, kind in claim.get("points", {}).items():
        word, _, of = kind.partition(" of ")
        level = CONSTANT if kind in ("fixed", "minimiser", "centre") else STATE
        world.points[name] = (word, of)
        world.vectors[name] = world.basis(name, "X", level)
    for name, space in claim.get("vectors", {}).items():
        world.vectors[name] = world.basis(name, space, STATE)
    for name in claim.get("state", {}):
        world.scalar_name(name, STATE)
        known.signs[name] = "real"
    return known


def _hypothesis(claim: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[Any, Any]:
    condition = claim["conditions"][entry["condition"]]
    if not condition["relations"] or set(entry["constants"]) != set(condition["constants"]):
        raise NotShownError(f"{entry['name']} cannot be used")
    if set(entry["of"]) != set(condition["functions"]):
        raise NotShownError(f"{entry['name']} is of other functions")
    _closed(condition)
    return condition, entry


def _closed(condition: Mapping[str, Any]) -> None:
    """Raises NotShownError where a schema speaks of more than its own names."""
    constants = set(condition["constants"])
    own = constants | {slot for slot, _ in condition["slots"]} | {*condition["functions"]}
    own |= {"dot", "sqnorm", "square", "E"}
    stated = {*condition["relations"].values(), condition.get("guard", "")}
    if set().union(*map(words, stated)) - own:
        raise NotShownError("a schema speaks of its own names")
    if set().union(*map(words, condition.get("where", []))) - constants:
        raise NotShownError("a relation between constants was expected")


def _constants(known: Known, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A derived hypothesis has values for its constants, one of the claim has texts."""
    return {
        name: given if isinstance(given, sp.Expr) else known.world.scalar(given)
        for name, given in entry["constants"].items()
    }


def _constrain(known: Known, step: Mapping[str, str], pointwise: bool) -> None:
    value, kind = difference(known.world, step["holds"])
    if not pointwise and known.world.highest(value) != CONSTANT:
        raise NotShownError("a constraint between constants was expected")
    known.learn(step["name"], value, kind)


def _invariants_at_start(known: Known, claim: Mapping[str, Any], proof: Mapping[str, Any]) -> None:
    """Shown of the start values, then known of every state."""
    starts = {name: known.world.scalar(text) for name, text in claim.get("state", {}).items()}
    invariants = proof.get("invariants", {})
    for name, text in invariants.items():
        value, kind = difference(known.world, text, starts)
        if kind == "=" or known.world.highest(value) != CONSTANT:
            raise NotShownError(f"{name} is no inequality between constants at the start")
        prove(known, proof["show"][f"{name}_start"], value, kind == ">", False)
    for name, text in invariants.items():
        known.learn(name, *difference(known.world, text))


def _use(
    known: Known, hypotheses: Mapping[str, Any], source: str, arguments: Sequence[str]
) -> tuple[sp.Expr, str]:
    """An instance of a hypothesis, or of a fact that holds by definition."""
    if source in FACTS:
        slots, relation = FACTS[source]
        env = _placed(known, slots, arguments, "everywhere", relation)
        return difference(known.world, relation, env)
    name, _, part = source.partition(".")
    condition, entry = hypotheses[name]
    relation, world = condition["relations"][part or "main"], known.world
    slots, domain = condition["slots"], entry["domain"]
    env = {**entry["of"], **_constants(known, entry)}
    if condition.get("guard"):
        placed = _placed(known, slots, arguments, domain, condition["guard"])
        wanted = difference(world, condition["guard"], {**env, **placed})[0]
        facts = [value for value, kind in known.facts.values() if kind in (">", ">=")]
        if not any(vanishes(value - wanted) for value in facts):
            raise NotShownError("the guard is not known to hold")
    env |= _placed(known, slots, arguments, domain, relation)
    value, kind = difference(world, relation, env)
    rest = list(arguments[len(slots) :])
    if isinstance(value, Vec):
        (against,) = rest
        return world.inner(value, world.vector(against)), kind
    if rest:
        raise NotShownError("too many points")
    return value, kind


def _placed(
    known: Known, slots: Sequence[Any], arguments: Sequence[str], domain: str, relation: str
) -> dict[str, Any]:
    """Points and vectors in the slots, if they are of the kinds asked for."""
    world, env = known.world, {}
    for (slot, kind), text in zip(slots, arguments, strict=False):
        vector = world.vector(text)
        if "E(" in relation and world.highest(vector) == SAMPLE:
            raise NotShownError("known after sampling only")
        if "vector " in kind:
            known_before, _, space = kind.rpartition("vector ")
            if vector.space != space or (known_before and world.highest(vector) == SAMPLE):
                raise NotShownError(f"not a {kind}")
            env[slot] = vector
            continue
        word, of = world.points[text]
        if domain == "ball" and word not in ("inside", "centre"):
            raise NotShownError("not inside the ball")
        if domain == "centre" and word != "centre":
            raise NotShownError("not the centre")
        if kind == "minimiser" and word not in ("minimiser", "projection"):
            raise NotShownError("not a minimiser")
        if kind.startswith("projection of ") and (
            word != "projection" or At(of) != env[kind.removeprefix("projection of ")]
        ):
            raise NotShownError("not that projection")
        env[slot] = At(text)
    if len(env) < len(slots):
        raise NotShownError("too few points")
    return env


def _derive(
    known: Known,
    claim: Mapping[str, Any],
    hypotheses: dict[str, Any],
    entry: Mapping[str, Any],
    implications: Mapping[str, Any],
) -> None:
    """One more hypothesis, by an implication whose own hypotheses are all assumed here."""
    premise, of = implications[entry["by"]], entry.get("of", {})
    if premise.get("setup") or entry["name"] in hypotheses:
        raise NotShownError("an implication with definitions, or a name that is taken")
    if of and (set(of.items()) - set(WHOLE.items()) or not {"f", "grad"} <= set(of)):
        raise NotShownError("only the whole of f goes to the whole of f_i")
    if of and not _of_any_function(premise):
        raise NotShownError("it holds for f alone")
    moved = WHOLE if of else {}
    texts = {name: name for name in premise["parameters"]} | dict(entry.get("constants", {}))
    if set(texts) - set(premise["parameters"]) or texts.get("sigma2", "sigma2") != "sigma2":
        raise NotShownError("not a constant of it")
    env = {name: constant(known, text) for name, text in texts.items()}
    for name, sign in premise["parameters"].items():
        if sign != "real" and not (signed(known, texts[name])[1] or sign == "nonnegative"):
            raise NotShownError(f"{name} is not known to be positive")
    for name, parts in premise.get("functions", {}).items():
        if claim.get("functions", {}).get(name) != parts:
            raise NotShownError(f"{name} is another function")
    for wanted in premise["hypotheses"]:
        schema = premise["conditions"][wanted["condition"]]
        if not any(_same(known, wanted, schema, env, moved, h) for h in hypotheses.values()):
            raise NotShownError(f"{wanted['name']} is not assumed")
    last = premise["conclusion"]
    values = {name: known.world.scalar(text, env) for name, text in last["constants"].items()}
    functions = {role: moved.get(name, name) for role, name in last["of"].items()}
    made = {"name": entry["name"], "condition": last["condition"], "of": functions}
    made |= {"constants": values, "domain": "everywhere"}
    hypotheses[entry["name"]] = (premise["conditions"][last["condition"]], made)


def _of_any_function(premise: Mapping[str, Any]) -> bool:
    said = [*premise["hypotheses"], premise["conclusion"]]
    return (
        set(premise.get("points", {}).values()) <= {"any", "fixed"}
        and not {"sigma2", "fstar"} & set(premise["parameters"])
        and not any({"f_i", "grad_i", "inf_i"} & set(h["of"].values()) for h in said)
        and "E(" not in str(premise["conditions"])
    )


def _same(
    known: Known,
    wanted: Mapping[str, Any],
    schema: Any,
    env: Mapping[str, Any],
    moved: Mapping[str, str],
    have: tuple[Any, Any],
) -> bool:
    condition, entry = have
    if condition != schema or entry["domain"] != "everywhere":
        return False
    if {role: moved.get(name, name) for role, name in wanted["of"].items()} != entry["of"]:
        return False
    here = _constants(known, entry)
    return all(
        vanishes(known.world.scalar(text, env) - here[name])
        for name, text in wanted["constants"].items()
    )
