"""Powers of absolute values: derivatives, normal forms, enclosures, and lack of smoothness."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import by_form
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Context, Goal, evaluate
from boundcalc.kernel.analytic.interval import Undefined, precision
from boundcalc.kernel.analytic.normal import Normal
from boundcalc.kernel.analytic.paving import (
    CONVEX,
    CONVEX_AT,
    LEAF,
    MEAN,
    NATURAL,
    OUTSIDE,
    Leaves,
    packed,
)
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.grammar import GrammarError

from .test_analytic_soundness import FORM, HERE, PL, STURM, accepted, claim, refused

Json = Any
UNIT = {"x": ["-1", "1"]}
SIZES = ["abs(x)", "abs(x)^3", "abs(x)^(5/2)", "abs(x)^(1/3)", "x*abs(x)", "x^2*abs(x)",
         "2*x*abs(x)", "abs(x)*x^3", "abs(x)*abs(x)^(3/2)", "abs(2*x - 1)^3", "abs(x)^(-3/2)",
         "(abs(x)^3)^(1/2)", "sqrt(abs(x))", "abs(3 - x)^(3/2)*(3 - x)", "abs(x*abs(x) - 1)^3",
         "x*(x*abs(x))", "abs(-x)^3", "abs(1 - x)*(1 - x)^2", "abs(x)^2", "abs(abs(x) - 1)^3",
         "abs(x)^3*abs(x)^(1/2)*x", "1/abs(x)", "abs(x)^4*abs(x)", "exp(abs(x)^3)"]  # fmt: skip


def read(text: str) -> tuple[Terms, Node]:
    terms = Terms()
    return terms, terms.read(parse(text), {"x": terms.var("x")})


def value(text: str, x: mpf) -> mpf:
    """By Python's own arithmetic on mpmath's numbers."""
    words = text.replace("^", "**")
    for part in ("(5/2)", "(3/2)", "(1/3)", "(-3/2)", "(1/2)"):
        words = words.replace(f"**{part}", f"**exactly{part.replace('/', ',')}")
    code = compile(words, "formula", "eval")
    names = {"abs": abs, "sqrt": mp.sqrt, "exp": mp.exp, "x": x, "exactly": lambda a, b: mpf(a) / b}
    return eval(code, {"__builtins__": {}}, names)  # noqa: S307 (a list above)


def number(terms: Terms, node: Node, x: Fraction) -> mpf:
    """The middle of the kernel's enclosure."""
    with precision(200):
        low, high = iv.outward(evaluate(terms, node, {"x": iv.rational(x)}))
    middle = (low + high) / 2
    return mpf(middle.numerator) / middle.denominator


@pytest.mark.parametrize("text", SIZES)
@pytest.mark.parametrize("x", ["-2", "-1/3", "1/7", "5/4"])
def test_values_and_derivatives(text: str, x: str) -> None:
    terms, node = read(text)
    at = Fraction(x)
    slope = terms.derivative(node, "x")
    normal = Normal(terms)
    with mp.workdps(50):
        point = mpf(at.numerator) / at.denominator
        assert abs(number(terms, node, at) - value(text, point)) < mpf(10) ** -40
        expected = mp.diff(lambda u: value(text, u), point)
        assert abs(number(terms, slope, at) - expected) < mpf(10) ** -18 * (1 + abs(expected))
        second = mp.diff(lambda u: value(text, u), point, 2)
        bend = terms.derivative(slope, "x")
        assert abs(number(terms, bend, at) - second) < mpf(10) ** -9 * (1 + abs(second))
        for each in (node, slope, bend):
            short = normal.node(normal.of(each))
            gap = number(terms, short, at) - number(terms, each, at)
            assert abs(gap) < mpf(10) ** -40
        at_point = normal.of(terms.substitute(slope, {"x": terms.const(at)}))
        assert abs(number(terms, normal.node(at_point), at) - number(terms, slope, at)) < 1e-40


@pytest.mark.parametrize("text", SIZES)
def test_enclosures(text: str) -> None:
    source = random.Random(text)
    terms, node = read(text)
    for each in (node, terms.derivative(node, "x")):
        for _ in range(40):
            ends = sorted(Fraction(source.randint(-40, 40), 13) for _ in range(2))
            try:
                with precision(53):
                    found = evaluate(terms, each, {"x": iv.between(*ends)})
            except Undefined:
                continue
            for k in range(5):
                x = ends[0] + (ends[1] - ends[0]) * k / 4
                with mp.workdps(50), precision(200):
                    low, high = evaluate(terms, each, {"x": iv.rational(x)})
                assert found[0] <= high and low <= found[1]


