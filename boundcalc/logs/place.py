"""Where a log lies: a local path, or a file beyond this machine that fsspec reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Place:
    """One file or folder. `shown` is its name in messages.

    local : gives the path on this machine; of a remote file, after copying it.
    stream : opens a remote file for reading in place, for readers that need only parts of it.
    inside : the files of a remote folder by their names there.
    told : is told how much of a file has been parsed, as a share of 1.
    """

    shown: str
    local: Callable[[], Path]
    stream: Callable[[], IO[bytes]] | None = None
    inside: Mapping[str, Place] | None = None
    told: Callable[[float], None] | None = None

    @property
    def path(self) -> Path:
        return self.local()

    def source(self) -> Any:
        """What pyarrow opens: a path, or a stream where the file is remote."""
        return str(self.local()) if self.stream is None else self.stream()


def local(path: Path, shown: str) -> Place:
    """A file or folder on this machine."""
    return Place(shown, lambda: path)
