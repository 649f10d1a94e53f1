"""Corners of the kernel that other tests do not reach; arithmetic without Arb."""

from __future__ import annotations

import operator
import random
from fractions import Fraction

import pytest

from boundcalc.kernel.analytic import bare
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.normal import MAX_TERMS, Normal, TooMany
from boundcalc.kernel.analytic.paving import CONVEX, CONVEX_AT, LEAF, NATURAL, SHARP, packed
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.grammar import GrammarError, Name
from boundcalc.kernel.polynomial import Polynomial

from .test_analytic_soundness import FORM, HERE, PL, STURM, accepted, claim, refused, schema

MAIN = "condition.main0.0"
LINE = ["-oo", "oo"]
INF = bare.arb.pos_inf()


@pytest.mark.parametrize("seed", range(3))
def test_numbers_without_arb_are_fractions(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(200):
        a, b = (Fraction(source.randint(-9, 9), source.randint(1, 9)) for _ in range(2))
        x, y = bare.arb(a), bare.arb(b)
        for act in (operator.add, operator.sub, operator.mul):
            assert act(x, y).man_exp() == (act(a, b), 0)
        for test in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq):
            assert test(x, y) == test(a, b)
        n = source.randint(2, 5)
        assert (x**n).man_exp() == (a**n, 0)
        assert (x / n).man_exp() == (a / n, 0)
        assert (-x).man_exp() == (-a, 0)
        assert x.lower() == x.upper() == x
        assert hash(bare.arb(a)) == hash(x)
        assert -INF < x < INF
        if a:
            assert (1 / x).man_exp() == (1 / a, 0)
            assert x * INF == (INF if a > 0 else -INF)


def test_infinities_without_arb() -> None:
    assert (INF + INF, -INF - INF, INF * -INF) == (INF, -INF, -INF)
    assert (INF**2, (-INF) ** 3, (-INF) ** 2) == (INF, -INF, INF)
    assert 1 / INF == 0
    assert not INF.is_finite()
    assert not INF.is_nan()
    assert bare.arb(1).is_finite()
    for act in (
        lambda: INF - INF,
        lambda: INF * bare.arb(0),
        lambda: 1 / bare.arb(0),
        INF.man_exp,
        bare.arb.pi,
        lambda: bare.arb(1).exp(),
        lambda: bare.arb(2) ** (2 * bare.MAX_BITS),
        lambda: bare.arb(1 << (bare.MAX_BITS + 1)),
    ):
        with pytest.raises(bare.Undefined):
            act()
    with pytest.raises(TypeError):
        bare.arb(1) < "1"  # noqa: B015


def test_a_denominator_has_the_sign_of_a_point_where_it_has_one() -> None:
    for f, domain in (
        ("1/(0 - 1 - x^2)", {"x": LINE}),
        ("1/(x - 9)", {"x": ["-oo", "8"]}),
        ("1/(x + 1)", {"x": ["0", "oo"]}),
        ("1/(2 - log(x + 2))", {"x": ["-1", "1"]}),
    ):
        said = claim(f"({f})^2", "nonnegative", {}, domain=domain)
        names = ("defined.0", "defined.1") if "log" in f else ("defined.0",)
        assert accepted(said, {**dict.fromkeys(names, HERE), MAIN: HERE}) == "proved"
    pole = claim("1/x^2", "nonnegative", {})
    refused(pole, {"defined.0": HERE, MAIN: FORM})
    ball = {"center": ["9/10"], "radius": "1/5"}
    near = claim("1/x", "nonnegative", {}, domain={"x": ["1/10", "1"]}, ball=ball)
    assert accepted(near, {"defined.0": HERE, MAIN: HERE}) == "proved"


def test_unbounded_boxes_are_halved_outward() -> None:
    closed = {"rule": "paving", "tree": packed(bytes([0, 0, LEAF, LEAF, LEAF]))}
    for ends in (["2", "oo"], ["-oo", "-2"], ["-1", "oo"], ["-oo", "1"], LINE):
        said = claim("x^2 + 1", "nonnegative", {}, domain={"x": ends})
        assert accepted(said, {MAIN: closed}) == "proved"


def test_sharp_second_derivatives() -> None:
    """On this cell the plain enclosure of f'' dips below 0, its mean value form does not."""
    said = claim("x^4/12 - x^3/6 + x^2/2", "nonnegative", {}, domain={"x": ["0", "1"]})
    for rule, more in ((CONVEX, {}), (CONVEX_AT, {"points": [["0"]]})):
        for code in (rule, rule + SHARP):
            proof = {"rule": "paving", "tree": packed(bytes([LEAF + code])), **more}
            if code == CONVEX_AT + SHARP:
                assert accepted(said, {MAIN: proof}) == "proved"
    undefined = claim("log(x)^2", "nonnegative", {}, domain={"x": ["1/2", "2"]})
    proof = {"rule": "paving", "tree": packed(bytes([LEAF + NATURAL]))}
    assert accepted(undefined, {"defined.0": proof, MAIN: proof}) == "proved"


def test_the_coefficient_of_the_infimum() -> None:
    for relation, why in (
        ("(mu - mu/1)*inf + f(x) >= 0", ""),
        ("f(x) - inf*L >= 0", "unknown sign"),
    ):
        own = schema("pl", id="mine", relations={"main": relation})
        own["constants"] = {"mu": "positive"} | ({"L": "real"} if "L" in relation else {})
        constants = {"mu": "1"} | ({"L": "exp(1) - e"} if "L" in relation else {})
        said = claim("x^2", own, constants)
        if why:
            facts = {"infimum": {"lower": "0", "at": ["0"]}}
            refused(said, {"infimum.0": FORM, MAIN: STURM}, facts)
        else:
            assert accepted(said, {MAIN: FORM}) == "proved"


def test_stationary_points_are_of_f_alone() -> None:
    witness = {"stationary": {"box": [["-1", "1"]], "inverse": [["1"]]}}
    pair = claim(["x^2", "x^4"], "self-bounding", {"L": "1"}, of="each")
    assert "of f alone" in refused(pair, {}, witness=witness)


def test_products_are_bounded() -> None:
    normal = Normal(Terms())
    long = Polynomial({((f"x{k}", 1),): Fraction(1) for k in range(1100)})
    assert len(long.terms) ** 2 > 50 * MAX_TERMS
    with pytest.raises(TooMany, match="product"):
        normal.times(long, long)


def test_graphs_of_what_is_not_a_formula() -> None:
    terms = Terms()
    with pytest.raises(GrammarError, match="not a formula"):
        terms.read("x", {})  # type: ignore[arg-type]
    with pytest.raises(GrammarError, match="unknown name"):
        terms.read(Name("q", 3), {})
    big = terms.const(Fraction(1 << 20_000))
    with pytest.raises(GrammarError, match="digits"):
        terms.power(big, 2)
    x = terms.var("x")
    node = terms.read(parse("x^(1/3) + pi*x"), {"x": x})
    assert terms.variables(terms.substitute(node, {"x": terms.var("y")})) == {"y"}


def test_mean_and_curves_with_a_value() -> None:
    zero = claim("x - x + 1", "pl", PL)
    refused(zero, {}, {"infimum": {"at": ["0"]}}, witness={"curve": ["t"]})
    shifted = claim("x^2", "rsi", {"mu": "3"})
    facts = {"minimisers": {"points": [["0"]]}}
    assert accepted(shifted, {"minimisers.above": FORM}, facts, witness={"curve": ["t"]}) == (
        "refuted"
    )
