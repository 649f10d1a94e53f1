"""The oracle's one rule: factor * target = a sum that is nonnegative by its form, expanded."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp
from oracle_world import CONSTANT, SAMPLE, NotShownError, World, tree, vanishes

RELATION = re.compile("[<>]=?|=")


def difference(world: World, text: str, env: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """left >= right as (left - right, ">="); the same for >, <=, <, =; vectors too."""
    match = RELATION.search(text)
    if match is None:
        raise NotShownError(f"no relation: {text}")
    left, right = world.read(text[: match.start()], env), world.read(text[match.end() :], env)
    if match.group()[0] == "<":
        left, right = right, left
    value = left - right if isinstance(left, sp.Expr) else left.add(right, -1)
    return value, match.group().replace("<", ">")


@dataclass
class Known:
    """What may be used: facts (value, relation to 0), signs of scalars, what is not 0."""

    world: World
    facts: dict[str, tuple[sp.Expr, str]] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    nonzero: set[sp.Expr] = field(default_factory=set)  # irreducible factors
    choices: dict[str, list[tuple[sp.Expr, sp.Expr | None]]] = field(default_factory=dict)
    roots: dict[str, sp.Expr] = field(default_factory=dict)
    later: dict[str, Callable[[], tuple[sp.Expr, str]]] = field(default_factory=dict)

    def learn(self, name: str, value: sp.Expr, kind: str) -> None:
        """A new fact; its divisors must be known not to vanish."""
        if name in self.facts or name in self.world.scalars or name in self.world.vectors:
            raise NotShownError(f"{name} twice")
        self.divisions()
        self.facts[name] = (value, kind)
        if kind == ">":
            self.remember(value)

    def remember(self, positive: sp.Expr) -> None:
        """No factor of something positive vanishes."""
        above = sp.fraction(sp.together(positive))[0]
        if vanishes(above):
            raise NotShownError("0 is not positive")
        self.nonzero.update(factor for factor, _ in sp.factor_list(above)[1])

    def divisions(self) -> None:
        """Raises NotShownError where something was divided by that may be 0."""
        for divisor in self.world.divisors:
            for factor, _ in sp.factor_list(sp.fraction(sp.together(divisor))[0])[1]:
                if not self._not_zero(factor):
                    raise NotShownError(f"division by {factor}")
        self.world.divisors.clear()

    def _not_zero(self, factor: sp.Expr) -> bool:
        if factor in self.nonzero or -factor in self.nonzero:
            return True
        symbols = sorted(factor.free_symbols, key=str)
        signs = [self.signs.get(s.name, "real") for s in symbols]
        terms = sp.Poly(factor, *symbols).terms() if symbols else []
        if "real" in signs or any(c < 0 for _, c in terms):
            return False
        return any(
            all(sign == "positive" for sign, e in zip(signs, m, strict=True) if e) for m, _ in terms
        )

    def fact(self, name: str) -> tuple[sp.Expr, str] | None:
        """A fact, made now if it was announced."""
        if name not in self.facts and name in self.later:
            self.learn(name, *self.later[name]())
        return self.facts.get(name)

    def branch(self) -> Known:
        """The same knowledge, for one case."""
        return replace(self, facts=dict(self.facts), nonzero=set(self.nonzero))


def manifest(known: Known, node: str | ast.expr) -> tuple[sp.Expr, bool]:
    """The value of a sum that is nonnegative by its form, and whether it is positive."""
    node = tree(node) if isinstance(node, str) else node
    match node:
        case ast.Constant():
            value = known.world.scalar(node)
            return value, bool(value > 0)
        case ast.Name(id=name):
            return _named(known, name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            (a, p), (b, q) = manifest(known, left), manifest(known, right)
            return a + b, p or q
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            (a, p), (b, q) = manifest(known, left), manifest(known, right)
            return a * b, p and q
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            (a, p), (b, q) = manifest(known, left), manifest(known, right)
            if not q:
                raise NotShownError("a divisor is not positive")
            known.remember(b)
            return a / b, p
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(n))):
            a, p = manifest(known, left)
            return a**n, p or n == 0
        case ast.Call(func=ast.Name(id="square" | "sqnorm")):
            return known.world.scalar(node), False
        case ast.Call(func=ast.Name(id="zero"), args=[ast.Name(id=name), multiplier]):
            fact = known.fact(name)
            if fact is None or fact[1] != "=":
                raise NotShownError(f"{name} is no equality")
            return fact[0] * known.world.scalar(multiplier), False
    raise NotShownError("not nonnegative by its form")


def _named(known: Known, name: str) -> tuple[sp.Expr, bool]:
    fact = known.fact(name)
    if fact is not None:
        if fact[1] == "=":
            raise NotShownError(f"{name} is an equality")
        return fact[0], fact[1] == ">"
    if known.signs.get(name, "real") == "real":
        raise NotShownError(f"{name} has no sign")
    return known.world.scalars[name], known.signs[name] == "positive"


def signed(known: Known, node: str | ast.expr) -> tuple[sp.Expr, bool]:
    """As manifest, of an expression of a claim (facts are not its names)."""
    value, positive = manifest(known, node)
    if not vanishes(value - known.world.scalar(node)):
        raise NotShownError("the name of a fact in a claim")
    return value, positive


def prove(known: Known, node: Any, target: sp.Expr, strict: bool, expected: bool) -> None:
    """Raises NotShownError unless the node shows target >= 0 (> 0 where strict)."""
    if "lemmas" in node:
        inner = known.branch()
        for lemma in node["lemmas"]:
            prove_lemma(inner, lemma)
        prove(inner, node["proof"], target, strict, expected)
    elif "split" in node:
        value = known.world.scalar(node["split"])
        _before_sampling(known, [value], expected)
        for case, sign in (("nonnegative", 1), ("nonpositive", -1)):
            inner = known.branch()
            inner.learn(node["name"], sign * value, ">=")
            prove(inner, node[case], target, strict, expected)
    elif "cases" in node:
        choices = known.choices.get(node["cases"], [])
        if not choices or len(choices) != len(node["branches"]):
            raise NotShownError("a branch for each alternative")
        for (equality, divisor), branch in zip(choices, node["branches"], strict=True):
            _before_sampling(known, [equality], expected)
            inner = known.branch()
            inner.learn(node["name"], equality, "=")
            if divisor is not None:
                inner.learn(f"{node['name']}_divisor", divisor, ">")
            prove(inner, branch, target, strict, expected)
    else:
        _identity(known, node, target, strict, expected)


def _identity(known: Known, node: Any, target: sp.Expr, strict: bool, expected: bool) -> None:
    factor, positive = manifest(known, node.get("factor", "1"))
    total, strictly = manifest(known, node["by"])
    if not positive or (strict and not strictly):
        raise NotShownError("not positive by its form")
    _before_sampling(known, [factor], expected)
    gap = factor * target - total
    known.divisions()
    if not vanishes(known.world.expect(gap) if expected else gap):
        raise NotShownError("the two sides differ")


def _before_sampling(known: Known, values: Iterable[sp.Expr], expected: bool) -> None:
    if expected and any(known.world.highest(value) == SAMPLE for value in values):
        raise NotShownError("depends on the sampled index")


def prove_lemma(known: Known, lemma: Any) -> None:
    """Checks a lemma, and learns it."""
    value, kind = difference(known.world, lemma["holds"])
    expected = lemma.get("expected", False) is True
    if kind == "=":
        raise NotShownError("an equality")
    prove(known, lemma["proof"], value, kind == ">", expected)
    known.learn(lemma["name"], known.world.expect(value) if expected else value, kind)


def constant(known: Known, text: str) -> sp.Expr:
    """The value of an expression in constants alone."""
    value = known.world.scalar(text)
    if known.world.highest(value) != CONSTANT:
        raise NotShownError(f"not made of constants: {text}")
    return value


def define(known: Known, step: Mapping[str, str], shown: Mapping[str, Any]) -> None:
    """A root, a minimum or maximum, a vector, or an abbreviation."""
    world, name, node = known.world, step["name"], tree(step["is"])
    match node:
        case ast.Call(func=ast.Name(id="sqrt"), args=[inside]):
            _root(known, name, inside, shown)
            return
        case ast.Call(func=ast.Name(id="min" | "max" as which), args=arguments):
            _extremum(known, name, which, arguments, shown)
            return
    with world.aside():
        value = world.read(node)
    if not isinstance(value, sp.Expr):
        world.read(node)
        world.vectors[name] = value
        world.level[name] = world.highest(value)
        if value.space == "X":
            world.points[name] = ("defined", "")
        return
    above, below = sp.fraction(sp.together(value))
    if name in shown:
        scale = _divisor(known, shown[name], below)
        above, below = above / scale, below / scale
    world.read(node)
    known.divisions()
    if world.highest(below) < SAMPLE:
        world.scalars[name] = value
        return
    made = _defined(world, name, [value])
    known.learn(f"{name}_def", made * below - above, "=")


def _divisor(known: Known, node: Any, below: sp.Expr) -> sp.Expr:
    """Shows that a divisor is positive, up to a positive number: which one is a convention."""
    symbols = sorted(below.free_symbols, key=str)
    terms = sp.Poly(below, *symbols).terms() if symbols else []
    for scale in sorted({abs(c) for _, c in terms} | {sp.S.One}):
        try:
            prove(known, node, below / scale, True, False)
        except NotShownError:
            continue
        known.remember(below)
        return scale
    raise NotShownError("a divisor is not shown to be positive")


def _defined(world: World, name: str, values: list[sp.Expr]) -> sp.Symbol:
    made = world.scalar_name(name, max(world.highest(value) for value in values))
    world.made_of[name] = set().union(*(world.behind(value) for value in values))
    return made


def _root(known: Known, name: str, inside: ast.expr, shown: Mapping[str, Any]) -> None:
    if name in shown:
        value, positive = known.world.scalar(inside), "positive" in shown[name]
        prove(known, shown[name].get("positive", shown[name]), value, positive, False)
    else:
        value, positive = signed(known, inside)
    made = _defined(known.world, name, [value])
    known.roots[name] = value
    known.signs[name] = "positive" if positive else "nonnegative"
    known.learn(f"{name}_def", made**2 - value, "=")


def _extremum(
    known: Known, name: str, which: str, arguments: list[ast.expr], shown: Mapping[str, Any]
) -> None:
    """m <= each alternative of a minimum; n/d with n, d >= 0 counts as infinite where d = 0."""
    world, alternatives = known.world, []
    for argument in arguments:
        waiting = list(world.divisors)
        value: sp.Expr = world.scalar(argument)
        divisor: sp.Expr | None = None
        try:
            known.divisions()
        except NotShownError:
            world.divisors[:] = waiting
            if which == "max" or not isinstance(argument, ast.BinOp):
                raise
            value, divisor = world.scalar(argument.left), signed(known, argument.right)[0]
            if name in shown:
                prove(known, shown[name], value, False, False)
            else:
                signed(known, argument.left)
        alternatives.append((value, divisor))
    if sum(divisor is not None for _, divisor in alternatives) > min(1, len(alternatives) - 1):
        raise NotShownError("one alternative may be infinite")
    made = _defined(
        world, name, [part for pair in alternatives for part in pair if part is not None]
    )
    known.signs[name] = "real"
    known.choices[name] = []
    for number, (value, divisor) in enumerate(alternatives, start=1):
        gap = value - made * (1 if divisor is None else divisor)
        known.learn(f"{name}_{number}", gap if which == "min" else -gap, ">=")
        known.choices[name].append((gap, divisor))
