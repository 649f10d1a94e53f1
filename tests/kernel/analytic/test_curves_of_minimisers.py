"""Minimisers that fill a curve or several lines, and conditions that name the projection."""

from __future__ import annotations

from typing import Any

import pytest

from boundcalc.kernel.analytic.check import prepared, verify
from boundcalc.kernel.analytic.paving import LEAF, NATURAL, RIDGE, packed
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.identity import Rejected
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import decide

from .test_analytic_soundness import FORM, STURM, accepted, claim, refused

Json = Any
LINE = ["-oo", "oo"]
PLANE = {"x": LINE, "y": LINE}
CIRCLE = "(x^2 + y^2 - 1)^2/4"
ROUND = {"center": ["0", "0"], "radius": "1", "factor": "sqrt(1/2)"}
HALF = {"residual": ["sqrt(1/2)*(x^2 + y^2 - 1)"]}
ARC = {"x": ["-3/5", "3/5"], "y": ["1/2", "3/2"]}
MU = {"mu": "1/2"}


def tree(*codes: int) -> Json:
    return {"rule": "paving", "tree": packed(bytes(codes))}


def decided(formulas: str, condition: str, constants: Json, **more: Any) -> Json:
    found = decide(problem_from((formulas,), **more), condition, constants, 60)
    assert found.certificate is not None, (found.reason, found.attempts)
    assert verify(found.certificate).verdict == found.verdict
    return found.certificate


# tightest constants by brute force over the domain and a dense sample of the minimisers
TRUTHS = [
    ("y - sin(x)", "x=-1:1,y=-2:2", "qg", "0.8", "1.02"),
    ("y - sin(x)", "x=-1:1,y=-2:2", "eb", "0.7", "1.3"),
    ("x*y - 1", "x=1/2:2,y=1/2:2", "rsi", "0.5", "0.76"),
    ("x*y - 1", "x=1/2:2,y=1/2:2", "qg", "0.8", "1.13"),
    ("y^2 - x", "x=0:4,y=1/2:2", "aiming", "0.5", "2.1"),
]


@pytest.mark.parametrize(("residual", "domain", "condition", "low", "high"), TRUTHS)
def test_constants_beside_a_curve(
    residual: str, domain: str, condition: str, low: str, high: str
) -> None:
    name = "theta" if condition == "aiming" else "mu"
    for value, verdict in ((low, "proved"), (high, "refuted")):
        found = decided(residual, condition, {name: value}, domain=domain, residual=True)
        assert found["verdict"] == verdict, value


def test_a_circle_in_the_plane() -> None:
    said = claim(CIRCLE, "qg", MU, domain=PLANE)
    facts = {**HALF, "curve": ROUND}
    proofs = {"curve.factor": FORM, "condition.main0.0": STURM}
    assert accepted(said, proofs, facts) == "proved"
    more = claim(CIRCLE, "qg", {"mu": "1/2 + 1e-9"}, domain=PLANE)
    assert "not shown by sturm" in refused(more, proofs, facts)
    foot = {"point": ["0", "0"], "foot": {"at": "0", "arcs": [["0", "7"]]}}
    away = {"curve.factor": FORM, "foot.away": tree(LEAF + 6)}
    assert accepted(more, away, facts, witness=foot) == "refuted"
    assert "not shown to fail" in refused(said, away, facts, witness=foot)


def test_a_circle_in_a_ball() -> None:
    facts = {**HALF, "curve": ROUND}

    def within(radius: str, *center: str) -> Json:
        ball = {"center": list(center), "radius": radius}
        return claim(CIRCLE, "qg", MU, domain=PLANE, ball=ball)

    assert len(prepared(within("3/2", "0", "0"), facts)[2].pieces) == 1
    for said in (within("1/2", "0", "0"), within("3", "1/4", "0")):
        with pytest.raises(Rejected, match="around the circle"):
            prepared(said, facts)


GRAPH = {"graph": "y", "formula": "sqrt(1 - x^2)", "sign": 1}
CURVES = {
    "kind": ({"graph": "y"}, "missing"),
    "variable": ({**GRAPH, "graph": "z"}, "graph is of a variable"),
    "sign": ({**GRAPH, "sign": 0}, "its sign is 1 or -1"),
    "other branch": ({**GRAPH, "formula": "1 - x^2"}, "not 0 on the graph"),
    "of itself": ({**GRAPH, "formula": "y"}, "unknown name"),
    "whole circle": (ROUND, "in the plane, or in a ball"),
}


