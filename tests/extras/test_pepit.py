"""Our bounds and proved worst cases against those that PEPit finds by semidefinite programming."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import worst_cases
from worst_cases import CASES, LONG, PAGE, REFERENCE, SHORT, TOLERANCE, Line, example, pl_line

pytestmark = pytest.mark.filterwarnings("ignore")  # of PEPit's and its solver's making

# PEPit 0.5.1 with Clarabel, L = 1: naive and refined values of the literature's table
PUBLISHED = {
    ("0.2", "1", 1): (0.7272727, 0.6832670),
    ("0.2", "0.5", 1): (0.8329702, 0.8214338),
    ("0.2", "1.366025", 1): (0.7435283, 0.6997579),
    ("0.2", "1.9", 1): (0.9551887, 0.9551886),
    ("0.5", "0.5", 1): (0.6056466, 0.5834100),
    ("0.5", "1", 1): (0.4000000, 0.3201970),
    ("0.1", "1", 1): (0.8571429, 0.8335235),
    ("0.2", "1", 3): (0.3846732, 0.3189857),
    ("0.2", "1.866025", 3): (0.7942539, 0.7916965),
}


@pytest.fixture(scope="module", params=range(len(CASES)), ids=lambda k: CASES[k][0].__name__)
def line(request) -> Line:
    make, arguments = CASES[request.param]
    return make(*arguments)


def test_nothing_of_ours_is_below_the_worst_case(line):
    """Equal up to the solver's error where the finder is given the same class of functions."""
    assert line.bound is not None or line.found is not None
    if line.bound is not None:
        assert line.bound >= line.theirs * (1 - TOLERANCE)
    if line.found is not None:
        assert line.found == pytest.approx(line.theirs, rel=TOLERANCE)
    if line.sharper is not None:
        assert line.sharper <= line.found * (1 + TOLERANCE)


def test_the_kept_page_is_of_these_cases(line):
    """Each row of benchmarks/worst_cases.md, up to the solver's error."""
    rows = [row.split(" | ") for row in PAGE.read_text(encoding="utf-8").splitlines()]
    cells = [row for row in rows if row[0] == f"| {line.what}" and row[1] == line.constants]
    cells = [row for row in cells if row[3] == (line.theorem and f"`{line.theorem}`")]
    (row,) = cells
    assert float(row[2]) == pytest.approx(line.theirs, rel=TOLERANCE)
    if line.bound is not None:
        assert float(row[5]) == pytest.approx(line.bound / line.theirs, abs=2e-4)
    if line.found is not None:
        assert float(row[6]) == pytest.approx(line.found, rel=TOLERANCE)


def test_the_published_table_is_reproduced():
    assert list(PUBLISHED) == REFERENCE
    for case, (naive, refined) in PUBLISHED.items():
        found = pl_line(*case)
        assert found.theirs == pytest.approx(naive, abs=2e-6)
        assert found.refined == pytest.approx(refined, abs=2e-6)
        mu, gamma, n = float(case[0]), float(case[1]), case[2]
        lower = max((1 - mu * gamma) ** 2, (1 - gamma) ** 2) ** n  # runs on quadratics
        assert lower <= found.sharper <= naive * (1 + TOLERANCE)
        assert lower <= refined


def test_all_three_branches_are_tight_for_one_step():
    """γ < 1/L included. Over several steps the whole is smaller than the power of one step."""
    for case in (*REFERENCE, *SHORT, *LONG):
        row = pl_line(*case, refined=False)
        ratio = row.bound / row.theirs
        assert ratio == pytest.approx(1, abs=1e-4) if case[2] == 1 else 1 - 1e-5 <= ratio <= 1.05


def test_pepits_theoretical_value_is_wrong_below_one_over_L():
    """It misplaces a parenthesis: 0.9330579 at γ = 1/4, where its own program says 0.9083756."""
    name = "gradient_descent_quadratic_lojasiewicz_naive"
    numbers = {"L": 1, "mu": 0.2, "gamma": 0.25, "n": 1}
    worst, theory = example(f"nonconvex_optimization.{name}", f"wc_{name}", **numbers)
    assert theory == pytest.approx(0.9330579, abs=1e-6)
    assert worst == pytest.approx(0.9083756, abs=2e-6)
    assert pl_line("0.2", "0.25", 1, False).bound == pytest.approx(worst, abs=2e-6)


def test_no_smaller_constant_is_proved():
    """Just below PEPit's worst case the finder finds nothing; just above it does."""
    from fractions import Fraction

    from boundcalc.search.questions import gradient_descent
    from boundcalc.search.worst_case import asked, prove_at

    for mu, gamma, n in (("0.2", "0.5", 1), ("0.2", "1.9", 1), ("0.2", "1", 3)):
        worst = worst_cases.pl(mu, gamma, n, refined=False)
        said = [f"pl(f; mu = {mu})", "smooth(f; L = 1)"]
        ask = asked(gradient_descent(said, Fraction(gamma), n))
        assert prove_at(ask, [Fraction(worst - 1e-4)]) is None
        assert prove_at(ask, [Fraction(worst + 1e-4)]) is not None


def test_the_command_says_the_same():
    command = (sys.executable, "-c", "from boundcalc.cli import main; main()", "rate", "gd-pl")
    words = ["--mu", "0.2", "--L", "1", "--step-size", "1", "--steps", "3", "--gap0", "1", "--json"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    worst = worst_cases.pl("0.2", "1", 3, refined=False)
    assert found["bound"] == pytest.approx(found["upper"] ** 3, rel=1e-9)
    assert found["bound"] >= worst * (1 - TOLERANCE)
    assert found["lower"] <= worst ** (1 / 3)
