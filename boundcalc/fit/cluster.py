"""The same fold on the workers of a cluster: dask.distributed schedules, merges are ours.

Rows are cut into parts; every worker opens the log itself and sketches the parts it is given; the
sketches are merged as they come. Merging is exact and indifferent to order, and a part that a dead
worker held is sketched again, so the result has the same bits as the serial fold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.fit.fold import Labels, fold_span, labels_of, sound
from boundcalc.fit.positions import with_positions
from boundcalc.fit.sketch import Plan, Sketch, merge
from boundcalc.logs.log import Log

Open = Callable[[], Log]
Span = tuple[int, int]


@dataclass(frozen=True)
class Reopen:
    """Opens the same logs on any machine that reaches them; see `open_logs`."""

    logs: tuple[str, ...]
    loss_min: float | None = None
    mapping: tuple[str, ...] = ()

    def __call__(self) -> Log:
        from boundcalc.logs.mapping import parse_mapping
        from boundcalc.logs.open import open_logs

        asked = parse_mapping(self.mapping)
        return with_positions(open_logs(self.logs, loss_min=self.loss_min, asked=asked))


_PARTS_PER_WORKER = 4  # so that a slow or late worker holds up little
_LEAST_ROWS = 1 << 18  # in smaller parts, sending takes longer than folding
_PATIENCE = 30  # seconds to wait for a scheduler and its first worker


@dataclass(frozen=True)
class Effort:
    """What a fold on a cluster took: rows, parts, workers, wall time and time of the workers."""

    rows: int
    parts: int
    workers: int
    seconds: float
    worker_seconds: float

    @property
    def nanoseconds_per_row(self) -> float:
        """Worker time per row, reading included."""
        return 1e9 * self.worker_seconds / max(1, self.rows)


class Cluster:
    """Workers that are held for the time of a fit. See `cluster`."""

    def __init__(self, client: Any, reopen: Open, parts: int | None) -> None:
        self._client, self._reopen, self._parts = client, reopen, parts
        self.effort: Effort | None = None

    def labels(self, log: Log) -> Labels:
        """As `labels_of`, on the workers."""
        found = Labels()
        for part, _ in self._each(log, _labels_of_part, ()):
            found = found.merge(part)
        return found

    def fold(self, log: Log, plan: Plan, progress: Callable[[int], None] | None = None) -> Sketch:
        """As `fold`, on the workers. Raises InputError where rows have faults."""
        start, spent, done = time.perf_counter(), 0.0, 0
        total = Sketch(plan)
        spans = self._spans(log)
        for sketch, seconds in self._each(log, _sketch_of_part, (plan,)):
            total = merge(total, sketch)
            spent += seconds
            done += sketch.rows + sketch.dropped
            if progress is not None:
                progress(min(done, log.rows))
        seconds = time.perf_counter() - start
        self.effort = Effort(log.rows, len(spans), self._workers(), seconds, spent)
        return sound(log, total)

    def _workers(self) -> int:
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def _spans(self, log: Log) -> list[Span]:
        parts = self._parts
        if parts is None:
            parts = min(_PARTS_PER_WORKER * max(1, self._workers()), -(-log.rows // _LEAST_ROWS))
        cuts = np.unique(np.linspace(0, log.rows, max(1, parts) + 1).astype(np.int64))
        return list(pairwise(cuts.tolist()))

    def _each(
        self, log: Log, work: Callable[..., Any], more: Sequence[Any]
    ) -> Iterator[tuple[Any, float]]:
        from dask.distributed import as_completed  # type: ignore[import-not-found, unused-ignore]

        futures = [
            self._client.submit(work, self._reopen, span, *more, pure=False)
            for span in self._spans(log)
        ]
        try:
            for future in as_completed(futures):  # type: ignore[no-untyped-call, unused-ignore]
                yield future.result()
                future.release()
        finally:
            self._client.cancel(futures)


@lru_cache(maxsize=1)
def _opened(reopen: Open) -> Log:
    """The log, opened once on a worker: texts are parsed on opening."""
    return reopen()


def _labels_of_part(reopen: Open, span: Span) -> tuple[Labels, float]:
    start = time.perf_counter()
    return labels_of(_opened(reopen), span=span), time.perf_counter() - start


def _sketch_of_part(reopen: Open, span: Span, plan: Plan) -> tuple[Sketch, float]:
    start = time.perf_counter()
    return fold_span(_opened(reopen), plan, span), time.perf_counter() - start


@contextmanager
def cluster(
    reopen: Open,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    parts: int | None = None,
) -> Iterator[Cluster]:
    """Workers for a fit.

    reopen : opens the log; pickled, and called once on every worker: paths mean the same there.
    scheduler : address of a running one ("tcp://host:8786"); without it, a cluster of processes on
    this machine, `workers` of them (default: one per core). parts : parts of the log.

    Raises InputError when dask.distributed is not installed or the scheduler does not answer.
    """
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        fix = 'pip install "boundcalc[dask]"'
        raise InputError(
            Fault("--engine dask", "no package dask.distributed", "dask and distributed", fix)
        ) from None
    import dask  # type: ignore[import-not-found, unused-ignore]

    with dask.config.set({"distributed.comm.timeouts.connect": f"{_PATIENCE}s"}):
        if scheduler is None:
            with (
                LocalCluster(  # type: ignore[no-untyped-call, unused-ignore]
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=50,
                ) as local,
                Client(local) as client,  # type: ignore[no-untyped-call, unused-ignore]
            ):
                yield Cluster(client, reopen, parts)
            return
        try:
            client = Client(scheduler, timeout=f"{_PATIENCE}s")  # type: ignore[no-untyped-call, unused-ignore]
        except (OSError, ValueError, TimeoutError) as error:
            found = f"no scheduler ({type(error).__name__})"
            fix = "start one with `dask scheduler`, and workers with `dask worker ADDRESS`"
            raise InputError(Fault(scheduler, found, "a running dask scheduler", fix)) from error
        with client:
            yield Cluster(client, reopen, parts)
