"""Ways to a false statement that a hostile reader found: the kernel refuses each of them."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from boundcalc.kernel.certificate import axiom, certificate, read, verify
from boundcalc.kernel.check import check
from boundcalc.kernel.claim import CLAIM_SCHEMA, read_claim
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import is_genuine
from boundcalc.library.certificates import claim_of, proof_of, stranger
from boundcalc.library.proofs import certificate_of, prove_file
from boundcalc.library.theorems import load_theorem

LOW = {
    "functions": ["f"],
    "constants": {"c": "real"},
    "slots": [["x", "point"]],
    "relations": {"main": "f(x) >= c"},
}


def claim(**more: Any) -> dict[str, Any]:
    base = {"schema": CLAIM_SCHEMA, "parameters": {}, "conditions": {}, "hypotheses": []}
    return {**base, **more}


def inequality(holds: str, **more: Any) -> dict[str, Any]:
    points = more.pop("points", {"x": "any"})
    return claim(points=points, conclusion={"rule": "inequality", "holds": holds}, **more)


def by(main: str, **more: Any) -> dict[str, Any]:
    return {**more, "show": {"main": {"by": main}}}


def refused(data: Any, proof: Any, match: str, premises: dict[str, Any] | None = None) -> None:
    with pytest.raises(Rejected, match=match):
        verify(certificate(data, proof, premises or {}))


def split(by_: str, count: int = 2) -> dict[str, Any]:
    return {"cases": "m", "name": "c", "branches": [{"by": by_}] * count}


def theorem(id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    raw = load_theorem(id).raw
    return copy.deepcopy(claim_of(raw)), copy.deepcopy(proof_of(raw))


def test_names_are_names_of_the_grammar() -> None:
    minimum = {"define": [{"name": "<x,x>", "is": "min(-1,-1)"}]}
    refused(inequality("0 >= 1"), {**minimum, **by("0")}, "not a name")
    for odd in ("f(x)", "E[f_i(x)^1]", "<x,x>", "", "é"):
        refused(inequality("1 >= 0", parameters={odd: "real"}), by("1"), "not a name")
        refused(inequality("1 >= 0", vectors={odd: "X"}), by("1"), "not a name")
        refused(inequality("1 >= 0", points={odd: "any"}), by("1"), "not a name")
        refused(inequality("1 >= 0", state={odd: "1"}), by("1"), "not a name")
        refused(inequality("1 >= 0", functions={odd: ["X", "X"]}), by("1"), "not a name")
        setup = [{"name": odd, "is": "1"}]
        refused(inequality("1 >= 0", setup=setup), by("1"), "not a name")
    lemma = {"name": "<x,x>", "holds": "1 >= 0", "proof": {"by": "1"}}
    refused(inequality("1 >= 0"), {"lemmas": [lemma], **by("1")}, "not a name")
    refused(inequality("1 >= 0", parameters={"grad": "real"}), by("1"), "is a function")


def test_scalar_functions_of_vectors_take_one_vector() -> None:
    parts: dict[str, Any] = {"functions": {"h": ["X", "scalar"]}, "vectors": {"v": "X", "w": "X"}}
    for argument in ("v - w", "0 - v", "2*v", "v - v", "grad(s)"):
        points = {"x": "any", "s": "minimiser"}
        data = inequality(f"h({argument}) >= h(v)", points=points, **parts)
        refused(data, by("0"), "no multiple")
    assert check(inequality("h(v) >= h(v)", **parts), by("0"), {}).checks == 1


def test_a_minimum_with_a_quotient_by_zero_needs_a_numerator_with_a_sign() -> None:
    proof = {
        "define": [{"name": "m", "is": "min((0-1)/sqnorm(x), 5)"}],
        "show": {"main": split("1")},
    }
    refused(inequality("sqnorm(x) > 0"), proof, "nonnegative by its form")
    proof["defined"] = {"m": {"by": "0"}}
    refused(inequality("sqnorm(x) > 0"), proof, "differ")
    proof["define"] = [{"name": "m", "is": "min(1/sqnorm(x), 1/sqnorm(x), 5)"}]
    refused(inequality("sqnorm(x) > 0"), proof, "one alternative may be infinite")


def test_implications_move_whole_families() -> None:
    smooth = claim_of(load_theorem("smooth-self-bounding").raw)["conditions"]["smooth"]
    said = {"name": "smooth", "condition": "smooth", "of": {"grad": "grad_i"}}
    said |= {"constants": {"L": "L"}, "domain": "everywhere"}
    name = "smooth-self-bounding"
    for of, holds, match in (
        ({"f": "f_i", "grad": "grad_i"}, "f_i(x) - fstar", "differ"),
        ({"grad": "grad_i"}, "f(x) - fstar", "together"),
        ({"f": "f_i"}, "f(x) - fstar", "together"),
        ({"f": "f_i", "grad": "grad_i", "f_i": "f"}, "f(x) - fstar", "together"),
        ({"f": "f_i", "grad": "grad_i", "fstar": "fstar"}, "f(x) - fstar", "together"),
    ):
        data = inequality(
            f"sqnorm(grad_i(x)) <= 2*L*({holds})",
            parameters={"L": "positive"},
            conditions={"smooth": smooth},
            hypotheses=[said],
        )
        proof = by("g", derive=[{"name": "d", "by": name, "of": of}], use={"g": ["d", "x"]})
        refused(data, proof, match, {name: certificate_of(name)})


def low(constant: str, **more: Any) -> dict[str, Any]:
    conclusion = {"rule": "implies", "condition": "low", "of": {"f": "f"}, "at": {"x": "x"}}
    conclusion["constants"] = {"c": constant}
    return claim(points={"x": "any"}, conditions={"low": LOW}, conclusion=conclusion, **more)


def test_built_in_constants_keep_their_meaning() -> None:
    premise = certificate(
        low("fstar", parameters={"fstar": "real"}), by("g", use={"g": ["def.lower", "x"]}), {}
    )
    verify(premise)
    for constants, match in (({"fstar": "1000"}, "of its own"), ({"c": "1"}, "not a constant")):
        derive = [{"name": "d", "by": "P", "constants": constants}]
        proof = by("g", derive=derive, use={"g": ["d", "x"]})
        refused(inequality("f(x) >= 1000"), proof, match, {"P": premise})


def test_expectations_are_taken_at_points_known_before_sampling() -> None:
    bound = {
        "functions": ["sample_grad"],
        "constants": {},
        "slots": [["x", "point"]],
        "relations": {"main": "E(sqnorm(sample_grad(x))) <= 1"},
    }
    said = {"name": "bound", "condition": "bound", "of": {"sample_grad": "grad_i"}}
    said |= {"constants": {}, "domain": "everywhere"}
    data = inequality(
        "E(sqnorm(grad_i(y))) <= 1",
        conditions={"bound": bound},
        hypotheses=[said],
        setup=[{"name": "y", "is": "x - grad_i(x)"}],
    )
    refused(data, by("b", use={"b": ["bound", "y"]}), "depends on the sampled index|cannot be")


def test_balls_belong_to_the_rules_that_keep_iterates_inside() -> None:
    data, proof = theorem("gd-pl")
    data["points"]["x"] = "inside"
    for hypothesis in data["hypotheses"]:
        hypothesis["domain"] = "ball" if hypothesis["condition"] == "pl" else "everywhere"
    premises = {"smooth-quadratic-bounds": certificate_of("smooth-quadratic-bounds")}
    refused(data, proof, "not about a ball", premises)


def test_a_proof_cannot_complete_the_claim() -> None:
    define = [{"name": "z", "is": "5"}]
    refused(inequality("z >= 5"), by("0", define=define), "leaves open")
    data, proof = theorem("gd-pl")
    data["setup"] = [step for step in data["setup"] if step["name"] != "y"]
    proof["define"] = [{"name": "y", "is": "x - gamma*grad(x)"}]
    premises = {"smooth-quadratic-bounds": certificate_of("smooth-quadratic-bounds")}
    refused(data, proof, "leaves open", premises)


@pytest.mark.parametrize("holds", ["kl(f; c = h, theta = h)", "hessian-bounded(; h = h)"])
def test_conditions_in_words_are_not_concluded(holds: str) -> None:
    raw = {"id": "evil", "title": "t", "reference": "r", "hypotheses": []}
    raw |= {"functions": {"JT": ["point", "Y", "X"]}, "constants": {"h": "positive"}}
    raw |= {"conclusion": {"rule": "implies", "holds": holds}, "proof": {"show": {}}}
    with pytest.raises(Rejected, match="in words alone cannot be concluded"):
        prove_file(raw)
    with pytest.raises(Rejected, match="in words alone cannot be used"):
        prove_file({**raw, "hypotheses": [holds]})


SHOWN = {"growth": {"by": "1"}, "final": {"by": "0"}, "start": {"by": "0"}, "bound": {"by": "0"}}


def potential(**more: Any) -> dict[str, Any]:
    conclusion = {"rule": "potential", "potential": "s", "quantity": "s", "growth": "1"}
    conclusion |= {"noise": "1", "start": "s0", "initial": {"s0": "s"}, "bound": "s0+steps"}
    parameters = {"k": "nonnegative", "s0": "real", "steps": "positive"}
    base = {"parameters": parameters, "state": {"s": "s0"}, "next": {"s": "sp"}}
    return claim(**{**base, **more, "conclusion": {**conclusion, **more.get("conclusion", {})}})


def test_k_moves_with_the_step() -> None:
    setup = [{"name": "bp", "is": "1/(k+1)"}, {"name": "sp", "is": "s+(k+1)*b"}]
    data = potential(state={"b": "0", "s": "s0"}, next={"b": "bp", "s": "sp"}, setup=setup)
    shown = {**SHOWN, "inv_start": {"by": "1/(k+1)"}, "inv_kept": {"by": "0"}}
    shown["step"] = {"by": "(k+1)*inv"}
    refused(data, {"invariants": {"inv": "1/(k+1) >= b"}, "show": shown}, "changes with the step")
    small = [{"name": "small", "holds": "k <= 1"}, {"name": "sp", "is": "s+k"}]
    refused(potential(setup=small), {"show": {**SHOWN, "step": {"by": "small"}}}, "depend on k")
    for alias in ("k", "sqrt(k)", "min(k, k)"):
        setup = [{"name": "kk", "is": alias}, {"name": "sp", "is": "s+1"}]
        for key in ("potential", "growth", "bound", "quantity", "noise", "start"):
            data = potential(setup=setup, conclusion={key: "s + kk" if key[0] in "pq" else "1+kk"})
            refused(data, {"show": {**SHOWN, "step": {"by": "0"}}}, "depend on k")


def test_steps_may_depend_on_how_many_are_planned() -> None:
    """s grows by 1/K in each of K steps: s0 + 1 after them, and no less."""
    setup = [{"name": "planned", "is": "steps"}, {"name": "sp", "is": "s + 1/steps"}]
    conclusion = {"potential": "planned*s", "growth": "planned", "start": "planned*s0"}
    shown = {**SHOWN, "growth": {"by": "steps"}, "step": {"by": "0"}}
    data = potential(setup=setup, conclusion={**conclusion, "bound": "s0 + 1"})
    assert check(data, {"show": shown}, {}).checks == len(shown)
    for bound in ("s0", "s0 + 1/steps", "s0 + 1 - 1/steps"):
        data = potential(setup=setup, conclusion={**conclusion, "bound": bound})
        refused(data, {"show": shown}, "bound: the two sides differ")
    data = potential(setup=setup, conclusion={**conclusion, "noise": "k", "bound": "s0 + 1"})
    refused(data, {"show": shown}, "depend on k")


def test_gamma_varies_in_bound_varying() -> None:
    names = ("gamma", "gamma_sum", "gamma_sqsum", "steps")
    conclusion = {"rule": "telescoping", "potential": "0", "quantity": "b", "weight": "1"}
    conclusion |= {"noise": "gamma", "start": "0", "initial": {}, "bound": "gamma"}
    data = claim(
        parameters=dict.fromkeys(names, "positive"),
        state={"b": "0"},
        next={"b": "bp"},
        setup=[{"name": "bp", "is": "gamma"}],
        conclusion={**conclusion, "bound_varying": "gamma_sum/steps"},
    )
    zero = {"by": "0"}
    shown: dict[str, Any] = dict.fromkeys(("potential", "start", "bound", "bound_varying"), zero)
    shown |= {"inv_start": {"by": "gamma"}, "inv_kept": zero, "weight": {"by": "1"}}
    shown["step"] = {"by": "inv"}
    refused(data, {"invariants": {"inv": "gamma >= b"}, "show": shown}, "changes with the step")
    shown = {k: v for k, v in shown.items() if not k.startswith("inv")} | {"step": {"by": "hidden"}}
    for changed in ({"quantity": "gamma*b"}, {"noise": "hidden"}, {"bound_varying": "hidden"}):
        made = copy.deepcopy(data)
        made["setup"] += [{"name": "hidden", "is": "sqrt(gamma)"}]
        made["conclusion"] |= {"quantity": "0", "noise": "0", "bound": "1", **changed}
        with pytest.raises(Rejected):
            check(made, {"show": {**shown, "step": {"by": "hidden + 0"}}}, {})


def test_roots_of_the_ball_rules_are_roots() -> None:
    data, proof = theorem("gd-pl-star")
    for step in data["setup"]:
        if step["name"] == "q":
            step["is"] = "0 - f(y) - 100"
    lemma = {"name": "q_def", "holds": "q^2 >= f(y)", "proof": {"by": "there^2+199*there+10000"}}
    proof["lemmas"] = [lemma]
    del proof["defined"]["q"]
    premises = {"smooth-quadratic-bounds": certificate_of("smooth-quadratic-bounds")}
    refused(data, proof, "not defined as the square root", premises)


def test_an_axiom_is_known_by_its_claim() -> None:
    fake = axiom(low("1000"), "Karimi 2016")
    proof = by("g", derive=[{"name": "d", "by": "pl-qg"}], use={"g": ["d", "x"]})
    data = inequality("f(x) >= 1000")
    proved = verify(certificate(data, proof, {"pl-qg": fake}))
    assert proved.cited == {("pl-qg", read_claim(low("1000")).sha256)}
    assert "pl-qg: this axiom is not" in str(stranger(proved, data))
    own = low("fstar")
    proved = check(own, by("g", use={"g": ["def.lower", "x"]}), {})
    assert "low: this condition is not" in str(stranger(proved, own))
    whole = certificate_of("gd-pl")
    assert stranger(verify(whole), whole["claim"]) is None


def test_proved_is_not_copied_onto_another_claim() -> None:
    proved = check(inequality("1 >= 0"), by("1"), {})
    assert is_genuine(proved)
    assert not is_genuine("proved")
    other = read_claim(inequality("0 >= 1"))
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(proved, claim=other)
    forged = copy.copy(proved)
    assert not is_genuine(forged)
    derive = {"derive": [{"name": "d", "by": "P"}]}
    with pytest.raises(Rejected, match="neither an axiom"):
        check(inequality("1 >= 0"), by("1", **derive), {"P": forged})
    object.__setattr__(proved, "claim", other)
    assert not is_genuine(proved)
    with pytest.raises(TypeError):
        other.points["y"] = "any"  # type: ignore[index]


@pytest.mark.parametrize(
    "parts", [[], ["sampled"], ["scalar"], ["scalar", "scalar"], ["X", "point"]]
)
def test_functions_have_arguments_and_a_result(parts: list[str]) -> None:
    refused(inequality("1 >= 0", functions={"h": parts}), by("1"), "argument|not a space")


def test_malformed_parts_are_rejected() -> None:
    data = inequality("1 >= 0", setup=[{"name": "q", "is": "1/2"}])
    for key, value in (("defined", ["q"]), ("define", [1]), ("use", [1]), ("use", {"a": [[]]})):
        refused(data, by("1", **{key: value}), "expected")
    refused(inequality("1 >= 0", functions=["h"]), by("1"), "expected an object")
    refused(claim(conclusion={"rule": ["a"]}), {"show": {}}, "expected text")
    refused({**data, "points": {1: "any"}}, by("1"), "not a name")
    with pytest.raises(Rejected, match="twice"):
        read('{"a": 1, "a": 2}')
