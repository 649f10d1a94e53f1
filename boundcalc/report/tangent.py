"""Tangent kernels along a run: in words, and as the contract's JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from boundcalc.landscape.decay import Decay
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.snapshots import Snapshot, Tangent
from boundcalc.report.tighten_digits import outward

SCHEMA = "boundcalc.tangent/1"
CONVENTION = "½‖∇L‖² ≥ μL, L = ½‖r‖²; K = J Jᵀ"
_DIGITS = 6
_ROWS = 12  # snapshots that a table shows; the JSON has all


def exit_code(tangent: Tangent) -> int:
    """0 where λ_min > 0 on all snapshots, or = 0 on one, is certified; else 3."""
    return 0 if tangent.certified else 3


def tangent_json(tangent: Tangent, decay: Decay | str) -> dict[str, Any]:
    """The keys of the contract, and more. `mu` is rounded down, `kappa` up."""
    ratio = tangent.pl_star
    return {
        "schema": SCHEMA,
        "answer": answer(tangent),
        "source": tangent.source,
        "n": tangent.n,
        "m": tangent.m,
        "convention": CONVENTION,
        "snapshots": [_snapshot_json(one) for one in tangent.snapshots],
        "mu": tangent.mu,
        "lambda_min": _ends(tangent.least),
        "kappa": tangent.kappa.upper,
        "kappa_enclosure": _ends(tangent.kappa),
        "pl_star": None if ratio is None else {"mu": ratio.lower, **_ends(ratio)},
        "certified": tangent.certified,
        "decay": {"reason": decay} if isinstance(decay, str) else asdict(decay),
        "ball": None,
        "warnings": tangent.warnings,
    }


def _snapshot_json(one: Snapshot) -> dict[str, Any]:
    ratio = one.pl_star
    return {
        "row": one.row,
        "lambda_min": {**_ends(one.least), "relative_width": one.least.relative_width},
        "lambda_max": {**_ends(one.largest), "relative_width": one.largest.relative_width},
        "kappa": one.kappa.upper,
        "mu": one.least.lower,
        "pl_star": None if ratio is None else {"mu": ratio.lower, **_ends(ratio)},
        "loss": one.loss,
        "method": one.method,
        "note": one.note or None,
        "mu_before_rounding": one.unrounded,
    }


def _ends(enclosure: Enclosure) -> dict[str, float]:
    return {"lower": enclosure.lower, "upper": enclosure.upper}


def answer(tangent: Tangent) -> str:
    """One sentence: what λ_min is on the path."""
    count = len(tangent.snapshots)
    where = f"on all {count} snapshots" if count > 1 else "on the one snapshot"
    size = f"n = {tangent.n}, m = {tangent.m}"
    if tangent.mu > 0:
        return (
            f"λ_min(K) ≥ {_down(tangent.mu)} {where} ({size}): PL* holds there with "
            f"μ = {_down(tangent.mu)}, condition number κ ≤ {_up(tangent.kappa.upper)}"
        )
    zero = next((one for one in tangent.snapshots if one.least.upper == 0), None)
    if tangent.n > tangent.m:
        return (
            f"λ_min(K) = 0 exactly {where}: {tangent.m} parameters are fewer than {tangent.n} "
            "outputs, so the tangent kernel gives no μ > 0"
        )
    if zero is not None:
        return (
            f"λ_min(K) = 0 exactly on snapshot {zero.row} ({size}): the Jacobian there is "
            "rank-deficient, so the tangent kernel gives no μ > 0 on this path"
        )
    row = next(one.row for one in tangent.snapshots if one.least.lower == 0)
    return (
        f"not certified: λ_min(K) on snapshot {row} is between 0 and "
        f"{_up(tangent.snapshots[row].least.upper)} ({size})"
    )


def tangent_lines(tangent: Tangent, decay: Decay | str) -> list[str]:
    """The answer, the snapshots, the path, the decay of the loss, and what is not said."""
    lines = [answer(tangent), f"  convention  {CONVENTION}"]
    ratio = tangent.pl_star
    if ratio is not None:
        lines.append(
            f"  PL* ratio   ‖Jᵀr‖²/‖r‖² ≥ {_down(ratio.lower)} on the snapshots "
            "(what μ could be at these points; λ_min is what it is for every residual)"
        )
    lines.append(f"  κ           {_interval(tangent.kappa)}: sup λ_max / inf λ_min over the set")
    lines += ["", *_table(tangent), "", *_decay_lines(decay)]
    lines += [f"  note        {said}" for said in _notes(tangent)]
    lines.append(
        "  note        proved for the matrices in the log; between snapshots a log shows nothing"
    )
    return lines


def _table(tangent: Tangent) -> list[str]:
    """Snapshots in columns: all, or the first ones, the worst and the last."""
    header = ("row", "λ_min in", "λ_max in", "κ ≤", "PL* ratio ≥", "loss")
    shown = tangent.snapshots
    if len(shown) > _ROWS:
        worst = min(shown, key=lambda one: one.least.lower)
        kept = {one.row for one in (*shown[: _ROWS - 2], worst, shown[-1])}
        shown = tuple(one for one in shown if one.row in kept)
    rows = [
        (
            str(one.row),
            _interval(one.least),
            _interval(one.largest),
            _up(one.kappa.upper),
            "-" if one.pl_star is None else _down(one.pl_star.lower),
            f"{one.loss:.6g}",
        )
        for one in shown
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    hidden = len(tangent.snapshots) - len(shown)
    return [*lines, f"({hidden} more snapshots: --json)"] if hidden else lines


def _decay_lines(decay: Decay | str) -> list[str]:
    if isinstance(decay, str):
        return [f"  decay       of the loss against Π(1 − ημ) is not compared: {decay}"]
    last, bound = decay.observed[-1], decay.promised[-1]
    lines = [
        f"  decay       L_T/L_0 = {last:.6g} against Π(1 − ημ_t) = {bound:.6g} "
        f"(η: {decay.how}, μ_t = λ_min at each snapshot)"
    ]
    if decay.above is not None:
        t = decay.above
        lines.append(
            f"              row {t} is above: {decay.observed[t]:.6g} > {decay.promised[t]:.6g}: "
            "there the path between snapshots, or the step size, is outside gd-pl-star"
        )
    if decay.beyond is not None:
        lines.append(
            f"              ηλ_max > 1 on row {decay.beyond}: beyond gd-pl-star's step-size limit "
            "1/(L_F² + β_F‖r‖)"
        )
    return lines


def _notes(tangent: Tangent) -> list[str]:
    """Warnings, and each thing that is not certified, once."""
    notes = list(tangent.warnings)
    before = [one.unrounded for one in tangent.snapshots if one.unrounded is not None]
    if before:
        notes.append(
            f"a Jacobian that rounds to the stored one has λ_min ≥ {_down(min(before))} on every "
            "snapshot; log it in float64 for more"
        )
    by_note: dict[str, list[int]] = {}
    for one in tangent.snapshots:
        if one.note:
            by_note.setdefault(one.note, []).append(one.row)
    for note, rows in by_note.items():
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        notes.append(f"{note} (row {rows[0]}{more})")
    methods = sorted({one.method for one in tangent.snapshots})
    widths = (
        max(one.least.relative_width for one in tangent.snapshots),
        max(one.largest.relative_width for one in tangent.snapshots),
    )
    said = f"relative widths at most {widths[0]:.1g} (λ_min), {widths[1]:.1g} (λ_max)"
    return [*notes, f"how: {'; '.join(methods)}; {said}"]


def _interval(enclosure: Enclosure) -> str:
    """ "[0.123455, 0.123457]", or the number itself where it is exact."""
    if enclosure.lower == enclosure.upper:
        return _up(enclosure.upper)
    return f"[{_down(enclosure.lower)}, {_up(enclosure.upper)}]"


def _down(value: float) -> str:
    return str(value) if math.isinf(value) else outward(Fraction(value), -1, _DIGITS)


def _up(value: float) -> str:
    return str(value) if math.isinf(value) else outward(Fraction(value), 1, _DIGITS)
