"""`boundcalc tangent NET.toml`: is there a zero of the loss near these weights, provably?"""

from __future__ import annotations

from pathlib import Path

import typer


def tangent_network(
    file: Path, radius: float | None, certificate: Path | None, as_json: bool
) -> None:
    """Print what is proved of a network on a ball; exit 0 proved, 3 undecided."""
    from boundcalc.cli.problem import Certificates
    from boundcalc.landscape.ball import ball
    from boundcalc.landscape.network_file import read_network
    from boundcalc.report.ball import ball_json, ball_lines, exit_code
    from boundcalc.report.plain import dumps

    places = Certificates(certificate)
    net = read_network(file)
    found = ball(net, radius)
    (path,) = places.write([found.certificate])
    if as_json:
        typer.echo(dumps(ball_json(net, found, path)))
    else:
        for line in ball_lines(net, found, path):
            typer.echo(line)
    raise typer.Exit(exit_code(found))