@pytest.mark.parametrize(("data", "why"), CURVES.values(), ids=CURVES)
def test_curves_that_are_refused(data: Json, why: str) -> None:
    said = claim(CIRCLE, "qg", MU, domain=ARC)
    assert len(prepared(said, {**HALF, "curve": GRAPH})[2].pieces) == 3
    with pytest.raises((ClaimError, Rejected, ValueError), match=why):
        prepared(said, {**HALF, "curve": data})


ROUNDS = {
    "size": ({**ROUND, "center": ["0"]}, "center with two"),
    "radius": ({**ROUND, "radius": "-1"}, "positive radius"),
    "other circle": ({**ROUND, "radius": "2"}, "not the factor times"),
    "factor": ({**ROUND, "factor": "1/2"}, "not the factor times"),
    "undefined": ({**ROUND, "factor": "sqrt(x)"}, "not known to be defined"),
}


@pytest.mark.parametrize(("data", "why"), ROUNDS.values(), ids=ROUNDS)
def test_circles_that_are_refused(data: Json, why: str) -> None:
    with pytest.raises((ClaimError, Rejected), match=why):
        prepared(claim(CIRCLE, "qg", MU, domain=PLANE), {**HALF, "curve": data})


def test_a_curve_needs_its_setting() -> None:
    line = claim("(x^2 - 1)^2", "qg", MU)
    with pytest.raises(ClaimError, match="two variables"):
        prepared(line, {"curve": GRAPH})
    with pytest.raises(Rejected, match="one residual"):
        prepared(claim(CIRCLE, "qg", MU, domain=ARC), {"curve": GRAPH})
    pole = claim("(x*y - 1)^2/2", "qg", MU, domain={"x": ["-1", "1"], "y": ["1/2", "2"]})
    branch = {"graph": "y", "formula": "1/x", "sign": 1}
    with pytest.raises(Rejected, match="no range"):
        prepared(pole, {"residual": ["x*y - 1"], "curve": branch})
    ball = {"center": ["0", "1"], "radius": "1/4"}
    with pytest.raises(ClaimError, match="without a ball"):
        prepared(claim(CIRCLE, "qg", MU, domain=ARC, ball=ball), {**HALF, "curve": GRAPH})


def test_sides_without_end() -> None:
    wave = {"graph": "y", "formula": "sin(x)", "sign": 1}
    said = claim(["y - sin(x)"], "qg", MU, residual=True, domain=PLANE)
    (piece,) = prepared(said, {"curve": wave})[2].pieces
    assert piece.box == ((None, None), (None, None)) and len(piece.limits) == 1
    bowl = {"graph": "y", "formula": "x^2", "sign": 1}
    low = {"x": LINE, "y": ["-1", "1"]}
    said = claim(["y - x^2"], "qg", MU, residual=True, domain=low)
    (piece,) = prepared(said, {"curve": bowl})[2].pieces
    assert piece.box[1] == (None, 1)
    half = {"x": ["0", "1"], "y": ["0", "oo"]}
    said = claim(["y - x^2"], "qg", MU, residual=True, domain=half)
    _, flat, steep = prepared(said, {"curve": bowl})[2].pieces
    assert flat.box[1] == (0, None)  # the tangent is level there: no side is left out
    assert steep.box[1] == (0, None)
    said = claim(["x - y^2"], "qg", MU, residual=True, domain={"x": ["0", "4"], "y": ["-1", "1"]})
    sideways = {"graph": "x", "formula": "y^2", "sign": 1}
    _, lower, upper = prepared(said, {"curve": sideways})[2].pieces
    assert lower.box[1] == (0, 3) and upper.box[1] == (0, 3)


def test_a_curve_that_misses_minimisers_is_not_proved() -> None:
    """On x in [-3/5, 3/5], y in [-3/2, 3/2] the lower arc is least, too: F is not monotone."""
    proof = decided(CIRCLE, "qg", {"mu": "4/5"}, domain="x=-3/5:3/5,y=1/2:3/2")
    wide = {**proof["claim"], "domain": {**proof["claim"]["domain"], "y": ["-3/2", "3/2"]}}
    from boundcalc.kernel.claim import digest

    with pytest.raises(Rejected, match="curve"):
        verify({**proof, "claim": wide, "claim_sha256": digest(wide)})


