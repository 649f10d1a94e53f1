"""The worst case of n gradient steps at given constants, found by an SDP and proved exactly.

The dual of the performance-estimation problem (Drori, Teboulle 2014; Taylor, Hendrickx, Glineur
2017) is a combination of instances of the hypotheses and a positive semidefinite form. A solver
finds it in floating point; here it is rounded to rationals with room to spare, and written as a
certificate. Only the kernel's answer counts: a poor rounding is rejected, never believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.certificate import certificate
from boundcalc.kernel.check import check
from boundcalc.kernel.claim import CLAIM_SCHEMA
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Proved, Undecided
from boundcalc.library.conditions import load_condition
from boundcalc.library.hypotheses import read_hypothesis
from boundcalc.library.proofs import certificate_of, implication
from boundcalc.search.coefficients import Form, forms
from boundcalc.search.dual import room_at, smallest_factor
from boundcalc.search.rounding import exact_squares, nearest_combination

MARGINS = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)  # added to the worst case until rounding succeeds

DERIVED = {  # conditions → implications whose conclusions the solver is given too
    ("smooth",): ("smooth-interpolation", "smooth-self-bounding"),
    ("smooth", "convex"): ("convex-smooth-interpolation",),
}


@dataclass(frozen=True)
class WorstCase:
    """f(x_n) − f* ≤ factor·(f(x_0) − f*), proved; `certificate` is the proof's JSON."""

    factor: Fraction
    proved: Proved
    certificate: Mapping[str, Any]
    numerical: float  # the solver's own value


def worst_case(conditions: Sequence[str], step_size: Fraction, n: int) -> WorstCase | Undecided:
    """A proved contraction factor of n steps of gradient descent, close to the solver's best one.

    conditions : such as "pl(f; mu = 1/5)" and "smooth(f; L = 1)"; of f, with rational constants.

    Raises InputError for conditions that this finder does not know how to use.
    """
    if not 1 <= n <= 12:
        raise InputError(Fault("--n", str(n), "1 to 12 steps", "ask for fewer steps"))
    claim, uses, derive = _statement(conditions, step_size, n)
    premises = {entry["by"]: implication(entry["by"]) for entry in derive}
    instances = forms(claim, uses, derive, premises)
    ends = {"start": "f(x0) - fstar", "last": f"f(x{n}) - fstar"}
    start, last = (forms(claim, {}, [], {}, ends)[key] for key in ("start", "last"))
    numerical = smallest_factor(instances, start, last)
    if numerical is None:
        return Undecided(None, "the solver found no bound")
    for margin in MARGINS:
        factor = Fraction(numerical + margin).limit_denominator(10**12) + Fraction(1, 10**12)
        weights = room_at(instances, start, last, factor)
        proof = None
        if weights is not None:
            target = start.scaled(factor).minus(last)
            proof = _proof(instances, target, weights, uses, derive)
        if proof is None:
            continue
        claim["conclusion"]["holds"] = f"f(x{n}) - fstar <= {factor}*(f(x0) - fstar)"
        try:
            proved = check(claim, proof, premises)
        except Rejected:
            continue
        needed = {entry["by"]: certificate_of(entry["by"]) for entry in proof["derive"]}
        return WorstCase(factor, proved, certificate(claim, proof, needed), numerical)
    return Undecided(None, f"the solver says {numerical:.9g}, but no rounding of its proof checked")


def _statement(
    conditions: Sequence[str], step_size: Fraction, n: int
) -> tuple[dict[str, Any], dict[str, list[str]], list[dict[str, Any]]]:
    """The claim (its conclusion to be filled in), instances to use, implications to derive."""
    said = [read_hypothesis(line) for line in conditions]
    schemas = {h.condition: dict(load_condition(h.condition).schema) for h in said}
    for hypothesis in said:
        kinds = {kind for _, kind in schemas[hypothesis.condition]["slots"]}
        if kinds != {"point"} or not set(hypothesis.of.values()) <= {"f", "grad", "fstar"}:
            expected = "a condition of f at points, such as pl, smooth or convex"
            raise InputError(Fault("conditions", hypothesis.condition, expected, "leave it out"))
    points = [f"x{k}" for k in range(n + 1)]
    moves = [{"name": f"x{k + 1}", "is": f"x{k} - {step_size}*grad(x{k})"} for k in range(n)]
    claim = {
        "schema": CLAIM_SCHEMA,
        "parameters": {},
        "points": {"x0": "any"},
        "conditions": schemas,
        "hypotheses": [_json(hypothesis) for hypothesis in said],
        "setup": moves,
        "conclusion": {"rule": "inequality", "holds": "0 >= 0"},
    }
    derive = _derivations({h.condition: h.constants for h in said})
    uses = {f"low{k}": ["def.lower", point] for k, point in enumerate(points)}
    named = [(h.name, len(schemas[h.condition]["slots"])) for h in said if h.condition != "smooth"]
    named += [(e["name"], len(implication(e["by"]).claim.conclusion["at"])) for e in derive]
    for name, count in named:
        for at in permutations(points, count):
            uses[f"{name}_{'_'.join(at)}".replace("-", "_")] = [name, *at]
    return claim, uses, derive


def _json(hypothesis: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(hypothesis)


def _derivations(known: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    found = []
    for needed, theorems in DERIVED.items():
        if set(needed) <= set(known):
            constants = {name: text for c in needed for name, text in known[c].items()}
            found += [{"name": by, "by": by, "constants": constants} for by in theorems]
    return found


def _proof(
    instances: Mapping[str, Form],
    target: Form,
    weights: Mapping[str, float],
    uses: Mapping[str, list[str]],
    derive: Sequence[Mapping[str, Any]],
) -> dict[str, Any] | None:
    """Exact weights and an exact sum of squares; None where rounding lost positivity."""
    exact = nearest_combination(instances, target, weights)
    if exact is None:
        return None
    rest = target
    for name, weight in exact.items():
        rest = rest.minus(instances[name].scaled(weight))
    squares = exact_squares(rest)
    if squares is None:
        return None
    terms = [f"{weight}*{name}" for name, weight in exact.items() if weight]
    terms += [f"{weight}*sqnorm({vector})" for weight, vector in squares]
    groups = ["(" + " + ".join(terms[k : k + 50]) + ")" for k in range(0, len(terms), 50)]
    used = {name: uses[name] for name, weight in exact.items() if weight}
    sources = {entry[0] for entry in used.values()}
    derived = [dict(entry) for entry in derive if entry["name"] in sources]
    return {"use": used, "derive": derived, "show": {"main": {"by": " + ".join(groups) or "0"}}}
