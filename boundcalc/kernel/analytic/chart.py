"""Unbounded boxes: a bounded core, and charts at infinity in which the goal has a bounded box.

In the chart (x_j, sign) the unbounded variable of largest size is x_j = sign/t with 0 < t ≤ 1/R,
and the other unbounded variables are x_k = v_k/t with |v_k| ≤ 1. Multiplied by the power of t that
removes all denominators, the goal is a polynomial in t, v, the bounded variables, and in new atoms;
bounded functions of unbounded arguments become free variables in their range; those that settle to
a constant (or softplus to its argument) do so faster than t^6 goes to 0. Where the new goal
holds on 0 ≤ t ≤ 1/R, the old one holds for all x of the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import factorial

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Box, Context, Ends, Goal, Program, evaluate
from boundcalc.kernel.analytic.normal import ZERO, scaled
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import ONE, Polynomial, constant, variable

DECAY = 6  # powers of t by which a settled function is replaced
# function → side of its argument → what it approaches there, the sign of the rest, and the rest's
# bound: factor·exp(−rate·|argument|)
SETTLING: Mapping[str, Mapping[int, tuple[str, int, int, int]]] = {
    "exp": {-1: ("0", 1, 1, 1), 1: ("grows", 0, 0, 0)},
    "tanh": {-1: ("-1", 1, 2, 2), 1: ("1", -1, 2, 2)},
    "logistic": {-1: ("0", 1, 1, 1), 1: ("1", -1, 1, 1)},
    "softplus": {-1: ("0", 1, 1, 1), 1: ("argument", 1, 1, 1)},
}
BOUNDED = ("sin", "cos", "tanh", "atan", "logistic", "exp")


def pieces(goal: Goal, radius: Fraction) -> tuple[Box, dict[str, tuple[int, int]]]:
    """The core box, and the charts by name: variable index and sign. Raises Rejected."""
    core: list[Ends] = []
    charts: dict[str, tuple[int, int]] = {}
    for index, (name, (lo, hi)) in enumerate(zip(goal.variables, goal.box, strict=True)):
        if lo is not None and hi is not None:
            core.append((lo, hi))
            continue
        if radius <= max([Fraction(0)] + [abs(end) for end in (lo, hi) if end is not None]):
            raise Rejected("charts: the radius lies within the finite ends")
        core.append((-radius if lo is None else lo, radius if hi is None else hi))
        if hi is None:
            charts["+" + name] = (index, 1)
        if lo is None:
            charts["-" + name] = (index, -1)
    if not charts:
        raise Rejected("charts: the box is bounded")
    return tuple(core), charts


@dataclass
class _Chart:
    """One chart in the making."""

    context: Context
    goal: Goal
    index: int
    radius: Fraction
    coordinates: Mapping[str, Polynomial]  # unbounded variable → its value times t
    box: Mapping[str, Ends]
    free: dict[str, Ends]
    region: Mapping[str, iv.Interval]
    settled: dict[str, tuple[int, Polynomial] | None] = field(default_factory=dict)

    @property
    def t(self) -> str:
        return f"@t{self.index}"

    def polynomial(self, p: Polynomial) -> tuple[int, Polynomial]:
        """(k, q) with p = q / t^k for t > 0."""
        normal = self.context.normal
        parts: list[tuple[int, Polynomial]] = []
        for monomial, coefficient in p.key:
            degree, product = 0, constant(coefficient)
            for name, exponent in monomial:
                k, q = self._name(name)
                degree += k * exponent
                product = normal.times(product, normal.power(q, exponent))
            parts.append((degree, product))
        top = max((degree for degree, _ in parts), default=0)
        total = ZERO
        for degree, product in parts:
            total = total + normal.times(product, normal.power(variable(self.t), top - degree))
        return top, total

    def _name(self, name: str) -> tuple[int, Polynomial]:
        if name in self.coordinates:
            return 1, self.coordinates[name]
        normal = self.context.normal
        atom = normal.atom(name)
        if atom is None or not normal.leaves(variable(name)) & set(self.coordinates):
            return 0, variable(name)
        function, argument = atom
        if function == "inv":
            k, q = self.polynomial(argument)
            return -k, normal.function("inv", q)
        if function == "sqrt":
            k, q = self.polynomial(argument)
            if k % 2:
                k, q = k + 1, normal.times(q, variable(self.t))
            return k // 2, normal.function("sqrt", q)
        size = normal.size_of(name)
        if size is not None:  # |q/t^k|^p = |q|^p/t^(kp), where kp is whole
            odd, p, _ = size
            k, q = self.polynomial(argument)
            if (k * p).denominator == 1:
                return int(k * p), normal.sized("odd" if odd else "size", p, q)
        if name not in self.settled:
            self.settled[name] = self._settled(function, argument)
        near = self.settled[name]
        if near is not None:
            return near
        if function not in BOUNDED:
            raise Rejected(f"{self.goal.name}: {function} has no chart at infinity")
        return 0, variable(self._freed(name))

    def _settled(self, function: str, argument: Polynomial) -> tuple[int, Polynomial] | None:
        """A function that approaches a polynomial faster than any power of t, if it surely does.

        With argument = ±q/t^d and q ≥ b > 0 on the chart: exp(−y) ≤ k!/y^k gives
        exp(−q/t^d) = t^(dk)·s with 0 ≤ s ≤ k!/b^k, and so on for functions that settle as exp does.
        """
        if function not in SETTLING:
            return None
        degree, q = self.polynomial(argument)
        low, high = evaluate(self.context.terms, self.context.normal.node(q), self._values())
        if degree < 1 or not (low > 0 or high < 0):
            return None
        side = 1 if low > 0 else -1
        least = iv.outward((low, low))[0] if side > 0 else -iv.outward((high, high))[1]
        limit, sign, factor, rate = SETTLING[function][side]
        if limit == "grows":
            return None
        power = -(-DECAY // degree)
        top = factor * factorial(power) / (rate * least) ** power
        free = f"@d{len(self.free)}"
        self.free[free] = (Fraction(0), top)
        # what is approached: the argument itself, or a number
        base = (degree, q) if limit == "argument" else (0, constant(Fraction(limit)))
        small = self.context.normal.times(
            self.context.normal.power(variable(self.t), degree * power + base[0]), variable(free)
        )
        return base[0], base[1] + scaled(small, Fraction(sign))

    def _values(self) -> dict[str, iv.Interval]:
        """The chart's own variables as intervals."""
        return {name: iv.between(*ends) for name, ends in {**self.box, **self.free}.items()}

    def _freed(self, name: str) -> str:
        """A bounded function of an unbounded argument as a free variable in its range."""
        free = "@" + name[1:]
        if free not in self.free:
            terms = self.context.terms
            node = self.context.normal.node(variable(name))
            try:
                (found,) = Program(terms, [node])(self.region)
            except iv.Undefined as error:
                raise Rejected(f"{self.goal.name}: {error} in a chart") from error
            if not (found[0].is_finite() and found[1].is_finite()):
                raise Rejected(f"{self.goal.name}: a function is not bounded in a chart")
            self.free[free] = iv.outward(found)
        return free


