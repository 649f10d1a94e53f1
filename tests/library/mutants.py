"""Mutants of proofs, and an oracle that is not the kernel: texts at random points of a model."""

from __future__ import annotations

import copy
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


def mutate(expr: Expr, rng: random.Random, names: list[str]) -> Expr:
    """One change: a sign, factor, exponent, dropped term, another name, swapped arguments."""
    path, node = rng.choice(list(nodes(expr)))
    double = Binary("*", Number(Fraction(2)), node)
    match node:
        case Number(value):
            options: list[Expr] = [Number(value + 1), double, Number(Fraction(0))]
        case Name():
            others = rng.sample(names, min(3, len(names)))
            options = [*(Name(other) for other in others), Number(Fraction(1)), double]
        case Binary(op, left, right):
            flip = {"+": "-", "-": "+", "*": "/", "/": "*"}[op]
            options = [Binary(flip, left, right), left, right]
        case Power(base, exponent):
            options = [Power(base, exponent + 1), base]
        case Call(function, arguments):
            options = [Call(function, tuple(reversed(arguments))), double, Number(Fraction(0))]
    return put(expr, path, rng.choice(options))


def mutate_text(text: str, rng: random.Random, names: list[str]) -> str:
    """A mutant of an expression or of one side of a relation."""
    match = RELATION.search(text)
    if match is None:
        return unparse(mutate(parse(text, None), rng, names))
    left, sign, right = text[: match.start()], match.group(), text[match.end() :]
    if rng.random() < 0.5:
        return unparse(mutate(parse(left, None), rng, names)) + sign + right
    return left + sign + unparse(mutate(parse(right, None), rng, names))


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text of a JSON value with the way to it."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))


def replaced(data: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with one entry replaced."""
    whole = copy.deepcopy(data)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return whole


class Model:
    """Random values for all names: scalars, vectors of Q³, functions; zero(e, m) is e·m."""

    def __init__(self, seed: int, vectors: set[str]) -> None:
        self.seed, self.vectors = seed, vectors

    def _draw(self, name: str) -> Fraction:
        return Fraction(random.Random(f"{self.seed} {name}").randint(-999, 999), 97)

    def _vector(self, name: str) -> tuple[Fraction, ...]:
        return tuple(self._draw(f"{name}[{k}]") for k in range(3))

    def value(self, expr: Expr) -> Fraction | tuple[Fraction, ...]:
        """The value; ZeroDivisionError and TypeError where there is none."""
        match expr:
            case Number(value):
                return value
            case Name(name):
                return self._vector(name) if name in self.vectors else self._draw(name)
            case Binary(op, left, right):
                return self._binary(op, self.value(left), self.value(right))
            case Power(base, exponent):
                raised = self.value(base)
                assert isinstance(raised, Fraction)
                return raised**exponent
            case Call(function, arguments):
                return self._call(function, arguments)

    def _binary(self, op: str, a: Any, b: Any) -> Any:
        if op in "+-":
            sign = 1 if op == "+" else -1
            if isinstance(b, tuple):
                a = a or (0, 0, 0)
                return tuple(x + sign * y for x, y in zip(a, b, strict=True))
            return a + sign * b
        if op == "/":
            b = 1 / b
        if isinstance(a, tuple):
            a, b = b, a
        return tuple(a * y for y in b) if isinstance(b, tuple) else a * b

    def _call(self, function: str, arguments: tuple[Expr, ...]) -> Any:
        if function in ("dot", "sqnorm"):
            u, v = self.value(arguments[0]), self.value(arguments[-1])
            return sum(x * y for x, y in zip(u, v, strict=True))  # type: ignore[arg-type]
        if function in ("square", "zero"):
            a, b = self.value(arguments[0]), self.value(arguments[-1])
            return a * b  # type: ignore[operator]
        if function == "E":
            return self._draw(unparse(Call(function, arguments)))
        name = f"{function}({', '.join(map(unparse, arguments))})"
        return self._vector(name) if function in self.vectors else self._draw(name)
