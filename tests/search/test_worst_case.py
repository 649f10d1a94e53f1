"""Worst cases proved on the fly, against values of PEPit 0.5.1 with Clarabel and closed forms."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.certificate import verify, written
from boundcalc.kernel.outcome import Undecided, is_genuine
from boundcalc.library.certificates import stranger
from boundcalc.search.questions import gradient_descent, stochastic_gradient_descent
from boundcalc.search.worst_case import WorstCase, asked, prove_at, sgd_worst_case, worst_case

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
PL = ["pl(f; mu = 1/5)", "smooth(f; L = 1)"]
RSI = ["rsi(f; mu = 1/10)", "eb-upper(f; L = 1)"]
CONVEX = ["smooth(f; L = 1)", "convex(f)"]
STRONG = ["smooth(f; L = 1)", "strongly-convex(f; mu = 1/10)"]
QG = ["convex(f)", "qg-upper(f; L = 1)"]
SMOOTH = ["smooth(f; L = 1)"]

# conditions, gamma, n, measure, start, exact worst case, where it is known from
EXACT = [
    (RSI, "1/10", 1, "dist", "dist", 0.99, "Guille-Escuret et al. 2022"),
    (RSI, "1/10", 4, "dist", "dist", 0.96059601, "Guille-Escuret et al. 2022"),
    (QG, "1/5", 4, "gap", "dist", 0.1923077, "Goujaud et al. 2022, Theorem 2.4"),
    (SMOOTH, "1", 5, "grad", "drop", 4 / 15, "Drori, Shamir 2020; Abbaszadehpeivasti et al. 2021"),
    (CONVEX, "1", 1, "gap", "dist", 1 / 6, "Drori, Teboulle 2014, Theorem 3.1"),
    (CONVEX, "1/2", 3, "gap", "dist", 1 / (2 * (2 * 3 / 2 + 1)), "Drori, Teboulle 2014"),
    (STRONG, "1", 2, "dist", "dist", 0.9**4, "Polyak 1987; Taylor et al. 2018"),
    (STRONG, "1", 2, "gap", "gap", 0.9**4, "Taylor, Hendrickx, Glineur 2018"),
    (STRONG, "19/10", 1, "dist", "dist", 0.81, "Polyak 1987"),
]


def proved(found: WorstCase | Undecided | None) -> WorstCase:
    """Checked again from its written form, with nothing foreign in it."""
    assert isinstance(found, WorstCase), found
    assert is_genuine(found.proved)
    again = verify(json.loads(written(found.certificate)))
    assert again.claim.sha256 == found.proved.claim.sha256
    assert stranger(again, found.certificate["claim"]) is None
    return found


@pytest.mark.parametrize(("mu", "gamma", "n", "value"), TABLE)
def test_table_of_worst_cases(mu: str, gamma: str, n: int, value: float) -> None:
    found = proved(worst_case([f"pl(f; mu = {mu})", "smooth(f; L = 1)"], Fraction(gamma), n))
    assert float(found.factor) == pytest.approx(value, abs=2e-6)
    assert found.proved.axioms == {"smooth-quadratic-bounds"}


@pytest.mark.parametrize(("said", "gamma", "n", "measure", "start", "value", "source"), EXACT)
def test_exact_worst_cases_are_met_and_not_passed(
    said: list[str], gamma: str, n: int, measure: str, start: str, value: float, source: str
) -> None:
    found = proved(worst_case(said, Fraction(gamma), n, 0, measure, start))
    assert value - 5e-8 <= float(found.factor) <= value + 2e-6, source
    ask = asked(gradient_descent(said, Fraction(gamma), n, measure, start))
    assert not isinstance(ask, Undecided)
    assert prove_at(ask, [Fraction(value * (1 - 1e-3))]) is None
    proved(prove_at(ask, [Fraction(value * (1 + 1e-2))]))


@pytest.mark.parametrize(
    ("said", "measure", "start"),
    [
        (["aiming(f; theta = 1/2)", *SMOOTH], "gap", "dist"),
        (["star-convex(f)", *SMOOTH], "gap", "dist"),
        (["eb(f; mu = 1/5)", *SMOOTH], "gap", "gap"),
        (["rsi(f; mu = 1/5)", *SMOOTH], "dist", "dist"),
        (["qg(f; mu = 1/5)", *CONVEX], "dist", "dist"),
        (["qg(f; mu = 1/5)", "aiming(f; theta = 1/2)", *SMOOTH], "gap", "gap"),
        (CONVEX, "grad", "dist"),
    ],
)
def test_bounds_are_above_runs_on_quadratics(said: list[str], measure: str, start: str) -> None:
    """f = c·x²/2 satisfies all these conditions for 1/5 ≤ c ≤ 1: its run is a lower bound."""
    for n, gamma in ((1, Fraction(1)), (2, Fraction(1, 2))):
        found = proved(worst_case(said, gamma, n, 0, measure, start))
        for c in (Fraction(1, 5), Fraction(1, 2), Fraction(1)):
            x = [(1 - c * gamma) ** k for k in range(n + 1)]
            ends = {"gap": c * x[n] ** 2 / 2, "dist": x[n] ** 2}
            ends["grad"] = min((c * y) ** 2 for y in x)
            first = {"gap": c / 2, "dist": Fraction(1)}[start]
            assert ends[measure] <= found.factor * first


def test_each_iterate_has_a_projection_of_its_own() -> None:
    """The claim ties iterates by equations; none of them is more than x_1 = x_0 − γ∇f(x_0)."""
    claim = proved(worst_case(RSI, Fraction(1, 10), 2, 0, "dist", "dist")).proved.claim
    assert claim.points["p1"] == "projection of x1"
    texts = {step.name: step.holds for step in claim.setup}
    assert texts["move1"] == "sqnorm(x1 - (x0 - 1/10*grad(x0))) = 0"
    assert all(
        text and ("x0 - 1/10*grad(x0)" in text or "x1 - 1/10" in text) for text in texts.values()
    )


SELF = "self-bounding(f_i; L = 1)"
AB = ["alpha-beta(f_i; alpha = 1, beta = 1/10)", SELF]


def test_best_coefficients_of_sgd_are_those_of_the_sharp_theorem() -> None:
    """At γ = 1/10: 1/(2γ(α − β − Lγ)) = 25/4 and (β + Lγ)/(α − β − Lγ) = 1/4."""
    found = proved(sgd_worst_case(AB, Fraction(1, 10), "gap", "dist", (0.01, 0.5, 1.0)))
    assert [float(t) for t in found.theta] == pytest.approx([6.25, 0.25, 0], abs=1e-5)
    ask = asked(stochastic_gradient_descent(AB, Fraction(1, 10), "gap", "dist"))
    assert not isinstance(ask, Undecided)
    smaller = [Fraction(625, 100), Fraction(2499, 10_000), Fraction(0)]
    assert prove_at(ask, smaller) is None


def test_sgd_contracts_faster_than_the_published_rate() -> None:
    """1 − μγ(2 − Lγ) in place of 1 − μγ, by using strong convexity from x_p to x as well."""
    said = ["strongly-convex(f; mu = 1/10)", SELF]
    found = proved(sgd_worst_case(said, Fraction(1, 2), "dist", "dist"))
    assert [float(t) for t in found.theta] == pytest.approx([0.925, 0.5, 0], abs=1e-5)


def test_one_step_of_sgd_from_the_literature() -> None:
    """Taylor, Bach 2019: L = 1, μ = 1/10, v = 1, R = 2, γ = 7/10 gives 4.1830005 after a step."""
    said = ["strongly-convex(f_i; mu = 1/10)", "smooth(f_i; L = 1)"]
    said += ["gradients-at-minimiser(f; v2 = 1)"]
    found = proved(sgd_worst_case(said, Fraction(7, 10), "dist", "dist", (4.0, 1.0, 1.0)))
    assert float(4 * found.theta[0] + found.theta[2]) == pytest.approx(4.1830005, abs=5e-6)


def test_sgd_under_pl_matches_the_catalogue() -> None:
    said = [*PL, "expected-smoothness(f; A = 1, B = 1, C = 1/2)"]
    gamma = Fraction(1, 10)
    found = proved(sgd_worst_case(said, gamma, "gap", "gap"))
    rate = 1 - 2 * Fraction(1, 5) * gamma + (1 + Fraction(1, 5)) * gamma**2
    assert found.factor <= rate + Fraction(1, 10**5)
    assert float(found.theta[2]) <= float(gamma**2 / 4) + 1e-4


def test_what_has_no_bound_is_undecided() -> None:
    assert isinstance(worst_case(["rsi(f; mu = 1)"], Fraction(1), 1, 0, "dist", "dist"), Undecided)
    weak = sgd_worst_case(["aiming(f; theta = 1/2)", SELF], Fraction(1, 10), "dist", "dist")
    assert isinstance(weak, Undecided)
    assert "no contraction" in weak.reason or "no bound" in weak.reason


def test_bad_questions_are_bad_input() -> None:
    with pytest.raises(InputError, match="steps"):
        worst_case(PL, Fraction(1), 40)
    with pytest.raises(InputError, match="alpha"):
        worst_case(["alpha-beta(f_i; alpha = 1, beta = 0)"], Fraction(1), 1)
    with pytest.raises(InputError, match="mu"):
        worst_case(["pl(f; mu = mu)"], Fraction(1), 1)
    with pytest.raises(InputError, match="positive"):
        worst_case(["pl(f; mu = 0 - 1)"], Fraction(1), 1)
    with pytest.raises(InputError, match="twice"):
        worst_case(["pl(f; mu = 1)", "pl(f; mu = 2)"], Fraction(1), 1)
    with pytest.raises(InputError, match="measure"):
        sgd_worst_case(AB, Fraction(1), "dist", "gap")


def test_a_changed_certificate_is_rejected() -> None:
    from boundcalc.kernel.check import check
    from boundcalc.kernel.identity import Rejected

    found = proved(worst_case(RSI, Fraction(1, 10), 1, 0, "dist", "dist"))
    body = json.loads(written(found.certificate))
    claim = body["claim"]
    claim["conclusion"]["holds"] = claim["conclusion"]["holds"].replace("<= ", "<= 99/100*")
    with pytest.raises(Rejected):
        check(claim, body["proof"], {})


def test_points_on_the_step_sharpen_the_published_rate() -> None:
    """Under pl, conditions at points between iterates give more than the formula at γ = 1/L."""
    found = proved(worst_case(PL, Fraction(1), 1, midpoints=3))
    assert Fraction(64, 100) < found.factor < Fraction(697, 1000) < Fraction(8, 11)
    assert verify(json.loads(written(found.certificate))).checks == 1


def test_more_conditions_give_no_larger_factor() -> None:
    wide = proved(worst_case(PL, Fraction(1), 2))
    narrow = proved(worst_case([*PL, "convex(f)"], Fraction(1), 2))
    assert narrow.factor <= wide.factor + Fraction(1, 10**4)


def test_a_claim_with_other_points_is_another_claim() -> None:
    """Without the equation that says where x_1 is, the same proof proves nothing."""
    from boundcalc.kernel.check import check
    from boundcalc.kernel.identity import Rejected

    question = gradient_descent(RSI, Fraction(1, 10), 1, "dist", "dist")
    found = proved(worst_case(RSI, Fraction(1, 10), 1, 0, "dist", "dist"))
    body = json.loads(written(found.certificate))
    claim = {**body["claim"], "setup": question.claim["setup"]}
    with pytest.raises(Rejected):
        check(claim, body["proof"], {})
