"""Square factors of a goal, which need no proof: p²·g ≥ 0 wherever g ≥ 0."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from boundcalc.search.sos.packed import ONE, Packed, pack, power, times, unpack


def without_squares(goals: Sequence[Packed], count: int) -> tuple[Packed, list[Packed]]:
    """p and the quotients by p², which divides all goals; p as large as possible.

    Not all goals are 0.
    """
    import flint

    context = flint.fmpq_mpoly_ctx.get(tuple(f"x{k}" for k in range(count)), "lex")
    inside = [_inside(goal, context, count) for goal in goals]
    common = inside[0]
    for other in inside[1:]:
        common = common.gcd(other)
    root = ONE
    for factor, exponent in common.factor_squarefree()[1]:
        root = times(root, power(_outside(factor), exponent // 2))
    if root == ONE:
        return root, list(goals)
    square = _inside(times(root, root), context, count)
    return root, [_outside(goal / square) for goal in inside]


def _inside(p: Packed, context: Any, count: int) -> Any:
    import flint

    terms = {unpack(m, count): flint.fmpq(c.numerator, c.denominator) for m, c in p.items()}
    return context.from_dict(terms)


def _outside(p: Any) -> Packed:
    terms = p.to_dict().items()
    return {pack(map(int, m)): Fraction(int(c.p), int(c.q)) for m, c in terms}
