"""The log that a run writes: whole at every moment, the same rows whatever the parts."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.logs.open import open_log
from boundcalc.recorders.writer import LogWriter, recover


def rows(count: int, seed: int = 0) -> list[dict[str, object]]:
    rng = np.random.default_rng(seed)
    return [
        {"step": k, "loss": rng.random(), "grad_sqnorm": rng.random(), "run": "a" * (1 + k % 3)}
        for k in range(count)
    ]


@pytest.mark.parametrize("part_rows", [1, 7, 1000])
def test_parts_do_not_change_the_log(tmp_path, part_rows):
    wanted = rows(50)
    with LogWriter(tmp_path / "log.npz", part_rows=part_rows) as writer:
        for row in wanted:
            writer.append(**row)
    with np.load(tmp_path / "log.npz", allow_pickle=False) as log:
        for name in wanted[0]:
            assert log[name].tolist() == [row[name] for row in wanted]
    assert list(tmp_path.iterdir()) == [tmp_path / "log.npz"]
    assert open_log(tmp_path / "log.npz").rows == 50


def test_arrays_keep_their_shape(tmp_path):
    with LogWriter(tmp_path / "log.npz", part_rows=2) as writer:
        for k in range(5):
            writer.append(jacobian=np.full((2, 3), k), residual=np.arange(2.0))
    with np.load(tmp_path / "log.npz") as log:
        assert log["jacobian"].shape == (5, 2, 3)
        assert (log["jacobian"][:, 0, 0] == np.arange(5)).all()


def test_a_crash_loses_at_most_the_last_part(tmp_path):
    path = tmp_path / "log.npz"
    writer = LogWriter(path, part_rows=10, part_seconds=1e9)
    for row in rows(37):
        writer.append(**row)
    del writer  # never closed
    assert not path.exists()
    with pytest.raises(InputError, match="recover"):
        LogWriter(path)
    assert recover(path) == path
    with np.load(path) as log:
        assert len(log["loss"]) == 30
    with pytest.raises(InputError, match="no parts"):
        recover(path)


def test_an_error_keeps_all_rows_as_parts(tmp_path):
    path = tmp_path / "log.npz"
    with pytest.raises(ZeroDivisionError), LogWriter(path) as writer:
        writer.append(loss=1.0, grad_sqnorm=2.0)
        raise ZeroDivisionError
    assert not path.exists()
    recover(path)
    with np.load(path) as log:
        assert log["loss"].tolist() == [1.0]


def test_a_second_run_is_added_on_request_only(tmp_path):
    path = tmp_path / "log.npz"
    for run in (0, 1):
        with LogWriter(path, append=run > 0) as writer:
            for k in range(3):
                writer.append(loss=float(k + run), grad_sqnorm=1.0, run=run)
    with np.load(path) as log:
        assert log["loss"].tolist() == [0.0, 1.0, 2.0, 1.0, 2.0, 3.0]
        assert log["run"].tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(InputError, match="append=True"):
        LogWriter(path)


def test_columns_are_those_of_the_first_row(tmp_path):
    with LogWriter(tmp_path / "log.npz") as writer:
        writer.append(loss=1.0, grad_sqnorm=2.0)
        with pytest.raises(InputError, match="columns"):
            writer.append(loss=1.0)
        writer.append(loss=3.0, grad_sqnorm=2.0)


@pytest.mark.parametrize(
    ("name", "message"), [("log.csv", "npz"), ("no/log.npz", "choose another")]
)
def test_places_that_cannot_be(tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        LogWriter(tmp_path / name)


def test_nothing_is_left_without_rows(tmp_path):
    LogWriter(tmp_path / "log.npz").close()
    assert not list(tmp_path.iterdir())


def test_a_kill_in_the_middle_leaves_whole_parts(tmp_path):
    path = tmp_path / "log.npz"
    program = (
        "import sys, os, signal\n"
        "from boundcalc.recorders.writer import LogWriter\n"
        "writer = LogWriter(sys.argv[1], part_rows=100)\n"
        "for k in range(10**9):\n"
        "    writer.append(loss=float(k), grad_sqnorm=1.0)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program, str(path)])
    folder = tmp_path / "log.npz.parts"
    try:
        limit = time.monotonic() + 60
        while len(list(folder.glob("part-*.npz"))) < 5 and time.monotonic() < limit:
            time.sleep(0.01)
        for part in sorted(folder.glob("part-*.npz")):  # a reader meets whole parts only
            with np.load(part) as rows:
                assert len(rows["loss"]) == 100
        with pytest.raises(InputError, match=f"process {running.pid}"):
            recover(path)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    count = len(list(folder.glob("part-*.npz")))
    assert count >= 5
    recover(path)
    with np.load(path) as log:
        assert log["loss"].tolist() == list(range(100 * count))
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.npz"]


def test_a_crash_between_joining_and_cleaning_doubles_nothing(tmp_path, monkeypatch):
    path = tmp_path / "log.npz"
    writer = LogWriter(path, part_rows=10)
    for row in rows(25):
        writer.append(**row)
    with monkeypatch.context() as patch:
        patch.setattr("boundcalc.recorders.writer.shutil.rmtree", lambda *_, **__: None)
        writer.close()
    recover(path)
    with np.load(path) as log:
        assert len(log["loss"]) == 25
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.npz"]


def test_a_full_disk_is_told_and_loses_no_part(tmp_path):
    path = tmp_path / "log.npz"
    program = (
        "import sys, resource, signal\n"
        "from boundcalc.errors import InputError\n"
        "from boundcalc.recorders.writer import LogWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "writer = LogWriter(sys.argv[1], part_rows=10)\n"
        "try:\n"
        "    for k in range(40):\n"
        "        if k == 25:\n"
        "            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "        writer.append(loss=float(k), grad_sqnorm=1.0)\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "part-000002.npz" in done.stdout
    assert "File too large" in done.stdout
    assert done.stderr == ""
    assert sorted(entry.name for entry in (tmp_path / "log.npz.parts").iterdir()) == [
        "owner", "part-000000.npz", "part-000001.npz",
    ]  # fmt: skip
    recover(path)
    with np.load(path) as log:
        assert log["loss"].tolist() == list(range(20))


def test_a_damaged_part_is_named(tmp_path):
    path = tmp_path / "log.npz"
    writer = LogWriter(path, part_rows=10)
    for row in rows(20):
        writer.append(**row)
    part = tmp_path / "log.npz.parts" / "part-000001.npz"
    part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"part-000001\.npz.*cut or damaged"):
        recover(path)
    part.unlink()
    recover(path)
    with np.load(path) as log:
        assert len(log["loss"]) == 10


def test_types_are_kept(tmp_path):
    path = tmp_path / "log.npz"
    given = {
        "a": np.float32(0.5), "b": np.uint64(2**63), "c": True, "d": "x", "e": np.float64(0.1),
    }  # fmt: skip
    for run in range(2):
        with LogWriter(path, part_rows=2, append=run > 0) as writer:
            for _ in range(5):
                writer.append(**given)
    with np.load(path) as log:
        assert {name: log[name].dtype.str[1:] for name in log} == {
            "a": "f4", "b": "u8", "c": "b1", "d": "U1", "e": "f8",
        }  # fmt: skip
        assert log["b"].tolist() == [2**63] * 10


def test_values_that_no_log_can_hold(tmp_path):
    for value in (None, 2**70, {}, [[1.0], [1.0, 2.0]]):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npz"
        writer = LogWriter(path)
        writer.append(loss=1.0, sample=value)
        with pytest.raises(InputError, match="column 'sample'"):
            writer.close()


def test_memory_stays_flat(tmp_path):
    program = (
        "import sys, resource\n"
        "from boundcalc.recorders.writer import LogWriter\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "with LogWriter(sys.argv[1]) as writer:\n"
        "    for k in range(10**6):\n"
        "        writer.append(step=k, loss=0.5, loss_ref=0.1, inner=0.1, grad_sqnorm=1.0)\n"
        "        if k == 200_000:\n"
        "            early = peak()\n"
        "print(early, peak())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "log.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    early, late = map(float, done.stdout.split())
    assert late < early + 30  # MiB; the log has 40
