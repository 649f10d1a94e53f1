"""The commands, under one name."""

from __future__ import annotations

import typer

from boundcalc.cli import (
    check,
    conditions,
    convert,
    merge,
    problem,
    prove,
    rate,
    tangent,
    theorems,
    tighten,
    topology,
    verify,
)
from boundcalc.cli.fit import fit

app = typer.Typer(
    name="boundcalc",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: panels would take longer to import than all the rest
    help="Which convergence theorems for SGD apply to your loss landscape, with which constants, "
    "and whether their bounds say anything.",
)
app.command()(fit)
app.command()(convert.convert)
app.command()(merge.merge)
app.command(context_settings=problem.CONTEXT)(check.check)
app.command(context_settings=problem.CONTEXT)(tighten.tighten)
app.command(context_settings=rate.CONTEXT)(rate.rate)
app.command()(tangent.tangent)
app.add_typer(topology.app, name="topology")
app.command()(theorems.theorems)
app.command()(conditions.conditions)
app.command()(prove.prove)
app.command()(verify.verify)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from boundcalc import __version__

        typer.echo(f"boundcalc {__version__}")
        raise typer.Exit
