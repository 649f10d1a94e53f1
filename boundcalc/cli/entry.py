"""The entry point. It imports next to nothing before Ctrl-C is in hand."""

from __future__ import annotations

import os
import signal
import sys

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h; 1 would say "refuted"


class Interrupted(BaseException):
    """Ctrl-C, out of reach of handlers for ordinary exceptions."""


def main() -> None:
    """Entry point: bad input is one message on stderr and exit code 2, never a traceback.

    An error inside boundcalc is one message and exit code 70; its traceback comes before it where
    the environment has BOUNDCALC_TRACEBACK=1.
    """
    interrupted: list[int] = []

    def interrupt(number: int, _: object) -> None:
        interrupted.append(number)
        raise Interrupted

    previous = signal.signal(signal.SIGINT, interrupt)
    code: object = 130
    said: list[str] = []
    try:
        from boundcalc.cli.streams import guarded_streams

        with guarded_streams(said):
            code = _run(said)
    except BaseException as error:
        if interrupted:  # what is caught may be what some library made of the interruption
            kept = [str(part) for part in error.args] if isinstance(error, Interrupted) else []
            said = [f"interrupted: {', '.join(kept) or 'nothing was written'}"]
            code = 130
        elif isinstance(error, Exception):
            said = _internal(error)
            code = INTERNAL_ERROR
        else:
            raise
    finally:
        signal.signal(signal.SIGINT, previous)
    if said:
        _complain(said)
        code = code or 2
    sys.exit(code)  # type: ignore[arg-type]


def _internal(error: Exception) -> list[str]:
    """What is said of an error that is no fault of the input."""
    message = " ".join(str(error).split())
    advice = "please report it, with the command and its input"
    if os.environ.get("BOUNDCALC_TRACEBACK", "") in ("", "0"):
        return [
            f"internal error: {type(error).__name__}: {message}; this is a defect of boundcalc: "
            f"{advice}; BOUNDCALC_TRACEBACK=1 shows the traceback"
        ]
    import traceback

    told = "".join(traceback.format_exception(error)).splitlines()
    return [*told, f"internal error: this is a defect of boundcalc: {advice}"]


def _run(said: list[str]) -> object:
    """Run the command; its exit code, and in `said` what was wrong."""
    from boundcalc.errors import InputError

    try:
        from boundcalc.cli.app import app

        app()
    except InputError as error:
        said += [f"error: {fault}" for fault in error.faults]
        return 2
    except SystemExit as stop:
        return stop.code
    return 0


def _complain(lines: list[str]) -> None:
    """Lines on stderr, if anybody listens there."""
    from boundcalc.cli.streams import guarded_streams

    with guarded_streams([]):
        for line in lines:
            print(line, file=sys.stderr)  # noqa: T201  # the command layer
