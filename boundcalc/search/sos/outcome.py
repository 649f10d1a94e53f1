"""What the finder answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """No exact representation was found; this refutes nothing.

    reason : "not-sos" (none exists in this shape, says the solver), "boundary" (one may exist, but
        it leaves no room and no rational face was recognised), "rounding", "too-large", "time".
    room : the solver's distance to the cone's boundary, where it got that far.
    """

    reason: str
    detail: str
    room: float | None = None


@dataclass(frozen=True)
class Largest:
    """The largest constant in floating point, as far as this shape of representation reaches.

    Where the goal is badly scaled (a narrow valley) the value errs upward: try smaller ones.

    accurate : whether the solver met its tolerances.
    """

    value: float
    accurate: bool
    degree: int
    products: int