def charted(context: Context, goal: Goal, p: Polynomial, chart: str, radius: Fraction) -> Goal:
    """The goal in one chart; p is its normal form. Raises Rejected."""
    _, charts = pieces(goal, radius)
    if chart not in charts:
        raise Rejected(f"charts: {chart} is not a chart of {goal.name}")
    index, sign = charts[chart]
    coordinates: dict[str, Polynomial] = {}
    names: list[str] = []
    box: list[Ends] = []
    region: dict[str, iv.Interval] = {}
    for k, (name, (lo, hi)) in enumerate(zip(goal.variables, goal.box, strict=True)):
        if k == index:
            coordinates[name] = scaled_sign(sign)
            names.append(f"@t{index}")
            box.append((Fraction(0), 1 / radius))
            region[name] = iv.between(*((radius, None) if sign > 0 else (None, -radius)))
        elif lo is None or hi is None:
            coordinates[name] = variable(f"@v{k}")
            names.append(f"@v{k}")
            low = Fraction(-1) if lo is None else min(Fraction(0), lo / radius)
            high = Fraction(1) if hi is None else max(Fraction(0), hi / radius)
            box.append((low, high))
            region[name] = iv.between(lo, hi)
        else:
            names.append(name)
            box.append((lo, hi))
            region[name] = iv.between(lo, hi)
    region |= {name: iv.between(*ends) for name, ends in goal.parameters.items()}
    chart_box = dict(zip(names, box, strict=True)) | dict(goal.parameters)
    work = _Chart(context, goal, index, radius, coordinates, chart_box, {}, region)
    _, value = work.polynomial(p)
    value = _without_common_power(value, work.t)
    normal = context.normal
    constraints = tuple(
        normal.node(work.polynomial(normal.of(node))[1]) for node in goal.constraints
    )
    return replace(
        goal,
        name=f"{goal.name}{chart}",
        variables=(*names, *work.free),
        box=(*box, *work.free.values()),
        term=normal.node(value),
        constraints=constraints,
        skip=(),
        anchors=(),
        positive=(),
    )


def _without_common_power(p: Polynomial, name: str) -> Polynomial:
    """p divided by the highest power of a variable that divides it."""
    common = min((dict(monomial).get(name, 0) for monomial in p.terms), default=0)
    return Polynomial(
        {
            tuple((n, e - common if n == name else e) for n, e in m if n != name or e > common): c
            for m, c in p.terms.items()
        }
    )


def scaled_sign(sign: int) -> Polynomial:
    """1 or -1."""
    return ONE if sign > 0 else constant(Fraction(-1))
