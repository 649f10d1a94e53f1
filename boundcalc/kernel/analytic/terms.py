"""Expression graphs with shared nodes, and their exact derivatives.

A node is a number: its place in the list. Children come before parents, so one pass in order
evaluates a graph. Functions of one argument are smooth where they are defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from boundcalc.kernel.analytic.formula import CONSTANTS
from boundcalc.kernel.grammar import Binary, Call, Expr, GrammarError, Name, Number, Power

Node: TypeAlias = int
Key: TypeAlias = tuple[Any, ...]

MAX_NODES = 400_000
MAX_BITS = 1 << 15  # of constants that are folded
PARTIAL = ("inv", "sqrt", "log", "root")  # functions that are not smooth on all of R

# Kinds of nodes: add, mul (two nodes); power (a node and an exponent ≥ 2); root (a node and a
# degree); size, odd (a node and an exponent p): |a|^p and sign(a)·|a|^p; const, var, pi, e (no
# node); every other kind is a function of one node.


class Terms:
    """A growing list of nodes; equal expressions share one node."""

    def __init__(self) -> None:
        self.nodes: list[Key] = []
        self._places: dict[Key, Node] = {}
        self._derivatives: dict[tuple[Node, str], Node] = {}
        self._sizes = False  # whether there are absolute values: they are looked for in products
        self.zero = self.const(Fraction(0))
        self.one = self.const(Fraction(1))

    def _node(self, *key: Any) -> Node:
        place = self._places.get(key)
        if place is None:
            if len(self.nodes) >= MAX_NODES:
                raise GrammarError(f"more than {MAX_NODES} nodes", 0)
            place = self._places[key] = len(self.nodes)
            self.nodes.append(key)
        return place

    def const(self, value: Fraction) -> Node:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise GrammarError("a constant has too many digits", 0)
        return self._node("const", value)

    def var(self, name: str) -> Node:
        return self._node("var", name)

    def named(self, name: str) -> Node:
        """pi or e."""
        return self._node(name)

    def value(self, node: Node) -> Fraction | None:
        """The rational that a node is, if it is one."""
        key = self.nodes[node]
        return key[1] if key[0] == "const" else None

    def add(self, a: Node, b: Node) -> Node:
        x, y = self.value(a), self.value(b)
        if x == 0:
            return b
        if y == 0:
            return a
        if x is not None and y is not None:
            return self.const(x + y)
        return self._node("add", min(a, b), max(a, b))

    def mul(self, a: Node, b: Node) -> Node:
        x, y = self.value(a), self.value(b)
        if x == 0 or y == 0:
            return self.zero
        if x == 1:
            return b
        if y == 1:
            return a
        if x is not None and y is not None:
            return self.const(x * y)
        if a == b:
            return self.power(a, 2)
        merged = self._merged(a, b) or self._merged(b, a) if self._sizes else None
        return self._node("mul", min(a, b), max(a, b)) if merged is None else merged

    def _merged(self, a: Node, b: Node) -> Node | None:
        """|u|^p times a power of u (a factor of b) as one node: smoother than its parts."""
        kind, *rest = self.nodes[a]
        if kind == "mul":
            for inner, other in (rest, rest[::-1]):
                merged = self._merged(inner, b)
                if merged is not None:
                    return self.mul(merged, other)
        if kind not in ("size", "odd") or rest[1] <= 0:
            return None
        u, p = rest
        key = self.nodes[b]
        if key[0] == "mul":
            for inner, other in (key[1:], key[:0:-1]):
                merged = self._merged(a, inner)
                if merged is not None:
                    return self.mul(merged, other)
        q, odd = None, kind == "odd"
        if b == u:
            q, odd = Fraction(1), not odd
        elif key[0] == "power" and key[1] == u:
            q, odd = Fraction(key[2]), odd != bool(key[2] % 2)
        elif key[0] in ("size", "odd") and key[1] == u and key[2] > 0:
            q, odd = key[2], odd != (key[0] == "odd")
        return None if q is None else (self.odd if odd else self.size)(u, p + q)

    def neg(self, a: Node) -> Node:
        return self.mul(self.const(Fraction(-1)), a)

    def sub(self, a: Node, b: Node) -> Node:
        return self.add(a, self.neg(b))

    def power(self, a: Node, n: int) -> Node:
        if n < 0:
            return self.apply("inv", self.power(a, -n))
        if n == 0:
            return self.one
        x = self.value(a)
        if x is not None:
            if n * max(x.numerator.bit_length(), x.denominator.bit_length()) > MAX_BITS:
                raise GrammarError("a constant has too many digits", 0)
            return self.const(x**n)
        key = self.nodes[a]
        if key[0] == "power":
            return self._node("power", key[1], key[2] * n)
        if key[0] in ("size", "odd") and key[2] > 0:
            kind = self.odd if key[0] == "odd" and n % 2 else self.size
            return kind(key[1], key[2] * n)
        return a if n == 1 else self._node("power", a, n)

    def root(self, a: Node, degree: int) -> Node:
        key = self.nodes[a]
        if key[0] == "size" and key[2] > 0:
            return self.size(key[1], key[2] / degree)
        return self.apply("sqrt", a) if degree == 2 else self._node("root", a, degree)

    def size(self, a: Node, p: Fraction) -> Node:
        """|a|^p, a polynomial in a for even whole p > 0."""
        if p > 0 and p.denominator == 1 and p.numerator % 2 == 0:
            return self.power(a, p.numerator)
        self._sizes = True
        return self._node("size", a, p)

    def odd(self, a: Node, p: Fraction) -> Node:
        """sign(a)·|a|^p, a polynomial in a for odd whole p > 0."""
        if p > 0 and p.denominator == 1 and p.numerator % 2 == 1:
            return self.power(a, p.numerator)
        return self._node("odd", a, p)

    def kinks(self, nodes: Iterable[Node], smooth: int) -> list[Node]:
        """a² for every |a|^p and sign(a)·|a|^p in the nodes with p ≤ smooth.

        Where a may be 0, they are not that often differentiable (smooth = 0: not continuous).
        """
        keys = (self.nodes[place] for place in self.order(nodes))
        found = (k[1] for k in keys if k[0] in ("size", "odd") and k[2] <= smooth)
        return list(dict.fromkeys(self.power(a, 2) for a in found))

    def signs(self, nodes: Iterable[Node]) -> list[Node]:
        """Every sign(a) and |a|^0 in the nodes: constant, with a derivative 0, where a is not 0."""
        keys = ((place, self.nodes[place]) for place in self.order(nodes))
        return [place for place, key in keys if key[0] in ("size", "odd") and key[2] == 0]

    def apply(self, function: str, a: Node) -> Node:
        if function == "inv":
            x = self.value(a)
            if x is not None:
                if x == 0:
                    raise GrammarError("division by 0", 0)
                return self.const(1 / x)
        return self._node(function, a)

    def sum(self, nodes: Iterable[Node]) -> Node:
        total = self.zero
        for node in nodes:
            total = self.add(total, node)
        return total

    def dot(self, a: Iterable[Node], b: Iterable[Node]) -> Node:
        return self.sum(self.mul(x, y) for x, y in zip(a, b, strict=True))

    def read(self, expr: Expr, names: Mapping[str, Node]) -> Node:
        """The node of a formula; raises GrammarError at a name that is not in `names`."""
        match expr:
            case Number(value):
                return self.const(value)
            case Name(name, at):
                if name in names:
                    return names[name]
                if name in CONSTANTS:
                    return self.named(name)
                known = ", ".join(n for n in (*names, *CONSTANTS) if n[0] != "@")
                raise GrammarError(f"unknown name {name!r}; known: {known}", at)
            case Binary(op, left, right, at):
                a, b = self.read(left, names), self.read(right, names)
                if op == "+":
                    return self.add(a, b)
                if op == "-":
                    return self.sub(a, b)
                if op == "*":
                    return self.mul(a, b)
                if b == self.zero:
                    raise GrammarError("division by 0", at)
                return self.mul(a, self.apply("inv", b))
            case Power(base, exponent, at):
                a = self.read(base, names)
                if a == self.zero and exponent <= 0:
                    raise GrammarError("0 to a power that is not positive", at)
                return self.power(a, exponent)
            case Call("root", (base, Number(degree)), _):
                return self.root(self.read(base, names), int(degree))
            case Call(function, (argument,)):
                return self._call(function, self.read(argument, names))
        raise GrammarError("not a formula", 0)

    def _call(self, function: str, a: Node) -> Node:
        if function == "tan":
            return self.mul(self.apply("sin", a), self.apply("inv", self.apply("cos", a)))
        if function == "abs":
            return self.size(a, Fraction(1))
        return self.apply(function, a)

    def derivative(self, node: Node, name: str) -> Node:
        """∂node/∂name."""
        for place in self.order([node]):
            if (place, name) not in self._derivatives:
                self._derivatives[place, name] = self._differentiate(place, name)
        return self._derivatives[node, name]

    def _differentiate(self, node: Node, name: str) -> Node:
        key = self.nodes[node]
        kind = key[0]
        if kind in ("const", "pi", "e"):
            return self.zero
        if kind == "var":
            return self.one if key[1] == name else self.zero
        inner = self._derivatives[key[1], name]
        if kind == "add":
            return self.add(inner, self._derivatives[key[2], name])
        if kind == "mul":
            other = self._derivatives[key[2], name]
            return self.add(self.mul(inner, key[2]), self.mul(key[1], other))
        if inner == self.zero:
            return self.zero
        if kind in ("size", "odd"):
            if key[2] == 0:
                return self.zero  # the sign is constant where it is defined
            lower = (self.odd if kind == "size" else self.size)(key[1], key[2] - 1)
            outer = self.mul(self.const(key[2]), lower)
        elif kind == "power":
            outer = self.mul(self.const(Fraction(key[2])), self.power(key[1], key[2] - 1))
        elif kind == "root":
            outer = self.mul(
                self.const(Fraction(1, key[2])), self.mul(node, self.apply("inv", key[1]))
            )
        else:
            outer = _OUTER[kind](self, key[1], node)
        return self.mul(outer, inner)

    def order(self, targets: Iterable[Node]) -> list[Node]:
        """All nodes that `targets` need, children first."""
        seen: set[Node] = set()
        waiting = list(targets)
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(self.children(node))
        return sorted(seen)

    def children(self, node: Node) -> tuple[Node, ...]:
        key = self.nodes[node]
        if key[0] in ("const", "var", "pi", "e"):
            return ()
        return key[1:3] if key[0] in ("add", "mul") else (key[1],)

    def substitute(self, node: Node, values: Mapping[str, Node]) -> Node:
        """Variables replaced by nodes, all at once."""
        new: dict[Node, Node] = {}
        for place in self.order([node]):
            key = self.nodes[place]
            kind = key[0]
            if kind == "var":
                new[place] = values.get(key[1], place)
            elif kind == "add":
                new[place] = self.add(new[key[1]], new[key[2]])
            elif kind == "mul":
                new[place] = self.mul(new[key[1]], new[key[2]])
            elif kind == "power":
                new[place] = self.power(new[key[1]], key[2])
            elif kind == "root":
                new[place] = self.root(new[key[1]], key[2])
            elif kind in ("size", "odd"):
                new[place] = (self.size if kind == "size" else self.odd)(new[key[1]], key[2])
            elif kind in ("const", "pi", "e"):
                new[place] = place
            else:
                new[place] = self.apply(kind, new[key[1]])
        return new[node]

    def partial(self, nodes: Iterable[Node]) -> list[tuple[str, Node]]:
        """Every partial function among the nodes, and its argument."""
        keys = (self.nodes[node] for node in nodes)
        return list(dict.fromkeys((key[0], key[1]) for key in keys if key[0] in PARTIAL))

    def variables(self, node: Node) -> set[str]:
        """The variables that a node depends on by its form."""
        keys = (self.nodes[place] for place in self.order([node]))
        return {key[1] for key in keys if key[0] == "var"}


def _one_minus_square(t: Terms, node: Node) -> Node:
    return t.sub(t.one, t.power(node, 2))


_OUTER: Mapping[str, Callable[[Terms, Node, Node], Node]] = {
    "inv": lambda t, a, n: t.neg(t.power(n, 2)),
    "sqrt": lambda t, a, n: t.mul(t.const(Fraction(1, 2)), t.apply("inv", n)),
    "exp": lambda t, a, n: n,
    "log": lambda t, a, n: t.apply("inv", a),
    "sin": lambda t, a, n: t.apply("cos", a),
    "cos": lambda t, a, n: t.neg(t.apply("sin", a)),
    "tanh": lambda t, a, n: _one_minus_square(t, n),
    "sinh": lambda t, a, n: t.apply("cosh", a),
    "cosh": lambda t, a, n: t.apply("sinh", a),
    "atan": lambda t, a, n: t.apply("inv", t.add(t.one, t.power(a, 2))),
    "logistic": lambda t, a, n: t.mul(n, t.sub(t.one, n)),
    "softplus": lambda t, a, n: t.apply("logistic", a),
}
