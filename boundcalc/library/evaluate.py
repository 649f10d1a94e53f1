"""`rate`: put constants into a theorem, and read off all that it promises."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import GrammarError, parse
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
from boundcalc.library.numbers import exact, power, rounded
from boundcalc.library.rate import (
    Rate,
    Value,
    admits,
    at,
    concluded_formulas,
    environment,
    faults_of,
    first_value,
    limit_of,
    needed,
    shown,
    start_of,
    unknown_constants,
    violated,
    with_defaults,
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

    Raises InputError with every constant that is missing, unknown, of the wrong sign or in
    contradiction.
    """
    chosen = load_theorem(theorem)
    faults = unknown_constants(constants)
    given = _read({name: (value, f"--{name}") for name, value in constants.items()}, faults)
    given = with_defaults(chosen, given)
    faults += faults_of(chosen, given, unread=constants.keys())
    run = {"--step-size": step_size, "--epsilon": epsilon}
    asked = {where: (value, where) for where, value in run.items() if value is not None}
    read = {where: _rational(value) for where, value in _read(asked, faults).items()}
    for where, value in read.items():
        if value <= 0:
            faults.append(Fault(where, shown(value), "a positive number", "change it"))
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        faults.append(Fault("--steps", repr(steps), "a whole number from 1 on", "change it"))
    if faults:
        raise InputError(*faults)
    return evaluate(chosen, given, steps, read.get("--step-size"), read.get("--epsilon"))


def _read(
    written: Mapping[str, tuple[Number, str]], faults: list[Fault]
) -> dict[str, Fraction | Pair]:
    """The numbers that can be read; faults of the others are added to `faults`."""
    found = {}
    for name, (value, where) in written.items():
        try:
            found[name] = exact(value, where)
        except InputError as error:
            faults += error.faults
    return found


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
    """See `rate`; numbers are read already. Raises InputError."""
    try:
        return _evaluated(theorem, given, steps, gamma, epsilon)
    except GrammarError as error:
        expected = "constants at which every formula of the theorem has a value"
        found = f"{_said(given)} ({error.message})"
        raise InputError(Fault(theorem.id, found, expected, "change the constants")) from error


def _evaluated(
    theorem: Theorem,
    given: Mapping[str, Fraction | Pair],
    steps: int | None,
    gamma: Fraction | None,
    epsilon: Fraction | None,
) -> Rate:
    env = environment(theorem, given)
    problem = violated(theorem, env)
    if problem is not None:
        raise InputError(
            Fault(theorem.id, _said(given), problem, "the theorem speaks of no such constants")
        )
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
    limit = limit_of(widest(family, env), env)
    own = admissible and (chosen is None or admits(theorem, env, chosen))
    count, why = None, ""
    if admissible or gamma is None:
        fixed = chosen if gamma is not None else None
        count, why = iterations(theorem, env, fixed, epsilon, upper)
    start, relative = start_of(theorem), False
    reasons = [] if admissible or count is not None or why else [_inadmissible(gamma, limit)]
    if upper is not None and first_value(theorem, env) is None:
        relative = True
        if steps is not None:
            reasons.append(_relative(start))
    return Rate(
        theorem=theorem,
        constants=given,
        steps=steps,
        step_size_limit=limit,
        step_size=chosen,
        admissible=admissible,
        bound=bound_at(theorem, usable, steps, upper) if admissible else None,
        best_step_size=best,
        best_bound=bound_at(theorem, at_best, steps, bracket(family, theorem, env, best)[0]),
        start=start,
        relative=relative,
        rate=upper.pair if upper is not None else None,
        own_rate=at(theorem, theorem.rate, usable) if own else None,
        factor=_factor(upper, steps) if theorem.bound is None else None,
        floor=at(theorem, theorem.floor, usable) if own else None,
        lower=lower,
        upper=upper,
        radius=at(theorem, parse(theorem.raw["radius"]), usable)
        if "radius" in theorem.raw
        else None,
        critical_batch=at(theorem, parse(theorem.raw["critical_batch"]), env)
        if "critical_batch" in theorem.raw
        else None,
        concluded={
            n: enclose(e, with_values(theorem, env)) for n, e in concluded_formulas(theorem).items()
        },
        iterations=count,
        reason="; ".join(filter(None, [*reasons, why])),
        unused=tuple(sorted(given.keys() - {*needed(theorem), start})),
    )


def _inadmissible(gamma: Fraction | None, limit: Pair | None) -> str:
    if gamma is None and limit is not None and limit[1] <= 0:
        return "the step-size limit is not positive: the theorem promises nothing"
    if gamma is None:
        return "no bound without a step size: give --step-size, or --steps for the best one"
    allowed = "what the theorem admits"
    if limit is not None and gamma >= limit[0]:
        allowed = f"the limit {rounded(limit, -1, 6)}"
    step = rounded((gamma, gamma), 1, 6)
    return f"the step size {step} is outside {allowed}: the theorem promises nothing"


def _relative(start: str | None) -> str:
    how = f"give --{start} for a bound" if start is not None else "there is no bound"
    return f"{how}: after these steps it is factor times the first value, plus the floor"


def _factor(upper: Value | None, steps: int | None) -> Pair | None:
    if upper is None or steps is None:
        return None
    value = power(upper.pair[1], steps)
    return value, value


def _said(given: Mapping[str, Fraction | Pair]) -> str:
    return ", ".join(f"{name} = {shown(value)}" for name, value in given.items())
