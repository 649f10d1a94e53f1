"""What the kernel refuses, and why: malformed claims, forged proofs, misuse of rules."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest

from boundcalc.kernel import polynomial
from boundcalc.kernel.certificate import certificate, read, verify
from boundcalc.kernel.check import check
from boundcalc.kernel.claim import CLAIM_SCHEMA, read_claim
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Axiom, Measured, Proved, Refuted, Undecided

SMOOTH = {
    "functions": ["f", "grad"],
    "constants": {"L": "positive"},
    "slots": [["x", "point"], ["y", "point"]],
    "relations": {"main": "f(y) <= f(x) + dot(grad(x), y - x) + L/2*sqnorm(y - x)"},
}
PL = {
    "functions": ["f", "grad", "inf"],
    "constants": {"mu": "positive"},
    "slots": [["x", "point"]],
    "relations": {"main": "sqnorm(grad(x))/2 >= mu*(f(x) - inf)"},
}
AIM = {
    "functions": ["f", "grad"],
    "constants": {},
    "slots": [["x", "point"], ["p", "projection of x"]],
    "relations": {"main": "dot(grad(x), x - p) >= f(x) - f(p)"},
}
AT_MINIMUM = {
    "functions": ["f"],
    "constants": {},
    "slots": [["s", "minimiser"]],
    "relations": {"main": "f(s) >= 0"},
}
MAP = {
    "functions": ["J"],
    "constants": {},
    "slots": [["x", "point"], ["v", "vector Y"]],
    "relations": {"main": "sqnorm(J(x, v)) >= sqnorm(v)", "equal": "J(x, v) = J(x, 2*v)"},
}
KNOWN = {
    "functions": ["f", "grad"],
    "constants": {},
    "slots": [["x", "point"], ["v", "known vector X"]],
    "relations": {"main": "dot(grad(x), v) >= 0"},
}
OF_F = {"f": "f", "grad": "grad", "inf": "fstar"}


def hypothesis(condition: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    of = {role: OF_F.get(role, role) for role in schema["functions"]}
    constants = {name: name for name in schema["constants"]}
    base = {"name": condition, "condition": condition, "of": of, "constants": constants}
    return {**base, "domain": "everywhere", **more}


def claim(**more: Any) -> dict[str, Any]:
    """Gradient descent under pl, as a contraction."""
    base: dict[str, Any] = {
        "schema": CLAIM_SCHEMA,
        "parameters": {"mu": "positive", "L": "positive", "gamma": "positive"},
        "points": {"x": "any"},
        "conditions": {"smooth": SMOOTH, "pl": PL},
        "hypotheses": [hypothesis("smooth", SMOOTH), hypothesis("pl", PL)],
        "setup": [
            {"name": "limit", "holds": "gamma < 2/L"},
            {"name": "order", "holds": "mu <= L"},
            {"name": "y", "is": "x - gamma*grad(x)"},
        ],
        "next": {"x": "y"},
        "conclusion": {
            "rule": "contraction",
            "potential": "f(x) - fstar",
            "rate": "1 - mu*gamma*(2 - L*gamma)",
            "noise": "0",
            "floor": "0",
        },
    }
    return {**base, **more}


PROOF: dict[str, Any] = {
    "use": {"pl": ["pl", "x"], "upper": ["smooth", "x", "y"]},
    "show": {
        "step": {"by": "upper + gamma*L*limit*pl"},
        "rate": {"factor": "L", "by": "order + mu*square(1 - L*gamma)"},
        "noise": {"by": "0"},
        "below_one": {"by": "mu*gamma*L*limit"},
        "floor": {"by": "0"},
    },
}


def with_setup(*steps: tuple[str, str]) -> dict[str, Any]:
    """The claim with definitions added."""
    made = claim()
    made["setup"] = [*made["setup"], *({"name": n, "is": t} for n, t in steps)]
    return made


def changed(**conclusion: Any) -> dict[str, Any]:
    """The claim with its conclusion changed."""
    made = claim()
    made["conclusion"] = {**made["conclusion"], **conclusion}
    return made


def concluding(id: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A claim that concludes a condition."""
    said = hypothesis(id, schema)
    at = {slot: slot for slot, _ in schema["slots"]}
    conclusion = {
        "rule": "implies",
        "condition": id,
        "of": said["of"],
        "constants": said["constants"],
        "at": at,
    }
    made = claim(conclusion={**conclusion, **more}, points={"x": "any", "y": "any"}, next={})
    made["setup"] = []
    made["conditions"] = {**made["conditions"], id: schema}
    return made


