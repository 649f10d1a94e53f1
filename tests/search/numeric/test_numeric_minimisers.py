"""Minimisers found by search: exact points, irrational ones, continua, infima that are not
attained."""

from __future__ import annotations

from fractions import Fraction

import pytest
from mpmath import mp, mpf
from problems import CURVED, RIDGE, ROOTS, SINE, problem, side

from boundcalc.library.problem import Ball
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.minimisers import find
from boundcalc.search.numeric.tape import compile


@pytest.mark.parametrize(
    ("given", "points", "value"),
    [
        (SINE, {("0",)}, "0"),
        (problem("x^4"), {("0",)}, "0"),
        (ROOTS, {("-sqrt(2)",), ("sqrt(2)",)}, "0"),
        (problem("x*log(x)", domain=(side("1/100", "10"),)), {("exp(-1)",)}, None),
        (problem("log(1+exp(x)) - x/3"), {("log(1/2)",)}, None),
        (problem("x", domain=(side("1", "2"),)), {("1",)}, "1"),
        (problem("(1-x)^2 + 100*(y-x^2)^2", variables="xy"), {("1", "1")}, "0"),
        (CURVED, {("0", "0")}, "0"),
        (problem("sin(x)", domain=(side("-2", "2"),)), {("-pi/2",)}, "-1"),
        (
            problem("x+2*y", variables="xy", ball=Ball((Fraction(0), Fraction(0)), Fraction(1))),
            {("-sqrt(1/5)", "-sqrt(4/5)")},
            "-sqrt(5)",
        ),
        (problem("(x-1/3)^2/2", "(x+2/7)^2/2"), {("1/42",)}, "169/3528"),
    ],
)
def test_points_are_recognised(given, points, value) -> None:
    found = find(given)
    assert found.kind == "points"
    assert set(found.points) == points
    assert all(found.exact)
    if value is not None:
        assert found.value == value


def test_values_agree_with_mpmath() -> None:
    found = find(problem("cos(x) + x^2/100"))
    with mp.workdps(40):
        root = mp.findroot(lambda x: -mp.sin(x) + x / 50, 3.08)
        points = sorted(compile([parse(p[0])], ()).exact((), 40)[0] for p in found.points)
        assert abs(points[1] - root) < mpf(10) ** -38
        assert abs(points[0] + root) < mpf(10) ** -38
        assert abs(mpf(found.value) - (mp.cos(root) + root**2 / 100)) < mpf(10) ** -38
    assert found.exact == (False, False)
    assert len(found.critical) == 5 or ("0",) in found.critical


def test_saddles_and_other_stationary_points_are_listed() -> None:
    assert find(ROOTS).critical == (("0",),)
    assert ("0", "0") in find(problem("(x*y-1)^2/2", variables="xy")).critical


def test_forms_of_a_function_of_a_sum() -> None:
    found = find(RIDGE)
    assert found.forms == ((1, 1),)
    assert found.points == (("-1/4", "-1/4"),)
    assert found.value == "1/5"


def test_forms_are_orthogonal() -> None:
    found = find(problem("(x+y)^2 + (y+z-1)^4 + (x+y)*(y+z)", variables="xyz"))
    assert found.forms is not None
    rows = found.forms
    assert len(rows) == 2
    assert sum(a * b for a, b in zip(*rows, strict=True)) == 0
    assert all(sum(a * b for a, b in zip(row, (1, -1, 1), strict=True)) == 0 for row in rows)


@pytest.mark.parametrize(
    "given",
    [
        problem("(x*y-1)^2/2", variables="xy"),
        problem(variables="xy", residual=("y-sin(x)",)),
        problem("(x^2+y^2-1)^2", variables="xy"),
    ],
)
def test_curves_of_minimisers(given) -> None:
    found = find(given)
    assert (found.kind, found.value) == ("manifold", "0")


@pytest.mark.parametrize("formula", ["x^3", "-x^2", "x", "-log(1+x^2)", "exp(x)*sin(x)"])
def test_unbounded_below(formula: str) -> None:
    assert find(problem(formula)).kind == "unbounded-below"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (problem("exp(x)"), "0"),
        (problem("softplus(x)"), "0"),
        (problem("1 - 1/(1+x^2)", domain=((Fraction(1), None),)), None),
        (problem("-x^2/(1+x^2)"), "-1"),
        (problem("atan(x)"), None),
        (problem("(x*y-1)^2 + x^2", variables="xy"), "0"),
    ],
)
def test_infima_that_are_not_attained(given, value) -> None:
    found = find(given)
    if given.domain[0][0] is not None:
        assert (found.kind, found.points, found.value) == ("points", (("1",),), "1/2")
        return
    assert found.kind == "no-minimiser"
    if value is not None:
        assert found.value == value
    else:
        assert abs(float(compile([parse(found.value)], ()).exact(())[0]) + float(mp.pi) / 2) < 1e-6


def test_given_points_are_kept() -> None:
    found = find(problem("(x^2-2)^2", minimisers=(("sqrt(2)",),)))
    assert found.points == (("sqrt(2)",),)
    assert found.value == "0"
