"""Honest npz files give the numbers that np.load gives, however they are stored."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
import zipfile

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.logs import open_log
from boundcalc.logs.assemble import fresh

REALS = ("f2", "f4", "f8", "longdouble", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


def read_all(log, name, rows=300):
    column = log.columns[name] if name in log.columns else log.vectors[name]
    starts = range(0, log.rows, rows)
    return np.concatenate([column.read(s, min(s + rows, log.rows)) for s in starts])


@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("dtype", REALS)
def test_any_real_dtype_becomes_native_float64(save, columns, dtype, order, compressed):
    values = (np.random.default_rng(1).random(1000) * 100).astype(
        np.dtype(dtype).newbyteorder(order)
    )
    path = save(compressed, **(columns | {"loss": values}))
    expected = np.load(path)["loss"].astype(np.float64)
    log = open_log(path)
    for rows in (1, 7, 300, 1000):
        read = read_all(log, "loss", rows)
        assert read.dtype == np.dtype("=f8")
        assert read.dtype.isnative
        assert read.flags.c_contiguous
        np.testing.assert_array_equal(read, expected)


@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4"])
def test_arrays_of_any_memory_order_are_read_by_rows(save, compressed, order, dtype):
    rng = np.random.default_rng(2)
    arrays = {
        "jacobian": rng.standard_normal((23, 3, 5)),
        "residual": rng.standard_normal((23, 3)),
        "w": rng.standard_normal((23, 5)),
    }
    path = save(compressed, **{n: np.asarray(a, dtype, order=order) for n, a in arrays.items()})
    loaded = np.load(path)
    log = open_log(path)
    assert log.form == "tangent"
    for name, rows in itertools.product(arrays, (1, 4, 23)):
        read = read_all(log, name, rows)
        assert read.flags.c_contiguous
        np.testing.assert_array_equal(read, loaded[name].astype(np.float64))
    del log
    gc.collect()  # an unclosed temporary file would be a warning, hence an error


def test_native_float64_rows_are_not_copied_again(save, columns):
    stored = open_log(save(**columns)).columns["loss"].array
    raw = stored.read(0, 10)
    assert raw.flags.aligned
    assert raw.flags.owndata


@pytest.mark.parametrize("compressed", [False, True])
def test_labels_are_integers_or_text(save, columns, compressed):
    path = save(
        compressed,
        **columns,
        step=np.arange(1000, dtype=">u2"),
        sample=np.arange(1000.0),
        run=np.array(["a", "bé"] * 500, dtype=">U4"),
    )
    log = open_log(path)
    assert read_all(log, "step").dtype == np.int64
    assert read_all(log, "sample").tolist() == list(range(1000))
    assert read_all(log, "run").tolist() == ["a", "bé"] * 500
    log = open_log(save(compressed, **columns, run=np.array([b"a", b"b\xff"] * 500)))
    assert read_all(log, "run").tolist() == ["a", "b\\xff"] * 500


@pytest.mark.parametrize(
    "labels",
    [np.linspace(0, 1, 1000), np.full(1000, np.nan), np.full(1000, 2**63, dtype="u8")],
    ids=["fractions", "nan", "huge"],
)
def test_labels_that_are_none_are_refused(save, columns, faults_of, labels):
    (fault,) = faults_of(save(**columns, sample=labels))
    assert "column sample" in fault.where
    assert "integers" in fault.expected


def test_invalid_unicode_in_labels_is_refused(save, columns, faults_of):
    text = np.full((1000, 3), 0x110000, "u4").view("U3")[:, 0]
    (fault,) = faults_of(save(**columns, run=text))
    assert "not valid Unicode" in fault.found


def test_zero_dimensional_arrays_stand_for_columns(save, columns):
    path = save(
        **(columns | {"loss_ref": np.float32(0.5), "stepsize": 0.1, "loss_min": -1, "run": "a"})
    )
    log = open_log(path)
    assert (log.loss_min, log.loss_min_given) == (-1.0, True)
    assert "loss_min" not in log.columns
    (chunk,) = log.chunks(1000)
    assert chunk.columns["loss_ref"].tolist() == [0.5] * 1000
    assert chunk.columns["stepsize"].tolist() == [0.1] * 1000
    assert chunk.columns["run"].tolist() == ["a"] * 1000


def test_a_column_of_shape_n_by_one_is_a_column(save, columns):
    log = open_log(save(**(columns | {"loss": columns["loss"][:, None]})))
    np.testing.assert_array_equal(read_all(log, "loss"), columns["loss"])


@pytest.mark.parametrize("given", [None, -2.5])
def test_loss_min_is_a_column_a_number_or_the_users_own(save, columns, given):
    assert open_log(save(**columns), loss_min=given).loss_min == (given or 0.0)
    assert open_log(save(**columns), loss_min=given).loss_min_given is (given is not None)
    path = save(**columns, loss_min=np.linspace(-1, 0, 1000))
    log = open_log(path, loss_min=given)
    (chunk,) = log.chunks(1000, ("loss",))
    if given is None:
        assert log.loss_min is None
        np.testing.assert_array_equal(chunk.loss_min, np.linspace(-1, 0, 1000))
    else:
        assert "loss_min" not in log.columns
        assert chunk.loss_min == given


def test_values_that_float64_rounds_are_counted_in_a_warning(save, columns):
    wide = np.arange(1000)
    wide[5:8] = 2**60 + 1
    long = columns["loss"].astype(np.longdouble)
    long[0] += np.longdouble(2) ** -60
    log = open_log(save(**(columns | {"grad_sqnorm": wide, "loss": long})))
    said = "\n".join(log.warnings)
    assert "column grad_sqnorm: 3 integers beyond 2^53 were rounded" in said
    assert "column loss: 1 long doubles were rounded" in said
    assert not open_log(save(**(columns | {"grad_sqnorm": np.arange(1000)}))).warnings


def test_unknown_and_missing_columns_are_said(save, columns):
    del columns["dist_sq"]
    log = open_log(save(**columns, extra=1, **{"bad\x1b[31m": 2}))
    ignored, missing = log.warnings
    assert ignored == "ignored, not columns of a log: extra, bad\\x1b[31m"
    assert missing == "no column dist_sq: rsi, eb, qg cannot be fitted"


def test_members_are_found_wherever_they_lie(save, columns, tmp_path, npy):
    path = tmp_path / "odd.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, values) in enumerate(columns.items()):
            info = zipfile.ZipInfo(f"{name}.npy")
            info.extra = b"\xfe\xca" + (number + 1).to_bytes(2, "little") + b"x" * (number + 1)
            with archive.open(info, "w", force_zip64=number % 2 == 0) as entry:
                entry.write(npy(values))
        archive.comment = b"a comment"
    path.write_bytes(b"#!/bin/sh\nexit\n" + path.read_bytes())
    log = open_log(path)
    for name, values in columns.items():
        np.testing.assert_array_equal(read_all(log, name), values)


def test_passes_may_repeat_skip_and_interleave(save, columns):
    for compressed in (False, True):
        log = open_log(save(compressed, **columns))
        column, other = log.columns["loss"].array, fresh(log.columns["loss"].array)
        for start, stop in [(0, 10), (10, 20), (500, 600), (3, 4), (0, 1000), (0, 1000)]:
            np.testing.assert_array_equal(column.read(start, stop), columns["loss"][start:stop])
            np.testing.assert_array_equal(other.read(0, stop), columns["loss"][:stop])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_wrong_crc_is_found_while_reading(save, order, faults_of):
    rng = np.random.default_rng(3)
    x = np.asarray(rng.random((2000, 3)), order=order)
    path = save(x=x, grad=x, x_ref=np.ones(3), loss=rng.random(2000))
    data = bytearray(path.read_bytes())
    data[data.index(x.tobytes("A")) + 30_000] ^= 1
    path.write_bytes(data)
    (fault,) = faults_of(path)
    assert "column x" in fault.where
    assert "CRC" in fault.found
    assert "corrupt" in fault.found


def test_a_file_cut_short_while_it_is_read_is_an_error(save, columns):
    path = save(**columns)
    log = open_log(path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match="fewer bytes"):
        list(log.chunks(100))
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        list(log.chunks(100))


@pytest.mark.parametrize("compressed", [False, True])
def test_memory_stays_flat(save, compressed):
    rows = 1_000_000
    path = save(compressed, **dict.fromkeys(("loss", "loss_ref", "inner"), np.zeros(rows)))
    log = open_log(path)
    tracemalloc.start()
    for chunk in log.chunks(10_000):
        assert chunk.size == 10_000
        del chunk
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000  # of 24 MB
