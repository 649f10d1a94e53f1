"""What trackers keep: for every metric a series of (step, value)."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.foreign.names import is_known
from boundcalc.logs.guard import shown
from boundcalc.logs.mapping import Asked

_MOST_POINTS = 1 << 27  # 2 GiB of them
_MOST_NAMES = 100_000


@dataclass(frozen=True)
class Series:
    """One metric: step (n,) int64, value (n,) float64, in the order in which they were logged."""

    step: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """A foreign log.

    kind : what wrote it, in words; series : the metrics that may serve; others : the names of the
    rest. averaged : over how many steps each loss is a mean, as the trainer itself says (1: it is
    none), None where it does not say; clip : the norm at which gradients are clipped, None where
    unknown; single : values are float32; sampled : how to get the rows that an export leaves out;
    runs : label of the run, None for one run.
    """

    source: str
    kind: str
    series: Mapping[str, Series]
    others: Collection[str] = ()
    averaged: int | None = None
    clip: float | None = None
    single: bool = False
    sampled: str | None = None
    rounded: bool = False
    notes: tuple[str, ...] = field(default=())


class Gathering:
    """Takes points of metrics as they come."""

    def __init__(self, source: str, asked: Asked) -> None:
        self.source = source
        self._asked = asked
        self._steps: dict[str, array[int]] = {}
        self._values: dict[str, array[float]] = {}
        self._others: dict[str, None] = {}
        self._points = 0

    def serves(self, name: str) -> bool:
        """Whether a metric of this name is to be kept; other names are noted."""
        if name in self._steps:
            return True
        if name in self._asked.mapping.values() or name in self._asked.wanted or is_known(name):
            self._steps[name], self._values[name] = array("q"), array("d")
            return True
        if len(self._others) < _MOST_NAMES:
            self._others[name] = None
        return False

    def add(self, name: str, step: int, value: float) -> None:
        """One point of a metric that serves."""
        self._points += 1
        if self._points > _MOST_POINTS:
            found, fix = f"more than {_MOST_POINTS} points", "write a log of columns instead"
            raise InputError(Fault(self.source, found, "a log that fits in memory", fix))
        if not -(1 << 62) <= step <= 1 << 62:
            found, fix = f"step {step} of {shown(name)}", "count from 0 or 1"
            raise InputError(Fault(self.source, found, "the number of a step", fix))
        self._steps[name].append(step)
        self._values[name].append(value)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(self._others)

    def series(self) -> dict[str, Series]:
        return {
            name: Series(
                np.frombuffer(self._steps[name], dtype=np.int64),
                np.frombuffer(self._values[name], dtype=np.float64),
            )
            for name in self._steps
            if self._steps[name]
        }
