"""The command line: one file per command, each thin."""

from boundcalc.cli.entry import main

__all__ = ["main"]
