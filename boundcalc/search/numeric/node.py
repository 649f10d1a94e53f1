"""Formulas as immutable, shared nodes: two equal formulas are one object.

Building folds rational constants exactly and drops 0, 1 and double signs; nothing else is
rewritten.
This is the search's own algebra: it shares no code with the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from weakref import WeakValueDictionary

MAX_CONSTANT_BITS = 4_096  # of a numerator or denominator
MAX_EXPONENT = 64

FUNCTIONS = frozenset(
    [
        "exp",
        "log",
        "sin",
        "cos",
        "tan",
        "tanh",
        "sinh",
        "cosh",
        "atan",
        "logistic",
        "softplus",
        "abs",
    ]
)  # sqrt is the power 1/2; abs has the derivative sign, which is no name of the grammar
NAMED = frozenset({"pi", "e"})


class FormulaError(ValueError):
    """Text that is not a formula; `position` counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        self.message = message
        self.position = position
        super().__init__(f"character {position + 1}: {message}")


class Node:
    """op, its arguments, and its payload: a Fraction (number, pow), or a name (variable, named)."""

    __slots__ = ("__weakref__", "args", "op", "payload")
    op: str
    args: tuple[Node, ...]
    payload: Fraction | str | None

    def __repr__(self) -> str:
        return f"Node({text(self)!r})"


_TABLE: WeakValueDictionary[tuple[object, ...], Node] = WeakValueDictionary()


def _make(op: str, args: tuple[Node, ...], payload: Fraction | str | None = None) -> Node:
    key = (op, payload, *map(id, args))
    found = _TABLE.get(key)
    if found is None:
        found = Node()
        found.op, found.args, found.payload = op, args, payload
        _TABLE[key] = found
    return found


def number(value: Fraction | int) -> Node:
    """A rational constant."""
    value = Fraction(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_CONSTANT_BITS:
        raise FormulaError(f"a constant has more than {MAX_CONSTANT_BITS} bits")
    return _make("number", (), value)


def variable(name: str) -> Node:
    """A variable."""
    return _make("variable", (), name)


def named(name: str) -> Node:
    """pi or e."""
    return _make("named", (), name)


def rational(node: Node) -> Fraction | None:
    """The value of a rational constant, None for anything else."""
    return node.payload if node.op == "number" and isinstance(node.payload, Fraction) else None


ZERO_VALUE, ONE_VALUE = Fraction(0), Fraction(1)


def add(left: Node, right: Node) -> Node:
    """a + b, constants folded."""
    a, b = rational(left), rational(right)
    if a is not None and b is not None:
        return number(a + b)
    if a == 0:
        return right
    if b == 0:
        return left
    if right.op == "neg":
        return subtract(left, right.args[0])
    if left is right:
        return multiply(number(2), left)
    return _make("add", (left, right))


def subtract(left: Node, right: Node) -> Node:
    """a − b."""
    a, b = rational(left), rational(right)
    if a is not None and b is not None:
        return number(a - b)
    if left is right:
        return number(0)
    if b == 0:
        return left
    if a == 0:
        return negate(right)
    if right.op == "neg":
        return add(left, right.args[0])
    return _make("sub", (left, right))


def negate(node: Node) -> Node:
    """−a."""
    value = rational(node)
    if value is not None:
        return number(-value)
    if node.op == "neg":
        return node.args[0]
    if node.op == "sub":
        return subtract(node.args[1], node.args[0])
    return _make("neg", (node,))


def multiply(left: Node, right: Node) -> Node:
    """a·b, constants folded."""
    a, b = rational(left), rational(right)
    if a is not None and b is not None:
        return number(a * b)
    if b is not None:
        left, right, a, b = right, left, b, a
    if a is not None:
        if a in (0, 1):
            return number(0) if a == 0 else right
        if a == -1:
            return negate(right)
        inner = rational(right.args[0]) if right.op == "mul" else None
        if inner is not None:
            return multiply(number(a * inner), right.args[1])
        return _make("mul", (left, right))
    if left.op == "neg":
        return negate(multiply(left.args[0], right))
    if right.op == "neg":
        return negate(multiply(left, right.args[0]))
    for first, second in ((left, right), (right, left)):
        scale = rational(first.args[0]) if first.op == "mul" else None
        if scale is not None:
            return multiply(number(scale), multiply(first.args[1], second))
    if left is right:
        return power(left, Fraction(2))
    return _make("mul", (left, right))


def divide(left: Node, right: Node) -> Node:
    """a/b; raises FormulaError for b = 0."""
    b = rational(right)
    if b == 0:
        raise FormulaError("division by zero")
    if b is not None:
        return multiply(number(1 / b), left)
    if rational(left) == 0:
        return left
    if left.op == "neg":
        return negate(divide(left.args[0], right))
    return _make("div", (left, right))


def power(base: Node, exponent: Fraction | int) -> Node:
    """base^exponent."""
    exponent = Fraction(exponent)
    if exponent == 0:
        return number(1)
    if exponent == 1:
        return base
    value = rational(base)
    if value is not None:
        exact = _rational_power(value, exponent)
        if exact is not None:
            return number(exact)
    if (base.op, base.payload) == ("call", "abs") and exponent % 2 == 0:
        return power(base.args[0], exponent)
    if exponent.denominator == 1 and base.op == "pow" and isinstance(base.payload, Fraction):
        return power(base.args[0], base.payload * exponent)  # (u^a)^n = u^(a n) for whole n
    if base.op == "neg" and exponent.denominator == 1:
        whole = power(base.args[0], exponent)
        return whole if exponent.numerator % 2 == 0 else negate(whole)
    return _make("pow", (base,), exponent)


def _rational_power(value: Fraction, exponent: Fraction) -> Fraction | None:
    """value^exponent where it is rational and small enough to hold."""
    if value == 0 and exponent < 0:
        raise FormulaError("division by zero")
    if exponent.denominator == 2 and value >= 0:
        roots = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if roots[0] ** 2 != value.numerator or roots[1] ** 2 != value.denominator:
            return None
        value, exponent = Fraction(*roots), exponent * 2
    if exponent.denominator != 1:
        return None
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits * abs(exponent) > MAX_CONSTANT_BITS:
        raise FormulaError(f"a constant has more than {MAX_CONSTANT_BITS} bits")
    return Fraction(value**exponent.numerator)


def call(function: str, argument: Node) -> Node:
    """function(argument); values at 0 that are rational are folded."""
    if function == "sqrt":
        return power(argument, Fraction(1, 2))
    value = rational(argument)
    if function in ("abs", "sign") and value is not None:
        return number(abs(value) if function == "abs" else (value > 0) - (value < 0))
    constant = argument.payload if argument.op in ("number", "named") else None
    folded = _AT_CONSTANTS.get((function, constant))
    return _make("call", (argument,), function) if folded is None else number(folded)


_AT_CONSTANTS: dict[tuple[str, object], Fraction] = {
    **{(name, ZERO_VALUE): ZERO_VALUE for name in ("sin", "tan", "tanh", "sinh", "atan")},
    **{(name, ZERO_VALUE): ONE_VALUE for name in ("exp", "cos", "cosh")},
    ("logistic", ZERO_VALUE): Fraction(1, 2),
    ("log", ONE_VALUE): ZERO_VALUE,
    ("log", "e"): ONE_VALUE,
}


def total(terms: Iterable[Node]) -> Node:
    """The sum of terms, as a balanced tree: depth stays logarithmic."""
    level = list(terms)
    if not level:
        return number(0)
    while len(level) > 1:
        pairs = [add(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def square(node: Node) -> Node:
    """a²."""
    return power(node, 2)


def order(nodes: Iterable[Node]) -> list[Node]:
    """All nodes below, each once and after its arguments."""
    result: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(list(nodes))]
    while stack:
        node, ready = stack.pop()
        if ready:
            result.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.args) if child not in seen)
    return _each_once(result)


