"""Questions about worst cases, as claims: n steps of gradient descent, one step of SGD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.claim import CLAIM_SCHEMA
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.value import enclose
from boundcalc.library.conditions import load_condition
from boundcalc.library.hypotheses import HypothesisText, read_hypothesis

GAP, DIST, GRAD, DROP = "gap", "dist", "grad", "drop"
OF_F = {"f", "grad", "fstar"}
PER_SAMPLE = OF_F | {"grad_i", "f_i", "inf_i"}
MEETS_MINIMISERS = {"convex", "strongly-convex"}  # pairs of points, one of them a minimiser

# implications whose conclusions the solver is given too: they are as strong as what they rest on
USED = (
    "smooth-interpolation",
    "smooth-self-bounding",
    "convex-smooth-interpolation",
    "strongly-convex-smooth-interpolation",
)


@dataclass(frozen=True)
class Question:
    """What is asked: the smallest θ ≥ 0, at a cost each, with last ≤ Σ θ_j·starts[j].

    claim : its conclusion is filled in when θ is known. moves : points tied to others by equations
    of the claim. define : points that only the proof speaks of. expected : over the sampled index.
    """

    claim: dict[str, Any]
    starts: Sequence[str]
    last: str
    step_size: Fraction
    moves: Mapping[str, str] = field(default_factory=dict)
    define: Sequence[Mapping[str, str]] = ()
    expected: bool = False
    rule: str = "inequality"
    potential: str = ""
    quantity: str = ""


def hypotheses(conditions: Sequence[str], known: set[str]) -> list[HypothesisText]:
    """Conditions of f (or of every f_i), with rational constants of the signs that they ask for.

    Raises InputError.
    """
    said = [read_hypothesis(line) for line in conditions]
    for one in said:
        condition = load_condition(one.condition)
        if not condition.schema["relations"] or not set(one.of.values()) <= known:
            expected = "a condition of f at points, such as pl, smooth, rsi or convex"
            raise InputError(Fault("conditions", one.condition, expected, "leave it out"))
        for name, text in one.constants.items():
            _check(one.condition, name, text, condition.schema["constants"][name])
    names = [one.name for one in said]
    if len(set(names)) < len(names):
        raise InputError(Fault("conditions", "one condition twice", "each once", "remove one"))
    return said


def _check(condition: str, name: str, text: str, sign: str) -> None:
    try:
        low, high = enclose(text, {})
    except GrammarError:
        fault = Fault(condition, f"{name} = {text}", "a rational number", f"give --{name}")
        raise InputError(fault) from None
    if low != high or low < 0 or (low == 0 and sign == "positive"):
        raise InputError(Fault(condition, f"{name} = {text}", f"a {sign} number", "change it"))


def _order(said: Sequence[HypothesisText]) -> list[dict[str, str]]:
    """mu < L as a constraint, for the implication that asks for it."""
    constants = {one.condition: one.constants for one in said}
    if "smooth" not in constants or "strongly-convex" not in constants:
        return []
    mu, top = constants["strongly-convex"]["mu"], constants["smooth"]["L"]
    if enclose(mu, {})[0] >= enclose(top, {})[0]:
        return []
    return [{"name": "order", "holds": f"{mu} < {top}"}]


def gradient_descent(
    conditions: Sequence[str],
    step_size: Fraction,
    n: int,
    measure: str = GAP,
    start: str = GAP,
    midpoints: int = 0,
) -> Question:
    """n steps: measure gap f(x_n) − f*, dist ‖x_n − its projection‖², grad min_k ‖∇f(x_k)‖².

    start : gap f(x_0) − f*, dist ‖x_0 − x_p‖², drop f(x_0) − f(x_n). Points of conditions at
    projections are tied by equations, since each iterate has a projection of its own.

    Raises InputError.
    """
    said = hypotheses(conditions, OF_F)
    schemas = {one.condition: dict(load_condition(one.condition).schema) for one in said}
    slots = [kind for schema in schemas.values() for _, kind in schema["slots"]]
    projected = any(kind.startswith("projection") for kind in slots)
    minimiser = projected or "minimiser" in slots or DIST in (measure, start)
    minimiser |= bool(MEETS_MINIMISERS & schemas.keys())
    points = {"x0": "any"}
    steps = {f"x{k + 1}": f"x{k} - {step_size}*grad(x{k})" for k in range(n)}
    if minimiser:
        points["p0"] = "projection of x0"
    if projected:
        points |= dict.fromkeys(steps, "any")
        points |= {f"p{k + 1}": f"projection of x{k + 1}" for k in range(n)}
    setup = _order(said)
    if projected:
        setup += [
            {"name": f"move{k}", "holds": f"sqnorm(x{k} - ({steps[f'x{k}']})) = 0"}
            for k in range(1, n + 1)
        ]
    else:
        setup += [{"name": name, "is": text} for name, text in steps.items()]
    parameters = {}
    last = {GAP: f"f(x{n}) - fstar", DIST: f"dist2(x{n})", GRAD: "least"}[measure]
    if measure == GRAD:
        parameters["least"] = "real"
        setup += [
            {"name": f"least{k}", "holds": f"sqnorm(grad(x{k})) >= least"} for k in range(n + 1)
        ]
    starts = {GAP: "f(x0) - fstar", DIST: "sqnorm(x0 - p0)", DROP: f"f(x0) - f(x{n})"}
    define = [
        {
            "name": f"m{k}_{j}",
            "is": f"x{k} - {step_size * j / (midpoints + 1)}*grad(x{k})",
        }
        for k in range(n)
        for j in range(1, midpoints + 1)
    ]
    if "qg-upper" in schemas:  # the bound at x_p + grad(x)/L is the one that interpolation needs
        top = next(one.constants["L"] for one in said if one.condition == "qg-upper")
        define += [{"name": f"q{k}", "is": f"p0 + grad(x{k})/{top}"} for k in range(n + 1)]
    return Question(
        claim=_claim(said, schemas, parameters, points, setup),
        starts=(starts[start],),
        last=last,
        step_size=step_size,
        moves=steps if projected else {},
        define=define,
    )


def stochastic_gradient_descent(
    conditions: Sequence[str], step_size: Fraction, measure: str, start: str
) -> Question:
    """One step of SGD, and the rule of induction that makes a statement about K steps of it.

    dist from dist: E dist² contracts to a floor; gap from gap: f − f* does; gap from dist, grad
    from gap: the least expected gap or squared gradient, by telescoping.

    Raises InputError.
    """
    said = hypotheses(conditions, PER_SAMPLE)
    schemas = {one.condition: dict(load_condition(one.condition).schema) for one in said}
    potential = {DIST: "dist2(x)", GAP: "f(x) - fstar"}.get(start, "")
    points = {"x": "any", "xp": "projection of x"}
    moved = f"x - {step_size}*grad_i(x)"
    quantity = {GAP: "f(x) - fstar", GRAD: "sqnorm(grad(x))", DIST: "dist2(x)"}[measure]
    after = {DIST: "dist2(xplus)", GAP: "f(xplus) - fstar"}.get(start, "")
    contracts = quantity == potential
    if not potential or (measure, start) == (DIST, GAP) or (measure, start) == (GRAD, DIST):
        expected = "dist from dist, gap from dist or gap, grad from gap"
        raise InputError(Fault("--measure, --from", f"{measure}, {start}", expected, "change it"))
    parameters = {"sigma2": "nonnegative"}
    if not contracts:
        parameters |= {"start": "nonnegative", "steps": "positive"}
    claim = _claim(said, schemas, parameters, points, [
        *_order(said), {"name": "xplus", "is": moved}
    ])  # fmt: skip
    claim["next"] = {"x": "xplus"}
    return Question(
        claim=claim,
        starts=(potential if contracts else f"{potential} - ({after})", "sigma2", "1"),
        last=after if contracts else quantity,
        step_size=step_size,
        expected=True,
        rule="contraction" if contracts else "telescoping",
        potential=potential,
        quantity=quantity,
    )


def _claim(
    said: Sequence[HypothesisText],
    schemas: Mapping[str, Any],
    parameters: Mapping[str, str],
    points: Mapping[str, str],
    setup: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    return {
        "schema": CLAIM_SCHEMA,
        "parameters": dict(parameters),
        "points": dict(points),
        "conditions": dict(schemas),
        "hypotheses": [asdict(one) for one in said],
        "setup": [dict(step) for step in setup],
        "conclusion": {"rule": "inequality", "holds": "0 >= 0"},
    }


def concluded(question: Question, theta: Sequence[Fraction]) -> dict[str, Any]:
    """The claim's conclusion at these θ."""
    if question.rule == "inequality":
        return {
            "rule": "inequality",
            "holds": f"{question.last} <= {theta[0]}*({question.starts[0]})",
        }
    first, sigma, constant = theta
    noise = f"{sigma}*sigma2 + {constant}"
    if question.rule == "contraction":
        left = 1 - first
        floor = f"{sigma / left}*sigma2 + {constant / left}"
        return {
            "rule": "contraction",
            "potential": question.potential,
            "rate": str(first),
            "noise": noise,
            "floor": floor,
        }
    once = f"{sigma / first}*sigma2 + {constant / first}"
    return {
        "rule": "telescoping",
        "potential": question.potential,
        "quantity": question.quantity,
        "weight": str(1 / first),
        "noise": once,
        "start": "start",
        "initial": {"start": question.potential},
        "bound": f"{first}*start/steps + {noise}",
    }
