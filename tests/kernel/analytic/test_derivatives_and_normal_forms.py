"""Derivatives against sympy and mpmath; normal forms against sympy and against values."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy as sp
from mpmath import mp, mpf

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.normal import MAX_TERMS, Normal, TooMany, number
from boundcalc.kernel.analytic.terms import MAX_BITS, Node, Terms
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.polynomial import TooLarge as TooLargePolynomial

from .expressions import NoValue, TooLarge, exactly, expression, graph_value

SYMBOLS = {"x": sp.Symbol("x", real=True), "y": sp.Symbol("y", real=True)}


def read(text: str) -> tuple[Terms, Node]:
    terms = Terms()
    return terms, terms.read(parse(text), {name: terms.var(name) for name in SYMBOLS})


def as_sympy(text: str) -> sp.Expr:
    names = {
        **SYMBOLS,
        "pi": sp.pi,
        "e": sp.E,
        "logistic": lambda u: 1 / (1 + sp.exp(-u)),
        "softplus": lambda u: sp.log(1 + sp.exp(u)),
    }
    return sp.sympify(text, locals=names, rational=True)


def some_point(source: random.Random) -> dict[str, Fraction]:
    return {name: Fraction(source.randint(-300, 300), 101) for name in SYMBOLS}


def close(a: mpf, b: mpf) -> bool:
    return abs(a - b) <= mpf(10) ** -25 * (1 + abs(a) + abs(b))


def cases(first: int, count: int, smooth: bool = False):
    """Random expressions that the grammar takes."""
    source = random.Random(first)
    made = 0
    while made < count:
        f = expression(source, source.randint(1, 4), smooth=smooth)
        try:
            terms, node = read(f.text)
        except GrammarError:
            continue
        made += 1
        yield source, f, terms, node


def compare_derivatives(first: int, count: int) -> int:
    """How many values of first and second derivatives agreed with numeric differentiation."""
    compared = 0
    with mp.workdps(60):
        for source, f, terms, node in cases(first, count):
            a, b = source.choice("xy"), source.choice("xy")
            once = terms.derivative(node, a)
            twice = terms.derivative(once, b)
            at = {name: exactly(x) for name, x in some_point(source).items()}

            def along(u: mpf, a=a, f=f, at=at) -> mpf:
                return f.value({**at, a: u})

            def across(u: mpf, b=b, terms=terms, once=once, at=at) -> mpf:
                return graph_value(terms, once, {**at, b: u})

            try:
                size = abs(f.value(at))
                pairs = [
                    (mp.diff(along, at[a]), graph_value(terms, once, at)),
                    (mp.diff(across, at[b]), graph_value(terms, twice, at)),
                ]
            except (NoValue, TooLarge):
                continue
            for numeric, symbolic in pairs:
                if max(abs(symbolic), size) > mpf(10) ** 20:
                    continue  # 1/sin(pi) and the like: beyond numeric differentiation
                assert abs(numeric - symbolic) <= mpf(10) ** -15 * (1 + abs(symbolic)), (f.text, at)
                compared += 1
    return compared


def test_derivatives_agree_with_numeric_differentiation() -> None:
    assert compare_derivatives(1, 250) > 200


@pytest.mark.long
def test_derivatives_of_thousands_of_expressions() -> None:
    assert compare_derivatives(2, 6000) > 5000


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(x^2 + 1)*exp(-y)",
        "log(2 + sin(x))/(1 + y^2)",
        "tan(x/2) + tanh(x*y)^3",
        "sinh(x) - cosh(x*y)",
        "atan(x/(1 + y^2))",
        "logistic(x - y)*softplus(x*y)",
        "(1 + x^2)^(3/5) + (2 + y^2)^(-1/3)",
        "x^3*y^2 - 7*x/y",
    ],
)
def test_derivatives_agree_with_sympy(text: str) -> None:
    terms, node = read(text)
    at = {"x": mpf("0.7"), "y": mpf("-1.3")}
    with mp.workdps(40):
        for a in "xy":
            for b in "xy":
                truth = sp.diff(as_sympy(text), SYMBOLS[a], SYMBOLS[b])
                value = sp.lambdify(list(SYMBOLS.values()), truth, "mpmath")(at["x"], at["y"])
                mine = graph_value(terms, terms.derivative(terms.derivative(node, a), b), at)
                assert close(mine, value)


def compare_normal_forms(first: int, count: int) -> int:
    """The node of a normal form has the value of the expression, wherever both have one."""
    compared = 0
    with mp.workdps(80):
        for source, f, terms, node in cases(first, count):
            normal = Normal(terms)
            targets = [node, terms.derivative(node, "x")]
            try:
                same = [normal.node(normal.of(target)) for target in targets]
            except (TooMany, TooLargePolynomial, GrammarError):
                continue  # too long, or 1/(u - u)
            for _ in range(2):
                at = {name: exactly(x) for name, x in some_point(source).items()}
                for target, plain in zip(targets, same, strict=True):
                    try:
                        truth = graph_value(terms, target, at)
                        value = graph_value(terms, plain, at)
                    except (NoValue, TooLarge):
                        continue
                    scale = 1 + abs(truth) + _size(terms, plain, at)
                    assert abs(truth - value) <= mpf(10) ** -50 * scale, (f.text, at)
                    compared += 1
    return compared


def _size(terms: Terms, node: Node, at) -> mpf:
    """The largest value on the way, which bounds what cancels."""
    return max((abs(graph_value(terms, n, at)) for n in terms.children(node)), default=mpf(0))


def test_normal_forms_keep_values() -> None:
    assert compare_normal_forms(3, 150) > 200


@pytest.mark.long
def test_normal_forms_of_thousands_of_expressions() -> None:
    assert compare_normal_forms(4, 3000) > 4000


@pytest.mark.parametrize("seed", range(20))
def test_normal_forms_of_polynomials_are_sympys(seed: int) -> None:
    source = random.Random(seed)
    text = _polynomial(source, 4)
    terms, node = read(text)
    mine = Normal(terms).of(node)
    truth = sp.Poly(sp.expand(as_sympy(text)), *SYMBOLS.values())
    found = {
        tuple(dict(monomial).get(name, 0) for name in SYMBOLS): sp.Rational(
            c.numerator, c.denominator
        )
        for monomial, c in mine.terms.items()
    }
    assert found == {m: c for m, c in truth.terms() if c}


def _polynomial(source: random.Random, depth: int) -> str:
    if depth == 0:
        return source.choice(("x", "y", "2", "1/3", "0.5", "x", "y"))
    a, b = _polynomial(source, depth - 1), _polynomial(source, depth - 1)
    kind = source.randrange(4)
    return (f"({a}) + ({b})", f"({a}) - ({b})", f"({a})*({b})", f"({a})^2 - ({b})")[kind]


EQUAL = [
    ("sin(x)^2 + cos(x)^2", "1"),
    ("cosh(x*y)^2 - sinh(x*y)^2", "1"),
    ("sqrt(1 + x^2)^4", "(1 + x^2)^2"),
    ("sin(-x)*tanh(-y)", "sin(x)*tanh(y)"),
    ("cos(x - y)", "cos(y - x)"),
    ("sin(pi/2) + cos(pi) + sin(3*pi/2)", "-1"),
    ("sqrt(1/2)", "sqrt(2)/2"),
    ("exp(0) + log(1) + atan(0)", "1"),
    ("(x + y)*(x - y)", "x^2 - y^2"),
    ("1/(2 + 2*x^2)", "1/(1 + x^2)/2"),
    ("logistic(0)", "1/2"),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_expressions_have_one_normal_form(left: str, right: str) -> None:
    terms, node = read(f"{left} - ({right})")
    assert not Normal(terms).of(node)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sqrt(x^2)", "x"),
        ("sin(x)^2", "cos(x)^2"),
        ("sin(x)", "sin(x + 1/10^9)"),
        ("exp(x)", "exp(-x)"),
        ("x^(1/3)", "x^(1/4)"),
        ("pi", "22/7"),
        ("sqrt(2)", "1.41421356237"),
        ("cos(pi/7)", "cos(pi/8)"),
        ("tanh(x)", "tanh(-x)"),
    ],
)
def test_unequal_expressions_have_two(left: str, right: str) -> None:
    terms, node = read(f"{left} - ({right})")
    assert Normal(terms).of(node)


def test_numbers_are_seen() -> None:
    terms, node = read("3/4 + 0*x + 1/4")
    assert number(Normal(terms).of(node)) == 1
    for text in ("x", "x + 1", "pi"):
        terms, node = read(text)
        assert number(Normal(terms).of(node)) is None
    terms, node = read("x - x")
    assert number(Normal(terms).of(node)) == 0


def test_normal_forms_are_bounded() -> None:
    terms, node = read("(1 + x + y + sin(x) + sin(y) + exp(x) + exp(y))^16")
    with pytest.raises((TooMany, TooLargePolynomial)):
        Normal(terms).of(node)
    assert MAX_TERMS < 10**6


def test_graphs_share_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    terms, node = read("(x + y)^2 + (y + x)^2")
    assert sum(key[0] == "power" for key in terms.nodes) == 1
    assert terms.variables(node) == {"x", "y"}
    monkeypatch.setattr("boundcalc.kernel.analytic.terms.MAX_NODES", len(terms.nodes))
    with pytest.raises(GrammarError, match="nodes"):
        terms.apply("sin", node)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x/0", "division by 0"),
        ("x/(1 - 1)", "division by 0"),
        ("0^(-1)", "0 to a power"),
        ("z", "unknown name 'z'"),
    ],
)
def test_terms_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(GrammarError, match=said):
        read(text)


def test_constants_do_not_grow_without_end() -> None:
    terms = Terms()
    big = terms.const(Fraction(2 ** (MAX_BITS // 2)))
    with pytest.raises(GrammarError, match="digits"):
        terms.mul(terms.mul(big, big), big)
    with pytest.raises(GrammarError, match="division by 0"):
        terms.apply("inv", terms.zero)


@pytest.mark.parametrize("seed", range(8))
def test_substitution_is_composition(seed: int) -> None:
    source = random.Random(seed)
    with mp.workdps(60):
        f = expression(source, 3, smooth=True)
        terms, node = read(f.text)
        moved = terms.substitute(
            node,
            {
                "x": terms.read(parse("y^2 - x"), {n: terms.var(n) for n in SYMBOLS}),
                "y": terms.var("x"),
            },
        )
        at = {name: exactly(x) for name, x in some_point(source).items()}
        there = {"x": at["y"] ** 2 - at["x"], "y": at["x"]}
        assert close(graph_value(terms, moved, at), f.value(there))
