"""Proofs in the parameters: from hypotheses, algorithm and conclusion to a [proof] table.

Every obligation of the claim's rule becomes a linear program over products of constants, instances
of the hypotheses and squares (cone.py). What is found is checked by the kernel; what is not found
is undecided, not false.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.kernel.check import RULES, check
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.grammar import GrammarError, parse
from boundcalc.kernel.identity import Context, Rejected, prove, prove_lemma
from boundcalc.kernel.obligation import Obligation
from boundcalc.kernel.outcome import Proved, Undecided
from boundcalc.kernel.polynomial import Polynomial, TooLarge, limited
from boundcalc.kernel.scope import CONSTANT
from boundcalc.search.cone import (
    Sum,
    Term,
    cleared,
    express,
    factors,
    grouped,
    positive_text,
    powers_text,
)
from boundcalc.search.instances import Material, material
from boundcalc.search.monomials import monomials, scaled, written


@dataclass(frozen=True)
class Found:
    """A proof that the kernel accepted: what it says, and its tables as JSON data."""

    proved: Proved
    proof: Mapping[str, Any]
    premises: Mapping[str, Any]


@limited  # as much algebra as the check of a certificate may take
def find_proof(
    claim: Mapping[str, Any], without: str = "", define: Sequence[Mapping[str, str]] = ()
) -> Found | Undecided:
    """A proof of a claim with parameters, of any rule about one step.

    claim : the kernel's JSON data. without : a theorem of the catalogue that may not be used (the
    one to be proved). define : points to help: {"name": "z", "is": "y - grad(y)/L"}.
    """
    try:
        known = material(claim, without=without, define=define)
        shown, lemmas = _show(known)
        proof = _proof(known, shown, lemmas)
        if define:
            proof["define"] = [dict(step) for step in define]
        return Found(check(claim, proof, known.premises), proof, known.premises)
    except TooLarge:
        return Undecided(None, "the products of hypotheses and constants are too many to try")
    except (Rejected, ClaimError, GrammarError, ZeroDivisionError) as error:
        return Undecided(None, str(error))


def _show(known: Material) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A node for every obligation, in the order in which the kernel asks; and lemmas on the way."""
    context, claim = known.context, known.claim
    shown: dict[str, Any] = {}
    lemmas: list[dict[str, Any]] = []
    rule = str(claim.conclusion.get("rule"))
    if rule not in RULES:
        raise ClaimError(f"rule: one of {sorted(RULES)}")
    for obligation in RULES[rule](context, claim):
        node = _node(known, obligation, lemmas)
        prove(context, node, obligation.value, obligation.strict, obligation.expected)
        shown[obligation.name] = node
    return shown, lemmas


def _node(known: Material, asked: Obligation, lemmas: list[dict[str, Any]]) -> dict[str, str]:
    """A proof of one obligation. Raises Rejected where none is found."""
    context = known.context
    value = context.scope.expect(asked.value) if asked.expected else asked.value
    if not value.numerator and not asked.strict:
        for factor in value.factors:
            if not context.is_nonzero(factor):
                _positive(context, factor, lemmas)
        return {"by": "0"}
    sign, denominator = 1, []
    for factor, exponent in value.factors.items():
        text, side = _positive(context, factor, lemmas)
        sign *= side**exponent
        denominator += [grouped(text)] * exponent
    target = scaled(value.numerator, Fraction(sign))
    found = _sum(known, target, asked)
    if found is None:
        raise Rejected(f"{asked.name}: no sum of products was found")
    factor_text = (
        powers_text([w for w in (grouped(found.multiplier), *denominator) if w != "1"]) or "1"
    )
    node = {"by": found.text}
    return node if factor_text == "1" else {"factor": factor_text, **node}


def _sum(known: Material, target: Polynomial, asked: Obligation) -> Sum | None:
    context = known.context
    if context.scope.levels(target.variables()) == CONSTANT:
        given = factors(context, _reach(context, target.variables()))
        return express(target, given, [], _positive_names(context, given), asked.strict)
    instances = list(_instances(known, asked.expected))
    among = target.variables().union(*(term.value.variables() for term in instances))
    among = frozenset(n for n in among if context.scope.level[n] == CONSTANT)
    given = factors(context, _reach(context, among))
    names = _positive_names(context, given)
    plain = [*instances, *_norms(known, asked.expected, [])]
    first = express(target, given, plain, names)
    if first is not None:
        return first
    scales = [
        *monomials(names, 2)[1:],
        *(term.value for term in given if len(term.value.terms) > 1),
    ]
    return express(target, given, [*plain, *_norms(known, asked.expected, scales)], names)


