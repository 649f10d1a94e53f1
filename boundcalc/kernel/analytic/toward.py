"""Counterexamples along a curve x(t), t → ∞, on which the condition fails in the end."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.cases import broken, forms, powers
from boundcalc.kernel.analytic.facts import Facts, moved
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.growth import ORDERS, STILL, TIME, Growth, Rate, compare
from boundcalc.kernel.analytic.normal import ZERO, Normal, scaled
from boundcalc.kernel.analytic.relation import second_order
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, items, text
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial


class Curve:
    """A curve in the domain, and how functions grow along it. Raises ClaimError, Rejected."""

    def __init__(self, statement: Statement, facts: Facts, data: Json) -> None:
        self.statement = statement
        self.names = facts.frame.variables
        nodes = _coordinates(statement, data, len(self.names))
        self.place = dict(zip(self.names, nodes, strict=True))
        self._growths = [Growth(statement.context, facts.parameters, n) for n in ORDERS]
        terms = statement.context.terms
        for x, (lo, hi) in zip(self.names, facts.frame.box, strict=True):
            steps = [] if lo is None else [terms.sub(terms.var(x), terms.const(lo))]
            steps += [] if hi is None else [terms.sub(terms.const(hi), terms.var(x))]
            self._require_inside(steps)
        self._require_inside([moved(statement, facts, node) for node in statement.inside])

    def _require_inside(self, nodes: list[Node]) -> None:
        if any(self.leading(self.along(node))[1] < 0 for node in nodes):
            raise Rejected("witness: the curve leaves the domain")

    def along(self, node: Node) -> Polynomial:
        """A node in the variables of the frame as a function of t."""
        context = self.statement.context
        return context.normal.of(context.terms.substitute(node, self.place))

    def leading(self, p: Polynomial) -> tuple[Rate, int]:
        """Rate and sign for large t: exactly for rational functions, else by Taylor's formula."""
        try:
            degree, lead = leading(self.statement.context.normal, p)
        except Rejected:
            return self._followed(p)
        return ((), Fraction(degree), Fraction(0)), (lead > 0) - (lead < 0)

    def _followed(self, p: Polynomial) -> tuple[Rate, int]:
        *first, last = self._growths
        for growth in first:
            try:
                return growth.leading(p)
            except Rejected:
                continue
        return last.leading(p)

    def vanishes(self, node: Node) -> bool:
        """Whether a node tends to 0."""
        p = self.along(node)
        return not p or compare(self._growths[0].rate(p), STILL) < 0

    def negative(self, node: Node) -> bool:
        """Whether a relation is negative in the end, for every value of the open constant.

        That is so where those coefficients of its powers that grow fastest are all negative.
        """
        parts = [part for part in powers(self.along(node)) if part]
        leads = [self.leading(part) for part in parts]
        return bool(leads) and all(
            sign < 0 or any(compare(rate, other) < 0 for other, _ in leads) for rate, sign in leads
        )


def check_curve(statement: Statement, facts: Facts, data: Json, direction: Json) -> None:
    """Check that the condition fails along a curve. Raises Rejected, ClaimError."""
    curve = Curve(statement, facts, data)
    which = second_order(statement)
    cases: list[tuple[Node, tuple[Node, ...]]]
    if which is not None:
        cases = [(form, ()) for form in forms(statement, facts, which, direction)]
    else:
        cases = broken(statement, facts)
    for node, limits in cases:
        if any(curve.leading(curve.along(limit))[1] < 0 for limit in limits):
            continue
        if curve.negative(node):
            return
    raise Rejected("witness: the condition is not shown to fail along the curve")


def _coordinates(statement: Statement, data: Json, size: int) -> list[Node]:
    """The coordinates of a curve as nodes in t; they are real. Raises ClaimError, Rejected."""
    terms = statement.context.terms
    written = [text(x, "curve") for x in items(data, "curve")]
    if len(written) != size:
        raise ClaimError("witness: one formula in t for each variable")
    try:
        nodes = [terms.read(parse(x), {TIME: terms.var(TIME)}) for x in written]
    except GrammarError as error:
        raise ClaimError(f"witness: {error}") from error
    for kind, argument in terms.partial(terms.order(nodes)):
        if kind != "inv" and not evaluate(terms, argument, {TIME: iv.WHOLE})[0] > 0:
            raise Rejected("witness: a root in the curve is not known to be real")
    return nodes


def leading(normal: Normal, p: Polynomial) -> tuple[int, Fraction]:
    """(k, c) with p(t) ~ c·t^k as t → ∞; c = 0 for p = 0. Raises Rejected: p is not rational."""
    if not p:
        return 0, Fraction(0)
    groups: dict[int, Fraction] = {}
    common = p
    seen = 0
    shift = 0
    scale = Fraction(1)
    while True:
        name = next((n for n in sorted(common.variables(), reverse=True) if n != TIME), None)
        if name is None:
            break
        atom = normal.atom(name)
        seen += 1
        if atom is None or atom[0] != "inv" or seen > 50:
            raise Rejected("witness: not a rational function along the curve")
        q = atom[1]
        power = max(e for m in common.terms for n, e in m if n == name)
        total = ZERO
        for monomial, coefficient in common.terms.items():
            exponent = dict(monomial).get(name, 0)
            rest = tuple((n, e) for n, e in monomial if n != name)
            term = Polynomial({rest: coefficient})
            total = total + normal.times(term, normal.power(q, power - exponent))
        degree, lead = leading(normal, q)
        shift -= degree * power
        scale = scale / lead**power
        common = total
    for monomial, coefficient in scaled(common, scale).terms.items():
        groups[dict(monomial).get(TIME, 0) + shift] = coefficient
    if not groups:
        return 0, Fraction(0)
    top = max(groups)
    return top, groups[top]
