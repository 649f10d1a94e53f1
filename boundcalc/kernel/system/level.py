"""Certificates that gradient descent takes the loss of a system down to a level, inside a ball.

    {"schema": "boundcalc.level-certificate/1", "claim": {"system": {"formulas": ...}, "radius",
     "mu", "level", "step_size", "steps"}, "claim_sha256": ...,
     "proof": {"via", "beta", "proofs": {goal: proof}, "theorem": a certificate, "precision": 128}}

PL* down to a level needs no λ_min(K) > 0, so it may hold with fewer parameters than equations: it
is a goal of its own via "direct"; via "kernel" it follows from λ_min(K) ≥ mu on the ball.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Goal, MatrixGoal
from boundcalc.kernel.certificate import verify as verify_theorem
from boundcalc.kernel.claim import Claim, ClaimError, Json, digest, fields, text
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.closing import BITS, instantiated
from boundcalc.kernel.system.decimals import decimal
from boundcalc.kernel.system.formula_bounds import (
    ERRORS,
    Goals,
    at_start,
    check_goals,
    framed,
    working,
)
from boundcalc.kernel.system.formulas import read_system
from boundcalc.kernel.system.statement import positive
from boundcalc.kernel.value import enclose

SCHEMA = "boundcalc.level-certificate/1"
THEOREM = "c24a36794ff797f525bb0f001e18c94366b4096cfaea5fe04e5555aed6003ad4"  # gd-pl-star-eps
AXIOMS = ("smooth-quadratic-bounds",)  # by the hash of its claim:
AXIOM = "4976281e7ec4bc6ee4290068bb418d8d48c30b03ed21980b68df99024ea70191"
AT = {("here", "x"), ("there", "y"), ("star", "x"), ("upper", "x", "y")}
MAX_STEPS = 10**15


@dataclass(frozen=True)
class Level:
    """On the closed ball of the radius R around w0, L = ½‖F‖²:

    ½‖∇L(w)‖² ≥ mu·L(w) where L(w) ≥ level; gradient descent with any step size 0 < η ≤ step_size
    stays in the ball as long as L(w_t) > level, with L(w_t) ≤ (1 − η·mu)^t L(w0); with step_size
    itself the level is reached within `steps` steps.
    """

    system: Json
    radius: Fraction
    mu: Fraction
    level: Fraction
    step_size: Fraction
    steps: int

    def says(self) -> str:
        """The statement in one line; what is rounded is rounded so that it stays true."""
        mu, level = decimal(self.mu, ROUND_FLOOR), decimal(self.level, ROUND_CEILING)
        return (
            f"|grad L|^2/2 >= {mu}*L where L >= {level} within {self.radius} of w0; "
            f"gradient descent with step {self.step_size} stays there and has L <= {level} "
            f"within {self.steps} steps"
        )


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
        said = read_level(raw["claim"])
        return said.says(), check(said, raw["proof"]), raw["claim_sha256"]
    except (*ERRORS, LookupError, AttributeError) as error:
        raise Rejected(str(error) or "not well formed") from error


def read_level(data: Json) -> Level:
    """The statement of a claim. Raises ClaimError."""
    numbers = {"radius", "mu", "level", "step_size"}
    raw = fields(data, "claim", {"system", "steps", *numbers}, set())
    system = fields(raw["system"], "system", {"formulas"}, set())["formulas"]
    radius, mu, level, step = (
        positive(raw[key], key) for key in ("radius", "mu", "level", "step_size")
    )
    steps = positive(text(raw["steps"], "steps"), "steps")
    if steps.denominator != 1 or steps > MAX_STEPS:
        raise ClaimError(f"steps: a whole number of at most {MAX_STEPS}")
    return Level(system, radius, mu, level, step, int(steps))


def check(said: Level, proof: Json) -> int:
    """Check a proof; the number of steps. Raises Rejected, ClaimError and its like."""
    raw = fields(proof, "proof", {"via", "beta", "proofs", "theorem"}, {"frames", "precision"})
    beta = positive(raw["beta"], "beta")
    with working(raw):
        system = read_system(said.system)
        made = Goals(system, said.radius)
        wanted = {**made.defined(), **made.smooth(beta), **_steep(made, said, raw["via"])}
        checks = check_goals(system, framed(system, wanted, raw.get("frames", {})), raw["proofs"])
        residual, _ = at_start(system, system.residual)
        loss = sum((max(lo * lo, hi * hi) for lo, hi in residual), Fraction(0)) / 2
        if loss < said.level:
            raise Rejected("level: the start may lie below it already")
        theorem = _theorem(raw["theorem"])
        known = instantiated(
            theorem,
            {
                "mu": said.mu,
                "beta": beta,
                "gamma": said.step_size,
                "loss0": loss,
                "epsilon": said.level,
            },
        )
        reach = enclose(text(theorem.conclusion["radius"], "radius"), known, BITS)[1]
        if reach >= said.radius:
            raise Rejected("radius: the path of gradient descent may be longer")
        if said.step_size * beta > 1:
            raise Rejected("step_size: larger than 1/beta")
        if not _down(1 - said.mu * said.step_size, said.steps, said.level / loss):
            raise Rejected("steps: more may be needed")
    return checks + 4


def _steep(made: Goals, said: Level, via: Json) -> dict[str, Goal | MatrixGoal]:
    """½‖∇L‖² ≥ mu·L where L ≥ level: ½‖∇L‖² = ½FᵀKF ≥ λ_min(K)·L. Raises ClaimError."""
    if via == "kernel":
        kernel = made.gram(made.system.jacobian)
        return {"mu": made.matrix("mu", kernel, said.mu, 1)}
    if via != "direct":
        raise ClaimError("via: direct or kernel")
    return made.above_level(said.mu, said.level)


def _down(rate: Fraction, steps: int, share: Fraction) -> bool:
    """Whether rate^steps ≤ share, for 0 ≤ rate < 1: mu ≤ beta, and step_size ≤ 1/beta."""
    base = iv.rational(rate)
    power = base if steps == 1 else iv.power(base, steps)
    return bool(power[1] <= iv.rational(share)[0])


def _theorem(data: Json) -> Claim:
    """gd-pl-star-eps, with a proof that uses its hypotheses at x and x⁺ alone.

    All of these lie in the ball (docs/ball-formulas.md), and so does the segment between them:
    there the axiom, integration of the gradient along it, asks for smoothness on the ball only.
    """
    proved = verify_theorem(data)
    used = {(name, *entry[1:]) for name, entry in data["proof"]["use"].items()}
    own = {"define"} & data["proof"].keys()
    cited = {claim for _, claim in proved.cited}
    if proved.claim.sha256 != THEOREM or cited != {AXIOM} or used != AT or own:
        raise Rejected("theorem: the certificate is of another claim, or uses other points")
    return proved.claim
