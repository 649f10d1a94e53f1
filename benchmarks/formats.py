"""Rows per second and peak memory of a fit that streams a log, by format.

    python benchmarks/formats.py                     # 10^7 rows of Parquet, 10^6 of the others
    python benchmarks/formats.py --rows 100000000    # needs 5 GB of disk; some minutes

Needs boundcalc[formats]. Memory is that of the process and of the one beside it that reads.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from boundcalc.logs.convert import convert
from boundcalc.logs.open import open_log

SLICE = 1 << 20
OTHERS = (".npz", ".arrow", ".h5", ".zarr", ".csv", ".jsonl")

_FIT = """
import sys, time
from pathlib import Path
from boundcalc.fit.fold import fold, plan_for
from boundcalc.logs import isolated
from boundcalc.logs.open import open_log
import boundcalc.fit.scan

def peak(process):
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

start = time.perf_counter()
log = open_log(sys.argv[1])
fold(log, plan_for(log))
taken = time.perf_counter() - start
beside = isolated._POOL._process
print(taken, peak("self"), peak(beside._child.pid) if beside else 0)
"""


def columns(rows: int, seed: int) -> dict[str, np.ndarray]:
    """A log that bends: nothing in it is constant or sorted."""
    rng = np.random.default_rng(seed)
    loss, ref = rng.random(rows) + 0.1, rng.random(rows) * 0.1
    dist, grad = rng.random(rows) + 0.5, rng.random(rows) + 0.5
    inner = (rng.random(rows) - 0.3) * np.sqrt(dist * grad)
    return {"loss": loss, "loss_ref": ref, "inner": inner, "grad_sqnorm": grad, "dist_sq": dist}


def write_parquet(path: Path, rows: int) -> None:
    """Rows in slices, so that any number of them can be written."""
    writer = None
    for k in range(0, rows, SLICE):
        table = pa.table(columns(min(SLICE, rows - k), k))
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, use_dictionary=False)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def measured(path: Path, rows: int) -> str:
    """One line of the table."""
    line = [sys.executable, "-c", _FIT, str(path)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    taken, own, beside = map(float, done.stdout.split())
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    size = sum(p.stat().st_size for p in files) / 1e6
    file = f"| {path.suffix[1:]} | {rows:.0e} | {size:,.0f} MB |"
    return f"{file} {taken:.2f} s | {rows / taken:,.0f} | {own:.0f} + {beside:.0f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**7, help="rows of Parquet")
    parser.add_argument("--others", type=int, default=10**6, help="rows of the other formats")
    asked = parser.parse_args()
    print("| format | rows | file | time | rows/s | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.parquet")
        for rows in sorted({asked.others, asked.rows}):
            write_parquet(path, rows)
            print(measured(path, rows), flush=True)
        write_parquet(path, asked.others)
        log = open_log(path)
        for suffix in OTHERS:
            other = Path(folder, f"log{suffix}")
            convert(log, other, suffix, lambda _: None)
            print(measured(other, asked.others), flush=True)


if __name__ == "__main__":
    main()
