"""`boundcalc theorems [ID]`: what the theorems say."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def theorems(
    id: Annotated[str | None, typer.Argument(help="A theorem.", show_default=False)] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Formulas in LaTeX.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the theorems of the catalogue, or state one of them.

    Those about level sets of networks (boundcalc topology) come last; the kernel speaks
    of none of them.
    """
    from boundcalc.library.statement import theorem_lines
    from boundcalc.library.theorems import load_theorem, theorem_ids
    from boundcalc.library.topology import (
        level_theorem_ids,
        level_theorem_lines,
        load_level_theorem,
    )

    cited = [load_level_theorem(one) for one in level_theorem_ids() if id in (None, one)]
    ids = () if id and cited else (id,) if id else theorem_ids()
    chosen = [load_theorem(one) for one in ids]
    if as_json:
        found = [
            {
                "id": one.id,
                "title": one.title,
                "reference": one.reference,
                "kind": one.kind,
                "hypotheses": one.hypotheses,
                "constants": one.constants,
                "text": theorem_lines(one),
                "latex": theorem_lines(one, in_latex=True),
            }
            for one in chosen
        ]
        found += [
            {
                "id": one.id,
                "title": one.title,
                "reference": one.reference,
                "kind": one.kind,
                "hypotheses": [],
                "constants": {},
                "text": level_theorem_lines(one),
                "latex": level_theorem_lines(one),
            }
            for one in cited
        ]
        typer.echo(json.dumps({"schema": "boundcalc.theorems/1", "theorems": found}))
    elif id is None:
        titles = [(one.id, one.title) for one in chosen]
        for name, title in [*titles, *((one.id, one.title) for one in cited)]:
            typer.echo(f"{name:<36} {title}")
    else:
        said = [(one.title, theorem_lines(one, in_latex=latex)) for one in chosen]
        ((title, lines),) = said or [(one.title, level_theorem_lines(one)) for one in cited]
        typer.echo(f"{id}: {title}")
        for label, words in lines:
            typer.echo(f"  {label:<20} {words}")
