"""The one rule that proves inequalities: factor · target ≡ a sum of manifestly nonnegative terms.

A proof is an expression built from nonnegative numbers, signed constants and named assumptions by
+, *, /, powers, square(e), sqnorm(v) and zero(equality, multiplier). There is no minus, so the sum
is nonnegative by its form; the kernel expands both sides and compares coefficients, exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from boundcalc.kernel.claim import NAME, ClaimError, Json, fields, items, text
from boundcalc.kernel.grammar import (
    Binary,
    Call,
    Expr,
    GrammarError,
    Name,
    Number,
    Power,
    parse,
    parse_relation,
)
from boundcalc.kernel.polynomial import ONE_RATIO, Polynomial, Ratio, monic, ratio
from boundcalc.kernel.scope import CONSTANT, SAMPLE, Scope


class Rejected(Exception):
    """The certificate does not prove the claim; says why. It says nothing against the claim.

    One line: words of a certificate cannot imitate another line of the output.
    """

    def __init__(self, words: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in words))


@dataclass(frozen=True)
class Assumption:
    """value ≥ 0, > 0 or = 0."""

    value: Ratio
    kind: str


@dataclass(frozen=True)
class Choice:
    """One alternative of a minimum or maximum: equality = 0, and divisor > 0 where it has one."""

    equality: Ratio
    divisor: Ratio | None


@dataclass(frozen=True)
class Context:
    """What is known. `later` makes an assumption on first use, when its points exist."""

    scope: Scope
    assumptions: dict[str, Assumption] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)  # scalar → positive, nonnegative, real
    nonzero: set[Polynomial] = field(default_factory=set)  # monic
    choices: dict[str, list[Choice]] = field(default_factory=dict)
    roots: dict[str, Ratio] = field(default_factory=dict)  # √e by name → e
    later: dict[str, Callable[[], Assumption]] = field(default_factory=dict)

    def assume(self, name: str, value: Ratio, kind: str) -> None:
        """Add a named assumption; raises Rejected where the name is taken or not a name."""
        if NAME.fullmatch(name) is None:
            raise Rejected(f"{name!r} is not a name")
        if name in self.assumptions or name in self.scope.scalars or name in self.scope.vectors:
            raise Rejected(f"{name} is declared twice")
        self.defined(value, name)
        self.assumptions[name] = Assumption(value, kind)
        if kind == ">":
            self.positive(value)

    def positive(self, value: Ratio) -> None:
        """Remember that one may divide by a value that was shown to be positive."""
        if not value.numerator:
            raise Rejected("an expression that is identically 0 is not positive")
        self.nonzero.add(monic(value.numerator))

    def known(self, name: str) -> Assumption | None:
        """The assumption of that name, made now if it was announced."""
        if name not in self.assumptions and name in self.later:
            made = self.later[name]()
            self.assume(name, made.value, made.kind)
        return self.assumptions.get(name)

    def is_nonzero(self, factor: Polynomial) -> bool:
        """Whether a monic divisor is known not to vanish: by its signs, or because it was shown."""
        signs = {name: self.signs.get(name, "real") for name in factor.variables()}
        if "real" in signs.values() or any(c < 0 for c in factor.terms.values()):
            return factor in self.nonzero
        positive = (all(signs[name] == "positive" for name, _ in m) for m in factor.terms)
        return any(positive) or factor in self.nonzero

    def holds(self, value: Ratio, kind: str) -> bool:
        """Whether a relation is one of the assumptions made so far, or weaker than one."""
        enough = (">=", ">") if kind == ">=" else (kind,)
        return any(
            have.kind in enough and not (have.value - value).numerator
            for have in self.assumptions.values()
        )

    def inverse(self, expr: Expr) -> Ratio:
        """1/expr, factor by factor, for an expression that was shown to be positive."""
        one = self.scope.quotient(ONE_RATIO, expr)
        assert isinstance(one, Ratio)  # noqa: S101 - a scalar by a scalar
        self.nonzero.update(one.factors)
        return one

    def defined(self, value: Ratio, where: str) -> None:
        """Raises Rejected where a division is not known to be possible."""
        for factor in value.factors:
            if not self.is_nonzero(factor):
                raise Rejected(f"{where}: a divisor is not known to be nonzero: {show(factor)}")

    def fixed(self, expr: Expr, where: str) -> Ratio:
        """The value of an expression in constants, with divisors that are known to be nonzero."""
        value = self.scope.scalar(expr)
        constant_level(self, value, where)
        self.defined(value, where)
        return value

    def branch(self) -> Context:
        """The same knowledge, to be extended for one case."""
        return replace(self, assumptions=dict(self.assumptions), nonzero=set(self.nonzero))


def show(p: Polynomial, most: int = 6) -> str:
    """A polynomial in words, shortened."""
    words = []
    for monomial, coefficient in p.key[:most]:
        powers = [name if e == 1 else f"{name}^{e}" for name, e in monomial]
        words.append("*".join([str(coefficient), *powers]))
    return " + ".join(words) + (" + ..." if len(p.terms) > most else "") if words else "0"


def manifest(context: Context, expr: Expr) -> tuple[Ratio, bool]:
    """The value of an expression that is nonnegative by its form, and whether it is positive.

    Raises Rejected for any form that does not show it.
    """
    scope = context.scope
    match expr:
        case Number(value):
            return ratio(value), value > 0
        case Name(name):
            return _named(context, name)
        case Binary("+", left, right):
            (a, p), (b, q) = manifest(context, left), manifest(context, right)
            return a + b, p or q
        case Binary("*", left, right):
            (a, p), (b, q) = manifest(context, left), manifest(context, right)
            return a * b, p and q
        case Binary("/", left, Binary("*", first, second), at):  # factor by factor
            return manifest(context, Binary("/", Binary("/", left, first, at), second, at))
        case Binary("/", left, right):
            (a, p), (b, q) = manifest(context, left), manifest(context, right)
            if not q:
                raise Rejected(f"character {expr.position + 1}: a divisor must be positive")
            context.positive(b)
            return a / b, p
        case Power(base, exponent) if exponent > 0:
            a, p = manifest(context, base)
            power = ONE_RATIO
            for _ in range(exponent):
                power = power * a
            return power, p
        case Call("square", (inside,)):
            value_ = scope.scalar(inside)
            return value_ * value_, False
        case Call("sqnorm", (inside,)):
            vector = scope.vector(inside)
            return scope.inner(vector, vector), False
        case Call("zero", (Name(name), multiplier)):
            equality = context.known(name)
            if equality is None or equality.kind != "=":
                raise Rejected(f"{name} is not an equality")
            return equality.value * scope.scalar(multiplier), False
    raise Rejected(f"character {expr.position + 1}: not nonnegative by its form")


def signed(context: Context, expr: Expr) -> tuple[Ratio, bool]:
    """As `manifest`, of an expression of a claim: its names are not those of assumptions."""
    value, positive = manifest(context, expr)
    if (value - context.scope.scalar(expr)).numerator:
        raise Rejected("an expression of the claim names an assumption")
    return value, positive


def _named(context: Context, name: str) -> tuple[Ratio, bool]:
    assumption = context.known(name)
    if assumption is not None:
        if assumption.kind == "=":
            raise Rejected(f"{name} is an equality: write zero({name}, multiplier)")
        return assumption.value, assumption.kind == ">"
    sign = context.signs.get(name, "real")
    if sign == "real":
        raise Rejected(f"{name} is neither an assumption nor a constant with a sign")
    return context.scope.scalars[name], sign == "positive"


def prove(context: Context, node: Json, target: Ratio, strict: bool, expected: bool) -> int:
    """Check that target ≥ 0 (> 0 where strict); of its expectation where `expected`.

    node : {"by": sum, "factor": positive expression}, a split into cases, or {"lemmas", "proof"}.
    Returns the number of identities checked; raises Rejected.
    """
    if isinstance(node, dict) and "lemmas" in node:
        raw = fields(node, "proof", {"lemmas", "proof"}, set())
        inner = context.branch()
        count = sum(prove_lemma(inner, lemma, set()) for lemma in items(raw["lemmas"], "lemmas"))
        return count + prove(inner, raw["proof"], target, strict, expected)
    if isinstance(node, dict) and "split" in node:
        return _split(context, node, target, strict, expected)
    if isinstance(node, dict) and "cases" in node:
        return _cases(context, node, target, strict, expected)
    raw = fields(node, "proof", {"by"}, {"factor"})
    factor, positive = manifest(context, parse(text(raw.get("factor", "1"), "factor"), None))
    if not positive:
        raise Rejected("the factor of the target is not positive")
    if expected and context.scope.levels(factor.variables()) == SAMPLE:
        raise Rejected("the factor of an expected target depends on the sampled index")
    total, strictly = manifest(context, parse(text(raw["by"], "by"), None))
    if strict and not strictly:
        raise Rejected("the sum is nonnegative, but the target is to be positive")
    difference = factor * target - total
    if expected:
        difference = context.scope.expect(difference)
    context.defined(difference, "identity")
    if difference.numerator:
        raise Rejected(f"the two sides differ by {show(difference.numerator)}")
    return 1


def prove_lemma(context: Context, data: Json, optional: set[str]) -> int:
    """An inequality on the way; of expectations where it says so, pointwise otherwise.

    optional : {"expected"} where all that is assumed holds for every index; empty within a proof,
        where a case of the sampled index may be assumed.
    """
    raw = fields(data, "lemma", {"name", "holds", "proof"}, optional)
    name = text(raw["name"], "lemma")
    relation = parse_relation(text(raw["holds"], name), None)
    if relation.kind == "=":
        raise ClaimError(f"{name}: an equality is two inequalities")
    value, strict = context.scope.scalar(relation.difference), relation.kind == ">"
    expected = raw.get("expected", False) is True
    try:
        count = prove(context, raw["proof"], value, strict, expected)
    except (Rejected, GrammarError) as error:
        raise Rejected(f"{name}: {error}") from error
    context.assume(name, context.scope.expect(value) if expected else value, relation.kind)
    return count


def _split(context: Context, node: Json, target: Ratio, strict: bool, expected: bool) -> int:
    """Two cases: e ≥ 0 and −e ≥ 0."""
    raw = fields(node, "split", {"split", "name", "nonnegative", "nonpositive"}, set())
    value = context.scope.scalar(parse(text(raw["split"], "split"), None))
    _known_before_sampling(context, value, expected)
    count = 0
    for case, sign in (("nonnegative", 1), ("nonpositive", -1)):
        inner = context.branch()
        inner.assume(text(raw["name"], "name"), ratio(Fraction(sign)) * value, ">=")
        count += prove(inner, raw[case], target, strict, expected)
    return count


def _cases(context: Context, node: Json, target: Ratio, strict: bool, expected: bool) -> int:
    """One case per alternative of a minimum or maximum."""
    raw = fields(node, "cases", {"cases", "name", "branches"}, set())
    name, choices = text(raw["name"], "name"), context.choices.get(text(raw["cases"], "cases"))
    branches = items(raw["branches"], "branches")
    if choices is None or len(branches) != len(choices):
        raise Rejected(f"{raw['cases']}: one branch for each alternative is needed")
    count = 0
    for choice, branch in zip(choices, branches, strict=True):
        _known_before_sampling(context, choice.equality, expected)
        inner = context.branch()
        inner.assume(name, choice.equality, "=")
        if choice.divisor is not None:
            inner.assume(f"{name}_divisor", choice.divisor, ">")
        count += prove(inner, branch, target, strict, expected)
    return count


def _known_before_sampling(context: Context, value: Ratio, expected: bool) -> None:
    if expected and context.scope.levels(value.variables()) == SAMPLE:
        raise Rejected("cases of an expected target may not depend on the sampled index")


def constant_level(context: Context, value: Ratio, where: str) -> None:
    """Raises Rejected where a value is not made of constants alone."""
    if context.scope.levels(value.variables()) != CONSTANT:
        raise Rejected(f"{where}: expected an expression in the constants")
