"""Counterexamples are rational, inside the domain, and fail by an independent computation in
mpmath."""

from __future__ import annotations

from fractions import Fraction

import pytest
from mpmath import mp, mpf
from problems import CURVED, PAIR, RIDGE, SINE, problem, side

from boundcalc.library.problem import Ball
from boundcalc.search.numeric.counterexample import counterexample
from boundcalc.search.numeric.minimisers import find


def refuted(given, condition: str, **constants: str) -> tuple[Fraction, ...] | None:
    values = {name: Fraction(value) for name, value in constants.items()}
    return counterexample(given, condition, values, find(given))


def real(value: Fraction) -> mpf:
    return mpf(value.numerator) / value.denominator


@pytest.mark.parametrize("mu", ["1", "0.18", "0.1756", "0.17553098588", "0.175530985879732"])
def test_sine_pl(mu: str) -> None:
    point = refuted(SINE, "pl", mu=mu)
    assert point is not None
    with mp.workdps(50):
        x = real(point[0])
        slope = 2 * x + 6 * mp.sin(x) * mp.cos(x)
        assert slope**2 / 2 < real(Fraction(mu)) * (x**2 + 3 * mp.sin(x) ** 2)


def test_simple_fractions_are_preferred() -> None:
    assert max(c.denominator for c in refuted(SINE, "pl", mu="0.18")) <= 5
    assert refuted(problem("(u*v-1)^2/2", variables="uv"), "pl", mu="1/1000") == (0, 0)
    assert refuted(SINE, "convex") is not None


@pytest.mark.parametrize(
    ("given", "condition", "constants"),
    [
        (SINE, "pl", {"mu": "0.1755309858797317"}),
        (SINE, "smooth", {"L": "8"}),
        (SINE, "qg", {"mu": "2"}),
        (SINE, "eb", {"mu": "0.69659823"}),
        (PAIR, "alpha-beta", {"alpha": "1", "beta": "0"}),
        (RIDGE, "alpha-beta", {"alpha": "1", "beta": "4/5"}),
        (problem("x^2"), "strongly-convex", {"mu": "2"}),
        (problem("x^2"), "convex", {}),
        (problem("x^2"), "star-convex", {}),
    ],
)
def test_nothing_where_the_condition_holds(given, condition: str, constants: dict) -> None:
    assert refuted(given, condition, **constants) is None


@pytest.mark.parametrize(
    ("given", "ratio"),
    [
        (problem("x^4"), lambda x: (4 * x**3) ** 2 / 2 / x**4),
        (
            problem("x^2/(1+x^2)"),
            lambda x: (2 * x / (1 + x**2) ** 2) ** 2 / 2 / (x**2 / (1 + x**2)),
        ),
        (
            CURVED,
            lambda x, y: (
                ((2 * x - 4 * x * (y - x**2)) ** 2 + 4 * (y - x**2) ** 2)
                / 2
                / (x**2 + (y - x**2) ** 2)
            ),
        ),
        (problem("softplus(-x)"), lambda x: (1 / (1 + mp.exp(x))) ** 2 / 2 / mp.log1p(mp.exp(-x))),
    ],
)
@pytest.mark.parametrize("mu", ["1/10", "1/1000", "1/1000000"])
def test_no_constant_is_too_small(given, ratio, mu: str) -> None:
    point = refuted(given, "pl", mu=mu)
    assert point is not None
    with mp.workdps(60):
        assert ratio(*map(real, point)) < real(Fraction(mu))


def test_smoothness_and_beta() -> None:
    assert refuted(SINE, "smooth", L="7.999999") is not None
    point = refuted(RIDGE, "alpha-beta", alpha="1", beta="0.79")
    with mp.workdps(50):
        u = sum(map(real, point))
        worst = []
        for v in (u, u + 1):
            part = v**2 / (1 + v**2)
            slope = 2 * v / (1 + v**2) ** 2
            gain = part - mpf("0.2")
            worst.append(gain - mpf("0.79") * part - slope * (u + mpf("0.5")))
        assert max(worst) > 0
        assert abs(u) > 10  # the pair holds on [−10, 10]


@pytest.mark.parametrize(
    "given",
    [
        problem("1 - cos(x)", domain=(side("-3", "5/2"),)),
        problem(
            "1 - cos(x) + y^2",
            variables="xy",
            ball=Ball((Fraction(0), Fraction(0)), Fraction(3)),
        ),
    ],
)
def test_points_stay_in_the_domain(given) -> None:
    """½sin²/(1−cos) = (1+cos x)/2 is .00500 at 3: 1/100 is refuted near the rim only."""
    point = refuted(given, "pl", mu="1/100")
    assert point is not None
    assert Fraction(28, 10) < abs(point[0]) <= 3
    assert sum(c * c for c in point) <= 9
    assert refuted(given, "pl", mu="1/250") is None


def test_two_components_each_count() -> None:
    given = problem("x^2", "10*x^2")
    assert refuted(given, "smooth", L="19") is not None
    assert refuted(given, "smooth", L="20") is None
