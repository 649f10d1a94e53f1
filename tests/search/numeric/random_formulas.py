"""Random formulas, each as text and as an independent mpmath function, on boxes where both are
defined."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from mpmath import mp, mpf

Value = Callable[[dict[str, mpf]], mpf]
Pair = tuple[str, Value]

NAMES = ("x", "y")
UNARY: dict[str, Callable[[mpf], mpf]] = {
    "sin": mp.sin,
    "cos": mp.cos,
    "tanh": mp.tanh,
    "atan": mp.atan,
    "logistic": lambda u: 1 / (1 + mp.exp(-u)),
    "softplus": lambda u: mp.log(1 + mp.exp(u)),
}


def formula(seed: int, depth: int = 4) -> Pair:
    """One formula of moderate size in x and y, defined on all of R²."""
    return _made(random.Random(seed), depth)


def _made(source: random.Random, depth: int) -> Pair:
    if depth == 0 or source.random() < 0.1:
        return _leaf(source)
    kind = source.randrange(10)
    if kind < 4:
        return _binary(source, depth)
    if kind < 7:
        name = source.choice(sorted(UNARY))
        text, value = _made(source, depth - 1)
        return f"{name}({text})", lambda at: UNARY[name](value(at))
    if kind == 7:
        return _bounded_growth(source, depth)
    return _power(source, depth)


def _leaf(source: random.Random) -> Pair:
    if source.random() < 0.7:
        name = source.choice(NAMES)
        return name, lambda at: at[name]
    number = source.choice(("2", "0.1", "1/3", "pi", "e", "1.5e-1"))
    exact = {
        "1/3": lambda: mpf(1) / 3,
        "pi": lambda: +mp.pi,
        "e": lambda: +mp.e,
        "0.1": lambda: mpf(1) / 10,
        "1.5e-1": lambda: mpf(3) / 20,
        "2": lambda: mpf(2),
    }[number]
    return f"({number})", lambda at: exact()


def _binary(source: random.Random, depth: int) -> Pair:
    (a, u), (b, v) = _made(source, depth - 1), _made(source, depth - 1)
    kind = source.randrange(4)
    if kind == 0:
        return f"({a}) + ({b})", lambda at: u(at) + v(at)
    if kind == 1:
        return f"({a}) - ({b})", lambda at: u(at) - v(at)
    if kind == 2:
        return f"({a})*({b})", lambda at: u(at) * v(at)
    return f"({a})/(1 + ({b})^2)", lambda at: u(at) / (1 + v(at) ** 2)


def _bounded_growth(source: random.Random, depth: int) -> Pair:
    """Functions that explode or are not defined everywhere, of a tame argument."""
    text, value = _made(source, depth - 1)
    kind = source.randrange(5)
    if kind == 0:
        return f"exp(sin({text}))", lambda at: mp.exp(mp.sin(value(at)))
    if kind == 1:
        return f"log(2 + ({text})**2)", lambda at: mp.log(2 + value(at) ** 2)
    if kind == 2:
        return f"sinh(atan({text}))", lambda at: mp.sinh(mp.atan(value(at)))
    if kind == 3:
        return f"tan(tanh({text}))", lambda at: mp.tan(mp.tanh(value(at)))
    return f"cosh(cos({text}))", lambda at: mp.cosh(mp.cos(value(at)))


def _power(source: random.Random, depth: int) -> Pair:
    text, value = _made(source, depth - 1)
    exponent = source.choice(
        [Fraction(k) for k in (2, 3, 4)] + [Fraction(3, 2), Fraction(-1, 2), Fraction(1, 3)]
    )
    power = mpf(exponent.numerator) / exponent.denominator
    if exponent.denominator == 1:
        return f"({text})^{exponent}", lambda at: value(at) ** exponent.numerator
    if exponent == Fraction(3, 2):
        return f"sqrt(1 + ({text})^2)^3", lambda at: mp.sqrt(1 + value(at) ** 2) ** 3
    return f"(1 + ({text})^2)^({exponent})", lambda at: mp.power(
        1 + value(at) ** 2, _exact(exponent, power)
    )


def _exact(exponent: Fraction, power: mpf) -> mpf:
    """The exponent at the precision in force where the formula is evaluated."""
    return mpf(exponent.numerator) / exponent.denominator if power else power
