"""Tightest constants against the reference table: 30-digit values and closed forms from elsewhere.

The kernel checks every certificate again, and the claims in it must be those of the two ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import pytest
from mpmath import mp, mpf

from boundcalc.kernel.analytic.check import is_genuine, verify_all
from boundcalc.library.case import read_case
from boundcalc.library.problem import Problem
from boundcalc.library.problem_text import problem_from
from boundcalc.search.tighten import Tightest, frontier, tighten

SECONDS = 60
CASES = Path(__file__).parents[2] / "cases"


@dataclass(frozen=True)
class Row:
    """truth : of the tightest constant, in mpmath's words; error : of a rounded truth."""

    formulas: tuple[str, ...]
    condition: str
    truth: str
    width: str = "1e-9"
    domain: str | None = None
    residual: bool = False
    alpha: str | None = None
    error: str = "1e-30"
    digits: int = 9

    @property
    def problem(self) -> Problem:
        return problem_from(self.formulas, residual=self.residual, domain=self.domain)

    @property
    def fixed(self) -> dict[str, str]:
        return {} if self.alpha is None else {"alpha": self.alpha}


SINE = ("x^2 + 3*sin(x)^2",)
PAIR = ("(x-1)^2/2", "(x+1)^2/2")
RIDGE = ("(x+y)^2/(1+(x+y)^2)", "(x+y+1)^2/(1+(x+y+1)^2)")
ROSENBROCK = ("1-x", "10*(y-x^2)")
LONG = "1e-18"  # of values that are known to 18 digits

TABLE = [
    Row(SINE, "pl", "mpf('0.175530985879731734')", "1e-12", error=LONG, digits=12),
    Row(SINE, "aiming", "mpf('0.496090062114452608')", error=LONG),
    Row(SINE, "rsi", "mpf('0.696598230732670056')", error=LONG),
    Row(SINE, "qg", "mpf(2)"),
    Row(SINE, "smooth", "mpf(8)"),
    *(
        Row(PAIR, "alpha-beta", f"(mpf({a})-1)**2/mpf({a})", alpha=text)
        for text, a in [("3/4", 0.75), ("1", 1), ("2", 2), ("10", 10)]
    ),
    *(
        Row(RIDGE, "alpha-beta", f"mpf(4)/5*mpf({a})", alpha=text)
        for text, a in [("1", 1), ("5*(sqrt(5)-2)/2+1/100", "(5*(mp.sqrt(5)-2)/2+mpf(1)/100)")]
    ),
    Row(("x^2/(1+x^2)",), "pl", "mpf(1)/4", domain="x=-1:1"),
    Row(("u*v-1",), "pl-star", "mpf(1)/2", domain="u=1/2:2,v=1/2:2", residual=True),
    Row(("y-sin(x)",), "pl-star", "mpf(1)", residual=True),
    Row(
        ROSENBROCK,
        "uniform-conditioning",
        "(1701-mp.sqrt(mpf(1701)**2-400))/2",
        domain="x=-2:2,y=-oo:oo",
        residual=True,
    ),
]


def named(row: Row) -> str:
    return f"{row.condition} of {', '.join(row.formulas)}" + (f" at {row.alpha}" * bool(row.alpha))


def ends_of(found: Tightest) -> dict[str, str]:
    """verdict → constant, of the claims in a certificate, after the kernel has checked it."""
    parts = found.certificate["certificates"]
    outcomes = verify_all(found.certificate)
    assert all(map(is_genuine, outcomes))
    assert [one.verdict for one in outcomes] == [part["verdict"] for part in parts]
    return {part["verdict"]: part["claim"]["constants"][found.constant] for part in parts}


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_reference_values_are_enclosed(row: Row) -> None:
    found = tighten(row.problem, row.condition, row.fixed, row.digits, SECONDS)
    assert found.verdict == "enclosed", (found.reason, found.attempts)
    with mp.workdps(50):
        truth = eval(row.truth, {"mp": mp, "mpf": mpf})  # noqa: S307 - of this file
        low = mpf(found.lower.numerator) / found.lower.denominator
        high = mpf(found.upper.numerator) / found.upper.denominator
        assert low - mpf(row.error) <= truth <= high + mpf(row.error)
    assert found.upper - found.lower <= Fraction(row.width)
    ends = ends_of(found)
    below, above = (
        ("refuted", "proved") if found.constant in ("L", "beta") else ("proved", "refuted")
    )
    if found.lower > 0:
        assert Fraction(ends.pop(below)) == found.lower
    assert Fraction(ends.pop(above)) == found.upper
    assert not ends


