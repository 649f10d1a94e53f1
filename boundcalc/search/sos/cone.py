"""What a goal may be written with: weighted sums of squares, and free multiples of equalities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, combinations_with_replacement

from boundcalc.search.linear import echelon
from boundcalc.search.sos.packed import BITS, ONE, Packed, times, total_degree, unpack, value_at

MULTIPLIER = -1  # stands in `Block.product` for the goal itself, with a minus sign


@dataclass(frozen=True, eq=False)
class Block:
    """factor · vᵀQv with Q ⪰ 0 and v the basis.

    product : the constraints whose product `factor` is; (MULTIPLIER,) where it is minus the goal.
    """

    factor: Packed
    product: tuple[int, ...]
    basis: tuple[Packed, ...]

    @cached_property
    def columns(self) -> dict[tuple[int, int], Packed]:
        """factor·v_i·v_j for i ≤ j."""
        sides = [times(self.factor, v) for v in self.basis]
        pairs = combinations_with_replacement(range(len(self.basis)), 2)
        return {(i, j): times(sides[i], self.basis[j]) for i, j in pairs}


@dataclass(frozen=True, eq=False)
class Cone:
    """All blocks, and free columns (equality, monomial, equality·monomial)."""

    blocks: tuple[Block, ...]
    free: tuple[tuple[int, int, Packed], ...]

    @property
    def size(self) -> int:
        """Entries of all Gram matrices."""
        return sum(len(b.basis) * (len(b.basis) + 1) // 2 for b in self.blocks)

    def rows(self, *goals: Packed) -> list[int]:
        """All monomials that occur."""
        found = set().union(*goals)
        for block in self.blocks:
            found.update(*block.columns.values())
        return sorted(found.union(*(column for _, _, column in self.free)))


@dataclass(frozen=True)
class Shape:
    """How large a cone to build: all in total degrees of the final identity.

    degree : of every summand; even.
    products : the most constraints multiplied with each other.
    multiplier : degree of the sought multiplier of the goal; 0 for none.
    """

    degree: int
    products: int = 1
    multiplier: int = 0


@dataclass(frozen=True)
class Known:
    """What is known of a goal's zeros in the domain.

    points : some of them.
    ideal : polynomials that vanish at all of them and generate the ideal of those that do; empty
        where not known.
    """

    points: Sequence[Sequence[Fraction]]
    ideal: Sequence[Packed]


def build(
    goals: Sequence[Packed],
    constraints: Sequence[Packed],
    equalities: Sequence[Packed],
    known: Known,
    count: int,
    shape: Shape,
) -> Cone:
    """The cone of that shape, without monomials that no representation of the goal can use.

    goals : the goal, or the parts of an affine family of goals.
    known : zeros of every goal of the family.
    """
    signs = Parities([*goals, *constraints, *equalities], count)
    if known.ideal:  # its members must be symmetric too, up to a sign
        signs = Parities([*goals, *constraints, *equalities, *map(_even, known.ideal)], count)
    free = []
    for k, h in enumerate(equalities):
        room = shape.degree - total_degree(h, count)
        monomials = [m for m in up_to(room, count) if signs.of(m) == 0]
        free += [(k, m, times(h, {m: Fraction(1)})) for m in monomials]
    blocks = []
    for product, factor in _factors(constraints, shape.products):
        room = (shape.degree - total_degree(factor, count)) // 2
        dead = [z for z in known.points if value_at(factor, z) > 0]
        monomials = [m for m in up_to(room, count) if m or not any(not any(z) for z in dead)]
        blocks.append((factor, product, monomials, [z for z in dead if any(z)]))
    if shape.multiplier:
        minus = times(goals[0], {0: Fraction(-1)})
        blocks.append((minus, (MULTIPLIER,), up_to(shape.multiplier // 2, count), []))
    support = set().union(*goals, *(column for _, _, column in free))
    for factor, product, monomials, _ in blocks:
        if product:
            sums = {a + b for a in monomials for b in monomials}
            support |= {s + m for s in sums for m in factor}
    made = []
    for factor, product, monomials, dead in blocks:
        if known.ideal and product != (MULTIPLIER,):
            top = max((sum(unpack(m, count)) for m in monomials), default=0)
            made += [Block(factor, product, part) for part in _ideal(known.ideal, top, signs)]
            continue
        kept = monomials if product else _trimmed(monomials, support)
        for group in signs.groups(kept):
            basis = _vanishing(group, dead, count)
            if basis:
                made.append(Block(factor, product, basis))
    return Cone(tuple(made), tuple(free))


def up_to(degree: int, count: int) -> list[int]:
    """All monomials of total degree at most `degree`."""
    found = []
    for total in range(degree + 1):
        for chosen in combinations_with_replacement(range(count), total):
            found.append(sum(1 << (BITS * k) for k in chosen))
    return found


def _factors(constraints: Sequence[Packed], most: int) -> list[tuple[tuple[int, ...], Packed]]:
    found: list[tuple[tuple[int, ...], Packed]] = [((), ONE)]
    for length in range(1, most + 1):
        for product in combinations(range(len(constraints)), length):
            factor = ONE
            for k in product:
                factor = times(factor, constraints[k])
            found.append((product, factor))
    return found


def _trimmed(monomials: Iterable[int], support: set[int]) -> list[int]:
    """Without each a whose square can neither occur nor cancel.

    Where 2a is outside the support and no sum of two other monomials, the diagonal entry of a is
    0 in every representation. Repeated, this leaves less than half the Newton polytope.
    """
    kept = set(monomials)
    while True:
        sums = {a + b for a in kept for b in kept if a < b}
        out = {a for a in kept if 2 * a not in support and 2 * a not in sums}
        if not out:
            return sorted(kept)
        kept -= out


def _even(p: Packed) -> Packed:
    """p times one of its monomials: its parities are the differences of those of p."""
    return times(p, {next(iter(p)): Fraction(1)})


class Parities:
    """Monomials up to sign changes x_k → −x_k that leave all given polynomials as they are.

    Such a change acts on a monomial by the parities of its exponents, so the parities of the given
    polynomials span a space over GF(2), and Gram entries between different cosets are 0.
    """

    def __init__(self, polynomials: Iterable[Packed], count: int) -> None:
        self.count = count
        self.echelon: list[int] = []
        for m in set().union(*polynomials):
            rest = self.of(m)
            if rest:
                self.echelon = sorted([*self.echelon, rest], reverse=True)

    @property
    def symmetric(self) -> bool:
        """Whether there is such a sign change."""
        return len(self.echelon) < self.count

    def of(self, monomial: int) -> int:
        """The coset's representative."""
        rest = sum((e & 1) << k for k, e in enumerate(unpack(monomial, self.count)))
        for row in self.echelon:
            rest = min(rest, rest ^ row)
        return rest

    def groups(self, monomials: Iterable[int]) -> list[list[int]]:
        """The monomials by coset."""
        found: dict[int, list[int]] = {}
        for m in monomials:
            found.setdefault(self.of(m), []).append(m)
        return [found[key] for key in sorted(found)]


