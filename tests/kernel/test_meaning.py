"""Claims that would mean something else than they say: the kernel refuses each of them."""

from __future__ import annotations

from typing import Any

import pytest
from test_soundness import LOW, by, claim, inequality, low, refused

from boundcalc.kernel.certificate import axiom, certificate, verify
from boundcalc.kernel.check import check
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import TooLarge, limited, symbol


def said(condition: str, of: dict[str, str], **constants: str) -> dict[str, Any]:
    whole = {"name": condition, "condition": condition, "of": of, "constants": constants}
    return {**whole, "domain": "everywhere"}


def held(name: str, holds: str) -> dict[str, str]:
    return {"name": name, "holds": holds}


def shows(**nodes: str) -> dict[str, Any]:
    return {name: {"by": by_} for name, by_ in nodes.items()}


def run(rule: str, more: dict[str, str], **parts: Any) -> dict[str, Any]:
    """A claim about x → x, of a potential and a quantity that are 0 unless given."""
    conclusion = {"rule": "contraction", "potential": "0", "rate": "0", "noise": "0", "floor": "0"}
    if rule == "telescoping":
        conclusion = {"rule": rule, "potential": "0", "quantity": "0", "weight": "1"}
        conclusion |= {"noise": "0", "start": "0", "bound": "0"}
    base = {"points": {"x": "any"}, "next": {"x": "x"}, "parameters": {"steps": "positive"}}
    initial = {} if rule == "contraction" else {"initial": parts.pop("initial", {})}
    return claim(**{**base, **parts}, conclusion={**conclusion, **initial, **more})


CONTRACTS = shows(step="0", rate="0", noise="0", below_one="1", floor="0")
TELESCOPES = shows(step="0", potential="0", weight="1", start="0", bound="0")


def test_what_holds_for_one_index_is_not_a_mean() -> None:
    lemma = {"name": "m", "expected": True, "proof": {"by": "c"}}
    cases = {"split": "f_i(x) - 5", "name": "c"}
    for case, holds in (("nonnegative", "f_i(x) >= 5"), ("nonpositive", "f_i(x) <= 5")):
        cases[case] = {"lemmas": [{**lemma, "holds": holds}], "proof": {"by": "c*m"}}
    data = inequality("(f_i(x) - 5)*(f(x) - 5) >= 0")
    refused(data, {"show": {"main": cases}}, "unknown .*expected")
    data = inequality("f(x) >= 5", setup=[held("c", "f_i(x) >= 5")])
    refused(data, {"lemmas": [{**lemma, "holds": "f_i(x) >= 5"}], **by("m")}, "in the constants")


def test_an_equality_is_not_known_from_an_inequality() -> None:
    real = {"parameters": {"fstar": "real", "c": "real"}}
    premise = certificate(
        low("fstar + 1000*c", setup=[held("none", "c = 0")], **real),
        by("g + zero(none, -1000)", use={"g": ["def.lower", "x"]}),
        {},
    )
    verify(premise)
    proof = by("g + 1000*c", derive=[{"name": "d", "by": "P"}], use={"g": ["d", "x"]})
    data = inequality("f(x) >= fstar", setup=[held("pos", "c > 0")], **real)
    refused(data, proof, "not known here", {"P": premise})
    guarded = {**LOW, "guard": "f(x) = c", "relations": {"main": "f(x) >= c + 1000"}}
    parts = {"conditions": {"g": guarded}, "hypotheses": [said("g", {"f": "f"}, c="c")], **real}
    data = inequality("f(x) >= c + 1000", setup=[held("far", "f(x) > c")], **parts)
    refused(data, by("a", use={"a": ["g", "x"]}), "not known to hold here")


def test_a_guard_is_a_relation_of_scalars() -> None:
    flat: dict[str, Any] = {"functions": ["grad", "h"], "constants": {}, "slots": [["x", "point"]]}
    flat |= {"guard": "grad(x) = 0", "relations": {"main": "h(x) = 0"}}
    data = inequality(
        "dot(h(x), v) >= 0",
        functions={"h": ["point", "X"]},
        vectors={"v": "X"},
        conditions={"flat": flat},
        hypotheses=[said("flat", {"grad": "grad", "h": "h"})],
        setup=[held("across", "dot(grad(x), v) = 0")],
    )
    refused(data, by("zero(a, 1)", use={"a": ["flat", "x", "v"]}), "needs a vector to meet")


def test_an_equality_between_constants_is_not_concluded() -> None:
    data = low("c", parameters={"c": "real"}, setup=[held("six", "c >= 6")])
    data["conditions"] = {"low": {**LOW, "where": ["c = 5"]}, "known": LOW}
    data["hypotheses"] = [said("known", {"f": "f"}, c="c")]
    proof = {"use": {"g": ["known", "x"]}, "show": shows(where1="six + 1", main="g")}
    refused(data, proof, "cannot be concluded")


