"""How far down gradient descent takes the loss of a system inside a ball: PL* down to a level."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import PRECISION
from boundcalc.kernel.system.level import SCHEMA, summary
from boundcalc.library.proofs import certificate_of
from boundcalc.search.ball.constants import Search, Shown, rounded
from boundcalc.systems.start import Start

ROOM = 1.02
TRIES = 4
SHARES = (Fraction(1), Fraction(1, 2), Fraction(1, 8))  # of the step size 1/β: less, shorter paths
GROWTH, RADII = 1.12, 60


@dataclass(frozen=True)
class Descent:
    """The verdict on PL* down to a level.

    mu, step_size, steps : where shown; fails : why not; already : L(w0) ≤ level, no step is needed.
    """

    level: Fraction
    radius: Fraction
    mu: Fraction | None = None
    beta: Fraction | None = None
    step_size: Fraction | None = None
    steps: int | None = None
    fails: str | None = None
    certificate: dict[str, Any] | None = None
    says: str | None = None
    already: bool = False

    @property
    def closes(self) -> bool:
        """Whether the statement was proved, or there is nothing to prove."""
        return self.already or self.certificate is not None


def descent_of(
    search: Search, start: Start, level: Fraction, radius: Fraction | None = None
) -> Descent:
    """The verdict on the ball of that radius, or on the first one that seems to close."""
    loss = start.norm**2 / 2
    if loss <= level:
        return Descent(level, radius or Fraction(0), steps=0, already=True)
    tried: list[Descent] = []
    radii = _radii(search, loss, level, radius)
    reached = [(_reach(search, float(r), float(level), float(loss)), r) for r in radii]
    # steps 1/β where their longer paths fit too
    good = [r for x, r in reached if x > ROOM] or [r for x, r in reached if 2 * x > ROOM]
    for candidate in (good or radii)[:TRIES] if good or radius is not None else []:
        tried.append(_at(search, loss, level, candidate))
        if tried[-1].closes:
            return tried[-1]
    if tried:
        return tried[0]
    reach, best = max(reached)
    why = (
        f"μ above the level is too small: the path of gradient descent is at least "
        f"{1 / max(2 * reach, 1e-300):.4g} times the radius on every ball; nearest at R = "
        f"{float(best):.4g}; a higher level, or a start with a smaller loss, would help"
    )
    return Descent(level, best, fails=why)


def _reach(search: Search, radius: float, level: float, loss: float) -> float:
    """R√μ/(2√(2L(w0))) in floating point: more than 1 closes at step 1/β, than ½ at small ones."""
    return radius * math.sqrt(max(search.seems("above", radius, level), 0.0) / (8 * loss))


def _radii(
    search: Search, loss: Fraction, level: Fraction, radius: Fraction | None
) -> list[Fraction]:
    """Radii to try, upward from one that is too small at the start."""
    if radius is not None:
        return [radius]
    here = search.seems("above", 1e-9, float(level))
    if not (0 < here < math.inf):
        return [Fraction(1)]
    first = math.sqrt(2 * float(loss) / here)
    return [rounded(Fraction(first * GROWTH**k), 1, 4) for k in range(1, RADII)]


def _at(search: Search, loss: Fraction, level: Fraction, radius: Fraction) -> Descent:
    """The verdict on one ball, with proofs."""
    found = Descent(level, radius)
    smooth = search.defined(radius)
    via, above = _steep(search, radius, level)
    if above is None or not above.value or smooth is None:
        why = search.stopped.get("defined" if smooth is None else "above", "it seems to be 0")
        return replace(found, fails=f"mu: ½‖∇L‖² ≥ μL above the level was not proved: {why}")
    beta = search.show("beta", radius)
    if beta is None:
        why = search.stopped.get("beta", "it seems to be infinite")
        return replace(found, fails=f"beta: no bound of ∇²L on the ball was proved: {why}")
    mu = min(above.value, beta.value)
    found = replace(found, mu=mu, beta=beta.value)
    share = next((s for s in SHARES if 8 * loss < radius**2 * mu * (2 - s) ** 2), None)
    if share is None:
        path = math.sqrt(2 * loss / mu)
        why = (
            f"radius: the path √(2L(w0)/μ) = {path:.6g} of gradient descent, at the least, is "
            f"{path / float(radius):.4g} times the radius {float(radius):.6g}"
        )
        return replace(found, fails=why)
    step = rounded(share / beta.value, -1, 12)
    steps = _steps(mu * step, level / loss)
    claim = {
        "system": {"formulas": search.data},
        "radius": str(radius),
        "mu": str(mu),
        "level": str(level),
        "step_size": str(step),
        "steps": str(steps),
    }
    proof = {
        "via": via,
        "beta": str(beta.value),
        "proofs": {**smooth, **beta.proofs, **above.proofs},
        "frames": dict(above.frames),
        "theorem": certificate_of("gd-pl-star-eps"),
        "precision": PRECISION,
    }
    body = {"schema": SCHEMA, "claim": claim, "claim_sha256": digest(claim), "proof": proof}
    try:
        says, _, _ = summary(body)
    except Rejected as error:
        return replace(found, fails=f"kernel: {error}")
    return replace(found, step_size=step, steps=steps, certificate=body, says=says)


def _steep(search: Search, radius: Fraction, level: Fraction) -> tuple[str, Shown | None]:
    """PL* above the level: by λ_min(K) where that is nearly as good, else as it stands."""
    best = search.seems("above", float(radius), float(level))
    if search.seems("mu", float(radius)) > 0.9 * best:
        kernel = search.show("mu", radius)
        if kernel is not None and kernel.value:
            return "kernel", kernel
    return "direct", search.show("above", radius, level)


def _steps(rate: Fraction, share: Fraction) -> int:
    """⌈log(L0/level)/(−log(1 − μη))⌉, and one more where floats cannot tell."""
    if rate >= 1:
        return 1
    exact = math.log(1 / share) / -math.log1p(-float(rate))
    return max(1, math.ceil(exact * (1 + 1e-12)))
