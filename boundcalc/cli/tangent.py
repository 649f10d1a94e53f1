"""`boundcalc tangent LOG|NET.toml|CASE.toml`: the tangent kernel on a run, or on a ball."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def tangent(
    log: Annotated[
        Path,
        typer.Argument(
            help="Log in tangent form (.npz): jacobian (T, n, m), residual (T, n); or a network "
            "file (.toml): its weights are the centre of a ball; or a case file with a residual.",
            show_default=False,
        ),
    ],
    step_size: Annotated[
        float | None,
        typer.Option(metavar="ETA", help="Step size of every step. [default: the log's own]"),
    ] = None,
    ball: Annotated[
        float | None,
        typer.Option(metavar="R", help="Radius of the ball. [default: the smallest that closes]"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="x=..,y=..", help="Start of a case file. [default: its key start]"),
    ] = None,
    eps: Annotated[
        str | None,
        typer.Option(metavar="E", help="Case files: steps until the loss is at most E."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the proof to this file (.json)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Enclose λ_min and λ_max of the tangent kernel J Jᵀ on every snapshot of a run, with proof.

    λ_min is the μ of PL* there: ½‖∇L‖² ≥ μL for L = ½‖r‖². Of a network or a system of formulas:
    prove that a ball around its weights (its start) holds a zero of the loss, which gradient
    descent reaches.

    Exit codes: 0 done (λ_min > 0 certified on every snapshot, or λ_min = 0 exactly on one; or the
    ball is proved), 2 bad input, 3 not certified.
    """
    from boundcalc.errors import Fault, InputError

    for option, value in (("--step-size", step_size), ("--ball", ball)):
        if value is not None and not 0 < value < float("inf"):
            raise InputError(
                Fault(option, str(value), "a positive number", "leave it out for the default")
            )
    if log.suffix.lower() == ".toml":
        from boundcalc.cli.tangent_case import is_network, tangent_case
        from boundcalc.cli.tangent_network import tangent_network

        if step_size is not None:
            fix = "leave it out: the limit is part of the answer"
            raise InputError(Fault("--step-size", str(step_size), "a log, not a system", fix))
        if not is_network(log):
            tangent_case(log, at, ball, eps, certificate, as_json)
        for option, text in (("--at", at), ("--eps", eps)):
            if text is not None:
                fix = "leave it out: a network's weights are in its file"
                raise InputError(Fault(option, text, "a case file with a residual", fix))
        tangent_network(log, ball, certificate, as_json)
    given = {"--ball": ball, "--certificate": certificate, "--at": at, "--eps": eps}
    faults = [
        Fault(option, str(value), "a network or case file (.toml)", "leave it out for a log")
        for option, value in given.items()
        if value is not None
    ]
    if faults:
        raise InputError(*faults)

    from boundcalc.landscape.decay import decay
    from boundcalc.landscape.snapshots import tangent_spectra
    from boundcalc.logs.open import open_log
    from boundcalc.logs.schema import TANGENT
    from boundcalc.report.plain import dumps
    from boundcalc.report.progress import row_progress
    from boundcalc.report.tangent import exit_code, tangent_json, tangent_lines

    opened = open_log(log, purpose=TANGENT)
    with row_progress(opened.rows) as progress:
        found = tangent_spectra(opened, progress)
        decayed = decay(opened, found, step_size)
    if as_json:
        typer.echo(dumps(tangent_json(found, decayed)))
    else:
        for line in tangent_lines(found, decayed):
            typer.echo(line)
    raise typer.Exit(exit_code(found))
