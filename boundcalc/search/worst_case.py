"""The worst case of n gradient steps at given constants, found by an SDP and proved exactly.

The dual of the performance-estimation problem (Drori, Teboulle 2014; Taylor, Hendrickx, Glineur
2017) is a combination of instances of the hypotheses and a positive semidefinite form. A solver
finds it in floating point; here it is rounded to rationals with room to spare, and written as a
certificate. Only the kernel's answer counts: a poor rounding is rejected, never believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import permutations
from math import ceil
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
MOST_POINTS = 13  # steps, their midpoints and the start: the finder's size

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


def worst_case(
    conditions: Sequence[str], step_size: Fraction, n: int, midpoints: int = 0
) -> WorstCase | Undecided:
    """A proved contraction factor of n steps of gradient descent, close to the solver's best one.

    conditions : such as "pl(f; mu = 1/5)" and "smooth(f; L = 1)"; of f, with rational constants.
    midpoints : points on each step's segment at which the conditions are used too; where the class
        of functions has no exact interpolation inequalities (pl), they sharpen the factor.

    Raises InputError for conditions that this finder does not know how to use.
    """
    if n < 1 or midpoints < 0 or n * (midpoints + 1) + 1 > MOST_POINTS:
        expected = f"steps and midpoints of at most {MOST_POINTS} points"
        raise InputError(Fault("--n, --midpoints", f"{n}, {midpoints}", expected, "ask for fewer"))
    claim = _claim(conditions, step_size, n)
    proof = _frame(claim, step_size, n, midpoints)
    premises = {entry["by"]: implication(entry["by"]) for entry in proof["derive"]}
    ends = {"start": "f(x0) - fstar", "last": f"f(x{n}) - fstar"}
    found = forms(claim, proof, premises, ends)
    start, last = found.pop("start"), found.pop("last")
    numerical = smallest_factor(found, start, last)
    if numerical is None:
        return Undecided(None, "the solver found no bound")
    for margin in MARGINS:
        factor = Fraction(ceil((numerical + margin) * 10**12), 10**12)
        weights = room_at(found, start, last, factor)
        target = start.scaled(factor).minus(last)
        whole = None if weights is None else _proof(found, target, weights, proof)
        if whole is None:
            continue
        claim["conclusion"]["holds"] = f"f(x{n}) - fstar <= {factor}*(f(x0) - fstar)"
        try:
            proved = check(claim, whole, premises)
        except Rejected:
            continue
        needed = {entry["by"]: certificate_of(entry["by"]) for entry in whole["derive"]}
        return WorstCase(factor, proved, certificate(claim, whole, needed), numerical)
    return Undecided(None, f"the solver says {numerical:.9g}, but no rounding of its proof checked")


def _claim(conditions: Sequence[str], step_size: Fraction, n: int) -> dict[str, Any]:
    """The claim, its conclusion to be filled in."""
    said = [read_hypothesis(line) for line in conditions]
    schemas = {h.condition: dict(load_condition(h.condition).schema) for h in said}
    for hypothesis in said:
        kinds = {kind for _, kind in schemas[hypothesis.condition]["slots"]}
        if kinds != {"point"} or not set(hypothesis.of.values()) <= {"f", "grad", "fstar"}:
            expected = "a condition of f at points, such as pl, smooth or convex"
            raise InputError(Fault("conditions", hypothesis.condition, expected, "leave it out"))
    moves = [{"name": f"x{k + 1}", "is": f"x{k} - {step_size}*grad(x{k})"} for k in range(n)]
    return {
        "schema": CLAIM_SCHEMA,
        "parameters": {},
        "points": {"x0": "any"},
        "conditions": schemas,
        "hypotheses": [asdict(hypothesis) for hypothesis in said],
        "setup": moves,
        "conclusion": {"rule": "inequality", "holds": "0 >= 0"},
    }


def _frame(claim: Mapping[str, Any], step_size: Fraction, n: int, midpoints: int) -> dict[str, Any]:
    """All that a proof may use: midpoints, implications, instances at all points."""
    points, define = [f"x{k}" for k in range(n + 1)], []
    for k in range(n):
        for j in range(1, midpoints + 1):
            part = step_size * j / (midpoints + 1)
            define.append({"name": f"m{k}_{j}", "is": f"x{k} - {part}*grad(x{k})"})
    points += [entry["name"] for entry in define]
    said = {h["condition"]: h for h in claim["hypotheses"]}
    derive = _derivations({name: h["constants"] for name, h in said.items()})
    use = {f"low_{point}": ["def.lower", point] for point in points}
    slots = {h["name"]: len(claim["conditions"][c]["slots"]) for c, h in said.items()}
    slots.pop("smooth", None)  # its quadratic form is not linear in inner products
    slots |= {e["name"]: len(implication(e["by"]).claim.conclusion["at"]) for e in derive}
    for name, count in slots.items():
        for at in permutations(points, count):
            use[f"{name}_{'_'.join(at)}".replace("-", "_")] = [name, *at]
    return {"use": use, "derive": derive, "define": define}


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
    frame: Mapping[str, Any],
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
    used = {name: frame["use"][name] for name, weight in exact.items() if weight}
    sources = {entry[0] for entry in used.values()}
    derived = [entry for entry in frame["derive"] if entry["name"] in sources]
    show = {"main": {"by": " + ".join(groups) or "0"}}
    return {"use": used, "derive": derived, "define": frame["define"], "show": show}
