"""Several logs in one fit: the order of files does not matter, rows are named by file."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from same_bits import awkward, fitted

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import log_from_arrays, open_log, open_logs
from boundcalc.logs.convert import convert
from boundcalc.report.fit_json import fit_json


def part(folder, name, rows, columns=None):
    arrays = columns or awkward()
    taken = {k: v if np.ndim(v) == 0 else v[rows] for k, v in arrays.items()}
    path = folder / name
    convert(log_from_arrays(taken), path, path.suffix, lambda _: None)
    return path


def test_parts_in_any_order_fit_to_the_bits_of_the_whole(tmp_path):
    cuts = [slice(0, 100), slice(100, 350), slice(350, 500)]
    names = ["p1.npz", "p2.csv", "p10.jsonl"]
    paths = [part(tmp_path, n, rows) for n, rows in zip(names, cuts, strict=True)]
    whole = fitted(part(tmp_path, "whole.npz", slice(None)))
    warnings = {key: whole.pop(key) for key in ("warnings",)}
    for order in itertools.permutations(paths):
        found = fitted(list(order))
        files = [one["file"] for one in found["alpha_beta"]["binding_at"]]
        assert len(files) == len(found["alpha_beta"]["binding_rows"])
        at, row = found["pl"]["at"], found["pl"]["row"]
        starts = {str(p): c.start for p, c in zip(paths, cuts, strict=True)}
        assert starts[at["file"]] + at["row"] == row
        assert without_places(found) == without_places(whole)
    assert warnings


def without_places(found):
    out = {key: value for key, value in found.items() if key != "warnings"}
    for key, value in out.items():
        if isinstance(value, dict):
            out[key] = {k: v for k, v in value.items() if k not in {"at", "binding_at"}}
    return out


def test_a_log_without_runs_is_a_run(tmp_path):
    arrays = {k: v for k, v in awkward().items() if k not in {"run", "step"}}
    paths = [part(tmp_path, f"{n}.npz", slice(100 * n, 100 * n + 100), arrays) for n in range(3)]
    log = open_logs([str(tmp_path / "[0-2].npz")])
    runs = log.columns["run"].read(0, 300)
    assert np.unique(runs).tolist() == [str(path) for path in paths]
    assert any("run of its own" in said for said in log.warnings)
    assert [p.first_row for p in log.parts] == [0, 100, 200]
    assert fit_log([str(path) for path in paths]).fit.runs == 3
    assert fit_log(str(paths[0])).fit.runs is None


def test_runs_with_labels_of_their_own(tmp_path):
    whole = awkward()
    numbers = whole | {"run": np.arange(500) % 3}
    a = part(tmp_path, "a.npz", slice(0, 100), numbers)
    b = part(tmp_path, "b.npz", slice(100, 200), whole)
    log = open_logs([b, a])
    labels = np.unique(log.columns["run"].read(0, 200)).tolist()
    assert labels == sorted({"0", "1", "2", *whole["run"].tolist()})
    again = part(tmp_path, "c.npz", slice(1, 100), whole)
    assert any("count as one run" in said for said in open_logs([b, again]).warnings)


def test_columns_that_some_logs_lack(tmp_path):
    arrays = awkward()
    a = part(tmp_path, "a.npz", slice(0, 100), arrays)
    few = {k: arrays[k] for k in ("loss", "grad_sqnorm")}
    b = part(tmp_path, "b.npz", slice(100, 200), few)
    log = open_logs([a, b])
    full = {"full_loss", "full_grad_sqnorm"}
    assert set(log.columns) == {"loss", "grad_sqnorm", "loss_min", "run", *full}
    assert log.columns["loss_min"].read(99, 101).tolist() == [-0.25, 0]
    assert np.isnan(log.columns["full_loss"].read(100, 200)).all()
    assert any(said.startswith("inner: left out") for said in log.warnings)
    assert any("loss_min = 0 in" in said for said in log.warnings)
    other = {k: arrays[k] for k in ("loss_ref", "inner", "dist_sq")}
    c = part(tmp_path, "c.npz", slice(0, 100), other)
    with pytest.raises(InputError, match="too little for any condition"):
        open_logs([b, c])


def test_faulty_rows_are_named_by_file(tmp_path):
    arrays = awkward()
    a = part(tmp_path, "a.npz", slice(0, 100), arrays)
    arrays["loss"] = arrays["loss"].copy()
    arrays["loss"][103] = np.inf
    b = part(tmp_path, "b.npz", slice(100, 200), arrays)
    with pytest.raises(InputError) as raised:
        fit_log([a, b])
    assert raised.value.faults[0].where == f"{b}: column loss"
    assert "in row 3" in raised.value.faults[0].found


def test_all_faulty_files_are_named(tmp_path):
    part(tmp_path, "a.npz", slice(0, 100))
    for name in ("b.npz", "c.npz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError) as raised:
        open_logs([str(tmp_path / "*.npz")])
    assert len(raised.value.faults) == 2
    with pytest.raises(InputError, match="no file of this pattern"):
        open_logs([str(tmp_path / "*.csv")])


def test_a_file_that_is_named_twice_counts_once(tmp_path):
    a = part(tmp_path, "a.npz", slice(0, 100))
    part(tmp_path, "b.npz", slice(100, 200))
    assert open_logs([a, str(tmp_path / "*.npz")]).rows == 200


def test_vectors_of_several_logs(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        x = rng.standard_normal((20, 3))
        loss = np.sum(x**2, axis=1) / 2
        np.savez(tmp_path / f"{name}.npz", x=x, grad=x, x_ref=np.zeros(3), loss=loss, loss_ref=0.0)
    found = fit_log([tmp_path / "a.npz", tmp_path / "b.npz"])
    assert found.smooth.value == pytest.approx(1)
    assert found.smooth.pairs == 40 * 39 // 2
    assert len(fit_json(found)["sources"]) == 2


def test_converted_vectors_follow(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 3))
    loss = np.sum(x**2, axis=1) / 2
    np.savez(tmp_path / "a.npz", x=x, grad=x, x_ref=np.zeros(3), loss=loss, loss_ref=0.0)
    log = open_log(tmp_path / "a.npz")
    assert convert(log, tmp_path / "b.npz", ".npz", lambda _: None) == ()
    assert fitted(tmp_path / "b.npz") == fitted(tmp_path / "a.npz")
    (said,) = convert(log, tmp_path / "b.csv", ".csv", lambda _: None)
    assert "x, grad, x_ref: left out" in said
    table = open_log(tmp_path / "b.csv")
    for name in ("inner", "grad_sqnorm", "dist_sq"):
        np.testing.assert_array_equal(
            table.columns[name].read(0, 20), log.columns[name].read(0, 20)
        )


# the commands


def command(*arguments):
    line = [sys.executable, "-c", "from boundcalc.cli import main; main()", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def test_convert_and_fit_from_the_command_line(tmp_path):
    source = tmp_path / "run.csv"
    source.write_text("loss,norm\n1,3\n2,4\n")
    pair = ("--map", "grad_sqnorm=norm^2")
    done = command("convert", source, tmp_path / "run.npz", *pair, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 2
    fits = [command("fit", source, *pair, "--json"), command("fit", tmp_path / "run.npz", "--json")]
    constants = [json.loads(one.stdout)["self_bounding"] for one in fits]
    assert constants[0] == constants[1]
    assert constants[0]["L"] == 4.5


def test_an_interrupted_conversion_leaves_nothing(tmp_path):
    source, temporary = tmp_path / "run.csv", tmp_path / "temporary"
    temporary.mkdir()
    source.write_text("loss,grad_sqnorm\n" + "1.5,2.5\n" * 2_000_000)
    line = [sys.executable, "-c", "from boundcalc.cli import main; main()", "convert"]
    process = subprocess.Popen(
        [*line, str(source), str(tmp_path / "run.npz")],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 60
        while not list(temporary.glob("boundcalc-*/*")) and time.monotonic() < end:
            time.sleep(0.01)  # until it parses
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert said.strip() == "interrupted: nothing was written"
    assert not list(temporary.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"run.csv", "temporary"}


def test_convert_refuses_what_it_must(tmp_path):
    source = tmp_path / "run.csv"
    source.write_text("loss,grad_sqnorm\n1,3\n2,4\n")
    (tmp_path / "link.csv").symlink_to(source)
    before = source.read_bytes()
    for target, said in [
        (source, "the log itself"),
        (tmp_path / "link.csv", "the log itself"),
        (tmp_path / "run.xyz", "the suffix"),
        (tmp_path / "none" / "run.npz", "no folder"),
        ("s3://bucket/run.npz", "a URL"),
    ]:
        done = command("convert", source, target)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert command("convert", source).returncode == 2
    source.write_text("loss,grad_sqnorm\n1,3\n2,x\n")
    assert command("convert", source, tmp_path / "run.npz").returncode == 2
    source.write_bytes(before)
    assert {path.name for path in tmp_path.iterdir()} == {"run.csv", "link.csv"}
