"""`boundcalc check` from the outside: what it asks of the search, and how it tells the answer.

The search is replaced: here is tested that its word comes through unchanged.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

import boundcalc
from boundcalc.cli.app import app
from boundcalc.errors import InputError
from boundcalc.questions import MOST_SECONDS
from boundcalc.report import check_progress

CASE = """
name = "two"
variables = ["x"]
components = ["x^2 + 3*sin(x)^2"]
[[claims]]
condition = "pl"
constants = { mu = "1/32" }
expect = "proved"
[[claims]]
condition = "qg"
mu = "3"
expect = "proved"
published = "2"
"""
PROOF = {"schema": "boundcalc.certificate/1", "proof": ["0"]}


@dataclass(frozen=True)
class Decision:
    """The fields of boundcalc.search.decide.Decision, as commands read them."""

    verdict: str
    method: str = ""
    reason: str = ""
    witness: dict | None = None
    certificate: dict | None = None
    enclosure: tuple | None = None
    seconds: float = 0.25
    attempts: tuple = ()


PROVED = Decision("proved", "sturm", certificate=PROOF)
REFUTED = Decision("refuted", "witness", "grad f(x) = 0 and f(x) > f*", {"x": "1/2"}, PROOF)
UNDECIDED = Decision(
    "undecided",
    reason="time is up",
    enclosure=(Fraction(1, 3), Fraction(2, 3)),
    attempts=(("sturm", "two variables"), ("paving", "time is up after 5 boxes")),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """Answers by condition; and all that was asked, in order."""
    answers: dict[str, Decision] = {}
    asked: list[tuple] = []

    def decide(problem, condition, constants, seconds, progress=None):
        asked.append((problem, condition, dict(constants), seconds))
        if progress is not None:
            progress("paving", 3, 5)
        return answers.get(condition, PROVED)

    module = ModuleType("boundcalc.search.decide")
    module.decide = decide  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return answers, asked


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(CASE)
    return path


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["check", *map(str, words)])
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def test_a_formula_and_its_constants_reach_the_search(asked) -> None:
    run("x^2", "-y^2 + x", "--condition=alpha-beta", "--beta", "1/10", "--alpha=1",
        "--domain", "-1:1", "--ball", "0,0;1/2", "--minimiser", "0,0",
        "--minimiser", "x=1,y=sqrt(2)", "--time-limit", "3.5")  # fmt: skip
    ((problem, condition, constants, seconds),) = asked[1]
    assert (condition, constants, seconds) == ("alpha-beta", {"beta": "1/10", "alpha": "1"}, 3.5)
    assert problem.components == ("x^2", "-y^2 + x")
    assert problem.domain == ((-1, 1), (-1, 1))
    assert problem.ball.radius == Fraction(1, 2)
    assert problem.minimisers == (("0", "0"), ("1", "sqrt(2)"))


def test_a_formula_may_begin_with_a_minus(asked) -> None:
    run("-x^2", "--x^2", "--condition", "smooth", "--L", "2")
    assert asked[1][0][0].components == ("-x^2", "--x^2")


def test_a_residual_map(asked) -> None:
    run("1 - x", "10*(y-x^2)", "--residual", "--condition", "uniform-conditioning", "--mu", "1/9")
    assert asked[1][0][0].residual == ("1 - x", "10*(y-x^2)")
    assert asked[1][0][3] == 20


def test_json_has_the_keys_of_the_contract(asked) -> None:
    body = json.loads(run("x^2", "--condition", "pl", "--mu", "1/4", "--json"))
    assert body["schema"] == "boundcalc.check/1"
    assert body["domain"] == {"x": ["-oo", "oo"]}
    (claim,) = body["claims"]
    want = {"condition": "pl", "constants": {"mu": "1/4"}, "verdict": "proved", "method": "sturm"}
    assert want | {"witness": None, "certificate": None, "seconds": 0.25} == {
        key: claim[key] for key in (*want, "witness", "certificate", "seconds")
    }


def test_the_first_line_is_the_answer(asked) -> None:
    first = run("x^2", "--condition", "pl", "--mu", "1/4", "--domain", "x=-1:").splitlines()[0]
    assert first == (
        "proved: pl with mu = 1/4 (‖∇f(x)‖²/2 ≥ μ·(f(x) − f*)) for x in [-1, oo), by sturm"
    )


def test_a_refutation_shows_where_and_why(asked) -> None:
    asked[0]["alpha-beta"] = REFUTED
    words = ("x^2", "--condition", "alpha-beta", "--alpha", "1", "--beta", "0")
    lines = run(*words, code=1).splitlines()
    assert lines[0].startswith("refuted: alpha-beta with alpha = 1, beta = 0 (⟨∇f_i(x), x − x_p⟩ ≥")
    assert "f_i*" in lines[0]
    assert "everywhere" in lines[0]
    assert "  fails at     x = 1/2" in lines
    assert "  why          grad f(x) = 0 and f(x) > f*" in lines
    claim = json.loads(run(*words, "--json", code=1))["claims"][0]
    assert (claim["verdict"], claim["witness"]) == ("refuted", {"x": "1/2"})


def test_what_was_tried_is_told_where_nothing_is_decided(asked) -> None:
    asked[0]["pl"] = UNDECIDED
    output = run("x^2", "--condition", "pl", "--mu", "1/4", "--ball", "0;1", code=3)
    assert output.startswith("undecided: pl with mu = 1/4")
    assert "in the ball of radius 1 around (0)" in output
    assert "tried        paving: time is up after 5 boxes" in output
    assert "enclosure    [0.333333333333, 0.666666666667]" in output
    claim = json.loads(run("x^2", "--condition", "pl", "--mu", "1", "--json", code=3))["claims"][0]
    assert claim["enclosure"] == ["0.333333333333", "0.666666666667"]
    assert claim["attempts"][0] == {"method": "sturm", "stopped": "two variables"}


def test_all_claims_of_a_case_are_checked(asked, case: Path) -> None:
    asked[0]["qg"] = REFUTED
    lines = run(case, "--domain", "x=0:1", code=1).splitlines()
    assert lines[0] == "2 claims: 1 proved, 1 refuted, 0 undecided"
    assert "  note         the file expects: proved" in lines
    assert sum("note" in line for line in lines) == 1
    assert [one[1:3] for one in asked[1]] == [("pl", {"mu": "1/32"}), ("qg", {"mu": "3"})]
    assert asked[1][0][0].domain == ((0, 1),)
    claims = json.loads(run(case, "--json", code=1))["claims"]
    assert [one["expect"] for one in claims] == ["proved", "proved"]
    assert claims[1]["published"] == "2"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(PROVED, PROVED, 0), (UNDECIDED, PROVED, 3), (UNDECIDED, REFUTED, 1), (REFUTED, PROVED, 1)],
)
def test_exit_codes_of_several_claims(asked, case: Path, first, second, code: int) -> None:
    asked[0].update({"pl": first, "qg": second})
    run(case, code=code)


def test_one_claim_of_a_case(asked, case: Path) -> None:
    run(case, "--condition", "qg")
    run(case, "--condition", "pl", "--mu", "1/8")
    assert [one[1:3] for one in asked[1]] == [("qg", {"mu": "3"}), ("pl", {"mu": "1/8"})]


def test_a_certificate_is_written_whole_where_it_was_asked_for(asked, tmp_path: Path) -> None:
    place = tmp_path / "proof.json"
    words = ("x^2", "--condition", "pl", "--mu", "1/4", "--certificate", place)
    assert f"certificate  {place}" in run(*words)
    assert json.loads(place.read_text()) == PROOF
    place.unlink()
    asked[0]["pl"] = UNDECIDED
    assert json.loads(run(*words, "--json", code=3))["claims"][0]["certificate"] is None
    assert list(tmp_path.iterdir()) == []


def test_certificates_of_several_claims_are_numbered(asked, case: Path, tmp_path: Path) -> None:
    asked[0]["pl"] = UNDECIDED
    body = json.loads(run(case, "--certificate", tmp_path / "c.json", "--json", code=3))
    assert [one["certificate"] for one in body["claims"]] == [None, str(tmp_path / "c-2.json")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c-2.json", "two.toml"]


def test_a_certificate_never_replaces_a_case(asked, case: Path) -> None:
    with pytest.raises(InputError, match=r"\.json"):
        run(case, "--certificate", case)
    with pytest.raises(InputError, match="no folder"):
        run("x^2", "--condition", "pl", "--mu", "1", "--certificate", "/nowhere/c.json")
    assert asked[1] == []
    assert case.read_text() == CASE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no problem"),
        (["x^2"], "the condition to check"),
        (["x^2", "--mu", "1"], "constants without a condition"),
        (["x^2", "--condition", "pl"], "no mu"),
        (["x^2", "--condition", "pl", "--mu"], "--mu"),
        (["x^2", "--condition", "pl", "--jsn", "--mu", "1"], "--jsn"),
        (["x^2", "--condition", "pl", "--mu", "1", "--mu=2"], "--mu twice"),
        (["x^2", "--condition", "pl", "--mu", "-1"], "--mu: found '-1'"),
        (["x^2", "--condition", "pl", "--mu", "1", "--L", "1"], "the constant 'L'"),
        (["x^2", "--condition", "pll", "--mu", "1"], "close to it: pl"),
        (["x^2", "--condition", "pl", "--mu", "1", "--domain", "y=0:1"], "the name 'y'"),
        (["x^2", "--condition", "pl", "--mu", "1", "--time-limit", "0"], "time limit"),
        (["x^2", "--condition", "pl", "--mu", "1", "--time-limit", "nan"], "time limit"),
        (["x^2", "--condition", "uniform-conditioning", "--mu", "1"], "no residual map"),
        (["none.toml"], "no such file"),
        (["none.toml", "x^2"], "one case file, or formulas"),
    ],
)
def test_bad_input_is_told_before_anything_is_searched(asked, words: list, said: str) -> None:
    with pytest.raises(InputError) as caught:
        run(*words)
    assert len(caught.value.faults) == 1
    assert said in str(caught.value)
    assert asked[1] == []


def outside(code: str, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", f"{code}\nfrom boundcalc.cli import main; main()", "check", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_bad_input_is_one_message_and_exit_code_2() -> None:
    done = outside("", "x.__class__", "--condition", "pl", "--mu", "1", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: formula: found character 2: unexpected '.'; expected")
    assert lines[1:] == ["    x.__class__", "     ^"]


def test_an_interruption_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    fake = (
        "import os, signal, sys, time, types\n"
        "module = sys.modules['boundcalc.search.decide'] = types.ModuleType('decide')\n"
        "def decide(*_): os.kill(os.getpid(), signal.SIGINT); time.sleep(30)\n"
        "module.decide = decide\n"
    )
    place = str(tmp_path / "c.json")
    done = outside(fake, "x^2", "--condition", "pl", "--mu", "1", "--certificate", place)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_progress_is_for_terminals_and_for_long_work(asked, monkeypatch, capsys) -> None:
    with check_progress.stage_progress() as report:
        report("paving", 3, 5)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the stream for a terminal
    with check_progress.stage_progress() as report:
        report("paving", 3, 5)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(check_progress, "_PATIENCE", 0)
    with check_progress.stage_progress() as report:
        report("anchor")
        report("paving [x]", 1234, 5000)
    out, err = capsys.readouterr()
    assert out == ""
    assert "paving [x] 1,234 of 5,000" in err


def test_check_in_python(asked, case: Path) -> None:
    asked[0]["qg"] = REFUTED
    first, second = boundcalc.check(case, domain="x=0:1")
    assert (first.claim.condition, first.decision, second.decision) == ("pl", PROVED, REFUTED)
    boundcalc.check(["x^2", "y^2"], "alpha-beta", alpha=1, beta=0.1, minimisers="0,0")
    boundcalc.check(asked[1][0][0], "smooth", L=Fraction(5, 2), domain="1:2", time_limit=7)
    assert asked[1][2][1:] == ("alpha-beta", {"alpha": "1", "beta": "0.1"}, 20)
    assert asked[1][2][0].minimisers == (("0", "0"),)
    assert asked[1][3][1:] == ("smooth", {"L": "5/2"}, 7)
    assert asked[1][3][0].domain == ((1, 2),)
    for wrong in ({"mu": float("nan")}, {"mu": None}, {"mu": 1, "time_limit": 2 * MOST_SECONDS}):
        with pytest.raises(InputError):
            boundcalc.check("x^2", "pl", **wrong)
    with pytest.raises(InputError):
        boundcalc.check(3, "pl", mu=1)  # type: ignore[arg-type]