def test_products_are_smoother_than_their_factors() -> None:
    for text, order in (
        ("x*abs(x)", 2), ("x^2*abs(x)", 3), ("2*x*abs(x)", 2), ("(x*3)*abs(x)*x", 3),
        ("abs(x)*abs(x)^(3/2)", Fraction(5, 2)), ("(x*abs(x))*x", 3), ("abs(x)^3*x^2", 5),
    ):  # fmt: skip
        terms, node = read(text)
        keys = [terms.nodes[place] for place in terms.order([node])]
        assert [key[2] for key in keys if key[0] in ("size", "odd")] == [order], text
    for text in ("abs(x)^2", "abs(x)*abs(x)", "(x*abs(x))^2", "abs(x)^(3/2)*abs(x)^(1/2)"):
        terms, node = read(text)
        assert not terms.kinks([node], 8), text
    terms, node = read("abs(x - 1)^3 + sin(x*abs(x))")
    x = terms.var("x")
    shifted = terms.power(terms.sub(x, terms.one), 2)
    assert set(terms.kinks([node], 3)) == {shifted, terms.power(x, 2)}
    assert terms.kinks([node], 2) == [terms.power(x, 2)]
    assert terms.kinks([node], 1) == []


def test_identities() -> None:
    terms = Terms()
    normal = Normal(terms)
    names = {name: terms.var(name) for name in "xy"}

    def form(text: str) -> Any:
        return normal.of(terms.read(parse(text), names))

    for a, b in (
        ("abs(x)^3*x", "x^2*(x*abs(x))"), ("abs(-x)", "abs(x)"), ("abs(x - y)", "abs(y - x)"),
        ("(x - y)*abs(x - y)", "-((y - x)*abs(y - x))"), ("abs(x)^2", "x^2"), ("abs(-3)", "3"),
        ("abs(x)*abs(x)", "x^2"), ("(x*abs(x))^2", "x^4"), ("abs(4)^(3/2)", "8"), ("abs(0)", "0"),
        ("abs(0)^(1/3)", "0"), ("abs(-2)^-3", "1/8"), ("(abs(x) + 1)^2", "x^2 + 2*abs(x) + 1"),
        ("abs(x)^(1/2)*abs(x)^(1/2)", "abs(x)"), ("abs(x)*(abs(y)*x)", "x*abs(x)*abs(y)"),
        ("(1 + x)*(abs(x) + 1)", "1 + x + abs(x) + x*abs(x)"),
        ("x*abs(x)^(1/2)*abs(x)^(3/2)", "x^3"),
        ("(1 + x)*(1 + abs(x)^3)", "1 + x + abs(x)^3 + x*abs(x)^3"),
    ):  # fmt: skip
        assert form(a) == form(b), (a, b)
    for a, b in (("abs(x)", "x"), ("abs(x)^3", "x^3"), ("x*abs(x)", "x^2")):
        assert form(a) != form(b)
    assert by_form(normal, form("abs(x)^3 + abs(y)^(1/2)"), False)
    assert not by_form(normal, form("abs(x)^3 + abs(y)^(1/2)"), True)
    assert not by_form(normal, form("x*abs(x)"), False)
    with pytest.raises(GrammarError):
        terms.read(parse("abs(0)^-1*1/0"), names)


def test_smooth_with_a_tight_constant() -> None:
    both = {"condition.above0": HERE, "condition.below0": HERE}
    assert accepted(claim("abs(x)^3", "smooth", {"L": "6"}, domain=UNIT), both) == "proved"
    refused(claim("abs(x)^3", "smooth", {"L": "5.99"}, domain=UNIT), both)
    witness = {"point": ["1"], "direction": ["1"]}
    less = claim("abs(x)^3", "smooth", {"L": "5.99"}, domain=UNIT)
    assert accepted(less, {}, witness=witness) == "refuted"
    right = {"x": ["1", "2"]}
    assert accepted(claim("abs(x)^3", "smooth", {"L": "12"}, domain=right), both) == "proved"
    refused(claim("abs(x)^3", "smooth", {"L": "11.99"}, domain=right), both)
    none = claim("abs(x)^3", "smooth", {"L": "any"})
    assert accepted(none, {}, witness={"curve": ["t"], "direction": ["1"]}) == "refuted"
    assert accepted(none, {}, witness={"curve": ["-t"], "direction": ["1"]}) == "refuted"
    odd = claim("x*abs(x)^3", "smooth", {"L": "12"}, domain=UNIT)
    assert accepted(odd, both) == "proved"


