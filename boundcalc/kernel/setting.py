"""From a claim to what is known: constants, points, definitions, instances of hypotheses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from boundcalc.kernel.claim import (
    Claim,
    ClaimError,
    Condition,
    Hypothesis,
    Json,
    Setup,
    items,
    text,
)
from boundcalc.kernel.grammar import (
    Binary,
    Call,
    Expr,
    Name,
    names,
    parse,
    parse_relation,
    substitute,
)
from boundcalc.kernel.identity import (
    Assumption,
    Choice,
    Context,
    Rejected,
    prove,
    signed,
)
from boundcalc.kernel.meaning import CONSTANTS, FACTS, coherent, declare
from boundcalc.kernel.polynomial import Ratio, ratio, symbol
from boundcalc.kernel.scope import (
    CONSTANT,
    FUNCTIONS,
    SAMPLE,
    STATE,
    Point,
    Scope,
    Signature,
    Vector,
)


@dataclass(frozen=True)
class Available:
    """A hypothesis, its schema and its constants: of the claim, or derived by an implication."""

    hypothesis: Hypothesis
    condition: Condition
    constants: Mapping[str, Expr]


def declare_claim(claim: Claim) -> Context:
    """A context with the constants, functions, free points, vectors and state of a claim."""
    scope = Scope()
    context = Context(scope)
    declare(scope)
    context.signs.update({name: sign for name, (_, sign) in CONSTANTS.items()})
    for name, sign in claim.parameters.items():
        if name in CONSTANTS:
            if CONSTANTS[name] != (CONSTANT, sign):
                raise ClaimError(f"{name}: its sign is {CONSTANTS[name][1]}")
            continue
        scope.add_scalar(name, CONSTANT)
        context.signs[name] = sign
    for name, parts in claim.functions.items():
        if name in scope.functions or name in FUNCTIONS or name in scope.scalars:
            raise ClaimError(f"{name} is a function with a meaning of its own")
        sampled = parts[-1] == "sampled"
        *arguments, result = parts[:-1] if sampled else parts
        scope.functions[name] = Signature(tuple(arguments), result, SAMPLE if sampled else STATE)
    for name, kind in sorted(claim.points.items(), key=lambda item: "projection" in item[1]):
        _point(scope, name, kind)
    for name, space in claim.vectors.items():
        scope.add_vector(name, space, STATE)
    for name in claim.state:
        scope.add_scalar(name, STATE)
        context.signs[name] = "real"
    return context


def _point(scope: Scope, name: str, kind: str) -> None:
    level = CONSTANT if kind in ("fixed", "minimiser", "centre") else STATE
    if kind.startswith("projection of "):
        of = kind.removeprefix("projection of ")
        if of not in scope.points:
            raise ClaimError(f"{name}: {of} is not a point declared before")
        point = Point("projection", of)
    elif kind in ("any", "inside", "centre", "fixed", "minimiser"):
        point = Point(kind, inside=kind in ("inside", "centre"))
    else:
        raise ClaimError(f"{name}: unknown kind of point {kind!r}")
    scope.add_vector(name, "X", level)
    scope.points[name] = point


def set_up(context: Context, step: Setup, proofs: Mapping[str, Json], pointwise: bool) -> int:
    """Carry out one definition or constraint; returns the number of identities checked for it.

    pointwise : the claim is about given points, so that constraints may speak of them; otherwise
        they are between constants.
    """
    scope = context.scope
    if step.holds is not None:
        relation = parse_relation(step.holds, None)
        value = scope.scalar(relation.difference)
        if scope.levels(value.variables()) > (STATE if pointwise else CONSTANT):
            raise Rejected(f"{step.name}: expected an expression in the constants")
        context.assume(step.name, value, relation.kind)
        return 0
    expr = parse(str(step.value), None)
    match expr:
        case Call("sqrt", (inside,)):
            return _root(context, step.name, inside, proofs)
        case Call("min" | "max" as which, arguments):
            return _extremum(context, step.name, which, arguments, proofs)
    made = scope.read(expr)
    if isinstance(made, Vector):
        for coefficient in made.terms.values():
            context.defined(coefficient, step.name)
        scope.fresh(step.name)
        scope.vectors[step.name] = made
        if made.space == "X":
            scope.points[step.name] = Point("defined")
            scope.level[step.name] = scope.vector_level(made)
        return 0
    return _quotient(context, step.name, made, proofs)


def _quotient(context: Context, name: str, value: Ratio, proofs: Mapping[str, Json]) -> int:
    """An abbreviation; a new variable with its equation where a divisor depends on the sample."""
    scope, count = context.scope, 0
    if name in proofs:
        divisor = ratio(value.denominator)
        count = prove(context, proofs[name], divisor, strict=True, expected=False)
        context.nonzero.update(value.factors)
    context.defined(value, name)
    if all(scope.levels(factor.variables()) < SAMPLE for factor in value.factors):
        scope.fresh(name)
        scope.scalars[name] = value
        return count
    scope.add_defined(name, scope.levels(value.variables()), value.variables())
    equation = symbol(name) * ratio(value.denominator) - ratio(value.numerator)
    context.assume(f"{name}_def", equation, "=")
    return count


def _root(context: Context, name: str, inside: Expr, proofs: Mapping[str, Json]) -> int:
    """s = √e as a variable with s² = e and s ≥ 0 (s > 0), where e ≥ 0 (e > 0) is shown."""
    scope, count = context.scope, 0
    if name in proofs:
        node = proofs[name]
        positive = isinstance(node, dict) and "positive" in node
        value = scope.scalar(inside)
        body = node["positive"] if positive else node
        count = prove(context, body, value, strict=positive, expected=False)
    else:
        value, positive = signed(context, inside)
    scope.add_defined(name, scope.levels(value.variables()), value.variables())
    context.roots[name] = value
    context.signs[name] = "positive" if positive else "nonnegative"
    context.assume(f"{name}_def", symbol(name) * symbol(name) - value, "=")
    return count


def _extremum(
    context: Context,
    name: str,
    which: str,
    arguments: Sequence[Expr],
    proofs: Mapping[str, Json],
) -> int:
    """m = min or max of alternatives: m is on one side of each, and equals one of them.

    In a minimum, one alternative n/d with d ≥ 0 shown by its form, and n ≥ 0 shown by its form or
    by the proof, counts as +∞ where d = 0.
    """
    scope = context.scope
    read = [_alternative(context, name, which, argument) for argument in arguments]
    if all(divisor is not None for _, divisor in read):
        raise Rejected(f"{name}: one alternative must be finite")
    infinite = [(a, n) for a, (n, d) in zip(arguments, read, strict=True) if d is not None]
    if len(infinite) > 1:
        raise Rejected(f"{name}: one alternative may be infinite")
    count = sum(_above(context, name, argument, value, proofs) for argument, value in infinite)
    made_of = frozenset[str]().union(*(v.variables() | (d or v).variables() for v, d in read))
    scope.add_defined(name, scope.levels(made_of), made_of)
    context.signs[name] = "real"
    sign = ratio(Fraction(1 if which == "min" else -1))
    choices = []
    for number, (value, divisor) in enumerate(read, start=1):
        gap = value - symbol(name) * (divisor or ratio(Fraction(1)))
        context.assume(f"{name}_{number}", sign * gap, ">=")
        choices.append(Choice(gap, divisor))
    context.choices[name] = choices
    return count


def _above(
    context: Context, name: str, argument: Expr, value: Ratio, proofs: Mapping[str, Json]
) -> int:
    """Checks that n ≥ 0 in n/d, which is +∞ where d = 0; returns the identities compared."""
    if name in proofs:
        return prove(context, proofs[name], value, strict=False, expected=False)
    assert isinstance(argument, Binary)  # noqa: S101 - a quotient, by _alternative
    signed(context, argument.left)
    return 0


def _alternative(
    context: Context, name: str, which: str, argument: Expr
) -> tuple[Ratio, Ratio | None]:
    value = context.scope.scalar(argument)
    if all(context.is_nonzero(factor) for factor in value.factors):
        return value, None
    if which == "min" and isinstance(argument, Binary) and argument.op == "/":
        above = context.scope.scalar(argument.left)
        context.defined(above, name)
        return above, signed(context, argument.right)[0]
    raise Rejected(f"{name}: a divisor is not known to be nonzero")


def available(claim: Claim) -> dict[str, Available]:
    """The hypotheses of a claim by name; raises ClaimError where one is not coherent."""
    found = {}
    for hypothesis in claim.hypotheses:
        if hypothesis.condition not in claim.conditions:
            raise ClaimError(f"{hypothesis.name}: no schema of {hypothesis.condition}")
        condition = claim.conditions[hypothesis.condition]
        coherent(hypothesis, condition, claim.functions)
        if not condition.relations:
            raise ClaimError(f"{hypothesis.name}: a condition in words alone cannot be used")
        found[hypothesis.name] = with_constants(hypothesis, condition)
    return found


def with_constants(hypothesis: Hypothesis, condition: Condition) -> Available:
    """A hypothesis with its constants read; raises ClaimError unless they are the schema's."""
    if set(hypothesis.constants) != set(condition.constants):
        raise ClaimError(f"{hypothesis.name}: its constants are {sorted(condition.constants)}")
    _closed(condition)
    trees = {name: parse(value) for name, value in hypothesis.constants.items()}
    return Available(hypothesis, condition, trees)


