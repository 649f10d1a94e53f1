"""Our rates against worst cases that PEPit finds by semidefinite programming."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PEPit.examples.nonconvex_optimization.gradient_descent import wc_gradient_descent
from PEPit.examples.nonconvex_optimization.gradient_descent_quadratic_lojasiewicz_naive import (
    wc_gradient_descent_quadratic_lojasiewicz_naive,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # of PEPit's and its solver's making
SOLVER_ERROR = 1e-5  # relative, of the semidefinite programs


def rate(*arguments):
    command = (sys.executable, "-c", "from boundcalc.cli import main; main()", "rate")
    done = subprocess.run(
        [*command, *map(str, arguments), "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("gamma", [0.25, 0.5, 1.0, 1.366025, 1.9])
@pytest.mark.parametrize("mu", [0.1, 0.2, 0.5])
def test_gd_pl_is_never_below_the_worst_case(mu, gamma):
    """The three branches are the tight value over the naive class, γ < 1/L included."""
    worst, _ = wc_gradient_descent_quadratic_lojasiewicz_naive(
        L=1, mu=mu, gamma=gamma, n=1, verbose=0
    )
    found = rate("gd-pl", "--mu", mu, "--L", 1, "--step-size", gamma)
    assert found["lower"] <= worst * (1 + SOLVER_ERROR)
    assert found["upper"] >= worst * (1 - SOLVER_ERROR)
    assert found["upper"] / worst == pytest.approx(1, abs=1e-4)


def test_several_steps_of_gd_pl_are_never_below_the_worst_case():
    worst, _ = wc_gradient_descent_quadratic_lojasiewicz_naive(L=1, mu=0.2, gamma=1, n=3, verbose=0)
    found = rate("gd-pl", "--mu", 0.2, "--L", 1, "--step-size", 1, "--steps", 3, "--gap0", 1)
    assert found["bound"] == pytest.approx(found["upper"] ** 3, rel=1e-9)
    assert found["bound"] >= worst * (1 - SOLVER_ERROR)


@pytest.mark.parametrize("steps", [1, 5])
def test_gd_nonconvex_is_never_below_the_worst_case(steps):
    """PEPit counts the last iterate too, so its worst case over n steps is the smaller one."""
    worst, _ = wc_gradient_descent(L=1, gamma=1, n=steps, verbose=0)
    found = rate("gd-nonconvex", "--L", 1, "--step-size", 1, "--steps", steps, "--gap0", 1)
    assert found["bound"] >= worst * (1 - SOLVER_ERROR)
    assert found["bound"] / worst <= 1.6
