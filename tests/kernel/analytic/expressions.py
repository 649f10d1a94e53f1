"""Random expressions over the whole grammar, each as text and as an independent mpmath function."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from mpmath import mp, mpf

NAMES = ("x", "y")
LARGEST = mpf(10) ** 60  # arguments of exp and the like beyond this are not evaluated


class NoValue(ArithmeticError):
    """A real function outside its domain."""


class TooLarge(ArithmeticError):
    """An argument that mpmath would take long to evaluate."""


Value = Callable[[Mapping[str, mpf]], mpf]


@dataclass(frozen=True)
class Expression:
    """One expression; `value` raises NoValue outside its domain."""

    text: str
    value: Value


def exactly(x: Fraction) -> mpf:
    return mpf(x.numerator) / x.denominator


def _tame(f: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    def checked(u: mpf) -> mpf:
        if abs(u) > LARGEST:
            raise TooLarge
        return f(u)

    return checked


def inverse(u: mpf) -> mpf:
    if u == 0:
        raise NoValue
    return 1 / u


def sqrt(u: mpf) -> mpf:
    if u < 0:
        raise NoValue
    return mp.sqrt(u)


def root(u: mpf, degree: int) -> mpf:
    if u < 0:
        raise NoValue
    return mp.root(u, degree)


def log(u: mpf) -> mpf:
    if u <= 0:
        raise NoValue
    return mp.log(u)


def _softplus(u: mpf) -> mpf:
    return (u if u > 0 else mpf(0)) + mp.log1p(mp.exp(-abs(u)))


FUNCTIONS: dict[str, Callable[[mpf], mpf]] = {
    "sqrt": sqrt,
    "log": log,
    "exp": _tame(mp.exp),
    "sin": _tame(mp.sin),
    "cos": _tame(mp.cos),
    "tan": _tame(lambda u: mp.sin(u) * inverse(mp.cos(u))),
    "tanh": _tame(mp.tanh),
    "sinh": _tame(mp.sinh),
    "cosh": _tame(mp.cosh),
    "atan": mp.atan,
    "logistic": _tame(lambda u: 1 / (1 + mp.exp(-u))),
    "softplus": _tame(_softplus),
}
SMOOTH = ("sin", "cos", "tanh", "atan", "logistic", "softplus")


def expression(source: random.Random, depth: int, names=NAMES, smooth: bool = False) -> Expression:
    """smooth : only what is defined and smooth everywhere, without exploding."""
    if depth == 0 or source.random() < 0.08:
        return _leaf(source, names)
    kind = source.randrange(9)
    first = expression(source, depth - 1, names, smooth)
    if kind < 4:
        return _join(source, first, expression(source, depth - 1, names, smooth), smooth)
    if kind < 7:
        name = source.choice(SMOOTH if smooth else sorted(FUNCTIONS))
        return Expression(f"{name}({first.text})", lambda at: FUNCTIONS[name](first.value(at)))
    return _power(source, first, smooth)


def _leaf(source: random.Random, names) -> Expression:
    if source.random() < 0.75:
        name = source.choice(names)
        return Expression(name, lambda at: at[name])
    if source.random() < 0.2:
        name = source.choice(("pi", "e"))
        return Expression(name, lambda at: +getattr(mp, name))
    text = source.choice(("2", "0.1", "7", "1e-3", "12.5", "1/3"))
    return Expression(f"({text})", lambda at: exactly(Fraction(text)))


def _join(source: random.Random, a: Expression, b: Expression, smooth: bool) -> Expression:
    op = source.choice("++--**/")
    left, right = f"({a.text})", f"({b.text})"
    if op == "+":
        return Expression(f"{left} + {right}", lambda at: a.value(at) + b.value(at))
    if op == "-":
        return Expression(f"{left} - {right}", lambda at: a.value(at) - b.value(at))
    if op == "*":
        return Expression(f"{left}*{right}", lambda at: a.value(at) * b.value(at))
    if smooth:
        return Expression(
            f"{left}/(1 + {right}^2)", lambda at: a.value(at) / (1 + b.value(at) ** 2)
        )
    return Expression(f"{left}/{right}", lambda at: a.value(at) * inverse(b.value(at)))


def _power(source: random.Random, a: Expression, smooth: bool) -> Expression:
    n = source.choice((2, 3, 4))
    if smooth:
        return Expression(f"({a.text})^{n}", lambda at: a.value(at) ** n)
    kind = source.randrange(4)
    if kind == 0:
        return Expression(f"-({a.text})^{n}", lambda at: -(a.value(at) ** n))
    if kind == 1:
        return Expression(f"({a.text})**(-{n})", lambda at: inverse(a.value(at) ** n))
    if kind == 2:
        p, q = source.choice(((1, 2), (3, 2), (1, 3), (2, 5), (-1, 2), (-4, 3)))
        if p < 0:
            return Expression(
                f"({a.text})^({p}/{q})", lambda at: inverse(root(a.value(at), q) ** -p)
            )
        return Expression(f"({a.text})^({p}/{q})", lambda at: root(a.value(at), q) ** p)
    return Expression(f"({a.text})^{n}", lambda at: a.value(at) ** n)


def rational(source: random.Random) -> Fraction:
    """Of any size: moderate mostly, sometimes huge or tiny."""
    kind = source.randrange(10)
    value = Fraction(source.randint(-4000, 4000), source.randint(1, 999))
    if kind == 0:
        return value * Fraction(10) ** source.randint(3, 40)
    if kind == 1:
        return value / Fraction(10) ** source.randint(3, 40)
    if kind == 2:
        return Fraction(source.randint(-3, 3))
    return value


def graph_value(terms, node: int, at: Mapping[str, mpf]) -> mpf:
    """A node of the kernel's graph in mpmath, one node after the other; NoValue as above."""
    found: dict[int, mpf] = {}
    for place in terms.order([node]):
        kind, *rest = terms.nodes[place]
        if kind == "const":
            found[place] = exactly(rest[0])
        elif kind == "var":
            found[place] = at[rest[0]]
        elif kind in ("pi", "e"):
            found[place] = +getattr(mp, kind)
        elif kind == "add":
            found[place] = found[rest[0]] + found[rest[1]]
        elif kind == "mul":
            found[place] = found[rest[0]] * found[rest[1]]
        elif kind == "power":
            found[place] = found[rest[0]] ** rest[1]
        elif kind == "root":
            found[place] = root(found[rest[0]], rest[1])
        elif kind == "inv":
            found[place] = inverse(found[rest[0]])
        else:
            found[place] = FUNCTIONS[kind](found[rest[0]])
    return found[node]
