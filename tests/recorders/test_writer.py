"""The log that a run writes: whole at every moment, the same rows whatever the parts."""

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
