"""What `rate --list` finds: by implications, on balls, for mini-batches; and what it leaves out."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
import typer
from typer.testing import CliRunner

from boundcalc.cli.rate import CONTEXT
from boundcalc.cli.rate import rate as command
from boundcalc.errors import InputError
from boundcalc.kernel.value import enclose
from boundcalc.library.chain import Fact, close, family_of, fed
from boundcalc.library.evaluate import rate
from boundcalc.library.floors import floor_of
from boundcalc.library.rate import admits, at
from boundcalc.library.side_by_side import listing
from boundcalc.library.theorems import load_theorem, theorem_ids

app = typer.Typer()
app.command(context_settings=CONTEXT)(command)
app.command("other")(lambda: None)


def chains(conditions: str | None, **constants: object) -> dict[str, tuple[str, ...]]:
    rows = listing(constants, conditions, 100).rows  # type: ignore[arg-type]
    return {row.rate.theorem.id: row.chain for row in rows}


def test_uniform_conditioning_feeds_the_theorems_on_balls() -> None:
    found = chains("uniform-conditioning, square-loss, smooth(f)", mu="0.5", L=2, loss0=1)
    assert set(found["gd-pl-star"]) == {"uniform-conditioning-pl-star", "square-loss-nonnegative"}
    assert "pl-star-pl" in found["gd-pl"]
    said = "pl-star(f), nonnegative(f), nonnegative(f_i), smooth(f), smooth(f_i), mini-batch"
    rows = listing({"mu": "0.5", "L": 2, "loss0": 1, "n": 10, "s": 4, "delta": 1}, said, 100).rows
    (batch,) = (row.rate for row in rows if row.rate.theorem.id == "sgd-pl-star")
    assert batch.constants["mu"] == 5  # mu of the sum of n losses
    assert batch.critical_batch == (5, 5)  # 1 + 10·2/5


def test_interpolation_means_that_sigma2_is_0() -> None:
    found = chains("convex(f_i), smooth(f_i), interpolation", L=2, dist2=1)
    assert found["sgd-convex"][-1] == "interpolation-sigma2"
    assert (
        "interpolation-expected-smoothness"
        in chains("pl(f), smooth(f_i), interpolation", L=2, mu=1, gap0=1)["sgd-pl"]
    )
    with pytest.raises(InputError, match="since interpolation is named"):
        chains("convex(f_i), smooth(f_i), interpolation", L=2, dist2=1, sigma2="0.1")


def test_mini_batches_are_listed_with_s() -> None:
    given = {"mu": "0.5", "L": 2, "gap0": 1, "sigma2": "0.1"}
    assert "sgd-pl-batch" not in chains(None, **given)
    rows = {r.rate.theorem.id: r.rate for r in listing({**given, "s": 8}, None, 100).rows}
    assert rows["sgd-pl-batch"].bound[1] < rows["sgd-pl"].bound[1]
    one = {r.rate.theorem.id: r.rate for r in listing({**given, "s": 1}, None, 100, "0.1").rows}
    assert one["sgd-pl-batch"].bound == one["sgd-pl"].bound


def test_of_two_chains_the_stronger_fact_is_taken() -> None:
    known = [Fact("strongly-convex", "f", {"mu": Fraction(1)}), Fact("smooth", "f", {"L": 4})]
    found = {fact.key: fact for fact in close(known, {})}
    assert found["aiming", "f"].constants["theta"] == 1  # by way of rsi it is 2·mu/L
    assert found["pl", "f"].constants["mu"] == 1  # by way of rsi it is mu²/L
    assert found["rsi", "f"].constants["mu"] == 1
    weaker = [*known, Fact("smooth", "f", {"L": Fraction(5)})]
    assert {f.key: f for f in close(weaker, {})}["smooth", "f"].constants["L"] == 4
    pairs = [Fact("alpha-beta", "f_i", {"alpha": Fraction(a), "beta": Fraction(0)}) for a in (1, 2)]
    (kept,) = close(pairs, {})
    assert kept.constants["alpha"] == 1  # neither implies the other


def test_what_is_left_out_says_what_it_needs() -> None:
    left = {one.theorem: one for one in listing({"alpha": 1, "beta": 0, "L": 2}).left_out}
    assert left["sgd-alpha-beta-sharp"].needs == ("sigma2", "dist2")
    left = {one.theorem: one for one in listing({"mu": 3, "L": 2, "gap0": 1}).left_out}
    assert left["gd-pl"].reason == "mu <= L does not hold"
    said = CliRunner().invoke(app, ["rate", "--list", "--mu", "3", "--L", "2"]).output
    assert "left out: gd-pl: mu <= L does not hold" in said
    words = ["rate", "--list", "--alpha", "1", "--beta", "0", "--L", "2", "--json"]
    body = json.loads(CliRunner().invoke(app, words).output)
    assert {"theorem": "sgd-alpha-beta", "needs": ["sigma2", "dist2"], "reason": ""} in body[
        "left_out"
    ]
    with pytest.raises(InputError, match="give --c"):
        listing({"mu": 1}, "quadratic")


def test_every_theorem_about_an_algorithm_can_be_fed() -> None:
    """From its own hypotheses, all of them known: no theorem is out of the list's reach."""
    for id in theorem_ids():
        theorem = load_theorem(id)
        if theorem.kind not in (
            "telescoping",
            "contraction",
            "potential",
            "path-length",
            "stopped",
        ):
            continue
        one = Fraction(1)
        facts = [
            Fact(
                said.condition,
                family_of(said) or "",
                {c: Fraction(v) if v.isdigit() else one for c, v in said.constants.items()},
            )
            for said in theorem.assumed
        ]
        assert id in {one.theorem.id for one in fed(facts, {"n": one})}, id


