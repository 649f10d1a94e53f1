"""Formulas of a problem, as text: which names they use, and what is wrong with them, where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic.formula import FUNCTIONS, parse
from boundcalc.kernel.grammar import MAX_LENGTH, Expr, GrammarError, names
from boundcalc.kernel.value import Pair, enclose

NUMBERS: dict[str, tuple[Fraction, Fraction]] = {
    "pi": (Fraction("3.14159265358979323846"), Fraction("3.14159265358979323847")),
    "e": (Fraction("2.71828182845904523536"), Fraction("2.71828182845904523537")),
}
"""Names of numbers, with rationals on either side: enough to tell the sign of a constant."""

_WORD = re.compile(
    r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"  # so that the e of 1e5 is no name
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<call>\s*\()?",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)
_AROUND = 36  # characters of a formula that are shown on either side of a fault


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts x2 before x10."""
    parts = re.split(r"(\d+)", name[:200])
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def variables_of(formulas: Iterable[str]) -> tuple[str, ...]:
    """The variables that formulas use, in natural order: a, x, x2, x10, y."""
    words = {*FUNCTIONS, *NUMBERS}
    found = {
        match["name"]
        for text in formulas
        for match in _WORD.finditer(text[:MAX_LENGTH])
        if match["name"] and not match["call"] and match["name"] not in words
    }
    return tuple(sorted(found, key=natural))


def variable_faults(where: str, variables: Sequence[str]) -> list[Fault]:
    """What is wrong with names of variables: words of the grammar, or said twice."""
    found: list[Fault] = []
    for k, name in enumerate(variables):
        fix = "choose another name"
        if not _NAME.fullmatch(name):
            expected = "a letter, then at most 39 letters, digits or underscores"
            found.append(Fault(where, shown(name), expected, fix))
        elif name in FUNCTIONS or name in NUMBERS:
            expected = "a name that is no function or number of the grammar"
            found.append(Fault(where, repr(name), expected, fix))
        elif name in variables[:k]:
            found.append(Fault(where, f"{name!r} twice", "each variable once", "remove one"))
    return found


def read_formula(where: str, text: str, variables: Sequence[str]) -> Expr:
    """The tree of one formula in the variables.

    Raises InputError with the character that does not fit, and the formula with a caret below it.
    """
    expected = "a formula"
    if not text.strip():
        raise InputError(Fault(where, "nothing", expected, "write one, such as x^2 + 3*sin(x)^2"))
    try:
        tree = parse(text)
        strange = sorted(names(tree) - set(variables) - set(NUMBERS), key=natural)
    except GrammarError as error:
        raise InputError(_fault(where, text, error.message, error.position)) from error
    except RecursionError as error:
        raise InputError(Fault(where, "too deep a nesting", expected, "simplify it")) from error
    if strange:
        position = next(m.start("name") for m in _WORD.finditer(text) if m["name"] == strange[0])
        raise InputError(_fault(where, text, _stranger(strange[0], variables), position))
    return tree


def read_constant(where: str, text: str) -> Pair | None:
    """Rationals on either side of a formula without variables; None where that takes more care.

    Raises InputError for what is no number: other names, division by zero, roots of negatives.
    """
    tree = read_formula(where, text, ())
    try:
        return enclose(tree, NUMBERS, 64)
    except GrammarError as error:
        if names(tree) or error.message.endswith("has no scalar value"):
            return None  # pi, e, sin, exp and the like are for ball arithmetic
        raise InputError(_fault(where, text, error.message, error.position)) from error
    except RecursionError as error:
        raise InputError(Fault(where, "too deep a nesting", "a number", "simplify it")) from error


def shown(text: object) -> str:
    """A value of somebody's, short enough for a message and on one line."""
    try:
        written = repr(text if not isinstance(text, str) else text[:100])
    except (ValueError, RecursionError):  # an integer of thousands of digits
        written = f"a value of type {type(text).__name__}"
    return written if len(written) <= 60 else f"{written[:57]}..."


def _stranger(name: str, variables: Sequence[str]) -> str:
    if name in FUNCTIONS:
        return f"the function {name} without its argument in parentheses"
    if not variables:
        return f"{shown(name)} in a number"
    return f"{shown(name)}, which is no variable"


def _fault(where: str, text: str, found: str, position: int) -> Fault:
    """One line, then the formula around the character with a caret below it."""
    expected = "numbers, variables, + - * / ^ ( ) and functions such as sin(x)"
    if len(text) > MAX_LENGTH:
        return Fault(where, f"{len(text):,} characters", f"at most {MAX_LENGTH:,}", "shorten it")
    start, stop = max(0, position - _AROUND), position + _AROUND
    window = "".join(c if c.isprintable() else " " for c in text[start:stop])
    left, right = "..." * (start > 0), "..." * (stop < len(text))
    caret = " " * (len(left) + position - start) + "^"
    fix = "exp(y*log(x)) is x^y" if found.startswith("an exponent is") else "correct it"
    at = f"character {position + 1}: {found}"
    return Fault(where, at, expected, f"{fix}\n    {left}{window}{right}\n    {caret}")
