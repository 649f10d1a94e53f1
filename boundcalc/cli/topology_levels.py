"""`boundcalc topology levels FORMULA`: how many components does {f ≤ λ} have?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boundcalc.cli.problem import AsJson, Certificate, Certificates, Domain, show

if TYPE_CHECKING:
    from fractions import Fraction

    from boundcalc.kernel.levels.cells import Landscape

MOST_LEVELS = 200
CONTEXT = {"ignore_unknown_options": True}  # -x^2 is a formula


def levels(
    formula: Annotated[str, typer.Argument(help='Such as "(x^2-1)^2 + y^2": 1 or 2 variables.')],
    domain: Domain = None,
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
    landscape = _landscape(formula, domain)
    asked = [] if at.strip() == "sweep" else _levels(at)
    proofs = Certificates(certificate)
    if plot is not None:
        from boundcalc.report.figure import check_figure_path

        check_figure_path(plot)

    from boundcalc.landscape.levels import Counter
    from boundcalc.landscape.levels import certificate as certificate_of
    from boundcalc.landscape.merging import merge_tree, sweep, sweep_levels
    from boundcalc.report.check_progress import stage_progress
    from boundcalc.report.levels import exit_code, levels_json, levels_lines

    with proofs.told():
        with stage_progress() as progress:
            counter = Counter(landscape, progress)
            found = sweep(counter, asked or sweep_levels(counter), time_limit)
        tree = merge_tree(counter, found)
        (place,) = proofs.write([certificate_of(landscape, found)])
        if plot is not None:
            from boundcalc.report.levels_figure import draw_levels

            draw_levels(counter, found, tree, plot)
        body = (
            levels_json(landscape, found, tree, str(place) if place else None) if as_json else None
        )
        show(body, levels_lines(landscape, found, tree))
    raise typer.Exit(exit_code(found))


def _landscape(formula: str, domain: str | None) -> Landscape:
    """The function on its box. Raises InputError with every fault."""
    from boundcalc.errors import Fault, InputError
    from boundcalc.kernel.levels.cells import MAX_VARIABLES, Landscape
    from boundcalc.library.problem_text import problem_from

    problem = problem_from([formula], domain=domain)
    faults = []
    if len(problem.variables) > MAX_VARIABLES:
        found = f"{len(problem.variables)} variables ({', '.join(problem.variables[:6])})"
        faults.append(Fault("formula", found, "one or two", "fix the others"))
    for name, (lo, hi) in zip(problem.variables, problem.domain, strict=True):
        if lo is None or hi is None:
            fix = f'give --domain "{name}=-2:2", with an end on either side'
            faults.append(Fault("--domain", f"{name} unbounded", "a bounded box", fix))
    if faults:
        raise InputError(*faults)
    box = tuple((lo, hi) for lo, hi in problem.domain if lo is not None and hi is not None)
    return Landscape(problem.variables, formula, box)


def _levels(text: str) -> list[Fraction]:
    """Numbers separated by commas. Raises InputError with every fault."""
    from boundcalc.errors import Fault, InputError
    from boundcalc.library.numbers import exact_number
    from boundcalc.library.problem_text import Faults

    faults = Faults()
    parts = text.split(",")
    if len(parts) > MOST_LEVELS:
        expected = f"at most {MOST_LEVELS}"
        raise InputError(Fault("--levels", f"{len(parts)} levels", expected, "take fewer"))
    found = [faults.attempt(exact_number, part.strip(), "--levels") for part in parts]
    faults.settle()
    return sorted({level for level in found if level is not None})
