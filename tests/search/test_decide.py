"""Claims about given functions are proved or refuted; the kernel, and sympy, check the answers."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from mpmath import mp, mpf

from boundcalc.errors import InputError
from boundcalc.kernel.analytic.check import is_genuine, verify
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import Decision, decide, said, shown_witness

SINE = ("x^2 + 3*sin(x)^2",)
PAIR = ("(x-1)^2/2", "(x+1)^2/2")
RIDGE = ("(x+y)^2/(1+(x+y)^2)", "(x+y+1)^2/(1+(x+y+1)^2)")
CURVED = ("x^2+(y-x^2)^2",)
ROSENBROCK = ("1-x", "10*(y-x^2)")


def answer(formulas, condition: str, constants: dict[str, str], seconds=30, **options) -> Decision:
    """The decision, after the kernel has checked its certificate again."""
    found = decide(problem_from(formulas, **options), condition, constants, seconds)
    if found.verdict != "undecided":
        outcome = verify(found.certificate)
        assert is_genuine(outcome)
        assert outcome.verdict == found.verdict
        assert found.certificate["claim"]["constants"] == constants
        assert found.certificate["claim"]["condition"]["id"] == condition
    else:
        assert found.certificate is None
    return found


TRUE = [
    (SINE, "pl", {"mu": "0.17553098587"}, {}),
    (SINE, "pl", {"mu": "1/32"}, {}),
    (SINE, "smooth", {"L": "8"}, {}),
    (SINE, "qg", {"mu": "2"}, {}),
    (SINE, "rsi", {"mu": "0.6965982307"}, {}),
    (SINE, "aiming", {"theta": "0.4960900621"}, {}),
    (SINE, "self-bounding", {"L": "8.001"}, {}),
    (("x^2/(1+x^2)",), "pl", {"mu": "1/4"}, {"domain": "x=-1:1"}),
    (PAIR, "alpha-beta", {"alpha": "2", "beta": "1/2"}, {}),
    (PAIR, "convex", {}, {}),
    (RIDGE, "alpha-beta", {"alpha": "0.6", "beta": "0.48"}, {}),
    (("u*v-1",), "pl-star", {"mu": "1/2"}, {"residual": True, "domain": "u=1/2:2,v=1/2:2"}),
    (("y-sin(x)",), "pl-star", {"mu": "1"}, {"residual": True}),
    (
        ROSENBROCK,
        "uniform-conditioning",
        {"mu": "0.058790979646"},
        {"residual": True, "domain": "x=-2:2,y=-oo:oo"},
    ),
    (("x^4",), "pl", {"mu": "1"}, {"domain": "x=1:2"}),
    (("x^2+y^2",), "strongly-convex", {"mu": "2"}, {"ball": "0,0;1"}),
    (("-x^2+y^2",), "smooth", {"L": "2"}, {"ball": "1,1;2"}),
]


@pytest.mark.parametrize(("formulas", "condition", "constants", "options"), TRUE)
def test_true_claims_are_proved(formulas, condition, constants, options) -> None:
    found = answer(formulas, condition, constants, **options)
    assert found.verdict == "proved", (found.reason, found.attempts)
    assert found.witness is None


FALSE = [
    (SINE, "pl", {"mu": "0.17553098588"}, {}),
    (SINE, "smooth", {"L": "7.9999999999"}, {}),
    (SINE, "qg", {"mu": "2.0000000001"}, {}),
    (SINE, "rsi", {"mu": "0.6965982308"}, {}),
    (SINE, "convex", {}, {}),
    (("x^2/(1+x^2)",), "pl", {"mu": "1/100"}, {}),
    (("x^2/(1+x^2)",), "pl", {"mu": "0.2500000001"}, {"domain": "x=-1:1"}),
    (("x^4",), "pl", {"mu": "1e-9"}, {}),
    (CURVED, "pl", {"mu": "1/100"}, {}),
    (PAIR, "alpha-beta", {"alpha": "2", "beta": "0.4999999"}, {}),
    (RIDGE, "alpha-beta", {"alpha": "1", "beta": "0.7999999"}, {}),
    (("u*v-1",), "pl-star", {"mu": "1/1000"}, {"residual": True}),
    (("y-sin(x)",), "pl-star", {"mu": "1.0000001"}, {"residual": True}),
    (("x^2+y^2",), "strongly-convex", {"mu": "2.001"}, {"ball": "0,0;1"}),
    (("x",), "pl", {"mu": "1"}, {}),
]


@pytest.mark.parametrize(("formulas", "condition", "constants", "options"), FALSE)
def test_false_claims_are_refuted(formulas, condition, constants, options) -> None:
    found = answer(formulas, condition, constants, **options)
    assert found.verdict == "refuted", (found.reason, found.attempts)
    assert found.witness is not None
    assert said(found.certificate) == found.reason
    if condition in ("pl", "pl-star"):
        assert _fails_there(formulas, found, constants["mu"], options.get("residual", False))


def _fails_there(formulas, found: Decision, mu: str, residual: bool) -> bool:
    """½|∇f|² < mu (f − f*) at the witness, by sympy; f* = 0 (minus infinity for f = x)."""
    parts = [sp.sympify(f) for f in formulas]
    f = sum(p**2 for p in parts) / 2 if residual else sum(parts) / len(parts)
    names = sorted(f.free_symbols, key=str)
    if found.reason.startswith("f goes to minus infinity"):
        time = sp.Symbol("t")
        place = {x: sp.sympify(found.witness[str(x)]) for x in names}
        return sp.limit(f.subs(place), time, sp.oo) == -sp.oo
    gap = sum(sp.diff(f, x) ** 2 for x in names) / 2 - sp.Rational(mu) * f
    place = {x: sp.sympify(found.witness[str(x)], rational=True) for x in names}
    if any(value.free_symbols for value in place.values()):
        return all(sp.N(gap.subs(place).subs("t", 10**k), 60) < 0 for k in (6, 9, 12))
    return sp.N(gap.subs(place), 60) < 0


def test_the_witness_of_a_stationary_point_is_one() -> None:
    found = answer(("(x^2-1)^2",), "pl", {"mu": "1/10"})
    assert found.verdict == "refuted"
    x = mpf(Fraction(found.witness["x"]).numerator) / Fraction(found.witness["x"]).denominator
    assert (4 * x * (x**2 - 1)) ** 2 / 2 < (x**2 - 1) ** 2 / 10


def test_constants_may_be_formulas() -> None:
    pair = {"alpha": "2", "beta": "sqrt(1/4)"}
    assert answer(PAIR, "alpha-beta", pair).verdict == "proved"
    assert answer(("x^2",), "pl", {"mu": "pi/2"}).verdict == "proved"
    assert answer(("x^2",), "pl", {"mu": "pi"}).verdict == "refuted"


def test_what_is_not_decided_says_what_was_tried() -> None:
    found = answer(SINE, "pl", {"mu": "0.175530985879731734"}, seconds=0.05)
    assert found.verdict == "undecided"
    assert found.reason
    assert found.witness is None


def test_witnesses_are_shown_in_the_variables_of_the_problem() -> None:
    claim = {"variables": ["x", "y"], "constants": {}}
    facts = {"forms": [["1", "2"]]}
    body = {"claim": claim, "facts": facts, "witness": {"point": ["1/2"]}}
    assert shown_witness(body) == {"x": "1/2", "y": "1"}
    body["witness"] = {"curve": ["t - 1"]}
    assert shown_witness(body) == {"x": "t - 1", "y": "2*t - 2"}
    body = {
        "claim": claim,
        "facts": {},
        "witness": {"stationary": {"box": [["0", "1"], ["2", "2"]]}},
    }
    assert shown_witness(body) == {"x": "1/2", "y": "2"}
    assert said(body).startswith("there is a stationary point")


def test_progress_is_told() -> None:
    stages = []
    problem = problem_from(SINE)
    decide(problem, "pl", {"mu": "1/32"}, 20, lambda stage, *_: stages.append(stage))
    assert "looking for a proof" in stages


def test_precision_of_other_libraries_is_left_alone() -> None:
    before = mp.dps
    answer(SINE, "pl", {"mu": "1/32"})
    assert mp.dps == before


def test_absolute_values_where_they_are_smooth() -> None:
    """|x|^3 has the second derivative 6x on [1, 2]."""
    smooth = problem_from(["abs(x)^3"], domain="x=1:2")
    assert decide(smooth, "smooth", {"L": "12.1"}, 10.0).verdict == "proved"
    assert decide(smooth, "smooth", {"L": "11.9"}, 10.0).verdict == "refuted"
    with pytest.raises(InputError, match="character 1: found an absolute value"):
        decide(problem_from(["abs(x)"]), "smooth", {"L": "1"}, 10.0)


def test_an_infimum_that_exponentials_approach_is_no_minimum() -> None:
    """e^x has no minimiser, e^x + x^2 has one."""
    assert decide(problem_from(["exp(x)"]), "rsi", {"mu": "1/100"}, 10.0).verdict == "refuted"
    assert decide(problem_from(["exp(x) + x^2"]), "rsi", {"mu": "1"}, 10.0).verdict == "proved"
