"""What the built-in symbols mean: what holds by definition, and which functions belong together.

f is the mean of f_1, ..., f_n on R^d, all differentiable; the sampled index i is uniform and
independent of the past. S = argmin f is closed, and not empty where a claim names a minimiser.
fstar = min f, inf_i = inf f_i, sigma2 = fstar − E inf_i (the interpolation error), dist2(x) = the
squared distance from x to S, grad and grad_i = the gradients. Functions that a claim declares are
continuous. Scope applies these definitions as it
reads: f is fstar and grad is 0 on minimisers, E f_i(x) = f(x), E inf_i = fstar − sigma2.
"""

from __future__ import annotations

from collections.abc import Mapping

from boundcalc.kernel.claim import ClaimError, Condition, Hypothesis
from boundcalc.kernel.scope import CONSTANT, SAMPLE, Scope

CONSTANTS = {
    "fstar": (CONSTANT, "real"),
    "sigma2": (CONSTANT, "nonnegative"),
    "inf_i": (SAMPLE, "real"),
}

FAMILIES = {
    "f": {"f": "f", "grad": "grad", "inf": "fstar", "sample_grad": "grad_i"},
    "f_i": {"f": "f_i", "grad": "grad_i", "inf": "inf_i"},
}


def _fact(id: str, slots: Mapping[str, str], relation: str) -> Condition:
    return Condition(id, (), {}, (), slots, "", {"main": relation})


FACTS: Mapping[str, Condition] = {
    fact.id: fact
    for fact in (
        _fact("def.lower", {"x": "point"}, "f(x) >= fstar"),
        _fact("def.sample-lower", {"x": "point"}, "f_i(x) >= inf_i"),
        _fact("def.distance", {"x": "point"}, "dist2(x) >= 0"),
        _fact("def.nearest", {"y": "point", "s": "minimiser"}, "dist2(y) <= sqnorm(y - s)"),
    )
}


def declare(scope: Scope) -> None:
    """Add the built-in constants to an empty scope."""
    for name, (level, _) in CONSTANTS.items():
        scope.add_scalar(name, level)
    scope.mean["inf_i"] = scope.scalars["fstar"] - scope.scalars["sigma2"]


def coherent(hypothesis: Hypothesis, condition: Condition, functions: Mapping[str, object]) -> None:
    """Raises ClaimError where a condition is said of functions that do not belong together.

    f, grad and inf all of f, or all of f_i, or all functions that the claim declares.
    """
    if set(hypothesis.of) != set(condition.functions):
        raise ClaimError(f"{hypothesis.name}: it speaks of {condition.functions}")
    core = {role: name for role, name in hypothesis.of.items() if role in FAMILIES["f"]}
    whole = any(
        all(family.get(role) == name for role, name in core.items()) for family in FAMILIES.values()
    )
    built_in = set().union(*(family.values() for family in FAMILIES.values()))
    rest = {role: name for role, name in hypothesis.of.items() if role not in core or not whole}
    for role, name in rest.items():
        if name in built_in or name not in functions:
            raise ClaimError(f"{hypothesis.name}: {role} cannot be {name} here")
