"""Every way in which a file can be no log has its own message: where, found, expected, fix."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.logs import open_log


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def trap(tmp_path):
    """A folder that appears when something was unpickled."""
    path = tmp_path / "unpickled"
    yield str(path)
    assert not path.exists()


def test_files_that_are_no_logs_say_what_they_are(tmp_path, faults_of, trap):
    stream = io.BytesIO()
    np.save(stream, np.ones(3))
    for content, found in [
        (b"", "an empty file"),
        (stream.getvalue(), "a single npy array"),
        (pickle.dumps(Payload(trap)), "a pickle (never loaded)"),
        (b"loss,inner\n1,2\n", "a text file (.log)"),
        (b"\x1f\x8b....", "a gzip archive"),
        (b"\x00\x01\x02", "a file of no known format"),
    ]:
        path = tmp_path / "a.log"
        path.write_bytes(content)
        (fault,) = faults_of(path)
        assert fault.where == str(path)
        assert fault.found.startswith(found)
        assert fault.expected.startswith("a log: npz, CSV")
        assert "np.savez" in fault.fix


def test_links_that_lead_nowhere_say_so(tmp_path, faults_of):
    (tmp_path / "loop.npz").symlink_to("loop.npz")
    (tmp_path / "lost.npz").symlink_to("none.npz")
    assert faults_of(tmp_path / "loop.npz")[0].found == "a loop of symbolic links"
    assert faults_of(tmp_path / "loop.npz" / "log.npz")[0].found == "a loop of symbolic links"
    found = faults_of(tmp_path / "lost.npz")[0].found
    assert found == "a symbolic link to a file that does not exist"


@pytest.mark.parametrize(
    ("step", "found", "expected"),
    [
        (np.array([str(k) for k in range(1000)]), "text", "integers"),
        (np.arange(1000) + 0.5, "numbers that are not integers", "integers"),
        (np.linspace(-(2.0**62.5), 0, 1000).astype(np.int64), "beyond ±2^62", "number of the step"),
        (np.arange(1000) + (2**62 - 998), "beyond ±2^62", "number of the step"),
        (np.arange(1000) * 2.0**54, "beyond ±2^62", "number of the step"),
        (np.full(1000, 2**63, dtype=np.uint64), "beyond 2^63", "integers"),
    ],
)
def test_steps_are_numbers_that_can_be_subtracted(save, columns, faults_of, step, found, expected):
    (fault,) = faults_of(save(**columns, step=step))
    assert found in fault.found
    assert expected in fault.expected
    assert "step" in fault.where


def test_the_largest_steps_are_taken(save, columns):
    step = np.repeat([-(2**62), 2**62], 500)
    (chunk,) = open_log(save(**columns, step=step)).chunks(1000)
    np.testing.assert_array_equal(chunk.columns["step"], step)


def test_whole_data_values_suffice_for_pl(save, faults_of):
    whole = {"full_loss": np.ones(9), "full_grad_sqnorm": np.ones(9)}
    log = open_log(save(**whole))
    assert not any("pl cannot" in said or " pl," in said for said in log.warnings)
    assert open_log(save(**whole, loss_min=0.5)).rows == 9
    (fault,) = faults_of(save(**whole, loss_min=np.zeros(9)))  # f* of the whole is not known then
    assert "too little" in fault.found
    assert "full_grad_sqnorm" in fault.expected
    (fault,) = faults_of(save(full_loss=np.ones(9)))
    assert fault.found == "only full_loss: too little for any condition"


def test_paths_that_are_no_files(tmp_path, faults_of):
    assert faults_of(tmp_path)[0].found == "a directory"
    assert faults_of(tmp_path / "none.npz")[0].found == "no such file"
    assert faults_of(tmp_path / ("long" * 200))[0].found in {"no such file", "File name too long"}
    assert faults_of("a\0b")[0].fix == "check the path"
    os.mkfifo(tmp_path / "pipe")
    assert faults_of(tmp_path / "pipe")[0].found == "a device or a pipe"


@pytest.mark.parametrize("compressed", [False, True])
def test_object_arrays_are_never_unpickled(save, columns, faults_of, trap, compressed):
    objects = np.array([Payload(trap)] * 1000, dtype=object)
    (fault,) = faults_of(save(compressed, **(columns | {"loss": objects})))
    assert fault.where.endswith("run.npz: column loss")
    assert fault.found == "pickled Python objects (never loaded) (dtype object)"
    assert ".astype(float)" in fault.fix


@pytest.mark.parametrize(
    ("dtype", "found"),
    [
        ("c16", "complex numbers (dtype complex128)"),
        ("?", "booleans"),
        ("M8[s]", "dates"),
        ("m8[s]", "time spans"),
        ("S4", "text"),
        ([("a", "f8"), ("b", "f8")], "structured records"),
        ("V8", "structured records"),
    ],
)
def test_other_number_types_are_named(save, columns, faults_of, dtype, found):
    (fault,) = faults_of(save(**(columns | {"inner": np.zeros(1000, dtype)})))
    assert fault.where.endswith("column inner")
    assert fault.found.startswith(found)
    assert fault.expected == "real numbers (float or integer dtype)"


def test_labels_have_a_width(save, columns, faults_of):
    (fault,) = faults_of(save(**columns, run=np.zeros(1000, "U2000")))
    assert fault.found.startswith("text of width 2000")


def test_all_faults_are_collected(save, columns, faults_of):
    columns["loss"] = columns["loss"].astype(complex)
    columns["inner"] = columns["inner"][:-1]
    columns["dist_sq"] = np.ones((1000, 3))
    columns["stepsize"] = np.ones(1001)
    first, second, third = faults_of(save(**columns))
    assert "complex" in first.found
    assert second.found == "shape (1000, 3)"
    assert second.fix == "reshape it to (N,)"
    lengths = "loss_ref 1000, inner 999, grad_sqnorm 1000, stepsize 1001"
    assert third.found == f"different numbers of rows: {lengths}"
    assert "one row per (step, sample)" in third.expected


@pytest.mark.parametrize("rows", [0, 1])
def test_a_run_has_at_least_two_rows(save, columns, faults_of, rows):
    (fault,) = faults_of(save(**{name: values[:rows] for name, values in columns.items()}))
    assert fault.found.startswith(("zero rows", "one row")[rows])


def test_vectors_must_agree(save, faults_of):
    bad = {"x": np.ones((9, 3)), "grad": np.ones((9, 4)), "x_ref": np.ones(3)}
    (fault,) = faults_of(save(**bad, loss=np.ones(9)))
    assert fault.found == "different numbers of parameters d: x 3, grad 4, x_ref 3"
    bad = {"jacobian": np.ones((9, 2, 3)), "residual": np.ones((9, 3)), "w": np.ones((9, 2))}
    assert len(faults_of(save(**bad))) == 2
    (fault,) = faults_of(save(x=np.ones((9, 0)), grad=np.ones((9, 0)), x_ref=np.ones(0)))
    assert fault.found == "zero parameters d in x, grad, x_ref"
    (fault,) = faults_of(save(x=np.ones(9), grad=np.ones((9, 1)), x_ref=np.ones(1)))
    assert fault.fix == "reshape it to (N, d)"


def test_some_condition_must_be_possible(save, faults_of):
    (fault,) = faults_of(save(loss=np.ones(9), step=np.arange(9)))
    assert fault.found == "only loss, step: too little for any condition"
    (fault,) = faults_of(save(jacobian=np.ones((9, 1, 1))))
    assert "no column follows" in fault.found
    (fault,) = faults_of(save(W1=np.ones(9), b1=np.ones(9)))
    assert fault.found == "no column of a log, only W1, b1"
    (fault,) = faults_of(save())
    assert fault.found == "no arrays"
    (fault,) = faults_of(save(loss_ref=1.0))
    assert fault.found == "no column with rows, only loss_ref"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members_are_refused(tmp_path, columns, npy, faults_of):
    path = tmp_path / "twice.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*columns, "loss"]:
            archive.writestr(f"{name}.npy", npy(columns[name]))
    (fault,) = faults_of(path)
    assert fault.found == "two arrays of this name"


@pytest.mark.parametrize(
    ("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")]
)
def test_other_compression_is_named(save_bytes, columns, faults_of, method, name):
    faults = faults_of(save_bytes({f"{n}.npy": v for n, v in columns.items()}, method))
    assert {fault.found for fault in faults} == {f"compression by {name}"}
    assert len(faults) == len(columns)
    assert "np.savez" in faults[0].fix


def test_encrypted_members_are_refused(save, columns, faults_of):
    path = save(**columns)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # general purpose flags
    path.write_bytes(data)
    (fault,) = faults_of(path)
    assert fault.found == "encrypted data"


HEADERS = {
    "no dictionary": b"[1, 2]",
    "not closed": b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,",
    "nested": b"(" * 4000,
    "minus": b"-" * 4000 + b"1",
    "not": b"not " * 1000 + b"1",
    "call": b"{'descr': __import__('os').mkdir('x'), 'fortran_order': False, 'shape': (3,)}",
    "negative": b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
    "boolean": b"{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
    "digits": b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 3900 + b",)}",
    "strange dtype": b"{'descr': '<q8', 'fortran_order': False, 'shape': (3,)}",
    "null": b"{'descr': '<f8\0', 'fortran_order': False, 'shape': (3,)}",
    "escape": b"{'descr': '\\d', 'fortran_order': False, 'shape': (3,)}",
    "latin": b"{'descr': '\xff', 'fortran_order': False, 'shape': (3,)}",
    "too long": b" " * 60_000,
    "date unit": b"{'descr': 'M8[5D/0]x', 'fortran_order': False, 'shape': ()}",
    "twice": b"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
    "missing": b"{'descr': '<f8', 'fortran_order': False}",
    "no comma": b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000)}",
    "empty": b"",
}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("text", HEADERS.values(), ids=HEADERS.keys())
def test_malformed_headers(save_bytes, columns, faults_of, text, version):
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    head = b"\x93NUMPY" + bytes([version, 0]) + length + text
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        members = {f"{name}.npy": values for name, values in columns.items()}
        faults = faults_of(save_bytes(members | {"loss.npy": head + bytes(24)}, method))
        assert faults[0].where.endswith("column loss")
        assert "malformed npy header" in faults[0].found or "corrupt" in faults[0].found


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"hello" * 100])
def test_members_that_are_no_arrays(save_bytes, columns, faults_of, content):
    members = {f"{name}.npy": values for name, values in columns.items()}
    (fault,) = faults_of(save_bytes(members | {"loss.npy": content}))
    assert "malformed npy header" in fault.found


def test_headers_of_version_3_and_of_python_2_are_read(save_bytes, columns):
    members = {f"{name}.npy": values for name, values in columns.items()}
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000L,), }\n"
    first = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8000)
    text = text.replace(b"L", b"")
    third = b"\x93NUMPY\x03\x00" + struct.pack("<I", len(text)) + text + bytes(8000)
    log = open_log(save_bytes(members | {"loss.npy": first, "inner.npy": third}))
    assert log.rows == 1000


def test_date_units_are_not_looked_at(save_bytes, columns, faults_of):
    """numpy divides by zero when it reads this one, which ends the process."""
    text = b"{'descr': '<M8[5D/0]', 'fortran_order': False, 'shape': (1000,), }"
    first = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8000)
    members = {f"{name}.npy": values for name, values in columns.items()}
    (fault,) = faults_of(save_bytes(members | {"loss.npy": first}))
    assert fault.found.startswith("dates")


def claiming(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize("shape", ["(999,)", "(1001,)", "(10**30,)", "(1" + "0" * 300 + ",)"])
def test_a_shape_must_fit_its_member(save_bytes, columns, faults_of, shape):
    members = {f"{name}.npy": values for name, values in columns.items()}
    (fault,) = faults_of(save_bytes(members | {"loss.npy": claiming(shape) + bytes(8000)}))
    assert "corrupt" in fault.found or "malformed" in fault.found


def test_a_decompression_bomb_is_refused(save_bytes, columns, faults_of):
    """Sizes that deflate cannot reach are lies; rows that it can reach are not held at once."""
    members = {f"{name}.npy": values for name, values in columns.items()}
    path = save_bytes(
        members | {"loss.npy": claiming("(1000000000,)") + bytes(8000)}, zipfile.ZIP_DEFLATED
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 8_000_000_000 & 0xFFFFFFFF)
    path.write_bytes(data)
    faults = faults_of(path)
    assert any("bytes claimed in" in fault.found for fault in faults)


def test_a_compressed_row_may_not_be_huge(tmp_path, faults_of):
    path = tmp_path / "bomb.npz"
    row = (1 << 28) // 8 + 1
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("loss.npy", claiming("(2,)") + bytes(16))
        with archive.open("grad.npy", "w") as entry:
            entry.write(claiming(f"(2,{row})"))
            for _ in range(2 * row * 8 // (1 << 20)):
                entry.write(bytes(1 << 20))
            entry.write(bytes(16))
    (fault,) = faults_of(path)
    assert "compressed rows of" in fault.found
    assert "np.savez" in fault.fix


def test_a_compressed_member_damaged_halfway_is_an_error_while_reading(save, columns, faults_of):
    rng = np.random.default_rng(5)
    columns["loss"] = rng.random(1000)
    path = save(True, **columns)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("loss.npy")
    at = info.header_offset + 60 + info.compress_size - 100
    data[at : at + 50] = bytes(50)
    path.write_bytes(data)
    with pytest.raises(InputError, match="corrupt"):
        for _ in open_log(path).chunks(10):
            pass
    (fault,) = faults_of(path)
    assert "column loss" in fault.where
