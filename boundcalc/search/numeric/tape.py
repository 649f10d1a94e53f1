"""Formulas as straight-line programs: values at many points at once, and to many digits at one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from boundcalc.search.numeric.derivative import diff
from boundcalc.search.numeric.node import Node, order

if TYPE_CHECKING:
    from mpmath import mpf

__all__ = ["Tape", "compile", "diff"]

Floats = npt.NDArray[np.float64]
CHUNK = 4096  # points at a time: the registers stay in the cache
GUARD_DIGITS = 15


@dataclass(frozen=True)
class Step:
    """One operation: register `target` from registers `args`; `last` are read for the last time."""

    op: str
    payload: Fraction | str | None
    args: tuple[int, ...]
    column: int  # of the point, for a variable
    last: tuple[int, ...]


@dataclass(frozen=True)
class Tape:
    """m formulas of d variables.

    steps[k] writes register k; outputs : (m,) registers.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    variables: tuple[str, ...]

    def points(self, points: npt.ArrayLike) -> Floats:
        """(N, m) values at (N, d) points; nan or inf where a formula is undefined."""
        x = np.ascontiguousarray(np.asarray(points, dtype=np.float64).T)
        count = x.shape[1]
        result = np.empty((count, len(self.outputs)))
        with np.errstate(all="ignore"):
            for start in range(0, count, CHUNK):
                piece = slice(start, start + CHUNK)
                values = self._run(x[:, piece], _float_step)
                for column, register in enumerate(self.outputs):
                    result[piece, column] = values[register]
        return result

    def exact(self, point: Sequence[Any], digits: int = 40) -> list[mpf]:
        """(m,) values at one point to about that many digits; nan where a formula is undefined."""
        from mpmath import mp, mpf

        from boundcalc.search.numeric.digits import step

        with mp.workdps(digits + GUARD_DIGITS):
            return self._run([mpf(value) for value in point], step)

    def _run(self, point: Any, step: Callable[[Step, list[Any]], Any]) -> list[Any]:
        values: list[Any] = []
        for operation in self.steps:
            if operation.op == "variable":
                values.append(point[operation.column])
                continue
            values.append(step(operation, [values[k] for k in operation.args]))
            for register in operation.last:
                values[register] = None
        if step is _float_step:
            return values
        return [values[register] for register in self.outputs]


def compile(nodes: Sequence[Node], variables: Sequence[str]) -> Tape:
    """The tape of several formulas; shared parts are computed once."""
    parts = order(nodes)
    place = {part: k for k, part in enumerate(parts)}
    outputs = tuple(place[node] for node in nodes)
    final = {place[child]: k for k, part in enumerate(parts) for child in part.args}
    steps = []
    for k, part in enumerate(parts):
        args = tuple(place[child] for child in part.args)
        ended = {register for register in args if final[register] == k} - set(outputs)
        column = list(variables).index(str(part.payload)) if part.op == "variable" else -1
        steps.append(Step(part.op, part.payload, args, column, tuple(ended)))
    return Tape(tuple(steps), outputs, tuple(variables))


def _float_step(step: Step, args: list[Any]) -> Any:
    match step.op:
        case "number":
            return np.float64(_nearest(step.payload))
        case "named":
            return np.float64(np.pi if step.payload == "pi" else np.e)
        case "add":
            return args[0] + args[1]
        case "sub":
            return args[0] - args[1]
        case "mul":
            return args[0] * args[1]
        case "div":
            return args[0] / args[1]
        case "neg":
            return -args[0]
        case "pow":
            return _float_power(args[0], _fraction(step.payload))
    return _FLOAT_CALLS[str(step.payload)](args[0])


def _fraction(payload: Fraction | str | None) -> Fraction:
    return payload if isinstance(payload, Fraction) else Fraction(str(payload))


def _nearest(value: Fraction | str | None) -> float:
    try:
        return float(_fraction(value))
    except OverflowError:
        return float("inf") if Fraction(str(value)) > 0 else float("-inf")


def _float_power(base: Any, exponent: Fraction) -> Any:
    if exponent.denominator == 1:
        value = whole_power(base, abs(exponent.numerator))
    elif exponent.denominator == 2:
        value = np.sqrt(base)
        value = value * whole_power(base, abs(exponent.numerator) // 2)
    else:
        return np.power(base, float(exponent))
    return 1.0 / value if exponent < 0 else value


def whole_power(base: Any, exponent: int) -> Any:
    """base^exponent by squarings: NumPy's own is ten times slower. exponent 0 gives 1."""
    result = None
    while exponent:
        if exponent & 1:
            result = base if result is None else result * base
        exponent >>= 1
        if exponent:
            base = base * base
    return 1.0 if result is None else result


def _logistic(u: Any) -> Any:
    small = np.exp(-np.abs(u))
    return np.where(u >= 0, 1.0, small) / (1.0 + small)


_FLOAT_CALLS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "atan": np.arctan,
    "logistic": _logistic,
    "softplus": lambda u: np.logaddexp(0.0, u),
    "abs": np.abs,
    "sign": np.sign,
}
