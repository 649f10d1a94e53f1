"""The generated pages are those of the present catalogue."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_pages_are_up_to_date(tmp_path: Path) -> None:
    """If this fails: python docs/generate.py"""
    runpy.run_path(str(DOCS / "generate.py"))["main"](tmp_path)
    for page in tmp_path.rglob("*.md"):
        assert page.read_text() == (DOCS / page.relative_to(tmp_path)).read_text(), page.name
    for kind in ("conditions", "theorems"):
        assert {p.name for p in (DOCS / kind).iterdir()} == {
            p.name for p in (tmp_path / kind).iterdir()
        }
