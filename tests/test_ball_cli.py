"""`boundcalc tangent NET.toml` from the outside: contract, exit codes, messages, certificates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

NETWORKS = Path(__file__).parents[1] / "cases" / "networks"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")
TWO_POINTS = {"x": [[1.0, 0.0], [0.0, 1.0]], "y": [[0.5], [-0.25]]}


def run(*arguments, timeout=240):
    return subprocess.run(
        [*BOUNDCALC, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def network(folder, *, widths=(2, 3, 1), activation="tanh", data=None, more="seed = 0\nscale = 1"):
    """A network file with its data."""
    np.savez(folder / "data.npz", **{k: np.array(v) for k, v in (data or TWO_POINTS).items()})
    path = folder / "net.toml"
    path.write_text(
        f'name = "made"\n[network]\nwidths = {list(widths)}\nactivation = "{activation}"\n'
        f'loss = "square"\ndata = "data.npz"\n{more}\n',
        encoding="utf-8",
    )
    return path


def test_a_trained_network_is_proved_and_its_certificate_verifies(tmp_path):
    file = tmp_path / "ball.json"
    done = run("tangent", NETWORKS / "iris-tanh.toml", "--certificate", file)
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first.startswith("proved: a global minimum (zero loss) lies within R = 0.00000306815")
    assert "route       direct: μ = " in done.stdout
    verified = run("verify", file)
    assert verified.returncode == 0
    (line,) = verified.stdout.splitlines()
    assert line.startswith(f"proved {file}: a zero of L lies within 0.00000306815 of w0")
    alone = subprocess.run(
        [sys.executable, "-m", "boundcalc.kernel", str(file)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert alone.returncode == 0
    assert alone.stdout.startswith("proved ")


def test_the_json_of_the_contract(tmp_path):
    done = run("tangent", NETWORKS / "iris-tanh.toml", "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["schema"] == "boundcalc.tangent/1"
    (snapshot,) = said["snapshots"]
    least = 0.0014407758617605528  # tests/landscape/test_ball.py computes it with mpmath
    assert snapshot["lambda_min"]["lower"] <= least <= snapshot["lambda_min"]["upper"]
    ball = said["ball"]
    assert ball["closes"] is True
    assert ball["verdict"] == "proved"
    assert ball["fails"] is None
    assert ball["certificate"] is None
    assert 0 < ball["mu"] < snapshot["lambda_min"]["upper"]
    assert ball["rate"] == pytest.approx(1 - ball["mu"] * ball["step_size_limit"], rel=1e-12)
    assert ball["radius"] * ball["mu"] ** 0.5 > 2 * ball["residual"]


@pytest.mark.parametrize(
    ("radius", "fails", "word"),
    [("1e-7", "radius", "factor"), ("0.01", "jacobian_lipschitz", "H·R")],
)
def test_a_given_ball_that_does_not_close(radius, fails, word):
    done = run("tangent", NETWORKS / "iris-tanh.toml", "--ball", radius, "--json")
    assert done.returncode == 3
    ball = json.loads(done.stdout)["ball"]
    assert ball["radius"] == float(radius)
    assert (ball["verdict"], ball["closes"], ball["fails"]) == ("undecided", False, fails)
    assert ball["factor"] > 1
    assert ball["mu"] is ball["rate"] is ball["step_size_limit"] is None
    assert word in json.loads(done.stdout)["answer"]


def test_what_would_help_is_said_and_the_law_has_no_number(tmp_path):
    done = run("tangent", network(tmp_path, widths=(2, 8, 1)))
    assert done.returncode == 3
    assert done.stdout.startswith("undecided: 2‖F(w0) − y‖/√μ exceeds R = ")
    for word in ("closer start: a residual below", "more width: ", "this is a law and no number"):
        assert word in done.stdout
    assert "computed in floating point and proves nothing" in done.stdout
    assert "points 0 and 1 are 1.414 apart" in done.stdout


def test_fewer_parameters_than_outputs(tmp_path):
    data = {"x": [[1.0], [2.0], [3.0]], "y": [[0.0], [0.0], [1.0]]}
    done = run("tangent", network(tmp_path, widths=(1, 1), data=data))
    assert done.returncode == 3
    said = "undecided: λ_min(K(w0)) = 0, since 2 parameters are fewer than 3 outputs"
    assert done.stdout.splitlines()[0] == said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"activation": "relu"}, "relu has no Hessian"),
        ({"more": 'seed = 0\nscale = 1\noutput = "relu"'}, "relu has no Hessian"),
        ({"more": ""}, "weights or a seed"),
    ],
)
def test_networks_without_an_answer_are_bad_input(tmp_path, arguments, words):
    done = run("tangent", network(tmp_path, **arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("radius", ["0", "-1", "nan", "inf"])
def test_radii_that_are_none(radius):
    done = run("tangent", NETWORKS / "iris-tanh.toml", "--ball", radius)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--ball" in done.stderr


def test_a_radius_next_to_zero_has_no_finite_factor():
    done = run("tangent", NETWORKS / "iris-tanh.toml", "--ball", "1e-320")
    assert (done.returncode, done.stderr) == (3, "")
    assert "by a factor beyond 1E+308" in done.stdout.splitlines()[0]


def test_more_outputs_than_the_kernel_takes(tmp_path):
    x = np.random.default_rng(0).standard_normal((201, 2))
    data = {"x": x, "y": x[:, :1]}
    done = run("tangent", network(tmp_path, data=data))
    assert done.returncode == 2
    assert "at most 200 outputs" in done.stderr


def test_an_output_map_has_four_routes(tmp_path):
    done = run(
        "tangent", network(tmp_path, more='seed = 0\nscale = 1\noutput = "softplus"'), "--json"
    )
    assert done.returncode in (0, 3)
    routes = json.loads(done.stdout)["ball"]["routes"]
    assert set(routes) == {"hessian", "direct", "output-hessian", "output-direct"}


def test_a_changed_weight_is_rejected_by_verify(tmp_path):
    file = tmp_path / "ball.json"
    assert run("tangent", NETWORKS / "iris-tanh.toml", "--certificate", file).returncode == 0
    data = json.loads(file.read_text(encoding="ascii"))
    weights = data["claim"]["system"]["network"]["weights"]
    weights[0] = (float.fromhex(weights[0]) + 0.5).hex()
    file.write_text(json.dumps(data), encoding="ascii")
    done = run("verify", file)
    assert done.returncode == 1
    assert "rejected" in done.stdout
