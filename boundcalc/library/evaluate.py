"""`rate`: put constants into a theorem, and read off all that it promises."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import parse
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.family import (
    any_admits,
    best_choice,
    bracket,
    family_of_rates,
    widest,
    written_names,
)
from boundcalc.library.iterations import bound_at, iterations
from boundcalc.library.numbers import exact
from boundcalc.library.rate import (
    Rate,
    admits,
    at,
    concluded_formulas,
    environment,
    limit_of,
    violated,
    with_values,
)
from boundcalc.library.theorems import Theorem, load_theorem

Number = str | int | float | Fraction


def rate(
    theorem: str,
    steps: int | None = None,
    step_size: Number | None = None,
    epsilon: Number | None = None,
    **constants: Number,
) -> Rate:
    """A theorem of the catalogue at given constants.

    steps : horizon K. step_size : γ; the best one where not given. epsilon : target for the
    theorem's quantity. constants : as the theorem names them, exact ("5/2", "0.1" is 1/10).

    Raises InputError for constants that are missing, of the wrong sign or in contradiction.
    """
    chosen = load_theorem(theorem)
    given = {name: exact(value, f"--{name}") for name, value in constants.items()}
    gamma = None if step_size is None else _rational(exact(step_size, "--step-size"))
    target = None if epsilon is None else _rational(exact(epsilon, "--epsilon"))
    return evaluate(chosen, given, steps, gamma, target)


def _rational(value: Fraction | Pair) -> Fraction:
    """The number, or for an irrational one a rational just below it."""
    return value[0] if isinstance(value, tuple) else value


def evaluate(
    theorem: Theorem,
    given: Mapping[str, Fraction | Pair],
    steps: int | None,
    gamma: Fraction | None,
    epsilon: Fraction | None,
) -> Rate:
    """See `rate`; numbers are read already."""
    env = environment(theorem, given)
    problem = violated(theorem, env)
    if problem is not None:
        found = ", ".join(f"{name} = {_word(value)}" for name, value in given.items())
        raise InputError(Fault(theorem.id, found, problem, "no function has these constants"))
    if steps is not None:
        env["steps"] = Fraction(steps)
    family = family_of_rates(theorem)
    uses_gamma = theorem.step_size_limit is not None or "gamma" in written_names(theorem)
    best = best_choice(family, theorem, env) if uses_gamma else None
    chosen = gamma if gamma is not None else best
    admissible = not uses_gamma or (chosen is not None and any_admits(family, env, chosen))
    here = {**env, "gamma": chosen} if chosen is not None else env
    usable = {**here} if admissible else {}
    upper, lower = bracket(family, theorem, env, chosen if admissible else None)
    at_best = {**env, "gamma": best} if best is not None else env
    count, reason = iterations(theorem, env, chosen if gamma is not None else None, epsilon, upper)
    own = admits(theorem, env, chosen) if chosen is not None else admissible
    return Rate(
        theorem=theorem,
        constants=given,
        steps=steps,
        step_size_limit=limit_of(widest(family, env), env),
        step_size=chosen,
        admissible=admissible,
        bound=bound_at(theorem, usable, steps, upper) if admissible else None,
        best_step_size=best,
        best_bound=bound_at(theorem, at_best, steps, bracket(family, theorem, env, best)[0]),
        rate=at(theorem, theorem.rate, usable) if own and theorem.rate is not None else None,
        floor=at(theorem, theorem.floor, usable) if own and theorem.floor is not None else None,
        lower=lower,
        upper=upper,
        radius=at(theorem, parse(theorem.raw["radius"]), here) if "radius" in theorem.raw else None,
        concluded={
            n: enclose(e, with_values(theorem, env)) for n, e in concluded_formulas(theorem).items()
        },
        iterations=count,
        reason=reason,
    )


def _word(value: Fraction | Pair) -> str:
    return f"{float(value[0] if isinstance(value, tuple) else value):.6g}"
