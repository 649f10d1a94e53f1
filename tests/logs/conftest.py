"""Logs to read: honest ones written by numpy, and ones that are put together byte by byte."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boundcalc.errors import Fault, InputError
from boundcalc.logs import open_log

Save = Callable[..., Path]


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    """An honest scalar log of 1,000 rows."""
    rng = np.random.default_rng(0)
    x, x_ref = rng.standard_normal((1000, 3)), rng.standard_normal(3)
    grad = rng.standard_normal((1000, 3))
    return {
        "loss": rng.random(1000),
        "loss_ref": rng.random(1000),
        "inner": np.sum(grad * (x - x_ref), axis=1),
        "grad_sqnorm": np.sum(grad**2, axis=1),
        "dist_sq": np.sum((x - x_ref) ** 2, axis=1),
    }


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write arrays as np.savez does, compressed or not."""

    def write(compressed: bool = False, **arrays: object) -> Path:
        path = tmp_path / "run.npz"
        (np.savez_compressed if compressed else np.savez)(path, **arrays)  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture
def save_bytes(tmp_path: Path) -> Save:
    """Write a zip of members given as bytes, or as arrays."""

    def write(members: dict[str, object], method: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "run.npz"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(
                    name, content if isinstance(content, bytes) else npy_bytes(content)
                )
        return path

    return write


@pytest.fixture
def faults_of() -> Callable[..., tuple[Fault, ...]]:
    """Open and read a log that is faulty; the faults that are reported."""

    def read(path: Path, **options: object) -> tuple[Fault, ...]:
        with pytest.raises(InputError) as raised:
            log = open_log(path, **options)  # type: ignore[arg-type]
            for _ in log.chunks(300):
                pass
        for fault in raised.value.faults:
            assert all((fault.where, fault.found, fault.expected, fault.fix))
            assert "\n" not in str(fault)
            assert len(str(fault)) < 600 + len(str(path))
        return raised.value.faults

    return read


@pytest.fixture
def npy() -> Callable[[object], bytes]:
    """The bytes of an npy file."""
    return npy_bytes


def npy_bytes(array: object) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()
