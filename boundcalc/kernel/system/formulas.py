"""A residual map F given by formulas, on a ball around its start: read strictly from JSON.

    {"variables": ["x", "y"], "residual": ["1 - x", "10*(y - x^2)"], "start": ["1", "11/10"]}

L = ½‖F‖², K = DF DFᵀ. How F is made may be said, for the theorems about transformations:

    "output": {"function": "logistic", "target": ["1/2"]}   the formulas are z, F = φ(z) − target
    "input": {"u": "x + x^3", "v": "y"}                     they are in u, v = Ψ(x, y)
    "parts": [["x"], ["y"]]                                 K is the sum of the parts' kernels
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import CONSTANTS, FUNCTIONS, parse
from boundcalc.kernel.analytic.goal import Context, Point, Program
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.normal import Normal
from boundcalc.kernel.analytic.statement import MAX_COMPONENTS, MAX_VARIABLES, rational
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.claim import ClaimError, Json, fields, identifier, items, text, texts
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected

Rows = tuple[tuple[Node, ...], ...]

OUTPUTS = ("tanh", "logistic", "softplus", "sinh", "atan", "exp", "sin")  # defined everywhere
_U = "@u"  # what an output map is a function of


@dataclass(frozen=True)
class System:
    """F as nodes of one graph in the variables w.

    jacobian : DF, (n, m). partial : every root, logarithm and quotient that is written, even where
    a factor 0 removes it, and u² for |u|^p with p ≤ 2. inner : z, and slopes : φ'(z), where there
    is an output map. input : (DF)(Ψ(w)) and DΨ(w), where there is an input map. parts : numbers of
    the variables of each.
    """

    context: Context
    variables: tuple[str, ...]
    residual: tuple[Node, ...]
    partial: tuple[tuple[str, Node], ...]
    start: Point
    inner: tuple[Node, ...] = ()
    slopes: tuple[Node, ...] = ()
    input: tuple[Rows, Rows] | None = None
    parts: tuple[tuple[int, ...], ...] = ()

    @property
    def jacobian(self) -> Rows:
        """DF, (n, m)."""
        return self.rows(self.residual)

    @property
    def loss(self) -> Node:
        """L = ½‖F‖²."""
        terms = self.context.terms
        return terms.mul(terms.const(Fraction(1, 2)), terms.dot(self.residual, self.residual))

    def rows(self, nodes: Sequence[Node]) -> Rows:
        """Gradients of nodes, row by row."""
        return tuple(self.gradient(node) for node in nodes)

    def gradient(self, node: Node) -> tuple[Node, ...]:
        """∇ of a node, (m,)."""
        return tuple(self.context.terms.derivative(node, name) for name in self.variables)

    def hessian(self, node: Node) -> Rows:
        """∇² of a node, (m, m)."""
        return self.rows(self.gradient(node))

    def at(self, point: Sequence[Fraction], nodes: Sequence[Node]) -> list[Interval]:
        """Enclosures of nodes at a point. Raises Undefined."""
        pairs = zip(self.variables, point, strict=True)
        return Program(self.context.terms, nodes)({name: iv.rational(x) for name, x in pairs})


def read_system(data: Json) -> System:
    """A system from JSON. Raises ClaimError."""
    keys = {"variables", "residual", "start"}
    raw = fields(data, "system", keys, {"output", "input", "parts"})
    variables = tuple(identifier(name, "variables") for name in items(raw["variables"], "system"))
    if not 1 <= len(variables) <= MAX_VARIABLES or len(set(variables)) < len(variables):
        raise ClaimError(f"system: between 1 and {MAX_VARIABLES} different variables")
    if set(variables) & {*FUNCTIONS, *CONSTANTS}:
        raise ClaimError("system: a variable has the name of a function or of a constant")
    written = [text(entry, "residual") for entry in items(raw["residual"], "residual")]
    if not 1 <= len(written) <= MAX_COMPONENTS:
        raise ClaimError(f"system: between 1 and {MAX_COMPONENTS} formulas")
    start = tuple(rational(x, "start") for x in items(raw["start"], "start"))
    if len(start) != len(variables):
        raise ClaimError("start: one number for each variable")
    try:
        return _made(raw, variables, written, start)
    except GrammarError as error:
        raise ClaimError(f"system: {error}") from error


def _made(
    raw: Mapping[str, Json], variables: tuple[str, ...], written: Sequence[str], start: Point
) -> System:
    terms = Terms()
    own = {name: terms.var(name) for name in variables}
    inner_names = _inner_names(raw, variables)
    names = {name: terms.read(parse(formula), own) for name, formula in inner_names.items()} or own
    nodes = tuple(terms.read(parse(formula), names) for formula in written)
    written_nodes = range(len(terms.nodes))
    kinks = [("size", square) for square in terms.kinks((*nodes, *names.values()), 2)]
    partial = (*terms.partial(written_nodes), *kinks)
    residual, inner, slopes = nodes, tuple[Node, ...](), tuple[Node, ...]()
    if "output" in raw:
        inner = nodes
        residual, slopes = _output(terms, raw["output"], nodes)
    system = System(Context(terms, Normal(terms)), variables, residual, partial, start)
    return System(
        **{
            **system.__dict__,
            "inner": inner,
            "slopes": slopes,
            "input": _input(system, names, written) if inner_names else None,
            "parts": _parts(raw, variables),
        }
    )


def _inner_names(raw: Mapping[str, Json], variables: tuple[str, ...]) -> dict[str, str]:
    """The formulas of an input map, by the names that the residual is written in."""
    if "input" not in raw:
        return {}
    given = {identifier(name, "input"): text for name, text in texts(raw["input"], "input").items()}
    if "output" in raw or not given or set(given) & {*variables, *FUNCTIONS, *CONSTANTS}:
        raise ClaimError("input: new names with a formula each, and no output map beside them")
    return given


def _output(
    terms: Terms, data: Json, inner: Sequence[Node]
) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """φ(z) − target, and φ'(z)."""
    raw = fields(data, "output", {"function", "target"}, set())
    function = text(raw["function"], "output")
    if function not in OUTPUTS:
        raise ClaimError(f"output: one of {', '.join(OUTPUTS)}")
    target = [rational(x, "target") for x in items(raw["target"], "target")]
    if len(target) != len(inner):
        raise ClaimError("target: one number for each formula")
    pairs = zip(inner, target, strict=True)
    map_ = terms.apply(function, terms.var(_U))
    slope = terms.derivative(map_, _U)
    return (
        tuple(terms.sub(terms.apply(function, z), terms.const(t)) for z, t in pairs),
        tuple(terms.substitute(slope, {_U: z}) for z in inner),
    )


