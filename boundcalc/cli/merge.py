"""`boundcalc merge`: one fit from sketches that were saved apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boundcalc.cli.fit import SKETCHES, Objective, show, sketch_writer


def merge(
    sketches: Annotated[
        list[Path],
        typer.Argument(
            metavar="SKETCH...",
            help="Files that `boundcalc fit LOG --save-sketch FILE.json` wrote.",
            show_default=False,
        ),
    ],
    objective: Annotated[
        Objective, typer.Option(help="How to pick the pair, as for fit.")
    ] = Objective.bound,
    margin: Annotated[
        str, typer.Option(metavar="NUMBER", help="α−β for --objective minimal; 1/10 is exact.")
    ] = "0.1",
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=10**15, help="Horizon K of the bounds. [default: the logs' own]"),
    ] = None,
    save_sketch: Annotated[
        Path | None,
        typer.Option(help="Write the sketch of all of them (.json).", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit logs from their sketches alone: the fit of all logs at once, to the same bits.

    Exit codes: 0 done, 2 bad input.
    """
    from boundcalc.errors import Fault, InputError
    from boundcalc.fit.sketch_file import load
    from boundcalc.fit.sketch_join import join
    from boundcalc.guarantees.assessment import Request, conclude
    from boundcalc.library.numbers import exact_number
    from boundcalc.report.write import check_output_paths, write_whole

    request = Request(
        objective=objective.value, margin=exact_number(margin, "--margin"), steps=steps
    )
    if save_sketch is not None:
        check_output_paths([(save_sketch, SKETCHES)], tuple(sketches))
    kept = [load(path) for path in sketches]
    try:
        log, sketch = join(kept)
        assessment = conclude(log, sketch, request)
    except (ArithmeticError, ValueError, TypeError) as error:  # signed, but of no log
        found = f"entries that contradict each other ({type(error).__name__}: {error})"
        fix = "make them anew with `boundcalc fit LOG --save-sketch FILE.json`"
        where = ", ".join(str(path) for path in sketches)
        raise InputError(Fault(where, found, "sketches of logs", fix)) from error
    if save_sketch is not None:
        write_whole(save_sketch, sketch_writer(log, sketch))
    show(assessment, as_json)
    if save_sketch is not None and not as_json:
        typer.echo(f"written: {save_sketch}")
