"""A problem: a function given by formulas on a domain, and what is claimed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Ball:
    """The closed Euclidean ball |x - center| ≤ radius."""

    center: tuple[Fraction, ...]
    radius: Fraction


@dataclass(frozen=True)
class CaseClaim:
    """What a case file says of its problem.

    constants : name → constant formula ("1/32", "5*(sqrt(5)-2)/2").
    expect : "proved", "refuted", or None where the file does not say.
    published : the constant as the literature has it; note : in words. Both for the reader only.
    """

    condition: str
    constants: Mapping[str, str]
    expect: str | None = None
    published: str = ""
    note: str = ""


Side = tuple[Fraction | None, Fraction | None]
"""An interval of a variable, closed where a bound is finite; None is unbounded."""


@dataclass(frozen=True)
class Made:
    """How a residual map is made, for the theorems about transformations.

    kind : "output" (F = function(formulas) − target), "input" (the formulas are in `names`, each a
    formula in the variables) or "parts" (groups of variables, whose kernels add up).
    """

    kind: str
    formulas: tuple[str, ...]
    function: str = ""
    target: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Problem:
    """f = mean of `components`, or f = ½|F|² of a residual map F: exactly one of both is given.

    variables : (d,) names; components, residual : (n,) formulas in them, as text.
    domain : (d,) sides of a box; ball : intersected with the box.
    minimisers : points, each of d constant formulas ("sqrt(2)"); empty where they are to be found.
    equations : formulas that vanish on the set of minimisers and nowhere else, or empty.
    start : (d,) rational coordinates of w0, or empty; made : how `residual` comes about, if said.
    """

    name: str
    source: str
    variables: tuple[str, ...]
    components: tuple[str, ...]
    residual: tuple[str, ...]
    domain: tuple[Side, ...]
    ball: Ball | None = None
    minimisers: tuple[tuple[str, ...], ...] = ()
    claims: tuple[CaseClaim, ...] = ()
    equations: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    made: Made | None = None
