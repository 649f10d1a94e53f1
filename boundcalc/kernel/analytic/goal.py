"""Goals: inequalities that are to hold on a box, and their evaluation in interval arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.analytic.normal import Normal, TooMany
from boundcalc.kernel.analytic.terms import Node, Terms

Ends: TypeAlias = tuple[Fraction | None, Fraction | None]
Box: TypeAlias = tuple[Ends, ...]
Point: TypeAlias = tuple[Fraction, ...]

SHORT = 200  # terms of a derivative that is evaluated in normal form


@dataclass(frozen=True)
class Anchor:
    """A place where value and gradient of the goal are known to be exactly 0.

    at : an interval for each variable of the goal; a point, or an enclosure of a minimiser.
    point : its exact coordinates as nodes, where it has them.
    """

    at: tuple[tuple[Fraction, Fraction], ...]
    point: tuple[Node, ...] | None = None

    def part(self, kept: Sequence[int]) -> Anchor:
        """Some of the coordinates."""
        point = None if self.point is None else tuple(self.point[k] for k in kept)
        return Anchor(tuple(self.at[k] for k in kept), point)


@dataclass(frozen=True)
class Goal:
    """g(x) ≥ 0 (> 0 where strict) for all x in the box with every constraint ≥ 0.

    parameters : further variables of g with rational enclosures of their one value.
    skip : boxes in which nothing is to be shown.
    positive : nodes that are known to be > 0 on the box; denominators among them may be cleared.
    """

    name: str
    variables: tuple[str, ...]
    box: Box
    term: Node
    strict: bool = False
    constraints: tuple[Node, ...] = ()
    parameters: Mapping[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    skip: tuple[Box, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    positive: tuple[Node, ...] = ()


@dataclass(frozen=True)
class MatrixGoal:
    """The symmetric matrix of nodes is positive semidefinite (definite where strict) on the box."""

    name: str
    variables: tuple[str, ...]
    box: Box
    rows: tuple[tuple[Node, ...], ...]
    strict: bool = False
    constraints: tuple[Node, ...] = ()
    parameters: Mapping[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    positive: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Context:
    """The graph of one claim and its normal forms."""

    terms: Terms
    normal: Normal

    def derived(self, node: Node) -> Node:
        """The node in normal form, where that is short."""
        try:
            polynomial = self.normal.of(node)
        except TooMany:
            return node
        return self.normal.node(polynomial) if len(polynomial.terms) <= SHORT else node


class Program:
    """The nodes that some targets need, evaluated in one pass over intervals."""

    def __init__(self, terms: Terms, targets: Sequence[Node]) -> None:
        self.targets = tuple(targets)
        self.steps = [(node, terms.nodes[node]) for node in terms.order(self.targets)]
        self.fixed: dict[Node, Interval] = {}

    def __call__(self, values: Mapping[str, Interval]) -> list[Interval]:
        """Enclosures of the targets. Raises Undefined."""
        found = dict(self.fixed)
        for node, key in self.steps:
            kind = key[0]
            if node in found:
                continue
            if kind == "mul":
                found[node] = iv.mul(found[key[1]], found[key[2]])
            elif kind == "add":
                found[node] = iv.add(found[key[1]], found[key[2]])
            elif kind == "power":
                found[node] = iv.power(found[key[1]], key[2])
            elif kind == "var":
                if key[1] not in values:
                    raise iv.Undefined(f"{key[1]} has no value here")
                found[node] = values[key[1]]
            elif kind == "const":
                found[node] = self.fixed[node] = iv.rational(key[1])
            elif kind == "root":
                found[node] = iv.root(found[key[1]], key[2])
            elif kind in ("size", "odd"):
                found[node] = (iv.size if kind == "size" else iv.odd)(found[key[1]], key[2])
            elif kind == "pi":
                found[node] = self.fixed[node] = iv.pi()
            elif kind == "e":
                found[node] = self.fixed[node] = iv.e()
            else:
                found[node] = iv.UNARY[kind](found[key[1]])
        return [found[node] for node in self.targets]


def evaluate(terms: Terms, node: Node, values: Mapping[str, Interval]) -> Interval:
    """An enclosure of one node. Raises Undefined."""
    return Program(terms, [node])(values)[0]


def intervals(names: Iterable[str], box: Iterable[Ends]) -> dict[str, Interval]:
    """The box as intervals, by name."""
    return {name: iv.between(*ends) for name, ends in zip(names, box, strict=True)}


def inside(inner: Box, outer: Box) -> bool:
    """Whether a box lies in another."""
    for (a, b), (c, d) in zip(inner, outer, strict=True):
        if c is not None and (a is None or a < c):
            return False
        if d is not None and (b is None or b > d):
            return False
    return True
