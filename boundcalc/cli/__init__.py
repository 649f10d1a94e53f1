"""The command line: one file per command, each thin."""

from __future__ import annotations

import io
import signal
import sys

import typer

from boundcalc.cli.fit import fit

app = typer.Typer(
    name="boundcalc",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Which convergence theorems for SGD apply to your loss landscape, with which constants, "
    "and whether their bounds say anything.",
)
app.command()(fit)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from boundcalc import __version__

        typer.echo(f"boundcalc {__version__}")
        raise typer.Exit


class _Interrupted(BaseException):
    """Ctrl-C, out of reach of handlers for ordinary exceptions."""


def main() -> None:
    """Entry point: bad input is one message on stderr and exit code 2, never a traceback."""
    from boundcalc.errors import InputError

    def interrupt(*_: object) -> None:
        raise _Interrupted

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # α and β on a terminal that has no Greek
    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        app()
    except InputError as error:
        for fault in error.faults:
            print(f"error: {fault}", file=sys.stderr)  # noqa: T201  # the command layer
        sys.exit(2)
    except _Interrupted:
        print("interrupted: nothing was written", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, previous)
