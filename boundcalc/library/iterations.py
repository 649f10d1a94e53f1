"""How many steps until a bound is small enough, and bounds after many steps."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import names
from boundcalc.kernel.value import Pair
from boundcalc.library.family import best_choice, family_of_rates, written_names
from boundcalc.library.floors import floor_of
from boundcalc.library.numbers import power, rounded
from boundcalc.library.rate import MOST_STEPS, Env, Value, admits, at, first_value, start_of
from boundcalc.library.theorems import Theorem

NONE = (Fraction(0), Fraction(0))
Answer = tuple[int | None, str]


def bound_at(theorem: Theorem, env: Env, steps: int | None, upper: Value | None) -> Pair | None:
    """The theorem's bound; for a contraction rate^steps · first value + floor, if that is given."""
    if theorem.bound is not None or steps is None or upper is None:
        return at(theorem, theorem.bound, env)
    floor = at(theorem, theorem.floor, env) or NONE
    first = first_value(theorem, env)
    if first is None:
        return None
    value = power(upper.pair[1], steps) * first + floor[1]
    return value, value


def iterations(
    theorem: Theorem,
    env: Env,
    gamma: Fraction | None,
    epsilon: Fraction | None,
    upper: Value | None,
) -> Answer:
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


def _never(floor: Fraction) -> str:
    return f"never: the floor is {_word(floor)}, whatever the number of steps"


def _word(value: Fraction) -> str:
    return rounded((value, value), -1, 6)


def _horizon(theorem: Theorem, env: Env, gamma: Fraction | None, epsilon: Fraction) -> Answer:
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
        return None, "no best step size at these constants: give --step-size"
    formula = theorem.bound
    fixed = {**env} if gamma is None else {**env, "gamma": gamma}
    floor = floor_of(theorem, formula, fixed) if formula is not None else None
    if floor is not None and first > epsilon and floor[0] >= epsilon:
        return None, _never(floor[0])
    low, high = 0, 1
    while (value := bound(high)) is not None and value > epsilon:
        low, high = high, 2 * high
        if high > MOST_STEPS:
            end = f"; the floor is {_word(floor[1])}" if floor is not None else ""
            return None, f"more than {low:.1e} steps: the bound is {_word(value)} there{end}"
    if value is None:  # longer horizons are not admitted at this step size
        most, beyond = low, high
        while beyond - most > 1:
            middle = (most + beyond) // 2
            most, beyond = (most, middle) if bound(middle) is None else (middle, beyond)
        high, value = most, bound(most)
        if value is None or value > epsilon:
            return None, f"never at this step size: {most} steps are the most it admits"
    while high - low > 1:
        middle = (low + high) // 2
        value = bound(middle)
        low, high = (low, middle) if value is not None and value <= epsilon else (middle, high)
    return high, ""


def _contracting(
    theorem: Theorem, env: Env, gamma: Fraction | None, epsilon: Fraction, upper: Value
) -> Answer:
    """n with rate^n · first value + floor ≤ epsilon; epsilon is relative to a first value that is
    not given.
    """
    first, note = first_value(theorem, env), ""
    env = {name: value for name, value in env.items() if name != "steps"}  # any number of them
    step = gamma if gamma is not None else best_choice(family_of_rates(theorem), theorem, env)
    here: Env = {**env, "gamma": step} if step is not None else env
    floor = (at(theorem, theorem.floor, here) or NONE)[1]
    if first is None:
        if floor > 0:
            return None, f"iterations need --{start_of(theorem)}: the floor is not relative to it"
        first, note = Fraction(1), "iterations until epsilon times the first value"
    if gamma is None and floor > 0 and floor_depends(theorem):
        return _with_floor(theorem, env, first, epsilon)
    if floor > epsilon or (floor == epsilon and first > 0):
        return None, _never(floor)
    count = _count(first, upper.pair[1], epsilon - floor)
    return (count, note) if count is not None else (None, "never: the rate is 1")


def _count(first: Fraction, factor: Fraction, left: Fraction) -> int | None:
    """The least n with factor^n · first ≤ left; None where there is none."""
    if first <= left:
        return 0
    if factor >= 1 or left <= 0:
        return None
    low, high = 0, 1
    while first * power(factor, high) > left:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if first * power(factor, middle) > left else (low, middle)
    return high


def floor_depends(theorem: Theorem) -> bool:
    """Whether smaller steps give a smaller floor."""
    return theorem.floor is not None and "gamma" in names(theorem.floor)


def _with_floor(theorem: Theorem, env: Env, first: Fraction, epsilon: Fraction) -> Answer:
    """The fewest steps over step sizes best·2^−j and best·2^−j·3/4."""
    best = best_choice((theorem,), theorem, env)
    if best is None:
        return None, "no best step size at these constants: give --step-size"
    least = floor_of(theorem, theorem.floor, env) if theorem.floor is not None else None
    if least is not None and least[0] >= epsilon:
        return None, _never(least[0])
    counts: list[tuple[int, Fraction]] = []
    for j in range(4096):  # 2^-2048: beyond any float
        gamma = best / 2 ** (j // 2) * (Fraction(3, 4) if j % 2 else 1)
        here: Env = {**env, "gamma": gamma}
        floor, factor = at(theorem, theorem.floor, here), at(theorem, theorem.rate, here)
        if admits(theorem, env, gamma) and floor and factor and floor[1] < epsilon:
            count = _count(first, factor[1], epsilon - floor[1])
            if count is not None:
                counts.append((count, gamma))
        if len(counts) > 8:
            break
    if not counts:
        return None, "no step size with a floor below epsilon was found"
    count, gamma = min(counts)
    return count, f"iterations at step size {_word(gamma)}"
