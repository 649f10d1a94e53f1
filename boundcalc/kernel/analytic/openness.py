"""The rule "open": interval arithmetic that knows which ends are not reached, on unbounded boxes.

exp(x) > 0 and 1 + tanh(x) > 0 for all real x, though 0 is the limit of both: an end that is not
reached is kept apart from one that may be.
"""

from __future__ import annotations

from dataclasses import dataclass

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Ends, Goal
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.terms import Key, Node, Terms

INCREASING = ("exp", "log", "sqrt", "tanh", "sinh", "atan", "logistic", "softplus", "root")


@dataclass(frozen=True)
class Range:
    """An enclosure; above, below: every value is > its lower, < its upper end."""

    ends: Interval
    above: bool = False
    below: bool = False

    @property
    def positive(self) -> bool:
        low = self.ends[0]
        return bool(low > 0 or (low >= 0 and self.above))

    @property
    def negative(self) -> bool:
        high = self.ends[1]
        return bool(high < 0 or (high <= 0 and self.below))


def _made(ends: Interval, above: bool, below: bool) -> Range:
    """With infinite ends, which no value reaches."""
    return Range(ends, above or not ends[0].is_finite(), below or not ends[1].is_finite())


def is_positive(terms: Terms, goal: Goal) -> bool:
    """Whether the goal's term is > 0 on the box. Raises Undefined."""
    box = dict(zip(goal.variables, goal.box, strict=True)) | dict(goal.parameters)
    found: dict[Node, Range] = {}
    for node in terms.order([goal.term]):
        found[node] = _range(terms.nodes[node], found, box)
    return found[goal.term].positive


def _range(key: Key, found: dict[Node, Range], box: dict[str, Ends]) -> Range:
    kind = key[0]
    if kind == "const":
        return Range(iv.rational(key[1]))
    if kind == "var":
        return _made(iv.between(*box[key[1]]), False, False)
    if kind in ("pi", "e"):
        return Range(iv.pi() if kind == "pi" else iv.e())
    a = found[key[1]]
    if kind == "add":
        b = found[key[2]]
        return _made(iv.add(a.ends, b.ends), a.above or b.above, a.below or b.below)
    if kind == "mul":
        return _product(a, found[key[2]])
    if kind == "power":
        return _power(a, key[2])
    if kind == "inv":
        return _inverse(a)
    if kind in ("size", "odd"):
        ends = (iv.size if kind == "size" else iv.odd)(a.ends, key[2])
        positive = a.positive or (kind == "size" and a.negative)
        negative = kind == "odd" and a.negative
        return _made(ends, positive and ends[0] <= 0, negative and ends[1] >= 0)
    ends = iv.root(a.ends, key[2]) if kind == "root" else iv.UNARY[kind](a.ends)
    rises = kind in INCREASING
    return _made(ends, rises and a.above, rises and a.below)


def _power(a: Range, n: int) -> Range:
    ends = iv.power(a.ends, n)
    if n % 2:
        return _made(ends, a.above, a.below)
    nonzero = a.positive or a.negative
    return _made(ends, nonzero and ends[0] <= 0, a.above and a.below)


def _product(a: Range, b: Range) -> Range:
    ends = iv.mul(a.ends, b.ends)
    positive = (a.positive and b.positive) or (a.negative and b.negative)
    negative = (a.positive and b.negative) or (a.negative and b.positive)
    above, below = positive and ends[0] <= 0, negative and ends[1] >= 0
    for factor, other in ((a, b), (b, a)):
        if factor.ends[0] == factor.ends[1] and (factor.positive or factor.negative):
            flags = (other.above, other.below) if factor.positive else (other.below, other.above)
            above, below = above or flags[0], below or flags[1]
    return _made(ends, above, below)


def _inverse(a: Range) -> Range:
    low, high = a.ends
    if a.positive and low <= 0:  # 0 is not reached
        return _made((iv.inv((high, high))[0], iv.INF), a.below, True)
    if a.negative and high >= 0:
        return _made((-iv.INF, iv.inv((low, low))[1]), True, a.above)
    return _made(iv.inv(a.ends), a.below, a.above)