def telescoping(**conclusion: Any) -> dict[str, Any]:
    """Small gradients of gradient descent."""
    base = {
        "rule": "telescoping",
        "potential": "f(x) - fstar",
        "quantity": "sqnorm(grad(x))",
        "weight": "gamma*(2 - L*gamma)/2",
        "noise": "0",
        "start": "gap0",
        "initial": {"gap0": "f(x) - fstar"},
        "bound": "2*gap0/(steps*gamma*(2 - L*gamma))",
    }
    made = claim(conclusion={**base, **conclusion})
    more = {"gap0": "nonnegative", "steps": "positive", "gamma_sum": "positive"}
    made["parameters"] = {**made["parameters"], **more, "gamma_sqsum": "positive"}
    return made


TELESCOPING_PROOF = {
    "use": {"upper": ["smooth", "x", "y"], "gap": ["def.lower", "x"]},
    "show": {
        "step": {"by": "upper"},
        "potential": {"by": "gap"},
        "weight": {"by": "gamma*L*limit/2"},
        "start": {"by": "0"},
        "initial_gap0": {"by": "gap"},
        "bound": {"by": "0"},
    },
}


def shows(**obligations: Any) -> dict[str, Any]:
    """The proof with obligations shown in another way."""
    return {**PROOF, "show": {**PROOF["show"], **obligations}}


def step(by: str, **more: Any) -> dict[str, Any]:
    return shows(step={"by": by, **more})


def test_the_base_is_proved() -> None:
    proved = check(claim(), PROOF, {})
    assert (proved.checks, proved.axioms) == (5, frozenset())
    assert check(telescoping(), TELESCOPING_PROOF, {}).checks == 6


def ball(**more: Any) -> dict[str, Any]:
    """The shell of a claim about a ball."""
    conclusion = {
        "rule": "path-length",
        "loss": "f(x)",
        "root": "p",
        "root_next": "q",
        "root_start": "root0",
        "length": "gamma*norm",
        "start": "loss0",
        "scale": "1",
        "rate": "1/2",
        "radius": "root0",
    }
    made = claim(conclusion={**conclusion, **more}, points={"x": "inside"})
    made["parameters"] = {**made["parameters"], "loss0": "positive"}
    roots = {
        "root0": "sqrt(loss0)",
        "norm": "sqrt(sqnorm(grad(x)))",
        "p": "sqrt(sqnorm(grad(x)))",
        "q": "sqrt(sqnorm(grad(y)))",
    }
    made["setup"] = [*made["setup"], *({"name": n, "is": t} for n, t in roots.items())]
    return made


