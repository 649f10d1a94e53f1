"""A theorem of the catalogue at given constants: limit, best step size, bound; all exact."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.fit.exact import float_down, float_up
from boundcalc.fit.result import Fit
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import Theorem, best_step_size, load_theorem

PAPER, SHARP = "sgd-alpha-beta", "sgd-alpha-beta-sharp"


@dataclass(frozen=True)
class Constants:
    """What the alpha-beta theorems take; α and β are chosen on a frontier.

    L : loss/parameter²; sigma2 : σ², loss; dist2 : D_0, parameter²; steps : horizon K.
    """

    L: Fraction
    sigma2: Fraction
    dist2: Fraction
    steps: int

    def env(self, alpha: Fraction, beta: Fraction) -> dict[str, Fraction]:
        return {
            "alpha": alpha,
            "beta": beta,
            "L": self.L,
            "sigma2": self.sigma2,
            "dist2": self.dist2,
            "steps": Fraction(self.steps),
        }


def constants_of(fit: Fit, steps: int | None = None) -> Constants | None:
    """The constants a fit offers, rounded as printed; None where one is missing or zero."""
    smoothness = fit.constants.get("self-bounding")
    if smoothness is None or fit.interpolation_error is None or not fit.initial_dist_sq:
        return None
    if smoothness.value <= 0 or smoothness.value == float("inf"):
        return None
    sigma2, dist2 = float_up(fit.interpolation_error), float_up(fit.initial_dist_sq)
    if math.inf in (sigma2, dist2):
        return None
    return Constants(
        Fraction(smoothness.value), Fraction(sigma2), Fraction(dist2), steps or fit.horizon
    )


def step_at(theorem: Theorem, env: Mapping[str, Fraction]) -> tuple[Fraction, Fraction] | None:
    """(best step size rounded down to a float, bound at that step size), exact rationals.

    None where the step size is beyond float64.
    """
    rounded = float_down(best_step_size(theorem, env))
    if not 0 < rounded < math.inf:
        return None
    step = Fraction(rounded)
    assert theorem.bound is not None  # noqa: S101  # both catalogue entries used here have one
    return step, evaluate(theorem.bound, {**env, "gamma": step})


@dataclass(frozen=True)
class Logged:
    """A theorem at the step sizes that a log used.

    bound : None outside the limit, or where the sums of the step sizes over the horizon are not
    known; `why` says so.
    """

    smallest: float
    largest: float
    within_limit: bool
    bound: float | None
    vacuous: bool | None
    why: str


@dataclass(frozen=True)
class Guarantee:
    """A theorem evaluated at fitted constants.

    step_size : the constant step size with the smallest bound at this horizon.
    step_size_limit : rounded down, and excluded itself where `step_size_strict`.
    bound : rounded up. observed, initial : what the log shows of the bounded quantity.
    vacuous : the bound is no better than `initial`.
    """

    theorem: str
    steps: int
    step_size_limit: float
    step_size_strict: bool
    step_size: float
    bound: float
    observed: float | None
    initial: float | None
    vacuous: bool | None
    logged: Logged | None


def guarantees(fit: Fit, alpha: float, beta: float, constants: Constants) -> tuple[Guarantee, ...]:
    """Both forms of the alpha-beta theorem at the pair (α, β)."""
    env = constants.env(Fraction(alpha), Fraction(beta))
    found = (_guarantee(fit, load_theorem(name), env) for name in (PAPER, SHARP))
    return tuple(one for one in found if one is not None)


def _guarantee(fit: Fit, theorem: Theorem, env: Mapping[str, Fraction]) -> Guarantee | None:
    assert theorem.step_size_limit is not None  # noqa: S101  # see step_at
    limit = evaluate(theorem.step_size_limit, env)
    best = step_at(theorem, env)
    if best is None:
        return None
    step, bound = best
    seen = fit.observed
    initial = None if seen is None else seen.initial
    return Guarantee(
        theorem.id,
        int(env["steps"]),
        float_down(limit),
        theorem.step_size_strict,
        float(step),
        float_up(bound),
        None if seen is None else seen.smallest,
        initial,
        None if initial is None else _vacuous(bound, initial),
        None if fit.step_sizes is None else _logged(theorem, env, limit, fit),
    )


def _vacuous(bound: Fraction, initial: float) -> bool:
    return float_up(bound) >= initial


def _logged(theorem: Theorem, env: Mapping[str, Fraction], limit: Fraction, fit: Fit) -> Logged:
    sizes = fit.step_sizes
    assert sizes is not None and theorem.bound_varying is not None  # noqa: S101  # see _guarantee
    largest, steps = Fraction(sizes.largest), int(env["steps"])

    def without_bound(within: bool, why: str) -> Logged:
        return Logged(sizes.smallest, sizes.largest, within, None, None, why)

    if not (0 < largest < limit or (largest == limit and not theorem.step_size_strict)):
        return without_bound(False, "outside the limit")
    if sizes.smallest != sizes.largest and not (fit.every_step_logged and steps == fit.horizon):
        return without_bound(True, "they vary: known for the log's own steps only")
    bound = evaluate(
        theorem.bound_varying,
        {**env, "gamma_sum": steps * sizes.mean, "gamma_sqsum": steps * sizes.mean_square},
    )
    initial = None if fit.observed is None else fit.observed.initial
    vacuous = None if initial is None else _vacuous(bound, initial)
    return Logged(sizes.smallest, sizes.largest, True, float_up(bound), vacuous, "")
