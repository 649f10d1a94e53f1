"""No minimiser: directions of descent and curves; strict inequalities by open ranges."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Goal
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.openness import is_positive
from boundcalc.kernel.analytic.terms import Terms

from .test_analytic_soundness import FORM, PL, accepted, claim, refused

Json = Any
LINE = ["-oo", "oo"]
PLANE = {"x": LINE, "y": LINE}
OPEN = {"rule": "open"}
DOWN = {"falls": ["-1"]}


@pytest.mark.parametrize("text", ["exp(x)", "softplus(x)", "atan(x)", "tanh(x)", "logistic(x)"])
@pytest.mark.parametrize("condition", ["rsi", "pl", "qg", "eb"])
def test_a_function_that_falls_has_no_minimiser(text: str, condition: str) -> None:
    said = claim(text, condition, PL)
    assert accepted(said, {"falls": OPEN}, witness=DOWN) == "refuted"
    refused(said, {"falls": OPEN}, witness={"falls": ["1"]})
    refused(said, {"falls": OPEN}, witness={"falls": ["0"]})


def test_separable_data_have_no_minimiser() -> None:
    losses = ["log(1 + exp(-x - 2*y))", "softplus(y - 3*x)", "log(1 + exp(-x))"]
    said = claim(losses, "rsi", PL, domain=PLANE)
    proofs = {"defined.0": FORM, "defined.1": FORM, "falls": OPEN}
    assert accepted(said, proofs, witness={"falls": ["1", "1/2"]}) == "refuted"
    assert accepted(said, proofs, witness={"falls": ["2", "1"]}) == "refuted"
    refused(said, proofs, witness={"falls": ["0", "1"]})
    each = claim(losses, "alpha-beta", {"alpha": "1", "beta": "0"}, domain=PLANE, of="each")
    assert accepted(each, proofs, witness={"falls": ["1", "1/2"]}) == "refuted"
    forms = {"forms": [["1", "1"]]}
    along = claim("exp(x + y)", "rsi", PL, domain=PLANE)
    assert accepted(along, {"falls": OPEN}, forms, witness=DOWN) == "refuted"


def test_where_falling_shows_nothing() -> None:
    right = {"x": ["0", "oo"]}
    left = {"x": ["-oo", "0"]}
    for said, witness, why in (
        (claim("exp(x)", "rsi", PL, domain=right), DOWN, "leaves the domain"),
        (claim("exp(-x)", "rsi", PL, domain=left), {"falls": ["1"]}, "leaves the domain"),
        (claim("exp(x)", "pl", PL, domain=left), DOWN, "needs no minimiser"),
        (claim("exp(x)", "pl-star", PL), DOWN, "needs no minimiser"),
        (claim("exp(x)", "convex", {}), DOWN, "needs no minimiser"),
        (claim("exp(x)", "self-bounding", {"L": "1"}), DOWN, "needs no minimiser"),
        (
            claim("exp(x)", "rsi", PL, ball={"center": ["0"], "radius": "1"}),
            DOWN,
            "needs no minimiser",
        ),
        (claim("exp(x)", "rsi", PL), {"falls": ["1", "1"]}, "one entry for each variable"),
        (claim("exp(x)", "rsi", PL), {"falls": ["a"]}, "not a rational"),
        (claim("exp(x)", "rsi", PL), {**DOWN, "curve": ["t"]}, "unknown"),
    ):
        assert why in refused(said, {"falls": OPEN}, witness=witness)
    assert accepted(claim("exp(x)", "rsi", PL, domain=left), {"falls": OPEN}, witness=DOWN)
    least = claim("x^2", "rsi", PL)  # with a minimiser the goal is false
    refused(least, {"falls": OPEN}, witness=DOWN)
    refused(least, {"falls": FORM}, witness=DOWN)


def test_empty_and_below_through_exponentials() -> None:
    flat = {"curve": ["-t"], "kind": "empty", "value": "1"}
    said = claim("1 + softplus(x)", "pl", PL)
    assert accepted(said, {"empty.above": OPEN}, witness=flat) == "refuted"
    refused(said, {"empty.above": OPEN}, witness={**flat, "value": "2"})
    refused(said, {"empty.above": OPEN}, witness={**flat, "curve": ["t"]})
    refused(
        claim("exp(-x^2)", "pl-star", PL), {"empty.above": OPEN}, witness={**flat, "value": "0"}
    )
    log = claim("log(1 + x^2) - sqrt(1 + x^2)", "qg", PL)
    proofs = {"defined.0": FORM}
    assert accepted(log, proofs, witness={"curve": ["t"], "kind": "below"}) == "refuted"
    each = claim(["-exp(x)", "x"], "alpha-beta", {"alpha": "1", "beta": "0"}, of="each")
    assert accepted(each, {}, witness={"curve": ["t"], "kind": "below"}) == "refuted"
    bounded = claim(["-exp(x)", "x"], "self-bounding", {"L": "1"}, of="each")
    assert "minus infinity" in refused(bounded, {}, witness={"curve": ["t"], "kind": "below"})


def test_no_constant_through_exponentials() -> None:
    steep = claim("cosh(x)", "smooth", {"L": "any"})
    assert accepted(steep, {}, witness={"curve": ["t"], "direction": ["1"]}) == "refuted"
    slow = claim("cosh(x)", "strongly-convex", {"mu": "any"})
    refused(slow, {}, witness={"curve": ["t"], "direction": ["1"]})
    tilted = claim("exp(x) - x", "pl", {"mu": "any"})
    at = {"infimum": {"at": ["0"]}}
    assert accepted(tilted, {}, at, witness={"curve": ["-t"]}) == "refuted"
    refused(tilted, {}, at, witness={"curve": ["t"]})
    one = claim("exp(x) - x", "pl", {"mu": "1/1000"})
    assert accepted(one, {}, at, witness={"curve": ["-t"]}) == "refuted"
    star = claim("softplus(x)", "pl-star", {"mu": "any"})
    assert accepted(star, {}, witness={"curve": ["-t"]}) == "refuted"
    pair = claim("exp(x) + exp(y)", "smooth", {"L": "1000"}, domain=PLANE)
    witness = {"curve": ["0", "t"], "direction": ["0", "1"]}
    assert accepted(pair, {}, witness=witness) == "refuted"


# -- open ranges


def positive(text: str, box: Json = LINE) -> bool:
    terms = Terms()
    node = terms.read(parse(text), {"x": terms.var("x")})
    lo, hi = (None if end in ("-oo", "oo") else Fraction(end) for end in box)
    try:
        return is_positive(terms, Goal("g", ("x",), ((lo, hi),), node, True))
    except Undefined:
        return False


POSITIVE = [
    "exp(x)", "1 + tanh(x)", "1 - tanh(x)", "2 - 2*tanh(x)", "1 - tanh(x)^2", "1 + tanh(x)^3",
    "logistic(x)*(1 - logistic(x))", "softplus(x)", "log(1 + exp(x))", "1/(1 + x^2)",
    "1/exp(x)", "-1/(-exp(x))", "1/(1 - logistic(x))", "-1/(logistic(x) - 1)", "(0-exp(x))^2",
    "-(0-exp(x))^3", "-exp(x)*(tanh(x) - 1)", "sqrt(exp(x))", "exp(x)^(1/3)", "pi - e", "cosh(x)",
    "2*cosh(x) - 1", "2 - sin(x)", "1/(3 - tanh(x)) - 1/4", "e + sinh(x)^2", "atan(x) + 2",
    "1/2 + (0-1/2)*tanh(x)", "exp(-1/exp(x))", "(1 - logistic(x))^4",
    "abs(exp(x))^3", "abs(0-exp(x))^(1/2)", "exp(x)*abs(exp(x))^(1/2)", "abs(sinh(x)) + exp(x)",
]  # fmt: skip


@pytest.mark.parametrize("text", POSITIVE)
def test_open_ranges(text: str) -> None:
    assert positive(text)
    assert not positive(f"-({text})")
    assert not positive(f"({text}) - 1000")


@pytest.mark.parametrize(
    "text",
    ["0", "x", "x^2", "tanh(x)", "1 + cos(x)", "1 - sin(x)", "cosh(x) - 1", "x*exp(x)", "exp(x)-1",
     "1 - logistic(x) - exp(x)", "(tanh(x) - 1)^3", "1/x", "log(x)", "1 - tanh(x)*tanh(x)*x",
     "1 - 1/(1 + x^2)", "tanh(x)*(1-tanh(x))", "1 - (cos(x))^2", "0*exp(x)"],
)  # fmt: skip
def test_what_open_ranges_do_not_show(text: str) -> None:
    assert not positive(text)


def test_closed_ends_are_reached() -> None:
    assert not positive("x", ["0", "1"])
    assert positive("x", ["1/10", "1"])
    assert not positive("1 - x", ["0", "1"])
    assert not positive("1 - x^2", ["-1", "0"])
    assert not positive("exp(x) - 1", ["0", "oo"])
    assert positive("exp(-x)", ["0", "oo"])
    assert not positive("-1 - x*abs(x)", ["-2", "-1"])
    assert positive("-x*abs(x)", ["-2", "-1"])
    # -x|x| is least at -1, and meets this: no curve to -1 shows that it has no minimiser
    said = claim("0 - x*abs(x)", "rsi", {"mu": "2"}, domain={"x": ["-2", "-1"]})
    near = {"curve": ["-1 - 1/t"], "kind": "empty", "value": "1"}
    assert "empty.above" in refused(said, {"empty.above": OPEN}, witness=near)


OUTER = {
    "exp({})": mp.exp,
    "tanh({})": mp.tanh,
    "logistic({})": lambda u: 1 / (1 + mp.exp(-u)),
    "softplus({})": lambda u: mp.log1p(mp.exp(-abs(u))) + max(u, mpf(0)),
    "({})^2": lambda u: u * u,
    "({})^3": lambda u: u**3,
    "1/({})": lambda u: 1 / u,
    "sinh({})": mp.sinh,
    "atan({})": mp.atan,
    "cosh({})": mp.cosh,
    "2*({})": lambda u: 2 * u,
    "-({})": lambda u: -u,
    "1-({})": lambda u: 1 - u,
    "1+({})": lambda u: 1 + u,
}
POINTS = [mpf(p) / 10 for p in (-25, -10, -1, 0, 3, 10)]


def _value(chosen: tuple[str, ...], x: mpf) -> mpf | None:
    """f_k(...f_1(x))·g(x) with g the last; None where numbers grow too large, or round to 0."""
    *inner, last = chosen
    u = x
    for each in inner:
        if abs(u) > 1e6 or (each == "1/({})" and u == 0):
            return None
        u = OUTER[each](u)
    return u * OUTER[last](x)


def test_what_open_ranges_show_is_true() -> None:
    """Random compositions: where the rule says > 0, values are, up to the rounding of mpmath."""
    source = random.Random(7)
    shown = 0
    for _ in range(1500):
        text = "x"
        chosen = source.choices(list(OUTER), k=source.randint(1, 4))
        for each in chosen:
            text = each.format(text)
        last = source.choice(list(OUTER))
        text = f"({text})*({last.format('x')})"
        if not positive(text):
            continue
        shown += 1
        with mp.workdps(60):
            found = [_value((*chosen, last), x) for x in POINTS]
        known = [value for value in found if value is not None]
        assert all(value >= 0 for value in known), text
    assert shown > 50


# -- a square root against the rest


def test_a_root_against_the_rest() -> None:
    said = claim("sqrt(1 + x^2) - x", "rsi", PL)

    def radical(by: str, *proofs: Json, form: str = "cleared") -> Json:
        return {"rule": "radical", "by": by, "form": form, "proofs": list(proofs)}

    def falls(proof: Json) -> Json:
        return {"defined.0": FORM, "falls": proof}

    right = {"witness": {"falls": ["1"]}}
    assert accepted(said, falls(radical("root", FORM, FORM)), **right) == "refuted"
    assert "one proof for each" in refused(said, falls(radical("root", FORM)), **right)
    assert "no square root" in refused(said, falls(radical("both", FORM, FORM)), **right)
    refused(said, falls(radical("rest", FORM, FORM)), **right)
    refused(said, falls(radical("root", FORM, FORM)), **DOWN and {"witness": DOWN})
    plain = claim("x^2 + 1", "nonnegative", {})
    assert "no square root" in refused(plain, {"condition.main0.0": radical("root", FORM, FORM)})
    for text, by, true in (
        ("x^2 + 2 - sqrt(1 + x^2)", "rest", True),
        ("x^2 + 1 - sqrt(1 + x^2)", "rest", True),
        ("x^2 + 1/2 - sqrt(1 + x^2)", "rest", False),
        ("2*sqrt(1 + x^2) - x - 1", "root", True),
        ("sqrt(1 + x^2) - x - 1", "root", False),
        ("-sqrt(1 + x^2)", "root", False),
        ("-sqrt(1 + x^2) - x^2 - 2", "rest", False),
    ):
        sturm = {"rule": "sturm"}
        proofs = {"defined.0": FORM, "condition.main0.0": radical(by, sturm, sturm)}
        goal = claim(text, "nonnegative", {})
        if true:
            assert accepted(goal, proofs) == "proved"
        else:
            refused(goal, proofs)
