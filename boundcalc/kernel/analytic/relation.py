"""From the schema of a condition to expressions in x: the kernel instantiates conditions itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.grammar import (
    Binary,
    Call,
    Expr,
    GrammarError,
    Name,
    Number,
    Power,
    parse_relation,
)

Value: TypeAlias = Node | tuple[Node, ...]
CALLS = {"f": 1, "grad": 1, "dot": 2, "sqnorm": 1}
INF = "@inf"  # stands for the infimum until its bounds are put in


@dataclass(frozen=True)
class Reading:
    """What the names of a schema stand for."""

    terms: Terms
    names: Mapping[str, Value]
    f: Mapping[str, Node]  # by slot
    grad: Mapping[str, tuple[Node, ...]]  # by slot

    def scalar(self, expr: Expr) -> Node:
        value = self.value(expr)
        if isinstance(value, tuple):
            raise ClaimError("condition: a vector where a number is expected")
        return value

    def vector(self, expr: Expr) -> tuple[Node, ...]:
        value = self.value(expr)
        if not isinstance(value, tuple):
            raise ClaimError("condition: a number where a vector is expected")
        return value

    def value(self, expr: Expr) -> Value:
        t = self.terms
        match expr:
            case Number(value):
                return t.const(value)
            case Name(name):
                if name not in self.names:
                    raise ClaimError(f"condition: {name} has no meaning for given functions")
                return self.names[name]
            case Binary(op, left, right):
                a, b = self.value(left), self.value(right)
                if isinstance(a, tuple) and isinstance(b, tuple) and op in "+-":
                    join = t.add if op == "+" else t.sub
                    return tuple(join(x, y) for x, y in zip(a, b, strict=True))
                if isinstance(a, tuple) or isinstance(b, tuple):
                    raise ClaimError("condition: vectors are added and subtracted only")
                if op in "+-":
                    return t.add(a, b) if op == "+" else t.sub(a, b)
                return t.mul(a, b if op == "*" else self._inverse(b))
            case Power(base, exponent):
                a = self.scalar(base)
                return t.power(a if exponent > 0 else self._inverse(a), abs(exponent))
            case Call("dot", (left, right)):
                return t.dot(self.vector(left), self.vector(right))
            case Call("sqnorm", (inner,)):
                vector = self.vector(inner)
                return t.dot(vector, vector)
            case Call("f", (Name(slot),)) if slot in self.f:
                return self.f[slot]
            case Call("grad", (Name(slot),)) if slot in self.grad:
                return self.grad[slot]
        raise ClaimError("condition: not for given functions")

    def _inverse(self, node: Node) -> Node:
        """1/node for constants, which have a value where the claim is read."""
        if self.terms.variables(node) - {"@c"}:
            raise ClaimError("condition: it divides by what varies")
        return self.terms.apply("inv", node)


def slots(statement: Statement) -> tuple[str, str | None]:
    """The names of the free point and of its projection, if there is one. Raises ClaimError."""
    kinds = dict(statement.condition.slots)
    points = [name for name, kind in kinds.items() if kind == "point"]
    if len(points) == 1:
        others = [name for name, kind in kinds.items() if kind == f"projection of {points[0]}"]
        if len(kinds) == 1 + len(others) and len(others) <= 1:
            return points[0], others[0] if others else None
    raise ClaimError(f"{statement.condition.id}: its points are not for given functions")


def relations(
    statement: Statement,
    f: Node,
    at_minimiser: Node,
    projection: Sequence[Node] | None,
    stationary: bool = False,
) -> dict[str, Node]:
    """The relations as expressions that are to be ≥ 0, in x, and in "@inf" for the infimum.

    f : the function; at_minimiser : f(x_p); projection : x_p; stationary : with 0 for the gradient
    of f at x. Raises ClaimError.
    """
    terms = statement.context.terms
    if not statement.condition.relations:
        raise ClaimError("condition: it has no relation")
    slopes = tuple(terms.zero for _ in statement.variables) if stationary else statement.gradient(f)
    reading = _reading(statement, f, slopes, statement.point, at_minimiser, projection)
    found = {}
    for name, relation in statement.condition.relations.items():
        found[name] = _difference(reading, relation, terms)
    return found


def guard(statement: Statement, f: Node) -> tuple[Node, ...]:
    """The guard of the condition as an expression that is ≥ 0 where the condition applies."""
    if not statement.condition.guard:
        return ()
    point = statement.point
    reading = _reading(statement, f, statement.gradient(f), point, f, None)
    return (_difference(reading, statement.condition.guard, statement.context.terms),)


def _reading(
    statement: Statement,
    f: Node,
    gradient: tuple[Node, ...],
    point: tuple[Node, ...],
    at_minimiser: Node,
    projection: Sequence[Node] | None,
) -> Reading:
    slot, other = slots(statement)
    if "inf" in {slot, other, *statement.constants}:
        raise ClaimError("condition: inf is the infimum")
    names: dict[str, Value] = dict(statement.constants)
    names["inf"] = statement.context.terms.var(INF)
    names[slot] = point
    values, slopes = {slot: f}, {slot: gradient}
    if other is not None and projection is not None:
        names[other] = tuple(projection)
        values[other] = at_minimiser
    return Reading(statement.context.terms, names, values, slopes)


def _difference(reading: Reading, relation: str, terms: Terms) -> Node:
    try:
        parsed = parse_relation(relation, CALLS)
    except GrammarError as error:
        raise ClaimError(f"condition: {error}") from error
    if parsed.kind != ">=":
        raise ClaimError("condition: expected >= or <=")
    return reading.scalar(parsed.difference)


def vanishes_at_minimiser(statement: Statement, relation: str, value: Node) -> bool:
    """Whether value and gradient of a relation are 0 at a minimiser by the schema alone.

    With f(x) = f(x_p) = inf, grad(x) = 0 and x = x_p the relation must be 0, and so must be its
    derivatives by x and by grad(x); then the chain rule gives a zero gradient, since grad f = 0.
    `value` : the node of f at the minimiser.
    """
    terms, normal = statement.context.terms, statement.context.normal
    size = len(statement.variables)
    phi = _abstract(statement, relation, value)
    foot = [terms.var(f"@y{k}") for k in range(size)]
    zero = {f"@g{k}": terms.zero for k in range(size)}
    zero |= {f"@x{k}": foot[k] for k in range(size)} | {"@f": value, INF: value}
    nodes = [phi]
    nodes += [terms.derivative(phi, f"@g{k}") for k in range(size)]
    nodes += [terms.derivative(phi, f"@x{k}") for k in range(size)]
    return not any(normal.of(terms.substitute(node, zero)) for node in nodes)


def _abstract(statement: Statement, relation: str, value: Node) -> Node:
    """A relation in variables @f, @g for the gradient, @x for the point, @y for its projection."""
    terms = statement.context.terms
    slopes, point, foot = (
        tuple(terms.var(f"{letter}{k}") for k in range(len(statement.variables)))
        for letter in ("@g", "@x", "@y")
    )
    reading = _reading(statement, terms.var("@f"), slopes, point, value, foot)
    return _difference(reading, relation, terms)


def about_differences(statement: Statement) -> bool:
    """Whether the condition stays the same where x and its projection move together."""
    if second_order(statement) is not None:
        return True
    terms, normal = statement.context.terms, statement.context.normal
    condition = statement.condition
    for relation in filter(None, (*condition.relations.values(), condition.guard)):
        phi = _abstract(statement, relation, terms.var("@fp"))
        for k in range(len(statement.variables)):
            by_point, by_foot = (terms.derivative(phi, f"{letter}{k}") for letter in ("@x", "@y"))
            if normal.of(terms.add(by_point, by_foot)):
                return False
    return True


SECOND_ORDER: Mapping[tuple[tuple[tuple[str, str], ...], str], str] = {
    (
        (("x", "point"), ("y", "point")),
        "sqnorm(grad(x) - grad(y)) <= L^2*sqnorm(x - y)",
    ): "smooth",
    (
        (("x", "point"), ("y", "point")),
        "f(y) >= f(x) + dot(grad(x), y - x) + mu/2*sqnorm(y - x)",
    ): "strongly-convex",
    (
        (("x", "point"), ("y", "point")),
        "f(y) >= f(x) + dot(grad(x), y - x)",
    ): "convex",
    (
        (("x", "point"), ("v", "vector Y")),
        "sqnorm(JT(x, v)) >= mu*sqnorm(v)",
    ): "uniform-conditioning",
}

STRONGLY_CONVEX_GIVES = (
    "sqnorm(grad(x))/2 >= mu*(f(x) - inf)",
    "dot(grad(x), x - xp) >= mu*sqnorm(x - xp)",
    "sqnorm(grad(x)) >= mu^2*sqnorm(x - xp)",
    "f(x) - inf >= mu/2*sqnorm(x - xp)",
)

CONVEX_GIVES = (
    "dot(grad(x), x - xp) >= theta*(f(x) - f(xp))",  # theta ≤ 1
    "dot(grad(x), x - xp) >= alpha*(f(x) - f(xp)) - beta*(f(x) - inf)",  # alpha = 1
)

PL_GIVES = (
    "sqnorm(grad(x)) >= mu^2*sqnorm(x - xp)",
    "f(x) - inf >= mu/2*sqnorm(x - xp)",
)
STATIONARY_REFUTES = (
    "dot(grad(x), x - xp) >= mu*sqnorm(x - xp)",
    "sqnorm(grad(x)) >= mu^2*sqnorm(x - xp)",
    "dot(grad(x), x - xp) >= theta*(f(x) - f(xp))",
)

PL = "sqnorm(grad(x))/2 >= mu*(f(x) - inf)"

# the signs with which all these hold
SIGNS = {
    "mu": "positive",
    "L": "positive",
    "theta": "positive",
    "alpha": "positive",
    "beta": "nonnegative",
}

CONDITIONING_GIVES = (
    "sqnorm(grad(x))/2 >= mu*f(x)",
    "sqnorm(grad(x))/2 >= mu*(f(x) - inf)",
)


def usual_signs(statement: Statement) -> bool:
    """Whether the constants have the names and signs that the tables above are about."""
    return all(SIGNS.get(name) == sign for name, sign in statement.condition.constants.items())


def second_order(statement: Statement) -> str | None:
    """Which condition in two points (or a point and a vector) this is, word for word, if any."""
    condition = statement.condition
    key = (tuple(condition.slots.items()), condition.relations.get("main", ""))
    if condition.guard or len(condition.relations) != 1 or not usual_signs(statement):
        return None
    kind = SECOND_ORDER.get(key)
    needed = {"smooth": {"L"}, "convex": set()}.get(kind or "", {"mu"})
    return kind if set(condition.constants) == needed else None


def matrices(
    statement: Statement, kind: str, residual: Sequence[Node]
) -> dict[str, tuple[tuple[Node, ...], ...]]:
    """The matrices whose semidefiniteness on the domain is the condition `kind`.

    On a convex domain with inner points: ∇f is L-Lipschitz iff −L·I ≤ ∇²f ≤ L·I, and f is
    (strongly) convex iff ∇²f ≥ 0 (mu·I). residual : the map F. Raises ClaimError.
    """
    terms = statement.context.terms
    zero = terms.zero
    if kind == "uniform-conditioning":
        if not residual:
            raise ClaimError("uniform-conditioning: said of a residual map")
        rows = [statement.gradient(entry) for entry in residual]
        kernel = tuple(tuple(terms.dot(a, b) for b in rows) for a in rows)
        return {"kernel": _shifted(terms, kernel, terms.neg(statement.constants["mu"]), 1)}
    found = {}
    for k, f in enumerate(statement.functions):
        hessian = statement.hessian(f)
        if kind == "smooth":
            size = statement.constants["L"]
            found[f"above{k}"] = _shifted(terms, hessian, size, -1)
            found[f"below{k}"] = _shifted(terms, hessian, size, 1)
        else:
            by = zero if kind == "convex" else terms.neg(statement.constants["mu"])
            found[f"convex{k}"] = _shifted(terms, hessian, by, 1)
    return found


def _shifted(
    terms: Terms, matrix: Sequence[Sequence[Node]], by: Node, sign: int
) -> tuple[tuple[Node, ...], ...]:
    """by·I + sign·matrix."""
    factor = terms.const(Fraction(sign))
    return tuple(
        tuple(
            terms.add(terms.mul(factor, entry), by if i == j else terms.zero)
            for j, entry in enumerate(row)
        )
        for i, row in enumerate(matrix)
    )