def _closed(condition: Condition) -> None:
    """Raises ClaimError where a schema speaks of anything but its own slots and names."""
    calls = {*condition.functions, *FUNCTIONS}
    constants = frozenset(condition.constants)
    own = constants | {*condition.slots, *condition.functions}
    if own & set(FUNCTIONS):
        raise ClaimError(f"{condition.id}: {sorted(own & set(FUNCTIONS))} have their own meaning")
    guard = [condition.guard] if condition.guard else []
    stated = [*condition.relations.values(), *guard]
    for texts_, allowed in ((stated, own), (condition.where, constants)):
        for relation_text in texts_:
            difference = parse_relation(relation_text, dict.fromkeys(calls, 0)).difference
            if names(difference) - allowed:
                raise ClaimError(
                    f"{condition.id}: {sorted(names(difference) - allowed)} is unknown"
                )


def signs_hold(context: Context, given: Available) -> None:
    """Raises Rejected where a constant does not have the sign that the condition asks for."""
    for name, expr in given.constants.items():
        sign = given.condition.constants[name]
        if sign != "real" and not (signed(context, expr)[1] or sign == "nonnegative"):
            raise Rejected(f"{given.hypothesis.name}: {name} is not known to be positive")


def where_relations(context: Context, given: Available) -> list[Assumption]:
    """The relations between constants that belong to a hypothesis."""
    made = []
    for relation_text in given.condition.where:
        relation = parse_relation(relation_text, None)
        value = context.fixed(
            substitute(relation.difference, given.constants, {}), given.hypothesis.name
        )
        made.append(Assumption(value, relation.kind))
    return made


