"""`boundcalc topology levels FORMULA`: how many components does {f ≤ λ} have?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boundcalc.cli.problem import AsJson, Certificate, Certificates, show

CONTEXT = {"ignore_unknown_options": True}  # -x^2 is a formula


def levels(
    formula: Annotated[str, typer.Argument(help='Such as "(x^2-1)^2 + y^2": 1 or 2 variables.')],
    domain: Annotated[
        str | None,
        typer.Option(metavar="SIDES", help='The box, such as "x=-2:2,y=-2:2"; needed.'),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            "--levels", metavar="LEVELS", help='"1/2,1,2", or sweep: around all critical values.'
        ),
    ] = "sweep",
    plot: Annotated[
        Path | None, typer.Option(help="Draw components and merge tree: .png, .svg, .pdf.")
    ] = None,
    certificate: Certificate = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="At most about so long in all.")
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Count the connected components of {f ≤ λ} on a box, with proof, and say where they merge.

    Exit codes: 0 every number is exact, 2 bad input, 3 some level has an enclosure only.
    """
    from boundcalc.errors import Fault, InputError

    if not 0 < time_limit <= 1e6:
        raise InputError(
            Fault("--time-limit", str(time_limit), "a positive number of seconds", "correct it")
        )
    from boundcalc.landscape.asked_levels import landscape_of, levels_of

    landscape = landscape_of(formula, domain)
    asked = [] if at.strip() == "sweep" else levels_of(at.split(","))
    proofs = Certificates(certificate)
    if plot is not None:
        from boundcalc.report.figure import check_figure_path

        check_figure_path(plot)

    from boundcalc.landscape.merging import swept
    from boundcalc.report.check_progress import stage_progress
    from boundcalc.report.levels import exit_code, levels_json, levels_lines

    with proofs.told():
        with stage_progress() as progress:
            found = swept(landscape, asked, time_limit, progress)
        (place,) = proofs.write([found.certificate])
        if plot is not None:
            from boundcalc.report.levels_figure import draw_levels

            draw_levels(found.counter, found.levels, found.tree, plot)
        written = str(place) if place else None
        body = levels_json(landscape, found.levels, found.tree, written) if as_json else None
        show(body, levels_lines(landscape, found.levels, found.tree))
    raise typer.Exit(exit_code(found.levels))
