"""Theorems that bound the same contraction for different step sizes; the best choice of one."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.numbers import decimal_below, power
from boundcalc.library.rate import Env, Value, admits, at, best_step, first_value, limit_of
from boundcalc.library.theorems import Theorem, load_theorem, theorem_ids


def written_names(theorem: Theorem) -> set[str]:
    """The names that the theorem's bound, rate and radius are written in."""
    written = str([theorem.raw.get(key) for key in ("bound", "rate", "radius")])
    return set(re.findall(r"\w+", written))


def family_of_rates(theorem: Theorem) -> tuple[Theorem, ...]:
    """Theorems that bound the same quantity under the same hypotheses, for other step sizes."""
    if theorem.rate is None or theorem.kind != "contraction":
        return (theorem,)
    same = (load_theorem(id) for id in theorem_ids())
    key = family_key(theorem)
    return tuple(t for t in same if t.rate is not None and family_key(t) == key)


def family_key(theorem: Theorem) -> tuple[object, ...]:
    """What theorems of one family share: a rate may be taken from another for one floor alone."""
    return theorem.hypotheses, theorem.quantity, theorem.raw.get("floor")


def widest(family: tuple[Theorem, ...], env: Env) -> Theorem:
    """The theorem of the family with the largest step-size limit."""
    return max(family, key=lambda t: (limit_of(t, env) or (Fraction(0),))[0])


def any_admits(family: tuple[Theorem, ...], env: Env, gamma: Fraction) -> bool:
    """Does a theorem of the family hold at this step size?"""
    return any(admits(theorem, env, gamma) for theorem in family)


def contraction_at(family: tuple[Theorem, ...], env: Env, gamma: Fraction) -> Value | None:
    """The smallest rate that a theorem of the family gives at this step size."""
    best: Value | None = None
    for theorem in family:
        if admits(theorem, env, gamma):
            pair = at(theorem, theorem.rate, {**env, "gamma": gamma})
            if pair is not None and (best is None or pair[1] < best.pair[1]):
                best = Value(pair, theorem.id)
    return best


def best_choice(family: tuple[Theorem, ...], theorem: Theorem, env: Env) -> Fraction | None:
    """A best step size in decimals, so that it can be read back: at most the exact one."""
    exact = _best_choice(family, theorem, env)
    if exact is None:
        return None
    near = decimal_below(exact)
    return near if any_admits(family, env, near) else exact


def _best_choice(family: tuple[Theorem, ...], theorem: Theorem, env: Env) -> Fraction | None:
    if len(family) == 1 or theorem.rate is None:

        def value(gamma: Fraction) -> Pair | None:
            formula = theorem.bound if theorem.bound is not None else theorem.rate
            allowed = admits(theorem, env, gamma)
            return at(theorem, formula, {**env, "gamma": gamma}) if allowed else None

        found = best_step(theorem, env, value)
        return found if found is None else _for_horizon(theorem, env, found)
    last = widest(family, env)

    def rate_at(gamma: Fraction) -> Pair | None:
        best = contraction_at(family, env, gamma)
        return best.pair if best is not None else None

    return best_step(replace(last, best_step=None), env, rate_at)


def _for_horizon(theorem: Theorem, env: Env, fastest: Fraction) -> Fraction:
    """The step size of the smallest rate^steps · first value + floor, where the floor has one."""
    steps, first = env.get("steps"), first_value(theorem, env)
    if not isinstance(steps, Fraction) or first is None or theorem.floor is None:
        return fastest

    def value(gamma: Fraction) -> Pair | None:
        here = {**env, "gamma": gamma}
        rate, floor = at(theorem, theorem.rate, here), at(theorem, theorem.floor, here)
        if rate is None or floor is None or not admits(theorem, env, gamma):
            return None
        bound = power(rate[1], int(steps)) * first + floor[1]
        return bound, bound

    found = best_step(replace(theorem, best_step=None), env, value)
    choices = [(pair, step) for step in (fastest, found) if step and (pair := value(step))]
    return min(choices)[1] if choices else fastest


def bracket(
    family: tuple[Theorem, ...], theorem: Theorem, env: Env, gamma: Fraction | None
) -> tuple[Value | None, Value | None]:
    """The proved rates: from above, and from below by an example whose rate is proved too."""
    if gamma is None or theorem.rate is None:
        return None, None
    above = contraction_at(family, env, gamma)
    if "lower" not in theorem.raw:
        return above, None
    below = enclose(theorem.raw["lower"], {**env, "gamma": gamma})
    return above, Value(below, theorem.raw["lower_theorem"])
