"""Seldom met places of the rules: limits of size, reuse, parts of goals, empty differences."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.free import freed
from boundcalc.kernel.analytic.goal import Anchor, Context, Goal, inside
from boundcalc.kernel.analytic.growth import Growth
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import Normal, TooMany
from boundcalc.kernel.analytic.paving import ANCHOR, FLAT, LEAF, MEAN, NATURAL, SHARP, packed
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.grammar import MAX_DEPTH
from boundcalc.kernel.identity import Rejected

from .test_analytic_soundness import FORM, HERE, PL, STURM, accepted, claim, refused, schema

Json = Any
MAIN = "condition.main0.0"
LINE = ["-oo", "oo"]
PLANE = {"x": LINE, "y": LINE}
UNIT = {"x": ["-1", "1"]}


def tree(*codes: int) -> Json:
    return {"rule": "paving", "tree": packed(bytes(codes))}


def charts(radius: str, core: Json, **proofs: Json) -> Json:
    named = {name.replace("plus_", "+").replace("minus_", "-"): p for name, p in proofs.items()}
    return {"rule": "charts", "radius": radius, "form": "cleared", "core": core, "charts": named}


def test_signs_after_operators() -> None:
    assert accepted(claim("x*-x*-1 + 1", "nonnegative", {}), {MAIN: STURM}) == "proved"
    deep = "2*" + "-" * (MAX_DEPTH + 1) + "x"
    assert "nested deeper" in refused(claim(deep, "nonnegative", {}), {MAIN: STURM})


def test_even_powers_of_sine_by_cosine() -> None:
    said = claim("2 - sin(x)^2 - cos(x)", "nonnegative", {})
    free = {"rule": "free", "proof": {"rule": "sturm"}}
    assert accepted(said, {MAIN: free}) == "proved"
    wrong = claim("1 - sin(x)^2 - cos(x)", "nonnegative", {})
    refused(wrong, {MAIN: free})


def test_boxes_within_boxes_and_parts_of_anchors() -> None:
    box = ((Fraction(0), Fraction(1)), (None, Fraction(2)))
    assert inside(box, box) and inside(box, ((None, None), (None, None)))
    assert not inside(((None, Fraction(1)),), ((Fraction(0), None),))
    assert not inside(((Fraction(0), Fraction(3)),), ((Fraction(0), Fraction(2)),))
    assert not inside(((Fraction(0), None),), ((Fraction(0), Fraction(2)),))
    here = Anchor(((Fraction(1), Fraction(1)), (Fraction(2), Fraction(2))), (5, 6))
    assert here.part([1]) == Anchor(((Fraction(2), Fraction(2)),), (6,))
    assert Anchor(here.at).part([0]) == Anchor(here.at[:1])
    said = claim("x^2 + y^2 - sin(y)^2/2", "nonnegative", {}, domain={**UNIT, "y": ["-1", "1"]})
    parts = {"rule": "parts", "shares": ["1", "0"], "proofs": [FORM, tree(LEAF + ANCHOR, 0)]}
    assert accepted(said, {MAIN: parts}, anchors=[["0", "0"]]) == "proved"
    refused(said, {MAIN: parts})


def test_long_normal_forms() -> None:
    terms = Terms()
    context = Context(terms, Normal(terms))
    names = {name: terms.var(name) for name in "xt"}

    def node(text: str) -> int:
        return terms.read(parse(text), names)

    many = [node(f"sin({k}*x)") for k in range(1, 151)]
    more = [node(f"tanh({k}*x)") for k in range(1, 151)]
    product = terms.mul(terms.sum(many), terms.sum(more))
    assert context.derived(product) == product
    short = node("x + x")
    assert context.derived(short) != short
    roots = terms.sum(node(f"sqrt(1 + {k}*x)") for k in range(1, 292))
    with pytest.raises(TooMany):
        context.normal.of(terms.power(roots, 2))
    wide = terms.apply("sqrt", terms.sum(node(f"(t^{k})^(1/3)") for k in range(1, 65)))
    long = terms.mul(wide, node("1 + t"))
    with pytest.raises(Rejected, match="more than"):
        Growth(context, {}, 9).leading(context.normal.of(long))


def test_roots_of_what_may_be_negative() -> None:
    with pytest.raises(Undefined):
        iv.root(iv.between(Fraction(-1), Fraction(1)), 3)
    with pytest.raises(Undefined):
        iv.size(iv.between(Fraction(-1), Fraction(1)), Fraction(-1, 2))
    assert iv.root(iv.between(Fraction(0), None), 3)[0] == 0


def test_flat_points() -> None:
    flat = tree(LEAF + FLAT, 0)
    said = claim("x^4 - x^6/20", "nonnegative", {}, domain={"x": ["-1/2", "1/2"]})
    assert accepted(said, {MAIN: flat}, anchors=[["0"]]) == "proved"
    assert accepted(claim("x^6", "nonnegative", {}, domain=UNIT), {MAIN: flat}, anchors=[["0"]])
    for text in ("x^3", "x^4 - x^2", "x^5", "-x^4", "x^9", "-x^10", "abs(x)^3", "x^4 - 9*x^6"):
        said = claim(text, "nonnegative", {}, domain=UNIT)
        refused(said, {MAIN: flat}, anchors=[["0"]])
    refused(claim("x^4", "nonnegative", {}, domain=UNIT), {MAIN: flat})
    plane = claim("x^4 + y^4", "nonnegative", {}, domain={**UNIT, "y": ["-1", "1"]})
    refused(plane, {MAIN: flat}, anchors=[["0", "0"]])
    away = claim("abs(x) + (x - 1)^2 - x", "nonnegative", {}, domain={"x": ["1/2", "2"]})
    refused(away, {"defined.0": STURM, MAIN: tree(LEAF + ANCHOR, 0)}, anchors=[["1"]])


def test_what_is_made_once_is_used_again() -> None:
    sharp = LEAF + ANCHOR + SHARP
    said = claim("x^2 + sin(x)^3/9", "nonnegative", {}, domain={"x": ["-1/4", "1/4"]})
    assert accepted(said, {MAIN: tree(0, sharp, 0, sharp, 0)}, anchors=[["0"]]) == "proved"
    bent = claim("cosh(x)", "convex", {}, domain=UNIT)
    mean = {"condition.convex0": tree(0, LEAF + MEAN, LEAF + MEAN)}
    assert accepted(bent, mean) == "proved"
    wide = claim("1/(2 + x)", "convex", {}, domain={"x": ["-3/2", "3"]})
    assert accepted(wide, {"defined.0": STURM, "condition.convex0": tree(LEAF + NATURAL)})
    gone = claim("log(log(2 + x^2))", "convex", {}, domain=UNIT)
    logs = {"defined.0": FORM, "defined.1": HERE}
    assert refused(gone, {**logs, "condition.convex0": tree(LEAF + NATURAL)})


def test_charts_of_functions_that_are_not_bounded() -> None:
    both = {"x": ["1", "oo"], "y": ["-1", "1"]}
    said = claim("2 + exp(x*y) - cos(x*y) - cos(x*y)*y", "nonnegative", {}, domain=both)
    proof = charts("4", HERE, plus_x=HERE)
    assert "not bounded in a chart" in refused(said, {MAIN: proof})
    waves = claim("3 + sin(x)*y + sin(x)*y^2", "nonnegative", {}, domain=both)
    assert accepted(waves, {MAIN: charts("4", tree(LEAF), plus_x=tree(LEAF))}) == "proved"
    poles = claim("3 + cos(1/(x - 9)*x)", "nonnegative", {}, domain={"x": ["1", "oo"]})
    refused(poles, {"defined.0": HERE, MAIN: charts("4", HERE, plus_x=HERE)})
    size = claim("abs(x - y)^3 + abs(x)^(5/2) + 1", "nonnegative", {}, domain=both)
    why = refused(size, {MAIN: charts("4", HERE, plus_x=HERE)})
    assert "no chart" in why  # x^(5/2) is no whole power of t
    whole = claim("abs(x - y)^3 + 1", "nonnegative", {}, domain=both)
    assert accepted(whole, {MAIN: charts("4", tree(LEAF), plus_x=tree(LEAF))}) == "proved"
    odd = claim("(x - y)*abs(x - y) + 1", "nonnegative", {}, domain=both)
    assert accepted(odd, {MAIN: charts("4", tree(LEAF), plus_x=tree(LEAF))}) == "proved"
    root = claim("exp(sqrt(1 + x)) + 2", "nonnegative", {}, domain={"x": ["0", "oo"]})
    proofs = {"defined.0": HERE, MAIN: charts("4", HERE, plus_x=HERE)}
    assert "not bounded" in refused(root, proofs)


def test_where_the_sign_of_a_denominator_is_not_seen() -> None:
    said = claim("1/log(x) + x - x", "nonnegative", {})
    assert "defined" in refused(said, {MAIN: FORM})
    right = claim("1/log(x)", "nonnegative", {}, domain={"x": ["2", "oo"]})
    sure = {"defined.0": HERE, "defined.1": HERE, MAIN: HERE}
    assert accepted(right, sure) == "proved"


def test_curves_on_the_boundary_and_where_nothing_is_left() -> None:
    half = {"x": ["0", "oo"], "y": LINE}
    said = claim("y^2 - x", "nonnegative", {}, domain=half)
    refused(said, {}, witness={"curve": ["0", "t"]})
    assert accepted(said, {}, witness={"curve": ["t", "0"]}) == "refuted"
    nothing = claim("x/(1 + x) + 1/(1 + x) - 1", "nonnegative", {}, domain={"x": ["0", "oo"]})
    assert "not shown to fail" in refused(nothing, {"defined.0": STURM}, witness={"curve": ["t"]})
    bent = claim("x^3", "smooth", {"L": "1"})
    assert "minus infinity" in refused(bent, {}, witness={"curve": ["-t"], "kind": "below"})


def test_conditions_whose_infimum_has_no_coefficient() -> None:
    odd = schema("pl", relations={"main": "f(x) >= inf/(mu - 2)"})
    near = claim("x^2", odd, {"mu": "2*exp(log(3))/3"})
    low = {"infimum": {"lower": "0", "at": ["0"]}}
    assert "without a value" in refused(near, {MAIN: STURM, "infimum.0": STURM}, low)
    own = schema("pl-star", constants={"inf": "positive"})
    own["relations"] = {"main": "sqnorm(grad(x))/2 >= inf*f(x)"}
    assert "inf is the infimum" in refused(claim("x^2", own, {"inf": "1"}), {MAIN: STURM})
    named = schema("rsi", slots={"inf": "point", "xp": "projection of inf"})
    named["relations"] = {"main": "dot(grad(inf), inf - xp) >= mu*sqnorm(inf - xp)"}
    assert refused(claim("x^2", named, PL), {MAIN: STURM}, {"minimisers": {"points": [["0"]]}})


def test_witnesses_in_balls_and_with_open_constants() -> None:
    ball = {"center": ["0"], "radius": "2"}
    wells = claim("(x^2 - 1)^2", "pl", {"mu": "any"}, ball=ball)
    at = {"infimum": {"at": ["1"]}}
    box = {"stationary": {"box": [["-1/10", "1/10"]], "inverse": [["-1/4"]]}}
    assert accepted(wells, {}, at, witness=box) == "refuted"
    pair = ["(x-1)^2/2", "(x+1)^2/2"]
    low = {"lower": "0"}
    facts = {"minimisers": {"points": [["0"]]}, "infima": [low, low]}
    proofs = {"minimisers.above": FORM, "infimum.0": STURM, "infimum.1": STURM}
    steep = claim(pair, "alpha-beta", {"alpha": "any", "beta": "0"}, of="each")
    refused(steep, proofs, facts, witness={"point": ["1"]})
    twin = {"minimisers": {"points": [["1"], ["-1"]]}}
    near = claim("(x^2 - 1)^2", "rsi", {"mu": "2"})
    assert accepted(near, {"minimisers.above": STURM}, twin, witness={"point": ["1/8"]})
    exact = {"lower": "exp(log(3)) - 3"}  # 0, which the algebra does not see
    far = {"minimisers": {"points": [["0"]]}, "infima": [exact, exact]}
    below = claim(pair, "alpha-beta", {"alpha": "1", "beta": "any"}, of="each")
    why = refused(below, proofs, far, witness={"point": ["1"]})
    assert "not shown to fail" in why  # the sign of f_1 − f_1* is not known there
    guarded = claim("x^2", "pl-star-eps", {"mu": "100", "epsilon": "1"})
    assert accepted(guarded, {}, witness={"point": ["1"]}) == "refuted"
    refused(guarded, {}, witness={"point": ["1/2"]})


def test_enclosed_minimisers_of_convex_functions() -> None:
    enclosed = {"point": ["0"], "box": [["-1", "1"]], "convexity": "2", "convex": True}
    proofs = {"minimisers.convex": HERE, "minimisers.convex0": HERE, MAIN: HERE}
    for more in ({}, {"ball": {"center": ["0"], "radius": "5"}}):
        said = claim("x^2 + x^4", "qg", {"mu": "1"}, **more)
        assert MAIN in refused(said, proofs, {"enclosed": enclosed})
    wrong = {**enclosed, "convex": False}
    assert "left out" in refused(claim("x^2", "qg", PL), proofs, {"enclosed": wrong})
    above = {"minimisers.above": STURM, "minimisers.convex0": HERE, MAIN: HERE}
    plain = {key: value for key, value in enclosed.items() if key != "convex"}
    assert refused(claim("x^2 + x^4", "qg", PL), above, {"enclosed": plain})


def test_constraints_that_are_never_met() -> None:
    terms = Terms()
    context = Context(terms, Normal(terms))
    x = terms.var("x")
    box = ((Fraction(0), Fraction(1)),)
    beyond = terms.sub(x, terms.const(Fraction(5)))
    wave = terms.add(terms.apply("exp", x), x)
    goal = Goal("g", ("x",), box, wave, constraints=(beyond,))
    with pytest.raises(Rejected, match="never met"):
        freed(context, goal, context.normal.of(wave))
    round_ = terms.sub(terms.one, terms.power(x, 2))
    kept = freed(context, replace(goal, constraints=(round_,)), context.normal.of(wave))
    assert len(kept.constraints) == 1


def test_functions_without_an_enclosure_on_a_cell() -> None:
    square = {"rule": "sos", "squares": [["1", "x - y/2"], ["3/4", "y"], ["7/2", "1"]]}
    strip = {"x": ["1", "oo"], "y": ["-1", "1"]}
    said = claim("2 + sin(sqrt(x^2 - x*y + y^2 + 4))", "nonnegative", {}, domain=strip)
    proofs = {
        "defined.0": {"rule": "margin", "by": "1/2", "proof": square},
        MAIN: charts("4", tree(LEAF), plus_x=tree(LEAF)),
    }
    assert "in a chart" in refused(said, proofs)
    bent = claim("1/(x^2 - x + 1)", "smooth", {"L": "9"}, domain={"x": ["-2", "2"]})
    both = {"condition.above0": HERE, "condition.below0": HERE}
    assert "not closed by its rule" in refused(bent, {"defined.0": STURM, **both})