CLAIMS: list[tuple[Any, str]] = [
    ([], "expected an object"),
    (claim(schema="other/1"), "expected schema"),
    (claim(more=1), "unknown"),
    (claim(conditions=[]), "are objects"),
    (claim(hypotheses=[hypothesis("pl", PL), hypothesis("pl", PL)]), "share a name"),
    (claim(parameters={"mu": "negative"}), "expected one of"),
    (claim(parameters=["mu"]), "expected an object"),
    (claim(points={"x": 1}), "expected text"),
    (claim(hypotheses={}), "expected a list"),
    (claim(hypotheses=[hypothesis("pl", PL, domain="here")]), "a domain is"),
    (claim(setup=[{"name": "z"}]), "either is or holds"),
    (claim(functions=[]), "expected an object"),
    (claim(conditions={"pl": {**PL, "constants": {"f": "positive"}}}), "two meanings"),
    (claim(conditions={"pl": {**PL, "slots": [["x", "point"], ["x", "point"]]}}), "declared twice"),
    (claim(conditions={"pl": {**PL, "slots": [["x"]]}}), "expected text"),
    (claim(hypotheses=[hypothesis("rsi", PL)]), "no schema"),
    (claim(hypotheses=[hypothesis("pl", PL, constants={})]), "its constants are"),
    (claim(hypotheses=[hypothesis("pl", PL, of={"f": "f"})]), "it speaks of"),
    (
        claim(hypotheses=[hypothesis("pl", PL, of={"f": "f", "grad": "grad_i", "inf": "fstar"})]),
        "cannot be",
    ),
    (
        claim(
            conditions={"pl": {**PL, "relations": {"main": "f(x) >= mu*sigma2"}}},
            hypotheses=[hypothesis("pl", PL)],
        ),
        "is unknown",
    ),
    (claim(parameters={"sigma2": "positive"}), "its sign is"),
    (claim(functions={"grad": ["point", "X"]}), "meaning of its own"),
    (claim(points={"x": "any", "p": "projection of z"}), "declared before"),
    (claim(points={"x": "somewhere"}), "unknown kind"),
    (claim(points={"mu": "any"}), "declared twice"),
    (changed(rule="magic"), "one of"),
    (changed(potential="f(y) - fstar"), "not carried"),
    (changed(potential="f_i(x) - fstar"), "sampled"),
    (changed(potential="steps*f(x)"), "not carried"),
    (changed(rate="f(x)"), "in the constants"),
    (claim(next={"x": "z"}), "not defined"),
    (claim(next={"x": "y", "y": "x"}), "not part of the state"),
    (claim(state={"b": "mu"}), "needs a successor"),
    (with_setup(("z", "x - grad(grad(x))")), "name of a point"),
    (with_setup(("z", "grad(x, x)")), "argument"),
    (with_setup(("z", "hop(x)")), "not a function"),
    (with_setup(("z", "x + 1")), "two scalars or two vectors"),
    (with_setup(("z", "x*y")), "written dot"),
    (with_setup(("z", "J(x, 0*x)")), "not a function"),
    (with_setup(("z", "f(x)*dot(x, 1)")), "expected a vector"),
    (with_setup(("z", "sqnorm(x)^2 + square(x)")), "expected a scalar"),
    (with_setup(("z", "mu/(mu - mu)")), "identically 0"),
    (with_setup(("z", "E(1/f_i(x))")), "quotient by a sampled"),
    (with_setup(("z", "1/f(x)")), "not known to be nonzero"),
    (with_setup(("z", "max(1/f(x), 1)")), "not known to be nonzero"),
    (with_setup(("z", "min(1/sqnorm(x), 1/sqnorm(x))")), "finite"),
    (with_setup(("z", "nope")), "not declared"),
    (with_setup(("z", "sqrt(f(x))")), "not nonnegative by its form"),
    (claim(setup=[{"name": "a", "holds": "f(x) >= 0"}]), "in the constants"),
    (claim(setup=[{"name": "a", "holds": "0 > 0"}]), "identically 0"),
    (claim(setup=[{"name": "mu", "holds": "mu > 1"}]), "declared twice"),
    (concluding("aim", AIM), "not a free"),
    (concluding("aim", AIM, at={"x": "x", "p": "x"}), "point of its own"),
    (concluding("at", AT_MINIMUM), "not a free"),
    (concluding("at", AT_MINIMUM, condition="no"), "no schema"),
    (concluding("guarded", {**PL, "guard": "f(x) >= 0"}), "guard"),
    (concluding("equal", {**PL, "relations": {"main": "f(x) = inf"}}), "cannot be concluded"),
    (concluding("pl", PL, constants={"mu": "1 - 1"}), "not nonnegative by its form"),
    (concluding("pl", PL, constants={"mu": "0"}), "not known to be positive"),
    (claim(next={}, conclusion={"rule": "inequality", "holds": "f(x) = 0"}), "cannot be concluded"),
    (telescoping(weight="steps"), "one step only"),
    (telescoping(initial={"other": "f(x)"}), "not a constant of the claim"),
    (ball(), "square root"),
    (ball(loss="sqnorm(grad(x))", length="gamma*dot(grad_i(x), x)"), "deterministic"),
]


@pytest.mark.parametrize(("data", "message"), CLAIMS)
def test_malformed_claims_are_refused(data: Any, message: str) -> None:
    shown = {"until": {"by": "0"}, "scale": {"by": "1"}, "rate": {"by": "1"}}
    shown |= {"below_one": {"by": "1/2"}, "radius": {"by": "0"}, "step": {"by": "0"}}
    proof = {**PROOF, "show": {**PROOF["show"], **shown}}
    for given in (PROOF, TELESCOPING_PROOF, proof):
        with pytest.raises(Rejected) as caught:
            check(data, given, {})
        if message in str(caught.value):
            return
    raise AssertionError(str(caught.value))


