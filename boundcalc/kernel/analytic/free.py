"""The rule "free": atoms become variables of their own, in the range that they have on the box.

What holds for all values of the variables in their ranges holds for the values that the atoms take.
All powers |u|^p of one u are powers of one variable. Even powers of a sine whose cosine occurs are
written by the cosine. A constraint a·s + b ≥ 0 on one such variable narrows its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Context, Ends, Goal, MatrixGoal, evaluate, intervals
from boundcalc.kernel.analytic.normal import ZERO, Normal, scaled
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import ONE, Polynomial, variable


def freed(context: Context, goal: Goal, p: Polynomial) -> Goal:
    """The goal with all atoms as variables; p is its normal form. Raises Rejected, Undefined."""
    normal = context.normal
    limits = [normal.of(node) for node in goal.constraints]
    made = _freedom(context, goal, [p, *limits])
    inner = replace(
        goal,
        variables=made.variables,
        box=made.box,
        term=normal.node(made.renamed(p)),
        constraints=tuple(normal.node(made.renamed(limit)) for limit in limits),
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
    made = _freedom(context, goal, [*(entry for row in entries for entry in row), *limits])
    return replace(
        goal,
        variables=made.variables,
        box=made.box,
        rows=tuple(tuple(normal.node(made.renamed(entry)) for entry in row) for row in entries),
        constraints=tuple(normal.node(made.renamed(limit)) for limit in limits),
        positive=(),
    )


@dataclass(frozen=True)
class _Freedom:
    """New names of atoms, and the variables and box of the goal that has them.

    even : new name of a sine → that of the cosine with the same argument, by which its even powers
    are replaced.
    """

    normal: Normal
    names: dict[str, Polynomial]
    even: dict[str, str]
    variables: tuple[str, ...]
    box: tuple[Ends, ...]

    def renamed(self, p: Polynomial) -> Polynomial:
        """p in the new names."""
        total = ZERO
        for monomial, c in self.normal.substituted(p, self.names).terms.items():
            kept = tuple((n, e) for n, e in monomial if n not in self.even)
            product = Polynomial({kept: c})
            for name, exponent in monomial:
                for _ in range(exponent // 2 if name in self.even else 0):
                    cos = variable(self.even[name])
                    product = product * (ONE + scaled(cos * cos, Fraction(-1)))
            total = total + product
        return total


def _freedom(
    context: Context, goal: Goal | MatrixGoal, polynomials: Sequence[Polynomial]
) -> _Freedom:
    normal = context.normal
    used = set().union(*(p.variables() for p in polynomials))
    values = intervals(goal.variables, goal.box)
    values |= {name: iv.between(*ends) for name, ends in goal.parameters.items()}
    names: dict[str, Polynomial] = {}
    ranges: dict[str, Ends] = {}
    places: dict[tuple[str, Polynomial], str] = {}
    for u, sizes in _sizes(normal, used).items():
        common = lcm(*(p.denominator for p in sizes.values()))
        new = f"@{min(sizes)[1:]}"
        root = context.terms.size(normal.node(u), Fraction(1, common))
        ranges[new] = _rational(evaluate(context.terms, root, values))
        for name, p in sizes.items():
            names[name] = normal.power(variable(new), int(p * common))
    for name in sorted(used - set(names)):
        atom = normal.atom(name)
        if atom is not None:
            new = "@" + name[1:]
            names[name], places[atom] = variable(new), new
            ranges[new] = _rational(evaluate(context.terms, normal.node(variable(name)), values))
    if not names:
        raise Rejected(f"{goal.name}: there is nothing to set free")
    odd = {n for p in polynomials for m in p.terms for n, e in m if e % 2}
    even = {
        new: places["cos", u]
        for (kind, u), new in places.items()
        if kind == "sin" and ("cos", u) in places and "#" + new[1:] not in odd
    }
    kept = [k for k, name in enumerate(goal.variables) if name in used]
    free = [name for name in ranges if name not in even]
    return _Freedom(
        normal,
        names,
        even,
        (*(goal.variables[k] for k in kept), *free),
        (*(goal.box[k] for k in kept), *(ranges[name] for name in free)),
    )


def _sizes(normal: Normal, used: set[str]) -> dict[Polynomial, dict[str, Fraction]]:
    """The atoms |u|^p, p > 0, by u: all are powers of one variable."""
    found: dict[Polynomial, dict[str, Fraction]] = {}
    for name in sorted(used):
        size = normal.size_of(name)
        if size is not None and not size[0] and size[1] > 0:
            found.setdefault(size[2], {})[name] = size[1]
    return found


def _rational(found: iv.Interval) -> Ends:
    lo = iv.outward((found[0], found[0]))[0] if found[0].is_finite() else None
    hi = iv.outward((found[1], found[1]))[1] if found[1].is_finite() else None
    return lo, hi


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
