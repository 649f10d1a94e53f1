"""What `check` and `tighten` share: a problem in words and options, certificates, answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from boundcalc.cli.entry import Interrupted

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}  # --mu 1/4, and -x^2

Domain = Annotated[
    str | None,
    typer.Option(metavar="SIDES", help='Such as "x=-1:1,y=0:oo". [default: everywhere]'),
]
InBall = Annotated[
    str | None,
    typer.Option("--ball", metavar="BALL", help='Center;radius, such as "0,0;1/2".'),
]
Known = Annotated[
    list[str] | None,
    typer.Option(
        "--minimiser",
        metavar="POINT",
        help='A minimiser, such as "x=0,y=sqrt(2)"; may be repeated. [default: found]',
    ),
]
IsResidual = Annotated[
    bool, typer.Option("--residual", help="The formulas are a map F, and f is ½‖F‖².")
]
Certificate = Annotated[
    Path | None, typer.Option(help="Write the proof, for boundcalc verify.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_OPTION = re.compile(r"--([A-Za-z_][A-Za-z0-9_-]*)(?:=(.*))?", re.DOTALL)


def words(command: str, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The formulas or the case file, and constants: --name value or --name=value, in any order.

    Raises InputError with every fault.
    """
    from boundcalc.errors import Fault, InputError

    problem: list[str] = []
    constants: dict[str, str] = {}
    faults, rest = [], list(arguments)
    while rest:
        word = rest.pop(0)
        option = _OPTION.fullmatch(word)
        if option is None:
            problem.append(word)
            continue
        name, value = option[1].replace("-", "_"), option[2]
        if value is None and (not rest or _OPTION.fullmatch(rest[0])):
            expected = "an option of this command, or a constant and its value"
            faults.append(Fault(command, word, expected, f"boundcalc {command} --help"))
            continue
        if name in constants:
            faults.append(Fault(command, f"--{name} twice", "each constant once", "remove one"))
        constants[name] = rest.pop(0) if value is None else value
    if not problem:
        expected = 'a case file (.toml) or a formula such as "x^2 + 3*sin(x)^2"'
        faults.append(Fault(command, "no problem", expected, "give one"))
    if faults:
        raise InputError(*faults)
    return problem, constants


class Certificates:
    """Where proofs go: the path that was asked for, numbered where there are several."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.written: list[Path] = []
        if path is not None:
            from boundcalc.report.write import check_output_paths

            wrong = path.suffix.lower() in {"", ".toml"}  # not over the case file
            check_output_paths([(path, (".json",) if wrong else (path.suffix.lower(),))])

    def write(
        self, certificates: Sequence[Any], more: Mapping[str, Any] | None = None
    ) -> list[Path | None]:
        """Write all of them or none; the path of each, None where there is no certificate.

        more : further certificates, whose keys are added to the name of the path; their paths come
        last.
        """
        further = more or {}
        path = self.path
        if path is None:
            return [None] * (len(certificates) + len(further))
        from boundcalc.kernel.certificate import written
        from boundcalc.report.write import Writer, check_output_paths, write_together

        several = len(certificates) > 1
        named = [
            (path.with_stem(f"{path.stem}-{k}") if several else path, certificate)
            for k, certificate in enumerate(certificates, start=1)
        ]
        named += [(path.with_stem(f"{path.stem}-{key}"), one) for key, one in further.items()]
        files: dict[Path, Writer] = {
            place: _writer(written(certificate))
            for place, certificate in named
            if certificate is not None
        }
        check_output_paths([(place, (place.suffix.lower(),)) for place in files])
        write_together(files, self.written)
        return [None if certificate is None else place for place, certificate in named]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Ctrl-C says which certificates are in place."""
        try:
            yield
        except Interrupted:
            if not self.written:
                raise
            raise Interrupted(*(f"{path} was written" for path in self.written)) from None


def _writer(content: str) -> Callable[[Path], None]:
    return lambda place: _write(place, content)


def _write(place: Path, content: str) -> None:
    place.write_text(content, encoding="ascii")


def show(body: dict[str, Any] | None, lines: Sequence[str]) -> None:
    """One JSON object, or lines of text."""
    if body is not None:
        typer.echo(json.dumps(body))
        return
    for line in lines:
        typer.echo(line)
