"""The merge tree of a function: which components join at which level, from certified counts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.levels.cells import UNIT, Landscape
from boundcalc.kernel.levels.check import verify
from boundcalc.kernel.levels.components import OUTSIDE, leaves_at
from boundcalc.landscape.levels import Counter, Level, Point, Progress, certificate, no_value

SEARCH = 0.6  # of the time; the rest is for the check of what was found
MOST_VALUES = 24  # critical values that a sweep goes around
ONE = 1e-6  # critical values this close, relative to all, are one
NEAR = 1 / 200  # how far from a critical value the levels beside it are, relative to all

Bracket = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Life:
    """One component on its way up.

    born : levels between which it appears (the lower one None: below the first level).
    point : on its way down at the first level that has it. ended : levels between which it joins
    the component `into`, or None; the one that goes on is the one that is older.
    """

    born: tuple[Fraction | None, Fraction]
    point: Point
    ended: Bracket | None
    into: int | None


@dataclass(frozen=True)
class Tree:
    """lives : components in the order in which they appear; rows : at each exact level, the lives
    of its components."""

    lives: tuple[Life, ...]
    rows: tuple[tuple[Fraction, tuple[int, ...]], ...]


def sweep_levels(counter: Counter) -> list[Fraction]:
    """Levels just below and just above every critical value at which components may change.

    Raises InputError where none is found.
    """
    values = [one.value for one in counter.critical if one.kind != "maximum"]
    if not values and not np.isfinite(heights(counter, 21)[0]).all():
        raise no_value("at points of the box")
    if not values:
        found, fix = "no smooth minimum", "give the levels, such as --levels 0,1,2"
        raise InputError(Fault("--levels sweep", found, "a minimum to start from", fix))
    spread, all_of_f = values[-1] - values[0], _range(counter)
    if spread <= ONE * all_of_f:  # one value, up to rounding
        spread = 0.01 * all_of_f
    kept = [values[0]]
    for value in values:
        if value - kept[-1] > ONE * spread:
            kept.append(value)
    del kept[MOST_VALUES:]
    levels: set[Fraction] = set()
    for k, value in enumerate(kept):
        gaps = [abs(value - other) for other in kept[max(0, k - 1) : k + 2] if other != value]
        step = min([NEAR * spread, *(gap / 3 for gap in gaps)])
        levels |= {_short(value - step, step / 8), _short(value + step, step / 8)}
    return sorted(levels)


def _range(counter: Counter) -> float:
    """How much f varies on a coarse grid; a number > 0."""
    values = heights(counter, 21)[0]
    kept = values[np.isfinite(values)]
    return float(np.ptp(kept)) or max(1.0, float(np.abs(kept).max()))


def _short(value: float, room: float) -> Fraction:
    """A decimal within `room` of a value."""
    scale = Fraction(10) ** math.floor(math.log10(room))
    return round(Fraction(value) / scale) * scale


@dataclass(frozen=True)
class Sweep:
    """Levels with what is proved of them, and what joins where."""

    counter: Counter
    levels: tuple[Level, ...]
    tree: Tree

    @property
    def certificate(self) -> dict[str, Any]:
        """What `boundcalc verify` checks."""
        return certificate(self.counter.landscape, self.levels)


def swept(
    landscape: Landscape,
    levels: Sequence[Fraction],
    seconds: float,
    progress: Progress | None = None,
) -> Sweep:
    """Count components at levels, () for those around all critical values, and have it checked.

    Raises InputError.
    """
    counter = Counter(landscape, progress)
    found = sweep(counter, levels or sweep_levels(counter), SEARCH * seconds)
    made = Sweep(counter, tuple(found), merge_tree(counter, found))
    try:
        verify(made.certificate)
    except Rejected as error:  # too many leaves in all, say
        fix = "ask for fewer levels"
        raise InputError(Fault("levels", str(error), "a proof that is accepted", fix)) from error
    return made


def sweep(counter: Counter, levels: Sequence[Fraction], seconds: float) -> list[Level]:
    """Count at every level, each with its share of the time that is left."""
    until = time.monotonic() + seconds
    found = []
    for k, level in enumerate(sorted(levels)):
        left = max(0.0, until - time.monotonic())
        found.append(counter.count(level, left / max(1, min(4, len(levels) - k))))
    return found


def merge_tree(counter: Counter, levels: Sequence[Level]) -> Tree:
    """What becomes of each component from one exact level to the next.

    At an exact level every group of cells holds one component, so a point of a component at a lower
    level lies in the group of the component that contains it.
    """
    lives: list[Life] = []
    rows: list[tuple[Fraction, tuple[int, ...]]] = []
    before: Fraction | None = None
    alive: tuple[int, ...] = ()
    points: dict[int, Point] = {}
    for one in (level for level in levels if level.exact):
        here: dict[int, list[int]] = {}
        for life in alive:
            here.setdefault(group_of(counter, one, points[life]), []).append(life)
        now: list[int] = []
        for point in one.components:
            older = here.get(group_of(counter, one, point), [])
            if not older:
                lives.append(Life((before, one.level), point, None, None))
                points[len(lives) - 1] = point
                now.append(len(lives) - 1)
                continue
            first = min(older)
            for life in older:
                if life != first and before is not None:
                    was = lives[life]
                    lives[life] = Life(was.born, was.point, (before, one.level), first)
            now.append(first)
        alive, before = tuple(now), one.level
        rows.append((one.level, alive))
    return Tree(tuple(lives), tuple(rows))


def group_of(counter: Counter, level: Level, point: Point) -> int:
    """The group of cells that a point of {f ≤ λ} lies in."""
    box = counter.landscape.box
    scaled = [UNIT * (x - lo) / (hi - lo) for x, (lo, hi) in zip(point, box, strict=True)]
    leaf = next(leaf for leaf in leaves_at(level.root, scaled) if leaf.known != OUTSIDE)
    return level.survey.possible.of(leaf.number)


def heights(counter: Counter, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """f on a grid for figures: values (size,) or (size, size), first axis first, and the axes."""
    axes = [np.linspace(lo, hi, size) for lo, hi in counter.surface.box]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = counter.surface.values(grid.reshape(-1, len(axes)))
    return values.reshape([size] * len(axes)), axes