def test_a_foot_is_checked() -> None:
    proof = decided(CIRCLE, "qg", {"mu": "17/20"}, domain="x=-3/5:3/5,y=1/2:3/2")
    assert proof["verdict"] == "refuted"
    foot = proof["witness"]["foot"]
    for changed, why in (
        ({**foot, "arcs": []}, "a foot on the curve"),
        ({**foot, "at": "2"}, "a foot on the curve"),
        ({**foot, "arcs": [["-3/5", "-1/2"]]}, "."),
        ({"at": "0", "arcs": foot["arcs"]}, "."),
    ):
        witness = {**proof["witness"], "foot": changed}
        with pytest.raises(Rejected, match=why):
            verify({**proof, "witness": witness})
    plain = {"point": proof["witness"]["point"]}
    with pytest.raises(Rejected):
        verify({**proof, "witness": plain})
    with pytest.raises(Rejected, match="with its foot"):
        verify({**proof, "witness": {"curve": ["1/t", "1"]}})
    parabola = claim("x^2 + y^2", "qg", {"mu": "3"}, domain=PLANE)
    witness = {"point": ["0", "1"], "foot": foot}
    assert "on a curve" in refused(parabola, {}, witness=witness)


# -- several lines

CROSS = {
    "value": "0",
    "weight": "1/2",
    "flats": [{"rows": [["1", "0"]], "values": ["0"]}, {"rows": [["0", "1"]], "values": ["0"]}],
}
FLAT = {"flats.weight": FORM, "flats.above": FORM}


def test_two_lines_of_minimisers() -> None:
    said = claim("x^2*y^2/2", "aiming", {"theta": "2"}, domain=PLANE)
    proofs = {**FLAT, "condition.main0.0": FORM, "condition.main0.1": FORM}
    assert accepted(said, proofs, {"flats": CROSS}) == "proved"
    more = claim("x^2*y^2/2", "aiming", {"theta": "2.001"}, domain=PLANE)
    refused(more, proofs, {"flats": CROSS})
    at = {"point": ["1", "2"]}
    assert accepted(more, FLAT, {"flats": CROSS}, witness=at) == "refuted"
    assert "not shown to fail" in refused(said, FLAT, {"flats": CROSS}, witness=at)
    into = {"curve": ["1", "2 + 1/t"]}
    assert accepted(more, FLAT, {"flats": CROSS}, witness=into) == "refuted"


FLATS = {
    "one line": ({**CROSS, "flats": CROSS["flats"][:1]}, "flats.above"),
    "none": ({**CROSS, "flats": []}, "between 1 and 20"),
    "value": ({**CROSS, "value": "1"}, "not its value there"),
    "line": ({**CROSS, "flats": [{"rows": [["1", "1"]], "values": ["0"]}]}, "not its value there"),
    "size": ({**CROSS, "flats": [{"rows": [["1"]], "values": ["0"]}]}, "a coefficient for each"),
    "zero": ({**CROSS, "flats": [{"rows": [["0", "0"]], "values": ["0"]}]}, "orthogonal"),
    "oblique": (
        {**CROSS, "flats": [{"rows": [["1", "0"], ["1", "1"]], "values": ["0", "0"]}]},
        "orthogonal",
    ),
    "weight": ({**CROSS, "weight": "0 - 1"}, "flats.weight"),
    "undefined": ({**CROSS, "weight": "sqrt(x)"}, "not known to be defined"),
}


@pytest.mark.parametrize(("data", "why"), FLATS.values(), ids=FLATS)
def test_flats_that_are_refused(data: Json, why: str) -> None:
    said = claim("x^2*y^2/2", "aiming", {"theta": "2"}, domain=PLANE)
    proofs = {**FLAT, "condition.main0.0": FORM}
    if len(data["flats"]) == 2:
        proofs["condition.main0.1"] = FORM
    assert why in refused(said, proofs, {"flats": data})


def test_flats_are_in_the_domain() -> None:
    """On x ≥ 1 the line x = 0 has no point of the domain."""
    half = {"x": ["1", "3"], "y": ["-1", "1"]}
    said = claim("x^2*y^2/2", "aiming", {"theta": "1"}, domain=half)
    _, _, facts = prepared(said, {"flats": CROSS})
    names = [goal.name for goal in facts.goals]
    assert names.count("flats.inside0.0") == 1 and len(names) == 10
    inside = {name: {"rule": "form", "form": "expanded"} for name in names}
    assert "flats.inside0.0" in refused(
        said, {**inside, "condition.main0.0": FORM, "condition.main0.1": FORM}, {"flats": CROSS}
    )
    with pytest.raises(ClaimError, match="without linear forms"):
        prepared(
            claim("(x + y)^2", "qg", MU, domain=PLANE), {"forms": [["1", "1"]], "flats": CROSS}
        )


