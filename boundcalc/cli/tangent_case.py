"""`boundcalc tangent CASE.toml`: is a zero of the loss near a start, for a system of formulas?"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import typer


def is_network(file: Path) -> bool:
    """Whether a TOML file is about a network. Raises InputError where it cannot be read."""
    from boundcalc.library.toml_file import read_toml

    return "network" in read_toml(file, "a network file or a case file (TOML text)")


def tangent_case(
    file: Path,
    at: str | None,
    radius: float | None,
    level: str | None,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Print what is proved of a system; exit 0 proved, or λ_min(K(w0)) = 0 exactly; 3 undecided."""
    from boundcalc.cli.problem import Certificates
    from boundcalc.errors import Fault, InputError
    from boundcalc.library.case import read_case
    from boundcalc.library.numbers import exact_number
    from boundcalc.report.plain import dumps
    from boundcalc.report.system import exit_code, system_json, system_lines
    from boundcalc.systems.study import study

    places = Certificates(certificate)
    problem = read_case(file)
    depth = None if level is None else exact_number(level, "--eps")
    if depth is not None and depth <= 0:
        fix = "give the level of L that is to be reached"
        raise InputError(Fault("--eps", str(level), "a positive number", fix))
    size = None if radius is None else Fraction(str(radius))
    found = study(problem, at=at, radius=size, level=depth)
    paths = places.write(found.certificates)
    if as_json:
        typer.echo(dumps(system_json(found, paths)))
    else:
        for line in system_lines(found, paths):
            typer.echo(line)
    raise typer.Exit(exit_code(found))
