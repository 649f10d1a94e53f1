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
    from boundcalc.errors import Fault, InputError
    from boundcalc.kernel.certificate import read
    from boundcalc.kernel.identity import Rejected

    rows: list[dict[str, Any]] = []
    for path in certificates:
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                Fault(str(path), str(error), "a certificate (JSON text)", "give its path")
            ) from error
        try:
            rows.append({"certificate": str(path), **_shown(read(content))})
        except Rejected as rejected:
            rows.append({"certificate": str(path), "verdict": "rejected", "reason": str(rejected)})
    if as_json:
        typer.echo(json.dumps({"schema": "boundcalc.verify/1", "certificates": rows}))
    else:
        for row in rows:
            note = row.get("reason") or row.get("says")
            if note is None:
                which = row["theorem"] or "of no theorem of the catalogue"
                note = f"{row['checks']} checks, axioms: {row['axioms'] or 'none'}, "
                note += f"claim {row['claim_sha256']} ({which})"
            typer.echo(f"{row['verdict']} {row['certificate']}: {note}")
    if any(row["verdict"] == "rejected" for row in rows):
        raise typer.Exit(1)


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
    from time import perf_counter

    from boundcalc.kernel.__main__ import cited

    start = perf_counter()
    says, checks, claim = own(data)
    seconds = perf_counter() - start
    axioms = list(cited(data))
    on = f", axioms: {', '.join(axioms)}" if axioms else ""
    return {
        "verdict": "proved",
        "claim_sha256": claim,
        "theorem": None,
        "checks": checks,
        "axioms": axioms,
        "seconds": seconds,
        "says": f"{says} ({checks} checks{on}, {seconds:.2f} s)",
    }


def _analytic(data: Any) -> dict[str, Any]:
    """What a certificate about given functions shows. Raises Rejected."""
    from time import perf_counter

    from boundcalc.kernel.analytic.check import verify_all
    from boundcalc.kernel.identity import Rejected
    from boundcalc.library.analytic import claim_text, stranger

    start = perf_counter()
    found = verify_all(data)
    seconds = perf_counter() - start
    claims = [part["claim"] for part in data.get("certificates", [data])]
    for claim in claims:
        if (strange := stranger(claim)) is not None:
            raise Rejected(strange)
    says = "; ".join(
        f"{one.verdict}: {claim_text(claim)}" for one, claim in zip(found, claims, strict=True)
    )
    checks = sum(one.checks for one in found)
    verdicts = {one.verdict for one in found}
    return {
        "verdict": verdicts.pop() if len(verdicts) == 1 else "enclosed",
        "claim_sha256": [one.statement.sha256 for one in found],
        "theorem": None,
        "checks": checks,
        "axioms": [],
        "seconds": seconds,
        "says": f"{says} ({checks} checks, {seconds:.2f} s)",
    }