# -- the rule "ridge"


def test_a_ridge() -> None:
    """x²(1 + y) is 0 to second order along x = 0; x² − x³ is, but bends down beyond 1/3."""
    square = {"x": ["-1", "1"], "y": ["-1", "1"]}
    said = claim("x^2*(1 + y)", "nonnegative", {}, domain=square)
    name = "condition.main0.0"
    assert accepted(said, {name: tree(LEAF + RIDGE, 0)}) == "proved"
    for axis in (1, 2, 255):
        assert "not closed" in refused(said, {name: tree(LEAF + RIDGE, axis)})
    assert "too early" in refused(said, {name: tree(LEAF + RIDGE)})
    for formula in ("x + 1", "x^2 - x^3 + 1 - 1", "x*(1 + y)", "1/x^2", "x^2 - 2"):
        domain = {"x": ["1/4", "2"], "y": ["-1", "1"]}
        other = claim(formula, "nonnegative", {}, domain=domain)
        proofs = {name: tree(LEAF + RIDGE, 0)}
        if "/" in formula:
            proofs["defined.0"] = tree(LEAF + NATURAL)
        assert "not closed" in refused(other, proofs)


def test_a_ridge_by_mean_values_and_without_end() -> None:
    name = "condition.main0.0"
    strip = {"x": LINE, "y": ["0", "1"]}
    assert (
        accepted(
            claim("x^2*(1 + y)", "nonnegative", {}, domain=strip), {name: tree(LEAF + RIDGE, 0)}
        )
        == "proved"
    )
    bent = claim("x^2*(1 + y - y + x/4)", "nonnegative", {}, domain={**strip, "x": ["-1", "oo"]})
    refused(bent, {name: tree(LEAF + RIDGE, 0)})
    near = {"x": ["-1/2", "1/2"], "y": ["0", "1/2"]}
    cross = claim("x^2*(1 + 2*y - 2*y^2 - y)", "nonnegative", {}, domain=near)
    assert accepted(cross, {name: tree(LEAF + RIDGE, 0)}) == "proved"


# -- pl gives growth, and stationary points refute


def test_pl_gives_growth_on_the_whole_space() -> None:
    facts = {"residual": ["y - sin(x)"]}
    kernel = {"condition.kernel": tree(LEAF + NATURAL)}
    for condition in ("qg", "eb"):
        said = claim(["y - sin(x)"], condition, {"mu": "1"}, residual=True, domain=PLANE)
        assert accepted(said, kernel, facts, via="pl-tangent-kernel") == "proved"
    box = claim(["y - sin(x)"], "qg", {"mu": "1"}, residual=True, domain={**PLANE, "y": ["0", "1"]})
    assert "all of R^d" in refused(box, kernel, facts, via="pl-tangent-kernel")
    rsi = claim(["y - sin(x)"], "rsi", {"mu": "1"}, residual=True, domain=PLANE)
    assert "does not follow" in refused(rsi, kernel, facts, via="pl-tangent-kernel")
    plain = claim("x^2", "qg", {"mu": "2"})
    low = {"infimum": {"lower": "0", "at": ["0"]}}
    proofs = {"infimum.0": FORM, "condition.main0.0": FORM}
    assert accepted(plain, proofs, low, via="pl") == "proved"
    refused(claim("x^2", "qg", {"mu": "2.1"}), proofs, low, via="pl")


def test_a_stationary_point_refutes_without_the_minimisers() -> None:
    low = {"infimum": {"at": ["1", "1"]}}
    for condition, name in (("rsi", "mu"), ("eb", "mu"), ("aiming", "theta")):
        said = claim(["x*y - 1"], condition, {name: "any"}, residual=True, domain=PLANE)
        assert accepted(said, {}, low, witness={"point": ["0", "0"]}) == "refuted"
        assert "no stationary" in refused(said, {}, low, witness={"point": ["1", "0"]})
        assert "no stationary" in refused(said, {}, low, witness={"point": ["1", "1"]})
        assert "no upper bound" in refused(said, {}, {}, witness={"point": ["0", "0"]})
        box = {"box": [["-1/8", "1/8"]] * 2, "inverse": [["0", "-1"], ["-1", "0"]]}
        assert accepted(said, {}, low, witness={"stationary": box}) == "refuted"
    growth = claim(["x*y - 1"], "qg", {"mu": "any"}, residual=True, domain=PLANE)
    assert "all minimisers" in refused(growth, {}, low, witness={"point": ["0", "0"]})