PROOFS: list[tuple[Any, str]] = [
    ([], "expected an object"),
    ({**PROOF, "more": 1}, "unknown"),
    ({**PROOF, "show": {}}, "no proof of it"),
    ({**PROOF, "show": []}, "no proof of it"),
    (shows(extra={"by": "0"}), "nothing asks for"),
    (step("upper"), "the two sides differ"),
    (step("upper - pl"), "not nonnegative by its form"),
    (step("upper + nothing"), "neither an assumption"),
    (step("upper + L/order"), "divisor must be positive"),
    (step("upper", factor="order"), "not positive"),
    (step("upper + zero(pl, 1)"), "not an equality"),
    (step("pl^2 + sqnorm(1)"), "expected a vector"),
    (step("mu^-1"), "not nonnegative by its form"),
    (step("upper", factor="1 + sqnorm(grad_i(x))"), "sampled index"),
    (shows(below_one={"by": "order"}), "is to be positive"),
    ({**PROOF, "use": []}, "expected an object"),
    ({**PROOF, "use": {"pl": []}}, "expected a hypothesis"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["no", "x"]}}, "not a hypothesis"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["pl.other", "x"]}}, "one of"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["pl", "x", "y"]}}, "too many"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["pl"]}}, "expected 1 point"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["pl", "2*x"]}}, "name of a point"),
    ({**PROOF, "use": {**PROOF["use"], "pl": ["def.nearest", "x", "y"]}}, "not a minimiser"),
    ({**PROOF, "lemmas": [{"name": "a", "holds": "mu = L", "proof": {"by": "0"}}]}, "inequalities"),
    ({**PROOF, "lemmas": [{"name": "a", "holds": "mu > L", "proof": {"by": "0"}}]}, "a: "),
    ({**PROOF, "lemmas": [{"name": "pl", "holds": "mu > 0", "proof": {"by": "mu"}}]}, None),
    ({**PROOF, "invariants": {"a": "x >= 0"}}, "carried scalars"),
    ({**PROOF, "derive": [{"name": "a", "by": "nothing"}]}, "not at hand"),
    ({**PROOF, "define": [{"name": "y", "is": "2*x"}]}, "declared twice"),
    (shows(step={"cases": "none", "name": "c", "branches": []}), "one branch"),
    (shows(step={"split": "f_i(x)", "name": "c", "nonnegative": 0, "nonpositive": 0}), "sampled"),
    (step("upper" + " + pl*pl" * 1_000), "in a row"),
    (step("mu/(0 + gamma*sqnorm(x) - 0*x)"), None),
    (step("(upper + pl + order + limit + mu + L + gamma + 1)^60"), "too much work"),
]


@pytest.mark.parametrize(("proof", "message"), PROOFS)
def test_forged_proofs_are_rejected(
    proof: Any, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polynomial, "MAX_WORK", 500_000)  # the whole limit takes long
    with pytest.raises(Rejected, match=message):
        check(claim(), proof, {})


def test_cases_of_a_sampled_minimum_do_not_prove_expectations() -> None:
    made = with_setup(("t", "min(1/sqnorm(grad_i(x)), 1)"))
    proof = shows(step={"cases": "t", "name": "c", "branches": [{"by": "0"}, {"by": "0"}]})
    with pytest.raises(Rejected, match="sampled index"):
        check(made, proof, {})


def test_a_split_proves_where_both_cases_do() -> None:
    node = {
        "split": "f(x) - 1",
        "name": "side",
        "nonnegative": PROOF["show"]["step"],
        "nonpositive": PROOF["show"]["step"],
    }
    assert check(claim(), shows(step=node), {}).checks == 6


