"""Compute the tight constants of the gallery without any of boundcalc: cases/truth/values.toml.

Run from cases/truth: python compute.py [CASE...]
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import learning
import learning_line
import line
import many
import mpmath as mp
import plane
import sympy as sp
from model import SECOND_ORDER, SUPREMUM, Ratio
from optimum import Best, optimum
from truth import Entry, Tight

MODULES = (line, learning_line, learning, plane, many)
ENTRIES: list[Entry] = [entry for module in MODULES for entry in module.ENTRIES]
DIGITS = 18
VALUES = Path(__file__).with_name("values.toml")


def numeric(entry: Entry, truth: Tight) -> Best:
    """The best over the components (or of f), as a sample and Newton see it."""
    every = truth.condition in SUPREMUM | SECOND_ORDER
    count = len(entry.case.functions) if every else 1
    distinct = {entry.case.functions[i]: i for i in reversed(range(count))}.values()
    found = [
        optimum(entry.case, truth.condition, i, truth.reach, **truth.fixed)
        for i in sorted(distinct)
    ]
    return (max if truth.condition in SUPREMUM else min)(found, key=lambda b: b.value)


def probe(entry: Entry, truth: Tight) -> None:
    """For "none": at the last probe the ratio is past any sensible constant, and the first's."""
    worst = []
    for point in truth.probes:
        ratio = Ratio(entry.case, truth.condition, 0, **truth.fixed)
        with mp.workdps(50):
            worst.append(float(ratio.one([mp.mpf(c) for c in point])))
    if truth.condition in SUPREMUM:
        good = worst and worst[-1] >= max(100.0, 2 * worst[0] if len(worst) > 1 else 0)
    else:
        good = worst and worst[-1] <= 3e-2 and (len(worst) == 1 or worst[-1] < worst[0] / 4)
    if not good:
        raise SystemExit(f"{entry.case.name} {truth.condition}: probes give {worst}")


def tighten(entry: Entry, truth: Tight) -> tuple[str, str, str]:
    """(constant, where, how); stops where closed form and sample disagree."""
    name = f"{entry.case.name} {truth.condition}"
    if truth.constant == "none":
        probe(entry, truth)
        return "none", "", "reasoned; probes agree"
    best = numeric(entry, truth)
    at = ", ".join(mp.nstr(c, 15) for c in best.at)
    if isinstance(truth.constant, bool):
        # a sample with a negative eigenvalue refutes convexity, none at all agrees with it
        if (best.value >= -mp.mpf("1e-12")) != truth.constant:
            raise SystemExit(f"{name}: least eigenvalue {best.value} at {at}")
        return (
            ("yes" if truth.constant else "none"),
            at if not truth.constant else "",
            "reasoned; sample agrees",
        )
    if truth.constant is None:
        if best.digits < 15:
            raise SystemExit(
                f"{name}: only {best.digits} digits: {mp.nstr(best.value, 15)} at {at}"
            )
        return (
            mp.nstr(best.value, DIGITS, strip_zeros=False),
            at,
            "sample and Newton at 50 digits",
        )
    exact = sp.N(truth.constant, 40)
    gap = float(mp.mpf(str(exact)) - best.value) * (-1 if truth.condition in SUPREMUM else 1)
    if gap > 1e-9 or (not truth.limit and gap < -1e-6):
        raise SystemExit(f"{name}: closed form {exact}, sample {best.value} at {at}")
    how = f"closed form {truth.constant}; sample comes within {max(-gap, 0):.1e}"
    return str(sp.N(truth.constant, DIGITS)), "" if truth.limit else at, how


def text(value: str) -> str:
    return '"' + value.replace("\\", "").replace('"', "'") + '"'


def row(entry: Entry, truth: Tight) -> dict[str, str]:
    """One table of values.toml."""
    constant, where, how = tighten(entry, truth)
    fixed = {key: str(value) for key, value in truth.fixed.items()}
    head = {"case": entry.case.name, "condition": truth.condition, **fixed, "constant": constant}
    return head | ({"at": where} if where else {}) | {"how": how, "why": truth.why}


def main(chosen: list[str]) -> None:
    """Compute the chosen cases (all, if none is named); the others stay as they are."""
    kept = tomllib.loads(VALUES.read_text(encoding="utf-8"))["value"] if chosen else []
    lines = ["# Tight constants of the gallery, written by compute.py; not by boundcalc.", ""]
    for entry in ENTRIES:
        if chosen and entry.case.name not in chosen:
            rows = [r for r in kept if r["case"] == entry.case.name]
        else:
            rows = [row(entry, truth) for truth in entry.truths]
            print(*(" ".join(list(r.values())[1:-1]) for r in rows), sep="\n", flush=True)
        for r in rows:
            lines += ["[[value]]", *(f"{key} = {text(value)}" for key, value in r.items()), ""]
    VALUES.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
