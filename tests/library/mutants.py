"""Mutants of expressions: a sign, factor, exponent, term or name is changed in the tree."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from boundcalc.kernel.grammar import Binary, Call, Expr, Name, Number, Power, parse

RELATION = re.compile("[<>]=?|=")


def unparse(expr: Expr) -> str:
    """Text that reads back as the same tree."""
    match expr:
        case Number(value):
            if value.denominator != 1:
                return f"({value.numerator}/{value.denominator})"
            return str(value) if value >= 0 else f"(0 - {-value})"
        case Name(name):
            return name
        case Binary(op, left, right):
            return f"({unparse(left)} {op} {unparse(right)})"
        case Power(base, exponent):
            return f"({unparse(base)})^{exponent}"
        case Call(function, arguments):
            return f"{function}({', '.join(map(unparse, arguments))})"


def nodes(expr: Expr, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Expr]]:
    """Every subexpression with the way to it."""
    yield path, expr
    match expr:
        case Binary(_, left, right):
            yield from nodes(left, (*path, "left"))
            yield from nodes(right, (*path, "right"))
        case Power(base, _):
            yield from nodes(base, (*path, "base"))
        case Call(_, arguments):
            for index, argument in enumerate(arguments):
                yield from nodes(argument, (*path, index))


def put(expr: Expr, path: tuple[Any, ...], new: Expr) -> Expr:
    """The tree with one subexpression replaced."""
    if not path:
        return new
    head, *rest = path
    tail = tuple(rest)
    match expr:
        case Binary(op, left, right) if head == "left":
            return Binary(op, put(left, tail, new), right)
        case Binary(op, left, right):
            return Binary(op, left, put(right, tail, new))
        case Power(base, exponent):
            return Power(put(base, tail, new), exponent)
        case Call(function, arguments):
            inside = (put(a, tail, new) if i == head else a for i, a in enumerate(arguments))
            return Call(function, tuple(inside))
    raise AssertionError(expr)


def mutate(expr: Expr, rng: random.Random, names: list[str]) -> tuple[str, Expr]:
    """One change and its kind: sign, factor, exponent, term (dropped), name or argument."""
    path, node = rng.choice(list(nodes(expr)))
    options: list[tuple[str, Expr]] = []
    if not isinstance(node, Name) or node.name in names:  # a factor on scalars, not on points
        options += [("factor", Binary("*", Number(Fraction(n)), node)) for n in (2, 3)]
        options += [("factor", Binary("/", node, Number(Fraction(2))))]
    match node:
        case Number(value):
            options += [("factor", Number(value + 1)), ("term", Number(Fraction(0)))]
        case Name():
            options += [("name", Name(rng.choice(names))), ("exponent", Power(node, 2))]
        case Binary(op, left, right):
            flip = {"+": "-", "-": "+", "*": "/", "/": "*"}[op]
            options += [("sign" if op in "+-" else "exponent", Binary(flip, left, right))]
            options += [("term", left), ("term", right), ("sign", Binary(op, right, left))]
        case Power(base, exponent):
            options += [("exponent", Power(base, exponent + 1)), ("exponent", base)]
        case Call(function, arguments):
            options += [("argument", Call(function, tuple(reversed(arguments))))]
            options += [("term", Number(Fraction(0)))]
    kind, new = rng.choice(options)
    return kind, put(expr, path, new)


def mutate_text(text: str, rng: random.Random, names: list[str]) -> tuple[str, str]:
    """A mutant of an expression, or of a relation: one side or the direction of it."""
    match = RELATION.search(text)
    if match is None:
        kind, made = mutate(parse(text, None), rng, names)
        return kind, unparse(made)
    left, sign, right = text[: match.start()], match.group(), text[match.end() :]
    if rng.random() < 0.1:
        others = [s for s in (">=", "<=", ">", "<", "=") if s != sign]
        return "relation", left + rng.choice(others) + right
    if rng.random() < 0.5:
        kind, made = mutate(parse(left, None), rng, names)
        return kind, unparse(made) + sign + right
    kind, made = mutate(parse(right, None), rng, names)
    return kind, left + sign + unparse(made)


def tidy(text: str) -> str:
    """The one text of an expression's or relation's tree, so that mutants can be compared."""
    match = RELATION.search(text)
    if match is None:
        return unparse(parse(text, None))
    sides = (text[: match.start()], text[match.end() :])
    left, right = (unparse(parse(side, None)) for side in sides)
    return left + match.group() + right