def _reach(context: Context, among: frozenset[str]) -> frozenset[str]:
    """Constants in inequalities that share a constant with the target, and so on."""
    among = frozenset(n for n in among if context.scope.level.get(n) == CONSTANT)
    while True:
        wider = among
        for assumption in context.assumptions.values():
            names = assumption.value.variables()
            if context.scope.levels(names) == CONSTANT and names & wider:
                wider |= names
        if wider == among:
            return among
        among = wider


def _positive_names(context: Context, given: list[Term]) -> list[str]:
    return [term.text for term in given if context.signs.get(term.text) == "positive"]


def _instances(known: Material, expected: bool) -> Iterator[Term]:
    """Hypotheses and definitions at points; those that rest on axioms cost more."""
    context = known.context
    axioms = {e["name"]: len(known.premises[e["by"]].claim.hypotheses) for e in known.derive}
    for name, entry in known.use.items():
        assumption = context.known(name)
        if assumption is None or assumption.kind == "=":
            continue
        value = context.scope.expect(assumption.value) if expected else assumption.value
        source = entry[0].partition(".")[0]
        term = cleared(context, name, value, 1.0 + axioms.get(source, 0))
        if term is not None and term.value:
            yield term


def _norms(known: Material, expected: bool, scales: list[Polynomial]) -> Iterator[Term]:
    """‖u‖² of differences and gradients; ‖u ± t v‖² for the given t."""
    vectors = _vectors(known.context)
    texts = vectors if not scales else []
    for k, u in enumerate(vectors):
        others = vectors[:k] + vectors[k + 1 :] if scales else []
        texts += [f"{u} {s} ({written(t)})*{v}" for v in others for t in scales for s in "+-"]
        if scales:
            texts += [f"{u} {s} {v}" for v in vectors[k + 1 :] for s in "+-"]
    scope = known.context.scope
    for text in texts:
        vector = scope.vector(parse(text, None))
        value = scope.inner(vector, vector)
        term = cleared(known.context, f"sqnorm({text})", scope.expect(value) if expected else value)
        if term is not None and term.value:
            yield term


def _vectors(context: Context) -> list[str]:
    """Differences of free points, and gradients that instances speak of."""
    points = [n for n, p in context.scope.points.items() if p.kind != "defined"]
    found = [f"({points[0]} - {p})" for p in points[1:]]
    names = {name for pair in context.scope.gram.values() for name in pair}
    return found + sorted(n for n in names if n.startswith(("grad(", "grad_i(")))


def _positive(
    context: Context, factor: Polynomial, lemmas: list[dict[str, Any]]
) -> tuple[str, int]:
    """A divisor as a positive text times a sign; shown by a lemma where it is not known yet."""
    known = positive_text(context, factor)
    if known is not None:
        return known
    given = factors(context, _reach(context, factor.variables()))
    for sign in (1, -1):
        value = scaled(factor, Fraction(sign))
        found = express(value, given, [], _positive_names(context, given), strict=True)
        if found is not None:
            node = {"factor": found.multiplier, "by": found.text}
            name = f"divisor_{len(lemmas) + 1}"
            lemma = {"name": name, "holds": f"{written(value)} > 0", "proof": node}
            prove_lemma(context, lemma, set())
            lemmas.append(lemma)
            return name, sign
    raise Rejected(f"a divisor was not shown to be positive: {written(factor)}")


def _proof(
    known: Material, shown: Mapping[str, Any], lemmas: list[dict[str, Any]]
) -> dict[str, Any]:
    """The proof with only what it uses."""
    said = " ".join(node["by"] for node in shown.values())
    words = set(said.replace("*", " ").replace("(", " ").replace(")", " ").split())
    use = {name: list(entry) for name, entry in known.use.items() if name in words}
    needed = {entry[0].partition(".")[0] for entry in use.values()}
    derive: list[Mapping[str, Any]] = []
    for entry in reversed(known.derive):  # an implication may need what an earlier one gives
        if entry["name"] in needed:
            derive.insert(0, entry)
            needed |= _needs(known, entry)
    proof: dict[str, Any] = {"use": use, "show": dict(shown)}
    if derive:
        proof["derive"] = [dict(entry) for entry in derive]
    if lemmas:
        proof["lemmas"] = lemmas
    return proof


def _needs(known: Material, entry: Mapping[str, Any]) -> set[str]:
    """Earlier entries that conclude a condition which this implication assumes."""
    wanted = {h.condition for h in known.premises[entry["by"]].claim.hypotheses}
    return {
        other["name"]
        for other in known.derive
        if known.premises[other["by"]].claim.conclusion["condition"] in wanted
    }
