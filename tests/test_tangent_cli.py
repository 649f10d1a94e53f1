"""`boundcalc tangent` from the outside: contract, exit codes, messages."""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

LOGS = Path(__file__).parents[1] / "cases" / "logs"
SHIPPED = LOGS / "iris-tangent.npz"
BOUNDCALC = (sys.executable, "-c", "from boundcalc.cli import main; main()")


def run(*arguments, timeout=120):
    return subprocess.run(
        [*BOUNDCALC, "tangent", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def load_script():
    spec = importlib.util.spec_from_file_location("iris_tangent", LOGS / "iris_tangent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_line_is_the_answer():
    done = run(SHIPPED)
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("λ_min(K) ≥ 0.000301398 on all 11 snapshots (n = 15, m = 60): PL*")
    assert "κ ≤ 30271.2" in first
    text = "\n".join(rest)
    for said in (
        "½‖∇L‖² ≥ μL, L = ½‖r‖²",
        "Π(1 − ημ_t)",
        "column stepsize",
        "relative widths at most",
    ):
        assert said in text


def test_json_follows_the_contract_and_agrees_with_numpy():
    found = json.loads(run(SHIPPED, "--json").stdout)
    assert found["schema"] == "boundcalc.tangent/1"
    assert found["ball"] is None
    log = np.load(SHIPPED)
    assert len(found["snapshots"]) == len(log["jacobian"]) == 11
    for jacobian, residual, one in zip(
        log["jacobian"], log["residual"], found["snapshots"], strict=True
    ):
        values = np.linalg.svd(jacobian, compute_uv=False) ** 2
        for key, value in (("lambda_min", values[-1]), ("lambda_max", values[0])):
            assert one[key]["lower"] <= value * (1 + 1e-11)
            assert one[key]["upper"] >= value * (1 - 1e-11)
            assert one[key]["upper"] - one[key]["lower"] <= 1e-9 * value
        ratio = np.sum((residual @ jacobian) ** 2) / np.sum(residual**2)
        assert one["pl_star"]["mu"] == pytest.approx(ratio, rel=1e-10)
        assert one["loss"] == pytest.approx(np.sum(residual**2) / 2)
    assert found["mu"] == min(one["lambda_min"]["lower"] for one in found["snapshots"])
    every = [np.linalg.svd(jacobian, compute_uv=False) ** 2 for jacobian in log["jacobian"]]
    kappa = max(values[0] for values in every) / min(values[-1] for values in every)
    assert found["kappa"] == pytest.approx(kappa, rel=1e-9)
    assert found["certified"] is True


def test_the_script_makes_the_shipped_log_and_its_jacobian_is_the_derivative():
    script = load_script()
    made, shipped = script.record(10, 5, 200, 20, 0.05), np.load(SHIPPED)
    assert set(made) == set(shipped.files)
    for name, values in made.items():
        np.testing.assert_allclose(shipped[name], values, rtol=1e-6, atol=1e-9, err_msg=name)
    x, y = script.flowers(5)
    w = made["w"][3]
    _, jacobian = script.residual_and_jacobian(w, 10, x, y)
    h = 1e-6
    for k in range(len(w)):
        ahead, behind = w.copy(), w.copy()
        ahead[k] += h
        behind[k] -= h
        slope = script.residual_and_jacobian(ahead, 10, x, y)[0]
        slope = (slope - script.residual_and_jacobian(behind, 10, x, y)[0]) / (2 * h)
        np.testing.assert_allclose(jacobian[:, k], slope, rtol=1e-6, atol=1e-8)


def test_a_terminal_without_greek_gets_words():
    done = subprocess.run(
        [*BOUNDCALC, "tangent", str(SHIPPED)],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    said = done.stdout.decode("ascii")
    assert said.startswith("lambda_min(K) >= 0.000301398 on all 11 snapshots")
    assert "K = J J^T" in said
    assert "\\" not in said
    assert "?" not in said


def save(tmp_path, **arrays):
    path = tmp_path / "log.npz"
    np.savez(path, **arrays)
    return path


def test_one_snapshot_is_enough(tmp_path):
    path = save(tmp_path, jacobian=np.array([[[3.0, 4.0]]]), residual=np.ones((1, 1)))
    done = run(path, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["mu"] <= 25 <= found["lambda_min"]["upper"]
    assert found["decay"] == {"reason": "one snapshot"}
    assert "on the one snapshot" in found["answer"]


def test_fewer_parameters_than_outputs(tmp_path):
    rng = np.random.default_rng(0)
    path = save(
        tmp_path, jacobian=rng.standard_normal((2, 5, 3)), residual=rng.standard_normal((2, 5))
    )
    found = json.loads(run(path, "--json").stdout)
    assert found["mu"] == 0
    assert found["kappa"] == "inf"
    assert all(one["lambda_min"]["upper"] == 0 for one in found["snapshots"])
    done = run(path)
    assert done.returncode == 0
    assert done.stdout.startswith("λ_min(K) = 0 exactly on all 2 snapshots: 3 parameters are fewer")


def test_a_rank_deficient_snapshot_is_named(tmp_path):
    jacobian = np.random.default_rng(1).standard_normal((3, 4, 6))
    jacobian[1, 2] = -2 * jacobian[1, 0]
    done = run(save(tmp_path, jacobian=jacobian, residual=np.ones((3, 4))))
    assert done.returncode == 0
    assert done.stdout.startswith("λ_min(K) = 0 exactly on snapshot 1 (n = 4, m = 6)")


def test_not_certified_is_undecided(tmp_path):
    rng = np.random.default_rng(2)
    left, _, right = np.linalg.svd(rng.standard_normal((230, 240)), full_matrices=False)
    jacobian = (left * np.geomspace(1, 1e-17, 230)) @ right
    path = save(tmp_path, jacobian=jacobian[None], residual=np.ones((1, 230)))
    done = run(path)
    assert done.returncode == 3
    assert done.stdout.startswith("not certified: λ_min(K) on snapshot 0 is between 0 and")


def test_single_precision_is_said(tmp_path):
    rng = np.random.default_rng(3)
    jacobian = rng.standard_normal((2, 3, 6)).astype(np.float32)
    done = run(save(tmp_path, jacobian=jacobian, residual=np.ones((2, 3))))
    assert done.returncode == 0
    assert "jacobian is float32" in done.stdout
    assert "that rounds to the stored one has λ_min ≥" in done.stdout


def bad(**changes):
    columns = {"jacobian": np.ones((3, 2, 4)), "residual": np.ones((3, 2))}
    return {name: value for name, value in (columns | changes).items() if value is not None}


def spoiled(shape, at, value):
    array = np.ones(shape)
    array[at] = value
    return array


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (bad(jacobian=spoiled((3, 2, 4), (1, 0, 2), np.nan)), "nan at (1, 0, 2)"),
        (bad(jacobian=spoiled((3, 2, 4), 2, np.inf)), "the first of 8 such entries"),
        (bad(residual=spoiled((3, 2), (0, 1), -np.inf)), "-inf at (0, 1)"),
        (bad(w=spoiled((3, 4), (2, 3), np.nan)), "column w"),
        (bad(jacobian=np.ones((3, 0, 4)), residual=np.ones((3, 0))), "zero residuals n"),
        (bad(jacobian=np.ones((3, 2, 0))), "zero parameters m"),
        (bad(jacobian=np.ones((0, 2, 4)), residual=np.ones((0, 2))), "zero rows"),
        (bad(residual=np.ones((3, 5))), "different numbers of residuals n"),
        (bad(residual=np.ones((2, 2))), "different numbers of rows"),
        (bad(w=np.ones((3, 5))), "different numbers of parameters m"),
        (bad(jacobian=np.ones((3, 8))), "shape (3, 8)"),
        (bad(jacobian=np.array([np.ones(3), np.ones(2)], dtype=object)), "never loaded"),
        (bad(jacobian=np.ones((3, 2, 4), dtype=complex)), "complex numbers"),
        (bad(residual=None), "no column residual"),
        (bad(jacobian=None), "no column jacobian"),
        ({"loss": np.ones(3), "grad_sqnorm": np.ones(3)}, "log of the scalar form"),
        ({"W1": np.ones(3)}, "no column of a log, only W1"),
        (bad(stepsize=np.array([0.1, np.nan, 0.1])), "column stepsize"),
    ],
)
def test_hostile_logs_are_one_clear_error(tmp_path, arrays, said):
    done = run(save(tmp_path, **arrays))
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    for line in done.stderr.splitlines():
        assert line.startswith("error: ")
        assert "; expected " in line
        assert "; fix: " in line


def test_all_faults_are_said_at_once(tmp_path):
    nothing = bad(jacobian=np.full((3, 2, 4), np.nan), residual=np.full((3, 2), np.inf))
    assert len(run(save(tmp_path, **nothing)).stderr.splitlines()) == 2


def header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize("n", [10**6, 10**12, 10**17])
def test_sizes_that_are_only_claimed_are_corrupt(tmp_path, n):
    path = tmp_path / "log.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("jacobian.npy", header((2, n, 3)) + bytes(480))
        archive.writestr("residual.npy", header((2, n)) + bytes(160))
    done = run(path)
    assert done.returncode == 2
    assert "corrupt" in done.stderr


def test_a_snapshot_beyond_memory_is_refused(tmp_path, monkeypatch):
    from boundcalc.errors import InputError
    from boundcalc.landscape import snapshots, tangent_spectra
    from boundcalc.logs import open_log
    from boundcalc.logs.schema import TANGENT

    monkeypatch.setattr(snapshots, "_memory", lambda: 100)
    log = open_log(save(tmp_path, **bad()), purpose=TANGENT)
    with pytest.raises(InputError, match="at most the memory of this machine"):
        tangent_spectra(log)


@pytest.mark.parametrize("arguments", [("--step-size", "-1"), ("--step-size", "nan"), ("--bal",)])
def test_bad_usage_is_exit_code_2(arguments):
    done = run(SHIPPED, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_files_that_are_no_logs(tmp_path):
    (tmp_path / "case.toml").write_text('name = "x"\n')
    for path in (tmp_path / "none.npz", tmp_path / "case.toml", tmp_path):
        done = run(path)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "expected a log: npz," in done.stderr
    assert "np.savez(path, jacobian=..., residual=...)" in run(tmp_path / "case.toml").stderr
