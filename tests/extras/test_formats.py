"""Parquet, Arrow, HDF5 and Zarr: the same bits as npz, flat memory, and hostile files refused."""

from __future__ import annotations

import itertools
import json
import shutil

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from damage import DAMAGES, reads
from same_bits import awkward, fitted

from boundcalc import fit_log
from boundcalc.errors import InputError
from boundcalc.logs import isolated, log_from_arrays, open_log, open_logs
from boundcalc.logs.convert import convert

pytestmark = pytest.mark.filterwarnings("default")  # other projects' deprecations

SUFFIXES = (".parquet", ".arrow", ".h5", ".zarr")


def saved(path, arrays=None):
    convert(log_from_arrays(arrays or awkward()), path, path.suffix, lambda _: None)
    return path


def as_columns(arrays):
    rows = max(np.size(v) for v in arrays.values())
    return {k: np.broadcast_to(v, rows) for k, v in arrays.items()}


def refused(path):
    with pytest.raises(InputError) as raised:
        fit_log(path)
    return raised.value.faults[0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_fits_to_the_same_bits_as_npz(tmp_path, suffix):
    assert fitted(saved(tmp_path / f"a{suffix}")) == fitted(saved(tmp_path / "a.npz"))


def test_files_that_the_packages_write_themselves(tmp_path):
    arrays = awkward()
    expected = fitted(saved(tmp_path / "a.npz"))
    table = pa.table(as_columns(arrays))
    made = {}
    for groups, codec in ((37, "snappy"), (500, "gzip"), (100, "none")):
        made[f"{codec}.parquet"] = path = tmp_path / f"{codec}.parquet"
        pq.write_table(table, path, row_group_size=groups, compression=codec)
    made["feather"] = tmp_path / "a.feather"
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(str(made["feather"]), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=41)
    made["h5"] = tmp_path / "a.hdf5"
    with h5py.File(made["h5"], "w") as file:
        for name, values in arrays.items():
            text = values.dtype.kind == "U"
            packed = {"chunks": (33,), "compression": "gzip", "shuffle": True}
            options = packed if np.ndim(values) and not text else {}
            stored = values.astype(object) if text else values
            file.create_dataset(name, data=stored, **options)
    for version in (2, 3):
        made[f"zarr{version}"] = tmp_path / f"a{version}.zarr"
        group = zarr.open_group(str(made[f"zarr{version}"]), mode="w", zarr_format=version)
        for name, values in arrays.items():
            text = values.dtype.kind == "U" and version == 3  # which has no standard for it
            stored = np.unique(values, return_inverse=True)[1] if text else values
            group.create_array(name, data=stored, chunks=(70,) if np.ndim(values) else ())
    for path in made.values():
        assert fitted(path) == expected, path


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_vectors_in_formats_that_hold_arrays(tmp_path, suffix):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 3))
    loss = np.sum(x**2, axis=1) / 2
    arrays = {"x": x, "grad": x, "x_ref": np.zeros(3), "loss": loss, "loss_ref": np.array(0.0)}
    assert fitted(saved(tmp_path / f"a{suffix}", arrays)) == fitted(
        saved(tmp_path / "a.npz", arrays)
    )


def test_vectors_in_tables(tmp_path):
    """Lists of one length are vectors; others are refused."""
    x = np.random.default_rng(0).standard_normal((30, 3))
    for kind in (pa.list_(pa.float64(), 3), pa.list_(pa.float64())):
        table = pa.table({"loss": x[:, 0] ** 2, "grad": pa.array(x.tolist(), kind)})
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
        log = open_log(tmp_path / "a.parquet")
        expected = log_from_arrays({"loss": x[:, 0] ** 2, "grad": x})
        np.testing.assert_array_equal(
            log.columns["grad_sqnorm"].read(0, 30), expected.columns["grad_sqnorm"].read(0, 30)
        )
    ragged = [[1.0, 2.0], [1.0, 2.0, 3.0], [1.0]]
    pq.write_table(pa.table({"loss": [1.0, 2, 3], "grad": ragged}), tmp_path / "b.parquet")
    assert "length" in refused(tmp_path / "b.parquet").found


