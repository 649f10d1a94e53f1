"""The fold on dask's workers: the bits of the serial fold, whoever dies in the middle."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from dask.distributed import LocalCluster

from boundcalc.errors import InputError
from boundcalc.fit.cluster import Reopen, cluster
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.positions import with_positions
from boundcalc.logs.open import open_log

pytestmark = pytest.mark.filterwarnings("ignore")  # what tornado and asyncio say on shutting down
ROWS = 40_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    loss_ref = 0.1 * rng.random(ROWS)
    place = tmp_path_factory.mktemp("logs") / "log.npz"
    np.savez(
        place,
        loss=loss_ref + rng.random(ROWS),
        loss_ref=loss_ref,
        inner=rng.normal(size=ROWS) * 0.3,
        grad_sqnorm=1 + rng.random(ROWS),
        dist_sq=10 + rng.random(ROWS),
        stepsize=0.1 * rng.random(ROWS),
        run=np.repeat(np.arange(4), ROWS // 4),
        sample=rng.integers(0, 500, ROWS),
        full_loss=np.where(np.arange(ROWS) % 50 == 0, rng.random(ROWS), np.nan),
    )
    return place


def opened(path):
    return with_positions(open_log(path))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_number_of_workers_gives_the_same_bits(path, workers):
    log = opened(path)
    plan = plan_for(log)
    wanted = fold(log, plan)
    seen = []
    with cluster(partial(opened, path), workers=workers, parts=7) as there:
        assert plan_for(log, labels=there.labels) == plan
        assert there.fold(log, plan, seen.append) == wanted
        assert there.effort.workers == workers
        assert there.effort.parts == 7
    assert seen[-1] == ROWS


def test_any_partition_gives_the_same_bits(path, monkeypatch):
    log = opened(path)
    plan = plan_for(log)
    wanted = fold(log, plan)
    rng = np.random.default_rng(1)
    with cluster(partial(opened, path), workers=2) as there:
        for _ in range(5):
            inner = np.unique(rng.integers(1, ROWS, size=int(rng.integers(1, 30)))).tolist()
            cuts = [0, *inner, ROWS]
            spans = list(pairwise(cuts))
            rng.shuffle(spans)
            monkeypatch.setattr(there, "_spans", lambda _, spans=spans: spans)
            assert there.fold(log, plan) == wanted


def slowly(path):
    time.sleep(0.3)
    return opened(path)


def test_a_killed_worker_changes_nothing(path):
    log = opened(path)
    plan = plan_for(log)
    wanted = fold(log, plan)
    with cluster(partial(slowly, path), workers=2, parts=12) as there:
        victim = next(iter(there._client.run(os.getpid).values()))
        killed = []

        def kill():
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

        timer = threading.Timer(0.8, kill)
        timer.start()
        assert there.fold(log, plan) == wanted
        timer.join()
        assert killed == [victim]
        with pytest.raises(ProcessLookupError):
            os.kill(victim, 0)


def test_faults_of_rows_are_told_as_in_a_serial_fit(tmp_path):
    loss = np.ones(1000)
    loss[[100, 900]] = np.nan
    place = tmp_path / "log.npz"
    np.savez(place, loss=loss, grad_sqnorm=np.ones(1000))
    log = opened(place)
    with pytest.raises(InputError) as serial:
        fold(log, plan_for(log))
    with (
        cluster(partial(opened, place), workers=1, parts=4) as there,
        pytest.raises(InputError) as spread,
    ):
        there.fold(log, plan_for(log))
    assert str(spread.value) == str(serial.value)


def test_a_scheduler_that_runs_is_used(path):
    log = opened(path)
    plan = plan_for(log)
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as running:
        with cluster(partial(opened, path), scheduler=running.scheduler_address) as there:
            assert there.fold(log, plan) == fold(log, plan)
        assert running.workers  # it is not ours to close


def test_a_scheduler_that_does_not_answer(path, monkeypatch):
    monkeypatch.setattr("boundcalc.fit.cluster._PATIENCE", 1)
    place = "tcp://127.0.0.1:9"
    with (
        pytest.raises(InputError, match="no scheduler"),
        cluster(partial(opened, path), scheduler=place),
    ):
        pass


def test_the_command_prints_the_fit_of_the_serial_engine(path):
    def asked(*options):
        command = [sys.executable, "-m", "boundcalc", "fit", str(path), "--json", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    serial, spread = asked(), asked("--engine", "dask", "--workers", "2")
    assert serial.pop("engine") == {"name": "serial"}
    effort = spread.pop("engine")
    assert (effort["name"], effort["rows"], effort["workers"]) == ("dask", ROWS, 2)
    assert spread == serial


def test_a_scheduler_without_workers_is_told(path, monkeypatch):
    monkeypatch.setattr("boundcalc.fit.cluster._PATIENCE", 1)
    monkeypatch.setattr("boundcalc.fit.cluster._LOOK", 0.2)
    log = opened(path)
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as running:
        monkeypatch.setattr("boundcalc.fit.cluster._PATIENCE", 3)
        with (
            cluster(partial(opened, path), scheduler=running.scheduler_address) as there,
            pytest.raises(InputError, match="without workers for 3 s"),
        ):
            there.fold(log, plan_for(log))


def only_here(path, pid):
    return opened(path if os.getpid() == pid else path.with_name("elsewhere.npz"))


def dies(path, pid):
    if os.getpid() != pid:
        os._exit(1)
    return opened(path)


def test_workers_that_cannot_help(path, tmp_path):
    log = opened(path)
    plan = plan_for(log)
    for reopen, said in (
        (partial(only_here, path, os.getpid()), r"elsewhere\.npz \(on the worker tcp:"),
        (partial(dies, path, os.getpid()), "died, one after another"),
    ):
        with cluster(reopen, workers=1, parts=1) as there, pytest.raises(InputError, match=said):
            there.fold(log, plan)


def test_a_log_that_grew_or_changed_is_opened_anew(tmp_path):
    place = tmp_path / "log.npz"
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as running:
        address = running.scheduler_address
        for rows in (100, 200):
            np.savez(place, loss=np.arange(1.0, rows + 1), grad_sqnorm=np.ones(rows))
            log = opened(place)
            with cluster(partial(opened, place), scheduler=address) as there:
                assert there.fold(log, plan_for(log)) == fold(log, plan_for(log))
        np.savez(place, loss=np.arange(1.0, 51.0), grad_sqnorm=np.ones(50))
        with (
            cluster(partial(opened, place), scheduler=address) as there,
            pytest.raises(InputError, match="50 rows; expected the 200 rows"),
        ):
            there.fold(log, plan_for(log))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
def test_ctrl_c_ends_the_command_and_its_workers(tmp_path):
    place = tmp_path / "log.csv"
    with place.open("w") as stream:
        stream.write("loss,grad_sqnorm\n")
        stream.writelines(f"{1 + k % 97},1\n" for k in range(2_000_000))
    command = [sys.executable, "-m", "boundcalc", "fit", str(place), "--engine", "dask", "--json"]
    running = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while len(members(running.pid)) < 4 and time.monotonic() < limit:
        time.sleep(0.05)
    assert len(members(running.pid)) >= 4  # the command, its resource tracker, two workers
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert err.strip().endswith("interrupted: nothing was written")
    assert "Traceback" not in err
    limit = time.monotonic() + 20
    while members(running.pid) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not members(running.pid)


def members(group):
    """Processes of a group that are alive, as /proc has them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, owner = stat.read_text().rpartition(")")[2].split()[:3]
            if owner == str(group) and state != "Z":
                found.append(stat.parent.name)
    return found


def test_a_scheduler_that_goes_away_is_told_once(path, capfd):
    program = "from distributed.cli.dask_scheduler import main; main()"
    options = ["--port", "0", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file"]
    where = path.with_name("scheduler.json")
    scheduler = subprocess.Popen(
        [sys.executable, "-c", program, *options, str(where)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        limit = time.monotonic() + 60
        while not where.exists() and time.monotonic() < limit:
            time.sleep(0.1)
        address = json.loads(where.read_text())["address"]
        log = opened(path)
        plan = plan_for(log)
        with (  # the scheduler lacks this module
            cluster(partial(opened, path), scheduler=address) as there,
            pytest.raises(InputError, match="cannot import"),
        ):
            there.fold(log, plan)
        with cluster(Reopen((str(path),)), scheduler=address) as there:
            timer = threading.Timer(1, scheduler.kill)
            timer.start()
            with pytest.raises(InputError, match="went away"):
                there.fold(log, plan)
            timer.join()
    finally:
        scheduler.kill()
        scheduler.wait()
    assert "Traceback" not in capfd.readouterr().err
