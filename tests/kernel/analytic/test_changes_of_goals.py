"""Rules that change a goal (charts, free, cleared, parts, minors, gram): the new imply the old.

Each is compared with values of the old goal that mpmath computes, also far away.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.analytic import exact
from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.chart import charted, pieces
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.free import freed
from boundcalc.kernel.analytic.goal import Context, Goal, MatrixGoal, evaluate
from boundcalc.kernel.analytic.gram import groups, positive, shifted
from boundcalc.kernel.analytic.normal import Normal
from boundcalc.kernel.analytic.proof import minors, shaped
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.identity import Rejected

from .expressions import exactly, graph_value

LINE = (None, None)


def goal(text: str, *box, names: str = "xy", positive: str = "", constraints: str = "") -> tuple:
    """Context and goal; `positive` and `constraints` are formulas with ';' between them."""
    terms = Terms()
    known = {name: terms.var(name) for name in names}
    nodes = [
        tuple(terms.read(parse(part), known) for part in words.split(";") if part)
        for words in (positive, constraints)
    ]
    sides = tuple(box) or (LINE,) * len(names)
    ends = tuple(tuple(None if e is None else Fraction(e) for e in side) for side in sides)
    made = Goal(
        "g", tuple(names), ends, terms.read(parse(text), known), positive=nodes[0],
        constraints=nodes[1],
    )  # fmt: skip
    return Context(terms, Normal(terms)), made


# -- charts

CHARTED = [
    ("x^4 - 3*x*y + y^2", ()),
    ("x^2*y^2 - x^3 + 7", ()),
    ("(x^2 - y)/(1 + x^2 + y^2)", ()),
    ("sqrt(1 + x^2 + y^2) - x/2", ()),
    ("sqrt(3 + x^2) - x", ((0, None), (0, 1))),
    ("x^2 + y^2 + 3*sin(x)*y - cos(x*y)", ()),
    ("x^2 + atan(x + y) + tanh(x*y)*y", ()),
    ("exp(-x^2)*y + x^2 + y^2", ((None, None), (-1, 2))),
    ("softplus(x) - x*logistic(x) + y", ((None, None), (0, 1))),
    ("softplus(x)^2 + tanh(x)*x + y*exp(-x^2 - 1)", ((None, None), (-1, 1))),
    ("softplus(-2*x - 1) + logistic(x)", ((-3, None), (0, 1))),
    ("x^2 + y + exp(-1 - x^2)", ((None, None), (2, None))),
    ("x - y + sin(y)", ((1, None), (None, -2))),
    ("exp(sin(x + y))*x^2 + y^2", ()),
    ("logistic(x^3 + x)*x + y^2", ((None, None), (0, 3))),
]


def far(source: random.Random, made: Goal, index: int, sign: int, radius: Fraction) -> list:
    """A point of a chart: x_index has the largest size among the unbounded variables."""
    size = (
        radius
        * (1 + abs(Fraction(source.gauss(0, 1))).limit_denominator(99))
        * (10 ** source.randint(0, 6))
    )
    point = []
    for k, (lo, hi) in enumerate(made.box):
        if k == index:
            point.append(sign * size)
        elif lo is not None and hi is not None:
            point.append(lo + (hi - lo) * Fraction(source.randint(0, 9), 9))
        else:
            x = size * Fraction(source.randint(-20, 20), 20)
            x = x if lo is None else max(x, lo)
            point.append(x if hi is None else min(x, hi))
    return point


def in_chart(made: Goal, inner: Goal, point: list, index: int) -> dict[str, Fraction]:
    """The coordinates of a point: t = 1/|x_index|, v_k = x_k·t; free variables are left out."""
    t = 1 / abs(point[index])
    found = {}
    for k, (name, side) in enumerate(zip(made.variables, made.box, strict=True)):
        if k == index:
            found[f"@t{index}"] = t
        elif None in side:
            found[f"@v{k}"] = point[k] * t
        else:
            found[name] = point[k]
    assert set(found) <= set(inner.variables)
    return found


def image(context: Context, inner: Goal, at: dict[str, Fraction]) -> iv.Interval:
    """All values of the new goal at a point, over the ranges of its free variables."""
    values = {name: iv.rational(x) for name, x in at.items()}
    for name, (lo, hi) in zip(inner.variables, inner.box, strict=True):
        if name not in values:
            values[name] = iv.between(lo, hi)
        elif not lo <= at[name] <= hi:
            raise AssertionError(f"{name} = {at[name]} lies outside [{lo}, {hi}]")
    return evaluate(context.terms, inner.term, values)


def powers_that_fit(context: Context, made: Goal, inner: Goal, at: dict, point: list, index) -> set:
    """The D with g(x)·t^D in the image of the new goal."""
    with iv.precision(400), mp.workdps(100):
        low, high = iv.outward(image(context, inner, at))
        there = dict(zip(made.variables, map(exactly, point), strict=True))
        value = graph_value(context.terms, made.term, there)
        t = exactly(at[f"@t{index}"])
        low, high = exactly(low), exactly(high)
        room = mpf(10) ** -60 * (1 + abs(low) + abs(high))
        return {d for d in range(-8, 24) if low - room <= value * t**d <= high + room}


@pytest.mark.parametrize(("text", "box"), CHARTED)
def test_a_chart_has_the_values_of_the_goal_times_a_power_of_t(text: str, box: tuple) -> None:
    source = random.Random(text)
    context, made = goal(text, *box)
    radius = Fraction(4)
    with iv.precision(128):
        _, charts = pieces(made, radius)
        for name, (index, sign) in charts.items():
            polynomial = context.normal.of(made.term)
            inner = charted(context, made, polynomial, name, radius)
            assert all(lo is not None and hi is not None for lo, hi in inner.box)
            fit = set(range(-8, 24))
            for _ in range(40):
                point = far(source, made, index, sign, radius)
                at = in_chart(made, inner, point, index)
                fit &= powers_that_fit(context, made, inner, at, point, index)
            assert len(fit) == 1, (name, inner, fit)  # one power, so the test tells them apart


@pytest.mark.parametrize(("text", "box"), CHARTED)
def test_core_and_charts_cover_the_box(text: str, box: tuple) -> None:
    source = random.Random(text)
    _, made = goal(text, *box)
    core, charts = pieces(made, Fraction(4))
    for _ in range(300):
        point = []
        for lo, hi in made.box:
            x = Fraction(source.randint(-999, 999), 50)
            x = x if lo is None else max(x, lo)
            point.append(x if hi is None else min(x, hi))
        if all(lo <= x <= hi for x, (lo, hi) in zip(point, core, strict=True)):
            continue
        free = [k for k, side in enumerate(made.box) if None in side]
        k = max(free, key=lambda k: abs(point[k]))
        assert ((k, 1) if point[k] > 0 else (k, -1)) in charts.values()
        assert abs(point[k]) >= 4


@pytest.mark.parametrize(
    ("text", "box", "said"),
    [
        ("x + exp(x)", ((None, None), (0, 1)), "not bounded"),
        ("x + log(1 + x^2)", ((None, None), (0, 1)), "no chart"),
        ("x + cosh(x)", ((None, None), (0, 1)), "no chart"),
        ("x + (1 + x^2)^(1/3)", ((None, None), (0, 1)), "no chart"),
    ],
)
def test_functions_without_a_chart(text: str, box: tuple, said: str) -> None:
    context, made = goal(text, *box)
    with pytest.raises(Rejected, match=said):
        charted(context, made, context.normal.of(made.term), "+x", Fraction(4))


def test_charts_need_a_radius_beyond_the_finite_ends() -> None:
    context, made = goal("x", (-5, None), (0, 1))
    with pytest.raises(Rejected, match="radius"):
        pieces(made, Fraction(4))
    with pytest.raises(Rejected, match="bounded"):
        pieces(replace(made, box=((Fraction(0), Fraction(1)),) * 2), Fraction(4))
    with pytest.raises(Rejected, match="not a chart"):
        charted(context, made, context.normal.of(made.term), "-x", Fraction(6))


# -- free

FREED = [
    ("x^2 + sin(x)*y + exp(y)", ((-1, 2), (0, 1)), ""),
    ("x*y + logistic(x*y)^2 - 3*tanh(x)", ((-2, 2), (-1, 1)), ""),
    ("sqrt(2 + x)*y + 1/(2 + x + y)", ((0, 1), (0, 1)), ""),
    ("pi*x + e*y + sqrt(2)", ((0, 1), (0, 1)), ""),
    ("exp(x) + y^2 + sin(y)", ((0, 2), (0, 2)), "3 - exp(x);y - 1/2;2*sin(y) - 1/5"),
]


@pytest.mark.parametrize(("text", "box", "constraints"), FREED)
def test_free_variables_contain_the_values_of_their_atoms(text, box, constraints) -> None:
    source = random.Random(text)
    context, made = goal(text, *box, constraints=constraints)
    with iv.precision(128):
        polynomial = context.normal.of(made.term)
        inner = freed(context, made, polynomial)
    compared = 0
    with mp.workdps(60):
        for _ in range(200):
            point = [lo + (hi - lo) * Fraction(source.randint(0, 40), 40) for lo, hi in made.box]
            at = dict(zip(made.variables, map(exactly, point), strict=True))
            if any(graph_value(context.terms, c, at) < 0 for c in made.constraints):
                continue
            compared += 1
            there = {
                name: graph_value(context.terms, context.normal._leaf("#" + name[1:]), at)
                if name.startswith("@")
                else at[name]
                for name in inner.variables
            }
            for name, (lo, hi) in zip(inner.variables, inner.box, strict=True):
                assert (lo is None or exactly(lo) <= there[name]) and (
                    hi is None or there[name] <= exactly(hi)
                ), (name, lo, hi)
            assert all(graph_value(context.terms, c, there) >= 0 for c in inner.constraints)
            difference = graph_value(context.terms, inner.term, there) - graph_value(
                context.terms, made.term, at
            )
            assert abs(difference) < mpf(10) ** -50
    assert compared > 20


def test_linear_constraints_narrow_their_variable() -> None:
    context, made = goal("exp(x) + y", (0, 2), (None, None), constraints="3 - exp(x);y - 1/2;4 - y")
    inner = freed(context, made, context.normal.of(made.term))
    assert dict(zip(inner.variables, inner.box, strict=True))["y"] == (Fraction(1, 2), 4)
    assert max(hi for _, hi in inner.box) == 4
    assert inner.constraints == ()
    context, made = goal("exp(x) + y", (0, 2), (0, 1), constraints="-exp(x)")
    with pytest.raises(Rejected, match="never met"):
        freed(context, made, context.normal.of(made.term))
    context, made = goal("x + y", (0, 2), (0, 1))
    with pytest.raises(Rejected, match="nothing to set free"):
        freed(context, made, context.normal.of(made.term))


# -- cleared, parts

CLEARED = [
    ("1/(1 + x^2) - y/(2 + y^2)^2", "1 + x^2;2 + y^2"),
    ("x/(1 + x^2 + y^2) + x^2*y", "1 + x^2 + y^2"),
    ("x/(-1 - x^2) - 1/(-1 - x^2)^3", "1 + x^2"),
    ("1/(1 + 1/(1 + x^2)) - y", "1 + x^2;1 + 1/(1 + x^2)"),
    ("x - 1/(y - 9)", "9 - y"),
]


@pytest.mark.parametrize(("text", "positive"), CLEARED)
def test_clearing_denominators_keeps_the_sign(text: str, positive: str) -> None:
    source = random.Random(text)
    context, made = goal(text, positive=positive)
    _, polynomial = shaped(context, made, "cleared")
    assert all((context.normal.atom(name) or ("",))[0] != "inv" for name in polynomial.variables())
    node = context.normal.node(polynomial)
    with mp.workdps(60):
        for _ in range(60):
            at = {name: exactly(Fraction(source.randint(-80, 80), 9)) for name in "xy"}
            old = graph_value(context.terms, made.term, at)
            new = graph_value(context.terms, node, at)
            assert mp.sign(old) == mp.sign(new)


def test_only_denominators_of_a_known_sign_are_cleared() -> None:
    context, made = goal("1/(x - 3) + 1/(1 + y^2) + x", positive="1 + y^2")
    _, polynomial = shaped(context, made, "cleared")
    left = [context.normal.atom(n) for n in polynomial.variables() if n.startswith("#")]
    assert [atom[0] for atom in left] == ["inv"]


def test_parts_add_up() -> None:
    context, made = goal("x^2 + sin(x) + y^4 - y + z*w + 5", names="xyzw")
    polynomial = context.normal.of(made.term)
    parts = exact.parts(context, made, polynomial, ["1/2", "1/4", "1/4"])
    assert [part.variables for part in parts] == [("z", "w"), ("x",), ("y",)]
    total = context.terms.sum(part.term for part in parts)
    assert not context.normal.of(context.terms.sub(total, made.term))
    for shares in (["1"], ["1/2", "1/2", "1/2"], ["1", "0"]):
        with pytest.raises(Rejected, match="parts"):
            exact.parts(context, made, polynomial, shares)


# -- matrices


def matrix(texts: list[list[str]], strict: bool = False) -> tuple[Context, MatrixGoal]:
    terms = Terms()
    names = {name: terms.var(name) for name in "xy"}
    rows = tuple(tuple(terms.read(parse(t), names) for t in row) for row in texts)
    return Context(terms, Normal(terms)), MatrixGoal("m", ("x", "y"), (LINE, LINE), rows, strict)


@pytest.mark.parametrize("seed", range(6))
def test_semidefinite_matrices_are_those_with_nonnegative_eigenvalues(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(60):
        size = source.randint(1, 4)
        rank = source.randint(0, size)
        rows = [[Fraction(source.randint(-3, 3)) for _ in range(size)] for _ in range(rank)]
        gram = [[sum(r[i] * r[j] for r in rows) for j in range(size)] for i in range(size)]
        k = source.randrange(size)
        gram[k][k] += source.choice((Fraction(0), Fraction(-1, 10**6), Fraction(1), Fraction(-1)))
        with mp.workdps(60):
            values = mp.eigsy(mp.matrix([[exactly(Fraction(x)) for x in r] for r in gram]))[0]
            least = min(values)
            tiny = mpf(10) ** -30
            exact_rows = tuple(tuple(map(Fraction, row)) for row in gram)
            assert positive(exact_rows, False) == (least > -tiny)
            assert positive(exact_rows, True) == (least > tiny)


def test_minors_of_a_semidefinite_and_of_a_definite_matrix() -> None:
    context, goal_ = matrix([["x", "y"], ["y", "2"]])
    found = minors(context, goal_)
    assert list(found) == ["0", "1", "0,1"]
    assert not any(minor.strict for minor in found.values())
    terms = context.terms
    truth = terms.read(parse("2*x - y^2"), {n: terms.var(n) for n in "xy"})
    assert not context.normal.of(terms.sub(found["0,1"].term, truth))
    context, goal_ = matrix([["x", "0", "1"], ["0", "y", "2"], ["1", "2", "3"]], strict=True)
    found = minors(context, goal_)
    assert list(found) == ["0", "0,1", "0,1,2"]
    assert all(minor.strict for minor in found.values())
    terms = context.terms
    truth = terms.read(parse("3*x*y - 4*x - y"), {n: terms.var(n) for n in "xy"})
    assert not context.normal.of(terms.sub(found["0,1,2"].term, truth))


def test_weights_times_matrices_add_up() -> None:
    context, made = matrix([["2 + exp(x) + y^2", "exp(x)"], ["exp(x)", "1 + exp(x)"]])
    constant, parts = groups(context, made)
    at = {"x": mpf("0.3"), "y": mpf("1.7")}
    for i in range(2):
        for j in range(2):
            total = exactly(constant[i][j])
            for part in parts:
                weight = graph_value(context.terms, context.normal.node(part.weight), at)
                total += weight * exactly(part.matrix[i][j])
            assert abs(total - graph_value(context.terms, made.rows[i][j], at)) < 1e-12
    goals = shifted(context, made, [Fraction(0)] * len(parts))
    assert len(goals) == len(parts) == 2
    with pytest.raises(Rejected, match="constant part"):
        shifted(context, made, [Fraction(3)] * len(parts))
    with pytest.raises(Rejected, match="one shift"):
        shifted(context, made, [])
    with pytest.raises(Rejected, match="not semidefinite"):
        shifted(*matrix([["x", "2*x"], ["2*x", "x"]]), [Fraction(0)])
    with pytest.raises(Rejected, match="no sum of weights"):
        groups(*matrix([["1", "x"], ["x", "1"]]))
