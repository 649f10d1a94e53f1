"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from boundcalc.errors import Fault, InputError


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    Raises InputError where the folder cannot be written to; then nothing is left behind.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes private files; this one is for everybody
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise InputError(
            Fault(
                str(path),
                error.strerror or str(error),
                "a place that can be written to",
                "choose another file name",
            )
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
