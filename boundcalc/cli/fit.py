"""`boundcalc fit`: does the condition hold along a run, and what does theory then promise?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Objective = StrEnum("Objective", ["bound", "neighbourhood", "minimal", "rate"])
Method = StrEnum("Method", ["exact", "lp", "grid"])
Engine = StrEnum("Engine", ["serial"])


def fit(
    log: Annotated[Path, typer.Argument(help="Log of a training run (.npz).", show_default=False)],
    objective: Annotated[
        Objective,
        typer.Option(
            help="How to pick the pair: bound (smallest guarantee), neighbourhood (smallest "
            "β/(α−β)), minimal (smallest α+β with α−β ≥ margin) or rate (largest α−β)."
        ),
    ] = Objective.bound,
    margin: Annotated[
        str, typer.Option(metavar="NUMBER", help="α−β for --objective minimal; 1/10 is exact.")
    ] = "0.1",
    loss_min: Annotated[
        float | None, typer.Option(help="f_i* of every row, in place of the column.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Horizon K of the bounds. [default: the log's own]")
    ] = None,
    method: Annotated[
        Method, typer.Option(help="How the pair is found; lp and grid are cross-checks.")
    ] = Method.exact,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Run lp and grid too and report the differences.")
    ] = False,
    discard: Annotated[
        int, typer.Option(min=0, help="Also fit without the R worst rows.", metavar="R")
    ] = 0,
    quantile: Annotated[
        float | None,
        typer.Option(help="The same for a share: 0.99 discards the worst 1 % of the rows."),
    ] = None,
    drop_nonfinite: Annotated[
        bool, typer.Option("--drop-nonfinite", help="Leave out rows with NaN or infinity.")
    ] = False,
    smooth: Annotated[
        bool | None,
        typer.Option(
            "--smooth/--no-smooth",
            help="Compare all pairs of logged points. [default: if it takes seconds]",
            show_default=False,
        ),
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option(min=1, help="Rows per epoch. [default: as many as distinct samples]"),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Where the rows are folded.")] = Engine.serial,
    plot: Annotated[
        Path | None, typer.Option(help="Write a figure: .png, .svg or .pdf.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one HTML page.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit α-β, PL, PL*, smoothness and more to a training log, exactly, and say what follows."""
    del engine  # one engine so far: the serial fold
    from boundcalc.cli.number import exact_number
    from boundcalc.guarantees.assessment import Request, assess
    from boundcalc.logs.open import open_log
    from boundcalc.report.progress import row_progress

    request = Request(
        objective=objective.value,
        margin=exact_number(margin, "--margin"),
        steps=steps,
        method=method.value,
        cross_check=cross_check,
        discard=discard,
        quantile=quantile,
        drop_nonfinite=drop_nonfinite,
        epoch=epoch,
        smooth=smooth,
    )
    if plot is not None:
        from boundcalc.report.figure import check_figure_path

        check_figure_path(plot)
    opened = open_log(log, loss_min=loss_min)
    with row_progress(opened.rows) as progress:
        assessment = assess(opened, request, progress)
        if plot is not None:
            from boundcalc.report.figure import draw_fit

            draw_fit(assessment, opened, plot, progress)
        if html is not None:
            from boundcalc.report.fit_html import write_html

            write_html(assessment, opened, html, progress)
    if as_json:
        from boundcalc.report.fit_json import fit_json
        from boundcalc.report.plain import dumps

        typer.echo(dumps(fit_json(assessment)))
        return
    from rich.console import Console

    from boundcalc.report.fit_terminal import print_fit

    print_fit(assessment, Console())
    for path in (plot, html):
        if path is not None:
            typer.echo(f"written: {path}")
