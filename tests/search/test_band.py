"""The search for a band: as narrow as asked for, and what it says where it cannot be."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.analytic.frontier import verify_frontier
from boundcalc.kernel.analytic.polygon import above
from boundcalc.library.problem_text import problem_from
from boundcalc.search.band import band
from boundcalc.search.decide import Case
from boundcalc.search.prove.budget import Budget
from boundcalc.search.tighten import frontier

PAIR = ["(x-1)^2/2", "(x+1)^2/2"]
PLANE = ["(x-1)^2/2 + y^2/2", "(x+1)^2/2 + y^2/2"]  # as the pair: y is at its best at 0


def test_a_band_is_refined_to_the_width_that_is_wanted() -> None:
    found = frontier(problem_from(PAIR), 9, 300, Fraction(1, 50)).band
    assert not isinstance(found, str)
    assert found.width <= Fraction(1, 50)
    assert found.stopped == "it is as narrow as wanted"
    checked = verify_frontier(found.certificate)
    assert (checked.lower, checked.upper) == (found.lower, found.upper)
    assert (checked.width, checked.widest_at) == (found.width, found.widest_at)


def test_a_band_in_two_variables() -> None:
    found = frontier(problem_from(PLANE), 6, 300, Fraction(1, 4)).band
    assert not isinstance(found, str), found
    assert found.width <= Fraction(1, 4)
    for k in range(40):
        alpha = Fraction(1, 4) + Fraction(39, 4) * k / 39
        truth = (alpha - 1) ** 2 / alpha
        assert above(found.lower, alpha) <= truth <= above(found.upper, alpha)


def test_convex_functions_need_no_beta_up_to_one() -> None:
    found = frontier(problem_from(["x^2"]), 9, 300, Fraction(1, 100)).band
    assert not isinstance(found, str), found
    for alpha in map(Fraction, ("1/4", "1", "3/2", "2")):  # 2*x^2 >= alpha*x^2 - beta*x^2
        assert above(found.lower, alpha) == above(found.upper, alpha) == 0
    assert above(found.lower, Fraction(7)) == 5 == above(found.upper, Fraction(7))


def test_without_time_there_is_no_band() -> None:
    assert frontier(problem_from(PAIR), 9, 1e-6).band == "fewer than two pairs are proved"


def test_a_band_from_what_was_there_when_time_is_up() -> None:
    parts = [part for one in frontier(problem_from(PAIR), 9, 300, Fraction(9)).points
             for part in one.parts]  # fmt: skip
    found = band(Case(problem_from(PAIR), "alpha-beta", Budget(0.0)), parts, Fraction(1, 10**9))
    assert not isinstance(found, str)
    assert found.stopped == "the time was used up"
    assert found.width < 1


def test_a_band_ends_where_nothing_more_is_found(monkeypatch) -> None:
    parts = [part for one in frontier(problem_from(PAIR), 9, 300, Fraction(9)).points
             for part in one.parts]  # fmt: skip
    case = Case(problem_from(PAIR), "alpha-beta", Budget(60.0))
    monkeypatch.setattr(case, "estimate", lambda *_: None)
    found = band(case, parts, Fraction(1, 10**9))
    assert not isinstance(found, str)
    assert found.stopped.startswith("nothing more was found near alpha = ")
