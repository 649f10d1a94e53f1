"""Bounds of a system of formulas on a ball: goals of the analytic kernel, and what they give.

Every bound is a goal g ≥ 0, or a matrix ≥ 0, on the box around the ball with ‖w − w0‖ ≤ R as a
constraint; the proofs are those of the analytic kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from fractions import Fraction
from operator import mul

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Goal, MatrixGoal
from boundcalc.kernel.analytic.gram import positive
from boundcalc.kernel.analytic.proof import check_goal, sub_proofs
from boundcalc.kernel.analytic.statement import rational
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields, items, texts
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.bounds import Bounds, Matrix, Pair
from boundcalc.kernel.system.formulas import Rows, System, read_system, signed
from boundcalc.kernel.system.statement import number

MIN_PRECISION = 53
PRECISION = 128  # bits, where a proof does not say
ERRORS = (ValueError, TypeError, RecursionError, ArithmeticError)


class Goals:
    """Goals on the ball of a radius around the start. Raises ClaimError, Rejected, Undefined."""

    def __init__(self, system: System, radius: Fraction) -> None:
        if radius <= 0:
            raise ClaimError("radius: a positive number")
        terms = system.context.terms
        self.system, self.terms = system, terms
        self.box = tuple((x - radius, x + radius) for x in system.start)
        steps = [
            terms.sub(terms.var(name), terms.const(x))
            for name, x in zip(system.variables, system.start, strict=True)
        ]
        self.inside = terms.sub(terms.const(radius * radius), terms.dot(steps, steps))
        self.positive = signed(system)

    def scalar(
        self, name: str, term: Node, strict: bool = False, more: tuple[Node, ...] = ()
    ) -> Goal:
        """term ≥ 0 (> 0) on the ball, where all of `more` are ≥ 0."""
        known = () if strict else self.positive
        inside = (self.inside, *more)
        return Goal(name, self.system.variables, self.box, term, strict, inside, positive=known)

    def matrix(self, name: str, rows: Rows, by: Fraction, sign: int) -> MatrixGoal:
        """sign·(rows − by·I) is positive semidefinite on the ball."""
        terms = self.terms
        factor, shift = terms.const(Fraction(sign)), terms.const(-sign * by)
        shifted = tuple(
            tuple(
                terms.add(terms.mul(factor, entry), shift if i == j else terms.zero)
                for j, entry in enumerate(row)
            )
            for i, row in enumerate(rows)
        )
        variables, inside = self.system.variables, (self.inside,)
        return MatrixGoal(
            name, variables, self.box, shifted, constraints=inside, positive=self.positive
        )

    def gram(self, rows: Sequence[Sequence[Node]]) -> Rows:
        """A Aᵀ."""
        return tuple(tuple(self.terms.dot(a, b) for b in rows) for a in rows)

    def defined(self) -> dict[str, Goal | MatrixGoal]:
        """F is smooth on the ball."""
        names = [f"defined.{k}" for k in range(len(self.positive))]
        return {
            name: self.scalar(name, node, strict=True)
            for name, node in zip(names, self.positive, strict=True)
        }

    def steep(self, name: str, nodes: Sequence[Node], limit: Fraction) -> MatrixGoal:
        """‖D(nodes)‖₂ ≤ limit: limit² I ≥ A Aᵀ, or Aᵀ A where that is the smaller one."""
        rows = self.system.rows(nodes)
        short = rows if len(rows) <= len(self.system.variables) else tuple(zip(*rows, strict=True))
        return self.matrix(name, self.gram(short), limit**2, -1)

    def curved(self, name: str, nodes: Sequence[Node], limit: Fraction) -> MatrixGoal:
        """D(nodes) is limit-Lipschitz in the spectral norm: limit² I ≥ Σ H_i².

        For a unit vector u the rows of the derivative of D(nodes) along u are H_i u, so its
        squared norm is at most Σ‖H_i u‖² = uᵀ(Σ H_i²)u; the ball is convex.
        """
        stacked = [row for node in nodes for row in self.system.hessian(node)]
        return self.matrix(name, self.gram(list(zip(*stacked, strict=True))), limit**2, -1)

    def smooth(self, limit: Fraction) -> dict[str, Goal | MatrixGoal]:
        """−limit·I ≤ ∇²L ≤ limit·I."""
        second = self.system.hessian(self.system.loss)
        return {
            "beta.above": self.matrix("beta.above", second, limit, -1),
            "beta.below": self.matrix("beta.below", second, -limit, 1),
        }

    def above_level(self, mu: Fraction, level: Fraction) -> dict[str, Goal | MatrixGoal]:
        """½‖∇L‖² ≥ mu·L where L ≥ level."""
        terms, loss = self.terms, self.system.loss
        slopes = self.system.gradient(loss)
        half = terms.mul(terms.const(Fraction(1, 2)), terms.dot(slopes, slopes))
        term = terms.sub(half, terms.mul(terms.const(mu), loss))
        return {"above": self.scalar("above", term, more=(terms.sub(loss, terms.const(level)),))}


def goals(
    system: System, radius: Fraction, constants: Mapping[str, Fraction]
) -> dict[str, Goal | MatrixGoal]:
    """What is to be shown on the ball for constants to be bounds there, with smoothness of F.

    L_F ≥ ‖DF‖; H: DF is H-Lipschitz; mu ≤ λ_min(K); beta ≥ ‖∇²L‖. inner.L_F, inner.H, inner.mu:
    the same of z; slope ≤ |φ'(z_i)|. input.mu ≤ λ_min of DF DFᵀ at Ψ(w); input.rho² ≤ λ_min of
    DΨ DΨᵀ. part.k ≤ λ_min of the kernel of part k alone. Raises ClaimError, Rejected, Undefined.
    """
    made = Goals(system, radius)
    found = made.defined()
    for name, value in constants.items():
        found.update(_of_constant(made, name, value))
    return found


def _of_constant(made: Goals, name: str, value: Fraction) -> dict[str, Goal | MatrixGoal]:
    system, terms = made.system, made.terms
    if value < 0:
        raise ClaimError(f"{name}: a number that is not negative")
    inner, _, key = name.rpartition(".")
    nodes = system.inner if inner == "inner" else system.residual
    if name in ("L_F", "inner.L_F") and nodes:
        return {name: made.steep(name, nodes, value)}
    if name in ("H", "inner.H") and nodes:
        return {name: made.curved(name, nodes, value)}
    if name in ("mu", "inner.mu") and nodes:
        return {name: made.matrix(name, made.gram(system.rows(nodes)), value, 1)}
    if name == "beta":
        return made.smooth(value)
    if name == "slope" and system.slopes:
        square = terms.const(-value * value)
        return {
            f"slope.{k}": made.scalar(f"slope.{k}", terms.add(terms.power(node, 2), square))
            for k, node in enumerate(system.slopes)
        }
    if inner == "input" and system.input is not None:
        if key == "mu":
            return {name: made.matrix(name, made.gram(system.input[0]), value, 1)}
        if key == "rho":
            return {name: made.matrix(name, made.gram(system.input[1]), value**2, 1)}
    own = {str(k): columns for k, columns in enumerate(system.parts)}
    if inner == "part" and key in own:
        rows = [[row[k] for k in own[key]] for row in system.jacobian]
        return {name: made.matrix(name, made.gram(rows), value, 1)}
    raise ClaimError(f"{name}: not a constant of this system")


def framed(
    system: System, wanted: Mapping[str, Goal | MatrixGoal], frames: Json
) -> dict[str, Goal | MatrixGoal]:
    """The goals with CᵀMC ≥ 0 in the place of M ≥ 0, for rational C that are invertible.

    frames : {goal: rows of C}. Both say the same; boxes see more of the one that is near I.
    Raises ClaimError.
    """
    terms, found = system.context.terms, dict(wanted)
    if not isinstance(frames, dict):
        raise ClaimError("frames: expected an object")
    for name, data in frames.items():
        goal = found.get(name)
        if not isinstance(goal, MatrixGoal):
            raise ClaimError(f"frames: {name} is no matrix that is to be shown")
        size = range(len(goal.rows))
        frame = [[rational(x, "frames") for x in items(row, "frames")] for row in items(data, "")]
        if [len(row) for row in frame] != [len(size)] * len(size):
            raise ClaimError("frames: as many rows and columns as the matrix has")
        columns = list(zip(*frame, strict=True))
        inner = tuple(tuple(sum(map(mul, a, b), Fraction(0)) for b in columns) for a in columns)
        if not positive(inner, True):
            raise ClaimError("frames: not invertible")
        turned = tuple(
            tuple(
                terms.sum(
                    terms.mul(terms.const(a[k] * b[j]), goal.rows[k][j]) for k in size for j in size
                )
                for b in columns
            )
            for a in columns
        )
        found[name] = replace(goal, rows=turned)
    return found


def check_goals(system: System, wanted: Mapping[str, Goal | MatrixGoal], proofs: Json) -> int:
    """Check one proof for each goal, no more and no fewer; how many steps. Raises Rejected."""
    given = sub_proofs(proofs)
    if set(given) != set(wanted):
        missing = sorted(set(given) ^ set(wanted))
        raise Rejected(f"proofs: one for each goal; look at {missing[:5]}")
    return sum(check_goal(system.context, goal, given[name]) for name, goal in wanted.items())


def bounds(data: Json, radius: Fraction, proof: Json) -> Bounds:
    """What a proof shows of a system on its ball.

    proof : {"constants": {name: number}, "proofs": {goal: proof}}, L_F and H among the constants
    (and those of z, with slope, where an output map is used); "frames" for matrices, "precision"
    in bits.

    Raises Rejected.
    """
    try:
        raw = fields(proof, "enclosures", {"constants", "proofs"}, {"frames", "precision"})
        constants = {k: number(x, k) for k, x in texts(raw["constants"], "constants").items()}
        if not {"L_F", "H"} <= set(constants):
            raise ClaimError("constants: L_F and H are needed")
        with working(raw):
            system = read_system(data)
            wanted = framed(system, goals(system, radius, constants), raw.get("frames", {}))
            check_goals(system, wanted, raw["proofs"])
            return _bounds(system, constants)
    except ERRORS as error:
        raise Rejected(str(error)) from error


def _bounds(system: System, constants: Mapping[str, Fraction]) -> Bounds:
    residual, kernel = at_start(system, system.residual)
    inner = None
    if {"slope", "inner.L_F", "inner.H"} <= set(constants):
        inner = Bounds(
            *at_start(system, system.inner),
            constants["inner.L_F"],
            constants["inner.H"],
            kernel_floor=constants.get("inner.mu"),
        )
    return Bounds(
        residual,
        kernel,
        constants["L_F"],
        constants["H"],
        kernel_floor=floor(constants),
        inner=inner,
        slope=None if inner is None else constants["slope"],
    )


def floor(constants: Mapping[str, Fraction]) -> Fraction | None:
    """The best floor of λ_min(K) on the ball that the constants give.

    As it stands; K = DF(DΨ DΨᵀ)DFᵀ ≥ ρ² DF DFᵀ (input map); λ_min of a sum of positive
    semidefinite matrices is at least the sum of theirs (parts, of disjoint variables).
    """
    known = [constants["mu"]] if "mu" in constants else []
    if {"input.mu", "input.rho"} <= set(constants):
        known.append(constants["input.rho"] ** 2 * constants["input.mu"])
    parts = [value for name, value in constants.items() if name.startswith("part.")]
    if parts:
        known.append(sum(parts, Fraction(0)))
    return max(known, default=None)


def at_start(system: System, nodes: Sequence[Node]) -> tuple[tuple[Pair, ...], Matrix]:
    """Enclosures of nodes at w0, n numbers, and of the Gram matrix of their gradients, (n, n).

    Raises Undefined.
    """
    rows, size = system.rows(nodes), len(nodes)
    kernel = [system.context.terms.dot(a, b) for a in rows for b in rows]
    ends = [iv.outward(x) for x in system.at(system.start, [*nodes, *kernel])]
    pairs = iter(ends[size:])
    return tuple(ends[:size]), tuple(tuple(next(pairs) for _ in rows) for _ in rows)


def working(raw: Mapping[str, Json]) -> AbstractContextManager[None]:
    """The precision that a proof asks for. Raises ClaimError."""
    bits = raw.get("precision", PRECISION)
    if not isinstance(bits, int) or not MIN_PRECISION <= bits <= iv.MAX_PRECISION:
        raise ClaimError(f"precision: between {MIN_PRECISION} and {iv.MAX_PRECISION} bits")
    return iv.precision(bits)