def test_definitions_may_come_with_proofs() -> None:
    made = with_setup(
        ("t", "1/(1 + L)"),
        ("r", "sqrt(L - mu)"),
        ("u", "sqrt(mu*L)"),
        ("vv", "w*2"),
        ("v", "J(x, w)"),
    )
    made |= {"functions": {"J": ["point", "Y", "X"]}, "vectors": {"w": "Y"}}
    proof = {**PROOF, "defined": {"t": {"by": "1 + L"}, "r": {"by": "order"}}}
    assert check(made, proof, {}).checks == 7
    proof["defined"]["r"] = {"positive": {"by": "order"}}
    with pytest.raises(Rejected, match="is to be positive"):
        check(made, proof, {})


def test_spaces_are_kept_apart() -> None:
    made = with_setup(("t", "dot(w, x)"))
    made |= {"vectors": {"w": "Y"}, "functions": {"J": ["point", "Y", "X"]}}
    with pytest.raises(Rejected, match="inner product of spaces"):
        check(made, PROOF, {})
    made["setup"][-1] = {"name": "t", "is": "J(x, x)"}
    with pytest.raises(Rejected, match="expected a vector of Y"):
        check(made, PROOF, {})


def with_map() -> dict[str, Any]:
    made = claim(functions={"J": ["point", "Y", "X"]}, vectors={"v": "Y"}, points={"x": "any"})
    made["points"] = {"x": "any", "c": "centre", "p": "projection of x"}
    made["conditions"] = {**made["conditions"], "map": MAP, "known": KNOWN, "aim": AIM}
    made["hypotheses"] = [
        *made["hypotheses"],
        hypothesis("map", MAP),
        hypothesis("known", KNOWN),
        hypothesis("aim", AIM),
        hypothesis("pl", PL, name="inside", domain="ball"),
        hypothesis("pl", PL, name="centre", domain="centre"),
    ]
    return made


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (["map", "x", "x"], "vector Y"),
        (["map.equal", "x", "v"], "needs a vector to meet"),
        (["known", "x", "grad_i(x)"], "known vector"),
        (["inside", "x"], "hypothesis holds"),
        (["centre", "x"], "hypothesis holds"),
        (["aim", "y", "p"], "projection asked for"),
    ],
)
def test_instances_need_fitting_arguments(entry: list[str], message: str) -> None:
    proof = {**PROOF, "use": {**PROOF["use"], "more": entry}}
    proof["show"] = {**PROOF["show"], "step": {"by": "upper + gamma*L*limit*pl + more"}}
    with pytest.raises(Rejected, match=message):
        check(with_map(), proof, {})


@pytest.mark.parametrize(
    "entry",
    [
        ["map", "x", "v"],
        ["map.equal", "x", "v", "J(x, v)"],
        ["known", "x", "x"],
        ["aim", "x", "p"],
        ["inside", "c"],
        ["centre", "c"],
    ],
)
def test_fitting_instances_are_made(entry: list[str]) -> None:
    proof = {**PROOF, "use": {**PROOF["use"], "more": entry}}
    by = "zero(more, 0)" if "equal" in entry[0] else "0*more"
    proof["show"] = {**PROOF["show"], "step": {"by": f"upper + gamma*L*limit*pl + {by}"}}
    assert check(with_map(), proof, {}).checks == 5


def implication() -> tuple[dict[str, Any], dict[str, Any]]:
    """pl(mu) gives pl(mu/2)."""
    made = concluding("pl", PL, constants={"mu": "mu/2"})
    made["parameters"], made["points"] = {"mu": "positive"}, {"x": "any"}
    made["hypotheses"], made["conditions"] = [hypothesis("pl", PL)], {"pl": PL}
    proof = {
        "use": {"pl": ["pl", "x"], "gap": ["def.lower", "x"]},
        "show": {"main": {"by": "pl + mu/2*gap"}},
    }
    return made, proof


def derived(premise: Any, proof: Any, **entry: Any) -> Proved:
    """The claim at half the rate, by way of the implication."""
    half = {"name": "half", "by": "half", **entry}
    use = {"pl": ["half", "x"], "upper": ["smooth", "x", "y"]}
    made = changed(rate="1 - mu/2*gamma*(2 - L*gamma)")
    made["functions"] = {"T": ["point", "X"]}
    rate = {"factor": "2*L", "by": "L + order + mu*square(1 - L*gamma)"}
    below = {"by": "mu/2*gamma*L*limit"}
    shown = {**PROOF["show"], "rate": rate, "below_one": below}
    known = premise if isinstance(premise, Axiom) else check(premise, proof, {})
    return check(made, {"derive": [half], "use": use, "show": shown}, {"half": known})


