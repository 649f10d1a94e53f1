"""`boundcalc topology path A.npz B.npz --net NET.toml`: a low path between two weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boundcalc.cli.problem import AsJson, Certificate, Certificates, show


def path(
    start: Annotated[
        Path, typer.Argument(metavar="A.npz", help="Weights W1, b1, W2, ...", show_default=False)
    ],
    end: Annotated[Path, typer.Argument(metavar="B.npz", help="Others.", show_default=False)],
    net: Annotated[
        Path, typer.Option("--net", metavar="NET.toml", help="The network file, with data.")
    ],
    level: Annotated[
        str | None,
        typer.Option(metavar="LAMBDA", help="Join them below it. [default: as low as it goes]"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the loss along the paths: .png, .svg, .pdf.")
    ] = None,
    certificate: Certificate = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="At most about so long in all.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Join two weights of a network by a path of low loss, with a proved bound along it.

    A path below LAMBDA shows that both lie in one component of {L ≤ LAMBDA}.

    Exit codes: 0 connected, 2 bad input, 3 undecided: no path below the level was found.
    """
    from boundcalc.errors import Fault, InputError

    if not 0 < time_limit <= 1e6:
        raise InputError(
            Fault("--time-limit", str(time_limit), "a positive number of seconds", "correct it")
        )
    from boundcalc.landscape.asked_levels import level_of

    asked = None if level is None else level_of(level, "--level")
    proofs = Certificates(certificate)
    if plot is not None:
        from boundcalc.report.figure import check_figure_path

        check_figure_path(plot)

    from boundcalc.landscape.joining import join
    from boundcalc.landscape.network_file import read_network, read_weights
    from boundcalc.report.check_progress import stage_progress
    from boundcalc.report.path import draw_path, exit_code, path_json, path_lines

    network = read_network(net)
    ends = read_weights(start, network), read_weights(end, network)
    with proofs.told():
        with stage_progress() as progress:
            found = join(network, ends, asked, time_limit, progress)
        (place,) = proofs.write([found.bounded.certificate])
        if plot is not None:
            draw_path(found, plot)
        body = path_json(found, str(place) if place else None) if as_json else None
        show(body, path_lines(found))
    raise typer.Exit(exit_code(found))
