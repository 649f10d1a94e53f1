"""What the kernel refuses of given functions, and why."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from boundcalc.kernel.analytic.check import (
    ENCLOSURE_SCHEMA,
    Decided,
    is_genuine,
    verify,
    verify_all,
)
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.paving import (
    ANCHOR,
    CONVEX,
    CONVEX_AT,
    LEAF,
    MAX_DEPTH,
    MEAN,
    NATURAL,
    OUTSIDE,
    SHARP,
    SKIP,
    packed,
)
from boundcalc.kernel.grammar import MAX_DEPTH as DEEPEST
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected

from .test_analytic_soundness import (
    FORM,
    HERE,
    PL,
    STURM,
    accepted,
    certificate,
    claim,
    refused,
    schema,
)

Json = Any
LINE = ["-oo", "oo"]
PLANE = {"x": LINE, "y": LINE}
SQUARE = {"x": ["-1", "1"], "y": ["-1", "1"]}
MAIN = "condition.main0.0"


def tree(*codes: int) -> Json:
    return {"rule": "paving", "tree": packed(bytes(codes))}


# -- formulas


@pytest.mark.parametrize(
    ("text", "said", "character"),
    [
        ("x^2^3", "two powers in a row", 4),
        ("x^65", "exponents above 64", 2),
        ("(x^8)^9", "exponents above 64", 6),
        ("x^(1/13)", "roots beyond the 12th", 2),
        ("x^(1/0)", "divided by 0", 5),
        ("x^y", "an exponent is a number", 3),
        ("x^(2", "expected", 5),
        ("x^1234567890123", "exponents above", 3),
        ("x^2 y", "unexpected 'y'", 5),
        ("x + ", "expected", 4),
        ("-" * (DEEPEST + 1) + "x", "nested deeper", DEEPEST + 1),
        ("sin(x, y)", "argument", 1),
        ("foo(x)", "foo", 1),
    ],
)
def test_formulas_that_are_refused(text: str, said: str, character: int) -> None:
    with pytest.raises(GrammarError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert caught.value.position == character - 1


# -- claims


def changed(**more: Any) -> Json:
    return {**claim("x^2", "pl-star", PL), **more}


def lacking(key: str) -> Json:
    return {k: v for k, v in claim("x^2", "pl-star", PL).items() if k != key}


CLAIMS = {
    "schema": (changed(schema="boundcalc.analytic/2"), "expected schema"),
    "not an object": ([], "expected an object"),
    "missing": (lacking("domain"), "missing"),
    "unknown": (changed(extra=1), "unknown"),
    "no variables": (changed(variables=[], domain={}), "variables"),
    "twice": (changed(variables=["x", "x"]), "different variables"),
    "many": (changed(variables=[f"x{k}" for k in range(17)]), "16"),
    "reserved": (changed(variables=["sin"], domain={"sin": LINE}), "function or of a constant"),
    "name": (changed(variables=["@c"], domain={"@c": LINE}), "not a name"),
    "other domain": (changed(domain={"y": LINE}), "domain"),
    "one end": (changed(domain={"x": ["0"]}), "two ends"),
    "upside down": (changed(domain={"x": ["1", "0"]}), "above"),
    "no number": (changed(domain={"x": ["zero", "1"]}), "not a rational"),
    "divided": (changed(domain={"x": ["1/0", "1"]}), "not a rational"),
    "large": (changed(domain={"x": ["0", "1e1000"]}), "too large"),
    "long": (changed(domain={"x": ["0", "1" * 2001]}), "not a rational"),
    "both": (changed(residual=["x"]), "either"),
    "neither": (lacking("components"), "either"),
    "no component": (changed(components=[]), "between 1"),
    "components": (changed(components="x^2"), "expected a list"),
    "formula": (changed(components=["x +"]), "character"),
    "stranger": (changed(components=["z"]), "unknown name"),
    "of": (changed(of="some"), '"of"'),
    "each": ({**claim(["x"], "pl-star", PL, residual=True), "of": "each"}, '"of"'),
    "condition": (changed(condition="pl"), "schema with its id"),
    "constants": (changed(constants={"L": "1"}), "has the constants"),
    "negative": (changed(constants={"mu": "0-1"}), "mu is not positive"),
    "zero": (changed(constants={"mu": "pi - pi"}), "mu is not positive"),
    "below": (changed(constants={"mu": "pi - 4"}), "mu is not positive"),
    "two open": (
        claim("x^2", "alpha-beta", {"alpha": "any", "beta": "any"}),
        "one constant at most",
    ),
    "ball": (changed(ball={"center": ["0", "0"], "radius": "1"}), "center"),
    "radius": (changed(ball={"center": ["0"], "radius": "0"}), "radius"),
}


@pytest.mark.parametrize(("said", "why"), CLAIMS.values(), ids=CLAIMS)
def test_claims_that_are_refused(said: Json, why: str) -> None:
    body = {**certificate({}, {MAIN: FORM}), "claim": said}
    from boundcalc.kernel.claim import digest

    with pytest.raises(Rejected, match=why):
        verify({**body, "claim_sha256": digest(said)})


def test_the_claim_itself_is_fine() -> None:
    assert accepted(changed(), {MAIN: FORM}) == "proved"
    ball = changed(ball={"center": ["0"], "radius": "1"}, of="each")
    assert accepted(ball, {MAIN: FORM}) == "proved"
    named = claim("x^2", "alpha-beta", {"alpha": "1", "beta": "sqrt(2) + pi + e"})
    facts = {"minimisers": {"points": [["0"]]}}
    assert accepted(named, {"minimisers.above": FORM, MAIN: FORM}, facts) == "proved"


# -- conditions


def mine(relation: str | dict[str, str], **more: Any) -> Json:
    own = schema("pl", id="mine", **more)
    own["relations"] = {"main": relation} if isinstance(relation, str) else relation
    return claim("x^2", own, PL)


@pytest.mark.parametrize(
    ("relation", "why"),
    [
        ("grad(x) >= 0", "number is expected|added and subtracted"),
        ("dot(x, 1) >= 0", "a vector is expected"),
        ("sqnorm(f(x)) >= 0", "a vector is expected"),
        ("x*f(x) >= 0", "added and subtracted only"),
        ("f(y) >= 0", "not for given functions"),
        ("f(x) + y >= 0", "no meaning"),
        ("f(x) = 0", ">= or <="),
        ("f(x) > 0", ">= or <="),
        ("f(x) >= ", "condition"),
        ("f(x)/(1 - 1) >= 0", "division by 0"),
        ("f(x)*inf >= 0", "coefficient that varies"),
        ("inf^2 >= 0", "coefficient that varies"),
    ],
)
def test_relations_that_are_refused(relation: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        verify(certificate(mine(relation), {MAIN: FORM}, {}))


def test_relations_in_every_form() -> None:
    relation = "sqnorm(x + x - 2*1*f(x)/f(x)*0 ) >= 0"
    refused(mine(relation), {MAIN: FORM})
    fine = "sqnorm(grad(x) + x - x)/2 + f(x)^2 >= mu*f(x) - 0*f(x)"
    assert accepted(mine(fine), {MAIN: FORM}) == "proved"


def test_points_of_other_kinds_are_refused() -> None:
    for slots in (
        [["x", "point"], ["y", "point"]],
        [["x", "point"], ["s", "minimiser"]],
        [["s", "minimiser"]],
    ):
        said = claim("x^2", schema("pl", id="mine", slots=slots), PL)
        assert "not for given functions" in refused(said, {MAIN: FORM})


def test_conditions_of_a_map_need_a_map() -> None:
    said = claim("x^2", "uniform-conditioning", PL)
    assert "residual map" in refused(said, {"condition.kernel": HERE})


def test_guards_hold_back_the_condition() -> None:
    # ½(2x)² ≥ 2·x² fails for no x; x² ≥ x⁴ holds only where x² ≤ 1
    guarded = {"mu": "1", "epsilon": "4"}
    said = claim("x^2 - 1/2", "pl-star-eps", guarded)
    assert accepted(said, {MAIN: FORM}) == "proved"
    away = claim("x", "pl-star-eps", {"mu": "1", "epsilon": "1/2"}, domain={"x": ["-9", "1/2"]})
    assert accepted(away, {MAIN: tree(LEAF + NATURAL)}) == "proved"
    low = claim("x", "pl-star-eps", {"mu": "1", "epsilon": "4"}, domain={"x": ["0", "2"]})
    assert accepted(low, {MAIN: tree(LEAF + OUTSIDE)}) == "proved"
    at = {"point": ["1"]}
    assert "not shown to fail" in refused(low, {}, witness=at)


# -- certificates


def good() -> Json:
    return certificate(claim("x^2", "pl-star", PL), {MAIN: FORM})


HEADS = {
    "schema": ({"schema": "other"}, "expected schema"),
    "hash": ({"claim_sha256": "0" * 64}, "hash"),
    "few bits": ({"precision": 52}, "bits"),
    "many bits": ({"precision": 2001}, "bits"),
    "bits": ({"precision": "106"}, "bits"),
    "verdict": ({"verdict": "undecided"}, "proved or refuted"),
    "verdict type": ({"verdict": 1}, "expected text"),
    "witness": ({"witness": {}}, "no witness"),
    "no witness": ({"verdict": "refuted"}, "witness"),
    "proofs": ({"proofs": []}, "proofs are an object"),
    "too few": ({"proofs": {}}, "one proof for each goal"),
    "too many": ({"proofs": {MAIN: FORM, "more": FORM}}, "one proof for each goal"),
    "facts": ({"facts": []}, "expected an object"),
    "unknown fact": ({"facts": {"other": 1}}, "unknown"),
    "via": ({"via": "magic"}, "via is one of"),
    "anchors": ({"anchors": "0"}, "expected a list"),
    "anchor": ({"anchors": [["0", "1"]]}, "one coordinate"),
    "unknown": ({"more": 1}, "unknown"),
    "proof": ({"proofs": {MAIN: "form"}}, "a proof is an object"),
    "rule": ({"proofs": {MAIN: {"rule": "trust"}}}, "no rule"),
    "rule type": ({"proofs": {MAIN: {"rule": ["form"]}}}, "no rule"),
    "form": ({"proofs": {MAIN: {"rule": "form", "form": "nice"}}}, "a form is one of"),
}


@pytest.mark.parametrize(("change", "why"), HEADS.values(), ids=HEADS)
def test_heads_that_are_refused(change: Json, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        verify({**good(), **change})


@pytest.mark.parametrize("body", [None, 3, "x", [], {}, {"schema": "x"}, {"claim": {}}])
def test_no_certificate_at_all(body: Json) -> None:
    with pytest.raises(Rejected):
        verify(body)


def test_an_open_claim_is_not_proved() -> None:
    said = claim("x^2", "pl-star", {"mu": "any"})
    assert "a value for every constant" in refused(said, {MAIN: FORM})


def test_enclosures_are_lists_of_certificates() -> None:
    whole = {"schema": ENCLOSURE_SCHEMA, "certificates": [good(), good()]}
    assert [one.verdict for one in verify_all(whole)] == ["proved", "proved"]
    assert len(verify_all(good())) == 1
    for parts in ([], [good()] * 101, "all", [{}]):
        with pytest.raises(Rejected):
            verify_all({**whole, "certificates": parts})
    with pytest.raises(Rejected):
        verify_all({**whole, "more": 1})


def test_only_the_checker_makes_outcomes() -> None:
    real = verify(good())
    assert is_genuine(real)
    assert not is_genuine("proved")
    with pytest.raises(TypeError):
        Decided(real.statement, "proved", 1, None)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        replace(real, verdict="refuted")
    forged = copy.copy(real)
    assert not is_genuine(forged)
    object.__setattr__(real, "verdict", "refuted")
    assert not is_genuine(real)


# -- facts

TILTED = "x^2 + sin(x)"
NEAR = "-450183611/1000000000"
ENCLOSED = {"point": [NEAR], "box": [["-1", "0"]], "convexity": "1"}
LOG = claim("x - log(x)", "pl", PL, domain={"x": ["1/2", "2"]})


def of(f: str, condition: str = "qg", **more: Any) -> Json:
    return claim(f, condition, PL, **more)


FACTS = {
    "two kinds": (
        of("x^2"),
        {"minimisers": {"points": [["0"]]}, "enclosed": ENCLOSED},
        "exact or enclosed",
    ),
    "no points": (of("x^2"), {"minimisers": {"points": []}}, "at least one"),
    "coordinates": (of("x^2"), {"minimisers": {"points": [["0", "0"]]}}, "one coordinate"),
    "outside": (of("x^2", domain={"x": ["1", "2"]}), {"infimum": {"at": ["0"]}}, "in the domain"),
    "beyond": (of("x^2", domain={"x": ["-2", "-1"]}), {"infimum": {"at": ["0"]}}, "in the domain"),
    "out of the ball": (
        of("x^2", ball={"center": ["3"], "radius": "1"}),
        {"infimum": {"at": ["0"]}},
        "in the domain",
    ),
    "values": (of("x^2"), {"minimisers": {"points": [["0"], ["1"]]}}, "differs"),
    "another number": (of("(x^2-1)^2"), {"minimisers": {"points": [["1"]]}}, "another number"),
    "same twice": (of("x^2"), {"minimisers": {"points": [["0"], ["0"]]}}, "may be the same"),
    "constant": (of("x - x + 1"), {"minimisers": {"points": [["0"]]}}, "another number"),
    "planar": (
        of("x^2", domain=PLANE),
        {"minimisers": {"points": [["0", "0"]]}},
        "several variables",
    ),
    "in a ball": (
        of("x^2", ball={"center": ["0"], "radius": "1"}),
        {"minimisers": {"points": [["0"]]}},
        "on an interval",
    ),
    "boxes": (of("x^2"), {"minimisers": {"points": [["0"]], "boxes": []}}, "one box"),
    "box ends": (
        of("x^2"),
        {"minimisers": {"points": [["0"]], "boxes": [[["-1", "1"]] * 2]}},
        "two ends",
    ),
    "slope": (
        of("x^2"),
        {"minimisers": {"points": [["1"]], "boxes": [[LINE]]}},
        "gradient is not 0",
    ),
    "irrational, in its box": (  # the other minimiser is in none
        of("(x^2-2)^2"),
        {"minimisers": {"points": [["sqrt(2)"]], "boxes": [[["1", "2"]]]}},
        "one proof for each goal",
    ),
    "irrational, in a wrong box": (
        of("(x^2-2)^2"),
        {"minimisers": {"points": [["sqrt(2)"]], "boxes": [[["3/2", "2"]]]}},
        "in its box",
    ),
    "wrong box": (
        of("x^2"),
        {"minimisers": {"points": [["0"]], "boxes": [[["1", "2"]]]}},
        "in its box",
    ),
    "no minimisers": (of("x^2"), {}, "all minimisers"),
    "convexity": (of(TILTED), {"enclosed": {**ENCLOSED, "convexity": "0"}}, "positive convexity"),
    "enclosed size": (of(TILTED), {"enclosed": {**ENCLOSED, "point": []}}, "a point of the box"),
    "off the box": (of(TILTED), {"enclosed": {**ENCLOSED, "point": ["2"]}}, "around the point"),
    "unbounded": (of(TILTED), {"enclosed": {**ENCLOSED, "box": [LINE]}}, "bounded box"),
    "at the boundary": (
        of(TILTED, domain={"x": ["-1", "1"]}),
        {"enclosed": ENCLOSED},
        "touches the boundary",
    ),
    "beyond the ball": (
        of(TILTED, ball={"center": ["0"], "radius": "1/2"}),
        {"enclosed": ENCLOSED},
        "inside the ball",
    ),
    "near the edge": (
        of(TILTED),
        {"enclosed": {**ENCLOSED, "point": ["-1/100"], "convex": True}},
        "too near",
    ),
    "convex": (of(TILTED), {"enclosed": {**ENCLOSED, "convex": "yes"}}, "convex is true"),
    "at": (of("x^2", "pl"), {"infimum": {"lower": "at"}}, "needs a point"),
    "infimum": (of("x^2", "pl"), {"infimum": {"value": "0"}}, "unknown"),
    "no bound": (of("x^2", "pl"), {}, "no lower bound"),
    "formula": (of("x^2", "pl"), {"infimum": {"lower": "x"}}, "unknown name"),
    "forms": (of("x^2", domain=PLANE), {"forms": []}, "one coefficient"),
    "form size": (of("x^2", domain=PLANE), {"forms": [["1"]]}, "one coefficient"),
    "dependent": (
        of("x^2", domain=PLANE),
        {"forms": [["1", "0"], ["2", "0"]]},
        "dependent",
    ),
    "wrong form": (of("x^2", domain=PLANE), {"forms": [["0", "1"]]}, "changes where"),
    "form on a box": (of("x^2", domain=SQUARE), {"forms": [["1", "0"]]}, r"R\^d"),
    "residual": (of("x^2", "pl-star"), {"residual": ["x"]}, "half its square"),
    "no residual": (of("x^2", "pl-star"), {"residual": []}, "half its square"),
    "long residual": (of("x^2", "pl-star"), {"residual": ["x"] * 201}, "at most"),
}


@pytest.mark.parametrize(("said", "facts", "why"), FACTS.values(), ids=FACTS)
def test_facts_that_are_refused(said: Json, facts: Json, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        verify(certificate(said, {MAIN: FORM}, facts))


def test_infima_are_one_for_each_component() -> None:
    pair = claim(["(x-1)^2/2", "(x+1)^2/2"], "self-bounding", {"L": "1"}, of="each")
    assert "one entry for each" in refused(pair, {}, {"infima": [{"at": ["1"]}]})
    assert "no upper bound" in refused(pair, {}, {"infima": [{"at": ["1"]}, None]})
    facts = {"infima": [{"at": ["1"]}, {"at": ["0-1"]}]}
    proofs = {MAIN: FORM, "condition.main1.0": FORM}
    assert accepted(pair, proofs, facts) == "proved"
    # bounds of the infima of the components say nothing of the infimum of f
    mean = {**pair, "of": "mean"}
    assert "no upper bound" in refused(mean, proofs, facts)


def test_facts_that_are_accepted() -> None:
    above = {"minimisers.above": STURM}
    for facts, proofs in (
        ({"minimisers": {"points": [["0"]]}}, above),
        (
            {"minimisers": {"points": [["0"]], "boxes": [[LINE]]}},
            {"minimisers.above": tree(LEAF + SKIP), "minimisers.convex0": HERE},
        ),
        (
            {"minimisers": {"points": [["0"]], "boxes": [[["-1", "oo"]]]}},
            {
                "minimisers.above": tree(0, 0, LEAF + NATURAL, LEAF + SKIP, LEAF + SKIP),
                "minimisers.convex0": HERE,
            },
        ),
    ):
        assert accepted(of("x^2"), {**proofs, MAIN: FORM}, facts) == "proved"
    half = {"minimisers": {"points": [["1"]]}}
    on = of("x^2", "pl", domain={"x": ["1", "oo"]})
    assert accepted(on, {**above, MAIN: FORM}, half) == "proved"


def test_an_enclosed_minimiser() -> None:
    proofs = {"minimisers.convex": HERE, "minimisers.convex0": HERE}
    said = claim(TILTED, "rsi", {"mu": "1/10"}, domain={"x": ["-3", "3"]})
    enclosed = {"enclosed": {**ENCLOSED, "convex": True}}
    found = {MAIN: tree(LEAF + ANCHOR, 0)}
    refused(said, {**proofs, MAIN: tree(LEAF + ANCHOR, 1)}, enclosed)
    refused(said, {**proofs, **found, MAIN: tree(LEAF + NATURAL)}, enclosed)
    whole = {**proofs, "condition.convex0": HERE}
    assert accepted(said, whole, enclosed, via="strong-convexity") == "proved"


# -- proofs

P = "x^2 - 2*x + 1"  # nonnegative, and no better


def nonnegative(f: str, proof: Json, **more: Any) -> tuple:
    return claim(f, "nonnegative", {}, **more), {MAIN: proof}


SOS = {"rule": "sos", "squares": [["1", "x - 1"]]}
PROOFS = {
    "form": (nonnegative(P, FORM), "not shown by form"),
    "sturm": (nonnegative("x^2 - 1", STURM), "not shown by sturm"),
    "two variables": (nonnegative("x^2 + y^2", STURM, domain=PLANE), "in one variable"),
    "atoms": (nonnegative("sin(x) + 1", STURM), "in one variable"),
    "degree": (nonnegative("(x^60)^1*(x^60)*x^60*x^60*x^60*x^60", STURM), "degree above"),
    "sos": (nonnegative(P, {**SOS, "squares": [["1", "x - 2"]]}), "is not the goal"),
    "weight": (nonnegative(P, {**SOS, "squares": [["-1", "x - 1"]]}), "negative weight"),
    "pair": (nonnegative(P, {**SOS, "squares": ["x - 1"]}), "expected a list"),
    "index": (
        nonnegative(P, {**SOS, "products": [{"constraints": [0], "squares": []}]}),
        "not there",
    ),
    "index type": (
        nonnegative(P, {**SOS, "products": [{"constraints": ["0"], "squares": []}]}),
        "not there",
    ),
    "strict sos": (
        (claim("1/(1+x^2)", "nonnegative", {}), {"defined.0": SOS, MAIN: FORM}),
        "strict",
    ),
    "parts": (
        nonnegative("x^2+y^2", {"rule": "parts", "shares": ["1", "0"], "proofs": []}, domain=PLANE),
        "one proof for each part",
    ),
    "margin": (nonnegative(P, {"rule": "margin", "by": "1", "proof": FORM}), "margin"),
    "free": (nonnegative(P, {"rule": "free", "proof": FORM}), "nothing to set free"),
    "charts": (
        nonnegative(P, {"rule": "charts", "radius": "4", "core": FORM, "charts": {"+x": FORM}}),
        "missing",
    ),
    "radius": (
        nonnegative(
            P,
            {"rule": "charts", "radius": "1", "core": FORM, "charts": {"+x": FORM}},
            domain={"x": ["2", "oo"]},
        ),
        "radius",
    ),
    "no tree": (nonnegative(P, {"rule": "paving"}), "missing"),
    "not packed": (nonnegative(P, {"rule": "paving", "tree": "AAAA"}), "packed tree"),
    "not base64": (nonnegative(P, {"rule": "paving", "tree": "?"}), "packed tree"),
    "cut": (nonnegative(P, {"rule": "paving", "tree": packed(b"@")[:8]}), "cut|packed"),
    "empty tree": (nonnegative(P, tree()), "ends too early"),
    "open": (nonnegative(P, tree(LEAF + NATURAL)), "not closed"),
    "half": (nonnegative(P, tree(0, LEAF + NATURAL)), "not closed|too early"),
    "axis": (nonnegative(P, tree(1)), "an axis that is not there"),
    "too often": (nonnegative(P, tree(*[0] * (MAX_DEPTH + 1))), "too often"),
    "left over": (nonnegative("x^2", tree(LEAF, LEAF)), "left over"),
    "point left": (
        nonnegative("x^2", {**tree(LEAF), "points": [["0"]]}),
        "left over",
    ),
    "point missing": (nonnegative(P, tree(LEAF + CONVEX_AT)), "a point is missing"),
    "point size": (nonnegative(P, {**tree(LEAF), "points": [["0", "0"]]}), "one coordinate"),
    "anchor missing": (nonnegative(P, tree(LEAF + ANCHOR)), "ends too early"),
    "no anchor": (nonnegative(P, tree(LEAF + ANCHOR, 0)), "not closed"),
    "unknown leaf": (
        nonnegative("x^2", tree(LEAF + 7), domain={"x": ["0", "1"]}),
        "not closed|too early",
    ),
    "sharp leaf": (nonnegative("x^2", tree(LEAF + SHARP), domain={"x": ["0", "1"]}), "not closed"),
    "unbounded mean": (nonnegative("x^2", tree(LEAF + MEAN)), "not closed"),
    "skip": (nonnegative("x^2", tree(LEAF + SKIP)), "not closed"),
    "outside": (nonnegative("x^2", tree(LEAF + OUTSIDE)), "not closed"),
    "undefined leaf": (
        (claim("log(x)", "nonnegative", {}, domain={"x": ["0", "2"]}), {"defined.0": tree(LEAF)}),
        "one proof",
    ),
}


@pytest.mark.parametrize(("pair", "why"), PROOFS.values(), ids=PROOFS)
def test_proofs_that_are_refused(pair: tuple, why: str) -> None:
    said, proofs = pair
    with pytest.raises(Rejected, match=why):
        verify(certificate(said, proofs))


@pytest.mark.parametrize("square", [[], ["1"], ["1", "x", "x"]])
def test_a_square_is_a_weight_and_a_root(square: Json) -> None:
    refused(*nonnegative(P, {**SOS, "squares": [square]}))


ACCEPTED = {
    "sos": nonnegative(P, SOS),
    "multiplier": nonnegative(  # (1 + x^2)(x^4 - x^2 + 1) = 1 + x^6
        "x^4 - x^2 + 1",
        {"rule": "sos", "multiplier": [["1", "x"]], "squares": [["1", "1"], ["1", "x^3"]]},
    ),
    "products": nonnegative(
        "x",
        {
            "rule": "sos",
            "squares": [],
            "products": [{"constraints": [0], "squares": [["1", "1"]]}],
        },
        domain={"x": ["0", "1"]},
    ),
    "both ends": nonnegative(
        "x*(1 - x)",
        {
            "rule": "sos",
            "squares": [],
            "products": [{"constraints": [0, 1], "squares": [["1", "1"]]}],
        },
        domain={"x": ["0", "1"]},
    ),
    "parts": nonnegative(
        "x^2 + y^2 - 2*y + 1",
        {"rule": "parts", "shares": ["0", "1"], "proofs": [FORM, STURM]},
        domain=PLANE,
    ),
    "free": nonnegative("2 + sin(x)", {"rule": "free", "proof": tree(LEAF + NATURAL)}),
    "mean": nonnegative("x^2 - x + 1/2", tree(LEAF + MEAN), domain={"x": ["0", "1/2"]}),
    "convex": nonnegative("x^2 - x + 1/2", tree(LEAF + CONVEX), domain={"x": ["0", "1"]}),
    "convex at": nonnegative(
        P, {**tree(LEAF + CONVEX_AT), "points": [["1"]]}, domain={"x": ["0", "3"]}
    ),
    "sharp": nonnegative(
        P, {**tree(LEAF + CONVEX_AT + SHARP), "points": [["1"]]}, domain={"x": ["0", "3"]}
    ),
    "expanded": nonnegative("(x - 1)^2 + 2*x - 1", {**tree(LEAF + NATURAL), "form": "expanded"}),
    "charts": nonnegative(
        "x^2 + sin(x) + 1",
        {
            "rule": "charts",
            "radius": "4",
            "core": tree(LEAF + NATURAL),
            "charts": {"+x": tree(LEAF), "-x": tree(LEAF)},
        },
    ),
}


@pytest.mark.parametrize("pair", ACCEPTED.values(), ids=ACCEPTED)
def test_proofs_that_are_accepted(pair: tuple) -> None:
    assert accepted(*pair) == "proved"


def test_a_margin_is_for_strict_goals() -> None:
    said = claim("1/(1+x^2)", "nonnegative", {})
    proofs = {"defined.0": {"rule": "margin", "by": "1/2", "proof": FORM}, MAIN: FORM}
    assert accepted(said, proofs) == "proved"
    for by in ("0", "-1", "2"):
        wrong = {"rule": "margin", "by": by, "proof": FORM}
        refused(said, {**proofs, "defined.0": wrong})


def test_anchors_close_cells_around_zeros() -> None:
    said = claim(P, "nonnegative", {}, domain={"x": ["0", "3"]})
    proofs = {MAIN: tree(LEAF + ANCHOR, 0)}
    assert accepted(said, proofs, anchors=[["1"]]) == "proved"
    assert accepted(said, {MAIN: tree(LEAF + ANCHOR + SHARP, 0)}, anchors=[["1"]]) == "proved"
    refused(said, proofs, anchors=[["2"]])  # no zero: it is left out
    refused(said, {MAIN: tree(LEAF + ANCHOR, 1)}, anchors=[["1"]])
    assert "not defined" in refused(said, proofs, anchors=[["log(0)"]])


# -- matrices

BENT = claim("x^4 + x^2*y^2 + y^4", "convex", {}, domain=SQUARE)
MATRIX = {
    "no rule": ({"rule": "form"}, "for matrices"),
    "missing minors": ({"rule": "minors", "proofs": {"0": FORM}}, "missing"),
    "false minor": (
        {"rule": "minors", "proofs": {"0": FORM, "1": FORM, "0,1": STURM}},
        "in one variable",
    ),
    "gram": ({"rule": "gram", "shifts": [], "proofs": []}, "no sum of weights|one shift"),
    "point leaf": (tree(LEAF + CONVEX), "not closed"),
    "open": (tree(LEAF + NATURAL), "not closed"),
    "anchor": (tree(LEAF + ANCHOR, 0), "not closed"),
    "outside": (tree(LEAF + OUTSIDE), "not closed"),
    "free": ({"rule": "free", "proof": tree(LEAF)}, "nothing to set free"),
}


@pytest.mark.parametrize(("proof", "why"), MATRIX.values(), ids=MATRIX)
def test_matrix_proofs_that_are_refused(proof: Json, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        verify(certificate(BENT, {"condition.convex0": proof}))


def test_matrix_proofs_that_are_accepted() -> None:
    minors = {"rule": "minors", "proofs": {"0": FORM, "1": FORM, "0,1": FORM}}
    assert accepted(BENT, {"condition.convex0": minors}) == "proved"
    smooth = claim("sin(x)", "smooth", {"L": "1"})
    weights = {"rule": "gram", "shifts": ["1"], "proofs": [tree(LEAF)]}
    both = {"condition.above0": weights, "condition.below0": weights}
    assert accepted(smooth, both) == "proved"
    wrong = {**weights, "proofs": []}
    assert "one proof for each weight" in refused(smooth, {**both, "condition.above0": wrong})
    wrong = {**weights, "shifts": ["2"]}
    assert "constant part" in refused(smooth, {**both, "condition.above0": wrong})
    free = {"rule": "free", "proof": tree(LEAF)}
    assert accepted(smooth, {"condition.above0": free, "condition.below0": free}) == "proved"
    convex = claim("cosh(x) + x^2", "strongly-convex", {"mu": "2"}, domain={"x": ["-1", "1"]})
    assert accepted(convex, {"condition.convex0": tree(LEAF + MEAN)}) == "proved"
    ball = claim("x^2", "convex", {}, ball={"center": ["0"], "radius": "1"})
    halves = tree(0, 0, LEAF, LEAF, LEAF)
    assert accepted(ball, {"condition.convex0": halves}) == "proved"


def test_a_large_matrix_has_too_many_minors() -> None:
    names = [f"x{k}" for k in range(7)]
    said = claim("+".join(f"{n}^2" for n in names), "convex", {}, domain=dict.fromkeys(names, LINE))
    proof = {"rule": "minors", "proofs": {}}
    assert "at most 6 rows" in refused(said, {"condition.convex0": proof})
    assert accepted(said, {"condition.convex0": tree(LEAF)}) == "proved"


def test_a_domain_without_inner_points_has_no_second_derivatives() -> None:
    flat = {"x": LINE, "y": ["1", "1"]}
    said = claim("x^2 - y^2", "convex", {}, domain=flat)
    assert "inner points" in refused(said, {"condition.convex0": HERE})
    witness = {"point": ["0", "1"], "direction": ["0", "1"]}
    assert "inner points" in refused(said, {}, witness=witness)


@pytest.mark.parametrize(
    ("condition", "constants", "via"),
    [
        ("aiming", {"theta": "1"}, "strong-convexity"),
        ("qg", {"mu": "1"}, "tangent-kernel"),
        ("rsi", {"mu": "1"}, "convexity"),
        ("smooth", {"L": "1"}, "strong-convexity"),
    ],
)
def test_what_does_not_follow(condition: str, constants: Json, via: str) -> None:
    said = claim("x^2", condition, constants)
    assert refused(said, {"condition.convex0": HERE}, via=via)


def test_what_follows_from_convexity() -> None:
    proofs = {"minimisers.above": FORM, "condition.convex0": HERE}
    facts = {"minimisers": {"points": [["0"]]}}
    aiming = claim("x^2", "aiming", {"theta": "1/2"})
    assert accepted(aiming, proofs, facts, via="convexity") == "proved"
    assert "all minimisers" in refused(aiming, {}, via="convexity")
    steep = claim("x^2", "aiming", {"theta": "3/2"})
    assert "theta <= 1" in refused(steep, proofs, facts, via="convexity")
    pair = claim("x^2", "alpha-beta", {"alpha": "2", "beta": "0"})
    assert "alpha = 1" in refused(pair, proofs, facts, via="convexity")
    one = claim("x^2", "alpha-beta", {"alpha": "1", "beta": "0"})
    assert accepted(one, proofs, facts, via="convexity") == "proved"
    several = claim(["x^2", "x^2"], "aiming", {"theta": "1/2"}, of="each")
    assert "theta < 1" in refused(several, proofs, facts, via="convexity")
    mean = claim(["x^2", "x^2"], "qg", PL, of="each")
    assert "does not follow" in refused(mean, proofs, facts, via="strong-convexity")


# -- witnesses

SADDLE = claim("(x^2 - 1)^2", "pl", PL)
AT_ONE = {"infimum": {"at": ["1"]}}
INVERSE = [["-1/4"]]
SMALL = [["-1/10", "1/10"]]


def stationary(**more: Any) -> Json:
    return {"stationary": {"box": SMALL, "inverse": INVERSE, **more}}


WITNESSES = {
    "nothing": ({}, "expected one of"),
    "no object": ([], "expected an object"),
    "two kinds": ({"point": ["0"], "curve": ["t"]}, "unknown"),
    "coordinates": ({"point": ["0", "0"]}, "one coordinate"),
    "irrational": ({"point": ["sqrt(2)"]}, "not a rational"),
    "holds": ({"point": ["1"]}, "not shown to fail"),
    "far": ({"point": ["9"]}, "not shown to fail"),
    "box size": (stationary(box=[]), "two ends for each variable"),
    "inverse size": (stationary(inverse=[["1", "0"]]), "a square matrix"),
    "unbounded": (stationary(box=[["0", "oo"]]), "box: bounded"),
    "no zero": (stationary(box=[["1/4", "1/2"]]), "no stationary point"),
    "minimum": (
        stationary(box=[["9/10", "11/10"]], inverse=[["1/8"]]),
        "not shown to fail at the stationary",
    ),
    "curve size": ({"curve": ["t", "t"]}, "one formula in t"),
    "curve formula": ({"curve": ["t +"]}, "character"),
    "curve name": ({"curve": ["s"]}, "unknown name"),
    "curve kind": ({"curve": ["t"], "kind": "wild"}, "of kind"),
    "curve holds": ({"curve": ["t"]}, "not shown to fail along"),
    "no sum": ({"curve": ["exp(exp(t))"]}, "no sum of rational powers"),
    "not below": ({"curve": ["t"], "kind": "below"}, "minus infinity"),
    "not empty": ({"curve": ["t"], "kind": "empty", "value": "0"}, "does not go to its value"),
}


@pytest.mark.parametrize(("witness", "why"), WITNESSES.values(), ids=WITNESSES)
def test_witnesses_that_are_refused(witness: Json, why: str) -> None:
    body = {**certificate(SADDLE, {}, AT_ONE), "verdict": "refuted", "witness": witness}
    with pytest.raises(Rejected, match=why):
        verify(body)


BOUNDED = claim("(x^2 - 1)^2", "pl", PL, domain={"x": ["0", "2"]})
ROUND = claim("(x^2 - 1)^2", "pl", PL, ball={"center": ["1"], "radius": "1"})


@pytest.mark.parametrize(
    ("said", "witness", "why"),
    [
        (BOUNDED, {"point": ["3"]}, "in the domain"),
        (BOUNDED, stationary(), "leaves the domain"),
        (BOUNDED, {"curve": ["t"]}, "leaves the domain"),
        (BOUNDED, {"curve": ["-t"]}, "leaves the domain"),
        (ROUND, {"curve": ["t"]}, "leaves the domain"),
        (ROUND, stationary(), "leaves the ball"),
        (ROUND, {"point": ["-1"]}, "in the domain"),
    ],
)
def test_witnesses_lie_in_the_domain(said: Json, witness: Json, why: str) -> None:
    assert why in refused(said, {}, AT_ONE, witness=witness)


def test_witnesses_that_are_accepted() -> None:
    for said, witness in (
        (SADDLE, {"point": ["0"]}),
        (SADDLE, stationary()),
        (BOUNDED, {"point": ["0"]}),
        (BOUNDED, {"curve": ["1/t"]}),
        (ROUND, {"point": ["1/100"]}),
        (claim("(x^2 - 1)^2", "pl", {"mu": "any"}), {"point": ["0"]}),
        (claim("(x^2 - 1)^2", "pl", {"mu": "any"}), stationary()),
        (claim("x^3", "pl", PL), {"curve": ["-t"], "kind": "below"}),
    ):
        facts = {} if said["components"] == ["x^3"] else AT_ONE
        assert accepted(said, {}, facts, witness=witness) == "refuted"
    flat = claim("1/(1 + x^2)", "rsi", PL)
    empty = {"curve": ["t"], "kind": "empty", "value": "0"}
    proofs = {"defined.0": FORM, "empty.above": FORM}
    assert accepted(flat, proofs, witness=empty) == "refuted"
    refused(flat, proofs, witness={**empty, "value": "1/2"})


def test_directions() -> None:
    said = claim("x^2 - y^2", "convex", {}, domain=PLANE)
    at = {"point": ["0", "0"]}
    assert accepted(said, {}, witness={**at, "direction": ["0", "1"]}) == "refuted"
    assert "holds at the point" in refused(said, {}, witness={**at, "direction": ["1", "0"]})
    assert "holds at the point" in refused(said, {}, witness={**at, "direction": ["0", "0"]})
    assert "one entry for each row" in refused(said, {}, witness={**at, "direction": ["1"]})
    steep = claim("x^4", "smooth", {"L": "any"})
    far = {"curve": ["t"], "direction": ["1"]}
    assert accepted(steep, {}, witness=far) == "refuted"
    assert "not shown to fail" in refused(claim("x^2", "smooth", {"L": "2"}), {}, witness=far)


def test_an_open_constant_below_another() -> None:
    pair = ["(x-1)^2/2", "(x+1)^2/2"]
    low = {"lower": "0"}
    facts = {"minimisers": {"points": [["0"]]}, "infima": [low, low]}
    proofs = {"minimisers.above": FORM, "infimum.0": STURM, "infimum.1": STURM}
    small = claim(pair, "alpha-beta", {"alpha": "1/2", "beta": "any"}, of="each")
    assert accepted(small, proofs, facts, witness={"point": ["1/2"]}) == "refuted"
    large = claim(pair, "alpha-beta", {"alpha": "2", "beta": "any"}, of="each")
    assert "not shown to fail" in refused(large, proofs, facts, witness={"point": ["1/2"]})


def test_the_nearest_minimiser_counts() -> None:
    wells = claim("(x^2 - 1)^2", "aiming", {"theta": "any"})
    facts = {"minimisers": {"points": [["1"], ["0-1"]]}}
    proofs = {"minimisers.above": STURM}
    # between the wells at 1/10 the nearest is 1; at 0 both are as near, and it fails with both
    assert accepted(wells, proofs, facts, witness={"point": ["0"]}) == "refuted"
    tilted = claim("(x^2 - 1)^2*(2 + x)^2", "aiming", {"theta": "1/2"}, domain={"x": ["-3/2", "2"]})
    assert "not shown" in refused(tilted, proofs, facts, witness={"point": ["0"]})
    assert accepted(tilted, proofs, facts, witness={"point": ["1/100"]}) == "refuted"
    near = claim("(x^2 - 1)^2", "rsi", {"mu": "2"})
    assert accepted(near, proofs, facts, witness={"point": ["1/10"]}) == "refuted"
    assert accepted(near, proofs, facts, witness={"curve": ["1/10 + 1/t"]}) == "refuted"
    assert "along the curve" in refused(near, proofs, facts, witness={"curve": ["1/t"]})


IMAGINARY = ["sqrt(0 - t^2)", "t*sqrt(0 - 1)", "t*sqrt(1 - t)"]


@pytest.mark.parametrize("curve", IMAGINARY)
def test_a_curve_is_real(curve: str) -> None:
    """By the rule sqrt(p)^2 = p, x^2 would go to minus infinity along such curves."""
    refused(claim("x^2", "nonnegative", {}), {}, witness={"curve": [curve]})
    refused(claim("x^2", "pl", PL), {}, witness={"curve": [curve], "kind": "below"})


def test_a_curve_to_an_empty_set_is_real() -> None:
    empty = {"curve": ["sqrt(1/t - 1)"], "kind": "empty", "value": "0"}
    refused(claim("x^2 + 1", "rsi", PL), {"empty.above": FORM}, witness=empty)
