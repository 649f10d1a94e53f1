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
