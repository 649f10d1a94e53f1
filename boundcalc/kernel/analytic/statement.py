"""Claims about given functions, read strictly from JSON.

    {"schema": "boundcalc.analytic/1", "variables": ["x"], "components": ["x^2"],
     "domain": {"x": ["-oo", "oo"]}, "ball": null, "of": "mean",
     "condition": {a schema of the catalogue, with its id}, "constants": {"mu": "1/4"}}

f is the mean of the components, or ½‖F‖² where `residual` gives the map F. The condition is said of
f ("mean") or of every component ("each"), on the domain: the box, cut with the ball if there is
one. Infima and minimisers are those on the domain: minimisers and projections of f, infima of f
("mean") or of every f_i ("each"). A constant "any" makes the claim that some positive value of it
works, one that the condition's `where` allows. Constants that are given need not meet `where`: the
claim is then that the relations hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import CONSTANTS, FUNCTIONS, parse
from boundcalc.kernel.analytic.goal import Box, Context, Ends, Point, Program, evaluate
from boundcalc.kernel.analytic.normal import Normal, number
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.claim import (
    ClaimError,
    Condition,
    Json,
    digest,
    fields,
    identifier,
    items,
    read_condition,
    text,
    texts,
)
from boundcalc.kernel.grammar import GrammarError

SCHEMA = "boundcalc.analytic/1"
MAX_VARIABLES = 16
MAX_COMPONENTS = 200
ANY = "any"


@dataclass(frozen=True)
class Statement:
    """A claim with its functions as nodes of one graph.

    functions : f alone, or every f_i; mean : f; residual : the F_i, () where there is none.
    partial : every 1/u, root and logarithm that is written, even where a factor 0 removes it.
    inside : expressions that are ≥ 0 on the domain beyond the box (the ball).
    constants : values as nodes; a constant "any" is the variable "@c", and named in `open`.
    """

    context: Context
    variables: tuple[str, ...]
    functions: tuple[Node, ...]
    mean: Node
    residual: tuple[Node, ...]
    partial: tuple[tuple[str, Node], ...]
    box: Box
    inside: tuple[Node, ...]
    condition: Condition
    constants: Mapping[str, Node]
    open: str | None
    sha256: str

    @property
    def point(self) -> tuple[Node, ...]:
        """x as nodes."""
        return tuple(self.context.terms.var(name) for name in self.variables)

    def gradient(self, node: Node) -> tuple[Node, ...]:
        """∇ of a node."""
        return tuple(self.context.terms.derivative(node, name) for name in self.variables)

    def hessian(self, node: Node) -> tuple[tuple[Node, ...], ...]:
        """∇² of a node."""
        return tuple(self.gradient(slope) for slope in self.gradient(node))

    def at(self, node: Node, point: tuple[Node, ...]) -> Node:
        """A node with x replaced by a point."""
        values = dict(zip(self.variables, point, strict=True))
        return self.context.terms.substitute(node, values)

    def constant(self, formula: str) -> Node:
        """A formula without variables that has a value. Raises ClaimError."""
        return constant(self.context.terms, formula)


def constant(terms: Terms, formula: str) -> Node:
    """A formula without variables; it and all its parts have values. Raises ClaimError."""
    start = len(terms.nodes)
    try:
        node = terms.read(parse(formula), {})
        Program(terms, [node, *range(start, len(terms.nodes))])({})
    except GrammarError as error:
        raise ClaimError(f"{formula[:80]!r}: {error}") from error
    except iv.Undefined as error:
        raise ClaimError(f"{formula[:80]!r} is not defined: {error}") from error
    return node


def rational(data: Json, where: str) -> Fraction:
    """An exact rational from text: "1/2", "-0.1", "1e-9". Raises ClaimError."""
    written = text(data, where)
    if len(written) > 2_000 or not set(written) <= set("0123456789+-./eE"):
        raise ClaimError(f"{where}: {written[:80]!r} is not a rational number")
    _, _, exponent = written.lower().partition("e")
    if len(exponent.lstrip("+-")) > 3:
        raise ClaimError(f"{where}: {written[:80]!r} is too large or too small")
    try:
        return Fraction(written)
    except (ValueError, ZeroDivisionError) as error:
        raise ClaimError(f"{where}: {written[:80]!r} is not a rational number") from error


def ends(data: Json, where: str) -> Ends:
    """A pair of rationals, "-oo" and "oo" allowed. Raises ClaimError."""
    pair = items(data, where)
    if len(pair) != 2:
        raise ClaimError(f"{where}: expected two ends")
    lo = None if pair[0] == "-oo" else rational(pair[0], where)
    hi = None if pair[1] == "oo" else rational(pair[1], where)
    if lo is not None and hi is not None and lo > hi:
        raise ClaimError(f"{where}: the lower end lies above the upper one")
    return lo, hi


def read_statement(data: Json) -> Statement:
    """A claim from JSON. Raises ClaimError."""
    required = {"schema", "variables", "domain", "condition", "constants"}
    raw = fields(data, "claim", required, {"components", "residual", "ball", "of"})
    if raw["schema"] != SCHEMA:
        raise ClaimError(f"claim: expected schema {SCHEMA}")
    try:
        return _statement(raw)
    except GrammarError as error:
        raise ClaimError(f"claim: {error}") from error


def _statement(raw: dict[str, Json]) -> Statement:
    variables = tuple(identifier(name, "variables") for name in items(raw["variables"], "claim"))
    if not 1 <= len(variables) <= MAX_VARIABLES or len(set(variables)) < len(variables):
        raise ClaimError(f"claim: between 1 and {MAX_VARIABLES} different variables")
    if set(variables) & {*FUNCTIONS, *CONSTANTS}:
        raise ClaimError("claim: a variable has the name of a function or of a constant")
    domain = fields(raw["domain"], "domain", set(variables), set())
    box = tuple(ends(domain[name], f"domain.{name}") for name in variables)
    terms = Terms()
    names = {name: terms.var(name) for name in variables}
    if ("components" in raw) == ("residual" in raw):
        raise ClaimError("claim: either components or a residual")
    kind = "components" if "components" in raw else "residual"
    written = [text(entry, kind) for entry in items(raw[kind], kind)]
    if not 1 <= len(written) <= MAX_COMPONENTS:
        raise ClaimError(f"claim: between 1 and {MAX_COMPONENTS} {kind}")
    nodes = tuple(terms.read(parse(formula), names) for formula in written)
    partial = tuple(terms.partial(range(len(terms.nodes))))
    if kind == "residual":
        half = terms.const(Fraction(1, 2))
        mean = terms.mul(half, terms.dot(nodes, nodes))
        functions: tuple[Node, ...] = (mean,)
        residual = nodes
    else:
        mean = terms.mul(terms.const(Fraction(1, len(nodes))), terms.sum(nodes))
        functions, residual = nodes, ()
    of = text(raw.get("of", "mean"), "of")
    if of not in ("mean", "each") or (of == "each" and residual):
        raise ClaimError('claim: "of" is "mean", or "each" where there are components')
    condition = raw["condition"]
    if not isinstance(condition, dict) or "id" not in condition:
        raise ClaimError("claim: a condition is a schema with its id")
    schema = {key: value for key, value in condition.items() if key != "id"}
    read = read_condition(schema, text(condition["id"], "condition"))
    constants, opened = _constants(terms, read, texts(raw["constants"], "constants"))
    return Statement(
        Context(terms, Normal(terms)),
        variables,
        functions if of == "each" else (mean,),
        mean,
        residual,
        partial,
        box,
        _ball(terms, names, box, raw.get("ball")),
        read,
        constants,
        opened,
        digest(raw),
    )


def _constants(
    terms: Terms, condition: Condition, written: dict[str, str]
) -> tuple[dict[str, Node], str | None]:
    if set(written) != set(condition.constants):
        raise ClaimError(f"claim: {condition.id} has the constants {sorted(condition.constants)}")
    opened = [name for name, value in written.items() if value == ANY]
    if len(opened) > 1:
        raise ClaimError("claim: one constant at most is open")
    constants = {}
    for name, value in written.items():
        node = terms.var("@c") if value == ANY else constant(terms, value)
        constants[name] = node
        if value != ANY and not _has_sign(terms, node, condition.constants[name]):
            raise ClaimError(f"claim: {name} is not {condition.constants[name]}")
    return constants, opened[0] if opened else None


def _has_sign(terms: Terms, node: Node, sign: str) -> bool:
    """Whether a constant has its sign, exactly or by enclosure."""
    exact = number(Normal(terms).of(node))
    if exact is not None:
        return sign == "real" or exact > 0 or (sign == "nonnegative" and exact == 0)
    with iv.precision(128):
        low = evaluate(terms, node, {})[0]
    return sign == "real" or bool(low > 0)


def _ball(terms: Terms, names: Mapping[str, Node], box: Box, data: Json) -> tuple[Node, ...]:
    """r² − ‖x − c‖² for a ball; its inner part meets the box."""
    if data is None:
        return ()
    raw = fields(data, "ball", {"center", "radius"}, set())
    center = [rational(x, "ball.center") for x in items(raw["center"], "ball.center")]
    radius = rational(raw["radius"], "ball.radius")
    if len(center) != len(names) or radius <= 0:
        raise ClaimError("ball: a center with one number for each variable, and a positive radius")
    nearest = (
        max(c if lo is None else lo, min(c if hi is None else hi, c))
        for c, (lo, hi) in zip(center, box, strict=True)
    )
    if sum((x - c) ** 2 for x, c in zip(nearest, center, strict=True)) >= radius**2:
        raise ClaimError("ball: it does not meet the box in its inner part")
    steps = [terms.sub(x, terms.const(c)) for x, c in zip(names.values(), center, strict=True)]
    return (terms.sub(terms.const(radius * radius), terms.dot(steps, steps)),)


def some_points(box: Box) -> list[Point]:
    """A few points of a box."""
    found = []
    for k in (Fraction(1, 2), Fraction(1, 3), Fraction(7, 11)):
        point = []
        for lo, hi in box:
            if lo is not None and hi is not None:
                point.append(lo + k * (hi - lo))
            elif lo is not None:
                point.append(lo + k)
            elif hi is not None:
                point.append(hi - k)
            else:
                point.append(k - Fraction(1, 2))
        found.append(tuple(point))
    return found
