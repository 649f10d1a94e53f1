"""Formulas of functions: the kernel's grammar with unary minus and rational exponents.

power := "-" power | atom [ ("^" | "**") exponent ]
exponent := ["-"] number | "(" ["-"] number ["/" number] ")"
"""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.grammar import (
    MAX_DEPTH,
    MAX_EXPONENT,
    Binary,
    Call,
    Expr,
    GrammarError,
    Number,
    Power,
    _degree,
    _Reader,
)

FUNCTIONS = [
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "atan",
    "logistic",
    "softplus",
    "abs",
]
CONSTANTS = ("pi", "e")
MAX_ROOT = 12  # denominators of exponents


class _Formula(_Reader):
    """The kernel's reader with the signs and exponents that people write in formulas."""

    def power(self) -> Expr:
        sign = self.accept("-")
        if sign is not None:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.fail(f"nested deeper than {MAX_DEPTH}", sign.position)
            value = self.power()
            self.depth -= 1
            return Binary("-", Number(Fraction(0), sign.position), value, sign.position)
        base = self.atom()
        op = self.accept("^", "**")
        if op is None:
            return base
        exponent = self.exponent()
        again = self.accept("^", "**")
        if again is not None:
            raise self.fail("write (a^b)^c or a^(b*c): two powers in a row", again.position)
        if abs(exponent) * _degree(base) > MAX_EXPONENT:
            raise self.fail(f"exponents above {MAX_EXPONENT} are refused", op.position)
        if exponent.denominator == 1:
            return Power(base, exponent.numerator, op.position)
        if exponent.denominator > MAX_ROOT:
            raise self.fail(f"roots beyond the {MAX_ROOT}th are refused", op.position)
        root = Call("root", (base, Number(Fraction(exponent.denominator))), op.position)
        return Power(root, exponent.numerator, op.position)

    def exponent(self) -> Fraction:
        inside = self.accept("(") is not None
        negative = self.accept("-") is not None
        value = self.rational()
        if inside:
            slash = self.accept("/")
            if slash is not None:
                lower = self.rational()
                if lower == 0:
                    raise self.fail("an exponent is divided by 0", slash.position)
                value /= lower
            self.expect(")")
        return -value if negative else value

    def rational(self) -> Fraction:
        token = self.take()
        if token.kind != "number":
            raise self.fail("an exponent is a number such as 2, -1 or (3/2)", token.position)
        if len(token.text) > 12:
            raise self.fail(f"exponents above {MAX_EXPONENT} are refused", token.position)
        return Fraction(token.text)


def parse(text: str) -> Expr:
    """Read one formula. Raises GrammarError with the position of the first character that fails."""
    if not text.isprintable():  # what is shown of a claim is what was read
        raise GrammarError("a formula is one line of printable characters", 0, text)
    reader = _Formula(text, dict.fromkeys(FUNCTIONS, 1))
    value = reader.sum()
    last = reader.peek()
    if last.kind != "end":
        raise GrammarError(f"unexpected {last.text!r}", last.position, text)
    return value
