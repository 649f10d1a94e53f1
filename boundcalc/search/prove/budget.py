"""How long a search may go on, and why it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stopped:
    """No proof was found: the method, why it stopped, and a point where the goal fails, if any."""

    method: str
    reason: str
    failing: tuple[float, ...] | None = None


class Budget:
    """Wall-clock time that several methods share."""

    def __init__(self, seconds: float, progress: Callable[..., None] | None = None) -> None:
        self.start = time.perf_counter()
        self.total = seconds
        self.until = self.start + seconds
        self._progress = progress

    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(0.0, self.until - time.perf_counter())

    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def part(self, seconds: float) -> Budget:
        """A budget of at most so many seconds within this one."""
        return Budget(min(seconds, self.left()), self._progress)

    def tell(self, stage: str, done: int | None = None) -> None:
        """Report progress."""
        if self._progress is not None:
            self._progress(stage, done, None)
