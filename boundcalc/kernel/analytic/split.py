"""The rule "split": an interval cut at points, and |u|^p as ±u^p where u keeps its sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from boundcalc.kernel.analytic import sturm
from boundcalc.kernel.analytic.exact import one_variable
from boundcalc.kernel.analytic.goal import Context, Goal
from boundcalc.kernel.analytic.normal import scaled
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial


def split(context: Context, goal: Goal, p: Polynomial, at: Sequence[Fraction]) -> list[Goal]:
    """A goal in one variable, p its normal form, as one goal for each piece. Raises Rejected."""
    if len(goal.variables) != 1:
        raise Rejected(f"{goal.name}: split in several variables")
    ((lo, hi),) = goal.box
    ends = [lo, *at, hi]
    for a, b in pairwise(ends):
        if a is not None and b is not None and not a < b:
            raise Rejected(f"{goal.name}: the cuts do not lie in order inside the interval")
    pieces = []
    for k, piece in enumerate(pairwise(ends)):
        here = replace(goal, name=f"{goal.name}.piece{k}", box=(piece,), anchors=())
        pieces.append(replace(here, term=context.normal.node(_resolved(context, here, p))))
    return pieces


def _resolved(context: Context, goal: Goal, p: Polynomial) -> Polynomial:
    """|u|^q and sign(u)·|u|^q, q whole, as ±u^q where Sturm's theorem tells the sign of u."""
    normal = context.normal
    values = {}
    for name in p.variables():
        found = normal.size_of(name)
        if found is None or found[1].denominator > 1 or found[1] <= 0:
            continue
        odd, q, u = found
        sign = _sign(goal, u)
        power = normal.power(scaled(u, Fraction(sign)), q.numerator)
        values[name] = scaled(power, Fraction(sign if odd else 1))
    return normal.substituted(p, values)


def _sign(goal: Goal, u: Polynomial) -> int:
    """1 where u ≥ 0 on the interval, −1 where u ≤ 0. Raises Rejected."""
    for sign in (1, -1):
        coefficients, lo, hi = one_variable(goal, scaled(u, Fraction(sign)))
        if sturm.nonnegative(coefficients, lo, hi, False):
            return sign
    raise Rejected(f"{goal.name}: a sign that changes within a piece")


def count_zeros(context: Context, goal: Goal, p: Polynomial, at: Sequence[Fraction]) -> int | None:
    """How many zeros p has on the interval; None where it is 0 on a piece. Raises Rejected."""
    total = 0
    for k, piece in enumerate(split(context, goal, p, at)):
        coefficients, lo, hi = one_variable(piece, context.normal.of(piece.term))
        if not coefficients:
            return None
        total += sturm.count_roots(coefficients, lo, hi)
        if k and lo is not None and sturm.value(coefficients, lo) == 0:
            total -= 1  # a zero at a cut belongs to both pieces
    return total