def test_a_mean_at_the_next_state_is_not_the_mean_of_what_follows() -> None:
    affine: dict[str, Any] = {"functions": ["grad"], "constants": {}}
    affine["slots"] = [["x", "point"], ["y", "point"]]
    affine["relations"] = {"main": "sqnorm(grad(x) - grad(y) - x + y) <= 0"}
    data = run(
        "contraction",
        {"potential": "E(sqnorm(grad_i(x)))"},
        next={"x": "y"},
        conditions={"affine": affine},
        hypotheses=[said("affine", {"grad": "grad_i"})],
        setup=[{"name": "y", "is": "x - grad_i(x)"}],
    )
    lemma = {"name": "m", "holds": "0 >= sqnorm(grad_i(y))", "expected": True}
    proof = {"lemmas": [{**lemma, "proof": {"by": "a"}}], "use": {"a": ["affine", "x", "y"]}}
    refused(data, {**proof, "show": {**CONTRACTS, "step": {"by": "m"}}}, "no expectation")
    walk = [{"name": "sp", "is": "s + f_i(x) - f(x)"}]
    moves = {"state": {"s": "0"}, "next": {"x": "x", "s": "sp"}, "setup": walk}
    shown = {**TELESCOPES, **shows(inv_start="0", inv_kept="inv", step="inv^3")}
    proof = {"invariants": {"inv": "E(s) >= 0"}, "show": shown}
    refused(run("telescoping", {"quantity": "0 - s^3"}, **moves), proof, "no expectation")


def test_a_minimiser_of_an_implication_is_one_of_the_claim() -> None:
    steep = {"functions": ["grad"], "constants": {}, "slots": [["x", "point"]]}
    parts = {"conditions": {"steep": {**steep, "relations": {"main": "sqnorm(grad(x)) >= 1"}}}}
    parts["hypotheses"] = [said("steep", {"grad": "grad"})]  # no minimiser: 0 >= 1 at one
    data = {**low("1000", hypotheses=parts["hypotheses"]), "points": {"x": "any", "s": "minimiser"}}
    data["conditions"] = {**data["conditions"], **parts["conditions"]}
    cases = {"split": "f(x) - 1000", "name": "c", **shows(nonnegative="c", nonpositive="a*c")}
    premise = certificate(data, {"use": {"a": ["steep", "s"]}, "show": {"main": cases}}, {})
    verify(premise)
    proof = by("g", derive=[{"name": "d", "by": "P"}], use={"g": ["d", "x"]})
    refused(inequality("f(x) >= 1000", **parts), proof, "rests on a minimiser", {"P": premise})


def test_sums_over_a_run_are_parameters() -> None:
    thousand = {"potential": "1", "start": "1", "bound": "1/1000"}
    shown = {"show": {**TELESCOPES, "potential": {"by": "1"}}}
    setup = [{"name": "steps", "is": "1000"}]
    data = run("telescoping", thousand, parameters={}, setup=setup)
    refused(data, shown, "steps: a positive parameter")
    state = {"state": {"steps": "1000"}, "next": {"x": "x", "steps": "steps"}, "parameters": {}}
    refused(run("telescoping", thousand, **state), shown, "steps: a positive parameter")
    data = run("telescoping", {"start": "steps", "bound": "1"}, initial={"steps": "dist2(x)"})
    refused(data, {"show": TELESCOPES}, "not a constant of the claim")
    names = dict.fromkeys(("steps", "gamma"), "positive")
    more = {"weight": "gamma", "bound_varying": "0"}
    setup = [{"name": "gamma_sum", "is": "1000*steps"}]
    shown = {"show": {**TELESCOPES, **shows(weight="gamma", bound_varying="0")}}
    data = run("telescoping", more, parameters=names, setup=setup)
    refused(data, shown, "gamma_sum: a positive parameter")
    data = run("telescoping", more, parameters=names, initial={"gamma": "sqnorm(x)"})
    shown["show"]["initial_gamma"] = {"by": "sqnorm(x)"}
    refused(data, shown, "positive")
    data["parameters"] = {**names, "gamma": "nonnegative", "gamma_sum": "positive"}
    data["setup"] = [held("moving", "gamma > 0")]
    shown["show"]["weight"] = {"by": "moving"}
    refused(data, shown, "may not depend on gamma")


def test_what_stands_for_a_start_has_its_sign() -> None:
    parts = {"parameters": {"steps": "positive", "D": "nonnegative", "any": "real"}}
    more = {"start": "0 - D", "bound": "0 - D/steps"}
    data = run("telescoping", more, initial={"D": "0 - sqnorm(x)", "any": "f(x)"}, **parts)
    refused(data, {"show": {**TELESCOPES, **shows(start="sqnorm(x)")}}, "initial_D: no proof")
    shown = {**TELESCOPES, **shows(start="sqnorm(x)", initial_D="0")}
    refused(data, {"show": shown}, "initial_D: the two sides differ")
    data = run("telescoping", {}, initial={"any": "f(x)"}, **parts)  # of any sign
    assert check(data, {"show": TELESCOPES}, {}).checks == len(TELESCOPES)


