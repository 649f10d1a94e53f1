"""Writing files whole or not at all, and several of them together or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from boundcalc.errors import Fault, InputError

FIGURES = (".png", ".svg", ".pdf")
PAGES = (".html", ".htm")

Writer = Callable[[Path], None]


def check_output_paths(
    places: Sequence[tuple[Path, tuple[str, ...]]], inputs: tuple[Path, ...] = ()
) -> None:
    """Raise InputError unless every place can be written to: ask before a long fit.

    places : paths, each with the suffixes it may have; inputs : files that must not be overwritten.
    """
    faults = [
        fault
        for path, suffixes in places
        if (fault := _suffix_fault(path, suffixes) or _place_fault(path, inputs)) is not None
    ]
    paths = [path for path, _ in places]
    faults += [
        Fault(str(other), f"the same file as {path}", "a file of its own", "choose another name")
        for k, path in enumerate(paths)
        for other in paths[k + 1 :]
        if _same(path, other)
    ]
    if faults:
        raise InputError(*faults)


def write_whole(path: Path, write: Writer) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it into place.

    Raises InputError where the folder cannot be written to; then nothing is left behind.
    """
    write_together({path: write})


def write_together(files: Mapping[Path, Writer], written: list[Path] | None = None) -> None:
    """Let each writer fill a temporary file; when all have, rename all of them into place.

    written : takes the paths that are in place.

    Raises InputError where a folder cannot be written to; then nothing is left behind.
    """
    temporaries: dict[Path, Path] = {}
    try:
        for path, write in files.items():
            with _told(path):
                with _uninterrupted():
                    temporaries[path] = _temporary(_target(path))
                write(temporaries[path])
        with _uninterrupted():
            for path in files:
                with _told(path):
                    temporaries[path].replace(_target(path))
                del temporaries[path]
                if written is not None:
                    written.append(path)
    finally:
        with _uninterrupted():
            for temporary in temporaries.values():
                temporary.unlink(missing_ok=True)


def write_folder(path: Path, write: Writer, written: list[Path] | None = None) -> None:
    """Let `write` fill a temporary folder beside `path`, then rename it into place.

    Raises InputError where there is something at `path` already, which cannot be replaced at once.
    """
    target = _target(path)
    if _exists(target):
        found, fix = "something that is there already", "choose another name, or move it away"
        raise InputError(Fault(str(path), found, "a new folder", fix))
    temporary: Path | None = None
    try:
        with _told(path):
            with _uninterrupted():
                temporary = Path(tempfile.mkdtemp(prefix=".boundcalc-", dir=target.parent))
            write(temporary)
            with _uninterrupted():
                mask = os.umask(0)
                os.umask(mask)
                temporary.chmod(0o777 & ~mask)
                temporary.rename(target)
                temporary = None
                if written is not None:
                    written.append(path)
    finally:
        if temporary is not None:
            with _uninterrupted():
                shutil.rmtree(temporary, ignore_errors=True)


def _suffix_fault(path: Path, suffixes: tuple[str, ...]) -> Fault | None:
    if path.suffix.lower() in suffixes:
        return None
    found = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
    return Fault(str(path), found, ", ".join(suffixes), "choose the kind of file by its suffix")


def _place_fault(path: Path, inputs: tuple[Path, ...]) -> Fault | None:
    """What is wrong with writing to `path`, or None."""
    expected, fix = "a place that can be written to", "choose another file name"
    if "\0" in str(path):
        return Fault(repr(str(path)), "a null character", expected, fix)
    try:
        target = _target(path)
        folder = target.parent
        if target.is_dir():
            return Fault(str(path), "a folder", expected, fix)
        if any(_same(path, read) for read in inputs):
            return Fault(str(path), "the log itself", "a file that may be replaced", fix)
        if _exists(target) and not target.is_file():
            found = "a loop of symbolic links" if target.is_symlink() else "a device or a pipe"
            return Fault(str(path), found, "a regular file, or none yet", fix)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            found = f"no folder {str(folder)!r} to write in"
            return Fault(str(path), found, expected, "make the folder, or choose another file name")
    except (OSError, ValueError) as error:  # ValueError: a null character
        return Fault(str(path), getattr(error, "strerror", None) or str(error), expected, fix)
    return None


def _exists(path: Path) -> bool:
    """Whether there is anything, a link to nothing included; OSError for an impossible name."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _target(path: Path) -> Path:
    """Where the bytes go: a symbolic link stays one, and its file is replaced."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _same(one: Path, other: Path) -> bool:
    try:
        return _target(one) == _target(other) or os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _temporary(path: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=".boundcalc-", suffix=path.suffix, dir=path.parent)
    mask = os.umask(0)
    os.umask(mask)
    os.close(handle)
    Path(name).chmod(0o666 & ~mask)  # mkstemp makes private files; this one is for everybody
    return Path(name)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever the operating system refuses becomes an InputError that names `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            Fault(
                str(path),
                error.strerror or str(error),
                "a place that can be written to",
                "choose another file name",
            )
        ) from error


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until these few steps are done."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if came:
            previous(came[0], None)