def test_where_it_is_not_smooth_enough() -> None:
    star = {"condition.main0.0": FORM}
    for text in ("abs(x)", "abs(x)^(1/2)", "x + abs(x)", "abs(x)*cos(x)"):
        said = claim(text, "pl-star", PL, domain=UNIT)
        assert "defined.0" in refused(said, star)
        refused(said, {**star, "defined.0": FORM})
        refused(said, {**star, "defined.0": STURM})
    right = {"x": ["1", "2"]}
    line = claim("abs(x)", "convex", {}, domain=right)
    assert accepted(line, {"defined.0": STURM, "condition.convex0": HERE}) == "proved"
    for text in ("abs(x)^(3/2)", "x*abs(x)", "abs(x)"):  # no second derivatives at 0
        said = claim(text, "convex", {}, domain=UNIT)
        refused(said, {"condition.convex0": HERE})
        refused(said, {"condition.convex0": HERE, "defined.0": STURM})
    once = claim("abs(x)^(3/2)", "pl", {"mu": "9/8"}, domain=UNIT)  # no route by ∇²f
    minors = {"rule": "minors", "proofs": {"0": FORM}}
    why = refused(once, {"condition.convex0": minors}, via="strong-convexity")
    assert "may not exist" in why
    assert accepted(claim("abs(x)^(5/2)", "convex", {}, domain=UNIT), {"condition.convex0": HERE})


def test_a_kink_is_no_anchor() -> None:
    """0·sign(0) is not 0 to the rules of anchors and flatness."""
    tree = {"rule": "paving", "tree": packed(bytes([LEAF + MEAN]))}
    said = claim("abs(x)^3 + x", "pl-star", PL, domain=UNIT)
    refused(said, {"condition.main0.0": tree})
    for code in (4, 7, 12):  # anchor, flat, sharp anchor
        body = {"rule": "paving", "tree": packed(bytes([LEAF + code, 0]))}
        least = claim("abs(x)^3 - x^4", "nonnegative", {}, domain={"x": ["-2", "2"]})
        refused(least, {"condition.main0.0": body}, anchors=[["0"]])


def test_a_sign_has_no_derivative_where_it_jumps() -> None:
    """Beside the ball u = 0 lies in the box: there u·|u| has the other second derivative."""
    ball = {"center": ["-2"], "radius": "1"}
    said = claim("x*abs(x)", "convex", {}, domain={"x": ["-4", "12"]}, ball=ball)  # f'' = -2
    below, out = LEAF + NATURAL, LEAF + OUTSIDE
    apart = bytes([0, 0, 0, below, 0, below, 0, below, out, out, out])
    proofs = {"defined.0": {"rule": "paving", "tree": packed(apart)}}
    for rule in (MEAN, CONVEX):
        body = {"rule": "paving", "tree": packed(bytes([LEAF + rule]))}
        body = {"rule": "minors", "proofs": {"0": body}}
        assert "leaf 0" in refused(said, {**proofs, "condition.convex0": body})


def test_a_tangent_does_not_pass_a_kink() -> None:
    """2 - |x| is not positive at the second minimiser -5, though its tangent at 1/2 is."""
    said = claim("x^2*(x + 5)^2", "qg", {"mu": "1/100"}, domain={"x": ["-10", "1"]})
    flat = {"rows": [["1"]], "values": ["0"]}
    facts = {"flats": {"value": "0", "weight": "2 - abs(x)", "flats": [flat]}}
    tangent = {"rule": "paving", "tree": packed(bytes([LEAF + CONVEX_AT])), "points": [["1/2"]]}
    proofs = {
        "flats.weight": tangent,
        "flats.inside0.0": FORM,
        "flats.inside0.1": FORM,
        "flats.above": {**split(STURM, STURM), "form": "expanded"},
    }
    assert "flats.weight" in refused(said, proofs, facts, witness={"point": ["-5"]})


# -- pieces


def split(*proofs: Json, at: tuple[str, ...] = ("0",)) -> Json:
    return {"rule": "split", "at": list(at), "proofs": list(proofs)}


def test_pieces() -> None:
    main = "condition.main0.0"
    wide = {"x": ["-1", "2"]}
    for text, true in (("abs(x)^3 - x^3", True), ("abs(x)^3 + x^3/2", True),
                       ("abs(x)^3 + 2*x^3", False), ("x*abs(x) + x^2", True),
                       ("x*abs(x)", False), ("8*abs(x)^3 - x^6", True),
                       ("7.99*abs(x)^3 - x^6", False)):  # fmt: skip
        said = claim(text, "nonnegative", {}, domain=wide)
        if true:
            assert accepted(said, {main: split(STURM, STURM)}) == "proved"
        else:
            refused(said, {main: split(STURM, STURM)})
    said = claim("abs(x)^3 - x^3", "nonnegative", {}, domain=wide)
    assert "one proof for each" in refused(said, {main: split(STURM)})
    assert "in order" in refused(said, {main: split(STURM, STURM, at=("3",))})
    assert "in order" in refused(said, {main: split(STURM, STURM, STURM, at=("1", "0"))})
    assert "changes within" in refused(said, {main: split(STURM, STURM, at=("1",))})
    plane = claim("abs(x)^3 + abs(y)^3", "nonnegative", {}, domain={**UNIT, "y": ["-1", "1"]})
    assert "several variables" in refused(plane, {main: split(FORM, FORM)})
    half = claim("abs(x)^(5/2) + abs(x)^3", "nonnegative", {}, domain=UNIT)
    refused(half, {main: split(STURM, STURM)})
    assert accepted(half, {main: split(HERE, HERE)}) == "proved"
    whole = claim("abs(x)^3 + x^2", "nonnegative", {})
    assert accepted(whole, {main: split(STURM, STURM)}) == "proved"