def _each_once(nodes: Sequence[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))


def rebuild(node: Node, args: Sequence[Node]) -> Node:
    """The same operation on other arguments."""
    match node.op:
        case "add":
            return add(*args)
        case "sub":
            return subtract(*args)
        case "mul":
            return multiply(*args)
        case "div":
            return divide(*args)
        case "neg":
            return negate(*args)
        case "pow":
            assert isinstance(node.payload, Fraction)  # noqa: S101 (what _make was given)
            return power(args[0], node.payload)
        case "call":
            return call(str(node.payload), args[0])
    return node


def substitute(node: Node, values: Mapping[str, Node]) -> Node:
    """The formula with variables replaced."""
    done: dict[Node, Node] = {}
    for part in order([node]):
        if part.op == "variable":
            done[part] = values.get(str(part.payload), part)
        else:
            done[part] = rebuild(part, [done[child] for child in part.args])
    return done[node]


def free(nodes: Iterable[Node]) -> set[str]:
    """Names of the variables that occur."""
    return {str(part.payload) for part in order(nodes) if part.op == "variable"}


_LEVEL = {"add": 1, "sub": 1, "neg": 1, "mul": 2, "div": 2, "pow": 3}


def text(node: Node) -> str:
    """The formula as text that every reader of formulas accepts."""
    done: dict[Node, tuple[str, int]] = {}
    for part in order([node]):
        done[part] = _written(part, [done[child] for child in part.args])
    return done[node][0]


def _written(node: Node, args: list[tuple[str, int]]) -> tuple[str, int]:
    def at(level: int, k: int) -> str:
        words, own = args[k]
        return words if own >= level else f"({words})"

    payload = node.payload
    match node.op:
        case "number":
            assert isinstance(payload, Fraction)  # noqa: S101 (what number() was given)
            return str(payload), 4 if payload.denominator == 1 and payload >= 0 else 0
        case "add":
            return f"{at(1, 0)} + {at(2, 1)}", 1
        case "sub":
            return f"{at(1, 0)} - {at(2, 1)}", 1
        case "neg":
            return f"-{at(2, 0)}", 0
        case "mul":
            return f"{at(2, 0)}*{at(3, 1)}", 2
        case "div":
            return f"{at(2, 0)}/{at(3, 1)}", 2
        case "pow":
            if payload == Fraction(1, 2):
                return f"sqrt({args[0][0]})", 4
            exponent = str(payload)
            plain = exponent.isdigit()
            return f"{at(4, 0)}^{exponent if plain else f'({exponent})'}", 3
        case "call":
            return f"{payload}({args[0][0]})", 4
    return str(payload), 4
