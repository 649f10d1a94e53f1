"""Derivatives of nodes, by the chain rule, each computed once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from boundcalc.search.numeric.node import (
    Node,
    add,
    call,
    divide,
    multiply,
    negate,
    number,
    order,
    power,
    subtract,
    total,
)


def diff(node: Node, variable: str) -> Node:
    """The partial derivative of the formula by the variable."""
    return diff_all([node], variable)[0]


def diff_all(nodes: Sequence[Node], variable: str) -> list[Node]:
    """Derivatives of several formulas by one variable; shared parts are differentiated once."""
    zero = number(0)
    done: dict[Node, Node] = {}
    for part in order(nodes):
        if part.op == "variable":
            done[part] = number(1) if part.payload == variable else zero
        elif all(done[child] is zero for child in part.args):
            done[part] = zero
        else:
            done[part] = _rule(part, [done[child] for child in part.args])
    return [done[node] for node in nodes]


def gradient(node: Node, variables: Sequence[str]) -> list[Node]:
    """(d,) partial derivatives."""
    return [diff(node, name) for name in variables]


def hessian(node: Node, variables: Sequence[str]) -> list[list[Node]]:
    """(d, d) second partial derivatives, symmetric by construction."""
    slopes = gradient(node, variables)
    rows = [diff_all(slopes[k:], name) for k, name in enumerate(variables)]
    d = len(variables)
    return [[rows[min(i, j)][abs(i - j)] for j in range(d)] for i in range(d)]


def dot(left: Sequence[Node], right: Sequence[Node]) -> Node:
    """Σ a_i·b_i."""
    return total(multiply(a, b) for a, b in zip(left, right, strict=True))


def _rule(node: Node, slopes: list[Node]) -> Node:
    args = node.args
    match node.op:
        case "add":
            return add(*slopes)
        case "sub":
            return subtract(*slopes)
        case "neg":
            return negate(slopes[0])
        case "mul":
            return add(multiply(slopes[0], args[1]), multiply(args[0], slopes[1]))
        case "div":
            # u'/v − (u/v)·v'/v keeps quotients small where v is large
            return subtract(divide(slopes[0], args[1]), multiply(node, divide(slopes[1], args[1])))
        case "pow":
            exponent = Fraction(str(node.payload))
            return multiply(multiply(number(exponent), power(args[0], exponent - 1)), slopes[0])
    return multiply(_outer(str(node.payload), node, args[0]), slopes[0])


def _outer(function: str, node: Node, u: Node) -> Node:
    """The derivative of the function at u; `node` is the function's value there."""
    match function:
        case "exp":
            return node
        case "log":
            return divide(number(1), u)
        case "sin":
            return call("cos", u)
        case "cos":
            return negate(call("sin", u))
        case "tan":
            return add(number(1), power(node, 2))
        case "tanh":
            return power(call("cosh", u), -2)  # 1 − tanh² would cancel
        case "sinh":
            return call("cosh", u)
        case "cosh":
            return call("sinh", u)
        case "atan":
            return divide(number(1), add(number(1), power(u, 2)))
        case "logistic":
            return multiply(node, call("logistic", negate(u)))
        case "softplus":
            return call("logistic", u)
        case "abs":
            return call("sign", u)
        case "sign":
            return number(0)
    raise AssertionError(function)
