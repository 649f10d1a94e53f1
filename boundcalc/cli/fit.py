"""`boundcalc fit`: does the condition hold along a run, and what does theory then promise?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boundcalc.cli.entry import Interrupted

if TYPE_CHECKING:
    from boundcalc.guarantees.assessment import Request
    from boundcalc.logs.mapping import Asked
    from boundcalc.report.write import Writer

_MOST = 10**15  # rows or steps

Objective = StrEnum("Objective", ["bound", "neighbourhood", "minimal", "rate"])
Method = StrEnum("Method", ["exact", "lp", "grid"])
Engine = StrEnum("Engine", ["serial"])


def fit(
    logs: Annotated[
        list[str],
        typer.Argument(
            metavar="LOG...",
            help="Logs of training runs: files (npz, CSV, JSON lines, Parquet, Arrow, HDF5, Zarr, "
            "or a tracker's), folders, patterns, URLs.",
            show_default=False,
        ),
    ],
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
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=NAME",
            help="Which name in the log stands for a column; NAME^2 squares it: "
            "--map grad_sqnorm=grad_norm^2. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    loss_min: Annotated[
        float | None, typer.Option(help="f_i* of every row, in place of the column.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST, help="Horizon K of the bounds. [default: the log's own]"),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="How the pair is found; lp and grid are cross-checks.")
    ] = Method.exact,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Run lp and grid too and report the differences.")
    ] = False,
    discard: Annotated[
        int, typer.Option(min=0, max=_MOST, help="Also fit without the R worst rows.", metavar="R")
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
        typer.Option(
            min=1,
            max=_MOST,
            help="Rows per epoch. [default: as many as distinct samples; without a column "
            "sample, a tenth of the log]",
        ),
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
    from boundcalc.library.numbers import exact_number
    from boundcalc.logs.open import local_inputs
    from boundcalc.report.write import FIGURES, PAGES, check_output_paths

    outputs = ((plot, FIGURES), (html, PAGES))
    exact_margin = exact_number(margin, "--margin")
    check_output_paths(
        [(path, kinds) for path, kinds in outputs if path is not None], local_inputs(logs)
    )

    from boundcalc.guarantees.assessment import Request
    from boundcalc.logs.mapping import parse_mapping

    asked = parse_mapping(mapping or ())
    request = Request(
        objective=objective.value,
        margin=exact_margin,
        steps=steps,
        method=method.value,
        cross_check=cross_check,
        discard=discard,
        quantile=quantile,
        drop_nonfinite=drop_nonfinite,
        epoch=epoch,
        smooth=smooth,
    )
    written: list[Path] = []
    try:
        _fit(logs, asked, loss_min, request, plot, html, as_json, written)
    except Interrupted:
        if not written:
            raise
        raise Interrupted(*(f"{path} was written" for path in written)) from None


def _fit(
    logs: list[str],
    asked: Asked,
    loss_min: float | None,
    request: Request,
    plot: Path | None,
    html: Path | None,
    as_json: bool,
    written: list[Path],
) -> None:
    """Fit, then write all files, then print; `written` takes the files that are in place."""
    from boundcalc.guarantees.assessment import assess
    from boundcalc.logs.open import open_logs
    from boundcalc.report.progress import row_progress
    from boundcalc.report.write import write_together

    with row_progress(100) as parsed:
        opened = open_logs(
            logs,
            loss_min=loss_min,
            asked=asked,
            told=lambda share: parsed("read", int(100 * share)),
        )
    with row_progress(opened.rows) as progress:
        assessment = assess(opened, request, progress)
        files: dict[Path, Writer] = {}
        if plot is not None:
            from boundcalc.report.figure import figure_writer

            files[plot] = figure_writer(assessment, opened, plot.suffix, progress)
        if html is not None:
            from boundcalc.report.fit_html import page_writer

            files[html] = page_writer(assessment, opened, progress)
        write_together(files, written)
    if as_json:
        from boundcalc.report.fit_json import fit_json
        from boundcalc.report.plain import dumps

        typer.echo(dumps(fit_json(assessment)))
        return
    from boundcalc.report.fit_terminal import print_fit
    from boundcalc.report.terminal import terminal

    print_fit(assessment, terminal())
    for path in written:
        typer.echo(f"written: {path}")
