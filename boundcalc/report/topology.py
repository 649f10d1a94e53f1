"""Level sets of a network: in words, and as the contract's JSON."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from boundcalc.kernel.value import Pair
from boundcalc.landscape.manifold import Manifold
from boundcalc.landscape.topology import Applied, CheckedVersion, Topology, counts
from boundcalc.library.counts import shown_count
from boundcalc.library.numbers import lower, upper

SCHEMA = "boundcalc.topology/1"
CONVENTION = "L(w) = ½ Σ_i ‖F(w; x_i) − y_i‖²; N_λ: number of connected components of {L ≤ λ}"


def topology_json(found: Topology, certificate: str | None = None) -> dict[str, Any]:
    """The keys of the contract, and more; certificate : the path it was written to."""
    net, numbers = found.net, counts(found.net)
    return {
        "schema": SCHEMA,
        "answer": answer(found),
        "network": {
            "name": net.name,
            "widths": list(net.widths),
            "activation": net.activation,
            "output": net.output,
            "bias": net.bias,
            "loss": net.loss,
            "points": net.points,
        },
        "convention": CONVENTION,
        "theorems": [_theorem_json(one) for one in found.theorems],
        "parameters": numbers["parameters"],
        "manifold_dimension": {**_manifold_json(found.zeros), "certificate": certificate},
    }


def _theorem_json(one: Applied) -> dict[str, Any]:
    theorem = one.theorem
    return {
        "theorem": theorem.id,
        "applies": one.applies,
        "version": one.version.name,
        "hypotheses": _hypotheses_json(one.version),
        "versions": [
            {"version": v.name, "holds": v.holds, "hypotheses": _hypotheses_json(v)}
            for v in one.versions
        ],
        "conclusion": one.conclusion if one.applies else None,
        "statement": theorem.conclusion,
        "rate": {"scales_as": theorem.rate, "numbers": one.rate_numbers, "constants": "hidden"}
        if theorem.rate
        else None,
        "not_concluded": list(theorem.not_concluded),
        "note": theorem.note or None,
        "reference": theorem.reference,
        "kind": theorem.kind,
    }


def _hypotheses_json(version: CheckedVersion) -> list[dict[str, Any]]:
    return [
        {"statement": one.statement, "holds": one.holds, "numbers": one.numbers}
        for one in version.hypotheses
    ]


def _manifold_json(zeros: Manifold) -> dict[str, Any]:
    proved = zeros.proved
    return {
        "value": zeros.value,
        "verdict": zeros.verdict,
        "said": zeros.said,
        "exact_zero": zeros.exact_zero,
        "residual": zeros.residual,
        "lambda_min": None
        if zeros.least is None
        else {"lower": zeros.least.lower, "upper": zeros.least.upper},
        "ball": None
        if proved is None
        else {
            "radius": _end(proved.statement.radius, upper),
            "mu": _end(proved.statement.mu, lower),
        },
    }


def _end(number: Fraction, side: Callable[[Pair], float]) -> float:
    return side((number, number))


def answer(found: Topology) -> str:
    """One sentence: which theorems apply, and the dimension of the set of zeros."""
    applying = [one.theorem.id for one in found.theorems if one.applies]
    verb = "applies" if len(applying) == 1 else "apply"
    which = f"{', '.join(applying) or 'none'} {verb}"
    return f"{which} ({len(applying)} of {len(found.theorems)} theorems); {_dimension(found.zeros)}"


def _dimension(zeros: Manifold) -> str:
    value = shown_count(zeros.value)
    if zeros.verdict == "proved":
        return f"{{L = 0}} is a manifold of dimension {value} near the given weights, proved"
    if zeros.verdict == "undecided":
        return f"the dimension of {{L = 0}} is undecided (p - r·d = {value})"
    if zeros.value < 0:
        return f"{{L = 0}} is generically empty (p - r·d = {value})"
    return f"{{L = 0}} is generically empty or a manifold of dimension {value}"


def topology_lines(found: Topology, certificate: str | None = None) -> list[str]:
    """The answer, then one paragraph for each theorem, those that apply first."""
    net, zeros, numbers = found.net, found.zeros, counts(found.net)
    widths = "-".join(shown_count(width) for width in net.widths)
    said = (
        f"{net.name}: widths {widths}, {net.activation}, "
        f"{'biases' if net.bias else 'no biases'}, {net.loss} loss; "
        f"p = {shown_count(numbers['parameters'])} parameters, "
        f"N = {shown_count(net.points)} data points, r = {shown_count(net.widths[-1])} outputs"
    )
    lines = [answer(found), said, CONVENTION]
    for one in sorted(found.theorems, key=lambda one: not one.applies):
        lines += ["", *_theorem_lines(one)]
    lines += ["", f"zeros of the loss: p - r·d = {shown_count(zeros.value)}, {zeros.verdict}"]
    lines.append(f"  {zeros.said}")
    if certificate is not None:
        lines.append(f"  certificate: {certificate}")
    return lines


def _theorem_lines(one: Applied) -> list[str]:
    theorem = one.theorem
    verdict = "applies" if one.applies else "does not apply"
    version = f" ({one.version.name})" if len(one.versions) > 1 else ""
    lines = [f"{theorem.id}{version}: {verdict}"]
    for checked in one.version.hypotheses:
        mark = "holds" if checked.holds else "FAILS"
        lines.append(f"  {mark}  {checked.statement}: {checked.numbers}")
    if one.applies:
        lines.append(f"  then   {one.conclusion}")
        if theorem.rate:
            lines.append(f"  rate   {one.rate_numbers}; the constant is hidden: no number follows")
        lines += [f"  not    {sentence}" for sentence in theorem.not_concluded]
        lines += [f"  note   {theorem.note}"] if theorem.note else []
    if theorem.proof:
        lines.append(f"  proof  in words: boundcalc theorems {theorem.id}")
    lines.append(f"  {'see' if theorem.proof else 'cited':<6} {theorem.reference}")
    return lines
