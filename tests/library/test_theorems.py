"""Theorems load, and their formulas say what theory says."""

from fractions import Fraction

import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import best_step_size, load_theorem, theorem_ids

ENV = {
    "alpha": Fraction(1),
    "beta": Fraction(1, 10),
    "L": Fraction(2),
    "sigma2": Fraction(1, 100),
    "dist2": Fraction(3),
    "steps": Fraction(1000),
}


@pytest.mark.parametrize("id", ["sgd-alpha-beta", "sgd-alpha-beta-sharp"])
def test_constant_steps_are_a_special_case_of_varying_ones(id: str) -> None:
    theorem = load_theorem(id)
    gamma = Fraction(1, 7)
    sums = {"gamma_sum": 1000 * gamma, "gamma_sqsum": 1000 * gamma**2}
    constant = evaluate(theorem.bound, ENV | {"gamma": gamma})
    assert constant == evaluate(theorem.bound_varying, ENV | sums)


@pytest.mark.parametrize("id", ["sgd-alpha-beta", "sgd-alpha-beta-sharp"])
@pytest.mark.parametrize("sigma2", [Fraction(0), Fraction(1, 100), Fraction(5)])
def test_best_step_is_best(id: str, sigma2: Fraction) -> None:
    theorem = load_theorem(id)
    env = ENV | {"sigma2": sigma2}
    best = best_step_size(theorem, env)
    limit = evaluate(theorem.step_size_limit, env)
    at_best = evaluate(theorem.bound, env | {"gamma": best})
    assert best <= limit
    for k in range(1, 40):
        gamma = limit * k / 40
        assert at_best <= evaluate(theorem.bound, env | {"gamma": gamma}) * (
            1 + Fraction(1, 10**12)
        )


def test_unknown_id_is_refused() -> None:
    with pytest.raises(InputError, match="sgd-alpha-beta"):
        load_theorem("sgd-alpha-gamma")
    assert "sgd-alpha-beta-sharp" in theorem_ids()
