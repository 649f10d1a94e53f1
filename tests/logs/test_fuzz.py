"""Damaged files give an InputError or, where the damage hits nothing that is read, a log."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from damage import DAMAGES, reads

CASES = 300  # per kind of file and of damage


def honest(path, kind):
    rng = np.random.default_rng(0)
    compressed = kind.endswith("deflated")
    if kind.startswith("scalar"):
        arrays = {"loss": rng.random(40), "grad_sqnorm": rng.random(40).astype(">f4")}
        arrays |= {"run": np.array(["a", "b"] * 20), "loss_min": -1.0}
    else:
        x = np.asfortranarray(rng.random((20, 3)))
        arrays = {"x": x, "grad": x.copy("C"), "x_ref": np.ones(3), "loss": rng.random(20)}
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path.read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "kind", ["scalar-stored", "scalar-deflated", "vector-stored", "vector-deflated"]
)
def test_damaged_files(tmp_path, kind, damage):
    data = honest(tmp_path / "honest.npz", kind)
    rng = np.random.default_rng([len(data), len(damage.__name__)])
    path = tmp_path / "damaged.npz"
    refused = 0
    tracemalloc.start()
    try:
        for _ in range(CASES):
            path.write_bytes(damage(data, rng))
            refused += not reads(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused > CASES / 5
    assert peak < 20_000_000


WORDS = {
    "descr": [
        "'<f8'", "'>f2'", "'<f16'", "'<i3'", "'|O'", "'<U0'", "'<U999999999'", "'|S1'", "'|V0'",
        "'<c8'", "'f8,f8'", "'(2,)f8'", "'M8[5D/0]'", "'<m8[]'", "'?'", "'b9'", "'T'", "'='",
        "[('a', '<f8')]", "[]", "None", "8", "'\\x00'", "'<f8", "f'<f8'", "('<f8', (2,))",
    ],
    "fortran_order": ["False", "True", "None", "1", "'False'", "lambda: 0"],
    "shape": [
        "(40,)", "(40, 1)", "(8, 5)", "()", "(0,)", "(-1,)", "(40)", "[40]", "(40, True)", "(1, 2",
        "(" + "9" * 18 + ",)", "(" + "9" * 25 + ",)", "(" + "2, " * 40 + ")", "(4e1,)", "(,)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_made_of_hostile_words(tmp_path, save_bytes, method):
    """Files whose checksums are right and whose headers are not: hostile, not damaged."""
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(500):
        items = [f"{key!r}: {words[rng.integers(len(words))]}" for key, words in WORDS.items()]
        text = "{" + ", ".join(rng.permutation(items)) + rng.choice([", }", "}", "", "}\n"])
        version = int(rng.choice([1, 1, 1, 2, 3, 9]))
        length = struct.pack("<H" if version == 1 else "<I", len(text) - (rng.random() < 0.1))
        head = b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin-1")
        name = rng.choice(["loss", "grad_sqnorm", "loss_min", "run", "x", "x_ref", "jacobian"])
        size = rng.choice([0, 8, 80, 320, 640])
        members = {"loss.npy": np.ones(40), "grad_sqnorm.npy": np.ones(40)}
        refused += not reads(save_bytes(members | {f"{name}.npy": head + bytes(size)}, method))
    assert refused > 400
