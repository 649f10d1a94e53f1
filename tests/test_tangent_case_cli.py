"""`boundcalc tangent CASE.toml` from the outside: contract, exit codes, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

SYSTEMS = Path(__file__).parents[1] / "cases" / "systems"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")


def run(*arguments, command="tangent"):
    return subprocess.run(
        [*BOUNDCALC, command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def answered(*arguments, code=0):
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    return json.loads(done.stdout)


def test_a_ball_that_closes_has_a_certificate(tmp_path):
    place = tmp_path / "ball.json"
    found = answered(SYSTEMS / "product-near.toml", "--certificate", place)
    ball = found["ball"]
    assert (ball["verdict"], ball["closes"], ball["fails"]) == ("proved", True, None)
    (one,) = found["snapshots"]
    assert one["lambda_min"]["lower"] <= 2.44 <= one["lambda_min"]["upper"]
    assert 2 * 0.2 / ball["mu"] ** 0.5 < ball["radius"]
    # K = u² + v² is least where the ball comes nearest to the origin
    assert ball["mu"] <= (2.44**0.5 - ball["radius"]) ** 2 * (1 + 1e-9)
    assert ball["rate"] == pytest.approx(1 - ball["mu"] * ball["step_size_limit"])
    assert {route["route"] for route in ball["routes"]} == {"direct", "hessian"}
    assert ball["certificate"] == str(place)
    done = run(place, command="verify")
    assert done.returncode == 0
    assert done.stdout.startswith(f"proved {place}: a zero of L lies within")


def test_a_ball_of_a_given_radius():
    found = answered(SYSTEMS / "product-near.toml", "--ball", "0.4")["ball"]
    assert (found["radius"], found["verdict"]) == (0.4, "proved")
    found = answered(SYSTEMS / "product-near.toml", "--ball", "0.1", code=3)["ball"]
    assert found["verdict"] == "undecided"
    assert "2.736 times the radius" in found["fails"]  # 0.4/√μ over 0.1, with √μ = √2.44 − 0.1
    assert found["mu"] is None


def test_where_nothing_closes_the_quantity_and_its_factor_are_said():
    done = run(SYSTEMS / "rosenbrock-far.toml")
    assert done.returncode == 3
    first = done.stdout.splitlines()[0]
    assert first.startswith("undecided: ‖F(w0)‖ = 1 is 4.")
    assert "times too large" in first
    assert "computed in floating point and proves nothing" in done.stdout
    assert "proves nothing" not in run(SYSTEMS / "product-near.toml").stdout


def test_fewer_parameters_than_equations(tmp_path):
    found = answered(SYSTEMS / "three-beacons.toml")
    assert found["snapshots"][0]["lambda_min"] == {"lower": 0.0, "upper": 0.0}
    assert found["answer"].startswith("λ_min(K) = 0 exactly")
    assert (found["ball"], found["mu"], found["kappa"]) == (None, 0.0, "inf")
    place = tmp_path / "level.json"
    level = answered(SYSTEMS / "three-beacons.toml", "--eps", "1/100", "--certificate", place)
    assert level["level"]["verdict"] == "proved"
    assert level["level"]["steps"] >= 1
    assert level["level"]["theorem"] == "gd-pl-star-eps"
    assert run(place, command="verify").returncode == 0
    near = answered(SYSTEMS / "three-beacons.toml", "--eps", "1/100", "--ball", "0.05", code=3)
    assert (near["level"]["verdict"], near["level"]["steps"]) == ("undecided", None)
    assert near["level"]["fails"].startswith("radius: the path √(2L(w0)/μ)")


@pytest.mark.parametrize(
    ("name", "route", "theorem", "parts"),
    [
        ("cubic-input", "input", "input-map-conditioning", ("input.rho", "input.mu")),
        ("two-parts", "parts", "kernel-sum-conditioning", ("part.0", "part.1")),
        ("logistic-output", "output", "output-map-conditioning", ("slope", "inner.mu")),
    ],
)
def test_transformations_say_the_parts_and_the_whole(name, route, theorem, parts):
    found = answered(SYSTEMS / f"{name}.toml")
    one = next(x for x in found["transformations"] if x["route"] == route)
    assert one["theorem"] == theorem
    a, b = (one["parts"][part] for part in parts)
    assert one["mu"] == pytest.approx(a + b if route == "parts" else a**2 * b, rel=1e-9)
    assert one["mu"] <= found["snapshots"][0]["lambda_min"]["upper"]
    assert found["ball"]["verdict"] == "proved"
    every = [x["mu"] or 0.0 for x in found["ball"]["routes"]]
    assert found["ball"]["mu"] == pytest.approx(max(every))


def test_at_a_zero_convexity_is_looked_at(tmp_path):
    found = answered(SYSTEMS / "product-zero.toml", "--certificate", tmp_path / "c.json")
    zero = found["zero"]
    assert (zero["verdict"], zero["convex_nearby"]) == ("proved", False)
    assert (zero["hessian_ranks"], zero["rank_needed"]) == ([4], 2)
    assert zero["proposition_applies"] is True
    done = run(zero["certificate"], command="verify")
    assert "convex in no neighbourhood" in done.stdout
    assert answered(SYSTEMS / "product-near.toml")["zero"] is None


def case(tmp_path, text):
    path = tmp_path / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


PLAIN = 'variables = ["x", "y"]\nresidual = ["x*y - 1"]\n'


def test_the_start_is_asked_for(tmp_path):
    path = case(tmp_path, PLAIN)
    done = run(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "neither --at nor the key start" in done.stderr
    assert '--at "x=0,y=0"' in done.stderr
    assert answered(path, "--at", "x=1,y=1.1")["start"] == {"x": "1", "y": str(Fraction("1.1"))}


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (PLAIN, ["--at", "x=1"], "each of x, y once"),
        (PLAIN, ["--at", "x=1,y=one"], "one"),
        (PLAIN, ["--at", "x=1,y=nan"], "nan"),
        (PLAIN + 'start = ["1"]', [], "a number for each of x, y"),
        (PLAIN + 'start = { x = "1", z = "1" }', [], "a number for each of x, y"),
        (PLAIN + "start = [1, true]", [], "start y"),
        (PLAIN + "start = [1, 1]", ["--eps", "0"], "a positive number"),
        (PLAIN + "start = [1, 1]", ["--eps", "x"], "--eps"),
        (PLAIN + "start = [1, 1]", ["--ball", "-1"], "a positive number"),
        (PLAIN + "start = [1, 1]", ["--step-size", "1"], "a log, not a system"),
        (PLAIN + 'start = [1, 1]\noutput = "tanh"', [], "a function and its target"),
        (
            PLAIN + 'start = [1, 1]\noutput = { function = "relu", target = [1] }',
            [],
            "one of tanh",
        ),
        (
            PLAIN + 'start = [1, 1]\noutput = { function = "tanh", target = [] }',
            [],
            "1 numbers, one per formula",
        ),
        (PLAIN + 'start = [1, 1]\nparts = [["x"], ["x"]]', [], "disjoint lists"),
        (PLAIN + 'start = [1, 1]\ninput = { x = "y" }', [], "for each new name"),
        (PLAIN + 'start = [1, 1]\ninput = { u = "w" }', [], "which is no variable"),
        (
            PLAIN + 'start = [1, 1]\ninput = { u = "x" }\nparts = [["x"]]',
            [],
            "one of these",
        ),
        ('variables = ["x"]\ncomponents = ["x^2"]\nstart = [1]', [], "residual"),
        ('variables = ["x"]\ncomponents = ["x^2"]\nparts = [["x"]]', [], "residual"),
        ('variables = ["x"]\nresidual = ["log(x)"]\nstart = [-1]', [], "smooth at the start"),
        ('variables = ["x"]\nresidual = ["abs(x)"]\nstart = [0]', [], "smooth at the start"),
        ('variables = ["x"]\nresidual = ["relu(x)"]\nstart = [0]', [], "relu"),
    ],
)
def test_wrong_input_is_told_in_one_line_each(tmp_path, text, arguments, said):
    done = run(case(tmp_path, text), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("formula", "start"), [("exp(x)", "2000"), ("exp(-x)", "2000"), ("1e-200*x", "1")]
)
def test_numbers_beyond_floating_point_are_told(tmp_path, formula, start):
    done = run(case(tmp_path, f'variables = ["x"]\nresidual = ["{formula}"]\nstart = [{start}]'))
    assert (done.returncode, done.stdout) == (2, "")
    assert "that floating point does not hold" in done.stderr


def test_large_numbers_are_no_trouble(tmp_path):
    path = case(tmp_path, 'variables = ["x"]\nresidual = ["exp(x) - 1"]\nstart = [100]')
    done = run(path)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("undecided: ‖F(w0)‖ = 2.68812e+43 is 5.")


def test_a_level_that_is_reached_needs_no_step(tmp_path):
    path = case(tmp_path, 'variables = ["x"]\nresidual = ["x"]\nstart = [1]')
    level = answered(path, "--eps", "1/2")["level"]
    assert (level["already"], level["steps"], level["verdict"]) == (True, 0, "proved")
    assert answered(path, "--eps", "0.49")["level"]["already"] is False


def test_options_of_case_files_are_not_for_logs_or_networks(tmp_path):
    log = SYSTEMS.parent / "logs" / "iris-tangent.npz"
    assert "--eps" in run(log, "--eps", "1").stderr
    network = case(tmp_path, "[network]\nwidths = [1, 1]\n")
    assert "a case file with a residual" in run(network, "--at", "x=1").stderr


def test_a_start_where_k_is_singular_closes_nowhere(tmp_path):
    path = case(tmp_path, 'variables = ["x"]\nresidual = ["x^2"]\nstart = [0]')
    found = answered(path)
    assert found["ball"] is None
    assert found["answer"].startswith("λ_min(K(w0)) = 0 exactly")
