"""Text to nodes: a small Pratt parser with caps, so that no text can make it work for long.

Numbers (0.1 is exactly 1/10), variables, pi, e, + - * / and unary minus, ^ or ** with whole or
rational constant exponents, sqrt and the functions of `node.FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from boundcalc.search.numeric.node import (
    FUNCTIONS,
    MAX_EXPONENT,
    NAMED,
    FormulaError,
    Node,
    add,
    call,
    divide,
    multiply,
    named,
    negate,
    number,
    order,
    power,
    rational,
    subtract,
    variable,
)

__all__ = ["FormulaError", "Node", "parse"]

MAX_LENGTH = 60_000  # characters
MAX_NODES = 5_000
MAX_DEPTH = 60  # of parentheses

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>\*\*|[-+*/^()]))",
    re.ASCII,
)
_SUM, _PRODUCT, _SIGN, _POWER = 1, 2, 3, 4
_BINDING = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER, "**": _POWER}


def parse(text: str, variables: Sequence[str] = ()) -> Node:
    """The formula that the text is, in the given variables.

    Raises FormulaError (a ValueError, with .position) for anything else.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"more than {MAX_LENGTH} characters", MAX_LENGTH)
    reader = _Reader(text, frozenset(variables))
    node = reader.expression(0)
    if reader.kind != "end":
        raise FormulaError(f"found {reader.word!r}; expected an operator or the end", reader.start)
    if len(order([node])) > MAX_NODES:
        raise FormulaError(f"more than {MAX_NODES} parts")
    return node


class _Reader:
    def __init__(self, text: str, variables: frozenset[str]) -> None:
        self.text = text
        self.variables = variables
        self.next = 0
        self.depth = 0
        self.parts = 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.next)
        if match is None:
            rest = self.text[self.next :]
            self.start = self.next + len(rest) - len(rest.lstrip())
            if rest.strip():
                raise FormulaError(f"{rest.strip()[0]!r} is not of the grammar", self.start)
            self.kind, self.word = "end", ""
            return
        self.kind = str(match.lastgroup)
        self.word = match.group(self.kind)
        self.start = match.start(self.kind)
        self.next = match.end()
        self.parts += 1
        if self.parts > 4 * MAX_NODES:
            raise FormulaError(f"more than {4 * MAX_NODES} symbols", self.start)

    def expression(self, binding: int) -> Node:
        self.depth += 1
        if self.depth > 4 * MAX_DEPTH:
            raise FormulaError(f"nested deeper than {MAX_DEPTH}", self.start)
        left = self.prefix()
        while self.kind == "symbol" and _BINDING.get(self.word, 0) > binding:
            left = self.infix(left)
        self.depth -= 1
        return left

    def prefix(self) -> Node:
        kind, word, start = self.kind, self.word, self.start
        if kind == "end":
            raise FormulaError("the formula ends where a value is expected", start)
        self.advance()
        if kind == "number":
            return _at(start, lambda: number(Fraction(word)))
        if kind == "name":
            return self.name(word, start)
        if word in "+-":
            inner = self.expression(_SIGN)
            return negate(inner) if word == "-" else inner
        if word == "(":
            return self.closed()
        raise FormulaError(f"found {word!r} where a value is expected", start)

    def closed(self) -> Node:
        inner = self.expression(0)
        if self.word != ")":
            raise FormulaError("found no ')' where one is expected", self.start)
        self.advance()
        return inner

    def name(self, word: str, start: int) -> Node:
        if word in self.variables:
            return variable(word)
        if word in NAMED:
            return named(word)
        if word == "sqrt" or word in FUNCTIONS:
            if self.word != "(":
                raise FormulaError(f"{word} needs an argument in parentheses", start)
            self.advance()
            argument = self.closed()
            return _at(start, lambda: call(word, argument))
        raise FormulaError(f"{word!r} is neither a variable nor a function known here", start)

    def infix(self, left: Node) -> Node:
        symbol, start = self.word, self.start
        self.advance()
        if symbol in ("^", "**"):
            return self.raised(left, start)
        right = self.expression(_BINDING[symbol])
        join = {"+": add, "-": subtract, "*": multiply, "/": divide}[symbol]
        return _at(start, lambda: join(left, right))

    def raised(self, base: Node, start: int) -> Node:
        exponent = rational(self.expression(_POWER - 1))  # right-associative; binds a sign
        if exponent is None:
            raise FormulaError("an exponent must be a rational constant", start)
        if abs(exponent) > MAX_EXPONENT or exponent.denominator > MAX_EXPONENT:
            raise FormulaError(f"an exponent is at most {MAX_EXPONENT}", start)
        result = _at(start, lambda: power(base, exponent))
        if result.op == "pow" and abs(Fraction(str(result.payload))) > MAX_EXPONENT:
            raise FormulaError(f"nested exponents exceed {MAX_EXPONENT}", start)
        return result


def _at(start: int, build: Callable[[], Node]) -> Node:
    """What build gives, or its error with the place in the text."""
    try:
        return build()
    except FormulaError as error:
        raise FormulaError(error.message, start) from None
