"""What callers of `boundcalc.fit_log` pass, checked and converted."""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from boundcalc.errors import Fault, InputError

if TYPE_CHECKING:
    from boundcalc.guarantees.assessment import Request
    from boundcalc.logs.log import Log
    from boundcalc.logs.schema import Purpose

LARGEST_COUNT = 10**15  # of rows or steps


class _Wrong(ValueError):
    """A value that is not what it should be; says what that is."""


def request_of(options: Mapping[str, Any]) -> Request:
    """The Request that keyword arguments ask for. Raises InputError with every fault."""
    from boundcalc.guarantees.assessment import Request

    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            fix = "see boundcalc.guarantees.assessment.Request"
            faults.append(Fault(name, "no such option", f"one of {', '.join(_OPTIONS)}", fix))
            continue
        try:
            values[name] = _OPTIONS[name](value)
        except _Wrong as error:
            faults.append(_fault(name, value, str(error)))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    return Request(**values)


def opened_log(
    log: Any,
    loss_min: Any = None,
    purpose: Purpose | None = None,
    mapping: Sequence[str] = (),
) -> Log:
    """The log at a path, at several, or of columns by name. Raises InputError for anything else.

    mapping : texts COLUMN=NAME, for logs in files.
    purpose : as `boundcalc.logs.schema` has it; without it, to fit conditions.
    """
    from boundcalc.logs.schema import FIT

    purpose = purpose or FIT
    try:
        least = None if loss_min is None else _real(loss_min)
    except _Wrong as error:
        raise InputError(_fault("loss_min", loss_min, str(error))) from error
    if isinstance(log, Mapping):
        from boundcalc.logs.arrays import log_from_arrays

        return log_from_arrays(log, loss_min=least, purpose=purpose)
    paths = list(log) if isinstance(log, (list, tuple)) else [log]
    if not paths or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        expected = "the path of a log, a list of such, or columns by name in a dict"
        raise InputError(_fault("log", log, expected))
    from boundcalc.logs.mapping import parse_mapping
    from boundcalc.logs.open import open_logs

    return open_logs(
        [os.fsdecode(path) for path in paths],
        loss_min=least,
        purpose=purpose,
        asked=parse_mapping(mapping),
    )


def _fault(name: str, value: Any, expected: str) -> Fault:
    from boundcalc.logs.guard import shown

    try:
        found = shown(f"{value!r} ({type(value).__name__})")
    except Exception:  # noqa: BLE001  # a repr of anybody's, or an integer too long to print
        found = f"a value of type {type(value).__name__}"
    return Fault(name, found, expected, "pass such a value, or leave it out")


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("a word")
    return str(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:  # NumPy's as well
        return bool(value)
    raise _Wrong("True or False")


def _optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _count(least: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        expected = f"a whole number from {least} to 10^15"
        if isinstance(value, bool):
            raise _Wrong(expected)
        if isinstance(value, float) and value.is_integer():  # steps=1e6
            value = int(value)
        try:
            number = operator.index(value)
        except TypeError:
            raise _Wrong(expected) from None
        if not least <= number <= LARGEST_COUNT:
            raise _Wrong(expected)
        return number

    return convert


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _Wrong("a number")
    try:
        return float(value)
    except OverflowError:
        raise _Wrong("a number within the range of float64") from None


def _margin(value: Any) -> Fraction:
    from boundcalc.library.numbers import exact_number

    if isinstance(value, str):
        return exact_number(value, "margin")
    expected = "a positive number, or text such as '1/10'"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _Wrong(expected)
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    number = float(value)
    if not math.isfinite(number):
        raise _Wrong(expected)
    return Fraction(number)


_OPTIONS: Mapping[str, Callable[[Any], Any]] = {
    "objective": _word,
    "margin": _margin,
    "steps": _optional(_count(1)),
    "method": _word,
    "cross_check": _flag,
    "discard": _count(0),
    "quantile": _optional(_real),
    "drop_nonfinite": _flag,
    "epoch": _optional(_count(1)),
    "smooth": _optional(_flag),
}
