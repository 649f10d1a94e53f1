"""The scenario bound against exact rationals and against mpmath."""

import math
from fractions import Fraction

import mpmath
import pytest

from boundcalc.errors import InputError
from boundcalc.guarantees.scenario import scenario, smallest_epsilon


def exact_left_side(runs: int, discarded: int, epsilon: Fraction) -> Fraction:
    total = sum(
        math.comb(runs, i) * epsilon**i * (1 - epsilon) ** (runs - i) for i in range(discarded + 2)
    )
    return math.comb(discarded + 1, discarded) * total


@pytest.mark.parametrize("runs", [2, 3, 5, 10, 37, 100, 250])
@pytest.mark.parametrize("discarded", [0, 1, 2, 7])
@pytest.mark.parametrize("risk", [Fraction(1, 2), Fraction(1, 100), Fraction(1, 10**9)])
def test_it_is_the_smallest_epsilon_in_exact_arithmetic(runs, discarded, risk):
    epsilon = smallest_epsilon(runs, discarded, risk)
    if epsilon == 1:
        assert (
            discarded + 2 > runs or exact_left_side(runs, discarded, 1 - Fraction(1, 10**8)) > risk
        )
        return
    assert exact_left_side(runs, discarded, Fraction(epsilon)) <= risk
    assert exact_left_side(runs, discarded, Fraction(epsilon) * (1 - Fraction(1, 10**8))) > risk


@pytest.mark.parametrize(("runs", "discarded"), [(10_000, 0), (10_000, 300), (1_000_000, 20_000)])
def test_it_agrees_with_the_incomplete_beta_function(runs, discarded):
    """P(Binomial(N, ε) < k) = I_{1−ε}(N − k + 1, k)."""
    epsilon = smallest_epsilon(runs, discarded, Fraction(1, 100))
    k = discarded + 2

    def left_side(x):
        with mpmath.workdps(60):
            at = mpmath.mpf(x)
            mean, deviation = runs * at, mpmath.sqrt(runs * at * (1 - at))
            if discarded > 1000:  # sum the terms that matter, from the largest index down
                low = max(0, int(mean - 60 * deviation))
                log_term = (
                    mpmath.loggamma(runs + 1)
                    - mpmath.loggamma(k)
                    - mpmath.loggamma(runs - k + 2)
                    + (k - 1) * mpmath.log(at)
                    + (runs - k + 1) * mpmath.log1p(-at)
                )
                term = total = mpmath.exp(log_term)
                for i in range(k - 1, low, -1):
                    term *= i * (1 - at) / ((runs - i + 1) * at)
                    total += term
                return (discarded + 1) * total
            return (discarded + 1) * mpmath.betainc(runs - k + 1, k, 0, 1 - at, regularized=True)

    assert left_side(epsilon) <= mpmath.mpf(1) / 100
    assert left_side(epsilon * (1 - 1e-8)) > mpmath.mpf(1) / 100


def test_the_sentence_says_what_counts():
    said = scenario(100)
    assert said is not None
    assert said.runs == 100
    assert said.constants == 2
    assert 0.06 < said.epsilon < 0.07
    assert "100 independent runs" in said.sentence
    assert "L, σ², D_0" in said.assumption
    free = scenario(100, objective="neighbourhood")
    assert free is not None
    assert "σ²" not in free.assumption
    assert "3 of them discarded" in scenario(100, 3).sentence


def test_more_runs_and_fewer_discarded_are_better():
    values = [scenario(n).epsilon for n in (2, 5, 10, 100, 1000)]
    assert values == sorted(values, reverse=True)
    values = [scenario(100, r).epsilon for r in range(6)]
    assert values == sorted(values)


def test_without_declared_runs_nothing_is_said():
    assert scenario(None) is None
    assert scenario(1) is None
    assert scenario(100, objective="rate") is None
    assert "too few" in scenario(3, 3).sentence
    assert scenario(3, 3).epsilon == 1


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, float("nan")])
def test_a_confidence_outside_its_range_is_refused(confidence):
    with pytest.raises(InputError, match="confidence"):
        scenario(10, confidence=confidence)


def test_more_discarded_than_there_are_is_refused():
    with pytest.raises(InputError, match="discarded"):
        scenario(3, 4)
