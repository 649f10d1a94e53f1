"""Ball certificates, put together: a statement about one system and the theorems it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.kernel.claim import digest
from boundcalc.kernel.system.closing import ROUTES
from boundcalc.kernel.system.statement import SCHEMA
from boundcalc.library.proofs import certificate_of


@dataclass(frozen=True)
class Numbers:
    """What a ball certificate writes down; see `Statement` and `Proof` of kernel/system.

    radius : R, parameter. mu : smallest eigenvalue of K on the ball. step_size : largest. start :
    below √λ_min(K(w0)), 0 for a direct route. residual, jacobian_norm, jacobian_lipschitz : r0,
    L_F, H, from above.
    """

    radius: Fraction
    mu: Fraction
    step_size: Fraction
    start: Fraction
    residual: Fraction
    jacobian_norm: Fraction
    jacobian_lipschitz: Fraction


def ball_certificate(
    kind: str, system: Any, route: str, numbers: Numbers, enclosures: Any = None
) -> dict[str, Any]:
    """The JSON value that the kernel checks. kind : "network" or "formulas"."""
    claim = {
        "system": {kind: system},
        "radius": str(numbers.radius),
        "mu": str(numbers.mu),
        "step_size": str(numbers.step_size),
    }
    proof = {
        "route": route,
        "start": str(numbers.start),
        "residual": str(numbers.residual),
        "jacobian_norm": str(numbers.jacobian_norm),
        "jacobian_lipschitz": str(numbers.jacobian_lipschitz),
        "theorems": {id: certificate_of(id) for id in ROUTES[route]},
    }
    if enclosures is not None:
        proof["enclosures"] = enclosures
    return {"schema": SCHEMA, "claim": claim, "claim_sha256": digest(claim), "proof": proof}


def is_ball(data: Any) -> bool:
    """Whether a certificate is one about a system on a ball."""
    return isinstance(data, Mapping) and data.get("schema") == SCHEMA
