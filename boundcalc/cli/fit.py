"""`boundcalc fit`: does the condition hold along a run, and what does theory then promise?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boundcalc.cli.entry import Interrupted

if TYPE_CHECKING:
    from boundcalc.errors import InputError
    from boundcalc.fit.cluster import Effort
    from boundcalc.fit.sketch import Sketch
    from boundcalc.guarantees.assessment import Assessment, Progress, Request
    from boundcalc.logs.log import Log
    from boundcalc.report.write import Writer

SKETCHES = (".json",)
_MOST = 10**15  # rows or steps

Objective = StrEnum("Objective", ["bound", "neighbourhood", "minimal", "rate"])
Method = StrEnum("Method", ["exact", "lp", "grid"])
Engine = StrEnum("Engine", ["serial", "dask"])


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
    engine: Annotated[
        Engine, typer.Option(help="Where the rows are folded: here, or on the workers of dask.")
    ] = Engine.serial,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A running scheduler for --engine dask. [default: workers on this machine]",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Workers on this machine. [default: one per core]"),
    ] = None,
    save_sketch: Annotated[
        Path | None,
        typer.Option(
            help="Write what was folded (.json), for `boundcalc merge`.", show_default=False
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a figure: .png, .svg or .pdf.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one HTML page.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit α-β, PL, PL*, smoothness and more to a training log, exactly, and say what follows."""
    from boundcalc.library.numbers import exact_number
    from boundcalc.logs.open import local_inputs
    from boundcalc.report.write import FIGURES, PAGES, check_output_paths

    outputs = ((plot, FIGURES), (html, PAGES), (save_sketch, SKETCHES))
    exact_margin = exact_number(margin, "--margin")
    check_output_paths(
        [(path, kinds) for path, kinds in outputs if path is not None], local_inputs(logs)
    )
    if engine is not Engine.dask and (scheduler is not None or workers is not None):
        raise _without_dask("--scheduler" if scheduler is not None else "--workers")

    from boundcalc.guarantees.assessment import Request

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
    source = _Source(tuple(logs), loss_min, tuple(mapping or ()))
    where = _Engine(engine is Engine.dask, scheduler, workers)
    written: list[Path] = []
    try:
        _fit(source, request, where, _Outputs(plot, html, save_sketch, as_json), written)
    except Interrupted:
        if not written:
            raise
        raise Interrupted(*(f"{path} was written" for path in written)) from None


def _without_dask(option: str) -> InputError:
    from boundcalc.errors import Fault, InputError

    return InputError(
        Fault(option, "the serial engine", "--engine dask with it", "add --engine dask")
    )


@dataclass(frozen=True)
class _Source:
    logs: tuple[str, ...]
    loss_min: float | None
    mapping: tuple[str, ...]


@dataclass(frozen=True)
class _Engine:
    dask: bool
    scheduler: str | None
    workers: int | None


@dataclass(frozen=True)
class _Outputs:
    plot: Path | None
    html: Path | None
    sketch: Path | None
    as_json: bool


def _fit(
    source: _Source, request: Request, engine: _Engine, outputs: _Outputs, written: list[Path]
) -> None:
    """Fit, then write all files, then print; `written` takes the files that are in place."""
    from boundcalc.fit.positions import with_positions
    from boundcalc.guarantees.assessment import conclude
    from boundcalc.logs.mapping import parse_mapping
    from boundcalc.logs.open import open_logs
    from boundcalc.report.progress import row_progress
    from boundcalc.report.write import write_together

    asked = parse_mapping(source.mapping)
    with row_progress(100) as parsed:
        opened = with_positions(
            open_logs(
                source.logs,
                loss_min=source.loss_min,
                asked=asked,
                told=lambda share: parsed("read", int(100 * share)),
            )
        )
    with row_progress(opened.rows) as progress:
        sketch, effort = _sketched(opened, source, request, engine, outputs, progress)
        assessment = conclude(opened, sketch, request, progress)
        files: dict[Path, Writer] = {}
        if outputs.plot is not None:
            from boundcalc.report.figure import figure_writer

            files[outputs.plot] = figure_writer(assessment, opened, outputs.plot.suffix, progress)
        if outputs.html is not None:
            from boundcalc.report.fit_html import page_writer

            files[outputs.html] = page_writer(assessment, opened, progress)
        if outputs.sketch is not None:
            files[outputs.sketch] = sketch_writer(opened, sketch)
        write_together(files, written)
    show(assessment, outputs.as_json, effort)
    if not outputs.as_json:
        for path in written:
            typer.echo(f"written: {path}")


def _sketched(
    log: Log,
    source: _Source,
    request: Request,
    engine: _Engine,
    outputs: _Outputs,
    progress: Progress,
) -> tuple[Sketch, Effort | None]:
    """The sketch of the log, and what it took where dask folded it."""
    from boundcalc.guarantees.assessment import sketched

    aligned = outputs.sketch is not None
    if not engine.dask:
        return sketched(log, request, progress, aligned=aligned), None
    from boundcalc.fit.cluster import Reopen, cluster

    reopen = Reopen(source.logs, source.loss_min, source.mapping)
    with cluster(reopen, scheduler=engine.scheduler, workers=engine.workers) as there:
        sketch = sketched(log, request, progress, there, aligned=aligned)
        return sketch, there.effort


def sketch_writer(log: Log, sketch: Sketch) -> Writer:
    """Writes the sketch to the path that it is given."""
    from boundcalc.fit.sketch_file import dump

    def write(path: Path) -> None:
        path.write_text(dump(log, sketch), encoding="utf-8")

    return write


def show(assessment: Assessment, as_json: bool, effort: Effort | None = None) -> None:
    """Print the assessment, and what the engine took."""
    if as_json:
        from boundcalc.report.fit_json import fit_json
        from boundcalc.report.plain import dumps

        typer.echo(dumps(fit_json(assessment, effort)))
        return
    from boundcalc.report.fit_terminal import print_fit
    from boundcalc.report.terminal import terminal

    print_fit(assessment, terminal())
    if effort is not None:
        typer.echo(
            f"folded on {effort.workers} workers of dask, {effort.rows:,} rows in {effort.parts} "
            f"parts: {effort.seconds:.2f} s, {effort.nanoseconds_per_row:.0f} ns of a worker a row"
        )