def announce(context: Context, uses: Json, hypotheses: Mapping[str, Available]) -> None:
    """Make the named instances of hypotheses and definitions that a proof lists, on first use."""
    if not isinstance(uses, dict):
        raise ClaimError("use: expected an object")
    for name, entry in uses.items():
        words = [text(word, name) for word in items(entry, name)]
        if not words:
            raise ClaimError(f"{name}: expected a hypothesis and its points")
        context.later[name] = partial(_instance, context, words[0], words[1:], hypotheses)


def _instance(
    context: Context, source: str, arguments: list[str], hypotheses: Mapping[str, Available]
) -> Assumption:
    if source in FACTS:
        fact = Hypothesis(source, source, {}, {}, "everywhere")
        return instantiate(context, Available(fact, FACTS[source], {}), "main", arguments)
    name, _, part = source.partition(".")
    if name not in hypotheses:
        raise Rejected(f"{source} is not a hypothesis")
    given = hypotheses[name]
    _guarded(context, given, arguments)
    return instantiate(context, given, part or "main", arguments)


def _guarded(context: Context, given: Available, arguments: Sequence[str]) -> None:
    """Raises Rejected where a condition holds under a guard that is not assumed here."""
    guard = given.condition.guard
    if guard:
        points = arguments[: len(given.condition.slots)]  # a guard is a relation of scalars
        wanted = _placed(context, given, guard, points)[0]
        if not context.holds(wanted.value, wanted.kind):
            raise Rejected(f"{given.hypothesis.name}: not known to hold here: {guard}")


