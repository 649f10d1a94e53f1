"""Objectives as ratios of affine functions agree with the theorem they come from."""

from fractions import Fraction

import numpy as np
import pytest
from made_logs import CONSTANTS, frontier_of, random_log

from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.objective import linear_fractional, objective_at
from boundcalc.guarantees.pair import OBJECTIVES, choose
from boundcalc.kernel.value import evaluate
from boundcalc.library.theorems import load_theorem


@pytest.fixture(params=range(4))
def frontier(request):
    found = frontier_of(random_log(request.param, 30))
    assert isinstance(found, Frontier)
    return found


def test_the_bound_is_recovered_from_the_theorem(frontier):
    pair = choose(frontier, "bound", CONSTANTS)
    objective = objective_at(frontier, pair, CONSTANTS, Fraction(1, 10))
    theorem = load_theorem("sgd-alpha-beta-sharp")
    rng = np.random.default_rng(0)
    for _ in range(50):
        alpha, beta = (Fraction(float(v)) for v in rng.uniform(0, 5, 2))
        if alpha - beta <= CONSTANTS.L * objective.gamma:
            assert objective.value(alpha, beta) is None
            continue
        env = {**CONSTANTS.env(alpha, beta), "gamma": objective.gamma}
        assert objective.value(alpha, beta) == evaluate(theorem.bound, env)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_at_the_chosen_pair_it_is_the_reported_value(frontier, name):
    pair = choose(frontier, name, CONSTANTS)
    objective = objective_at(frontier, pair, CONSTANTS, Fraction(1, 10))
    assert objective.name == name
    value = objective.value(Fraction(pair.alpha), Fraction(pair.beta))
    assert float(value) == pytest.approx(pair.value, rel=1e-9)
    alphas = np.array([pair.alpha, 1.0])
    betas = np.array([pair.beta, 2.0])
    ratios = objective.ratios(alphas, betas)
    assert objective.sign * ratios[0] == pytest.approx(pair.value, rel=1e-6)
    assert ratios[1] == np.inf  # α < β


def test_without_interpolation_error_the_ratio_is_still_unique():
    top, bottom = linear_fractional(lambda a, b: 1 / (a - b - 2), Fraction(5), Fraction(1))
    assert [part / bottom[1] for part in top] == [1, 0, 0]
    assert [part / bottom[1] for part in bottom] == [-2, 1, -1]


def test_what_is_no_such_ratio_is_noticed():
    with pytest.raises(ArithmeticError):
        linear_fractional(lambda a, b: a * a + b, Fraction(2), Fraction(1))
    with pytest.raises(ArithmeticError):
        linear_fractional(lambda a, b: Fraction(1), Fraction(2), Fraction(1))
