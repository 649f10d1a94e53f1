"""Certificates that the loss of a system is convex in no neighbourhood of a zero.

    {"schema": "boundcalc.nonconvex-certificate/1", "claim": {"system": {"formulas": ...}},
     "claim_sha256": ..., "proof": {"flat": [v], "toward": [d], "precision": 128}}

L = ½‖F‖² has ∇²L = DFᵀDF + Σ F_i H_i. At a zero w* of F let DF(w*)v = 0, and let g(t) be
vᵀ∇²L(w* + td)v. Then g(0) = ‖DF(w*)v‖² = 0; if g'(0) < 0, then g(t) < 0 for all small t > 0, so ∇²L
is not positive semidefinite at points as near to w* as one likes. w*, v, d are rational; zeros are
exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.statement import rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, digest, fields, items
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import ERRORS, working
from boundcalc.kernel.system.formulas import System, read_system, signed

SCHEMA = "boundcalc.nonconvex-certificate/1"


def summary(data: Json) -> tuple[str, int, str]:
    """What a certificate proves in words, how many things were checked, and the claim's hash.

    Raises Rejected.
    """
    try:
        raw = fields(data, "certificate", {"schema", "claim", "claim_sha256", "proof"}, set())
        if raw["schema"] != SCHEMA:
            raise ClaimError(f"certificate: expected schema {SCHEMA}")
        if digest(raw["claim"]) != raw["claim_sha256"]:
            raise ClaimError("certificate: the hash is of another claim")
        claim = fields(raw["claim"], "claim", {"system"}, set())
        written = fields(claim["system"], "system", {"formulas"}, set())["formulas"]
        proof = fields(raw["proof"], "proof", {"flat", "toward"}, {"precision"})
        with working(proof):
            system = read_system(written)
            flat, toward = (_vector(proof[key], system) for key in ("flat", "toward"))
            checks = _check(system, flat, toward)
    except (*ERRORS, LookupError, AttributeError) as error:
        raise Rejected(str(error) or "not well formed") from error
    at = ", ".join(f"{n} = {x}" for n, x in zip(system.variables, system.start, strict=True))
    says = f"L = |F|^2/2 is convex in no neighbourhood of its zero {at}"
    return says, checks, raw["claim_sha256"]


def _vector(data: Json, system: System) -> list[Fraction]:
    found = [rational(x, "vector") for x in items(data, "vector")]
    if len(found) != len(system.variables):
        raise ClaimError("vector: one number for each variable")
    return found


def _check(system: System, flat: Sequence[Fraction], toward: Sequence[Fraction]) -> int:
    signed(system, 3)
    terms = system.context.terms
    for k, node in enumerate(system.residual):
        if not is_zero(system, node):
            raise Rejected(f"F_{k + 1}: not shown to be 0 at the point")
        if not is_zero(system, _along(system, flat, node)):
            raise Rejected(f"F_{k + 1}: not shown to be flat in the direction given")
    curvature = _along(system, flat, _along(system, flat, system.loss))
    slope = _along(system, toward, curvature)
    place = {n: iv.rational(x) for n, x in zip(system.variables, system.start, strict=True)}
    if not evaluate(terms, slope, place)[1] < 0:
        raise Rejected("g'(0): not shown to be negative")
    return 2 * len(system.residual) + 1


def _along(system: System, vector: Sequence[Fraction], node: Node) -> Node:
    """The derivative of a node along a constant vector."""
    terms = system.context.terms
    return terms.dot(system.gradient(node), [terms.const(x) for x in vector])


def is_zero(system: System, node: Node) -> bool:
    """Whether a node is exactly 0 at the start: its normal form there is."""
    terms, normal = system.context.terms, system.context.normal
    place = {name: terms.const(x) for name, x in zip(system.variables, system.start, strict=True)}
    return not normal.of(terms.substitute(node, place))
