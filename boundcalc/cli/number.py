"""Numbers as people type them: 0.1, 5/2, 1e-3; exact, never evaluated as code."""

from __future__ import annotations

import re
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.value import evaluate

_SCIENTIFIC = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?[eE][+-]?\d{1,3}")


def exact_number(text: str, option: str) -> Fraction:
    """The rational that `text` stands for; 0.1 is 1/10 exactly.

    Raises InputError, at the character where known, for anything that is not a number.
    """
    if _SCIENTIFIC.fullmatch(text.strip()):
        return Fraction(text)
    try:
        return evaluate(text, {})
    except GrammarError as error:
        raise InputError(
            Fault(
                option,
                f"{text[:60]!r} ({error.message})",
                "a number such as 0.1, 1e-3 or 5/2",
                f"look at character {error.position + 1}",
            )
        ) from error
