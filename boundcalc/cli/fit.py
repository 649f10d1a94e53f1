"""`boundcalc fit`: does the condition hold along a run, and what does theory then promise?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def fit(
    log: Annotated[Path, typer.Argument(help="Log of a training run (.npz).", show_default=False)],
    objective: Annotated[
        str,
        typer.Option(
            help="How to pick the pair: bound (smallest guarantee), neighbourhood (smallest "
            "β/(α−β)), minimal (smallest α+β with α−β ≥ margin) or rate (largest α−β)."
        ),
    ] = "bound",
    margin: Annotated[str, typer.Option(help="α−β for --objective minimal.")] = "0.1",
    loss_min: Annotated[
        float | None, typer.Option(help="f_i* of every row, in place of the column.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Horizon K of the bounds. [default: the log's own]")
    ] = None,
    drop_nonfinite: Annotated[
        bool, typer.Option("--drop-nonfinite", help="Leave out rows with NaN or inf.")
    ] = False,
    epoch: Annotated[
        int | None, typer.Option(min=1, help="Rows per epoch. [default: distinct samples]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit α-β, PL, PL*, smoothness and more to a training log, exactly, and say what follows."""
    from boundcalc.guarantees.assessment import Request, assess
    from boundcalc.logs.open import open_log

    request = Request(
        objective=objective,
        steps=steps,
        drop_nonfinite=drop_nonfinite,
        epoch=epoch,
    )
    assessment = assess(open_log(log, loss_min=loss_min), request)
    if as_json:
        from boundcalc.report.fit_json import fit_json
        from boundcalc.report.plain import dumps

        typer.echo(dumps(fit_json(assessment)))
        return
    from rich.console import Console

    from boundcalc.report.fit_terminal import print_fit

    print_fit(assessment, Console())
