"""The cross-check agrees with the exact method, and would say so if it did not."""

import json
from dataclasses import asdict, replace
from fractions import Fraction

import pytest
from made_logs import CONSTANTS, frontier_of, log_of, random_log

from boundcalc.errors import InputError
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.crosscheck import cross_check
from boundcalc.guarantees.pair import OBJECTIVES, choose

MARGIN = Fraction(1, 10)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("kind", ["smooth", "grid"])
def test_everything_agrees_on_many_logs(name, kind):
    for seed in range(20):
        log = random_log(seed, kind=kind)
        frontier = frontier_of(log)
        pair = None
        if isinstance(frontier, Frontier):
            try:
                pair = choose(frontier, name, CONSTANTS, margin=MARGIN)
            except InputError:
                continue
        found = cross_check(log, frontier, pair, CONSTANTS, margin=MARGIN)
        assert found.agrees is True, (seed, found)
        json.dumps(asdict(found), allow_nan=False)
        if pair is not None:
            assert found.lp_difference <= 1e-9


def test_a_wrong_pair_is_noticed():
    log = random_log(1, 200)
    frontier = frontier_of(log)
    pair = choose(frontier, "neighbourhood", None)
    wrong = replace(pair, value=pair.value * (1 + 1e-6))
    assert cross_check(log, frontier, wrong, None).lp_agrees is False
    assert cross_check(log, frontier, wrong, None).agrees is False


def test_a_wrong_no_is_noticed():
    log = random_log(1, 50)
    impossible = frontier_of(log_of(loss=[1.0], loss_ref=[0.0], inner=[-1.0]))
    found = cross_check(log, impossible, None, None)
    assert found.lp_agrees is False
    assert found.agrees is False


def test_rows_that_were_dropped_stay_dropped():
    log = log_of(
        loss=[1.0, 2.0, float("nan"), 1.5],
        loss_ref=[0.5, 0.25, 0.0, 0.5],
        inner=[0.25, 2.5, 0.0, 1.0],
        grad_sqnorm=[1.0, float("inf"), 1.0, 1.0],
    )
    kept = log_of(loss=[1.0, 1.5], loss_ref=[0.5, 0.5], inner=[0.25, 1.0])
    frontier = frontier_of(kept)
    pair = choose(frontier, "minimal", None, margin=MARGIN)
    found = cross_check(log, frontier, pair, None, margin=MARGIN, drop_nonfinite=True)
    assert found.agrees
    assert found.lp.rows == 2