@pytest.mark.parametrize(
    ("condition", "at"),
    [("pl", "2.20170917643585"), ("aiming", "2.15382743759955"), ("rsi", "2.24670472895453")],
)
def test_where_the_sine_attains_its_constants(condition: str, at: str) -> None:
    found = tighten(problem_from(SINE), condition, {}, 9, SECONDS)
    assert abs(abs(mpf(found.attained_at["x"])) - mpf(at)) < mpf("1e-12")


REFUTED = [
    Row(("x^2/(1+x^2)",), "pl", ""),
    Row(("x^4",), "pl", ""),
    Row(("u*v-1",), "pl-star", "", residual=True),
    Row(("x^2+(y-x^2)^2",), "pl", ""),
    Row(("(x^2-1)^2",), "pl", ""),
    Row(PAIR, "alpha-beta", "1/2", alpha="1/2"),
    Row(RIDGE, "alpha-beta", "0.784704821866", alpha="1/2"),
]


@pytest.mark.parametrize("row", REFUTED, ids=named)
def test_no_constant_works(row: Row) -> None:
    found = tighten(row.problem, row.condition, row.fixed, 9, SECONDS)
    assert found.verdict == "refuted", (found.reason, found.attempts)
    if row.condition == "alpha-beta":  # beta* is known, and not below alpha
        assert found.lower is not None and found.upper is not None
        assert found.lower <= Fraction(row.truth) <= found.upper
        assert found.upper - found.lower < 1e-9
    else:
        assert (found.lower, found.upper) == (None, None)
    assert ends_of(found) == {"refuted": "any"}
    (part,) = found.certificate["certificates"]
    if row.residual:
        assert part["witness"]["point"] == ["0", "0"]
    assert part["claim"].get("components", part["claim"].get("residual")) == list(row.formulas)


def test_fewer_digits_give_wider_ends() -> None:
    found = tighten(problem_from(SINE), "pl", {}, 3, SECONDS)
    assert found.verdict == "enclosed"
    assert Fraction(1, 10**6) < found.upper - found.lower <= Fraction(1, 10**3)
    assert found.lower < Fraction("0.17553098588") < found.upper


def test_the_frontier_of_the_pair() -> None:
    for each in frontier(problem_from(PAIR), 9, 90, Fraction(10)).points:
        alpha = Fraction(each.fixed["alpha"])
        if alpha <= Fraction(1, 2):
            assert each.verdict == "refuted"
        else:
            assert each.lower <= (alpha - 1) ** 2 / alpha <= each.upper
            assert ends_of(each)


def test_a_condition_without_a_constant_has_no_tightest() -> None:
    with pytest.raises(ValueError, match="convex"):
        tighten(problem_from(SINE), "convex", {}, 9, 5)


def test_without_time_nothing_is_claimed() -> None:
    found = tighten(problem_from(SINE), "pl", {}, 9, 1e-6)
    assert found.verdict == "undecided"
    assert found.certificate is None
    assert found.reason


def test_a_frontier_ends_when_its_time_is_used_up() -> None:
    """Every alpha would cost an estimate, of a second or so each, after the time is over."""
    problem = read_case(CASES / "two-layer-logistic.toml")
    start = perf_counter()
    found = frontier(problem, 9, 0.5)
    assert perf_counter() - start < 10
    assert [one.verdict for one in found.points] == ["undecided"] * 10
    assert found.points[-1].reason == "the time was used up"


def test_without_an_estimate_it_is_not_said_that_nothing_works() -> None:
    found = tighten(read_case(CASES / "sine-curve.toml"), "alpha-beta", {"alpha": "1"}, 9, 10)
    assert found.verdict == "undecided"
    assert found.reason.startswith("no constant was estimated: minimisers are not isolated")


def test_the_smallest_alpha_on_a_ray() -> None:
    """(alpha - 1)^2/alpha = alpha/2 at alpha = 2 - sqrt(2); the other branch lies above."""
    from boundcalc.library.problem_text import problem_from
    from boundcalc.search.tighten import ray

    found = ray(problem_from(["(x-1)^2/2", "(x+1)^2/2"]), "1/2", 6, 30.0)
    assert found.verdict == "enclosed"
    assert found.lower is not None and found.upper is not None
    assert (2 - found.lower) ** 2 > 2 > (2 - found.upper) ** 2
    assert found.upper - found.lower < 1e-6
