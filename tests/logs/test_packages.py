"""Without the package for a format there is one clear error, which names the extra."""

from __future__ import annotations

import sys

import pytest

from boundcalc.errors import InputError
from boundcalc.logs import open_log


@pytest.mark.parametrize(
    ("name", "content", "package", "extra"),
    [
        ("a.parquet", b"PAR1....PAR1", "pyarrow", "formats"),
        ("a.arrow", b"ARROW1\0\0....", "pyarrow", "formats"),
        ("a.h5", b"\x89HDF\r\n\x1a\n....", "h5py", "formats"),
        ("a.zarr", None, "zarr", "formats"),
        ("memory://a.npz", None, "fsspec", "remote"),
    ],
)
def test_a_missing_package_names_its_extra(tmp_path, monkeypatch, name, content, package, extra):
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / name if "://" not in name else name
    if content is not None:
        path.write_bytes(content)
    elif name == "a.zarr":
        path.mkdir()
        (path / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(InputError) as raised:
        open_log(path)
    (fault,) = raised.value.faults
    assert f"the package {package} is not installed" in fault.found
    assert fault.fix == f"pip install 'boundcalc[{extra}]'"


def test_no_format_is_imported_before_it_is_needed():
    import subprocess

    line = (
        "import sys, boundcalc.logs.open; "
        "print([m for m in ('pyarrow', 'h5py', 'zarr', 'fsspec') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
