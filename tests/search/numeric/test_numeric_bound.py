"""Branch and bound: bounds enclose true values, and needles are found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf
from problems import PAIR, SINE, problem, side

from boundcalc.search.numeric.bound import lower_bound
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.minimisers import find
from boundcalc.search.numeric.ratio import ratio


def bound(given, condition: str, box, seconds: float = 2.0, **fixed: str):
    values = {name: Fraction(value) for name, value in fixed.items()}
    quotients = ratio(landscape(given), condition, values, find(given))
    return lower_bound(quotients, box, seconds)


@pytest.mark.parametrize(
    ("condition", "truth"),
    [("pl", 0.175530985879731734), ("aiming", 0.496090062114452608), ("rsi", 0.696598230732670056)],
)
def test_sine_example(condition: str, truth: float) -> None:
    found = bound(SINE, condition, (side("-20", "20"),))
    assert found.stopped == "done"
    assert truth - 1e-6 < found.lower <= truth <= found.upper < truth + 1e-6
    assert found.boxes < 5_000


def test_suprema_are_bounded_from_the_other_side() -> None:
    """β*(2) = 1/2 for the shifted squares: φ = −A/B is at least −1/2."""
    found = bound(PAIR, "alpha-beta", (side("-8", "8"),), alpha="2")
    assert -0.5 - 1e-4 < found.lower <= -0.5 <= found.upper < -0.5 + 1e-6


def test_a_needle_that_samples_miss() -> None:
    """A dip of width 10⁻⁴ in the second derivative of x² + a narrow bump, on [-3, 3]."""
    formula = "x^2 + 1/10^9/(1 + 10^9*(x - 1.23456)^2)"
    given = problem(formula, domain=(side("-3", "3"),), minimisers=(("0",),))
    found = bound(given, "strongly-convex", None)
    with mp.workdps(30):
        value = -mpf(2) + 2  # f'' = 2 − 2 at the bump's top: 1e-9·(−2·1e9)
        assert abs(found.lower - value) < 1e-3
    assert abs(found.point[0] - 1.23456) < 1e-4


def test_bounds_lie_below_samples_of_random_quotients() -> None:
    random = np.random.default_rng(4)
    for _ in range(8):
        a, b, c = (Fraction(int(k), 7) for k in random.integers(1, 14, 3))
        given = problem(f"x^2 + {a}*sin({b}*x)^2 + {c}*x^2/(1+x^2)", minimisers=(("0",),))
        found = bound(given, "pl", (side("-6", "6"),), 1.0)
        assert found.stopped == "done"
        with mp.workdps(25):
            x = [mpf(v) for v in np.linspace(0.01, 6, 400)]
            A, B, C = (mpf(q.numerator) / q.denominator for q in (a, b, c))
            values = [
                (2 * v + A * B * mp.sin(2 * B * v) + 2 * C * v / (1 + v * v) ** 2) ** 2
                / 2
                / (v * v + A * mp.sin(B * v) ** 2 + C * v * v / (1 + v * v))
                for v in x
            ]
        assert found.lower <= min(values)
        assert min(values) < found.upper + 0.01


def test_an_unbounded_box_is_declined() -> None:
    assert bound(SINE, "pl", None).stopped.startswith("needs")
