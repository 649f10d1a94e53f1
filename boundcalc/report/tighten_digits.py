"""Decimals that are rounded outward."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

_PLAIN = range(-7, 16)  # powers of ten that are written without an exponent
_RANGE = 10**9  # of exponents, beyond any number that is held


def outward(value: Fraction, sign: int, digits: int) -> str:
    """`digits` significant decimal digits at or above (sign 1), or at or below (sign -1), a value.

    A value of at most so many digits is written exactly.
    """
    rounding = ROUND_CEILING if sign > 0 else ROUND_FLOOR
    context = Context(prec=digits, rounding=rounding, Emin=-_RANGE, Emax=_RANGE)
    numerator, denominator = Decimal(value.numerator), Decimal(value.denominator)
    found = context.divide(numerator, denominator).normalize(context)
    return format(found, "f") if not found or found.adjusted() in _PLAIN else str(found)
