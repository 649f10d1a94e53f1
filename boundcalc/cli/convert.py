"""`boundcalc convert`: a log, or several as one, in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boundcalc.cli.entry import Interrupted

if TYPE_CHECKING:
    from boundcalc.logs.log import Log

SCHEMA = "boundcalc.convert/1"


def convert(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC... DST",
            help="Logs, as for fit, and the file to write: .npz, .csv, .tsv, .jsonl, .ndjson, "
            ".parquet, .arrow, .feather, .h5, .hdf5 or .zarr.",
            show_default=False,
        ),
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=NAME",
            help="Which name in the log stands for a column; NAME^2 squares it. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a log in another format, whole or not at all; what it holds fits to the same bits.

    Exit codes: 0 written, 2 bad input.
    """
    from boundcalc.errors import Fault, InputError
    from boundcalc.logs.mapping import parse_mapping
    from boundcalc.logs.open import local_inputs, open_logs
    from boundcalc.report.plain import dumps
    from boundcalc.report.progress import row_progress

    *sources, last = paths
    if not sources:
        fix = "boundcalc convert SRC DST"
        raise InputError(Fault("convert", "one path", "a log and the file to write", fix))
    asked = parse_mapping(mapping or ())
    target = Path(last)
    _check_target(last, target, local_inputs(sources))
    with row_progress(100) as parsed:
        log = open_logs(sources, asked=asked, told=lambda share: parsed("read", int(100 * share)))
    written: list[Path] = []
    try:
        with row_progress(log.rows) as progress:
            said = _written(log, target, lambda rows: progress("convert", rows), written)
    except Interrupted:
        if not written:
            raise
        raise Interrupted(f"{target} was written") from None
    warnings = [*log.warnings, *said]
    if as_json:
        names = [*log.columns, *log.vectors]
        found = {"schema": SCHEMA, "source": log.source, "written": str(target)}
        typer.echo(dumps({**found, "rows": log.rows, "columns": names, "warnings": warnings}))
        return
    typer.echo(f"written: {target} ({log.rows:,} rows: {', '.join(log.columns)})")
    for warning in warnings:
        typer.echo(f"warning: {warning}")


def _check_target(text: str, target: Path, inputs: tuple[Path, ...]) -> None:
    """Raises InputError unless the target may be written."""
    from boundcalc.errors import Fault, InputError
    from boundcalc.logs.convert import TARGETS
    from boundcalc.report.write import check_output_paths

    if "://" in text:
        fix = "write it here and copy it"
        raise InputError(Fault(text, "a URL", "a file on this machine", fix))
    check_output_paths([(target, tuple(TARGETS))], inputs)
    for path in inputs:
        if path.is_dir() and target.resolve().is_relative_to(path.resolve()):
            found, fix = f"a file in {path}, which is the log", "choose another folder"
            raise InputError(Fault(text, found, "a place outside of the log", fix))


def _written(log: Log, target: Path, told: object, written: list[Path]) -> tuple[str, ...]:
    from boundcalc.logs.convert import TARGETS
    from boundcalc.logs.convert import convert as write
    from boundcalc.report.write import write_folder, write_together

    suffix = target.suffix.lower()
    said: list[str] = []

    def fill(path: Path) -> None:
        said.extend(write(log, path, suffix, told))  # type: ignore[arg-type]

    if TARGETS[suffix].folder:
        write_folder(target, fill, written)
    else:
        write_together({target: fill}, written)
    return tuple(said)
