"""Interval values of a tape over many boxes at once: bounds are rounded outward.

One operation of IEEE arithmetic is widened by one unit in the last place, a function of libm by
four.
An operation that is undefined somewhere on a box gives the values where it is defined; undefined on
the whole box, it gives the whole line.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.search.numeric.region import Floats
from boundcalc.search.numeric.tape import Step, Tape

Pair = tuple[Any, Any]
LARGEST_ANGLE = 1e6  # of sin and cos: beyond, [-1, 1]
CHUNK = 4096


def enclose(tape: Tape, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """(N, m) lower and upper bounds of the formulas on the boxes [low, high], each (N, d)."""
    count = len(low)
    below, above = np.empty((count, len(tape.outputs))), np.empty((count, len(tape.outputs)))
    with np.errstate(all="ignore"):
        for start in range(0, count, CHUNK):
            piece = slice(start, start + CHUNK)
            values = _run(tape, low[piece].T, high[piece].T)
            for column, register in enumerate(tape.outputs):
                below[piece, column], above[piece, column] = values[register]
    return below, above


def _run(tape: Tape, low: Floats, high: Floats) -> list[Any]:
    values: list[Any] = []
    for step in tape.steps:
        if step.op == "variable":
            values.append((low[step.column], high[step.column]))
            continue
        values.append(_whole_line(_apply(step, [values[k] for k in step.args])))
        for register in step.last:
            values[register] = None
    return values


def _whole_line(pair: Pair) -> Pair:
    """nan bounds (0·inf, inf − inf) say nothing."""
    low, high = pair
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _wide(low: Any, high: Any, units: int = 1) -> Pair:
    for _ in range(units):
        low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
    return low, high


def _apply(step: Step, args: list[Pair]) -> Pair:
    payload = step.payload
    match step.op:
        case "number":
            value = Fraction(str(payload))
            nearest = _nearest(value)
            return (nearest, nearest) if Fraction(nearest) == value else _wide(nearest, nearest)
        case "named":
            constant = math.pi if payload == "pi" else math.e
            return _wide(constant, constant)
        case "add":
            (a, b), (c, d) = args
            return _wide(a + c, b + d)
        case "sub":
            (a, b), (c, d) = args
            return _wide(a - d, b - c)
        case "neg":
            return -args[0][1], -args[0][0]
        case "mul":
            return _times(args[0], args[1])
        case "div":
            return _times(args[0], _inverse(args[1]))
        case "pow":
            return _power(args[0], Fraction(str(payload)))
    return _CALLS[str(payload)](*args[0])


def _nearest(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(1.7976931348623157e308, value)


def _times(left: Pair, right: Pair) -> Pair:
    products = [_product(a, b) for a in left for b in right]
    low = np.minimum(np.minimum(products[0], products[1]), np.minimum(products[2], products[3]))
    high = np.maximum(np.maximum(products[0], products[1]), np.maximum(products[2], products[3]))
    return _wide(low, high)


def _product(a: Any, b: Any) -> Any:
    """0·inf is 0 for bounds of sets of reals."""
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _inverse(pair: Pair) -> Pair:
    low, high = pair
    through = (low < 0) & (high > 0)
    bottom = np.where(high == 0, -np.inf, 1.0 / high)
    top = np.where(low == 0, np.inf, 1.0 / low)
    bottom, top = _wide(bottom, top)
    nothing = (low == 0) & (high == 0)
    return np.where(through | nothing, -np.inf, bottom), np.where(through | nothing, np.inf, top)


def _power(base: Pair, exponent: Fraction) -> Pair:
    positive = abs(exponent)
    if positive.denominator == 1:
        result = _whole(base, positive.numerator)
    else:
        low, high = np.maximum(base[0], 0.0), np.maximum(base[1], 0.0)
        if positive == Fraction(1, 2):
            result = _wide(np.sqrt(low), np.sqrt(high))
        else:
            result = _wide(np.power(low, float(positive)), np.power(high, float(positive)), 8)
            # the rounded exponent moves the power by up to |log base|·2⁻⁵² of itself
            slack = [1e-15 * np.abs(np.log(np.maximum(side, 1e-300))) for side in (low, high)]
            result = _wide(result[0] * (1 - slack[0]), result[1] * (1 + slack[1]))
        empty = base[1] < 0
        result = (
            np.where(empty, -np.inf, np.maximum(result[0], 0.0)),
            np.where(empty, np.inf, result[1]),
        )
    return _inverse(result) if exponent < 0 else result


def _whole(base: Pair, exponent: int) -> Pair:
    """By repeated squaring of magnitudes, each product widened."""
    low, high = base
    if exponent % 2 == 0:
        inside = (low <= 0) & (high >= 0)
        small = np.where(inside, 0.0, np.minimum(np.abs(low), np.abs(high)))
        large = np.maximum(np.abs(low), np.abs(high))
        return _magnitude(small, exponent)[0], _magnitude(large, exponent)[1]
    bottom, top = _magnitude(np.abs(low), exponent), _magnitude(np.abs(high), exponent)
    return np.where(low < 0, -bottom[1], bottom[0]), np.where(high < 0, -top[0], top[1])


def _magnitude(value: Any, exponent: int) -> Pair:
    low, high = np.ones_like(value), np.ones_like(value)
    a, b = value, value
    while exponent:
        if exponent & 1:
            low, high = np.nextafter(low * a, -np.inf), np.nextafter(high * b, np.inf)
        exponent >>= 1
        if exponent:
            a, b = np.nextafter(a * a, -np.inf), np.nextafter(b * b, np.inf)
            a = np.maximum(a, 0.0)
    return np.maximum(low, 0.0), high


def _rising(
    function: Callable[[Any], Any], least: float = -np.inf, greatest: float = np.inf
) -> Callable[[Any, Any], Pair]:
    """An increasing function with values between least and greatest."""

    def value(low: Any, high: Any) -> Pair:
        bottom, top = _wide(function(low), function(high), 4)
        return np.clip(bottom, least, greatest), np.clip(top, least, greatest)

    return value


def _abs(low: Any, high: Any) -> Pair:
    inside = (low <= 0) & (high >= 0)
    small = np.where(inside, 0.0, np.minimum(np.abs(low), np.abs(high)))
    return small, np.maximum(np.abs(low), np.abs(high))


def _log(low: Any, high: Any) -> Pair:
    bottom = np.where(low > 0, np.log(np.maximum(low, 0.0)), -np.inf)
    top = np.where(high > 0, np.log(np.maximum(high, 0.0)), np.inf)
    return _wide(bottom, top, 4)


def _cosh(low: Any, high: Any) -> Pair:
    inside = (low <= 0) & (high >= 0)
    small = np.where(inside, 0.0, np.minimum(np.abs(low), np.abs(high)))
    bottom, top = _wide(np.cosh(small), np.cosh(np.maximum(np.abs(low), np.abs(high))), 4)
    return np.maximum(bottom, 1.0), top


def _wave(low: Any, high: Any, function: Callable[[Any], Any], crest: float) -> Pair:
    """sin or cos, with maxima at crest + 2πk and minima half a turn later."""
    slack = 1e-9
    turn = 2 * math.pi

    def meets(place: float) -> Any:
        return np.floor((high - place) / turn + slack) >= np.ceil((low - place) / turn - slack)

    first, last = function(low), function(high)
    bottom, top = _wide(np.minimum(first, last), np.maximum(first, last), 4)
    lost = (np.maximum(np.abs(low), np.abs(high)) > LARGEST_ANGLE) | (high - low >= turn)
    bottom = np.where(lost | meets(crest + math.pi), -1.0, bottom)
    top = np.where(lost | meets(crest), 1.0, top)
    return np.maximum(bottom, -1.0), np.minimum(top, 1.0)


def _sin(low: Any, high: Any) -> Pair:
    return _wave(low, high, np.sin, math.pi / 2)


def _cos(low: Any, high: Any) -> Pair:
    return _wave(low, high, np.cos, 0.0)


def _tan(low: Any, high: Any) -> Pair:
    """Increasing between poles; the whole line where a pole may be inside."""
    pole = np.floor((high - math.pi / 2) / math.pi + 1e-9) >= np.ceil(
        (low - math.pi / 2) / math.pi - 1e-9
    )
    lost = pole | (np.maximum(np.abs(low), np.abs(high)) > LARGEST_ANGLE)
    bottom, top = _wide(np.tan(low), np.tan(high), 4)
    return np.where(lost, -np.inf, bottom), np.where(lost, np.inf, top)


def _logistic(u: Any) -> Any:
    small = np.exp(-np.abs(u))
    return np.where(u >= 0, 1.0, small) / (1.0 + small)


_CALLS: dict[str, Callable[[Any, Any], Pair]] = {
    "exp": _rising(np.exp, 0.0),
    "log": _log,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "tanh": _rising(np.tanh, -1.0, 1.0),
    "sinh": _rising(np.sinh),
    "cosh": _cosh,
    "atan": _rising(np.arctan),
    "logistic": _rising(_logistic, 0.0, 1.0),
    "softplus": _rising(lambda u: np.logaddexp(0.0, u), 0.0),
    "abs": _abs,
    "sign": lambda low, high: (np.sign(low), np.sign(high)),
}
