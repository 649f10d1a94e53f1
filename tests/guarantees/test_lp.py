"""The linear program finds the exact pair, on all rows and on the reduced ones."""

from fractions import Fraction

import numpy as np
import pytest
from made_logs import CONSTANTS, frontier_of, log_of, random_log

from boundcalc.errors import InputError
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.guarantees.lp import SOLVERS, lp_pair
from boundcalc.guarantees.objective import objective_at
from boundcalc.guarantees.pair import OBJECTIVES, choose

MARGIN = Fraction(1, 10)


def fitted(log, name):
    frontier = frontier_of(log)
    assert isinstance(frontier, Frontier)
    pair = choose(frontier, name, CONSTANTS, margin=MARGIN)
    return pair, objective_at(frontier, pair, CONSTANTS, MARGIN)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("reduce", [False, True])
def test_it_agrees_to_nine_digits(solver, name, reduce):
    for seed in range(3):
        log = random_log(seed, 500)
        pair, objective = fitted(log, name)
        found = lp_pair(log, objective, scale=pair.alpha, solver=solver, reduce=reduce)
        assert found.status == "optimal"
        assert found.reduced is reduce
        assert found.rows < 100 if reduce else found.rows == 500
        assert found.polished_value == pytest.approx(pair.value, rel=1e-12)
        if solver == "HIGHS":
            assert found.value == pytest.approx(pair.value, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-290, 1e-150, 1e150, 1e290])
def test_units_of_the_loss_do_not_matter(unit):
    made = random_log(3, 60)
    columns = {name: made.columns[name].read(0, 60) for name in ("loss", "loss_ref", "inner")}
    pair, objective = fitted(made, "neighbourhood")
    scaled = log_of(**{name: values * unit for name, values in columns.items()})
    found = lp_pair(scaled, objective, scale=pair.alpha)
    assert found.polished_value == pytest.approx(pair.value, rel=1e-9)


def test_rows_of_very_different_sizes_are_scaled_one_by_one():
    made = random_log(3, 60)
    sizes = 10.0 ** np.random.default_rng(0).integers(-280, 280, 60)
    columns = {
        name: made.columns[name].read(0, 60) * sizes for name in ("loss", "loss_ref", "inner")
    }
    pair, objective = fitted(log_of(**columns), "neighbourhood")
    found = lp_pair(log_of(**columns), objective, scale=pair.alpha)
    assert found.polished_value == pytest.approx(pair.value, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_log_without_any_pair(solver):
    log = log_of(loss=[1.0, 1.0], loss_ref=[0.0, 0.5], inner=[-1.0, 1.0])
    assert isinstance(frontier_of(log), Infeasible)
    assert lp_pair(log, None, solver=solver).status == "infeasible"
    flat = log_of(loss=[0.0, 1.0], loss_ref=[0.0, 0.5], inner=[-1.0, 1.0])
    assert isinstance(frontier_of(flat), Infeasible)
    assert lp_pair(flat, None, solver=solver).status == "infeasible"


def test_only_asking_whether_there_is_a_pair():
    found = lp_pair(random_log(1, 50), None)
    assert found.status == "optimal"
    assert found.alpha > found.beta
    assert found.value is None


def test_an_unknown_solver_is_refused():
    with pytest.raises(InputError, match="solver"):
        lp_pair(random_log(1), None, solver="ABACUS")
