"""`boundcalc topology levels` and `topology path` from the outside: contract, codes, messages."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

NETWORKS = Path(__file__).parents[1] / "cases" / "networks"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")
SQUARE = ("--domain", "x=-2:2,y=-2:2")
WELLS = "(x^2-1)^2 + y^2"
ENDS = (
    NETWORKS / "iris-tanh-weights.npz",
    NETWORKS / "iris-tanh-weights-b.npz",
    "--net",
    NETWORKS / "iris-tanh.toml",
)


def run(*arguments, timeout=120):
    return subprocess.run(
        [*BOUNDCALC, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def levels(*arguments):
    return run("topology", "levels", *arguments)


def joined(*arguments):
    return run("topology", "path", *arguments)


def test_the_double_well_in_json_with_a_certificate(tmp_path):
    place = tmp_path / "wells.json"
    done = levels(WELLS, *SQUARE, "--levels", "1/2,2,-1", "--json", "--certificate", place)
    assert (done.returncode, done.stderr) == (0, "")
    body = json.loads(done.stdout)
    assert body["schema"] == "boundcalc.levels/1"
    counts = {one["lambda"]: one["components"] for one in body["levels"]}
    assert counts == {
        -1.0: {"lower": 0, "upper": 0},
        0.5: {"lower": 2, "upper": 2},
        2.0: {"lower": 1, "upper": 1},
    }
    checked = run("verify", place)
    assert checked.returncode == 0 and "λ = 1/2: 2; λ = 2: 1" in checked.stdout
    alone = subprocess.run(
        [sys.executable, "-m", "boundcalc.kernel", str(place)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert alone.returncode == 0 and alone.stdout.startswith("proved")
    text = place.read_text().replace('"lower":2', '"lower":3')
    place.write_text(text)
    assert run("verify", place).returncode == 1


def test_a_sweep_draws_its_merge_tree(tmp_path):
    figure = tmp_path / "wells.png"
    done = levels(WELLS, *SQUARE, "--plot", figure)
    assert done.returncode == 0
    assert "component 2 near (1, 0) appears" in done.stdout
    assert "joins component 1 for a λ in (0.995, 1.005]" in done.stdout
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_one_variable_and_no_component(tmp_path):
    figure = tmp_path / "line.svg"
    done = levels("x^4 - x^2", "--domain=-2:2", "--levels=-1/5,1", "--plot", figure)
    assert done.returncode == 0 and "N = 2" in done.stdout
    assert figure.read_text().startswith("<?xml")
    none = levels("x^2", "--domain=-2:2", "--levels=-1", "--plot", figure)
    assert none.returncode == 0 and "N = 0" in none.stdout


def test_an_enclosure_is_exit_code_3():
    done = levels(WELLS, *SQUARE, "--levels", "1", "--time-limit", "1", "--json")
    body = json.loads(done.stdout)
    assert done.returncode == 3 and body["verdict"] == "enclosed"
    assert body["levels"][0]["components"] == {"lower": 1, "upper": 2}
    ring = levels("(x^2+y^2-1)^2", *SQUARE, "--levels", "0", "--time-limit", "1", "--json")
    assert json.loads(ring.stdout)["levels"][0]["components"] == {"lower": 1, "upper": "inf"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x^2 + y + z", "--domain=-1:1"), "3 variables"),
        (("x^2",), "x unbounded"),
        (("x^2", "--domain=1:1"), "--domain"),
        (("x +", "--domain=-1:1"), "formula"),
        (("log(x)", "--domain=-1:1", "--levels", "0"), "may have no value"),
        (("x^2", "--domain=-1:1", "--levels", "1,two"), "'two'"),
        (("x^2", "--domain=-1:1", "--levels", ",".join(["1"] * 201)), "201 levels"),
        (("x^2", "--domain=-1:1", "--levels", "1e999"), "beyond 1e300"),
        (("x^2", "--domain=0:1e999"), "x beyond 1e300"),
        (("log(x)", "--domain=-1:1"), "may have no value"),
        (("abs(x-1/3)", "--domain=-1:1"), "no smooth minimum"),
        (("x^2", "--domain=-1:1", "--time-limit", "0"), "--time-limit"),
        (("x^2", "--domain=-1:1", "--plot", "figure.gif"), ".png"),
        (("__import__('os').system('true')", "--domain=-1:1"), "formula"),
    ],
)
def test_bad_input_of_levels_is_one_message(arguments, message):
    done = levels(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_the_first_line_is_the_answer():
    done = levels(WELLS, *SQUARE, "--levels", "-1,1/2,1,2")
    assert done.returncode == 3
    assert done.stdout.splitlines()[0].endswith(": 0, 2, 1, proved at 3 of 4 levels")
    done = levels(WELLS, *SQUARE, "--levels", "1", "--json")
    assert json.loads(done.stdout)["answer"].endswith("enclosed, exact at 0 of 1 levels")


def test_absolute_values_are_drawn(tmp_path):
    figure = tmp_path / "wells.svg"
    done = levels("(abs(x)-1/2)^2", "--domain=-1:1", "--levels", "1/8", "--plot", figure)
    assert (done.returncode, done.stderr) == (0, "")
    assert ": 2, proved at 1 of 1 levels" in done.stdout and figure.exists()


def test_two_trained_networks_are_joined_and_the_kernel_agrees(tmp_path):
    place, figure = tmp_path / "path.json", tmp_path / "path.png"
    options = ("--level", "0.01", "--certificate", place, "--plot", figure, "--json")
    done = joined(*ENDS, *options)
    assert (done.returncode, done.stderr) == (0, "")
    body = json.loads(done.stdout)
    assert body["schema"] == "boundcalc.path/1" and body["verdict"] == "connected"
    assert 0 < body["level"]["lower"] < body["sampled_maximum"] <= body["level"]["upper"] <= 0.01
    assert body["certificate"] == str(place) and figure.read_bytes()[:4] == b"\x89PNG"
    checked = run("verify", place)
    assert checked.returncode == 0 and "joined by a path with L at most 0.00" in checked.stdout


def test_a_level_that_is_not_reached_is_undecided():
    done = joined(*ENDS, "--level", "1e-13", "--time-limit", "3")
    assert done.returncode == 3
    assert done.stdout.startswith("undecided at level 1e-13: the lowest path found")


def test_bad_input_of_paths_is_one_message(tmp_path):
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, W1=np.zeros((8, 4)), b1=np.zeros(7), W2=np.zeros((1, 8)), b2=np.zeros(1))
    poison = tmp_path / "nan.npz"
    np.savez(
        poison, W1=np.full((8, 4), np.nan), b1=np.zeros(8), W2=np.zeros((1, 8)), b2=np.zeros(1)
    )
    huge = tmp_path / "huge.npz"
    much = np.full((8, 4), 1e150)
    np.savez(huge, W1=much, b1=np.zeros(8), W2=np.full((1, 8), 1e150), b2=np.zeros(1))
    soft = tmp_path / "soft.toml"
    data = str(NETWORKS / "iris-data.npz")
    soft.write_text(
        f'[network]\nwidths = [4, 8, 1]\nactivation = "softplus"\ndata = {json.dumps(data)}\n'
    )
    first, second, *net = ENDS
    for arguments, message in (
        ((first, huge, "--net", soft), "without bounds"),
        ((first, wrong, *net), "shape (7,)"),
        ((first, poison, *net), "nan"),
        ((first, tmp_path / "none.npz", *net), "none.npz"),
        ((first, second, "--net", tmp_path / "none.toml"), "none.toml"),
        ((*ENDS, "--level", "1e-20"), "no path lies lower than its ends"),
        ((*ENDS, "--level", "low"), "--level"),
        ((*ENDS, "--level", "1e999"), "beyond 1e300"),
        ((*ENDS, "--time-limit", "-1"), "--time-limit"),
        ((*ENDS, "--plot", "x.gif"), ".png"),
    ):
        done = joined(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("levels", WELLS, *SQUARE, "--levels", "1", "--time-limit", "60"),
        ("path", *map(str, ENDS), "--level", "1e-13"),
    ],
)
def test_an_interruption_is_one_line_and_leaves_nothing(tmp_path, arguments):
    place = tmp_path / "certificate.json"
    command = [*BOUNDCALC, "topology", *arguments, "--certificate", str(place)]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2.5)
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=60)
    assert (work.returncode, out) == (130, "")
    assert err == "interrupted: nothing was written\n" and not list(tmp_path.iterdir())