@pytest.mark.parametrize("c", ["mu", "L"])
def test_the_lower_end_is_the_proved_rate_of_the_example(c: str) -> None:
    """gd-quadratic proves f(y) − f* ≥ (1 − cγ)²(f(x) − f*) where pl(mu) and smooth(L) hold."""
    proved = load_theorem("gd-quadratic").raw["conclusion"]["holds"]
    factor = proved.split(">=")[1].split("*(f(x)")[0].replace("c*", f"{c}*")
    for id in ("gd-pl", "gd-pl-short", "gd-pl-medium", "gd-pl-long"):
        raw = load_theorem(id).raw
        assert raw["lower_theorem"] == "gd-quadratic"
        for gamma in (Fraction(1, 3), Fraction(1), Fraction(9, 5)):
            env = {"mu": Fraction(1, 4), "L": Fraction(1), "gamma": gamma}
            assert enclose(raw["lower"], env)[0] >= enclose(factor, env)[0]
    found = rate("gd-pl", mu="1/4", L=1, step_size=1)
    assert found.lower.theorem == "gd-quadratic"


FLOORS = [
    id
    for id in theorem_ids()
    if load_theorem(id).step_size_limit is not None
    and (load_theorem(id).bound or load_theorem(id).floor) is not None
]


@pytest.mark.parametrize("id", FLOORS)
def test_no_admitted_step_size_has_a_smaller_floor(id: str) -> None:
    """The floor as gamma → 0 is the smallest, so that "never" holds whatever the step size."""
    theorem = load_theorem(id)
    formula = theorem.bound if theorem.bound is not None else theorem.floor
    env = {name: Fraction(1, 7) for name in theorem.constants}
    env |= {"alpha": Fraction(2), "L": Fraction(3), "beta": Fraction(1, 9), "s": Fraction(2)}
    env |= {"beta": Fraction(5)} if "alpha" not in theorem.constants else {}
    least = floor_of(theorem, formula, env)
    assert least is not None
    tried = 0
    for k in range(1, 400):
        gamma = Fraction(k, 200)
        if not admits(theorem, env, gamma):
            continue
        here = floor_of(theorem, formula, {**env, "gamma": gamma})
        late = at(theorem, formula, {**env, "gamma": gamma, "steps": Fraction(10**18)})
        assert here is not None
        assert here[1] >= least[0]
        assert float(late[1]) == pytest.approx(float(here[1]), abs=1e-9)
        tried += 1
    assert tried > 3


