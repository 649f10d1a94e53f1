"""One operation of a tape in mpmath, at whatever precision is set; undefined values are nan."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mpmath import mp, mpf

if TYPE_CHECKING:
    from boundcalc.search.numeric.tape import Step


def _fraction(payload: Fraction | str | None) -> Fraction:
    return payload if isinstance(payload, Fraction) else Fraction(str(payload))


LARGEST_ARGUMENT = 10**7  # of exp and its kin: beyond, the value is called infinite


def step(operation: Step, args: list[Any]) -> Any:
    """The value of the operation."""
    payload = operation.payload
    match operation.op:
        case "number":
            value = _fraction(payload)
            return mpf(value.numerator) / value.denominator
        case "named":
            return +mp.pi if payload == "pi" else +mp.e
        case "add":
            return args[0] + args[1]
        case "sub":
            return args[0] - args[1]
        case "mul":
            return args[0] * args[1]
        case "neg":
            return -args[0]
        case "div":
            return args[0] / args[1] if args[1] != 0 else mp.nan
        case "pow":
            return _power(args[0], _fraction(payload))
    u = args[0]
    if not mp.isfinite(u):
        return mp.nan
    return _CALLS[str(payload)](u)


def _power(base: Any, exponent: Fraction) -> Any:
    if base == 0 and exponent < 0:
        return mp.nan
    if exponent.denominator == 1:
        return base**exponent.numerator
    if base < 0 or not mp.isfinite(base):
        return mp.nan
    return mp.root(base, exponent.denominator) ** exponent.numerator


def _capped(function: Callable[[Any], Any], above: Any, below: Any) -> Callable[[Any], Any]:
    """The function, or its limit where the argument is out of all proportion."""

    def value(u: Any) -> Any:
        if abs(u) <= LARGEST_ARGUMENT:
            return function(u)
        return above(u) if u > 0 else below(u)

    return value


_CALLS: dict[str, Callable[[Any], Any]] = {
    "exp": _capped(mp.exp, lambda _: mp.inf, lambda _: mpf(0)),
    "log": lambda u: mp.log(u) if u > 0 else mp.nan,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "tanh": mp.tanh,
    "sinh": _capped(mp.sinh, lambda _: mp.inf, lambda _: -mp.inf),
    "cosh": _capped(mp.cosh, lambda _: mp.inf, lambda _: mp.inf),
    "atan": mp.atan,
    "logistic": _capped(lambda u: 1 / (1 + mp.exp(-u)), lambda _: mpf(1), lambda _: mpf(0)),
    "softplus": _capped(lambda u: mp.log1p(mp.exp(u)), lambda u: u, lambda _: mpf(0)),
    "abs": abs,
    "sign": mp.sign,
}
