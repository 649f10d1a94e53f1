"""What a pair says about runs that were not logged: the scenario bound of Campi and Garatti."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError

CONSTANTS = 2  # d: α and β (γ is minimised away, see `scenario`)
_LEAST_RUNS = 2
_BISECTIONS = 200
_ROUNDING = 1e-9  # relative; the logarithms below are good to 1e-10 even for 10^6 runs


@dataclass(frozen=True)
class Scenario:
    """With probability `confidence` over the logged runs, a new run violates the condition
    somewhere with probability at most `epsilon`.

    runs : N; constants : d; discarded : r, the runs given up on purpose.
    """

    runs: int
    constants: int
    discarded: int
    confidence: float
    epsilon: float
    sentence: str
    assumption: str


def scenario(
    runs: int | None,
    discarded_runs: int = 0,
    confidence: float = 0.99,
    *,
    objective: str = "bound",
) -> Scenario | None:
    """The scenario bound for a pair fitted to `runs` independent runs; None where it is not known.

    That is: for fewer than two runs, and for the objective "rate", whose pair is not an optimum (it
    stops at the last vertex, which rows that do not hold the pair can move). A pair taken at some
    large α because its objective improves for ever is no optimum either: do not ask for those.

    The smallest ε with  C(r+d−1, r) · Σ_{i<r+d} C(N, i) ε^i (1−ε)^{N−i} ≤ 1 − confidence,  d = 2,
    rounded up. The unit is the run, never the row: the steps of one run depend on each other.

    Why d = 2. Each run asks for (α, β) in a convex set, an intersection of half-planes. At fixed
    constants the bound (dist2/(2Kγ) + σ²(β + Lγ))/(α − β − Lγ) is a convex over a positive affine
    function of (α, β, γ), hence quasi-convex; its sublevel sets are convex, and so are their
    shadows in the (α, β) plane, which are the sublevel sets of the bound minimised over γ. The same
    holds for β/(α − β) and α + β. So the runs' sets and "better than the optimum" are convex sets
    in the plane without a common point, and by Helly's theorem three of them have none already:
    "better" and two runs. Two runs therefore determine the optimum: d = 2.

    Two things it rests on. The objective itself must not be made from the same runs: with L, σ²
    and D_0 measured on them that is an approximation (`assumption` says so). And the discarded runs
    must be given up whole: the pair has to be the best one for the other runs alone, and each
    discarded run has to violate it.

    Raises InputError for a confidence outside (0, 1) or more runs discarded than there are.
    Reference: Campi and Garatti 2011, J. Optim. Theory Appl. 148, Theorem 2.1; docs/theory.md, 4.
    """
    if not 0 < confidence < 1:
        raise InputError(
            Fault("confidence", f"{confidence}", "a number between 0 and 1", "try 0.99")
        )
    if runs is None or runs < _LEAST_RUNS or objective == "rate":
        return None
    if not 0 <= discarded_runs <= runs:
        raise InputError(
            Fault("runs", f"{discarded_runs} of {runs} discarded", "at most all", "discard fewer")
        )
    epsilon = smallest_epsilon(runs, discarded_runs, 1 - Fraction(str(confidence)))
    given_up = f" ({discarded_runs} of them discarded)" if discarded_runs else ""
    return Scenario(
        runs,
        CONSTANTS,
        discarded_runs,
        confidence,
        epsilon,
        f"From {runs} independent runs{given_up}: with confidence {confidence:g}, a new run "
        f"violates this pair with probability at most {epsilon:.3g}."
        if epsilon < 1
        else f"{runs} independent runs{given_up} are too few to say anything about a new one "
        f"with confidence {confidence:g}.",
        "the runs are independent and alike, as the column `run` declares"
        + (
            "; and L, σ², D_0 in the objective count as known, though this log measured them"
            if objective == "bound"
            else ""
        ),
    )


def smallest_epsilon(runs: int, discarded: int, risk: Fraction) -> float:
    """Smallest ε with C(r+d−1, r)·P(Binomial(N, ε) < r+d) ≤ risk, rounded up; 1 without any."""
    terms = discarded + CONSTANTS
    if terms > runs:
        return 1.0
    steps = [math.log(runs - i) - math.log(i + 1) for i in range(terms - 1)]
    log_choose = math.fsum(steps)  # of C(N, r+d−1), the coefficient of the last term
    log_factor = math.fsum(
        math.log(discarded + j) - math.log(j) for j in range(1, CONSTANTS)
    )  # of C(r+d−1, r)
    target = math.log(risk.numerator) - math.log(risk.denominator) - log_factor
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _log_tail(runs, terms, log_choose, middle) <= target:
            high = middle
        else:
            low = middle
    return min(1.0, high * (1 + _ROUNDING))


def _log_tail(runs: int, terms: int, log_choose: float, epsilon: float) -> float:
    """log Σ_{i<terms} C(N, i) ε^i (1−ε)^{N−i}, from the last term down (all terms positive)."""
    if epsilon == 0:
        return 0.0
    last = terms - 1
    log_last = log_choose + last * math.log(epsilon) + (runs - last) * math.log1p(-epsilon)
    odds = (1 - epsilon) / epsilon
    ratio, total, scale = 1.0, 1.0, 0.0
    for i in range(last, 0, -1):
        ratio *= odds * i / (runs - i + 1)
        total += ratio
        if total > 1e200:
            ratio, total, scale = ratio * 1e-200, total * 1e-200, scale + math.log(1e200)
        if ratio < total * 1e-20 and odds * (i - 1) < (runs - i + 2):
            break  # what follows shrinks faster than geometrically
    return log_last + scale + math.log(total)