def test_implications_feed_proofs_and_axioms_are_counted() -> None:
    made, proof = implication()
    assert derived(made, proof).axioms == frozenset()
    axiom = Axiom("half", read_claim(made), "somewhere")
    assert derived(axiom, proof).axioms == {"half"}


def test_implications_are_not_misused() -> None:
    made, proof = implication()
    with pytest.raises(Rejected, match="needs pl"):
        derived(made, proof, constants={"mu": "2*mu"})
    with pytest.raises(Rejected, match="not known to be positive"):
        derived(made, proof, constants={"mu": "0*mu"})
    with pytest.raises(Rejected, match="needs pl"):
        derived(made, proof, of={"f": "f_i", "grad": "grad_i", "fstar": "inf_i"})
    with pytest.raises(Rejected, match="for f alone"):
        derived({**made, "points": {"x": "any", "s": "minimiser"}}, proof, of={"f": "f"})
    with pytest.raises(Rejected, match="another kind of function"):
        derived({**made, "functions": {"J": ["point", "X"]}}, proof)
    with pytest.raises(Rejected, match="not an implication"):
        derived(claim(), PROOF)
    constrained = {**made, "setup": [{"name": "order", "holds": "mu <= 1"}]}
    with pytest.raises(Rejected, match="not known here"):
        derived(constrained, proof)
    with pytest.raises(Rejected, match="with definitions"):
        derived({**made, "setup": [{"name": "m", "is": "mu/2"}]}, proof)
    odd = copy.deepcopy(made)
    odd["conclusion"]["constants"] = {"mu": "mu/2 + 0*sigma2"}
    with pytest.raises(Rejected, match="not its parameters alone"):
        derived(odd, proof)
    assert derived({**made, "functions": {"T": ["point", "X"]}}, proof).checks == 5
    known = copy.deepcopy(made)
    known["parameters"] = {"mu": "positive", "L": "positive"}
    known["setup"] = [{"name": "any", "holds": "mu <= L"}]
    assert derived(known, proof).checks == 5


def test_a_guarded_condition_needs_its_guard() -> None:
    guarded = {**PL, "guard": "f(x) >= 1"}
    made = claim(conditions={"smooth": SMOOTH, "pl": guarded})
    with pytest.raises(Rejected, match="not known to hold here"):
        check(made, PROOF, {})


def test_varying_step_sizes_need_polynomials_in_gamma() -> None:
    varying = {"bound_varying": "gap0"}
    proof = {
        **TELESCOPING_PROOF,
        "show": {**TELESCOPING_PROOF["show"], "bound_varying": {"by": "0"}},
    }
    with pytest.raises(Rejected, match="the two sides differ"):
        check(telescoping(**varying), proof, {})
    cubic = telescoping(
        **varying, noise="gamma^3", bound="2*(gap0 + steps*gamma^3)/(steps*gamma*(2 - L*gamma))"
    )
    proof["show"]["step"] = {"by": "upper + gamma^3"}
    with pytest.raises(Rejected, match="up to gamma"):
        check(cubic, proof, {})
    divided = telescoping(
        **varying, noise="1/gamma", bound="2*(gap0 + steps/gamma)/(steps*gamma*(2 - L*gamma))"
    )
    proof["show"]["step"] = {"by": "upper + 1/gamma"}
    with pytest.raises(Rejected, match="polynomials in gamma"):
        check(divided, proof, {})
    scaled = telescoping(
        **varying,
        potential="gamma*(f(x) - fstar)",
        weight="gamma^2*(2 - L*gamma)/2",
        start="gamma*gap0",
    )
    proof["show"] |= {"step": {"by": "gamma*upper"}, "potential": {"by": "gamma*gap"}}
    proof["show"]["weight"] = {"by": "gamma^2*L*limit/2"}
    with pytest.raises(Rejected, match="step size that varies"):
        check(scaled, proof, {})


