"""The first line of `boundcalc fit`: the answer in a sentence."""

from __future__ import annotations

from boundcalc.fit.frontier import Infeasible
from boundcalc.guarantees.assessment import Assessment
from boundcalc.guarantees.theorem_at import SHARP

_FACTS = 2  # conditions that the first line names where α-β cannot be judged


def number(value: float) -> str:
    """Six significant digits, as in the table."""
    return f"{value:.6g}"


def answer(assessment: Assessment) -> str:
    """Does the condition hold on these rows, with which constants, and is the promise worth it?"""
    fit, pair = assessment.fit, assessment.pair
    rows = f"{fit.rows_used:,} rows"
    if fit.alpha_beta is None:
        return _without_pair(assessment, rows)
    if isinstance(fit.alpha_beta, Infeasible):
        witnesses = ", ".join(str(row) for row in fit.alpha_beta.rows)
        return (
            f"The α-β-condition fails on this log for every α > β ≥ 0: row {witnesses} alone "
            f"rules it out ({fit.alpha_beta.reason})."
        )
    if pair is None:
        return f"The α-β-condition holds on all {rows}."
    holds = (
        f"The α-β-condition holds on all {rows} with "
        f"α = {number(pair.alpha)}, β = {number(pair.beta)}"
    )
    sharp = next((one for one in assessment.guarantees if one.theorem == SHARP), None)
    if sharp is None:
        return holds + "; the log lacks what a bound needs (see the warnings)."
    steps = f"{sharp.steps:,} step{'s' if sharp.steps > 1 else ''}"
    promise = (
        f"SGD with step size {number(sharp.step_size)} (limit {number(sharp.step_size_limit)}) "
        f"is promised min E[f − f*] ≤ {number(sharp.bound)} after {steps}"
    )
    if sharp.observed is None or sharp.initial is None:
        return f"{holds}: {promise}."
    if sharp.vacuous:
        return (
            f"{holds}, but the guarantee is VACUOUS: {promise}, and training started at "
            f"{number(sharp.initial)} already (f − f at the reference; at best "
            f"{number(sharp.observed)})."
        )
    return (
        f"{holds}: {promise}; training started at {number(sharp.initial)} "
        f"(f − f at the reference; at best {number(sharp.observed)})."
    )


def _without_pair(assessment: Assessment, rows: str) -> str:
    """Logs without ⟨∇f_i, x − x_ref⟩: PL and L are what can be said."""
    constants = assessment.fit.constants
    said: list[str] = []
    for condition, symbol in (("pl", "μ"), ("rsi", "μ"), ("eb", "μ"), ("qg", "μ")):
        found = constants.get(condition)
        if found is not None and len(said) < _FACTS:
            holds = f"holds with {symbol} = {number(found.value)}"
            said.append(
                f"{condition.upper()} {holds if found.value > 0 else f'holds with no {symbol} > 0'}"
            )
    smoothness = constants.get("self-bounding")
    if smoothness is not None:
        said.append(f"L = {number(smoothness.value)}")
    facts = " and ".join(said) if said else "nothing could be measured"
    return f"On all {rows}, {facts}; the α-β-condition cannot be judged: the log lacks the columns."
