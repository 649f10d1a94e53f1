"""Sketches as files: exact, checked, and joined to what a fit of all logs at once gives."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.measure import measure
from boundcalc.fit.positions import with_positions
from boundcalc.fit.sketch_file import dump, load
from boundcalc.fit.sketch_join import join
from boundcalc.logs.open import open_log, open_logs


def write(path, seed, rows=400, **more):
    rng = np.random.default_rng(seed)
    ref = 0.1 * rng.random(rows)
    columns = {
        "loss": ref + rng.random(rows),
        "loss_ref": ref,
        "inner": 0.3 * rng.normal(size=rows),
        "grad_sqnorm": 1 + rng.random(rows),
        "dist_sq": 5 + rng.random(rows),
        "stepsize": 0.1 * rng.random(rows),
        "full_loss": np.where(np.arange(rows) % 30 == 0, rng.random(rows), np.nan),
    }
    np.savez(path, **(columns | {name: make(rows, seed) for name, make in more.items()}))
    return path


LABELS = {
    "plain": {},
    "step": {"step": lambda rows, _: np.arange(rows)},
    "run": {"run": lambda rows, k: np.arange(rows) // 100 + 10 * k},
    "run and step": {
        "run": lambda rows, _: np.arange(rows) % 4,
        "step": lambda rows, k: np.arange(rows) // 4 + 1000 * k,
    },
    "words": {"run": lambda rows, k: np.array([f"a{k}", f"b{k}"])[np.arange(rows) % 2]},
    "sample": {
        "sample": lambda rows, _: np.arange(rows) % 37,
        "step": lambda rows, _: np.arange(rows),
    },
}


def sketched(path):
    log = with_positions(open_log(path))
    return log, fold(log, plan_for(log, epoch=50, aligned=True))


@pytest.mark.parametrize("labels", LABELS)
def test_a_sketch_is_read_as_it_was_written(tmp_path, labels):
    log, sketch = sketched(write(tmp_path / "a.npz", 0, **LABELS[labels]))
    place = tmp_path / "a.json"
    place.write_text(dump(log, sketch))
    kept = load(place)
    assert kept.sketch == sketch
    assert measure(kept.log, kept.sketch) == measure(log, sketch)
    assert dump(kept.log, kept.sketch) == dump(log, sketch)


@pytest.mark.parametrize("labels", LABELS)
def test_sketches_join_to_the_fit_of_all_logs(tmp_path, labels):
    paths = [
        write(tmp_path / f"log{k}.npz", k, rows, **LABELS[labels])
        for k, rows in enumerate((400, 300, 500))
    ]
    kept = []
    for path in paths:
        place = path.with_suffix(".json")
        place.write_text(dump(*sketched(path)))
        kept.append(load(place))
    whole = with_positions(open_logs([str(path) for path in paths]))
    plan = plan_for(whole, epoch=50, aligned=True)
    wanted = measure(whole, fold(whole, plan))
    for order in itertools.permutations(kept):
        log, sketch = join(order)
        found = measure(log, sketch)
        for name in ("alpha_beta", "constants", "staircase", "interpolation_error", "horizon",
                     "initial_dist_sq", "runs", "step_sizes", "parts", "rows_used"):  # fmt: skip
            assert getattr(found, name) == getattr(wanted, name), name
        assert found.observed.smallest == wanted.observed.smallest
    again = tmp_path / "all.json"
    again.write_text(dump(log, sketch))
    assert load(again).sketch == sketch


@pytest.mark.parametrize("labels", LABELS)
def test_any_grouping_joins_to_the_same_sketch(tmp_path, labels):
    rng = np.random.default_rng(3)
    leaves = []
    for k in (0, 1, 2, 10, 11):  # in the order of their numbers, not of their letters
        path = write(tmp_path / f"log{k}.npz", k, 100 + 50 * k, **LABELS[labels])
        path.with_suffix(".json").write_text(dump(*sketched(path)))
        leaves.append(load(path.with_suffix(".json")))
    wanted = dump(*join(leaves))
    for _ in range(6):
        trees = list(leaves)
        while len(trees) > 1:
            rng.shuffle(trees)
            several = int(rng.integers(2, len(trees) + 1))
            (tmp_path / "joined.json").write_text(dump(*join(trees[:several])))
            trees = [load(tmp_path / "joined.json"), *trees[several:]]
        assert dump(trees[0].log, trees[0].sketch) == wanted
    (tmp_path / "two.json").write_text(dump(*join(leaves[:2])))
    (tmp_path / "other.json").write_text(dump(*join(leaves[1:3])))
    with pytest.raises(InputError, match=r"log1\.npz: found two sketches of it"):
        join([load(tmp_path / "two.json"), load(tmp_path / "other.json")])


def test_what_cannot_be_joined_is_told(tmp_path):
    first = write(tmp_path / "a.npz", 0)
    log, sketch = sketched(first)
    (tmp_path / "a.json").write_text(dump(log, sketch))
    one = load(tmp_path / "a.json")
    with pytest.raises(InputError, match="two sketches of it"):
        join([one, one])
    other = with_positions(open_log(write(tmp_path / "b.npz", 1)))
    (tmp_path / "b.json").write_text(dump(other, fold(other, plan_for(other, epoch=60))))
    with pytest.raises(InputError, match="same --epoch"):
        join([one, load(tmp_path / "b.json")])
    shared = []
    for k in range(2):
        path = write(tmp_path / f"run{k}.npz", k, run=lambda rows, _: np.zeros(rows, dtype=int))
        path.with_suffix(".json").write_text(dump(*sketched(path)))
        shared.append(load(path.with_suffix(".json")))
    with pytest.raises(InputError, match="run 0 in both"):
        join(shared)
    np.savez(tmp_path / "c.npz", loss=np.ones(9), grad_sqnorm=np.ones(9))
    (tmp_path / "c.json").write_text(dump(*sketched(tmp_path / "c.npz")))
    with pytest.raises(InputError, match="columns that"):
        join([one, load(tmp_path / "c.json")])


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(dump(*sketched(write(tmp_path / "a.npz", 0, rows=60))))
    whole = path.read_text()
    rng = np.random.default_rng(0)
    bad = tmp_path / "bad.json"
    for k in range(300):
        at = int(rng.integers(len(whole) - 1))
        text = (
            whole[:at]
            if k % 3 == 0
            else whole[:at] + chr(int(rng.integers(32, 127))) + whole[at + 1 :]
        )
        if text == whole:
            continue
        bad.write_text(text)
        with pytest.raises(InputError, match=r"boundcalc\.sketch/1"):
            load(bad)


def signed(body):
    from boundcalc.fit.sketch_file import _digest

    body = {name: value for name, value in body.items() if name != "sha256"}
    return json.dumps({**body, "sha256": _digest(body)})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rows", -1), ("rows", "many"), ("runs", {"run": [1]}), ("envelope", None), ("steps", [1]),
        ("extremes", {"nothing": ["0x1p0"] * 4 + [0]}), ("log", {}), ("plan", 3),
        ("extremes", {"pl": ["0x1p0"]}), ("sums", {"rows": 10**400}), ("first_dropped", 1.5),
    ],
)  # fmt: skip
def test_well_signed_nonsense_is_refused(tmp_path, key, value):
    path = tmp_path / "a.json"
    path.write_text(dump(*sketched(write(tmp_path / "a.npz", 0, rows=60))))
    body = json.loads(path.read_text())
    body[key] = value
    path.write_text(signed(body))
    with pytest.raises(InputError, match="faulty entry"):
        load(path)


NOWHERE = [
    (("steps", "loss", 0), "nan"),
    (("envelope", "lines", "loss", 0), "inf"),
    (("envelope", "lines", "row", 0), 60),
    (("extremes", "pl-star", 0), "nan"),
    (("extremes", "pl-star", 4), 60),
    (("runs", "run", 0), {}),
    (("runs", "full_next", 0), "nan"),
    (("runs", "last_step", 0), -1),
    (("runs", "start_dist", 0), "-0x1p0"),
    (("runs", "rows", 0), 61),
    (("dropped",), 61),
    (("log", "rows"), 10**30),
]


@pytest.mark.parametrize(("place", "value"), NOWHERE)
def test_numbers_that_no_log_has_are_refused(tmp_path, place, value):
    path = tmp_path / "a.json"
    path.write_text(dump(*sketched(write(tmp_path / "a.npz", 0, rows=60))))
    body = json.loads(path.read_text())
    inside = body
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    path.write_text(signed(body))
    with pytest.raises(InputError, match="faulty entry"):
        load(path)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e150, 1e300])
def test_extreme_numbers_are_read_as_they_were_written(tmp_path, scale):
    with np.load(write(tmp_path / "a.npz", 0, rows=60)) as log:
        np.savez(tmp_path / "b.npz", **{name: scale * log[name] for name in log})
    log, sketch = sketched(tmp_path / "b.npz")
    (tmp_path / "b.json").write_text(dump(log, sketch))
    assert load(tmp_path / "b.json").sketch == sketch


def test_a_sketch_that_contradicts_itself_is_no_defect(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(dump(*sketched(write(tmp_path / "a.npz", 0, rows=60))))
    body = json.loads(path.read_text())
    body["extremes"]["qg"][2] = body["extremes"]["qg"][3] = "0x0p0"
    path.write_text(signed(body))
    done = command("merge", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "contradict each other" in done.stderr


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "NaN", "[" * 100000, '{"schema":"boundcalc.sketch/1"}']
)
def test_other_files_are_no_sketches(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match="a sketch"):
        load(path)
    with pytest.raises(InputError):
        load(tmp_path / "missing.json")


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "boundcalc", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands(tmp_path):
    paths = [write(tmp_path / f"log{k}.npz", k) for k in range(2)]
    for path in paths:
        done = command("fit", path, "--epoch", 50, "--save-sketch", path.with_suffix(".json"))
        assert done.returncode == 0, done.stderr
        assert "written:" in done.stdout
    together = json.loads(command("fit", *paths, "--epoch", 50, "--json").stdout)
    merged = json.loads(
        command("merge", *(path.with_suffix(".json") for path in paths), "--json").stdout
    )
    for key in ("alpha_beta", "pl", "self_bounding", "guarantees", "rows", "interpolation_error"):
        assert merged[key] == together[key], key
    assert command("merge", paths[0]).returncode == 2
    wrong = command("fit", paths[0], "--workers", 2)
    assert wrong.returncode == 2
    assert "--engine dask" in wrong.stderr
