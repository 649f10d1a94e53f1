"""The rule "free": atoms become variables of their own, in the range that they have on the box.

What holds for all values of the variables in their ranges holds for the values that the atoms take.
A constraint a·s + b ≥ 0 on one such variable narrows its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Context, Ends, Goal, MatrixGoal, evaluate, intervals
from boundcalc.kernel.analytic.normal import Normal
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial, variable


def freed(context: Context, goal: Goal, p: Polynomial) -> Goal:
    """The goal with all atoms as variables; p is its normal form. Raises Rejected, Undefined."""
    normal = context.normal
    limits = [normal.of(node) for node in goal.constraints]
    names, ranges, kept = _ranges(context, goal, [p, *limits])
    inner = replace(
        goal,
        variables=(*(goal.variables[k] for k in kept), *ranges),
        box=(*(goal.box[k] for k in kept), *ranges.values()),
        term=normal.node(_renamed(normal, p, names)),
        constraints=tuple(normal.node(_renamed(normal, limit, names)) for limit in limits),
        skip=(),
        anchors=(),
        positive=(),
    )
    return _narrowed(context, inner)


def freed_matrix(context: Context, goal: MatrixGoal) -> MatrixGoal:
    """The same for a matrix. Raises Rejected, Undefined."""
    normal = context.normal
    limits = [normal.of(node) for node in goal.constraints]
    entries = [[normal.of(entry) for entry in row] for row in goal.rows]
    flat = [entry for row in entries for entry in row]
    names, ranges, kept = _ranges(context, goal, [*flat, *limits])
    return replace(
        goal,
        variables=(*(goal.variables[k] for k in kept), *ranges),
        box=(*(goal.box[k] for k in kept), *ranges.values()),
        rows=tuple(
            tuple(normal.node(_renamed(normal, entry, names)) for entry in row) for row in entries
        ),
        constraints=tuple(normal.node(_renamed(normal, limit, names)) for limit in limits),
        positive=(),
    )


def _ranges(
    context: Context, goal: Goal | MatrixGoal, polynomials: Sequence[Polynomial]
) -> tuple[dict[str, Polynomial], dict[str, Ends], list[int]]:
    """New names of atoms, their ranges on the box, and the variables that stay."""
    normal = context.normal
    used = set().union(*(p.variables() for p in polynomials))
    values = intervals(goal.variables, goal.box)
    values |= {name: iv.between(*ends) for name, ends in goal.parameters.items()}
    names: dict[str, Polynomial] = {}
    ranges: dict[str, Ends] = {}
    for name in sorted(used):
        if normal.atom(name) is not None:
            found = evaluate(context.terms, normal.node(variable(name)), values)
            names[name] = variable("@" + name[1:])
            ranges["@" + name[1:]] = _rational(found)
    if not names:
        raise Rejected(f"{goal.name}: there is nothing to set free")
    return names, ranges, [k for k, name in enumerate(goal.variables) if name in used]


def _rational(found: iv.Interval) -> Ends:
    lo = iv.outward((found[0], found[0]))[0] if found[0].is_finite() else None
    hi = iv.outward((found[1], found[1]))[1] if found[1].is_finite() else None
    return lo, hi


def _renamed(normal: Normal, p: Polynomial, names: dict[str, Polynomial]) -> Polynomial:
    return normal.substituted(p, names)


def _narrowed(context: Context, goal: Goal) -> Goal:
    """Ranges cut by the constraints that are linear in one variable; those are used up."""
    box, left = list(goal.box), []
    for node in goal.constraints:
        p = context.normal.of(node)
        names = p.variables()
        if len(names) == 1 and set(p.terms) <= {(), ((next(iter(names)), 1),)}:
            (name,) = names
            slope, shift = p.terms[((name, 1),)], p.terms.get((), Fraction(0))
            k = goal.variables.index(name)
            lo, hi = box[k]
            end = -shift / slope
            if slope > 0:
                box[k] = (end if lo is None else max(lo, end), hi)
            else:
                box[k] = (lo, end if hi is None else min(hi, end))
            low, high = box[k]
            if low is not None and high is not None and low > high:
                raise Rejected(f"{goal.name}: a constraint is never met")
        else:
            left.append(node)
    return replace(goal, box=tuple(box), constraints=tuple(left))