def test_reading_in_any_windows(tmp_path):
    values = np.random.default_rng(0).random(500)
    arrays = {"loss": values, "grad_sqnorm": values}
    pq.write_table(pa.table(arrays), tmp_path / "a.parquet", row_group_size=37)
    for path in (tmp_path / "a.parquet", saved(tmp_path / "a.arrow", arrays)):
        column = open_log(path).columns["loss"]
        for start, stop in [(0, 500), (490, 500), (3, 4), (4, 80), (36, 37), (37, 38), (0, 1)]:
            np.testing.assert_array_equal(column.read(start, stop), values[start:stop])


def test_partitioned_parquet(tmp_path):
    """A folder is one table; the names of folders are columns, as Hive has it."""
    arrays = {k: v for k, v in as_columns(awkward()).items() if k != "run"}
    folder = tmp_path / "table"
    cuts = np.array_split(np.arange(500), 12)
    for k, rows in enumerate(cuts):
        place = folder / f"run={k % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.table({n: v[rows] for n, v in arrays.items()}), place / f"part-{k}.parquet"
        )
    (folder / "_SUCCESS").touch()
    (folder / "run=0" / ".part-1.parquet.crc").touch()
    order = np.concatenate([cuts[k] for k in sorted(range(12), key=lambda k: (k % 2, k))])
    runs = np.concatenate(
        [np.full(len(cuts[k]), k % 2) for k in sorted(range(12), key=lambda k: (k % 2, k))]
    )
    whole = {n: v[order] for n, v in arrays.items()} | {"run": runs, "loss_min": np.array(-0.25)}
    expected, found = fitted(saved(tmp_path / "a.npz", whole)), fitted(folder)
    places = [one["file"] for one in found["alpha_beta"].pop("binding_at")]
    assert all(place.startswith(str(folder)) for place in places)
    assert fit_log(str(folder)).fit.runs == 2
    for one in (expected, found):
        one["alpha_beta"].pop("binding_at", None)
        for key in ("pl", "pl_star", "self_bounding", "aiming", "rsi", "eb", "qg"):
            one[key].pop("at", None)
        one.pop("warnings")
    assert found == expected
    log = open_logs([folder, saved(tmp_path / "other.npz", whole)])  # a table among other logs
    assert log.rows == 1000
    assert len(log.parts) == 13


def test_order_of_files_of_several_formats(tmp_path):
    arrays = as_columns(awkward())
    paths = []
    for k, suffix in enumerate((".npz", *SUFFIXES[:3])):
        rows = slice(125 * k, 125 * k + 125)
        paths.append(saved(tmp_path / f"{k}{suffix}", {n: v[rows] for n, v in arrays.items()}))
    first = fitted(paths)
    for order in itertools.islice(itertools.permutations(paths), 1, 24, 7):
        assert fitted(list(order)) == first


# hostile files


def honest(path):
    arrays = {k: v[:40] if np.ndim(v) else v for k, v in awkward().items()}
    return saved(path, arrays)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".h5"])
def test_damaged_files(tmp_path, monkeypatch, suffix, damage):
    monkeypatch.setattr(isolated, "PATIENCE", 3.0)  # HDF5 hangs on some of them
    data = honest(tmp_path / f"honest{suffix}").read_bytes()
    rng = np.random.default_rng([len(data), len(damage.__name__)])
    path = tmp_path / f"damaged{suffix}"
    refused_files = 0
    for _ in range(60 if suffix == ".h5" else 250):
        path.write_bytes(damage(data, rng))
        refused_files += not reads(path)
    assert refused_files > 10


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_zarr(tmp_path, damage):
    path = honest(tmp_path / "honest.zarr")
    files = [p for p in path.rglob("*") if p.is_file() and p.stat().st_size]
    rng = np.random.default_rng(len(damage.__name__))
    refused_files = 0
    for _ in range(100):
        file = files[rng.integers(len(files))]
        data = file.read_bytes()
        file.write_bytes(damage(data, rng))
        refused_files += not reads(path)
        file.write_bytes(data)
    assert refused_files > 20