def instantiate(
    context: Context, given: Available, part: str, arguments: Sequence[str]
) -> Assumption:
    """A relation of a condition at given points; an equality of vectors takes one more argument.

    Raises Rejected where a point is not of the kind that its slot asks for.
    """
    if part not in given.condition.relations:
        raise Rejected(f"{given.hypothesis.name}: one of {sorted(given.condition.relations)}")
    made, rest = _placed(context, given, given.condition.relations[part], arguments)
    if rest:
        raise Rejected(f"{given.hypothesis.name}: too many arguments")
    return made


def expects(relation_text: str) -> bool:
    """Whether a relation of a schema has an expectation in it."""
    return re.search(r"\bE\s*\(", relation_text) is not None


def _placed(
    context: Context, given: Available, relation_text: str, arguments: Sequence[str]
) -> tuple[Assumption, Sequence[str]]:
    """The instance, and the arguments that it did not use."""
    slots = given.condition.slots
    if len(arguments) < len(slots):
        raise Rejected(f"{given.hypothesis.name}: expected {len(slots)} point(s)")
    placed = {slot: parse(text_, None) for slot, text_ in zip(slots, arguments, strict=False)}
    if expects(relation_text):  # a relation between means, at points known before sampling
        for slot in slots:
            if context.scope.vector_level(context.scope.vector(placed[slot])) > STATE:
                raise Rejected(f"{given.hypothesis.name}: {slot} depends on the sampled index")
    for slot, kind in slots.items():
        _fits(context.scope, kind, placed[slot], placed, given.hypothesis.domain)
    for name, constant in given.constants.items():
        context.fixed(constant, name)
    functions = given.hypothesis.of
    roles = {role: Name(name) for role, name in functions.items()}
    relation = parse_relation(relation_text, None)
    trees: dict[str, Expr] = {**roles, **given.constants, **placed}
    value = context.scope.read(substitute(relation.difference, trees, functions))
    rest = arguments[len(slots) :]
    if isinstance(value, Ratio):
        return Assumption(value, relation.kind), rest
    if relation.kind != "=" or not rest:
        raise Rejected(f"{given.hypothesis.name}: an equality of vectors needs a vector to meet")
    against = context.scope.vector(parse(rest[0], None))
    return Assumption(context.scope.inner(value, against), "="), rest[1:]


def _fits(scope: Scope, kind: str, argument: Expr, placed: Mapping[str, Expr], domain: str) -> None:
    known, _, space = kind.rpartition("vector ")
    if space != kind:
        vector = scope.vector(argument)
        if vector.space != space or (known and scope.vector_level(vector) > STATE):
            raise Rejected(f"expected a {kind}")
        return
    if not isinstance(argument, Name) or argument.name not in scope.points:
        raise Rejected("expected the name of a point")
    point = scope.points[argument.name]
    if (domain == "ball" and not point.inside) or (domain == "centre" and point.kind != "centre"):
        raise Rejected(f"{argument.name} is not known to lie where the hypothesis holds")
    if kind == "minimiser" and point.kind not in ("minimiser", "projection"):
        raise Rejected(f"{argument.name} is not a minimiser")
    if kind.startswith("projection of "):
        of = placed[kind.removeprefix("projection of ")]
        if point.kind != "projection" or of != Name(str(point.projection_of)):
            raise Rejected(f"{argument.name} is not the projection asked for")
