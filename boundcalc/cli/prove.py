"""`boundcalc prove [ID...|--all]`: the kernel checks the catalogue's proofs again."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from boundcalc.library.proofs import Answer


def prove(
    ids: Annotated[list[str] | None, typer.Argument(help="Theorems.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole catalogue.")] = False,
    certificates: Annotated[
        Path | None,
        typer.Option(help="Write one certificate per theorem to this folder.", show_default=False),
    ] = None,
    find: Annotated[
        bool,
        typer.Option(
            "--find",
            help="Find a proof anew, of theorems by ID or of files that need no [proof] yet; "
            "print the table to paste.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check proofs again, with the kernel alone; name the axioms they rest on."""
    from boundcalc.errors import Fault, InputError
    from boundcalc.library.files import read
    from boundcalc.library.proofs import answer
    from boundcalc.library.theorems import theorem_ids

    if not ids and not everything:
        raise InputError(Fault("prove", "no theorem", "an ID, or --all", "say which"))
    chosen = list(theorem_ids()) if everything else list(ids or [])
    if find:
        _find(chosen, as_json)
        return
    for id in chosen:
        read("theorems", id)  # an unknown id is bad input, before anything is checked
    begin = perf_counter()
    rows = [_row(id, answer(id)) for id in chosen]
    seconds = perf_counter() - begin
    if certificates is not None:
        _write(certificates, [row["theorem"] for row in rows if row["verdict"] == "proved"])
    if as_json:
        body = {"schema": "boundcalc.prove/1", "theorems": rows, "seconds": seconds}
        typer.echo(json.dumps(body))
    else:
        _print(rows, seconds)
    if any(row["verdict"] == "rejected" for row in rows):
        raise typer.Exit(1)


def _find(chosen: list[str], as_json: bool) -> None:
    """Proofs from hypotheses and conclusion alone; exit code 3 where one is not found."""
    from boundcalc.kernel.outcome import Undecided
    from boundcalc.report.proof import proof_table
    from boundcalc.search.theorem_file import proof_of_file, theorem_file

    rows: list[dict[str, Any]] = []
    for name in chosen:
        raw = theorem_file(name)
        begin = perf_counter()
        found = proof_of_file(raw)
        row: dict[str, Any] = {"theorem": raw["id"], "proof": None, "axioms": [], "reason": None}
        if isinstance(found, Undecided):
            row |= {"verdict": "undecided", "reason": found.reason}
        else:
            row |= {"verdict": "proved", "proof": proof_table(found.proof)}
            row["axioms"] = sorted(found.proved.axioms)
        row["seconds"] = perf_counter() - begin
        rows.append(row)
        if not as_json:
            typer.echo(f"# {row['theorem']}: {row['verdict']} in {row['seconds']:.2f} s")
            typer.echo(row["proof"] or f"# {row['reason']}")
    if as_json:
        typer.echo(json.dumps({"schema": "boundcalc.find/1", "theorems": rows}))
    if any(row["verdict"] == "undecided" for row in rows):
        raise typer.Exit(3)


def _row(id: str, answered: Answer) -> dict[str, Any]:
    from boundcalc.kernel.outcome import Axiom, Proved
    from boundcalc.library.proofs import Cited

    row: dict[str, Any] = {"theorem": id, "checks": 0, "axioms": [], "reason": None, "claim": None}
    match answered:
        case Proved():
            row |= {
                "verdict": "proved",
                "checks": answered.checks,
                "axioms": sorted(answered.axioms),
                "claim": answered.claim.sha256,
            }
        case Axiom():
            row |= {
                "verdict": "axiom",
                "reason": answered.reference,
                "claim": answered.claim.sha256,
            }
        case Cited():
            row |= {"verdict": "cited", "reason": answered.reference}
        case _:
            row |= {"verdict": "rejected", "reason": str(answered)}
    return row


def _write(folder: Path, ids: list[str]) -> None:
    from boundcalc.kernel.certificate import written
    from boundcalc.library.proofs import certificate_of

    folder.mkdir(parents=True, exist_ok=True)
    for id in ids:
        (folder / f"{id}.json").write_text(written(certificate_of(id)), encoding="ascii")


def _print(rows: list[dict[str, Any]], seconds: float) -> None:
    for row in rows:
        note = row["reason"] or ", ".join(f"axiom {name}" for name in row["axioms"])
        count = f"{row['checks']:>3} checks" if row["verdict"] == "proved" else " " * 10
        typer.echo(f"{row['verdict']:<9} {row['theorem']:<36} {count}  {note}")
    verdicts = [row["verdict"] for row in rows]
    counts = {v: verdicts.count(v) for v in ("proved", "axiom", "cited", "rejected")}
    checks = sum(row["checks"] for row in rows)
    used = sorted({name for row in rows for name in row["axioms"]})
    typer.echo(
        f"{counts['proved']} proved with {checks} checks in {seconds:.2f} s; "
        f"{counts['axiom']} axioms (used: {', '.join(used) or 'none'}); "
        f"{counts['cited']} cited in words, used by no proof; {counts['rejected']} rejected"
    )
