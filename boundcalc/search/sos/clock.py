"""A wall-clock budget."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class Clock:
    """When to stop."""

    until: float  # of time.monotonic

    def left(self) -> float:
        """Seconds."""
        return self.until - monotonic()

    def running(self) -> bool:
        """Whether there is time."""
        return self.left() > 0

    def over(self) -> bool:
        """Whether there is none."""
        return not self.running()


def clock(seconds: float) -> Clock:
    """A clock that runs from now."""
    return Clock(monotonic() + seconds)
