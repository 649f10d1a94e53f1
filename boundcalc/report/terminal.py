"""The console that reports are printed on."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from boundcalc.report.ascii import transliterated


class _AsciiConsole(Console):
    """Spells signs out before anything is laid out, so that columns stay aligned."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(transliterated(text), **options)


def terminal() -> Console:
    """A console on stdout, in signs that its encoding has."""
    console = Console()
    return console if console.encoding.startswith("utf") else _AsciiConsole()
