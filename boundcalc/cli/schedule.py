"""`boundcalc rate THEOREM --schedule "0.1/sqrt(k + 1)" --steps K`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import typer


def show(
    theorem: str, schedule: str, steps: int, constants: Mapping[str, Any], as_json: bool
) -> None:
    """Print a theorem's bound for step sizes that vary."""
    from boundcalc.cli.rate import finite_above, finite_below
    from boundcalc.library.numbers import rounded
    from boundcalc.library.schedule import scheduled

    found = scheduled(theorem, schedule, steps, **constants)
    if as_json:
        body: dict[str, Any] = {
            "schema": "boundcalc.rate/1",
            "theorem": theorem,
            "schedule": schedule,
        }
        body |= {"quantity": found.theorem.quantity, "steps": steps}
        body |= {"step_size_limit": finite_below(found.step_size_limit)}
        body |= {"largest_step_size": finite_above(found.largest)}
        body |= {"admissible": found.bound is not None, "bound": finite_above(found.bound)}
        typer.echo(json.dumps(body))
        return
    typer.echo(f"{theorem}: {found.theorem.title}")
    typer.echo(f"  {'bounds':<16} {found.theorem.quantity}")
    if found.step_size_limit is not None:
        typer.echo(f"  {'step size limit':<16} {rounded(found.step_size_limit, -1, 10)}")
    typer.echo(f"  {'step sizes':<16} {schedule}, at most {rounded(found.largest, 1, 6)}")
    if found.bound is not None:
        typer.echo(f"  {'bound':<16} {rounded(found.bound, 1, 10)}")
    else:
        typer.echo(f"  {'note':<16} a step size is outside the limit: nothing is promised")
