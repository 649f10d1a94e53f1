"""A goal with its constraints, in coordinates that suit a solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from boundcalc.search.sos.cone import Cone, Known, Parities, Shape, build
from boundcalc.search.sos.factors import without_squares
from boundcalc.search.sos.frame import Frame, balanced, frame_of
from boundcalc.search.sos.packed import ONE, Packed, scaled, total_degree, value_at

MOST_MONOMIALS = 1_200  # of half the degree, before any is left out
MOST_ENTRIES = 5_000  # of all Gram matrices of a cone: about a minute
MOST_SIDE = 100  # of one Gram matrix


@dataclass(frozen=True, eq=False)
class Task:
    """A goal in easy coordinates: original = square² · 2^shift · goal, and so on."""

    variables: tuple[str, ...]
    square: Packed
    frame: Frame
    goals: tuple[Packed, ...]
    goal_shift: int
    constraints: tuple[tuple[int, Packed], ...]  # (power of two taken out, polynomial)
    equalities: tuple[tuple[int, Packed], ...]
    zeros: tuple[tuple[Fraction, ...], ...]
    ideal: tuple[Packed, ...]

    def cone(self, shape: Shape) -> Cone | str:
        """The cone of that shape, or why it is too large."""
        half = comb(len(self.variables) + shape.degree // 2, shape.degree // 2)
        if half > MOST_MONOMIALS:
            return f"{half} monomials of half the degree, more than {MOST_MONOMIALS}"
        constraints = [p for _, p in self.constraints]
        equalities = [p for _, p in self.equalities]
        known = Known(self.zeros, self.ideal)
        count = len(self.variables)
        cone = build(self.goals, constraints, equalities, known, count, shape)
        side = max((len(block.basis) for block in cone.blocks), default=0)
        if side > MOST_SIDE or cone.size > MOST_ENTRIES:
            most = f"more than {MOST_SIDE} or {MOST_ENTRIES}"
            return f"a Gram matrix of {side} rows, {cone.size} entries in all: {most}"
        return cone


def set_up(
    goals: Sequence[Packed],
    constraints: Sequence[Packed],
    equalities: Sequence[Packed],
    zeros: Sequence[Sequence[Fraction]],
    ideal: Sequence[Packed],
    names: tuple[str, ...],
    weight: float,
) -> Task:
    """Take out square factors, move a zero to the origin, balance the coefficients.

    goals : one goal, or the parts of an affine family.
    zeros : those that are no zeros of all goals in the domain are left out.
    weight : the constraints' say in the scales.
    """
    count = len(names)
    square = ONE
    if not ideal:  # whose members need not vanish where only the square factor does
        square, goals = without_squares(goals, count)
    useful = [
        tuple(z)
        for z in zeros
        if not any(value_at(p, z) for p in goals)
        and all(value_at(p, z) >= 0 for p in constraints)
        and not any(value_at(p, z) for p in equalities)
    ]
    # a shift to a zero drops monomials, but would destroy sign symmetries
    still = (Fraction(0),) * count
    symmetric = Parities([*goals, *constraints, *equalities, *ideal], count).symmetric
    origin = still if not useful or still in useful or symmetric else useful[0]
    frame = frame_of([*goals, *equalities], constraints, origin, weight)
    moved = [frame.inward(p) for p in goals]
    shift = balanced(moved[0])[0]  # one power for the whole family: c keeps its meaning
    return Task(
        names,
        square,
        frame,
        tuple(scaled(p, Fraction(2) ** -shift) for p in moved),
        shift,
        tuple(balanced(frame.inward(p)) for p in constraints),
        tuple(balanced(frame.inward(p)) for p in equalities),
        tuple(frame.point(z) for z in useful),
        tuple(balanced(frame.inward(p))[1] for p in ideal),
    )


def shapes(task: Task, products: int, extra: int, multiplier: int) -> Iterator[Shape]:
    """Shapes to try, cheapest first."""
    count = len(task.variables)
    polynomials = [*task.goals, *(p for _, p in (*task.constraints, *task.equalities))]
    least = max(total_degree(p, count) for p in polynomials)
    if not task.constraints and not task.equalities:
        if multiplier == 0:
            yield Shape(least + least % 2)
        for degree in range(2, multiplier + 1, 2):
            yield Shape(least + least % 2 + degree, 0, degree)
        return
    for more in range(0, extra + 1, 2):
        degree = least + least % 2 + more
        most = min(products, len(task.constraints))
        for length in range(min(1, most), most + 1):
            yield Shape(degree, length)
        if multiplier:
            yield Shape(degree + multiplier, most, multiplier)
