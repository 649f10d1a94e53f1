"""What a figure shows of the rows: one pass over the log, kept to a few thousand numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit import runs
from boundcalc.fit.fold import CHUNK_ROWS, plan_for
from boundcalc.fit.frontier import Infeasible
from boundcalc.fit.moments import WindowPlan
from boundcalc.fit.positions import with_positions
from boundcalc.guarantees.assessment import Assessment, Progress
from boundcalc.logs import check
from boundcalc.logs.log import Chunk, Float, Log
from boundcalc.report.pixels import COLUMNS, Columns, Profile, row_edges, step_edges

Int = NDArray[np.int64]

_HORIZONS = 60
_FARTHEST = 10**15  # steps; beyond, an axis of steps says nothing more
_ROUNDING = 2.0**-49  # relative: seven roundings of 2^-53 at most, with room to spare


@dataclass(frozen=True)
class StepSums:
    """Step sizes of the first k steps, for each k of `horizons` (h,): k·mean γ and k·mean γ²."""

    gamma_sum: Float
    gamma_sqsum: Float


@dataclass(frozen=True)
class Trace:
    """What the panels need of the rows; None where columns (or a pair) are missing.

    slack : inner − α(loss − loss_ref) + β(loss − loss_min) over row numbers, loss units.
    observed : f − f_ref over the number of steps (the start is 1), loss units; `how` in words.
    horizons : numbers of steps at which a bound is worth drawing, the last is the assessment's.
    witnesses : row number → (loss − loss_ref, loss − loss_min, inner) of the rows that bind.
    """

    slack: Profile | None
    observed: Profile | None
    how: str
    horizons: tuple[int, ...]
    steps: StepSums | None
    witnesses: dict[int, tuple[float, float, float]]


def chunks_of(
    log: Log, assessment: Assessment, names: tuple[str, ...], rows: int = CHUNK_ROWS
) -> Iterator[Chunk]:
    """The rows that the fit used, with the named columns (or more)."""
    if not assessment.request.drop_nonfinite:
        yield from log.chunks(rows, tuple(name for name in names if name in log.columns))
        return
    for chunk in log.chunks(rows):  # whether a row is usable depends on all its columns
        yield check.drop(chunk, check.usable(chunk))


def slack_of(chunk: Chunk, alpha: float, beta: float) -> Float:
    """inner − α(loss − loss_ref) + β(loss − loss_min), (n,); 0 where it is 0 up to rounding."""
    loss, ref, inner = (
        chunk.columns[name].astype(np.float64, copy=False) for name in ("loss", "loss_ref", "inner")
    )
    with np.errstate(all="ignore"):  # overflow: such values are left out of the picture
        slack = inner - alpha * (loss - ref) + beta * (loss - chunk.loss_min)
        size = np.abs(inner) + alpha * (np.abs(loss) + np.abs(ref))
        size += beta * (np.abs(loss) + np.abs(chunk.loss_min))
        return np.where(np.abs(slack) <= _ROUNDING * size, 0.0, slack)


def trace(
    log: Log,
    assessment: Assessment,
    progress: Progress | None = None,
    *,
    columns: int = COLUMNS,
    chunk_rows: int = CHUNK_ROWS,
) -> Trace:
    """Read the log once more (its labels twice) and keep what the panels show."""
    log = with_positions(log)
    fit, pair = assessment.fit, assessment.pair
    per_run = _runs(log, assessment, chunk_rows)
    course = (
        None if fit.observed is None else _Course(log, assessment, per_run, columns, chunk_rows)
    )
    slack = None
    if pair is not None:
        slack = Columns(row_edges(log.rows, columns))
    horizons = _horizons(assessment.steps)
    sums = _StepSums(horizons) if fit.step_sizes is not None else None
    wanted = _witness_rows(assessment)
    witnesses: dict[int, tuple[float, float, float]] = {}
    names: tuple[str, ...] = ("loss", "loss_ref", "full_loss", "step", "run", "stepsize")
    if slack is not None or wanted:
        names = (*names, "inner")
    for chunk in chunks_of(log, assessment, names, chunk_rows):
        if not chunk.size:
            continue
        position = _position(chunk, per_run)
        if slack is not None and pair is not None:
            slack.add(chunk.row_numbers(), slack_of(chunk, pair.alpha, pair.beta))
        if course is not None:
            course.add(chunk, position)
        if sums is not None:
            sums.add(chunk, position)
        witnesses |= _witnesses(chunk, wanted)
        if progress is not None:
            progress("figure", chunk.start + chunk.size)
    return Trace(
        None if slack is None else slack.profile(),
        None if course is None else course.profile(),
        "" if course is None else course.how,
        horizons,
        None if sums is None else sums.finish(),
        witnesses,
    )


def _horizons(steps: int) -> tuple[int, ...]:
    steps = max(1, min(steps, _FARTHEST))
    spaced = np.geomspace(1, steps, _HORIZONS)
    return tuple(sorted({*(round(k) for k in spaced.tolist()[:-1]), steps}))


def _witness_rows(assessment: Assessment) -> tuple[int, ...]:
    if isinstance(assessment.fit.alpha_beta, Infeasible):
        return assessment.fit.alpha_beta.rows
    return () if assessment.pair is None else assessment.pair.binding_rows


def _witnesses(chunk: Chunk, rows: tuple[int, ...]) -> dict[int, tuple[float, float, float]]:
    found = {}
    numbers = chunk.row_numbers()
    for row in rows:
        k = int(np.searchsorted(numbers, row))
        if k < len(numbers) and numbers[k] == row:
            loss, ref, inner = (
                float(chunk.columns[name][k]) for name in ("loss", "loss_ref", "inner")
            )
            low = float(np.broadcast_to(chunk.loss_min, numbers.shape)[k])
            found[row] = (loss - ref, loss - low, inner)
    return found


def _runs(log: Log, assessment: Assessment, chunk_rows: int) -> runs.Runs | None:
    found = None
    for chunk in chunks_of(log, assessment, ("step", "run", "full_loss"), chunk_rows):
        found = runs.merge(found, runs.runs_of(chunk))
    return found


def _run_of(chunk: Chunk, per_run: runs.Runs) -> Int:
    """Which entry of `per_run` every row belongs to, (n,)."""
    if "run" not in chunk.columns:
        return np.zeros(chunk.size, dtype=np.int64)
    return np.searchsorted(per_run.run, chunk.columns["run"])


def _position(chunk: Chunk, per_run: runs.Runs | None) -> Int:
    """How many steps had been taken when the row was written, its own included, (n,)."""
    if "step" in chunk.columns:
        step = chunk.columns["step"].astype(np.int64)
    else:
        step = chunk.row_numbers()
    if per_run is None:
        return step + 1
    return np.asarray(step - per_run.first_step[_run_of(chunk, per_run)] + 1)


class _Course:
    """Collects f − f_ref over steps: from full_loss where the fit took it, else window means."""

    def __init__(
        self,
        log: Log,
        assessment: Assessment,
        per_run: runs.Runs | None,
        columns: int,
        chunk_rows: int,
    ) -> None:
        self._runs = per_run
        self._window: WindowPlan | None = None
        self._rows: dict[int, tuple[int, float]] = {}
        longest = 1 if per_run is None else int((per_run.last_step - per_run.first_step).max()) + 1
        self._columns = Columns(step_edges(longest, columns))
        whole = per_run is not None and bool(
            (per_run.full_first_row != per_run.full_last_row).all()
        )
        if whole:
            self.how = "full_loss minus its last value"
            return
        request = assessment.request
        plan = plan_for(log, epoch=request.epoch, chunk_rows=chunk_rows)
        self._window = plan.window
        self.how = f"mean of loss − loss_ref over {plan.window.how}"

    def add(self, chunk: Chunk, position: Int) -> None:
        if self._window is not None:
            loss, ref = (chunk.columns[name].astype(np.float64) for name in ("loss", "loss_ref"))
            excess = loss - ref
            key, group = np.unique((position - 1) // self._window.width, return_inverse=True)
            sums, counts = np.bincount(group, weights=excess), np.bincount(group)
            for number, rows, total in zip(key.tolist(), counts, sums, strict=True):
                before = self._rows.get(number, (0, 0.0))
                self._rows[number] = (before[0] + int(rows), before[1] + float(total))
            return
        assert self._runs is not None  # noqa: S101  # __init__ took full_loss from it
        run = _run_of(chunk, self._runs)
        value = chunk.columns["full_loss"].astype(np.float64, copy=False)
        own = chunk.row_numbers() == self._runs.full_last_row[run]  # the reference's own value: 0
        self._columns.add(position[~own], (value - self._runs.full_last[run])[~own])

    def profile(self) -> Profile:
        if self._window is None:
            return self._columns.profile()
        full = max(rows for rows, _ in self._rows.values())
        kept = {k: v for k, v in sorted(self._rows.items()) if 2 * v[0] >= full}  # as the fit does
        at = np.array([(key + 0.5) * self._window.width + 0.5 for key in kept])
        mean = np.array([total / rows for rows, total in kept.values()])
        return Profile(at, mean, mean, mean, np.array([rows for rows, _ in kept.values()]))


class _StepSums:
    """Collects Σγ and Σγ² over the rows within the first k steps, for every horizon k."""

    def __init__(self, horizons: tuple[int, ...]) -> None:
        self._horizons = np.array(horizons, dtype=np.int64)
        self._sums = np.zeros((3, len(horizons) + 1))

    def add(self, chunk: Chunk, position: Int) -> None:
        gamma = chunk.columns["stepsize"].astype(np.float64, copy=False)
        where = np.searchsorted(self._horizons, position)
        for k, weights in enumerate((None, gamma, gamma**2)):
            self._sums[k] += np.bincount(where, weights, minlength=self._sums.shape[1])

    def finish(self) -> StepSums:
        count, gamma, square = np.cumsum(self._sums[:, :-1], axis=1)
        with np.errstate(invalid="ignore"):
            mean = self._horizons / np.where(count > 0, count, np.nan)
        return StepSums(gamma * mean, square * mean)
