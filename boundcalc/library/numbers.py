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
    from math import inf, nextafter

    try:
        near = float(value)
    except OverflowError:
        return inf if value > 0 else -inf
    if (Fraction(near) - value) * sign < 0:
        return nextafter(near, sign * inf)
    return near
