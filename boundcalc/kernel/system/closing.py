"""The closing rule: theorems with algebraic proofs, at the numbers of one system on one ball.

The theorems are named by the hash of their claims, so that what is instantiated here is what was
read when this file was written; their proofs come with the certificate and are checked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.certificate import verify
from boundcalc.kernel.claim import Claim, ClaimError, Json, fields, text
from boundcalc.kernel.grammar import names, parse, parse_relation
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.bounds import Bounds
from boundcalc.kernel.system.spectrum import exceeds, largest
from boundcalc.kernel.system.statement import Statement, number, positive
from boundcalc.kernel.value import Pair, enclose

DESCENT = "gd-pl-star-residual"
NEARBY = "uniform-conditioning-ball-sharp"
PL_STAR = "uniform-conditioning-pl-star"
OUTPUT = "output-map-conditioning"
CLAIMS: Mapping[str, str] = {
    DESCENT: "85aad34fe5b166da837dfdf1d36cf75db3cdd74bdcfe6c7ce52519f8cb7680c5",
    NEARBY: "fa0251ca36a46b25aa5afde43bfa24ac7c8ef90423af39a1cc0f0d9942a58e94",
    PL_STAR: "0bcc43a2b2bf0f5c4b185d67cf9d98e43b943d8482f1ddbb622ae3beeb9faef7",
    OUTPUT: "bb704b8761aaca39d44fcba6eb5f54be18eac9850343c217b6ccd3129097fb87",
}
ROUTES: Mapping[str, tuple[str, ...]] = {
    "direct": (PL_STAR, DESCENT),
    "hessian": (NEARBY, PL_STAR, DESCENT),
    "output-direct": (OUTPUT, PL_STAR, DESCENT),
    "output-hessian": (NEARBY, OUTPUT, PL_STAR, DESCENT),
}
BITS = 128  # of square roots


@dataclass(frozen=True)
class Proof:
    """route : how λ_min is bounded on the ball. start : a number below √λ_min(K(w0)), of z in place

    of F for an output route; 0 for a direct route. residual, jacobian_norm, jacobian_lipschitz :
    upper bounds r0, L_F, H. theorems : their certificates. enclosures : for systems whose bounds
    have proofs of their own (formulas); else None.
    """

    route: str
    start: Fraction
    residual: Fraction
    jacobian_norm: Fraction
    jacobian_lipschitz: Fraction
    theorems: dict[str, Json]
    enclosures: Json


def read_proof(data: Json) -> Proof:
    """{"route", "start", "residual", "jacobian_norm", "jacobian_lipschitz", "theorems"}.

    Raises ClaimError.
    """
    keys = {"route", "start", "residual", "jacobian_norm", "jacobian_lipschitz", "theorems"}
    raw = fields(data, "proof", keys, {"enclosures"})
    route = text(raw["route"], "route")
    if route not in ROUTES:
        raise ClaimError(f"route: one of {sorted(ROUTES)}")
    theorems = fields(raw["theorems"], "theorems", set(ROUTES[route]), set())
    return Proof(
        route,
        number(raw["start"], "start"),
        positive(raw["residual"], "residual"),
        positive(raw["jacobian_norm"], "jacobian_norm"),
        positive(raw["jacobian_lipschitz"], "jacobian_lipschitz"),
        theorems,
        raw.get("enclosures"),
    )


def close(statement: Statement, bounds: Bounds, proof: Proof) -> int:
    """Check that the statement follows from the bounds; the number of things checked.

    Raises Rejected, ClaimError, GrammarError.
    """
    claims = {id: _theorem(id, proof.theorems[id]) for id in ROUTES[proof.route]}
    squares = sum(max(lo * lo, hi * hi) for lo, hi in bounds.residual)
    _require(squares <= proof.residual**2, "residual: ‖F(w0) − y‖ may be larger")
    _require(
        bounds.jacobian_lipschitz <= proof.jacobian_lipschitz,
        "jacobian_lipschitz: DF may vary more on the ball",
    )
    steepest = _steepest(bounds, statement.radius, proof.jacobian_norm)
    _require(steepest, "jacobian_norm: DF may be larger on the ball")
    _conditioned(statement, bounds, proof, claims)
    descent = claims[DESCENT]
    env = {
        "mu": statement.mu,
        "gamma": statement.step_size,
        "L_F": proof.jacobian_norm,
        "beta_F": proof.jacobian_lipschitz,
        "r0": proof.residual,
    }
    known = instantiated(descent, env)
    reach = enclose(text(descent.conclusion["radius"], "radius"), known, BITS)[1]
    _require(reach < statement.radius, "radius: the path of gradient descent may be longer")
    return 6 + len(claims)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Rejected(otherwise)


def _steepest(bounds: Bounds, radius: Fraction, limit: Fraction) -> bool:
    """‖DF(w)‖ ≤ limit on the ball: as enclosed, or by ‖DF(w)‖ ≤ √λ_max(K(w0)) + H·R."""
    if bounds.jacobian_norm <= limit:
        return True
    rest = limit - bounds.jacobian_lipschitz * radius
    return rest > 0 and largest(bounds.kernel) <= rest**2


def _conditioned(
    statement: Statement, bounds: Bounds, proof: Proof, claims: Mapping[str, Claim]
) -> None:
    """λ_min(K(w)) ≥ mu on the ball."""
    goal, matrix = statement.mu, bounds
    if OUTPUT in claims:
        if bounds.inner is None or not bounds.slope:
            raise Rejected("route: no output map that expands on the ball")
        matrix = bounds.inner
        goal /= bounds.slope**2
    if NEARBY not in claims:
        _require(not proof.start, "start: 0 for a direct route")
        around, floor = matrix.kernel_on_ball, matrix.kernel_floor
        shown = (floor is not None and goal <= floor) or (
            around is not None and exceeds(around, goal)
        )
        _require(shown, "mu: not below λ_min(K) on the whole ball")
        return
    H = proof.jacobian_lipschitz if matrix is bounds else matrix.jacobian_lipschitz
    # A bound of 0 is one of any positive number: H is positive in the theorem.
    env = {"root": proof.start, "H": max(H, Fraction(1, 1 << BITS)), "R": statement.radius}
    instantiated(claims[NEARBY], env)
    _require(exceeds(matrix.kernel, proof.start**2), "start: not below λ_min(K(w0))")
    _require(
        goal <= (env["root"] - env["H"] * env["R"]) ** 2, "mu: more than (√λ_0 − H·R)² on the ball"
    )


def _theorem(id: str, data: Json) -> Claim:
    """The claim of a theorem whose proof was checked: the one meant, resting on no axiom."""
    proved = verify(data)
    if proved.claim.sha256 != CLAIMS[id] or proved.cited:
        raise Rejected(f"{id}: the certificate is of another claim")
    _local(id, proved.claim, data["proof"])
    return proved.claim


def _local(id: str, claim: Claim, proof: dict[str, Json]) -> None:
    """Raises Rejected unless hypotheses are used at the points x, x0 and y of the claim only.

    So they need to hold on the ball alone, as long as y is in it (docs/trust.md).
    """
    if {"derive", "define"} & proof.keys():
        raise Rejected(f"{id}: this proof has points of its own")
    conditions = {h.name: claim.conditions[h.condition] for h in claim.hypotheses}
    for used in proof["use"].values():
        source, *arguments = used
        slots = conditions[source.partition(".")[0]].slots.values()
        at = {said for kind, said in zip(slots, arguments, strict=False) if kind == "point"}
        if at - {"x", "x0", "y"}:
            raise Rejected(f"{id}: this proof uses its hypotheses at other points")


def instantiated(claim: Claim, env: Mapping[str, Fraction]) -> dict[str, Fraction | Pair]:
    """The constants of a claim: those given, positive, and those that it defines by them.

    Relations between constants are checked. Raises Rejected, GrammarError.
    """
    _require(set(env) == set(claim.parameters), "constants: others are needed")
    _require(all(value > 0 for value in env.values()), "constants: positive numbers are needed")
    known: dict[str, Fraction | Pair] = dict(env)
    for step in claim.setup:
        if step.value is not None:
            made = parse(step.value, None)
            if names(made) <= known.keys():
                known[step.name] = enclose(made, known, BITS)
            continue
        relation = parse_relation(step.holds or "", None)
        if names(relation.difference) <= known.keys():
            low = enclose(relation.difference, known, BITS)[0]
            _require(low > 0 or (low == 0 and relation.kind == ">="), f"{step.name}: does not hold")
    return known