def potential(**conclusion: Any) -> dict[str, Any]:
    base = {
        "rule": "potential",
        "potential": "f(x) - fstar",
        "quantity": "f(x) - fstar",
        "growth": "1",
        "noise": "0",
        "start": "gap0",
        "initial": {"gap0": "f(x) - fstar"},
        "bound": "gap0",
    }
    made = telescoping()
    made["conclusion"] = {**base, **conclusion}
    made["parameters"] = {**made["parameters"], "k": "nonnegative"}
    return made


def test_the_potential_rule() -> None:
    shown = {
        "step": {"by": "upper + gamma*L*limit*sqnorm(grad(x))/2"},
        "growth": {"by": "1"},
        "final": {"by": "0"},
        "start": {"by": "0"},
        "initial_gap0": {"by": "gap"},
        "bound": {"by": "0"},
    }
    proof = {"use": TELESCOPING_PROOF["use"], "show": shown}
    assert check(potential(), proof, {}).checks == 6
    with pytest.raises(Rejected, match="may not depend on k"):
        check(potential(noise="k"), proof, {})
    made = potential()
    made["parameters"]["k"] = "real"
    with pytest.raises(Rejected, match="nonnegative in this rule"):
        check(made, proof, {})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"state": {"b": "mu"}, "next": {"x": "y", "b": "mu"}}, "moves one point"),
        ({"points": {"x": "any"}}, "inside the ball"),
        ({}, "length"),
    ],
)
def test_a_path_moves_one_point_inside(more: dict[str, Any], message: str) -> None:
    shown = {"until": {"by": "0"}, "scale": {"by": "1"}, "rate": {"by": "1/2"}}
    shown |= {"below_one": {"by": "1/2"}, "radius": {"by": "0"}}
    made = {**ball(loss="sqnorm(grad(x))"), **more}
    halved = ["halving", "x", "y"]
    schema = {**SMOOTH, "relations": {"main": "sqnorm(grad(y)) <= sqnorm(grad(x))/2 + 0*f(x)*L"}}
    made["conditions"] = {**made["conditions"], "halving": schema}
    made["hypotheses"] = [*made["hypotheses"], hypothesis("halving", schema)]
    shown |= {"step": {"by": "halved"}, "move": {"by": "zero(norm_def, gamma^2)"}}
    shown |= {"forward": {"by": "gamma*norm"}, "length": {"by": "0"}}
    with pytest.raises(Rejected, match=message):
        check(made, {"use": {"halved": halved}, "show": shown}, {})


def test_deep_data_is_refused() -> None:
    node: Any = {"by": "0"}
    for k in range(1_500):
        node = {"split": "mu", "name": f"c{k}", "nonnegative": node, "nonpositive": node}
    with pytest.raises(Rejected):
        check(claim(), shows(step=node), {})


def test_sizes_are_capped() -> None:
    for text in ("mu", "(9^60)"):
        by = "upper + " + "square(" * 20 + text + ")" * 20
        with pytest.raises(Rejected, match=r"too much work|above"):
            check(claim(), step(by), {})


def test_certificates_are_read_strictly() -> None:
    whole = certificate(claim(), PROOF, {})
    assert verify(whole).checks == 5
    for broken, message in (
        ({**whole, "claim_sha256": "0"}, "another claim"),
        ({**whole, "schema": "x"}, "expected schema"),
        ({**whole, "premises": []}, "an object"),
        ({**whole, "premises": {"a": {"axiom": 1, "claim": claim()}}}, "expected text"),
        ([], "expected an object"),
    ):
        with pytest.raises(Rejected, match=message):
            verify(broken)
    nested = whole
    for _ in range(25):
        nested = {**whole, "premises": {"a": nested}}
    with pytest.raises(Rejected, match="deeper"):
        verify(nested)
    with pytest.raises(Rejected, match="not a JSON text"):
        read("{")
    with pytest.raises(Rejected, match="longer"):
        read(" " * 20_000_001)
    with pytest.raises(Rejected, match="NaN"):
        read("NaN")


def test_only_the_checker_makes_proved() -> None:
    with pytest.raises(TypeError):
        Proved(read_claim(claim()), frozenset(), 1, object())  # type: ignore[arg-type]
    assert Refuted(read_claim(claim()), {"x": Fraction(1)}).witness["x"] == 1
    assert Undecided(None, "why").reason == "why"
    assert Measured("rows", 3).rows == 3
