"""`boundcalc conditions [ID]`: what the conditions say."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def conditions(
    id: Annotated[str | None, typer.Argument(help="A condition.", show_default=False)] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Formulas in LaTeX.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the conditions of the catalogue, or state one of them."""
    from boundcalc.library.conditions import condition_ids, load_condition
    from boundcalc.library.statement import condition_lines

    chosen = [load_condition(one) for one in ([id] if id else condition_ids())]
    if as_json:
        found = [
            {
                "id": one.id,
                "title": one.title,
                "reference": one.reference,
                "text": condition_lines(one),
                "latex": condition_lines(one, in_latex=True),
                **one.schema,
            }
            for one in chosen
        ]
        typer.echo(json.dumps({"schema": "boundcalc.conditions/1", "conditions": found}))
    elif id is None:
        for one in chosen:
            typer.echo(f"{one.id:<24} {one.title}")
    else:
        typer.echo(f"{chosen[0].id}: {chosen[0].title}")
        for label, words in condition_lines(chosen[0], in_latex=latex):
            typer.echo(f"  {label:<12} {words}")
