"""Case files: what is in them, and all that can be wrong with them."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import pytest

from boundcalc.errors import InputError
from boundcalc.library.case import open_problem, read_case
from boundcalc.library.case_claims import claims_asked, sought_constant
from boundcalc.library.problem import Ball, CaseClaim
from boundcalc.library.toml_file import MOST_BYTES

WHOLE = """
name = "two wells"
source = "a book"
note = "for the reader"
variables = ["x", "y"]
components = ["x^2 + 3*sin(x)^2", "y^(3/2) - 0.1*x"]
domain = { x = ["-oo", 0.1], y = [0, "oo"] }
ball = { center = [0, "1/2"], radius = 0.3 }
[minimisers]
points = [["0", "sqrt(2)"], { y = 1, x = "-pi/2" }]
[[claims]]
condition = "pl"
constants = { mu = "1/32" }
expect = "proved"
published = "1/32"
note = "loose"
[[claims]]
condition = "alpha-beta"
alpha = "1"
beta = "5*(sqrt(5)-2)/2"
"""
LEAST = 'variables = ["x"]\ncomponents = ["x^2"]\n'


@pytest.fixture
def case(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "case.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_case(path)
    return [str(fault) for fault in caught.value.faults]


def test_a_whole_case_is_read_exactly(case) -> None:
    problem = read_case(case(WHOLE))
    assert (problem.name, problem.source) == ("two wells", "a book")
    assert problem.variables == ("x", "y")
    assert problem.components == ("x^2 + 3*sin(x)^2", "y^(3/2) - 0.1*x")
    assert problem.domain == ((None, Fraction(1, 10)), (0, None))
    assert problem.ball == Ball((Fraction(0), Fraction(1, 2)), Fraction(3, 10))
    assert problem.minimisers == (("0", "sqrt(2)"), ("-pi/2", "1"))
    assert problem.claims == (
        CaseClaim("pl", {"mu": "1/32"}, "proved", "1/32", "loose"),
        CaseClaim("alpha-beta", {"alpha": "1", "beta": "5*(sqrt(5)-2)/2"}),
    )


def test_the_least_case_is_everywhere_and_named_by_its_file(case) -> None:
    problem = read_case(case(LEAST))
    assert (problem.name, problem.domain, problem.claims) == ("case", ((None, None),), ())
    assert (problem.ball, problem.minimisers, problem.equations) == (None, (), ())


def test_a_residual_map_and_minimisers_by_equations(case) -> None:
    text = 'variables = ["u", "v"]\nresidual = ["u*v - 1"]\ndomain = [["-2", 2], ["-oo", "oo"]]\n'
    problem = read_case(case(text + '[minimisers]\nequations = ["u*v = 1", "u*v - 1"]\n'))
    assert (problem.residual, problem.components) == (("u*v - 1",), ())
    assert problem.domain == ((-2, 2), (None, None))
    assert problem.equations == ("(u*v) - (1)", "u*v - 1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('components = ["x^2"]', "case.toml: variables: found nothing"),
        ('variables = ["x"]', "components, residual: found neither"),
        (LEAST + 'residual = ["x"]', "components, residual: found both"),
        (LEAST + "nam = 1", "'nam': found an unknown key"),
        (LEAST + "name = 1", "name: found 1"),
        ('variables = ["x", "x"]\ncomponents = ["x^2"]', "'x' twice"),
        ('variables = ["x", "sin"]\ncomponents = ["x^2"]', "no function or number"),
        ('variables = ["x", "e"]\ncomponents = ["x^2"]', "no function or number"),
        ('variables = ["x", 3]\ncomponents = ["x^2"]', "names in quotes"),
        ('variables = "x"\ncomponents = ["x^2"]', "a list of 1 to"),
        ('variables = ["x"]\ncomponents = []', "0 entries"),
        ('variables = ["x"]\ncomponents = [["x"]]', "components[1]: found ['x']"),
        ('variables = ["x"]\ncomponents = ["x^2", "x.real"]', "components[2]: found character 2"),
        ('variables = ["x"]\ncomponents = ["x + z"]', "'z', which is no variable"),
        (LEAST + "domain = { x = [1, 0] }", "domain x: found 1:0"),
        (LEAST + "domain = { x = [1, nan] }", "domain x"),
        (LEAST + "domain = { y = [0, 1] }", "domain 'y': found an unknown name"),
        (LEAST + "domain = { x = [0] }", "a lower and an upper end"),
        (LEAST + 'domain = "x=0:1"', "a lower and an upper end"),
        (LEAST + "ball = { center = [0] }", "ball: found"),
        (LEAST + "ball = { center = [0, 1], radius = 1 }", "a center with 2 coordinate(s)"),
        (LEAST + "ball = { center = [0], radius = 0 }", "a positive number"),
        (LEAST + "[minimisers]\npoints = [[0, 1]]", "2 coordinate(s)"),
        (LEAST + '[minimisers]\npoints = [["x"]]', "'x' in a number"),
        (LEAST + "[minimisers]\npoints = [true]", "a list of coordinates"),
        (LEAST + "[minimisers]\npoints = [[true]]", "a number, or a formula"),
        (LEAST + '[minimisers]\npoints = [[0]]\nequations = ["x"]', "points = [[..]] or"),
        (LEAST + '[minimisers]\nequations = ["x = y"]', "'y', which is no variable"),
        (LEAST + '[[claims]]\nmu = "1"', "a table with a condition"),
        (LEAST + "claims = 3", "a list of 1 to"),
        (LEAST + '[[claims]]\ncondition = "plz"\nmu = "1"', "'plz'"),
        (LEAST + '[[claims]]\ncondition = "pl"', "claims[1]: found no mu"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "-1"', "claims[1] mu: found '-1'"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "0"', "a positive number"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "2 - sqrt(5)"', "a positive number"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "3 - pi"', "a positive number"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "x"', "'x' in a number"),
        (LEAST + '[[claims]]\ncondition = "pl"\nconstants = "1"', 'constants = { mu = "1/32" }'),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "1"\nL = "1"', "the constant 'L'"),
        (LEAST + '[[claims]]\ncondition = "pl"\nmu = "1"\nexpect = "yes"', "proved or refuted"),
        (LEAST + '[[claims]]\ncondition = "kl"\nc = "1"\ntheta = "1"', "in words only"),
        (
            LEAST + '[[claims]]\ncondition = "alpha-beta"\nalpha = "1/2"\nbeta = "0.5"',
            "claims[1]: found alpha = 1/2, beta = 0.5; expected alpha > beta",
        ),
        (
            LEAST + '[[claims]]\ncondition = "uniform-conditioning"\nmu = "1"',
            "the problem has no residual map",
        ),
    ],
)
def test_one_fault_is_one_message_with_its_place(case, text: str, said: str) -> None:
    found = faults(case(text))
    assert len(found) == 1, found
    assert said in found[0]
    assert "fix: " in found[0]


def test_all_faults_of_a_file_are_collected(case) -> None:
    text = WHOLE.replace("1/32", "-1").replace("sin(x)", "sin(q)").replace('"sqrt(2)"', '"1/0"')
    found = faults(case(text.replace('"-oo", 0.1', "1, 0").replace("0.3", "-0.3")))
    for place in ("components[1]", "points[1]", "domain x", "ball radius", "claims[1] mu"):
        assert sum(place in one for one in found) == 1, place
    assert len(found) == 5


def test_of_many_faults_the_first_are_told(case) -> None:
    wrong = ", ".join(['"x +"'] * 70)
    found = faults(case(f'variables = ["x"]\ncomponents = [{wrong}]'))
    assert len(found) == 21
    assert "50 more faults" in found[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 90_000, "nested too deeply"),
        ("a = " + "{b = " * 30_000, "nested too deeply"),
        ("a" + ".a" * 90_000 + " = 1", "too many parts"),
        ('x = "#"\na' + ' . "a"' * 30_000 + " = 1", "too many parts"),
        ("a = 0x" + "f" * 190_000, "an unknown key"),
        ("a = " + "1" * 190_000, "a TOML file"),
        ("a = 1e" + "9" * 100_000, "an unknown key"),
        (LEAST + "domain = { x = [0, 1e999999999] }", "domain x"),
        (LEAST + "domain = { x = [0, 0x" + "f" * 9_000 + "] }", "domain x"),
        (LEAST + "[minimisers]\npoints = [[1e999999999]]", "points[1]"),
        ('variables = ["x"]\ncomponents = ["' + "(" * 5_000 + '"]', "nested deeper"),
        ("a = 'b", "a TOML file"),
        ("variables = ", "a TOML file"),
        ("# " + "x" * MOST_BYTES, "more than 200,000 bytes"),
    ],
)
def test_hostile_files_are_refused_at_once(case, text: str, said: str) -> None:
    path = case(text)
    began = time.perf_counter()
    found = faults(path)
    assert time.perf_counter() - began < 1
    assert any(said in one for one in found), found
    assert all(len(one) < 700 for one in found)


def test_dots_in_text_and_comments_are_no_parts_of_keys(case) -> None:
    terms = " + ".join(["0.5*x"] * 99)
    text = f"# {'.' * 600}\n" + LEAST.replace("x^2", terms) + f'note = """{"." * 600}"""\n'
    assert read_case(case(text)).components == (terms,)


def test_what_is_not_a_file_of_text_is_refused(tmp_path: Path) -> None:
    assert "a folder" in faults(tmp_path)[0]
    assert "no such file" in faults(tmp_path / "none.toml")[0]
    assert "no such file" in faults(Path("/dev/zero"))[0]
    assert "null" in faults(Path("a\0.toml"))[0] or "no such file" in faults(Path("a\0.toml"))[0]
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    assert "not UTF-8" in faults(tmp_path / "latin.toml")[0]
    os.mkfifo(tmp_path / "pipe.toml")
    assert "no such file" in faults(tmp_path / "pipe.toml")[0]


def test_a_file_or_formulas_but_not_both(case) -> None:
    path = str(case(WHOLE))
    assert open_problem([path], domain="x=-2:0").domain == ((-2, 0), (0, None))
    assert open_problem([path], minimisers=["1,1"]).minimisers == (("1", "1"),)
    with pytest.raises(InputError, match="2 arguments"):
        open_problem([path, "x^2"])
    with pytest.raises(InputError, match="--residual beside a case file"):
        open_problem([path], residual=True)


def test_which_claims_are_asked_about(case) -> None:
    problem = read_case(case(WHOLE))
    assert claims_asked(problem, None, {}) == problem.claims
    assert claims_asked(problem, "pl", {}) == problem.claims[:1]
    assert claims_asked(problem, "pl", {"mu": "1/4"}) == (CaseClaim("pl", {"mu": "1/4"}),)
    assert claims_asked(problem, "convex", {}) == (CaseClaim("convex", {}),)
    for condition, constants, said in (
        (None, {"mu": "1"}, "without a condition"),
        ("rsi", {}, "no mu"),
        ("rsi", {"mu": "0"}, "--mu: found '0'"),
    ):
        with pytest.raises(InputError, match=said):
            claims_asked(problem, condition, constants)
    with pytest.raises(InputError, match="neither it nor claims"):
        claims_asked(read_case(case(LEAST)), None, {})


def test_which_constant_is_looked_for(case) -> None:
    problem = read_case(case(LEAST))
    assert sought_constant("pl", {}, problem) == "mu"
    assert sought_constant("smooth", {}, problem) == "L"
    assert sought_constant("alpha-beta", {"alpha": "1"}, problem) == "beta"
    assert sought_constant("alpha-beta", {}, problem) is None
    assert sought_constant("pl-star-eps", {"epsilon": "0.1"}, problem) == "mu"
    for condition, fixed, said in (
        ("pl", {"mu": "1"}, "what is looked for"),
        ("alpha-beta", {"beta": "1"}, "what is looked for"),
        ("alpha-beta", {"alpha": "0"}, "a positive number"),
        ("pl-star-eps", {}, "no epsilon"),
        ("pl", {"L": "1"}, "the constant 'L'"),
        ("convex", {}, "no constant"),
        ("pls", {}, "'pls'"),
        ("mini-batch", {}, "one of aiming"),
    ):
        with pytest.raises(InputError, match=said):
            sought_constant(condition, fixed, problem)
