"""The commands' exit codes and JSON, as the contract has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from boundcalc.cli.conditions import conditions
from boundcalc.cli.prove import prove
from boundcalc.cli.rate import CONTEXT, rate
from boundcalc.cli.theorems import theorems
from boundcalc.cli.verify import verify
from boundcalc.errors import InputError

app = typer.Typer()
app.command()(conditions)
app.command()(theorems)
app.command()(prove)
app.command()(verify)
app.command(context_settings=CONTEXT)(rate)

SHARP = ["rate", "sgd-alpha-beta-sharp", "--alpha", "1", "--beta", "0.1", "--L", "5/2"]
SHARP += ["--sigma2", "0.01", "--dist2", "3", "--steps", "1000"]


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, words)
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def test_rate_has_the_keys_of_the_contract() -> None:
    body = json.loads(run(*SHARP, "--json", "--epsilon", "0.02"))
    assert body["schema"] == "boundcalc.rate/1"
    keys = {"theorem", "step_size_limit", "step_size", "bound", "best_step_size", "best_bound"}
    assert keys | {"iterations"} <= set(body)
    assert body["iterations"] == 1558
    body = json.loads(run("rate", "gd-pl", "--mu=0.2", "--L=1", "--step-size", "1", "--json"))
    assert {"rate", "lower", "upper"} <= set(body)
    assert body["upper"] == pytest.approx(8 / 11)
    assert body["upper_theorem"] == "gd-pl-medium"


def test_rate_speaks() -> None:
    assert "bound" in run(*SHARP)
    assert "never" in run(*SHARP, "--epsilon", "1e-9")
    assert "gd-pl-medium" in run("rate", "gd-pl", "--mu", "0.2", "--L", "1", "--epsilon", "1e-6")
    assert "promises nothing" in run(*SHARP, "--step-size", "7")
    assert "0.125" in run("rate", "rsi-pl", "--mu", "1/2", "--L", "2")
    assert "by rsi-pl" in run(
        "rate", "--list", "--conditions", "rsi(f), smooth(f)", "--L", "2", "--mu", "0.5"
    )
    listed = json.loads(run("rate", "--list", "--mu", "0.5", "--L", "2", "--json"))
    assert listed["schema"] == "boundcalc.rates/1"
    assert "no theorem" in run("rate", "--list", "--sigma2", "1")


@pytest.mark.parametrize(
    "words",
    [
        ["rate"],
        ["rate", "sgd-alpha-bet"],
        ["rate", "gd-pl", "--mu"],
        ["rate", "gd-pl", "mu", "1"],
        ["rate", "--method", "newton"],
        ["prove"],
        ["prove", "no-such"],
        ["conditions", "no-such"],
        ["theorems", "no-such"],
        ["verify", "no-such.json"],
    ],
)
def test_bad_usage_is_one_kind_of_exception(words: list[str]) -> None:
    with pytest.raises(InputError):
        run(*words)


def test_worst_cases_are_proved_on_the_fly(tmp_path: Path) -> None:
    path = tmp_path / "worst.json"
    words = ["rate", "--method", "gd", "--conditions", "pl, smooth", "--mu", "0.2", "--L", "1"]
    words += ["--n", "2", "--step-size", "1"]
    body = json.loads(run(*words, "--json", "--certificate", str(path)))
    assert body["verdict"] == "proved"
    assert "proved" in run(*words)
    assert "proved" in run("verify", str(path))
    path.write_text(path.read_text().replace('"premises"', '"promises"'))
    assert "rejected" in run("verify", str(path), code=1)
    assert json.loads(run("verify", str(path), "--json", code=1))["certificates"]


def test_prove_counts_and_names_axioms(tmp_path: Path) -> None:
    output = run("prove", "--all")
    assert "0 rejected" in output
    assert "smooth-quadratic-bounds" in output
    body = json.loads(run("prove", "gd-pl", "--json", "--certificates", str(tmp_path)))
    assert body["theorems"][0]["verdict"] == "proved"
    assert "proved" in run("verify", str(tmp_path / "gd-pl.json"))


def test_the_catalogue_is_listed_and_stated() -> None:
    assert "alpha-beta" in run("conditions")
    assert "⟨∇f(x), x − x_p⟩ ≥ α" in run("conditions", "alpha-beta")
    assert r"\langle" in run("conditions", "alpha-beta", "--latex")
    assert json.loads(run("conditions", "--json"))["conditions"]
    assert "sgd-alpha-beta-sharp" in run("theorems")
    assert "step size below" in run("theorems", "sgd-alpha-beta-sharp")
    assert json.loads(run("theorems", "--json"))["theorems"]


def test_worst_cases_with_minimisers_and_of_sgd(tmp_path: Path) -> None:
    words = ["rate", "--method", "gd", "--conditions", "rsi, eb-upper", "--mu", "0.1", "--L", "1"]
    words += ["--step-size", "0.1", "--n", "4", "--measure", "dist"]
    body = json.loads(run(*words, "--json"))
    assert body["factor"] == pytest.approx(0.99**4, abs=1e-6)
    assert (body["measure"], body["from"], body["n"]) == ("dist", "dist", 4)
    path = tmp_path / "sgd.json"
    words = ["rate", "--method", "sgd", "--conditions", "alpha-beta(f_i), self-bounding(f_i)"]
    values = ["--alpha=1", "--beta=0.1", "--L=1", "--step-size=0.1", "--steps=100"]
    values += ["--dist2=1", "--sigma2=0.01"]
    words += [*values, "--measure", "gap"]
    body = json.loads(run(*words, "--json", "--certificate", str(path)))
    sharp = json.loads(run("rate", "sgd-alpha-beta-sharp", *values, "--json"))
    assert body["bound"] == pytest.approx(sharp["bound"], rel=1e-5)
    assert body["rule"] == "telescoping"
    assert "proved" in run("verify", str(path))
    assert "K" in run(*words)
    weak = ["rate", "--method", "gd", "--conditions", "rsi", "--mu", "1", "--step-size", "1"]
    assert json.loads(run(*weak, "--json", code=3))["verdict"] == "undecided"
    for more in (["--measure", "speed"], ["--from", "drop"], ["--n", "x"], ["--step-size", "0"]):
        with pytest.raises(InputError):
            run(*weak[:-2] if "--step-size" in more else weak, *more)
