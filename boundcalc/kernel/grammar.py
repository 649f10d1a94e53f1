"""A tiny exact grammar: text to expression trees; never eval, never a general-purpose parser.

    sum     := ["-" | "+"] product { ("+" | "-") product }
    product := power { ("*" | "/") power }
    power   := atom [ ("^" | "**") ["-"] digits ]
    atom    := number | name | function "(" sum { "," sum } ")" | "(" sum ")"

A number is a decimal and stands for exactly that rational: 0.1 is 1/10. Lengths, depth, exponents
and the size of constants are capped, so that no text can make the reader work for long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

MAX_LENGTH = 60_000  # characters of one expression
MAX_NODES = 5_000
MAX_DEPTH = 60
MAX_CHAIN = 100  # terms of one sum, factors of one product
MAX_EXPONENT = 64  # of one power, and of nested powers together
MAX_CONSTANT_BITS = 4_096  # of a numerator or denominator in the text

SCALAR_FUNCTIONS = {"sqrt": 1, "abs": 1, "min": 2, "max": 2}  # the least number of arguments

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>\*\*|[-+*/^(),]))",
    re.ASCII,
)


class GrammarError(ValueError):
    """Text that is not an expression, or an expression without a value.

    position : index of the offending character in `text`, counted from 0.
    """

    def __init__(self, message: str, position: int, text: str = "") -> None:
        self.message = message
        self.position = position
        self.text = text
        super().__init__(f"character {position + 1}: {message}")


@dataclass(frozen=True)
class Number:
    """An exact rational constant."""

    value: Fraction
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Name:
    """A variable; what it stands for is the reader's business."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Binary:
    """left op right, with op one of + - * /."""

    op: str
    left: Expr
    right: Expr
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Power:
    """base ^ exponent; the exponent is an integer of the text."""

    base: Expr
    exponent: int
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Call:
    """function(arguments)."""

    function: str
    arguments: tuple[Expr, ...]
    position: int = field(default=0, compare=False)


Expr: TypeAlias = Number | Name | Binary | Power | Call


@dataclass(frozen=True)
class _Token:
    kind: str  # number, name, symbol, end
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_LENGTH:
        raise GrammarError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH, text[:80])
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise GrammarError(f"unexpected {text[at]!r}", at, text)
        kind = str(match.lastgroup)
        found.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    found.append(_Token("end", "end of text", end))
    return found


def _number(token: _Token, text: str) -> Fraction:
    if len(token.text) > MAX_CONSTANT_BITS // 4:
        raise GrammarError("number has too many digits", token.position, text)
    value = Fraction(token.text)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_CONSTANT_BITS:
        raise GrammarError("number is too large or too small", token.position, text)
    return value