def _input(system: System, names: Mapping[str, Node], written: Sequence[str]) -> tuple[Rows, Rows]:
    """(DF)(Ψ(w)) by the inner names, and DΨ(w)."""
    terms = system.context.terms
    free = {name: terms.var(name) for name in names}
    plain = [terms.read(parse(formula), free) for formula in written]
    slopes = tuple(
        tuple(terms.substitute(terms.derivative(node, name), names) for name in names)
        for node in plain
    )
    return slopes, system.rows(tuple(names.values()))


def _parts(raw: Mapping[str, Json], variables: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Disjoint groups of variables, as numbers."""
    if "parts" not in raw:
        return ()
    given = [[text(name, "parts") for name in items(p, "parts")] for p in items(raw["parts"], "")]
    flat = [name for part in given for name in part]
    if set(flat) - set(variables) or len(set(flat)) < len(flat) or not all(given):
        raise ClaimError("parts: disjoint groups of variables")
    return tuple(tuple(variables.index(name) for name in part) for part in given)


def signed(system: System, smooth: int = 2) -> tuple[Node, ...]:
    """What is positive at the start, and is to be on the ball: arguments of roots, logarithms, and
    denominators or their negatives, and u² for every |u|^p that has not `smooth` continuous
    derivatives (two at least). Raises Rejected, Undefined."""
    terms = system.context.terms
    found: dict[Node, Node] = {}
    kinks = [("size", node) for node in terms.kinks(system.residual, smooth)]
    for kind, node in (*system.partial, *kinks):
        (value,) = system.at(system.start, [node])
        if value[0] > 0:
            found[node] = node
        elif kind == "inv" and value[1] < 0:
            found[node] = terms.neg(node)
        else:
            raise Rejected("system: the formulas are not known to be smooth at the start")
    return tuple(dict.fromkeys(found.values()))
