"""Values of expressions: exact rationals, rational enclosures where a root is irrational."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import TypeAlias

from boundcalc.kernel.grammar import Binary, Call, Expr, GrammarError, Name, Number, Power, parse

Pair: TypeAlias = tuple[Fraction, Fraction]

MAX_VALUE_BITS = 1 << 20  # of a numerator or denominator of any intermediate value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _capped(value: Fraction, position: int) -> Fraction:
    if _bits(value) > MAX_VALUE_BITS:
        raise GrammarError("the value is too large to be held exactly", position)
    return value


def sqrt_bounds(value: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """Rationals lo ≤ √value ≤ hi of `bits` significant bits; equal where the root is rational.

    Raises ValueError for a negative value.
    """
    if value < 0:
        raise ValueError("square root of a negative number")
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom), Fraction(top, bottom)
    magnitude = value.numerator.bit_length() - value.denominator.bit_length()
    shift = bits + 1 - magnitude // 2  # so that √value·2^shift has about `bits` bits
    scaled = value * Fraction(4) ** shift
    root = isqrt(scaled.numerator // scaled.denominator)
    return Fraction(root) / Fraction(2) ** shift, Fraction(root + 1) / Fraction(2) ** shift


def enclose(expr: Expr | str, env: Mapping[str, Fraction | Pair], bits: int = 96) -> Pair:
    """Rationals lo ≤ value ≤ hi, rounded outward in roots only: lo = hi where none is irrational.

    env : the value of each name, or a pair that encloses it.

    Raises GrammarError, with the position, where the value does not exist or its enclosure fails
    to decide that.
    """
    if isinstance(expr, str):
        expr = parse(expr)
    match expr:
        case Number(value):
            return value, value
        case Name(name, position):
            if name not in env:
                raise GrammarError(f"{name} has no value", position)
            given = env[name]
            return given if isinstance(given, tuple) else (Fraction(given), Fraction(given))
        case Binary(op, left, right, position):
            pair = _binary(op, enclose(left, env, bits), enclose(right, env, bits), position)
        case Power(base, exponent, position):
            pair = _power(enclose(base, env, bits), exponent, position)
        case Call(function, arguments, position):  # pragma: no branch - the last kind of node
            pair = _call(function, [enclose(a, env, bits) for a in arguments], bits, position)
    return _capped(pair[0], expr.position), _capped(pair[1], expr.position)


def _hull(values: list[Fraction]) -> Pair:
    return min(values), max(values)


def _binary(op: str, left: Pair, right: Pair, position: int) -> Pair:
    (a, b), (c, d) = left, right
    if op == "+":
        return a + c, b + d
    if op == "-":
        return a - d, b - c
    if op == "*":
        return _hull([a * c, a * d, b * c, b * d])
    if c <= 0 <= d:
        raise GrammarError("division by zero", position)
    return _hull([a / c, a / d, b / c, b / d])


def _power(base: Pair, exponent: int, position: int) -> Pair:
    lo, hi = base
    if max(_bits(lo), _bits(hi)) * abs(exponent) > MAX_VALUE_BITS:
        raise GrammarError("the value is too large to be held exactly", position)
    if exponent < 0:
        lo, hi = _binary("/", (Fraction(1), Fraction(1)), base, position)
    n = abs(exponent)
    ends = [lo**n, hi**n]
    if n % 2 == 0 and n > 0 and lo < 0 < hi:
        ends.append(Fraction(0))
    return _hull(ends)


def _call(function: str, arguments: list[Pair], bits: int, position: int) -> Pair:
    lo, hi = arguments[0]
    if function == "sqrt":
        if lo < 0:
            raise GrammarError("square root of a negative number", position)
        return sqrt_bounds(lo, bits)[0], sqrt_bounds(hi, bits)[1]
    if function == "abs":
        return max(lo, -hi, Fraction(0)), max(abs(lo), abs(hi))
    if function in ("min", "max"):
        pick = min if function == "min" else max
        return pick(a for a, _ in arguments), pick(b for _, b in arguments)
    raise GrammarError(f"{function} has no scalar value", position)


def evaluate(expr: Expr | str, env: Mapping[str, Fraction | Pair]) -> Fraction:
    """The exact value of an expression.

    Raises GrammarError where there is none (division by zero, a name without a value) or where it
    is irrational.
    """
    lo, hi = enclose(expr, env, 96)
    if lo != hi:
        raise GrammarError("the value is irrational: use enclose", 0)
    return lo
