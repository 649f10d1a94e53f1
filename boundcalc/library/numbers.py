"""Exact numbers from text: "0.1", "5/2", "1e-3", "5*(sqrt(5)-2)/2"."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.value import Pair, enclose


def exact(text: str | int | float | Fraction, where: str) -> Fraction | Pair:
    """The number; a pair that encloses it where it is irrational. A float stands for its decimals.

    Raises InputError.
    """
    if isinstance(text, Fraction):
        return text
    try:
        lo, hi = enclose(str(text), {}, 128)
    except GrammarError as error:
        found = f"{text!r} ({error})"
        raise InputError(
            Fault(where, found, "a number such as 0.1, 5/2 or sqrt(2)/3", "correct it")
        ) from error
    return lo if lo == hi else (lo, hi)


def exact_number(text: str, where: str) -> Fraction:
    """The rational that `text` stands for; 0.1 is 1/10 exactly.

    Raises InputError for anything else, irrational numbers among them.
    """
    found = exact(text, where)
    if isinstance(found, tuple):
        raise InputError(
            Fault(where, f"{text!r}, which is irrational", "a rational number", "round it")
        )
    return found


def upper(pair: Pair) -> float:
    """A float at or above an enclosed value."""
    return _toward(pair[1], 1)


def lower(pair: Pair) -> float:
    """A float at or below an enclosed value."""
    return _toward(pair[0], -1)


def _toward(value: Fraction, sign: int) -> float:
    """On the side `sign` of the value, both as a binary number and as the decimals that print."""
    from math import inf, isinf, nextafter
    from sys import float_info

    try:
        near = float(value)
    except OverflowError:
        if (value > 0) == (sign > 0):
            return sign * inf
        return -sign * float_info.max
    while not isinf(near) and min((read - value) * sign for read in _readings(near)) < 0:
        near = nextafter(near, sign * inf)
    return near


def _readings(number: float) -> tuple[Fraction, Fraction]:
    return Fraction(number), Fraction(repr(number))


def decimal_below(value: Fraction) -> Fraction:
    """The decimals of a float at or below a value: what can be printed and read back exactly."""
    from math import inf, nextafter

    try:
        near = float(value)
    except OverflowError:
        return value
    read = Fraction(repr(near))
    return read if read <= value else Fraction(repr(nextafter(near, -inf)))


def rounded(pair: Pair, sign: int, digits: int) -> str:
    """Decimal digits at or above (sign 1) or at or below (sign -1) an enclosed value."""
    from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

    context = Context(prec=digits, rounding=ROUND_CEILING if sign > 0 else ROUND_FLOOR)
    value = pair[1] if sign > 0 else pair[0]
    found = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    near = float(found)
    if Fraction(f"{near:.{digits}g}") == Fraction(found):
        return f"{near:.{digits}g}"
    return f"{found.normalize():g}"


def power(base: Fraction, exponent: int) -> Fraction:
    """A rational at or above base^exponent, 0 ≤ base: exact if short, else to 256 bits."""
    result, square = Fraction(1), base
    while exponent:
        if exponent & 1:
            result = _up(result * square)
        square, exponent = _up(square * square), exponent >> 1
    return result


def _up(value: Fraction) -> Fraction:
    if value.denominator.bit_length() <= 512:
        return value
    shift = 256 + value.denominator.bit_length() - value.numerator.bit_length()
    if shift <= 0:
        return value
    scaled = value.numerator << shift
    return Fraction(-(-scaled // value.denominator), 1 << shift)
