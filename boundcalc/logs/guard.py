"""What a corrupt or hostile file provokes, turned into one InputError."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from boundcalc.errors import Fault, InputError

_LONGEST = 120
_LONGEST_PATH = 4096
_MOST_NAMES = 8


def shown(text: object, longest: int = _LONGEST) -> str:
    """`text` fit for a terminal: one line, no control characters, not too long."""
    line = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii")
        for c in str(text)[: longest + 1]
    )
    return line if len(line) <= longest else line[: longest - 3] + "..."


def shown_path(path: object) -> str:
    """A path as messages name it: whole, on one line."""
    return shown(path, _LONGEST_PATH)


def listed(names: Iterable[str]) -> str:
    """Names in a message: all of them when they are few, else the first ones and how many more."""
    every = [shown(name) for name in names]
    more = len(every) - _MOST_NAMES
    return ", ".join(every[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def corrupt(where: str, found: str) -> InputError:
    """The error for a file whose bytes contradict each other."""
    return InputError(
        Fault(
            where=where,
            found=f"{found}: the file is corrupt",
            expected="an intact file",
            fix="copy or write the file again",
        )
    )


def unreadable(where: str, error: OSError) -> InputError:
    """The error for a file that the operating system does not let us read."""
    return InputError(
        Fault(
            where=where,
            found=f"{shown(error.strerror or error)}",
            expected="a file that can be read",
            fix="check the path, the permissions and the disk",
        )
    )


@contextmanager
def guarded(where: str) -> Iterator[None]:
    """Run code that touches bytes of a file; whatever those bytes provoke becomes an InputError."""
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise InputError(
            Fault(
                where=where,
                found="more data at once than memory holds",
                expected="rows that fit in memory",
                fix="log fewer parameters per row, or the scalar columns instead of vectors",
            )
        ) from None
    except OSError as error:
        raise unreadable(where, error) from error
    # A hostile archive makes zipfile, zlib and numpy's header parser raise nearly anything
    # (RuntimeError, struct.error, SyntaxError, RecursionError, ...): all of it means "corrupt".
    except Exception as error:
        detail = shown(error) or type(error).__name__
        raise corrupt(where, detail) from error
