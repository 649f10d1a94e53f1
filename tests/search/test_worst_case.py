"""Worst cases proved on the fly, against values of PEPit 0.5.1 with Clarabel."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.certificate import verify, written
from boundcalc.kernel.outcome import Undecided
from boundcalc.search.worst_case import worst_case

TABLE = [  # mu, gamma, n, PEPit's value with the interpolation inequalities of smooth functions
    ("1/5", "1", 1, 0.7272727),
    ("1/5", "1/2", 1, 0.8329702),
    ("1/5", "1.366025", 1, 0.7435283),
    ("1/5", "1.9", 1, 0.9551887),
    ("1/2", "1/2", 1, 0.6056466),
    ("1/2", "1", 1, 0.4),
    ("1/10", "1", 1, 0.8571429),
    ("1/5", "1", 3, 0.3846732),
    ("1/5", "1.866025", 3, 0.7942539),
]


@pytest.mark.parametrize(("mu", "gamma", "n", "value"), TABLE)
def test_table_of_worst_cases(mu: str, gamma: str, n: int, value: float) -> None:
    found = worst_case([f"pl(f; mu = {mu})", "smooth(f; L = 1)"], Fraction(gamma), n)
    assert not isinstance(found, Undecided)
    assert float(found.factor) == pytest.approx(value, abs=2e-6)
    assert found.proved.axioms == {"smooth-quadratic-bounds"}
    again = verify(json.loads(written(found.certificate)))
    assert again.claim.sha256 == found.proved.claim.sha256


def test_only_conditions_of_f_at_points_are_known() -> None:
    with pytest.raises(InputError, match="rsi"):
        worst_case(["rsi(f; mu = 1)"], Fraction(1), 1)
    with pytest.raises(InputError, match="steps"):
        worst_case(["pl(f; mu = 1)"], Fraction(1), 40)


def test_points_on_the_step_sharpen_the_published_rate() -> None:
    """Under pl, conditions at points between iterates give more than the formula at γ = 1/L."""
    found = worst_case(["pl(f; mu = 1/5)", "smooth(f; L = 1)"], Fraction(1), 1, midpoints=3)
    assert not isinstance(found, Undecided)
    assert Fraction(64, 100) < found.factor < Fraction(697, 1000) < Fraction(8, 11)
    assert verify(json.loads(written(found.certificate))).checks == 1


def test_more_conditions_give_no_larger_factor() -> None:
    said = ["pl(f; mu = 1/5)", "smooth(f; L = 1)"]
    wide = worst_case(said, Fraction(1), 2)
    narrow = worst_case([*said, "convex(f)"], Fraction(1), 2)
    assert not isinstance(wide, Undecided)
    assert not isinstance(narrow, Undecided)
    assert narrow.factor <= wide.factor + Fraction(1, 10**4)
