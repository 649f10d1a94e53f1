"""The same fold on the workers of a cluster: dask.distributed schedules, merges are ours.

Rows are cut into parts; every worker opens the log itself and sketches the parts it is given; the
sketches are merged as they come. Merging is exact and indifferent to order, and a part that a dead
worker held is sketched again, so the result has the same bits as the serial fold.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from multiprocessing import resource_tracker
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
_PATIENCE = 30  # seconds to wait for a scheduler, and for a worker while it has none
_LOOK = 2.0  # seconds between two looks at whether there are workers


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
        self._client, self._parts = client, parts
        self._opening = _Opening(reopen, uuid.uuid4().hex)
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
        spans = self._spans(log)
        opening = replace(self._opening, rows=log.rows)
        pending = {
            self._client.submit(work, opening, span, *more, pure=False): span for span in spans
        }
        try:
            while pending:
                for future in self._finished(tuple(pending)):
                    with _told(pending.pop(future)):
                        found = future.result()
                    future.release()
                    yield found
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing to cancel
                self._client.cancel(list(pending))

    def _finished(self, pending: Sequence[Any]) -> Sequence[Any]:
        """Those that are done, as soon as there are any. Raises InputError where nobody works."""
        from dask.distributed import wait  # type: ignore[import-not-found, unused-ignore]

        deserted = None
        while True:
            with _told(None), suppress(TimeoutError, asyncio.TimeoutError):
                done = wait(pending, timeout=_LOOK, return_when="FIRST_COMPLETED").done  # type: ignore[no-untyped-call, unused-ignore]
                return [future for future in pending if future in done]
            with _told(None):
                workers = self._workers()
            if workers:
                deserted = None
            elif deserted is None:
                deserted = time.monotonic()
            elif time.monotonic() - deserted > _PATIENCE:
                fix = "start some with `dask worker ADDRESS`"
                found = f"a scheduler without workers for {_PATIENCE} s"
                raise InputError(Fault("--engine dask", found, "at least one worker", fix))


@contextmanager
def _told(span: Span | None) -> Iterator[None]:
    """What goes wrong on a cluster, as bad input with its fix."""
    from dask.distributed import KilledWorker  # type: ignore[import-not-found, unused-ignore]

    where = "--engine dask"
    try:
        yield
    except KilledWorker as error:
        found = f"workers that died, one after another, at rows {span}"
        fix = "give the workers more memory (`dask worker --memory-limit`)"
        raise InputError(Fault(where, found, "workers that stay alive", fix)) from error
    except (ImportError, RuntimeError) as error:
        if not isinstance(error, ImportError) and "deserialization" not in str(error):
            raise
        found = f"a worker or scheduler that cannot import ({' '.join(str(error).split())})"
        fix = "install the same boundcalc on the scheduler and all workers"
        raise InputError(Fault(where, found, "boundcalc on the workers", fix)) from error
    except TimeoutError:
        raise
    except (CancelledError, asyncio.CancelledError, OSError) as error:
        found, fix = "a scheduler that went away", "start it again"
        if span is not None and isinstance(error, OSError):
            found, fix = f"a worker that could not read rows {span} ({error})", "see to its disk"
        raise InputError(Fault(where, found, "a scheduler that answers", fix)) from error


@dataclass(frozen=True)
class _Opening:
    """How a worker opens the log, for which fit, and how many rows it must then have."""

    reopen: Open
    fit: str
    rows: int = 0


@lru_cache(maxsize=1)
def _opened(opening: _Opening) -> Log:
    """The log, opened once on a worker for a fit: texts are parsed on opening.

    Raises InputError, naming the worker, where it cannot be opened there or is another log.
    """
    from dask.distributed import get_worker  # type: ignore[import-not-found, unused-ignore]

    place = f"on the worker {get_worker().address}"  # type: ignore[no-untyped-call, unused-ignore]
    fix = "let the path mean the same log on all workers"
    try:
        log = opening.reopen()
    except InputError as error:
        faults = [replace(one, where=f"{one.where} ({place})", fix=fix) for one in error.faults]
        raise InputError(*faults) from error
    if log.rows != opening.rows:
        where, found = f"{log.source} ({place})", f"{log.rows} rows"
        raise InputError(Fault(where, found, f"the {opening.rows} rows it has here", fix))
    return log


def _labels_of_part(opening: _Opening, span: Span) -> tuple[Labels, float]:
    start = time.perf_counter()
    return labels_of(_opened(opening), span=span), time.perf_counter() - start


def _sketch_of_part(opening: _Opening, span: Span, plan: Plan) -> tuple[Sketch, float]:
    start = time.perf_counter()
    return fold_span(_opened(opening), plan, span), time.perf_counter() - start


@contextmanager
def _hushed() -> Iterator[None]:
    """What goes wrong is told once, by an error: no tracebacks of the network beside it."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    loggers = [logging.getLogger(name) for name in (*names, "tornado.application", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Threads and processes that are started inside never see Ctrl-C; this one does, afterwards.

    A terminal sends it to workers, too, which would say so with a traceback each.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would open the ears again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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

    Raises InputError when dask.distributed is not installed, the scheduler does not answer or has
    no workers, or workers cannot open the log.
    """
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        fix = 'pip install "boundcalc[dask]"'
        raise InputError(
            Fault("--engine dask", "no package dask.distributed", "dask and distributed", fix)
        ) from None
    import dask  # type: ignore[import-not-found, unused-ignore]

    with dask.config.set({"distributed.comm.timeouts.connect": f"{_PATIENCE}s"}), _hushed():
        if scheduler is None:
            with _deaf_to_ctrl_c():
                started = LocalCluster(  # type: ignore[no-untyped-call, unused-ignore]
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=50,
                )
            with (
                started as local,
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
