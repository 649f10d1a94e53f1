"""What of python-flint the kernel can do without it: rationals and ±infinity, exactly.

With these in place of Arb's numbers, interval arithmetic has no rounding, and certificates that
need rational arithmetic alone are checked by the standard library; functions such as sin raise
Undefined, and certificates that use them are rejected.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import NoReturn

MAX_BITS = 1 << 18  # of numerators and denominators

ctx = SimpleNamespace(prec=53)  # the precision that is asked for; nothing is rounded
fmpq = Fraction


class Undefined(ValueError):
    """A function was asked for outside its domain, or where its domain cannot be told."""


class arb:
    """A rational, or an infinity: `sign` is then ±1, and 0 otherwise."""

    __slots__ = ("sign", "value")

    def __init__(self, value: Fraction | int = 0, sign: int = 0) -> None:
        self.value, self.sign = Fraction(value), sign
        if max(self.value.numerator.bit_length(), self.value.denominator.bit_length()) > MAX_BITS:
            raise Undefined("needs python-flint: a rational has too many digits")

    @staticmethod
    def pos_inf() -> arb:
        return arb(0, 1)

    @staticmethod
    def pi() -> NoReturn:
        raise Undefined("needs python-flint: pi")

    def __getattr__(self, name: str) -> NoReturn:
        raise Undefined(f"needs python-flint: {name}")

    def lower(self) -> arb:
        return self

    def upper(self) -> arb:
        return self

    def is_nan(self) -> bool:
        return False

    def is_finite(self) -> bool:
        return self.sign == 0

    def man_exp(self) -> tuple[Fraction, int]:
        """(v, 0) with v the number, which need not be an integer here."""
        if self.sign:
            raise Undefined("not a finite number")
        return self.value, 0

    def _signum(self) -> int:
        return self.sign or (self.value > 0) - (self.value < 0)

    def __neg__(self) -> arb:
        return arb(-self.value, -self.sign)

    def __add__(self, other: arb) -> arb:
        if self.sign * other.sign < 0:
            raise Undefined("infinity - infinity")
        return arb(self.value + other.value, self.sign or other.sign)

    def __sub__(self, other: arb) -> arb:
        return self + -other

    def __mul__(self, other: arb) -> arb:
        if self.sign or other.sign:
            sign = self._signum() * other._signum()
            if not sign:
                raise Undefined("0*infinity")
            return arb(0, sign)
        return arb(self.value * other.value)

    def __pow__(self, n: int) -> arb:
        if self.sign:
            return arb(0, self.sign**n)
        bits = max(self.value.numerator.bit_length(), self.value.denominator.bit_length())
        if n * bits > MAX_BITS:
            raise Undefined("needs python-flint: a power has too many digits")
        return arb(self.value**n)

    def __truediv__(self, other: int) -> arb:
        return arb(self.value / other, self.sign)

    def __rtruediv__(self, other: int) -> arb:
        if self.sign:
            return arb(0)
        if not self.value:
            raise Undefined("division by 0")
        return arb(Fraction(other) / self.value)

    def _key(self) -> tuple[int, Fraction]:
        return self.sign, Fraction(0) if self.sign else self.value

    def __eq__(self, other: object) -> bool:
        return self._key() == (other if isinstance(other, arb) else _number(other))._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __lt__(self, other: arb | int) -> bool:
        return self._key() < _number(other)._key()

    def __le__(self, other: arb | int) -> bool:
        return self._key() <= _number(other)._key()

    def __gt__(self, other: arb | int) -> bool:
        return self._key() > _number(other)._key()

    def __ge__(self, other: arb | int) -> bool:
        return self._key() >= _number(other)._key()


def _number(value: object) -> arb:
    if isinstance(value, arb):
        return value
    if isinstance(value, int):
        return arb(value)
    raise TypeError("not a number")