def test_truncated_and_empty_files(tmp_path):
    for suffix in (".parquet", ".arrow", ".h5"):
        path = honest(tmp_path / f"a{suffix}")
        data = path.read_bytes()
        for part in (b"", data[:4], data[: len(data) // 2], data[:-1]):
            path.write_bytes(part)
            fault = refused(path)
            assert fault.where.startswith(str(path))
    pq.write_table(pa.table({"loss": [], "grad_sqnorm": []}), tmp_path / "b.parquet")
    assert "zero rows" in refused(tmp_path / "b.parquet").found


def test_types_that_no_column_has(tmp_path):
    for values, said in [
        (pa.array(["a", "b"]), "text"),
        (pa.array([True, False]), "booleans"),
        (pa.array([1, 2], pa.timestamp("s")), "dates"),
        (pa.array([{"a": 1}, {"a": 2}]), "structured records"),
        (pa.array([b"a", b"b"]), "structured records"),
    ]:
        pq.write_table(
            pa.table({"loss": values, "grad_sqnorm": [1.0, 2.0]}), tmp_path / "a.parquet"
        )
        assert said in refused(tmp_path / "a.parquet").found


def test_chunks_that_zarr_makes_up(tmp_path):
    """An absent chunk reads as zeros: said where other columns are whole, refused where none is."""
    path = honest(tmp_path / "a.zarr")
    (path / "loss_ref" / "0").unlink()
    assert any("1 chunks are absent" in said for said in open_log(path).warnings)
    for chunk in path.glob("*/0"):
        chunk.unlink()
    assert "not there" in refused(path).found


def test_codecs_that_unpickle_are_refused(tmp_path):
    path = honest(tmp_path / "a.zarr")
    metadata = json.loads((path / "loss" / ".zarray").read_text())
    metadata |= {"dtype": "|O", "filters": [{"id": "pickle"}]}
    (path / "loss" / ".zarray").write_text(json.dumps(metadata))
    assert "never unpickled" in refused(path).expected


def test_datasets_that_lead_out_of_their_file(tmp_path):
    values = np.ones(40)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["loss"] = values
    for name in ("external", "link", "virtual"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["grad_sqnorm"] = values
            if name == "link":
                file["loss"] = h5py.ExternalLink("other.h5", "loss")
            elif name == "external":
                file.create_dataset("loss", (40,), "f8", external=[("/etc/passwd", 0, 320)])
            else:
                layout = h5py.VirtualLayout((40,), "f8")
                layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "loss", (40,))
                file.create_virtual_dataset("loss", layout)
        assert "in the file itself" in refused(tmp_path / f"{name}.h5").expected


def test_sizes_that_are_only_claimed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("loss", "grad_sqnorm"):
            file.create_dataset(name, (10**15,), "f8", chunks=(1000,))
    assert "claimed" in refused(tmp_path / "a.h5").found
    path = honest(tmp_path / "a.zarr")
    for metadata_file in path.glob("*/.zarray"):
        metadata = json.loads(metadata_file.read_text())
        if metadata["shape"]:
            metadata |= {"shape": [10**13], "chunks": [10**12]}
            metadata_file.write_text(json.dumps(metadata))
    assert "chunks of" in refused(path).found


def test_a_process_that_dies_is_a_fault_of_the_file(tmp_path):
    """And the next file is read as if nothing had been."""
    good, other = honest(tmp_path / "a.parquet"), honest(tmp_path / "b.parquet")
    expected = fitted(good)
    log = open_log(good)
    isolated._POOL._process._child.kill()
    with pytest.raises(InputError, match="SIGKILL"):
        log.columns["loss"].read(0, 40)
    assert fitted(good) == expected
    shutil.copy(other, good)
    assert fitted(good) == expected


# remote


@pytest.fixture
def memory():
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def test_every_format_from_afar(tmp_path, memory):
    expected = fitted(saved(tmp_path / "a.npz"))
    for suffix in (".npz", ".csv", ".jsonl", *SUFFIXES):
        path = tmp_path / f"a{suffix}"
        if suffix != ".npz":
            saved(path)
        memory.put(str(path), f"/logs/a{suffix}", recursive=path.is_dir())
        assert fitted(f"memory://logs/a{suffix}") == expected
        assert fitted(path.as_uri()) == expected


def test_patterns_and_folders_from_afar(tmp_path, memory):
    arrays = as_columns(awkward())
    for k in range(3):
        part = saved(tmp_path / f"{k}.parquet", {n: v[k::3] for n, v in arrays.items()})
        memory.put(str(part), f"/table/{k}.parquet")
    for name in ("memory://table", "memory://table/*.parquet"):
        log = open_logs([name])
        assert log.rows == 500
        assert [part.source for part in log.parts] == [
            f"memory://table/{k}.parquet" for k in range(3)
        ]


def test_urls_that_lead_nowhere(memory):
    assert "nothing there" in refused("memory://none.npz").found
    assert "fsspec" in refused("nosuchscheme://none.npz").expected
    memory.pipe("/a.npz", b"")
    assert refused("memory://a.npz").found == "an empty file"