def _ideal(ideal: Sequence[Packed], degree: int, signs: Parities) -> list[tuple[Packed, ...]]:
    """Bases, by symmetry, of the span of the ideal's generators times monomials."""
    parts: dict[int, list[Packed]] = {}
    for p in ideal:
        for m in up_to(degree - total_degree(p, signs.count), signs.count):
            element = times(p, {m: Fraction(1)})
            parts.setdefault(signs.of(next(iter(element))), []).append(element)
    found = []
    for elements in parts.values():
        monomials = sorted(set().union(*elements))
        _, rows = echelon([[e.get(m, Fraction(0)) for m in monomials] for e in elements])
        kept = [{m: c for m, c in zip(monomials, row, strict=True) if c} for row in rows]
        found.append(tuple(kept))
    return found


def _vanishing(
    monomials: Sequence[int], zeros: Sequence[Sequence[Fraction]], count: int
) -> tuple[Packed, ...]:
    """A basis of the span's polynomials that are 0 at all given points."""
    rows = [[value_at({m: Fraction(1)}, z) for m in monomials] for z in zeros]
    elements: list[Packed] = [{m: Fraction(1)} for m in monomials]
    return subspace(elements, rows)


def subspace(elements: Sequence[Packed], rows: Sequence[Sequence[Fraction]]) -> tuple[Packed, ...]:
    """A basis of the combinations Σ c_k·element_k with row·c = 0 for each row."""
    pivots, reduced = echelon(rows)
    found = []
    for k, element in enumerate(elements):
        if k in pivots:
            continue
        combined = dict(element)
        for pivot, row in zip(pivots, reduced, strict=True):
            if row[k]:
                for m, c in elements[pivot].items():
                    combined[m] = combined.get(m, Fraction(0)) - row[k] * c
        found.append({m: c for m, c in combined.items() if c})
    return tuple(found)
