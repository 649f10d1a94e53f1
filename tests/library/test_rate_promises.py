"""What `rate` promises is about the theorem's own first value, rounded outward, and honest."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
import typer
from typer.testing import CliRunner

from boundcalc.cli.rate import CONTEXT, rate_json
from boundcalc.cli.rate import rate as command
from boundcalc.errors import InputError
from boundcalc.kernel.grammar import parse
from boundcalc.library.evaluate import rate
from boundcalc.library.floors import floor_of
from boundcalc.library.numbers import lower, rounded, upper
from boundcalc.library.rate import first_value, start_of
from boundcalc.library.side_by_side import side_by_side
from boundcalc.library.theorems import load_theorem, theorem_ids

app = typer.Typer()
app.command(context_settings=CONTEXT)(command)
app.command("other")(lambda: None)

NOISY = {"mu": "0.5", "L": 2, "sigma2": 1}
CONVEX = {"alpha": 1, "beta": "0.1", "L": 1, "sigma2": "0.1", "dist2": 1}


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["rate", *words])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_the_start_is_the_theorems_own() -> None:
    given = {"mu": "0.2", "L": 1, "dist2": 1, "gap0": "0.001", "loss0": 5}
    found = rate("gd-rsi-eb", 3, step_size="0.1", **given)
    assert found.bound == (Fraction("0.912673"),) * 2
    assert found.unused == ("gap0", "loss0")
    assert rate("gd-pl", 3, step_size="0.1", **given).bound[1] < Fraction(1, 1000)
    found = rate("sgd-strongly-convex", 2, step_size="0.1", gap0=7, dist2=3, **NOISY)
    assert found.bound[1] == Fraction("0.95") ** 2 * 3 + Fraction("0.8")
    assert 3 < found.best_bound[1] < Fraction("3.0001")  # two steps do not help: 8·gamma beats them
    squares = {"mu": 1, "L_F": 1, "beta_F": 1, "r0": 2}
    found = rate("gd-pl-star-residual", 1, step_size="0.1", loss0=100, **squares)
    assert found.bound[1] == Fraction("0.9") * 2


def test_every_contraction_has_a_start() -> None:
    quantity = {"gap0": "f(x", "loss0": "f(x", "dist2": "dist("}
    for theorem in map(load_theorem, theorem_ids()):
        if theorem.rate is not None:
            start = start_of(theorem)
            if start is None:
                assert first_value(theorem, {"r0": Fraction(2)}) == 2
            else:
                assert quantity[start] in theorem.quantity
                assert ("- f*" in theorem.quantity) == (start == "gap0")


def test_side_by_side_gives_each_theorem_its_own_start() -> None:
    given = {"mu": "0.2", "L": 1, "dist2": 1, "gap0": "0.001"}
    said = "rsi(f), smooth(f)"
    rows = {r.rate.theorem.id: r.rate for r in side_by_side(given, said, 3, "0.1")}
    assert rows["gd-rsi-eb"].bound[1] == Fraction("0.912673")
    assert rows["gd-pl"].bound[1] < Fraction(1, 1000)
    with pytest.raises(InputError) as caught:
        side_by_side({"mu": -1, "L": "one", "lipschitz": 2})
    assert len(caught.value.faults) == 3


def test_without_a_start_nothing_is_called_a_bound() -> None:
    words = ("gd-rsi-eb", "--mu", "0.2", "--L", "1", "--steps", "3", "--step-size", "0.1")
    body = json.loads(run(*words, "--json"))
    assert (body["bound"], body["best_bound"], body["relative"]) == (None, None, True)
    assert body["factor"] == pytest.approx(0.912673)
    assert "--dist2" in body["reason"]
    assert "times the first value" in run(*words)
    found = rate("gd-pl", mu="0.2", L=1, epsilon="1e-6")
    assert "times the first value" in found.reason
    assert "need --dist2" in rate("sgd-strongly-convex", epsilon="1e-6", **NOISY).reason


def test_never_means_never() -> None:
    found = rate("sgd-alpha-beta-sharp", step_size="0.1", epsilon="0.01", **CONVEX)
    assert "never: the floor is 0.025" in found.reason  # 0.1 · 0.2/0.8
    found = rate("sgd-alpha-beta-sharp", epsilon="0.01", **CONVEX)
    assert "never: the floor is 0.0111111" in found.reason  # 0.1 · 0.1/0.9, as γ → 0
    found = rate("gd-convex", L=1, dist2=1, epsilon="1e-30")
    assert "never" not in found.reason
    assert "more than" in found.reason
    assert "floor is 0" in found.reason
    noisy = {"A": 1, "B": 0, "C": 1, "gap0": 1, "k0": 100, "mu": "0.5", "L": 2}
    assert "floor is 0" in rate("sgd-pl-decreasing", epsilon="1e-20", **noisy).reason
    tiny = rate("sgd-strongly-convex", dist2=3, epsilon="1e-30", **NOISY)
    assert tiny.iterations > 10**30
    stuck = rate("sgd-strongly-convex", dist2=3, epsilon="0.5", step_size="0.5", **NOISY)
    assert "never: the floor is 4" in stuck.reason


def test_tiny_rates_are_counted() -> None:
    found = rate("gd-pl", mu="1e-30", L=1, epsilon="1e-3", step_size=1, gap0=1)
    assert 10**30 < found.iterations < 10**31


@pytest.mark.parametrize("id", [i for i in theorem_ids() if load_theorem(i).bound is not None])
def test_floors_are_limits(id: str) -> None:
    theorem = load_theorem(id)
    env = {name: Fraction(1, 7) for name in theorem.constants} | {"alpha": Fraction(2)}
    env |= {"k0": Fraction(9), "c": Fraction(3), "gamma": Fraction(1, 50)}
    env |= {"gamma_b": Fraction(1, 3), "B": Fraction(0)}
    floor = floor_of(theorem, theorem.bound, env)
    if "steps" in str(theorem.raw["bound"]):
        from boundcalc.library.rate import at

        late = at(theorem, theorem.bound, {**env, "steps": Fraction(10**12)})
        assert float(late[1]) == pytest.approx(float(floor[1]), abs=1e-6)


def test_a_floor_that_is_no_ratio_is_not_given() -> None:
    theorem = load_theorem("gd-convex")
    assert floor_of(theorem, parse("sqrt(steps)"), {}) is None
    assert floor_of(theorem, parse("steps*gamma"), {}) is None
    assert floor_of(theorem, parse("1/steps + 1/gamma"), {}) is None
    assert (
        floor_of(theorem, parse("(steps + 1)^2/(2*steps^2) - gamma"), {}) == (Fraction(1, 2),) * 2
    )


def test_json_is_rounded_outward() -> None:
    for mu in range(1, 30):
        found = rate("gd-pl", 5, step_size=Fraction(mu, 37), mu=Fraction(mu, 31), L=1, gap0=1)
        body = rate_json(found)
        for key, pair in (("bound", found.bound), ("rate", found.rate), ("upper", found.rate)):
            assert Fraction(body[key]) >= pair[1]
            assert Fraction(repr(body[key])) >= pair[1]
        assert Fraction(body["lower"]) <= found.lower.pair[0]
        found = rate("gd-convex", 7, L=mu, dist2=1)
        body = rate_json(found)
        assert Fraction(body["step_size_limit"]) <= Fraction(1, mu)
        assert body["best_step_size"] <= body["step_size_limit"]
        weaker = rate_json(rate("smooth-eb-upper", L=Fraction(mu, 31)))["constants"]["L"]
        assert Fraction(weaker) >= Fraction(mu, 31)
    third = Fraction(1, 3)  # of an eigenvalue, from below
    found = rate("uniform-conditioning-ball", lambda_0=1, L_F=1, H=1, R=third)
    assert Fraction(rate_json(found)["bound"]) <= third
    huge = rate_json(rate("gd-convex", 1, L="1e300", dist2="1e300"))
    assert json.loads(json.dumps(huge, allow_nan=False))["bound"] == "inf"
    pair = third, third
    assert (rounded(pair, -1, 4), rounded(pair, 1, 4)) == ("0.3333", "0.3334")
    assert lower((Fraction(10) ** 400,) * 2) < float("inf") == upper((Fraction(10) ** 400,) * 2)


def test_rate_is_the_best_proved_one() -> None:
    body = rate_json(rate("gd-pl", step_size=1, mu="0.2", L=1))
    assert body["rate"] == body["upper"] < body["own_rate"]
    assert body["rate_theorem"] == "gd-pl-medium"


def test_the_reason_says_that_the_step_is_not_admitted() -> None:
    found = rate("gd-pl", 3, step_size=3, mu="0.2", L=1, gap0=1, epsilon="0.1")
    assert not found.admissible
    assert "outside the limit 2" in found.reason
    assert found.bound is None
    assert found.iterations is None
    assert "outside the limit" in run("gd-pl", "--mu", "0.2", "--L", "1", "--step-size", "3")
    given = {"alpha": 1, "beta": "0.1", "L": 1, "sigma2": 0, "dist2": 1}
    assert "give --step-size" in rate("sgd-alpha-beta-sharp", **given).reason
    assert "not positive" in rate("sgd-alpha-beta-sharp", 5, **{**given, "beta": 2}).reason


def test_faults_come_together() -> None:
    with pytest.raises(InputError) as caught:
        rate("gd-pl", 0, step_size=-1, epsilon="x", mu=-1, gap0=-1, stepsize=2)
    text = str(caught.value)
    for word in ("--mu", "--L", "--gap0", "--stepsize", "--step-size", "--epsilon", "--steps"):
        assert word in text
    assert len(caught.value.faults) == 7
    with pytest.raises(InputError) as caught:
        run("gd-pl", "--mu", "--L", "1", "--L", "2", "stray")
    assert len(caught.value.faults) == 3
    with pytest.raises(InputError, match="division by zero"):
        rate("sgd-alpha-beta", 4, alpha=1, beta=1, L=1, sigma2=0, dist2=1)


def test_a_fit_feeds_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = {"mu": Fraction(0), "L": Fraction(2), "dist2": Fraction(3), "theta": Fraction(-1)}
    monkeypatch.setattr("boundcalc.cli.rate._fitted", lambda _: (fitted, 10))
    assert "gd-nonconvex" in run("--list", "--gap0", "1", "--fit", "log.npz")
    with pytest.raises(InputError, match="self-bounding constant"):
        run("gd-convex", "--fit", "log.npz")  # which is no smoothness constant
    assert "not used" not in run("gd-convex", "--fit", "log.npz", "--L", "2")
    words = ("sgd-strongly-convex", "--fit", "log.npz", "--mu", "1", "--sigma2", "0")
    assert json.loads(run(*words, "--json"))["bound"] is not None  # dist2 is its start
    with pytest.raises(InputError, match=r"--gamma.*--step-size"):
        run("gd-pl", "--gamma", "1", "--mu", "1", "--L", "1")


def test_an_unknown_theorem_is_answered_with_suggestions() -> None:
    with pytest.raises(InputError, match=r"close to it: pl-eb.*boundcalc theorems lists all"):
        rate("pl-ebb")
    with pytest.raises(InputError, match=r"of the catalogue; fix: boundcalc theorems lists all"):
        rate("zzz")
