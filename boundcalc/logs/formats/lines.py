"""Lines of a text file, none of them longer than memory should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path

from boundcalc.errors import Fault, InputError
from boundcalc.logs.guard import guarded

LONGEST = 1 << 20  # characters
_OFTEN = 1 << 14  # lines between reports of progress


def lines(path: Path, source: str, told: Callable[[float], None] | None = None) -> Iterator[str]:
    """The lines with their ends. Raises InputError for bytes that are no UTF-8 text.

    told : is told the share of the file that has been read.
    """
    with guarded(source), path.open("rb") as file:
        stream = TextIOWrapper(file, encoding="utf-8-sig", newline="")
        number = 0
        size = max(1, path.stat().st_size)
        while True:
            if told is not None and number % _OFTEN == 0:
                told(min(1.0, file.tell() / size))
            try:
                line = stream.readline(LONGEST + 1)
            except UnicodeDecodeError:
                where = f"{source}: line {number + 1} or after it"
                found, fix = "bytes that are no UTF-8 text", "save the file as UTF-8, or copy again"
                raise InputError(Fault(where, found, "a text file", fix)) from None
            if not line:
                return
            number += 1
            if len(line) > LONGEST:
                where = f"{source}: line {number}"
                found = f"a line of more than {LONGEST} characters"
                raise InputError(Fault(where, found, "one row per line", "write the file again"))
            yield line
