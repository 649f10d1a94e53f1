"""How many steps until a bound is small enough, and bounds after many steps."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, log

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import names
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.family import best_choice, family_of_rates, written_names
from boundcalc.library.rate import MOST_STEPS, Env, Value, admits, at
from boundcalc.library.theorems import Theorem


def bound_at(theorem: Theorem, env: Env, steps: int | None, upper: Value | None) -> Pair | None:
    """The theorem's bound; for a contraction rate^steps · start + floor (start: 1 if not given)."""
    if theorem.bound is not None or steps is None or upper is None:
        return at(theorem, theorem.bound, env)
    floor = at(theorem, theorem.floor, env) or (Fraction(0), Fraction(0))
    known = [name for name in ("gap0", "loss0", "dist2") if name in env]
    first = enclose(known[0], env)[1] if known else Fraction(1)
    value = power(upper.pair[1], steps) * first + floor[1]
    return value, value


def iterations(
    theorem: Theorem,
    env: Env,
    gamma: Fraction | None,
    epsilon: Fraction | None,
    upper: Value | None,
) -> tuple[int | None, str]:
    """Steps until the bound is at most epsilon; each horizon has its own best step size."""
    if epsilon is None:
        return None, ""
    if epsilon <= 0:
        raise InputError(Fault("--epsilon", str(epsilon), "a positive number", "change it"))
    if theorem.bound is not None and "steps" in written_names(theorem):
        return _horizon(theorem, env, gamma, epsilon)
    if upper is not None:
        return _contracting(theorem, env, gamma, epsilon, upper)
    return None, "this theorem does not count steps"


def _horizon(
    theorem: Theorem, env: Env, gamma: Fraction | None, epsilon: Fraction
) -> tuple[int | None, str]:
    def bound(steps: int) -> Fraction | None:
        here: Env = {**env, "steps": Fraction(steps)}
        step = gamma
        if step is None and "gamma" in written_names(theorem):
            step = best_choice((theorem,), theorem, here)
        if step is not None:
            if not admits(theorem, here, step):
                return None
            here["gamma"] = step
        pair = at(theorem, theorem.bound, here)
        return None if pair is None else pair[1]

    first = bound(1)
    if first is None:
        return None, "outside the step-size limit"
    low, high = 0, 1
    while (value := bound(high)) is not None and value > epsilon:
        low, high = high, 2 * high
        if high > MOST_STEPS:
            return None, f"never: the floor is {float(value):.6g}"
    while high - low > 1:
        middle = (low + high) // 2
        value = bound(middle)
        low, high = (low, middle) if value is not None and value <= epsilon else (middle, high)
    return high, ""


def _contracting(
    theorem: Theorem, env: Env, gamma: Fraction | None, epsilon: Fraction, upper: Value
) -> tuple[int | None, str]:
    """n with rate^n·start + floor ≤ epsilon; start is 1 where the first value is not given."""
    known = [name for name in ("gap0", "loss0", "dist2") if name in env]
    first = enclose(known[0], env)[1] if known else Fraction(1)
    note = "" if known else "relative to the first value: give --gap0 (or --dist2)"
    if gamma is None and floor_depends(theorem):
        return _with_floor(theorem, env, first, epsilon, note)
    step = gamma if gamma is not None else best_choice(family_of_rates(theorem), theorem, env)
    here: Env = {**env, "gamma": step} if step is not None else env
    floor = at(theorem, theorem.floor, here)
    left = epsilon - (floor[1] if floor is not None else 0)
    if left <= 0:
        return None, f"never: the floor is {float(epsilon - left):.6g}"
    return _count(first, upper.pair[1], left), note


def _count(first: Fraction, factor: Fraction, left: Fraction) -> int:
    """The least n with factor^n · first ≤ left."""
    if first <= left:
        return 0
    if factor <= 0:
        return 1
    count = max(0, ceil(log(float(left / first)) / log(float(factor))) - 1)
    while first * power(factor, count) > left:
        count += 1
    return count


def floor_depends(theorem: Theorem) -> bool:
    """Whether smaller steps give a smaller floor."""
    return theorem.floor is not None and "gamma" in names(theorem.floor)


def _with_floor(
    theorem: Theorem, env: Env, first: Fraction, epsilon: Fraction, note: str
) -> tuple[int | None, str]:
    """The fewest steps over step sizes best·2^−j and best·2^−j·3/4."""
    best = best_choice((theorem,), theorem, env)
    counts: list[tuple[int, Fraction]] = []
    for j in range(128) if best is not None else ():
        gamma = (best or Fraction(1)) / 2 ** (j // 2) * (Fraction(3, 4) if j % 2 else 1)
        here: Env = {**env, "gamma": gamma}
        floor, factor = at(theorem, theorem.floor, here), at(theorem, theorem.rate, here)
        if admits(theorem, env, gamma) and floor and factor and floor[1] < epsilon:
            counts.append((_count(first, factor[1], epsilon - floor[1]), gamma))
        if len(counts) > 8:
            break
    if not counts:
        return None, "never: no admissible step size has a floor below epsilon"
    count, gamma = min(counts)
    return count, f"at step size {float(gamma):.6g}" + (f"; {note}" if note else "")


def power(base: Fraction, exponent: int) -> Fraction:
    """A rational at or above base^exponent, 0 ≤ base, with 256 bits kept."""
    result, square = Fraction(1), base
    while exponent:
        if exponent & 1:
            result = _up(result * square)
        square, exponent = _up(square * square), exponent >> 1
    return result


def _up(value: Fraction) -> Fraction:
    shift = 256 + value.denominator.bit_length() - value.numerator.bit_length()
    if shift <= 0:
        return value
    scaled = value.numerator << shift
    return Fraction(-(-scaled // value.denominator), 1 << shift)