def test_a_root_of_a_polynomial_counts_as_its_largest_power() -> None:
    theorem = load_theorem("sgd-alpha-beta-horizon")
    given = {"alpha": 1, "beta": "0.1", "L": 2, "sigma2": "0.01", "dist2": 3}
    found = rate("sgd-alpha-beta-horizon", epsilon="0.001", **given)
    assert "never: the floor is 0.00111111" in found.reason
    env = {name: Fraction(value) for name, value in given.items()}
    late = at(theorem, theorem.bound, {**env, "steps": Fraction(10**20)})
    floor = floor_of(theorem, theorem.bound, env)
    assert float(late[1]) == pytest.approx(float(floor[1]), rel=1e-6)


def test_a_constant_with_a_default_need_not_be_given() -> None:
    given = {"mu": "0.5", "L": 2, "sigma2": "0.1", "dist2": 1}
    found = rate("sgd-strongly-convex-decreasing", 100, **given)
    assert found.constants["k0"] == 8
    assert found.bound == rate("sgd-strongly-convex-decreasing", 100, k0=8, **given).bound
    assert rate("sgd-strongly-convex-decreasing", 100, k0=9, **given).constants["k0"] == 9
    with pytest.raises(InputError, match="speaks of no such constants"):
        rate("sgd-strongly-convex-decreasing", 100, k0=7, **given)
    with pytest.raises(InputError) as caught:
        rate("sgd-strongly-convex-decreasing", 100, mu="0.5", dist2=1)
    assert len(caught.value.faults) == 2  # L and sigma2, not k0
    for id in theorem_ids():
        for name in load_theorem(id).raw.get("defaults", {}):
            assert name in load_theorem(id).constants


def test_a_rate_is_not_mixed_with_the_floor_of_another_theorem() -> None:
    given = {"mu": "0.5", "L": 2, "sigma2": "0.1", "dist2": 1}
    published = rate("sgd-strongly-convex", 50, step_size="0.1", **given)
    sharp = rate("sgd-strongly-convex-sharp", 50, step_size="0.1", **given)
    assert published.upper.theorem == "sgd-strongly-convex"
    assert sharp.upper.theorem == "sgd-strongly-convex-sharp"
    assert sharp.bound[1] < published.bound[1]
    edge = [rate(i, 50, step_size="0.5", **given) for i in
            ("sgd-strongly-convex", "sgd-strongly-convex-sharp")]  # fmt: skip
    assert edge[0].bound == edge[1].bound


@pytest.mark.parametrize("steps", [20, 300, 5000])
def test_the_best_step_of_a_contraction_with_a_floor_is_for_the_horizon(steps: int) -> None:
    given = {"mu": "0.3", "L": 2, "A": 2, "B": 0, "C": "0.4", "gap0": 1}
    found = rate("sgd-pl", steps, **given)
    assert found.bound == found.best_bound
    grid = [float(found.step_size_limit[0]) * k / 400 for k in range(1, 400)]
    bounds = [rate("sgd-pl", steps, step_size=step, **given).bound[1] for step in grid[::40]]
    assert found.best_bound[1] <= min(bounds) * Fraction(1000001, 1000000)
    assert rate("sgd-pl", **given).best_step_size == Fraction("0.075")  # the fastest, at no horizon
    again = rate("sgd-pl", steps, step_size=found.best_step_size, **given)
    assert again.bound == found.best_bound
