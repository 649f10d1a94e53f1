"""The fold on dask's workers against the serial one: python benchmarks/cluster.py [ROWS]

One uncompressed npz of seven columns; wall time of the fold alone, workers up and warm (the first
fold of each cluster, which loads compiled loops, is not counted).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from boundcalc.fit.cluster import Reopen, cluster
from boundcalc.fit.fold import fold, plan_for
from boundcalc.logs.open import open_logs


def write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    ref = 0.1 * rng.random(rows)
    np.savez(
        path,
        loss=ref + rng.random(rows),
        loss_ref=ref,
        inner=rng.random(rows),
        grad_sqnorm=1 + rng.random(rows),
        dist_sq=10 + rng.random(rows),
        step=np.arange(rows),
        sample=rng.integers(0, 1000, rows),
    )


def main() -> None:
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 20_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.npz"
        write(path, rows)
        log = open_logs([str(path)])
        plan = plan_for(log)
        fold(log, plan)
        start = time.perf_counter()
        wanted = fold(log, plan)
        serial = time.perf_counter() - start
        print(f"{rows:,} rows, serial: {serial:.2f} s, {1e9 * serial / rows:.0f} ns a row")
        for workers in (1, 2, 4):
            with cluster(Reopen((str(path),)), workers=workers) as there:
                there.fold(log, plan)
                same = there.fold(log, plan) == wanted
                effort = there.effort
            if not same:
                sys.exit("the fold on the cluster is another one")
            if effort is not None:
                print(
                    f"{workers} workers, {effort.parts} parts: {effort.seconds:.2f} s, "
                    f"{effort.nanoseconds_per_row:.0f} ns of a worker a row, "
                    f"{serial / effort.seconds:.2f} times the serial speed"
                )


if __name__ == "__main__":
    main()
