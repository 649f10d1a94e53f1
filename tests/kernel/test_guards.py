"""Guards that only a malformed or a devious certificate meets: each is met here."""

from __future__ import annotations

from typing import Any

import pytest

from boundcalc.kernel import check as checker
from boundcalc.kernel.check import check
from boundcalc.kernel.claim import CLAIM_SCHEMA, read_claim
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Axiom
from boundcalc.kernel.scope import CONSTANT, Scope

BELOW = {
    "functions": ["f"],
    "constants": {"c": "real"},
    "slots": [["x", "point"]],
    "relations": {"main": "f(x) >= c"},
}
MEAN = {
    "functions": ["sample_grad"],
    "constants": {},
    "slots": [["x", "point"]],
    "relations": {"main": "E(sqnorm(sample_grad(x))) >= 0"},
}
MOVED = {"f": "f_i", "grad": "grad_i"}


def claim(**more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"schema": CLAIM_SCHEMA, "parameters": {"c": "real"}}
    base |= {"conditions": {"below": BELOW}, "hypotheses": [], "points": {"x": "any"}}
    base |= {"conclusion": {"rule": "inequality", "holds": "1 >= 0"}}
    return {**base, **more}


def implication(**more: Any) -> dict[str, Any]:
    """c is below f, of f or of another function."""
    said = {"rule": "implies", "condition": "below", "constants": {"c": "c"}, "at": {"x": "x"}}
    said |= {"of": {"f": "f"}}
    return claim(conclusion={**said, **more.pop("conclusion", {})}, **more)


def hypothesis(condition: str, **of: str) -> dict[str, Any]:
    constants = {"c": "c"} if condition == "below" else {}
    said = {"name": condition, "condition": condition, "of": of, "constants": constants}
    return {**said, "domain": "everywhere"}


def derived(premise: dict[str, Any], match: str, **entry: Any) -> None:
    """A proof that uses the premise is refused."""
    proof = {"derive": [{"name": "d", "by": "P", **entry}], "show": {"main": {"by": "1"}}}
    here = claim(functions=premise.get("functions", {}))
    with pytest.raises(Rejected, match=match):
        check(here, proof, {"P": Axiom("P", read_claim(premise), "nowhere")})


def test_an_axiom_with_half_a_conclusion_is_not_used() -> None:
    derived(claim(conclusion={"rule": "implies"}), "not well formed: 'condition'")


def test_an_implication_about_f_i_is_not_moved() -> None:
    said = [hypothesis("below", f="f_i")]
    derived(implication(hypotheses=said), "speaks of f_i itself", of=MOVED)


def test_an_implication_about_sampled_functions_is_not_moved() -> None:
    sampled = {"batch": ["point", "X", "sampled"]}
    derived(implication(functions=sampled), "speaks of sampled functions", of=MOVED)


def test_an_implication_with_an_expectation_is_not_moved() -> None:
    conditions = {"below": BELOW, "mean": MEAN}
    derived(implication(conditions=conditions), "mean speaks of an expectation", of=MOVED)


def test_constraints_of_an_implication_are_on_its_constants() -> None:
    setup = [{"name": "s", "holds": "c >= sigma2"}]
    derived(implication(setup=setup), "more than its own constants")


def test_claims_are_json() -> None:
    with pytest.raises(Rejected, match="not a JSON value"):
        check(claim(parameters={1, 2}), {"show": {"main": {"by": "1"}}}, {})


def test_a_name_of_the_claim_is_not_read_as_an_assumption() -> None:
    """b >= 0 is assumed under the name a; then a stands for something else, of unknown sign."""
    setup = [{"name": "a", "holds": "c >= 0"}, {"name": "a", "is": "c - 5"}]
    setup.append({"name": "root", "is": "sqrt(a)"})
    with pytest.raises(Rejected, match="names an assumption"):
        check(claim(setup=setup), {"show": {"main": {"by": "1"}}}, {})


def test_start_values_are_constants_of_the_claim() -> None:
    conclusion = {"rule": "telescoping", "potential": "0", "quantity": "0", "weight": "1"}
    conclusion |= {"noise": "0", "start": "0", "initial": {"c0": "f(x)"}, "bound": "0"}
    data = claim(parameters={"steps": "positive"}, conclusion=conclusion)
    shown = {name: {"by": "0"} for name in ("step", "potential", "start", "bound")}
    with pytest.raises(Rejected, match="c0 is not a constant of the claim"):
        check(data, {"show": {**shown, "weight": {"by": "1"}}}, {})


def test_a_rule_that_asks_for_nothing_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rule is like that; a new one could be."""
    rules = {**checker.RULES, "inequality": lambda context, claim: iter(())}
    monkeypatch.setattr(checker, "RULES", rules)
    with pytest.raises(Rejected, match="nothing was shown"):
        check(claim(), {"show": {}}, {})


@pytest.mark.parametrize("name", ["<x,x>", "f(x)", "", "a b"])
def test_a_scope_declares_names_of_the_grammar_alone(name: str) -> None:
    with pytest.raises(GrammarError, match="not a name"):
        Scope().add_scalar(name, CONSTANT)


def test_start_values_are_known_before_sampling() -> None:
    conclusion = {"rule": "telescoping", "potential": "0", "quantity": "0", "weight": "1"}
    conclusion |= {"noise": "0", "start": "0", "initial": {"c": "f_i(x)"}, "bound": "0"}
    data = claim(parameters={"steps": "positive", "c": "real"}, conclusion=conclusion)
    shown = {name: {"by": "0"} for name in ("step", "potential", "start", "bound")}
    with pytest.raises(Rejected, match="c is known before an index is sampled"):
        check(data, {"show": {**shown, "weight": {"by": "1"}}}, {})


def test_an_equality_is_used_with_a_multiplier() -> None:
    setup = [{"name": "half", "holds": "c = 1/2"}]
    with pytest.raises(Rejected, match=r"write zero\(half, multiplier\)"):
        check(claim(setup=setup), {"show": {"main": {"by": "1 + half"}}}, {})
    assert check(claim(setup=setup), {"show": {"main": {"by": "1 + zero(half, 0)"}}}, {}).checks


def test_the_mean_of_an_inner_product_without_a_mean_is_a_new_variable() -> None:
    conclusion = {"rule": "inequality", "holds": "E(dot(h(x), x)) >= dot(grad(x), x)"}
    data = claim(functions={"h": ["point", "X", "sampled"]}, conclusion=conclusion)
    with pytest.raises(Rejected, match="the two sides differ"):
        check(data, {"show": {"main": {"by": "0"}}}, {})
    same = {"rule": "inequality", "holds": "E(dot(h(x), x)) >= E(dot(x, h(x)))"}
    assert check({**data, "conclusion": same}, {"show": {"main": {"by": "0"}}}, {}).checks == 1


def test_the_mean_of_a_product_is_no_product_of_means() -> None:
    conclusion = {"rule": "inequality", "holds": "E(square(f_i(x))) >= square(f(x))"}
    with pytest.raises(Rejected, match="the two sides differ"):
        check(claim(conclusion=conclusion), {"show": {"main": {"by": "0"}}}, {})