class _Reader:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, functions: Mapping[str, int] | None) -> None:
        self.text = text
        self.functions = functions
        self.tokens = _tokens(text)
        self.at = 0
        self.nodes = 0
        self.depth = 0

    def fail(self, message: str, position: int) -> GrammarError:
        return GrammarError(message, position, self.text)

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fail(f"more than {MAX_NODES} terms and signs", token.position)
        return token

    def accept(self, *symbols: str) -> _Token | None:
        token = self.peek()
        if token.kind == "symbol" and token.text in symbols:
            return self.take()
        return None

    def expect(self, symbol: str) -> None:
        if self.accept(symbol) is None:
            token = self.peek()
            raise self.fail(f"expected {symbol!r}, found {token.text!r}", token.position)

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH}", self.peek().position)
        sign = self.accept("-", "+")
        value = self.product()
        if sign is not None and sign.text == "-":
            value = Binary("-", Number(Fraction(0), sign.position), value, sign.position)
        length = 1
        while (op := self.accept("+", "-")) is not None:
            length = self.longer(length, op)
            value = Binary(op.text, value, self.product(), op.position)
        self.depth -= 1
        return value

    def longer(self, length: int, op: _Token) -> int:
        if length == MAX_CHAIN:
            raise self.fail(f"more than {MAX_CHAIN} terms or factors in a row", op.position)
        return length + 1

    def product(self) -> Expr:
        value = self.power()
        length = 1
        while (op := self.accept("*", "/")) is not None:
            length = self.longer(length, op)
            value = Binary(op.text, value, self.power(), op.position)
        return value

    def power(self) -> Expr:
        base = self.atom()
        op = self.accept("^", "**")
        if op is None:
            return base
        negative = self.accept("-") is not None
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise self.fail("an exponent is a whole number", token.position)
        if len(token.text) > 4 or int(token.text) * _degree(base) > MAX_EXPONENT:
            raise self.fail(f"exponents above {MAX_EXPONENT} are refused", token.position)
        return Power(base, -int(token.text) if negative else int(token.text), op.position)

    def atom(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return Number(_number(token, self.text), token.position)
        if token.kind == "name":
            if self.accept("(") is None:
                return Name(token.text, token.position)
            return self.call(token)
        if token.text == "(":
            value = self.sum()
            self.expect(")")
            return value
        raise self.fail(f"expected a number or a name, found {token.text!r}", token.position)

    def call(self, name: _Token) -> Expr:
        functions = {name.text: 0} if self.functions is None else self.functions
        if name.text not in functions:
            known = ", ".join(sorted(functions))
            raise self.fail(f"unknown function {name.text!r}; known: {known}", name.position)
        arguments = [self.sum()]
        while self.accept(",") is not None:
            arguments.append(self.sum())
        self.expect(")")
        least = functions[name.text]
        if len(arguments) < least or (least == 1 and len(arguments) > 1):
            raise self.fail(f"{name.text} takes {least} argument(s)", name.position)
        return Call(name.text, tuple(arguments), name.position)


def _degree(expr: Expr) -> int:
    """How far powers are nested in `expr`: the largest product of exponents on a path."""
    match expr:
        case Number() | Name():
            return 1
        case Binary(_, left, right):
            return max(_degree(left), _degree(right))
        case Power(base, exponent):
            return max(1, abs(exponent)) * _degree(base)
        case Call(_, arguments):  # pragma: no branch - the last kind of node
            return max(_degree(argument) for argument in arguments)


def parse(text: str, functions: Mapping[str, int] | None = SCALAR_FUNCTIONS) -> Expr:
    """Read one expression.

    functions : name → least number of arguments (exactly one where it is 1, any where it is 0);
        None where the reader of the tree knows which functions there are.

    Raises GrammarError with the position of the first character that does not fit.
    """
    reader = _Reader(text, functions)
    value = reader.sum()
    last = reader.peek()
    if last.kind != "end":
        raise reader.fail(f"unexpected {last.text!r}", last.position)
    return value


def names(expr: Expr) -> frozenset[str]:
    """All variables of an expression."""
    match expr:
        case Number():
            return frozenset()
        case Name(name):
            return frozenset({name})
        case Binary(_, left, right):
            return names(left) | names(right)
        case Power(base, _):
            return names(base)
        case Call(_, arguments):  # pragma: no branch - the last kind of node
            return frozenset().union(*(names(argument) for argument in arguments))


@dataclass(frozen=True)
class Relation:
    """difference ≥ 0, > 0 or = 0."""

    difference: Expr
    kind: str  # >=, >, =


def parse_relation(text: str, functions: Mapping[str, int] | None = SCALAR_FUNCTIONS) -> Relation:
    """Read "left >= right" (also <=, <, >, =) as a statement about one difference.

    Raises GrammarError.
    """
    match = re.search("[<>]=?|=", text)
    if match is None:
        raise GrammarError("expected one of >= <= > < =", len(text), text)
    left = parse(text[: match.start()], functions)
    right = parse(" " * match.end() + text[match.end() :], functions)
    if match.group().startswith("<"):
        left, right = right, left
    kind = match.group().replace("<", ">")
    if right == Number(Fraction(0)):
        return Relation(left, kind)
    return Relation(Binary("-", left, right, match.start()), kind)


def substitute(expr: Expr, names: Mapping[str, Expr], functions: Mapping[str, str]) -> Expr:
    """Replace names by expressions and functions by functions, all at once."""
    match expr:
        case Number():
            return expr
        case Name(name):
            return names.get(name, expr)
        case Binary(op, left, right, at):
            a, b = substitute(left, names, functions), substitute(right, names, functions)
            return Binary(op, a, b, at)
        case Power(base, exponent, at):
            return Power(substitute(base, names, functions), exponent, at)
        case Call(function, arguments, at):  # pragma: no branch - the last kind of node
            inside = tuple(substitute(a, names, functions) for a in arguments)
            return Call(functions.get(function, function), inside, at)
