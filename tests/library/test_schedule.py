"""Bounds for step sizes that vary: constant ones as a special case, sums, refusals, a run."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
import typer
from test_falsification_sums import mean, paths, quadratics, singles
from typer.testing import CliRunner

from boundcalc.cli.rate import CONTEXT
from boundcalc.cli.rate import rate as command
from boundcalc.errors import InputError
from boundcalc.library.evaluate import rate
from boundcalc.library.schedule import scheduled
from boundcalc.library.theorems import load_theorem, theorem_ids

app = typer.Typer()
app.command(context_settings=CONTEXT)(command)
app.command("other")(lambda: None)

GIVEN = {"alpha": 1, "beta": "0.1", "L": 2, "sigma2": "0.01", "dist2": 3}
MORE = {"theta": "0.9", "B": 2, "C": "0.1", "gap0": 1, "G": 5, "b0": 1, "s": 3, "L_f": "1.5"}


@pytest.mark.parametrize("id", [i for i in theorem_ids() if load_theorem(i).bound_varying])
def test_a_constant_schedule_gives_the_bound_of_constant_steps(id: str) -> None:
    known = {**GIVEN, **MORE}
    given = {n: v for n, v in known.items() if n in load_theorem(id).constants}
    found = scheduled(id, "0.1", 50, **given)
    constant = rate(id, 50, step_size="0.1", **given)
    assert float(found.bound[1]) == pytest.approx(float(constant.bound[1]), rel=1e-12)
    assert found.bound[1] >= constant.bound[0]


def test_sums_are_enclosed() -> None:
    found = scheduled("sgd-alpha-beta-sharp", "0.4/sqrt(k + 1)", 300, **GIVEN)
    total = math.fsum(0.4 / math.sqrt(k + 1) for k in range(300))
    squares = math.fsum(0.16 / (k + 1) for k in range(300))
    assert float(found.total[0]) == pytest.approx(total, rel=1e-13)
    assert float(found.squares[1]) == pytest.approx(squares, rel=1e-13)
    exact = sum(Fraction(4, 25) / (k + 1) for k in range(300))
    assert found.squares[0] <= exact <= found.squares[1]
    bound = (3 + 0.02 * (0.1 * total + 2 * squares)) / (2 * (0.9 * total - 2 * squares))
    assert float(found.bound[1]) == pytest.approx(bound, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_decreasing_steps_stay_below_the_bound(seed: int) -> None:
    p, a = quadratics(seed)
    given = {"L": max(a), "sigma2": p.sigma2, "dist2": p.dist2}
    found = scheduled("sgd-convex", "0.9/(L*sqrt(k + 1))", 6, **given)
    ran = paths(p, [0.9 / (max(a) * math.sqrt(k + 1)) for k in range(6)], singles(p))
    assert min(mean([p.gap(path[k]) for path in ran]) for k in range(6)) <= found.bound[1]


def test_one_step_beyond_the_limit_is_too_many() -> None:
    assert scheduled("sgd-alpha-beta-sharp", "0.45/(k + 1)", 9, **GIVEN).bound is None
    assert scheduled("sgd-alpha-beta-sharp", "0.449/(k + 1)", 9, **GIVEN).bound is not None
    assert scheduled("sgd-alpha-beta-sharp", "(k + 1)/20", 9, **GIVEN).bound is None
    assert scheduled("sgd-alpha-beta-sharp", "(k + 1)/20", 8, **GIVEN).bound is not None
    batch = {**GIVEN, "s": 2, "L_f": 1}
    assert scheduled("sgd-alpha-beta-batch", "0.6/(k + 1)", 9, **batch).bound is None


@pytest.mark.parametrize(
    ("id", "schedule", "steps", "said"),
    [
        ("gd-pl", "0.1", 5, "a bound for varying steps"),
        ("sgd-alpha-beta", "1 - k", 5, "k = 1"),
        ("sgd-alpha-beta", "0.1/k", 5, "k = 0"),
        ("sgd-alpha-beta", "0.1/(k", 5, "a formula in k"),
        ("sgd-alpha-beta", "0.1/omega", 5, "omega has no value"),
        ("sgd-alpha-beta", "0.1", 0, "from 1 to"),
        ("sgd-alpha-beta", "0.1", 10**9, "from 1 to"),
    ],
)
def test_what_is_refused(id: str, schedule: str, steps: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        scheduled(id, schedule, steps, **GIVEN)


def test_the_command() -> None:
    words = ["rate", "sgd-alpha-beta-sharp", "--schedule", "0.4/sqrt(k + 1)"]
    words += [word for name, value in GIVEN.items() for word in (f"--{name}", str(value))]
    said = CliRunner().invoke(app, [*words, "--steps", "300"]).output
    assert "at most 0.4" in said
    body = json.loads(CliRunner().invoke(app, [*words, "--steps", "300", "--json"]).output)
    found = scheduled("sgd-alpha-beta-sharp", "0.4/sqrt(k + 1)", 300, **GIVEN)
    assert Fraction(body["bound"]) >= found.bound[1]
    assert body["admissible"]
    alone = CliRunner().invoke(app, words)
    assert isinstance(alone.exception, InputError)
