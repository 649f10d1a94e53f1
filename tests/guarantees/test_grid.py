"""The grid of the paper: its values, its merging, and what "within its spacing" means."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from made_logs import CONSTANTS, columns_of, frontier_of, log_of, random_log

from boundcalc.fit.envelope import rows_of
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.grid import (
    axes,
    grid,
    grid_agrees,
    grid_of,
    grid_pair,
    points_astray,
    worst_expected,
)
from boundcalc.guarantees.objective import objective_at
from boundcalc.guarantees.pair import OBJECTIVES, choose

MARGIN = Fraction(1, 10)


def test_it_is_the_smallest_slack_over_all_rows():
    log = random_log(0, 1000)
    alphas, betas = np.linspace(0, 2, 7), np.linspace(0, 1, 5)
    found = grid(log, alphas, betas)
    loss, ref, low, inner = columns_of(log)
    slack = inner - alphas[:, None, None] * (loss - ref) + betas[None, :, None] * (loss - low)
    np.testing.assert_allclose(found.least, slack.min(axis=2), rtol=0, atol=1e-14)
    assert found.rows == 1000
    expected = (found.least >= 0) & (alphas[:, None] > betas)
    np.testing.assert_array_equal(found.feasible(), expected)


def test_grids_merge():
    log = random_log(0, 1000)
    alphas, betas = np.linspace(0.1, 2, 6), np.linspace(0, 1, 6)
    parts = [grid_of(rows_of(chunk), alphas, betas) for chunk in log.chunks(170)]
    whole = grid(log, alphas, betas)
    forward = parts[0]
    for part in parts[1:]:
        forward = forward.merge(part)
    backward = parts[-1]
    for part in parts[-2::-1]:
        backward = backward.merge(part)
    np.testing.assert_array_equal(forward.least, backward.least)
    np.testing.assert_allclose(forward.least, whole.least, rtol=0, atol=1e-14)
    assert forward.rows == whole.rows
    with pytest.raises(ValueError, match="axes"):
        whole.merge(grid_of(rows_of(next(log.chunks(5))), alphas, betas * 2))


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("kind", ["smooth", "grid"])
def test_it_agrees_within_its_spacing(name, kind):
    compared = 0
    for seed in range(25):
        log = random_log(seed, kind=kind)
        frontier = frontier_of(log)
        if not isinstance(frontier, Frontier):
            found = grid(log, *axes(frontier, None))
            assert grid_agrees(found, grid_pair(found, None), frontier, None, None)
            continue
        pair = choose(frontier, name, CONSTANTS, margin=MARGIN)
        objective = objective_at(frontier, pair, CONSTANTS, MARGIN)
        for size in (10, 51):
            found = grid(log, *axes(frontier, pair, size))
            best = grid_pair(found, objective)
            assert points_astray(found, frontier) == (0, 0)
            assert grid_agrees(found, best, frontier, pair, objective)
            compared += worst_expected(found, frontier, pair, objective) is not None
            if best.value is not None:
                assert frontier.beta(Fraction(best.alpha)) <= Fraction(best.beta) * (
                    1 + Fraction(1, 10**12)
                ) + Fraction(1, 10**15)
    assert compared >= (1 if name == "minimal" else 6)


def test_a_wrong_answer_is_noticed():
    log = random_log(2, 40)
    frontier = frontier_of(log)
    pair = choose(frontier, "neighbourhood", None)
    objective = objective_at(frontier, pair, None, MARGIN)
    found = grid(log, *axes(frontier, pair))
    best = grid_pair(found, objective)
    assert grid_agrees(found, best, frontier, pair, objective)
    assert not grid_agrees(found, replace(best, value=pair.value * 0.99), frontier, pair, objective)
    assert not grid_agrees(found, replace(best, value=pair.value * 99), frontier, pair, objective)
    wrong = replace(found, least=found.least + 0.1)
    assert points_astray(wrong, frontier)[0] > 0
    wrong = replace(found, least=found.least - 0.1)
    assert points_astray(wrong, frontier)[1] > 0


def test_overflow_leaves_points_undecided():
    log = log_of(loss=[1e308], loss_ref=[0.0], inner=[1e308])
    found = grid(log, np.array([1e10, 2e10]), np.array([0.0, 1e10]))
    assert grid_pair(found, None).undecided_points > 0
