"""`boundcalc tighten` from the outside; the search is replaced, as in test_check_cli.py."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import boundcalc
from boundcalc.cli.app import app
from boundcalc.errors import InputError
from boundcalc.report.tighten_digits import outward

PROOF = {"schema": "boundcalc.certificate/1", "proof": ["0"]}
FORMULA = "x^2 + 3*sin(x)^2"


@dataclass(frozen=True)
class Tightest:
    """The fields of boundcalc.search.tighten.Tightest, as commands read them."""

    constant: str
    verdict: str
    lower: Fraction | None = None
    upper: Fraction | None = None
    attained_at: dict | None = None
    certificate: dict | None = None
    reason: str = ""
    seconds: float = 0.5
    attempts: tuple = ()
    fixed: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """The fields of boundcalc.search.band.Band."""

    lower: tuple
    upper: tuple
    width: Fraction
    widest_at: Fraction
    certificate: dict
    stopped: str


@dataclass(frozen=True)
class Frontier:
    """The fields of boundcalc.search.tighten.Frontier."""

    points: tuple
    band: Band | str


NEAR = Fraction("0.175530985879731734")
MU = Tightest("mu", "enclosed", NEAR, NEAR + Fraction(1, 10**14), {"x": "2.2017091764"}, PROOF)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch):
    """Answers by condition; and all that was asked, in order."""
    answers: dict = {"pl": MU}
    asked: list[tuple] = []

    def tighten(problem, condition, fixed, digits, seconds, progress=None):
        asked.append((problem, condition, dict(fixed), digits, seconds))
        return answers[condition]

    def frontier(problem, digits, seconds, wanted, progress=None):
        asked.append((problem, "frontier", digits, seconds, wanted))
        return Frontier(answers["frontier"], answers.get("band", "nothing is proved"))

    module = ModuleType("boundcalc.search.tighten")
    module.tighten, module.frontier = tighten, frontier  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return answers, asked


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["tighten", *map(str, words)])
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def test_the_first_line_is_the_answer(asked) -> None:
    lines = run(FORMULA, "--condition", "pl").splitlines()
    assert lines[0] == (
        "mu in [0.17553098587, 0.17553098588] (pl: ‖∇f(x)‖²/2 ≥ μ·(f(x) − f*) "
        "everywhere), proved below, refuted above"
    )
    assert lines[1] == "  attained at  x = 2.2017091764"
    assert asked[1][0][1:] == ("pl", {}, 9, 60)


def test_json_has_the_keys_of_the_contract(asked, tmp_path: Path) -> None:
    place = tmp_path / "mu.json"
    body = json.loads(run(FORMULA, "--condition", "pl", "--json", "--certificate", place))
    want = {
        "schema": "boundcalc.tighten/1",
        "condition": "pl",
        "constant": "mu",
        "lower": "0.17553098587",
        "upper": "0.17553098588",
        "attained_at": {"x": "2.2017091764"},
        "verdict": "enclosed",
        "certificate": str(place),
    }
    assert want == {key: body[key] for key in want}
    assert json.loads(place.read_text()) == PROOF


def test_digits_and_constants_reach_the_search(asked) -> None:
    asked[0]["alpha-beta"] = Tightest("beta", "enclosed", Fraction(1, 2), Fraction(1, 2))
    words = ("(x-1)^2/2", "(x+1)^2/2", "--condition", "alpha-beta", "--alpha", "2")
    lines = run(*words, "--digits", "15", "--time-limit", "5", "--domain", "0:1").splitlines()
    problem, *rest = asked[1][0]
    assert rest == ["alpha-beta", {"alpha": "2"}, 15, 5]
    assert problem.domain == ((0, 1),)
    assert lines[0].startswith("beta in [0.5, 0.5] (alpha-beta with alpha = 2: ⟨∇f_i(x), x − x_p⟩")
    assert lines[0].endswith(" for x in [0, 1]), refuted below, proved above")
    assert "  exactly      1/2" in lines


def test_no_constant_works(asked) -> None:
    asked[0]["pl"] = Tightest("mu", "refuted", reason="grad f = 0 at a saddle")
    lines = run(FORMULA, "--condition", "pl", code=1).splitlines()
    assert lines[0].startswith("refuted: no mu > 0 works (pl: ")
    assert "  why          grad f = 0 at a saddle" in lines
    body = json.loads(run(FORMULA, "--condition", "pl", "--json", code=1))
    assert (body["verdict"], body["lower"], body["upper"]) == ("refuted", None, None)
    asked[0]["smooth"] = Tightest("L", "refuted")
    assert run(FORMULA, "--condition", "smooth", code=1).startswith("refuted: no L works")


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (Fraction(1, 3), Fraction(2, 3), "undecided: mu in [0.33333333333, 0.66666666667]"),
        (Fraction(1, 3), None, "undecided: mu >= 0.33333333333"),
        (None, Fraction(2, 3), "undecided: mu <= 0.66666666667"),
        (None, None, "undecided: nothing is known of mu"),
    ],
)
def test_undecided_says_what_is_known(asked, lower, upper, said: str) -> None:
    tried = (("paving", "time is up"),)
    asked[0]["pl"] = Tightest("mu", "undecided", lower, upper, attempts=tried)
    output = run(FORMULA, "--condition", "pl", code=3)
    assert output.startswith(said)
    assert "proved below" not in output
    assert "tried        paving: time is up" in output


def test_the_frontier(asked, tmp_path: Path) -> None:
    points = [
        Tightest("beta", "enclosed", Fraction(0), Fraction(0), {"x": "0"}, PROOF,
                 fixed={"alpha": "1"}),
        Tightest("beta", "undecided", Fraction(1, 3), None, fixed={"alpha": "2"}),
    ]  # fmt: skip
    asked[0]["frontier"] = tuple(points)
    words = ("(x-1)^2/2", "(x+1)^2/2", "--condition", "alpha-beta")
    lines = run(*words, code=3).splitlines()
    assert lines[0].startswith("smallest beta at 2 values of alpha, 1 of them enclosed")
    assert "  alpha = 1: beta in [0, 0]" in lines
    assert "  alpha = 2: undecided: beta >= 0.33333333333" in lines
    body = json.loads(run(*words, "--json", "--certificate", tmp_path / "b.json", code=3))
    assert (body["constant"], body["verdict"], body["lower"]) == ("beta", "undecided", None)
    assert [one["fixed"] for one in body["frontier"]] == [{"alpha": "1"}, {"alpha": "2"}]
    assert body["frontier"][0]["certificate"] == str(tmp_path / "b-1.json")
    assert asked[1][0][1:] == ("frontier", 9, 60, Fraction(1, 100))
    assert "no band around beta*(alpha): nothing is proved" in lines
    assert body["band"] == {"reason": "nothing is proved"}
    asked[0]["frontier"] = tuple(points[:1])
    assert json.loads(run(*words, "--json"))["verdict"] == "enclosed"
    asked[0]["frontier"] = ()
    assert json.loads(run(*words, "--json", code=3))["verdict"] == "undecided"


def test_an_alpha_at_which_nothing_works_refutes_no_frontier(asked) -> None:
    below = Tightest("beta", "refuted", fixed={"alpha": "1/4"})
    above = Tightest("beta", "enclosed", Fraction(0), Fraction(0), fixed={"alpha": "1"})
    words = ("(x-1)^2/2", "(x+1)^2/2", "--condition", "alpha-beta")
    asked[0]["frontier"] = (below, above)
    assert ", 1 of them enclosed, 1 refuted (" in run(*words).splitlines()[0]
    assert json.loads(run(*words, "--json"))["verdict"] == "enclosed"
    asked[0]["frontier"] = (below, Tightest("beta", "undecided", fixed={"alpha": "1"}))
    assert json.loads(run(*words, "--json", code=3))["verdict"] == "undecided"
    asked[0]["frontier"] = (below,)
    assert json.loads(run(*words, "--json", code=1))["verdict"] == "refuted"


HALVES = [Fraction(k, 2) for k in range(1, 21)]
BAND = Band(
    tuple((x, x / 3 - Fraction(1, 6)) for x in (Fraction(1, 2), Fraction(10))),
    tuple((x, x**2 / 30) for x in HALVES),
    Fraction(2, 9),
    Fraction(10),
    PROOF,
    "the time was used up",
)
PAIR = ("(x-1)^2/2", "(x+1)^2/2", "--condition", "alpha-beta")


def test_the_band_of_a_frontier(asked, tmp_path: Path) -> None:
    asked[0]["frontier"] = (Tightest("beta", "enclosed", fixed={"alpha": "1"}),)
    asked[0]["band"] = BAND
    place, figure = tmp_path / "b.json", tmp_path / "b.svg"
    lines = run(*PAIR, "--certificate", place, "--width", "0.5", "--plot", figure).splitlines()
    assert asked[1][0][-1] == Fraction(1, 2)
    said = "beta*(alpha) for all alpha in [1/2, 10] in a band of width 0.223 (near alpha = 10)"
    k = lines.index(f"{said}: the time was used up")
    assert lines[k + 1] == "  vertices     20 above, 2 below (--json lists them)"
    assert len(lines) == k + 1 + 1 + 8 + 2  # eight of the twenty
    assert lines[k + 2] == "  alpha = 0.5: beta in [0, 0.008333334]"
    assert lines[k + 9] == "  alpha = 10: beta in [3.166666, 3.333334]"
    assert lines[k + 10] == f"  certificate  {tmp_path / 'b-band.json'}"
    assert lines[k + 11] == f"figure: {figure}"
    assert json.loads((tmp_path / "b-band.json").read_text()) == PROOF
    drawn = figure.read_text()
    assert "<svg" in drawn
    run(*PAIR, "--plot", figure)
    assert figure.read_text() == drawn
    band = json.loads(run(*PAIR, "--json"))["band"]
    assert band["lower"] == [["1/2", "0"], ["10", "19/6"]]
    assert [tuple(map(Fraction, v)) for v in band["upper"]] == list(BAND.upper)
    assert (band["width"], band["widest_at"]) == ("0.2222223", "10")
    assert (band["stopped"], band["certificate"]) == ("the time was used up", None)


def test_a_figure_needs_a_band(asked, tmp_path: Path) -> None:
    asked[0]["frontier"] = ()
    lines = run(*PAIR, "--plot", tmp_path / "b.svg", code=3).splitlines()
    assert lines[-1] == "no figure: there is no band to draw"
    assert not (tmp_path / "b.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([FORMULA, "--condition", "pl", "--width", "1"], "--width"),
        ([*PAIR, "--alpha", "2", "--plot", "b.svg"], "--plot"),
        ([*PAIR, "--plot", "b.txt"], "b.txt"),
        ([*PAIR, "--width", "0"], "positive"),
        ([*PAIR, "--width", "-1"], "positive"),
        ([FORMULA, "--condition", "convex"], "no constant"),
        ([FORMULA, "--condition", "pl", "--mu", "1"], "what is looked for"),
        ([FORMULA, "--condition", "pl-star-eps"], "no epsilon"),
        ([FORMULA, "--condition", "pl", "--digits", "0"], "digits"),
        ([FORMULA, "--condition", "pl", "--digits", "1000"], "digits"),
        ([FORMULA, "--condition", "pl", "--time-limit", "-1"], "time limit"),
        (["--condition", "pl"], "no problem"),
    ],
)
def test_bad_input_is_told_before_anything_is_searched(asked, words: list, said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(*words)
    assert asked[1] == []


def test_tighten_in_python(asked) -> None:
    assert boundcalc.tighten(FORMULA, "pl", digits=12, domain="-3:3") == (MU,)
    assert asked[1][0][1:] == ("pl", {}, 12, 60)
    assert asked[1][0][0].domain == ((-3, 3),)


def test_a_frontier_in_python(asked) -> None:
    asked[0]["frontier"], asked[0]["band"] = (MU,), BAND
    found = boundcalc.frontier(PAIR[:2], width=0.25, digits=5, time_limit=7)
    assert found == Frontier((MU,), BAND)
    assert asked[1][0][1:] == ("frontier", 5, 7, Fraction(1, 4))
    assert boundcalc.tighten(PAIR[:2], "alpha-beta") == (MU,)
    with pytest.raises(InputError, match="positive"):
        boundcalc.frontier(PAIR[:2], width=0)


@given(st.fractions(), st.integers(1, 40))
def test_decimals_are_rounded_outward(value: Fraction, digits: int) -> None:
    low, high = Fraction(outward(value, -1, digits)), Fraction(outward(value, 1, digits))
    assert low <= value <= high
    assert high - low <= abs(value) * Fraction(10) ** (1 - digits)


def test_decimals_of_any_size() -> None:
    assert outward(Fraction(1, 4), -1, 9) == outward(Fraction(1, 4), 1, 9) == "0.25"
    assert outward(Fraction(800), 1, 9) == "800"
    assert outward(Fraction(0), -1, 9) == "0"
    assert outward(Fraction(2, 3), 1, 3) == "0.667"
    assert outward(Fraction(-2, 3), 1, 3) == "-0.666"
    assert outward(Fraction(10**400 + 1), -1, 3) == "1E+400"
    assert outward(Fraction(1, 3 * 10**400), 1, 3) == "3.34E-401"