def test_powers_of_one_variable() -> None:
    free = {"rule": "free", "proof": {"rule": "sturm"}}
    main = "condition.main0.0"
    side = {"x": ["-4", "4"]}
    rough = claim("abs(x)^(1/3) - abs(x)^(1/2)/2", "nonnegative", {}, domain=side)
    assert "by form" in refused(rough, {"defined.0": FORM, main: free})
    root = claim("2*abs(x)^(3/2) - abs(x)^(5/2)/2", "nonnegative", {}, domain=side)
    assert accepted(root, {main: free}) == "proved"
    less = claim("1.99*abs(x)^(3/2) - abs(x)^(5/2)/2", "nonnegative", {}, domain=side)
    refused(less, {main: free})


def test_counting_zeros_between_cuts() -> None:
    proofs = {"minimisers.above": split(STURM, STURM), "condition.main0.0": split(STURM, STURM)}
    facts = {"minimisers": {"points": [["0"]], "cuts": ["0"]}}
    aiming = claim("abs(x)^3", "aiming", {"theta": "3"})
    assert accepted(aiming, proofs, facts) == "proved"
    refused(claim("abs(x)^3", "aiming", {"theta": "3.01"}), proofs, facts)
    assert refused(aiming, proofs, {"minimisers": {"points": [["0"]]}})
    flat = claim("abs(x)^3 - x^3", "aiming", {"theta": "1"})  # 0 for all x ≥ 0
    assert "another number" in refused(flat, proofs, facts)


def test_a_sign_keeps_the_end_that_it_reaches() -> None:
    # y|y| = -1 at y = -1, an end of the box: there f is least, and does not fall
    box = {"x": ["-oo", "oo"], "y": ["-3", "-1"]}
    said = claim("(-1 - y*abs(y))*exp(x) + (y + 1)^2", "rsi", PL, domain=box)
    refused(said, {"falls": {"rule": "open"}}, witness={"falls": ["-1", "0"]})
    lower = {**box, "y": ["-3", "-2"]}
    within = claim("(-1 - y*abs(y))*exp(x) + (y + 1)^2", "rsi", PL, domain=lower)
    falls = {"falls": {"rule": "open"}}
    assert accepted(within, falls, witness={"falls": ["-1", "0"]}) == "refuted"


@pytest.mark.parametrize("form", ["factored", "expanded", "cleared"])
def test_beside_a_kink_nothing_is_convex(form: str) -> None:
    # f' = x - |x| + 1/10, whose second derivative is 0 beside its kink; f is least at -1/20
    tree = packed(bytes([LEAF + CONVEX_AT]))
    proof = {"rule": "paving", "form": form, "tree": tree, "points": [["1/2"]]}
    least = claim("x^2/2 - x*abs(x)/2 + x/10", "rsi", PL, domain={"x": ["-oo", "1"]})
    refused(least, {"falls": proof}, witness={"falls": ["-1"]})
    below = claim("x^2/2 - x*abs(x)/2 + x/10", "rsi", PL, domain={"x": ["1/3", "oo"]})
    shifted = {**proof, "points": [["2"]]}
    refused(below, {"falls": shifted}, witness={"falls": ["1"]})
    away = claim("x*abs(x)/2 - x^2/2 - x/10", "rsi", PL, domain={"x": ["1/3", "oo"]})
    assert accepted(away, {"falls": shifted}, witness={"falls": ["1"]}) == "refuted"


def test_the_mean_value_of_what_jumps_shows_nothing() -> None:
    # the sign of x, whose derivative is 0 beside its jump
    terms, node = read("abs(x)")
    slope = terms.derivative(node, "x")
    goal = Goal("g", ("x",), ((Fraction(-1), Fraction(3)),), slope)
    leaves = Leaves(Context(terms, Normal(terms)), goal)
    assert not leaves.holds(MEAN, goal.box, None, -1)
    assert leaves.holds(MEAN, ((Fraction(1), Fraction(3)),), None, -1)
