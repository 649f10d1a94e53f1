"""Exact numbers behind digits: rationals, square roots, multiples of pi, logarithms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

LARGEST_DENOMINATOR = 1_000
AGREEMENT = 35  # digits that must agree


def recognise(value: Any, digits: int = AGREEMENT) -> str | None:
    """A constant formula that agrees with the value to so many digits, or None.

    value : an mpf that is right to at least that many digits.
    """
    from mpmath import mp

    with mp.workdps(digits + 15):
        if not mp.isfinite(value):
            return None
        exact = _rational(value, digits)
        if exact is not None:
            return str(exact)
        for shape, number in (
            ("sqrt", value * value),
            ("pi", value / mp.pi),
            ("log", mp.exp(value) if abs(value) < 30 else mp.nan),
            ("exp", mp.log(value) if value > 0 else mp.nan),
        ):
            exact = _rational(number, digits) if mp.isfinite(number) else None
            if exact:
                return _formula(shape, exact, value < 0)
        return _quadratic(value, digits)


def _rational(value: Any, digits: int) -> Fraction | None:
    """The rational with a small denominator that agrees with the value."""
    from mpmath import mp, mpf

    if abs(value) < mpf(10) ** -digits:
        return Fraction(0)
    if abs(value) > 10**9:
        return None
    scaled = int(mp.nint(value * mpf(10) ** (digits + 5)))
    guess = Fraction(scaled, 10 ** (digits + 5)).limit_denominator(
        min(LARGEST_DENOMINATOR, int(10 ** (digits / 3)))
    )
    error = abs(value - mpf(guess.numerator) / guess.denominator)
    return guess if error <= abs(value) * mpf(10) ** -digits else None


def _formula(shape: str, exact: Fraction, negative: bool) -> str:
    if shape == "sqrt":
        return f"-sqrt({exact})" if negative else f"sqrt({exact})"
    if shape == "pi":
        top, bottom = exact.numerator, exact.denominator
        scaled = {1: "pi", -1: "-pi"}.get(top, f"{top}*pi")
        return scaled if bottom == 1 else f"{scaled}/{bottom}"
    return f"{shape}({exact})"


def _quadratic(value: Any, digits: int) -> str | None:
    """a + b·sqrt(c) for a root of a quadratic with small whole coefficients."""
    from mpmath import mp, mpf

    found = mp.pslq(
        [value**2, value, mpf(1)], tol=mpf(10) ** -digits, maxcoeff=1_000, maxsteps=2_000
    )
    if not found or found[0] == 0:
        return None
    a, b, c = (int(k) for k in found)
    inside = Fraction(b * b - 4 * a * c, 4 * a * a)
    if inside <= 0:
        return None
    middle = Fraction(-b, 2 * a)
    root = mp.sqrt(mpf(inside.numerator) / inside.denominator)
    centre = mpf(middle.numerator) / middle.denominator
    for sign, mark in ((1, "+"), (-1, "-")):
        if abs(centre + sign * root - value) <= abs(value) * mpf(10) ** -digits:
            return f"{middle} {mark} sqrt({inside})"
    return None