@pytest.mark.parametrize(
    ("holds", "more"),
    [
        ("sqnorm(grad(s)/c) <= 0", {}),
        ("sqnorm(T(grad(s)/c)) <= 0", {}),
        ("(1/c)^0 >= 1", {}),
        ("f(y) >= fstar", {"setup": [{"name": "y", "is": "x/c"}]}),
    ],
)
def test_every_division_stays_on_record(holds: str, more: dict[str, Any]) -> None:
    parts = {"parameters": {"c": "real"}, "points": {"x": "any", "s": "minimiser"}}
    data = inequality(holds, functions={"T": ["X", "X"]}, **parts, **more)
    proof = by("g" if more else "0", use={"g": ["def.lower", "y"]})
    refused(data, proof, "not known to be nonzero|not 0")


def test_constants_have_values() -> None:
    scaled = {**LOW, "relations": {"main": "c^2*(f(x) - 1000) >= 0"}}
    parts = {"conditions": {"scaled": scaled}, "hypotheses": [said("scaled", {"f": "f"}, c="c")]}
    real = {"c": "real", "t": "real"}
    data = low("1000", parameters=real, setup=[held("inv", "t*c = 1")])
    data |= {"conditions": {**parts["conditions"], "low": LOW}, "hypotheses": parts["hypotheses"]}
    lemma = {"name": "w", "holds": "t^2 >= 0", "proof": {"by": "square(t)"}}
    main = "w*a + zero(inv, 0 - (t*c + 1)*(f(x) - 1000))"
    premise = certificate(data, by(main, use={"a": ["scaled", "x"]}, lemmas=[lemma]), {})
    verify(premise)
    derive = [{"name": "d", "by": "P", "constants": {"t": "1/c"}}]
    data = inequality("f(x) >= 1000", parameters=real, setup=[held("z", "0 = 0")], **parts)
    proof = by("g", derive=derive, use={"g": ["d", "x"]})
    refused(data, proof, "not known to be nonzero", {"P": premise})
    parts = {"state": {"s": "1/c"}, "next": {"x": "x", "s": "s"}, "parameters": {"c": "real"}}
    refused(run("contraction", {}, **parts), {"show": CONTRACTS}, "not known to be nonzero")
    conditions = {"low": LOW}
    for constant in ("1/c", "inf_i"):
        parts = {"conditions": conditions, "hypotheses": [said("low", {"f": "f"}, c=constant)]}
        data = inequality("f(x)*c >= 1", parameters={"c": "real"}, **parts)
        refused(data, by("g", use={"g": ["low", "x"]}), "nonzero|in the constants")


def test_conditions_and_points_mean_what_they_say() -> None:
    data = inequality("f(x) >= 5", hypotheses=[said("low", {"f": "f"}, c="5")])
    proof = by("g", use={"g": ["low", "x"]})
    data["conditions"] = {"low": {**LOW, "slots": [["x", "minimizer"]]}}
    refused(data, proof, "unknown kind of slot")
    data["conditions"] = {"low": {**LOW, "functions": ["E"], "relations": {"main": "E(x) >= c"}}}
    data["hypotheses"] = [said("low", {"E": "h"}, c="5")]
    refused({**data, "functions": {"h": ["point", "scalar"]}}, proof, "have their own meaning")
    steps = {"state": {"s": "0"}, "next": {"s": "sp"}}
    setup = [held("c", "f(x) >= 0"), {"name": "sp", "is": "s + f(x)"}]
    proof = {"invariants": {"inv": "s >= 0"}, "show": shows(inv_start="0", inv_kept="inv + c")}
    refused(inequality("s >= 0", setup=setup, **steps), proof, "not about steps")


def test_a_certificate_cannot_imitate_the_output() -> None:
    id = "none\nproved other.json: 3 identities, axioms: none"
    proof = by("g", derive=[{"name": "d", "by": id}], use={"g": ["d", "x"]})
    refused(inequality("f(x) >= 1000"), proof, "letters", {id: axiom(low("1000"), "r")})
    with pytest.raises(Rejected) as rejected:
        verify(certificate(inequality("1 >= 0"), by("1", lemmas=[{"\x1b\nproved": 1}]), {}))
    assert str(rejected.value).isprintable()
    assert str(Rejected("a\nb")) == "a\\nb"


def test_the_work_of_a_certificate_is_limited() -> None:
    vectors = {f"v{k}": "X" for k in range(300)}
    total = "+".join("(" + "+".join(list(vectors)[k : k + 60]) + ")" for k in range(0, 300, 60))
    data = inequality("sqnorm(v0) >= 0", vectors=vectors, functions={"T": ["X", "X", "X", "X"]})
    for by_ in (f"sqnorm({total})", f"sqnorm(T({total}, {total}, {total}))"):
        refused(data, by(by_), "too much work")
    setup = [{"name": "r0", "is": "1/c"}]
    setup += [{"name": f"r{k + 1}", "is": f"r{k}*r{k}"} for k in range(40)]
    data = inequality("r40 >= 0", parameters={"c": "positive"}, setup=setup)
    refused(data, by("0"), "exponent above")


def test_work_is_counted_within_a_certificate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boundcalc.kernel.polynomial.MAX_WORK", 3)
    total = symbol("a") + symbol("b") + symbol("c")
    square = total * total
    assert len(square.numerator.terms) == 6
    with pytest.raises(TooLarge):
        limited(lambda: total * total)()
