"""Relations between counts (widths, layers, data points), exactly, however large the powers.

Text is read by the kernel's grammar, with one more function: power(a, b) = a^b for counts a, b. A
value of more than MOST_BITS bits is held as HUGE: 3·N^(2^l) in layer 40 fits no memory, and is
still known to be above a width that was written down.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.grammar import (
    Binary,
    Call,
    Expr,
    GrammarError,
    Name,
    Number,
    Power,
    names,
    parse_relation,
)

FUNCTIONS = {"min": 2, "max": 2, "power": 2}
MOST_BITS = 1 << 13


class Huge(Enum):
    """A number of more than MOST_BITS bits."""

    HUGE = "huge"


HUGE = Huge.HUGE
Count: TypeAlias = Fraction | Huge


@dataclass(frozen=True)
class CountRelation:
    """left `sign` right, with sign one of >=, >, =; "a < b" was read as "b > a"."""

    left: Expr
    sign: str
    right: Expr

    @property
    def names(self) -> frozenset[str]:
        return names(self.left) | names(self.right)


def read_count_relation(text: str) -> CountRelation:
    """Read "width > 2*points". Raises GrammarError."""
    relation = parse_relation(text, FUNCTIONS)
    match relation.difference:
        case Binary("-", left, right, at) if text[at : at + 1] in ("<", ">", "="):
            return CountRelation(left, relation.kind, right)
        case left:
            return CountRelation(left, relation.kind, Number(Fraction(0)))


def holds(left: Count, sign: str, right: Count) -> bool:
    """Whether a relation holds. Raises GrammarError for two huge numbers."""
    if isinstance(left, Huge) or isinstance(right, Huge):
        if left is right:
            raise GrammarError("two numbers that are too large to compare", 0)
        return left is HUGE and sign != "="
    return {">=": left >= right, ">": left > right, "=": left == right}[sign]


def value(expr: Expr, counts: Mapping[str, int]) -> Count:
    """The value of an expression in counts. Raises GrammarError where there is none."""
    match expr:
        case Number(number):
            return number
        case Name(name, at):
            if name not in counts:
                raise GrammarError(f"{name} has no value", at)
            return Fraction(counts[name])
        case Binary(op, left, right, at):
            return _binary(op, value(left, counts), value(right, counts), at)
        case Power(base, exponent, at):
            return _power(value(base, counts), Fraction(exponent), at)
        case Call("power", (base, exponent), at):
            return _power(value(base, counts), value(exponent, counts), at)
        case Call(function, arguments, at):
            return _extreme(function, [value(a, counts) for a in arguments], at)


def _binary(op: str, left: Count, right: Count, at: int) -> Count:
    if isinstance(left, Huge) or isinstance(right, Huge):
        # What may be below 0, or between 0 and 1, could bring a huge number back.
        least = 0 if op == "+" else 1
        if op in "+*" and all(isinstance(v, Huge) or v >= least for v in (left, right)):
            return HUGE
        raise GrammarError(f"{op} of a number that is too large", at)
    if op == "/" and right == 0:
        raise GrammarError("division by zero", at)
    signs: Mapping[str, Callable[[Fraction, Fraction], Fraction]]
    signs = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
    return _held(signs[op](left, right))


def _power(base: Count, exponent: Count, at: int) -> Count:
    if isinstance(base, Huge):
        if isinstance(exponent, Huge) or exponent >= 1:
            return HUGE
        raise GrammarError("a power of a number that is too large", at)
    if base.denominator != 1 or base < 1:
        raise GrammarError("power takes counts: whole numbers from 1 on", at)
    if base == 1:
        return base
    if isinstance(exponent, Huge):
        return HUGE
    if exponent.denominator != 1 or exponent < 0:
        raise GrammarError("an exponent is a whole number from 0 on", at)
    # base >= 2^(bits - 1), so that this is a lower bound of the bits of the power
    if (base.numerator.bit_length() - 1) * exponent.numerator > MOST_BITS:
        return HUGE
    return _held(base**exponent.numerator)


def _extreme(function: str, arguments: list[Count], at: int) -> Count:
    small = [a for a in arguments if isinstance(a, Fraction)]
    if function == "min":
        return min(small) if small else HUGE
    if function == "max":
        return max(small) if len(small) == len(arguments) else HUGE
    raise GrammarError(f"unknown function {function!r} of {len(arguments)} arguments", at)


def _held(number: Fraction) -> Count:
    return HUGE if abs(number) >= 1 << MOST_BITS and number > 0 else number


def shown_count(count: Count | int) -> str:
    """A count in a line of text."""
    if isinstance(count, Huge):
        return f"more than 2^{MOST_BITS}"
    number = Fraction(count)
    if number.denominator != 1 or abs(number) < 10**15:
        return str(number)
    digits = str(abs(number.numerator))
    return f"{'-' * (number < 0)}{digits[0]}.{digits[1:4]}e{len(digits) - 1}"
