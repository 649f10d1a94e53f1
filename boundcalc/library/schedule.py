"""Bounds for step sizes that vary with k, such as 0.1/sqrt(k + 1), through Σγ_k and Σγ_k²."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Expr, GrammarError, parse
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.numbers import exact
from boundcalc.library.rate import Env, admits, at, environment, limit_of, unknown_constants
from boundcalc.library.theorems import Theorem, load_theorem

MOST = 200_000  # steps that are summed one by one
BITS = 192  # after the point, of the sums


@dataclass(frozen=True)
class Scheduled:
    """A theorem's bound for steps that vary.

    largest : of the step sizes. total, squares : Σγ_k and Σγ_k² over k < steps, enclosed.
    bound : None where some step size is beyond the limit. quantity : as the theorem's.
    """

    theorem: Theorem
    steps: int
    step_size_limit: Pair | None
    largest: Pair
    total: Pair
    squares: Pair
    bound: Pair | None


def scheduled(
    theorem: str, schedule: str, steps: int, **constants: str | int | float | Fraction
) -> Scheduled:
    """The bound of a theorem for γ_k = `schedule`, a formula in k = 0, 1, ... and its constants.

    Raises InputError where the theorem has no bound for varying steps, where a constant is
    missing, or where the formula has no positive value.
    """
    chosen = load_theorem(theorem)
    faults = unknown_constants(constants)
    if chosen.bound_varying is None:
        expected = "a theorem with a bound for varying steps (boundcalc theorems ID says so)"
        faults.append(Fault("--schedule", theorem, expected, "choose another, or --step-size"))
    if not 1 <= steps <= MOST:
        faults.append(Fault("--steps", str(steps), f"a whole number from 1 to {MOST}", "change it"))
    if faults:
        raise InputError(*faults)
    given = {name: exact(value, f"--{name}") for name, value in constants.items()}
    env = environment(chosen, given)
    largest, total, squares = _sums(_formula(schedule), schedule, steps, env)
    sums: Env = {"steps": Fraction(steps), "gamma_sum": total, "gamma_sqsum": squares}
    fits = admits(chosen, {**env, "steps": Fraction(steps)}, largest[1])
    bound = at(chosen, chosen.bound_varying, {**env, **sums}) if fits else None
    return Scheduled(chosen, steps, limit_of(chosen, env), largest, total, squares, bound)


def _formula(schedule: str) -> Expr:
    try:
        return parse(schedule)
    except GrammarError as error:
        expected = "a formula in k, such as 0.1/sqrt(k + 1)"
        raise InputError(
            Fault("--schedule", f"{schedule!r} ({error})", expected, "correct it")
        ) from error


def _sums(
    formula: Expr, written: str, steps: int, env: Mapping[str, Fraction | Pair]
) -> tuple[Pair, Pair, Pair]:
    """The largest γ_k, Σγ_k and Σγ_k², rounded outward."""
    largest, total, squares = ((Fraction(0), Fraction(0)),) * 3
    for k in range(steps):
        try:
            lo, hi = enclose(formula, {**env, "k": Fraction(k)})
        except GrammarError as error:
            raise _bad(written, k, str(error)) from error
        if lo <= 0:
            raise _bad(written, k, "a step size that is not positive")
        largest = max(largest[0], lo), max(largest[1], hi)
        total = _down(total[0] + lo), _up(total[1] + hi)
        squares = _down(squares[0] + lo * lo), _up(squares[1] + hi * hi)
    return largest, total, squares


def _bad(written: str, k: int, found: str) -> InputError:
    expected = "a positive step size for every k, in k and the theorem's constants"
    return InputError(Fault(f"--schedule {written!r} at k = {k}", found, expected, "correct it"))


def _down(value: Fraction) -> Fraction:
    return Fraction((value.numerator << BITS) // value.denominator, 1 << BITS)


def _up(value: Fraction) -> Fraction:
    return -_down(-value)
