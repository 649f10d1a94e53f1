"""One table of ratios, all measured in this run: boundcalc against what else one would do.

python benchmarks/run.py [--quick]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from boundcalc.fit import envelope
from boundcalc.fit.fold import fold, plan_for
from boundcalc.fit.frontier import Frontier
from boundcalc.guarantees.grid import axes, grid_of
from boundcalc.guarantees.pair import Pair, choose
from boundcalc.logs.arrays import log_from_arrays

Columns = dict[str, NDArray[np.float64]]
MARGIN = 0.1  # α − β is at least this in the LP


@dataclass(frozen=True)
class Line:
    """`ours` and `theirs` in seconds, or in MB where `unit` says so."""

    what: str
    ours: float
    against: str
    theirs: float
    required: str
    met: bool
    note: str = ""
    unit: str = "s"


def columns(rows: int) -> Columns:
    """A log of a model that does not interpolate: loss, loss_ref, inner."""
    rng = np.random.default_rng(0)
    loss, ref = rng.standard_exponential(rows), rng.standard_exponential(rows)
    inner = (loss - ref) * (0.5 + rng.random(rows)) - 0.4 * loss * rng.random(rows)
    return {"loss": loss, "loss_ref": ref, "inner": inner}


def full_columns(rows: int) -> Columns:
    """All columns that hold a number on every row."""
    rng = np.random.default_rng(1)
    found = columns(rows)
    found["loss_min"] = np.minimum(found["loss"], found["loss_ref"]) * rng.random(rows)
    found["grad_sqnorm"] = found["loss"] * (1 + rng.random(rows))
    found["dist_sq"] = found["inner"] ** 2 / found["grad_sqnorm"] * (1 + rng.random(rows))
    found["stepsize"] = 0.1 / np.sqrt(1 + np.arange(rows) / 1000)
    return found


def seconds(work: Callable[[], object], times: int = 9) -> float:
    """Least over some calls: what is lost to other programs is not the work's."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def exact_pair(log: object) -> tuple[Frontier, Pair]:
    found = envelope.finish(fold(log, plan_for(log)).envelope)  # type: ignore[arg-type]
    assert isinstance(found, Frontier)  # noqa: S101  # by construction of the log
    return found, choose(found, "minimal", None, margin=Fraction(1, 10))


def lp_value(data: Columns, solver: str, options: dict[str, float]) -> float:
    """Smallest α + β with α − β ≥ MARGIN, α a − β b ≤ c for every row, as a user would write it."""
    import cvxpy

    alpha, beta = cvxpy.Variable(nonneg=True), cvxpy.Variable(nonneg=True)
    a, b = data["loss"] - data["loss_ref"], data["loss"]
    rows = [alpha * a - beta * b <= data["inner"], alpha - beta >= MARGIN]
    problem = cvxpy.Problem(cvxpy.Minimize(alpha + beta), rows)
    problem.solve(solver=solver, **options)
    return float(problem.value)


def against_programs(rows: int) -> list[Line]:
    data = columns(rows)
    log = log_from_arrays(data, loss_min=0.0)
    ours = seconds(lambda: exact_pair(log))
    frontier, pair = exact_pair(log)
    value = pair.alpha + pair.beta
    lines = []
    tight = {
        "HIGHS": {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        "CLARABEL": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12},
    }
    for solver, options in tight.items():
        start = time.perf_counter()
        other = lp_value(data, solver, options)
        taken = time.perf_counter() - start
        apart = abs(other - value) / value
        fast = taken >= 1000 * ours or solver != "HIGHS" or rows < 10**6
        required = "answer to 1e-9" if solver != "HIGHS" else "answer to 1e-9, 1000 × less at 1e6"
        lines.append(
            Line(
                f"(α, β) of {rows:.0e} rows", ours, f"LP in cvxpy, {solver}", taken,
                required, fast and apart <= 1e-9, f"apart by {apart:.0e}",
            )
        )  # fmt: skip
    alphas, betas = axes(frontier, pair)
    rows_of_log = envelope.rows_of(next(log.chunks(rows)))
    start = time.perf_counter()
    grid_of(rows_of_log, alphas, betas)
    taken = time.perf_counter() - start
    lines.append(Line(f"(α, β) of {rows:.0e} rows", ours, "50 × 50 grid, NumPy", taken, "", True))
    return lines


def against_sum(data: Columns, most: float | None) -> Line:
    rows = len(data["loss"])
    given = {} if "loss_min" in data else {"loss_min": 0.0}
    log = log_from_arrays(data, **given)
    plan = plan_for(log)
    theirs = seconds(lambda: [np.sum(values) for values in data.values()])
    ours = seconds(lambda: fold(log, plan))
    return Line(
        f"whole fit, {rows:.0e} rows × {len(data)}", ours, "np.sum of the columns", theirs,
        f"≤ {most:g} × at 1e8" if most else "",
        most is None or rows < 10**8 or ours <= most * theirs,
    )  # fmt: skip


_STREAM = """
import resource, sys, time
from pathlib import Path
from boundcalc.fit.fold import fold, plan_for
from boundcalc.logs.open import open_log
import boundcalc.fit.scan
start = time.perf_counter()
log = open_log(sys.argv[1])
fold(log, plan_for(log))
taken, status = time.perf_counter() - start, Path("/proc/self/status")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in Linux no less than the parent's
if status.exists():
    peak = next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM"))
print(taken, peak / 1024)
"""


def streaming(rows: int) -> list[Line]:
    """Peak memory of the process that streams an npz, and its time against reading the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.npz")
        np.savez(path, **columns(rows))  # type: ignore[arg-type]
        size = path.stat().st_size / 1e6
        start = time.perf_counter()
        with path.open("rb", buffering=0) as file:
            block = bytearray(1 << 20)
            while file.readinto(block):
                pass
        read = time.perf_counter() - start
        out = subprocess.run(
            [sys.executable, "-c", _STREAM, str(path)], check=True, capture_output=True, text=True
        ).stdout
    taken, peak = map(float, out.split())
    what = f"npz of {size:.0f} MB"
    return [
        Line(what, peak, "a peak memory of", 700, "≤ 700 MB", peak <= 700, unit="MB"),
        Line(what, taken, "reading the file", read, "", True),
    ]


def table(lines: list[Line]) -> Table:
    out = Table(title=f"boundcalc, measured on {os.cpu_count()} cores", title_justify="left")
    for name in ("what", "boundcalc", "against", "takes", "ratio", "required", ""):
        out.add_column(name, justify="right" if name in {"boundcalc", "takes", "ratio"} else "left")
    for line in lines:
        ratio = line.theirs / line.ours
        out.add_row(
            line.what,
            f"{line.ours:.3g} {line.unit}",
            line.against,
            f"{line.theirs:.3g} {line.unit}",
            f"1 / {ratio:,.0f}" if ratio >= 10 else f"{1 / ratio:.2f}",
            line.required,
            " ".join(part for part in ("ok" if line.met else "MISSED", line.note) if part),
        )
    return out


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    import boundcalc.fit.scan  # noqa: F401  # compiles, or loads what was compiled before

    lines = [
        against_sum(columns(10**7 if quick else 10**8), 2.0),
        against_sum(full_columns(10**7), None),
        *streaming(10**7 if quick else 10**8),
        *against_programs(10**5 if quick else 10**6),
    ]
    Console(width=130).print(table(lines))
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
