"""`boundcalc verify CERTIFICATE...`: the kernel alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def verify(
    certificates: Annotated[
        list[Path], typer.Argument(help="Certificates (.json).", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check certificates with the kernel: proved, or rejected and why.

    Axioms and conditions must be those of the catalogue, word for word.
    """
    from time import perf_counter

    from boundcalc.errors import Fault, InputError
    from boundcalc.kernel.certificate import read
    from boundcalc.kernel.identity import Rejected

    rows: list[dict[str, Any]] = []
    for path in certificates:
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            found = getattr(error, "strerror", None) or str(error)  # or no UTF-8
            raise InputError(
                Fault(str(path), found, "a certificate (JSON text)", "give its path")
            ) from error
        row: dict[str, Any] = {"certificate": str(path), "bytes": len(content.encode())}
        start = perf_counter()
        try:
            row |= _shown(read(content))
        except Rejected as rejected:
            row |= {"verdict": "rejected", "reason": str(rejected)}
        rows.append({"seconds": perf_counter() - start, **row})
    if as_json:
        typer.echo(json.dumps({"schema": "boundcalc.verify/1", "certificates": rows}))
    else:
        for row in rows:
            typer.echo(f"{row['verdict']} {row['certificate']}: {_note(row)} ({_cost(row)})")
    if any(row["verdict"] == "rejected" for row in rows):
        raise typer.Exit(1)


def _note(row: dict[str, Any]) -> str:
    """What is said of one certificate, or why it was rejected."""
    said = row.get("reason") or row.get("says")
    if said is not None:
        return str(said)
    which = row["theorem"] or "of no theorem of the catalogue"
    axioms = ", ".join(row["axioms"]) or "none"
    return f"axioms: {axioms}, claim {row['claim_sha256']} ({which})"


def _cost(row: dict[str, Any]) -> str:
    """Checks (none, if it was rejected), seconds and size."""
    size = row["bytes"]
    written = f"{size} bytes" if size < 1_000 else f"{size / 1_000:.1f} kB"
    checks = f"{row['checks']} checks, " if "checks" in row else ""
    return f"{checks}{row['seconds']:.2f} s, {written}"


def _shown(data: Any) -> dict[str, Any]:
    """What one certificate shows. Raises Rejected."""
    from boundcalc.kernel.__main__ import checker, is_analytic
    from boundcalc.kernel.certificate import verify as check
    from boundcalc.kernel.identity import Rejected
    from boundcalc.library.certificates import stranger, theorem_of

    if is_analytic(data):
        return _analytic(data)
    own = checker(data)
    if own is not None:
        return _summed(own, data)
    proved = check(data)
    if (strange := stranger(proved, data["claim"])) is not None:
        raise Rejected(strange)
    return {
        "verdict": "proved",
        "claim_sha256": proved.claim.sha256,
        "theorem": theorem_of(proved.claim.sha256),
        "checks": proved.checks,
        "axioms": sorted(proved.axioms),
    }


def _summed(own: Callable[[Any], tuple[str, int, str]], data: Any) -> dict[str, Any]:
    """What a certificate with a checker of its own shows. Raises Rejected."""
    from boundcalc.kernel.__main__ import cited

    says, checks, claim = own(data)
    axioms = list(cited(data))
    on = f"; axioms: {', '.join(axioms)}" if axioms else ""
    return {
        "verdict": "proved",
        "claim_sha256": claim,
        "theorem": None,
        "checks": checks,
        "axioms": axioms,
        "says": f"{says}{on}",
    }


def _analytic(data: Any) -> dict[str, Any]:
    """What a certificate about given functions shows. Raises Rejected."""
    from time import perf_counter

    from boundcalc.kernel.__main__ import is_frontier
    from boundcalc.kernel.analytic.check import verify_all
    from boundcalc.kernel.analytic.frontier import verify_frontier
    from boundcalc.kernel.identity import Rejected
    from boundcalc.library.analytic import claim_text, stranger
    from boundcalc.report.frontier import band_claim

    start = perf_counter()
    band = verify_frontier(data) if is_frontier(data) else None
    found = band.parts if band is not None else verify_all(data)
    seconds = perf_counter() - start
    claims = [part["claim"] for part in data.get("certificates", [data])]
    for claim in claims:
        if (strange := stranger(claim)) is not None:
            raise Rejected(strange)
    verdicts = {one.verdict for one in found}
    if band is not None:
        verdict, says, checks = "enclosed", band_claim(band, claims[0]), band.checks
    else:
        verdict = verdicts.pop() if len(verdicts) == 1 else "enclosed"
        says = "; ".join(
            f"{one.verdict}: {claim_text(claim)}" for one, claim in zip(found, claims, strict=True)
        )
        checks = sum(one.checks for one in found)
    return {
        "verdict": verdict,
        "claim_sha256": [one.statement.sha256 for one in found],
        "theorem": None,
        "checks": checks,
        "axioms": [],
        "seconds": seconds,
        "says": says,
    }
