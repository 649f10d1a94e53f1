"""How many components {f ≤ λ} has, from a tree of halvings and what is known of each leaf.

The tree is a string of bytes in depth-first order, lower half first: a byte below 64 halves that
axis; the others say what holds on a leaf. Boxes are never stored, so leaves cover the box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Interval, Undefined
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.levels.cells import UNIT, Cell, Cells

LEAF = 64
OUTSIDE = LEAF  # f > λ
INSIDE = LEAF + 1  # f ≤ λ
SLOPING = LEAF + 2  # f ≤ λ, and no lowest point of a component is here
CROSSED = LEAF + 3  # no lowest point of a component is here
CONVEX = LEAF + 4  # f is convex on the part in which lowest points can be
OPEN = LEAF + 5  # nothing is known but that f is defined
BELOW = (INSIDE, SLOPING)
MAX_LEAVES = 500_000  # of all trees of a certificate


@dataclass(eq=False, slots=True)
class Branch:
    """A node of the tree: two halves, or a leaf with what is known of it.

    known : OPEN for a node with halves. core : where lowest points can be, for a CONVEX leaf.
    """

    cell: Cell
    known: int
    halves: tuple[Branch, Branch] | None = None
    core: Cell | None = None
    number: int = -1


@dataclass(frozen=True)
class Count:
    """lower ≤ number of components ≤ upper (None: no upper bound)."""

    lower: int
    upper: int | None


def split(cell: Cell, axis: int) -> tuple[Cell, Cell]:
    """A cell cut at its middle."""
    lo, hi = cell[axis]
    middle = (lo + hi) >> 1
    return (
        (*cell[:axis], (lo, middle), *cell[axis + 1 :]),
        (*cell[:axis], (middle, hi), *cell[axis + 1 :]),
    )


def holds(cells: Cells, cell: Cell, known: int, level: Interval) -> bool:
    """Whether what is said of a leaf is true. Raises Undefined where f may have no value."""
    low, high = cells.range(cell)
    if known == OUTSIDE:
        return bool(low > level[1])
    if known == INSIDE:
        return bool(high <= level[0])
    if known == SLOPING:
        return bool(high <= level[0]) and barren(cells, cell, level)
    if known == CROSSED:
        return barren(cells, cell, level)
    if known == CONVEX:
        core = cells.core(cell)
        return core is not None and cells.convex(core)
    return known == OPEN


def barren(cells: Cells, cell: Cell, level: Interval) -> bool:
    """Whether no component has a lowest point in a cell."""
    core = cells.core(cell)
    return core is None or bool(cells.range(core)[0] > level[1])


def grown(cells: Cells, tree: bytes, level: Interval) -> tuple[Branch, list[Branch]]:
    """The tree and its leaves, each checked. Raises Rejected, Undefined."""
    root = Branch(cells.whole, OPEN)
    waiting, place = [root], 0
    leaves: list[Branch] = []
    while waiting:
        branch = waiting.pop()
        if place >= len(tree) or len(leaves) >= MAX_LEAVES:
            raise Rejected("levels: the tree ends too early, or is too large")
        code = tree[place]
        place += 1
        if code < LEAF:
            if code >= len(branch.cell) or branch.cell[code][1] - branch.cell[code][0] < 2:
                raise Rejected("levels: the tree halves an axis that is not there, or too often")
            low, high = (Branch(cell, OPEN) for cell in split(branch.cell, code))
            branch.halves = (low, high)
            waiting += [high, low]
            continue
        if not holds(cells, branch.cell, code, level):
            raise Rejected(f"levels: what is said of leaf {len(leaves)} does not follow")
        branch.known, branch.number = code, len(leaves)
        branch.core = cells.core(branch.cell) if code == CONVEX else None
        leaves.append(branch)
    if place != len(tree):
        raise Rejected("levels: something is left over after the tree")
    return root, leaves


def touch(a: Cell, b: Cell) -> bool:
    """Whether two closed cells have a point in common."""
    return all(p <= s and r <= q for (p, q), (r, s) in zip(a, b, strict=True))


def hull(a: Cell, b: Cell) -> Cell:
    """The smallest cell that contains both."""
    return tuple((min(p, r), max(q, s)) for (p, q), (r, s) in zip(a, b, strict=True))


def neighbours(root: Branch, meet: Callable[[Branch, Branch], None]) -> None:
    """Call `meet` with every two leaves that touch, those outside left out."""
    waiting: list[tuple[Branch, Branch | None]] = [(root, None)]
    while waiting:
        a, b = waiting.pop()
        if b is None:
            if a.halves is not None:
                low, high = a.halves
                waiting += [(low, None), (high, None), (low, high)]
            continue
        if not touch(a.cell, b.cell) or OUTSIDE in (a.known, b.known):
            continue
        halves, other = (b.halves, a) if a.halves is None else (a.halves, b)
        if halves is None:
            meet(a, b)
        else:
            waiting += [(halves[0], other), (halves[1], other)]


def leaves_at(root: Branch, point: Sequence[Fraction]) -> Iterator[Branch]:
    """The leaves that contain a point, given in units of the sides."""
    waiting = [root]
    while waiting:
        branch = waiting.pop()
        if all(lo <= x <= hi for x, (lo, hi) in zip(point, branch.cell, strict=True)):
            if branch.halves is None:
                yield branch
            else:
                waiting.extend(branch.halves)


@dataclass
class Groups:
    """Sets that only grow together."""

    parents: list[int] = field(default_factory=list)

    def of(self, member: int) -> int:
        """The member that stands for a group."""
        while self.parents[member] != member:
            self.parents[member] = self.parents[self.parents[member]]
            member = self.parents[member]
        return member

    def join(self, a: int, b: int) -> None:
        self.parents[self.of(a)] = self.of(b)


@dataclass
class Survey:
    """possible : leaves not outside, joined where they touch. solid : leaves whose part of
    {f ≤ λ} that matters is connected, joined where these parts share a point of {f ≤ λ}, or lie
    with all maybe empty parts between them in a box on which f is convex."""

    leaves: list[Branch]
    possible: Groups
    solid: Groups
    shown: set[int]  # leaves with a point of {f ≤ λ}

    def count(self) -> Count:
        """The bounds that follow."""
        lower = {self.possible.of(leaf) for leaf in self.shown}
        upper = {
            self.solid.of(leaf.number) for leaf in self.leaves if leaf.known in (INSIDE, CONVEX)
        }
        unknown = any(leaf.known == OPEN for leaf in self.leaves)
        return Count(len(lower), None if unknown else len(upper))


def survey(
    cells: Cells, root: Branch, leaves: list[Branch], points: Sequence[Sequence[Fraction]],
    level: Interval,
) -> Survey:  # fmt: skip
    """Group the leaves; points : of {f ≤ λ}, which is checked. Raises Rejected, Undefined."""
    found = Survey(
        leaves, Groups(list(range(len(leaves)))), Groups(list(range(len(leaves)))),
        {leaf.number for leaf in leaves if leaf.known in BELOW},
    )  # fmt: skip

    bent: list[tuple[Branch, Branch]] = []  # two convex parts: {f ≤ λ} may miss either of them
    met = {leaf.number for leaf in leaves if leaf.known in BELOW}  # it meets these parts

    def meet(a: Branch, b: Branch) -> None:
        found.possible.join(a.number, b.number)
        one, other = _part(a), _part(b)
        if one is None or other is None:
            return
        if a.known not in BELOW and b.known not in BELOW:
            bent.append((a, b))
        elif touch(one, other):
            found.solid.join(a.number, b.number)
            met.update((a.number, b.number))

    neighbours(root, meet)
    for point in points:
        met |= _show(cells, root, found, point, level)
    _hulls(cells, found, bent, met)
    return found


def _hulls(
    cells: Cells, found: Survey, pairs: Sequence[tuple[Branch, Branch]], met: set[int]
) -> None:
    """Join convex parts that lie in one box on which f is convex.

    A part that {f ≤ λ} may miss hands nothing on: it has one box, on which f is convex, with all
    that is joined to it. (Otherwise two components could be taken for one by way of an empty part.)
    """
    boxes: dict[int, Cell] = {}
    alone = Groups(list(range(len(found.leaves))))  # of parts that may be empty
    for pair in pairs:
        span: Cell | None = None
        for leaf in pair:
            own = boxes.get(alone.of(leaf.number)) or _part(leaf)
            span = own if span is None or own is None else hull(span, own)
        if span is None or not cells.convex(span):
            continue
        found.solid.join(pair[0].number, pair[1].number)
        empty = [leaf.number for leaf in pair if leaf.number not in met]
        for number in empty:
            alone.join(number, empty[0])
        for number in empty[:1]:
            boxes[alone.of(number)] = span


def _part(leaf: Branch) -> Cell | None:
    """The part of a leaf on which {f ≤ λ} is connected."""
    if leaf.known in BELOW:
        return leaf.cell
    return leaf.core if leaf.known == CONVEX else None


def _show(
    cells: Cells, root: Branch, found: Survey, point: Sequence[Fraction], level: Interval
) -> set[int]:
    """A point of {f ≤ λ}: its leaves are not empty, and the connected ones at it hang together.

    Returns the leaves whose connected part contains it.
    """
    box = cells.landscape.box
    if len(point) != len(box) or not cells.at(point)[1] <= level[0]:
        raise Rejected("levels: a point is not known to be below the level")
    scaled = [UNIT * (x - lo) / (hi - lo) for x, (lo, hi) in zip(point, box, strict=True)]
    here = list(leaves_at(root, scaled))
    if not here:
        raise Rejected("levels: a point lies outside of the box")
    found.shown.update(leaf.number for leaf in here if leaf.known != OUTSIDE)
    parts = ((leaf, _part(leaf)) for leaf in here)
    solid = [
        leaf
        for leaf, part in parts
        if part is not None and all(lo <= x <= hi for x, (lo, hi) in zip(scaled, part, strict=True))
    ]
    for leaf in solid[1:]:
        found.solid.join(solid[0].number, leaf.number)
    return {leaf.number for leaf in solid}


def counted(
    cells: Cells, tree: bytes, points: Sequence[Sequence[Fraction]], level: Fraction
) -> tuple[Count, int]:
    """The bounds that a tree shows for a level, and how many leaves it has. Raises Rejected."""
    edge = iv.rational(level)
    try:
        root, leaves = grown(cells, tree, edge)
        return survey(cells, root, leaves, points, edge).count(), len(leaves)
    except Undefined as error:
        raise Rejected(f"levels: the function may have no value on the box: {error}") from error
