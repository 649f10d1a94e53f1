"""`boundcalc topology` from the outside: contract, exit codes, messages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

CASES = Path(__file__).parents[1] / "cases" / "networks"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")


def run(*arguments, timeout=120):
    return subprocess.run(
        [*BOUNDCALC, "topology", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def file(tmp_path):
    def write(table: str) -> Path:
        path = tmp_path / "net.toml"
        path.write_text(f"[network]\n{table}\n")
        return path

    return write


def test_the_first_line_is_the_answer():
    done = run(CASES / "iris-tanh.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == (
        "minimiser-manifold applies (1 of 6 theorems); "
        "{L = 0} is a manifold of dimension 40 near the given weights, proved"
    )
    assert "FAILS  n_1 > 2N: n_1: not 8 > 18" in done.stdout
    assert done.stdout == run("net", CASES / "iris-tanh.toml").stdout


def test_the_json_of_the_contract():
    done = run(CASES / "linear.toml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["schema"] == "boundcalc.topology/1"
    assert found["parameters"] == 37
    assert found["manifold_dimension"]["value"] == 29
    assert found["manifold_dimension"]["verdict"] == "proved"
    assert found["manifold_dimension"]["exact_zero"] is True
    by_name = {one["theorem"]: one for one in found["theorems"]}
    assert len(by_name) == 6
    assert {name for name, one in by_name.items() if one["applies"]} == {"linear-connected"}
    for one in by_name.values():
        assert one["applies"] is all(h["holds"] for h in one["hypotheses"])
        assert (one["conclusion"] is not None) is one["applies"]
        assert one["reference"]
        assert one["not_concluded"]
    assert done.stdout == run("--json", CASES / "linear.toml").stdout


def test_the_proof_is_a_certificate(tmp_path):
    place = tmp_path / "zero.json"
    found = json.loads(run(CASES / "quadratic.toml", "--certificate", place, "--json").stdout)
    assert found["manifold_dimension"]["certificate"] == str(place)
    ball = found["manifold_dimension"]["ball"]
    claim = json.loads(place.read_text())["claim"]
    assert Fraction(claim["radius"]) <= Fraction(ball["radius"])
    assert 0 < Fraction(ball["mu"]) <= Fraction(claim["mu"])
    verified = [sys.executable, "-m", "boundcalc.kernel", str(place)]
    done = subprocess.run(verified, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "a zero of L lies within" in done.stdout) == (0, True)


def test_theorems_are_listed_and_stated():
    def theorems(*words):
        command = [*BOUNDCALC[:3], "theorems", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    listed = [line.split()[0] for line in theorems().splitlines()]
    assert listed.count("relu-path") == listed.count("sgd-alpha-beta") == 1
    assert "then                 N_λ = 1 for every λ" in theorems("linear-connected")
    assert "manifold of dimension p - r·d.\n" in theorems("minimiser-manifold")
    (one,) = json.loads(theorems("relu-path", "--json"))["theorems"]
    assert (one["id"], one["kind"]) == ("relu-path", "cited")
    every = json.loads(theorems("--json"))["theorems"]
    assert [one["id"] for one in every] == listed


def test_a_rate_is_said_to_be_one(file):
    table = 'widths = [4, 30, 1]\nactivation = "relu"\npoints = 5'
    told = run(file(table)).stdout
    assert told.startswith("relu-disconnected, relu-path, wide-connected apply (3 of 6 theorems)")
    assert "the constant is hidden: no number follows" in told
    found = json.loads(run(file(table), "--json").stdout)
    rates = {one["theorem"]: one["rate"] for one in found["theorems"] if one["rate"]}
    assert rates["relu-path"]["constants"] == "hidden"
    assert found["manifold_dimension"]["verdict"] == "undecided"
    assert "relu has no Hessian" in found["manifold_dimension"]["said"]


def test_widths_of_a_thousand_million(file):
    began = time.perf_counter()
    path = file('widths = [1000000000, 1000000000, 1]\nactivation = "linear"\npoints = 3')
    found = json.loads(run(path, "--json").stdout)
    assert found["parameters"] == 10**18 + 2 * 10**9 + 1
    assert found["manifold_dimension"] == {
        **found["manifold_dimension"],
        "value": 10**18 + 2 * 10**9 - 2,
        "verdict": "generic",
    }
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('widths = ["4", 3]\nactivation = "tanh"\npoints = 1', "widths[0]: found '4' (text)"),
        ('widths = [4.0, 3]\nactivation = "tanh"\npoints = 1', "widths[0]: found '4.0'; exp"),
        ('widths = [4]\nactivation = "tanh"\npoints = 1', "a list of 2 to 101 widths"),
        ('widths = [4, -1]\nactivation = "tanh"\npoints = 1', "widths[1]: found -1"),
        ('widths = [4, 1]\nactivation = "swish"\npoints = 1', "activation: found 'swish'"),
        ('widths = [4, 1]\nactivation = "tanh"', "points, data: found neither"),
        ('widths = [4, 1]\nactivation = "tanh"\ndata = "no.npz"', "no.npz: found no such file"),
        ('widths = [4, 1]\nactivation = "tanh"\npoints = 1\nloss = "hinge"', "loss: found 'hinge'"),
        ('widths = [4, 1]\nactivation = "tanh"\ndata = "nan.npz"', "1 of 4 numbers that are NaN"),
        ('widths = [4, 1]\nactivation = "tanh"\ndata = "two.npz"', "found shape (1, 2); expected"),
        ("widths = [4, 1", "net.toml: found"),
    ],
)
def test_bad_input_is_one_clear_message(file, tmp_path, table, said):
    np.savez(tmp_path / "nan.npz", x=[[np.nan, 0, 0, 0]], y=[[1.0]])
    np.savez(tmp_path / "two.npz", x=np.ones((1, 2)), y=np.ones((1, 1)))
    done = run(file(table))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert "; fix: " in done.stderr


def test_all_faults_are_told(file):
    done = run(file('widths = [4, "1"]\nactivation = "swish"\nloss = 1'))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 4


def test_no_file_at_all():
    done = run("no-such-file.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such file; expected a network file" in done.stderr
