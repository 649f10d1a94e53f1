"""CSV and JSON lines: the same bits as npz, and every fault with its line."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from damage import DAMAGES, reads
from same_bits import awkward, fitted

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import log_from_arrays, open_log, spool
from boundcalc.logs.convert import convert
from boundcalc.logs.mapping import parse_mapping

SUFFIXES = (".csv", ".tsv", ".jsonl")


def saved(path, arrays=None, rows=500):
    convert(log_from_arrays(arrays or awkward(rows)), path, path.suffix, lambda _: None)
    return path


def refused(path, text=None, **options):
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as raised:
        fit_log(path, **options)
    return raised.value.faults[0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_fits_to_the_same_bits_as_npz(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(spool, "BLOCK_ROWS", 64)
    assert fitted(saved(tmp_path / f"a{suffix}")) == fitted(saved(tmp_path / "a.npz"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_column_comes_back(tmp_path, suffix):
    arrays = awkward()
    log = open_log(saved(tmp_path / f"a{suffix}", arrays))
    assert log.loss_min == -0.25
    for name, values in arrays.items():
        if name == "loss_min":
            continue
        found = log.columns[name].read(0, 500)
        expected = np.broadcast_to(values, found.shape)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype.kind == expected.dtype.kind
        if found.dtype.kind == "f":
            assert np.array_equal(np.signbit(found), np.signbit(expected)) or name == "full_loss"


def test_labels_stay_what_they_are(tmp_path, monkeypatch):
    """Integers as long as all are; then texts, from the first row on."""
    monkeypatch.setattr(spool, "BLOCK_ROWS", 3)
    path = tmp_path / "a.csv"
    for runs, expected in [
        (["1", "2", "1", "2"], [1, 2, 1, 2]),
        (["1", "2", "1", "x"], ["1", "2", "1", "x"]),
        (["01", "2", "1", "2"], ["01", "2", "1", "2"]),
        (["9" * 30, "2", "1", "2"], ["9" * 30, "2", "1", "2"]),
    ]:
        rows = "".join(f"1,2,{run}\n" for run in runs)
        path.write_text("loss,grad_sqnorm,run\n" + rows)
        assert open_log(path).columns["run"].read(0, 4).tolist() == expected


def test_steps_that_pandas_wrote_as_floats(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("loss,grad_sqnorm,step\n1,2,0\n1,2,1\n1,2,2.0\n")
    assert open_log(path).columns["step"].read(0, 3).tolist() == [0, 1, 2]
    path.write_text("loss,grad_sqnorm,step\n1,2,0\n1,2,\n1,2,2.0\n")
    assert "not integers" in refused(path).found


def test_faults_name_the_line(tmp_path):
    path = tmp_path / "a.csv"
    head = "loss,grad_sqnorm\n"
    assert "line 3, column loss" in refused(path, head + "1,2\nx,2\n").where
    assert refused(path, head + "1,2\nx,2\n").found == "'x', which is not a number"
    assert "line 3" in refused(path, head + "1,2\n1\n").where
    assert "2 cells, as in the first line" in refused(path, head + "1,2\n1\n").expected
    assert "names of the columns" in refused(path, "1,2\n3,4\n").expected
    assert refused(path, "loss,loss,inner\n1,2,3\n").found == "loss twice"
    assert "open quote" in refused(path, head + '"1,2\n' + "1,2\n" * 100).found
    assert "zero rows" in refused(path, head).found
    assert refused(path, "").found == "an empty file"
    path.write_bytes(head.encode() + b"1,\xff\n")
    assert "UTF-8" in refused(path).found
    assert "more than 1048576 characters" in refused(path, head + "1" * (1 << 20) + ",2\n").found
    lines = tmp_path / "a.jsonl"
    assert "line 2" in refused(lines, '{"loss": 1}\n{"loss": \n').where
    assert refused(lines, '{"loss": 1}\n[1]\n').expected == "a JSON object"
    assert "line 1, column loss" in refused(lines, '{"loss": true, "grad_sqnorm": 1}\n').where
    assert "line 1" in refused(lines, "[" * 100_000 + "\n").where


def test_names_can_be_mapped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("train/loss,norm,inner\n1,3,5\n2,4,6\n")
    log = open_log(path, asked=parse_mapping(["loss=train/loss", "grad_sqnorm=norm^2"]))
    np.testing.assert_array_equal(log.columns["grad_sqnorm"].read(0, 2), [9, 16])
    np.testing.assert_array_equal(log.columns["loss"].read(0, 2), [1, 2])
    literal = tmp_path / "b.csv"
    literal.write_text("loss,norm,norm^2\n1,3,5\n2,4,6\n")  # a name that ends so has precedence
    log = open_log(literal, asked=parse_mapping(["grad_sqnorm=norm^2"]))
    np.testing.assert_array_equal(log.columns["grad_sqnorm"].read(0, 2), [5, 6])
    negative = tmp_path / "c.csv"
    negative.write_text("loss,norm\n1,-3\n2,4\n")
    asked = ["grad_sqnorm=norm^2"]
    assert "not negative" in refused(negative, mapping=asked).expected
    assert "no nothing in the file, only" in refused(path, mapping=["loss=nothing"]).found
    for wrong in ("loss", "=x", "loss=", "foo=x"):
        with pytest.raises(InputError) as raised:
            parse_mapping([wrong])
        assert raised.value.faults[0].where == "--map"
    with pytest.raises(InputError, match="loss twice"):
        parse_mapping(["loss=a", "loss=b"])


def test_a_mapping_serves_npz_too(tmp_path):
    np.savez(tmp_path / "a.npz", error=np.ones(3), norm=np.full(3, 2.0))
    asked = parse_mapping(["loss=error", "grad_sqnorm=norm^2"])
    log = open_log(tmp_path / "a.npz", asked=asked)
    np.testing.assert_array_equal(log.columns["grad_sqnorm"].read(0, 3), [4, 4, 4])


def test_temporary_files_go_with_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(spool.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    log = open_log(saved(tmp_path / "a.csv"))
    assert list((tmp_path / "temporary").iterdir())
    del log
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_damaged_text(tmp_path, suffix, damage):
    data = saved(tmp_path / f"honest{suffix}", rows=20).read_bytes()
    rng = np.random.default_rng(len(data))
    path = tmp_path / f"damaged{suffix}"
    refused_files = 0
    for _ in range(300):
        path.write_bytes(damage(data, rng))
        refused_files += not reads(path)
    assert refused_files > 60


@pytest.mark.parametrize("kind", ["wide", "ragged", "keys"])
def test_lines_of_many_cells_take_little_memory(tmp_path, kind):
    """Half a million empty cells a line: 100 MB of text must not become gigabytes of lists."""
    path = tmp_path / ("a.jsonl" if kind == "keys" else "a.csv")
    with path.open("w") as file:
        if kind == "keys":
            row = json.dumps(
                {"loss": 1, "grad_sqnorm": 1} | dict.fromkeys(map(str, range(9999)), 0)
            )
        else:
            names = [f"c{k}" for k in range(90_000 if kind == "wide" else 1)]
            file.write(",".join(["loss", "grad_sqnorm", *names]) + "\n")
            row = "1,1" + "," * (90_000 if kind == "wide" else 500_000)
        for _ in range(200):
            file.write(row + "\n")
    tracemalloc.start()
    try:
        if kind == "ragged":
            assert "500002 cells" in refused(path).found
        else:
            assert open_log(path).rows == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000


def test_json_has_no_surprises(tmp_path):
    """NaN, infinities as texts, keys that come late."""
    rows = [{"loss": 1, "grad_sqnorm": 2}, {"loss": 2.5, "grad_sqnorm": 1, "full_loss": 3}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)))
    full = open_log(path).columns["full_loss"].read(0, 2)
    np.testing.assert_array_equal(full, [np.nan, 3])
    path.write_text('{"loss": "inf", "grad_sqnorm": 1}\n{"loss": 1, "grad_sqnorm": 1}\n')
    assert "loss = inf in row 0" in refused(path).found
