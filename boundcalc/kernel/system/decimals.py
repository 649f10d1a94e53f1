"""Numbers in print: decimals rounded to the side on which a sentence stays true."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction


def decimal(value: Fraction, rounding: str, digits: int = 6) -> Decimal:
    """So many digits of a rational, rounded as `decimal` names it (ROUND_FLOOR, ...)."""
    context = Context(prec=digits, rounding=rounding)
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))
