"""`python -m boundcalc.kernel CERTIFICATE...`: the checker alone, with nothing installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from boundcalc.kernel.certificate import read, verify
from boundcalc.kernel.claim import Json
from boundcalc.kernel.identity import Rejected

Summary: TypeAlias = tuple[str, int, str]  # what is proved, in words; checks; hash of the claim

# kinds of certificates with a checker of their own: start of the schema → the module that has
# summary(data) -> Summary, which raises Rejected
CHECKERS: Mapping[str, str] = {
    "boundcalc.ball-certificate/": "boundcalc.kernel.system.check",
    "boundcalc.level-certificate/": "boundcalc.kernel.system.level",
    "boundcalc.levels-certificate/": "boundcalc.kernel.levels.check",
    "boundcalc.nonconvex-certificate/": "boundcalc.kernel.system.nonconvex",
    "boundcalc.path-certificate/": "boundcalc.kernel.system.path",
}


def checker(data: Json) -> Callable[[Json], Summary] | None:
    """The checker of a certificate's kind, where it has one of its own."""
    module = _module(data)
    if module is None:
        return None
    found: Callable[[Json], Summary] = import_module(module).summary
    return found


def cited(data: Json) -> tuple[str, ...]:
    """The axioms that every certificate of such a kind rests on."""
    module = _module(data)
    found: tuple[str, ...] = () if module is None else getattr(import_module(module), "AXIOMS", ())
    return found


def _module(data: Json) -> str | None:
    schema = str(data.get("schema", "")) if isinstance(data, dict) else ""
    return next((name for start, name in CHECKERS.items() if schema.startswith(start)), None)


def is_analytic(data: Json) -> bool:
    """Whether a certificate is about given functions."""
    return isinstance(data, dict) and str(data.get("schema", "")).startswith(
        (
            "boundcalc.analytic-certificate/",
            "boundcalc.enclosure-certificate/",
            "boundcalc.frontier-certificate/",
        )
    )


def is_frontier(data: Json) -> bool:
    """Whether an analytic certificate is one of a whole frontier."""
    return isinstance(data, dict) and str(data.get("schema", "")).startswith(
        "boundcalc.frontier-certificate/"
    )


def analytic(data: Json) -> str:
    """What a certificate about given functions shows, in one line. Raises Rejected."""
    from boundcalc.kernel.analytic.check import verify_all  # needs python-flint

    if is_frontier(data):
        from boundcalc.kernel.analytic.frontier import verify_frontier

        band = verify_frontier(data)
        return (
            f"proved: beta* for alpha in [{band.lower[0][0]}, {band.lower[-1][0]}] in a band of "
            f"width {band.width}: {band.checks} checks, {len(band.parts)} claims"
        )
    return "; ".join(
        f"{found.verdict}: {found.checks} checks, claim {found.statement.sha256}"
        for found in verify_all(data)
    )


def main(paths: list[str]) -> int:
    """Print one line per certificate; 0 where all are proofs, 1 where one is not."""
    worst = 0
    for path in paths:
        try:
            data = read(Path(path).read_text(encoding="utf-8"))
            if is_analytic(data):
                sys.stdout.write(f"{analytic(data)} {path}\n")
                continue
            own = checker(data)
            if own is not None:
                says, checks, claim = own(data)
                sys.stdout.write(
                    f"proved {path}: {says}; {checks} checks, "
                    f"axioms: {', '.join(cited(data)) or 'none'}, claim {claim}\n"
                )
                continue
            proved = verify(data)
        except (Rejected, UnicodeDecodeError) as rejected:
            sys.stdout.write(f"rejected {path}: {rejected}\n")
            worst = 1
        else:
            axioms = ", ".join(f"{id} ({claim})" for id, claim in sorted(proved.cited)) or "none"
            sys.stdout.write(
                f"proved {path}: {proved.checks} identities, axioms: {axioms}, "
                f"claim {proved.claim.sha256}\n"
            )
    return worst


if __name__ == "__main__":  # pragma: no cover - run as a program in the tests
    sys.exit(main(sys.argv[1:]))
