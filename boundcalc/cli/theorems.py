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
    """List the theorems of the catalogue, or state one of them."""
    from boundcalc.library.statement import theorem_lines
    from boundcalc.library.theorems import load_theorem, theorem_ids

    chosen = [load_theorem(one) for one in ([id] if id else theorem_ids())]
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
        typer.echo(json.dumps({"schema": "boundcalc.theorems/1", "theorems": found}))
    elif id is None:
        for one in chosen:
            typer.echo(f"{one.id:<36} {one.title}")
    else:
        typer.echo(f"{chosen[0].id}: {chosen[0].title}")
        for label, words in theorem_lines(chosen[0], in_latex=latex):
            typer.echo(f"  {label:<20} {words}")
