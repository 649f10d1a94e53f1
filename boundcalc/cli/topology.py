"""`boundcalc topology NET.toml`: which theorems about level sets apply to a network?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from boundcalc.cli import topology_levels, topology_path
from boundcalc.cli.problem import AsJson, Certificate, Certificates, show

DEFAULT = "net"


class _ByDefault(TyperGroup):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ByDefault, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def level_sets() -> None:
    """Level sets of the loss: theorems that apply to a network, paths, numbers of components.

    boundcalc topology NET.toml is short for boundcalc topology net NET.toml.
    """


@app.command(DEFAULT)
def net(
    network: Annotated[
        Path,
        typer.Argument(metavar="NET.toml", help="A network file.", show_default=False),
    ],
    certificate: Certificate = None,
    as_json: AsJson = False,
) -> None:
    """Say which theorems about level sets apply to a network, and what its set of zeros is.

    Every hypothesis comes with its numbers. Theorems are cited; the dimension of the set of
    zeros is proved where data and weights near a zero are given.

    Exit codes: 0 done, 2 bad input.
    """
    proofs = Certificates(certificate)
    from boundcalc.landscape.network_file import read_network
    from boundcalc.landscape.topology import topology
    from boundcalc.report.plain import plain
    from boundcalc.report.topology import topology_json, topology_lines

    with proofs.told():
        found = topology(read_network(network))
        (place,) = proofs.write([found.zeros.certificate])
        written = str(place) if place else None
        body = plain(topology_json(found, written)) if as_json else None
        show(body, topology_lines(found, written))


app.command(context_settings=topology_levels.CONTEXT)(topology_levels.levels)
app.command()(topology_path.path)
