"""Where a function is least: points, exact where recognised, and other stationary points."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from boundcalc.search.numeric.derivative import gradient
from boundcalc.search.numeric.forms import linear_forms
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.landscape import Landscape, landscape, reduced
from boundcalc.search.numeric.local import Slope, descend
from boundcalc.search.numeric.node import Node, rational, substitute, text
from boundcalc.search.numeric.recognise import recognise
from boundcalc.search.numeric.region import Floats, Region
from boundcalc.search.numeric.stationary import (
    MOST_POINTS,
    Found,
    decimal,
    gap,
    polished,
    spread,
    stationary,
)
from boundcalc.search.numeric.tape import Tape, compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem

STARTS = 96
HUGE = 1e30  # values below minus that are on the way to minus infinity
FARTHER = 16  # coordinates beyond may be on the way where an exponential fades
FAR = 1e5  # coordinates beyond are on the way to infinity


@dataclass(frozen=True)
class Minimisers:
    """What is known of argmin f on the domain.

    kind : "points", "unbounded-below", "no-minimiser" (the infimum is approached, not attained),
        "manifold" (a continuum that linear forms do not explain), "unknown".
    points : constant formulas where recognised, else decimals; with `forms` one point of each
        line (plane) of minimisers, on all of R^d that in the span of the forms.
    exact : for each point whether it was recognised (or given) and stationary to 35 digits.
    value : f*, a constant formula or a decimal ("-oo" where unbounded below, "" where unknown).
    forms : integer rows, mutually orthogonal, where every f_i depends on q·x only; else None.
    critical : other stationary points of f in the interior.
    curve : for "unbounded-below" and "no-minimiser": a point far along the way down, per variable.
    """

    kind: str
    points: tuple[tuple[str, ...], ...]
    exact: tuple[bool, ...]
    value: str
    forms: tuple[tuple[int, ...], ...] | None = None
    critical: tuple[tuple[str, ...], ...] = ()
    curve: Mapping[str, str] | None = None
    stopped: str = "done"


def find(problem: Problem, seconds: float = 2.0) -> Minimisers:
    """Minimisers of the problem's f: the given ones, or those a multi-start search finds."""
    whole = landscape(problem)
    return find_in(whole, seconds)


def find_in(whole: Landscape, seconds: float = 2.0) -> Minimisers:
    """As `find`, of a landscape."""
    until = time.perf_counter() + seconds
    forms = linear_forms(whole)
    if whole.given:
        return replace(_given(whole, until), forms=forms)
    if forms is None:
        return least(whole.f, whole.region, until)
    if not whole.region.whole:
        return replace(_one_each(least(whole.f, whole.region, until), forms), forms=forms)
    small = reduced(whole, forms)
    return replace(_lifted(small, least(small.f, small.region, until)), forms=forms)


def _one_each(found: Minimisers, forms: Sequence[Sequence[int]]) -> Minimisers:
    """One minimiser for each value of the forms; few of those are isolated up to the rest."""
    kept: dict[tuple[float, ...], int] = {}
    for k, point in enumerate(found.points):
        at = [float(c) for c in compile(list(map(parse, point)), ()).exact(())]
        level = [sum(q * c for q, c in zip(form, at, strict=True)) for form in forms]
        kept.setdefault(tuple(round(v, 6) for v in level), k)
    if not 1 <= len(kept) <= MOST_POINTS // 3:
        return found
    return replace(
        found,
        kind="points",
        points=tuple(found.points[k] for k in kept.values()),
        exact=tuple(found.exact[k] for k in kept.values()),
    )


def _lifted(small: Landscape, found: Minimisers) -> Minimisers:
    """Points of the reduced landscape in the problem's own variables."""

    def lift(point: tuple[str, ...]) -> tuple[str, ...]:
        values = dict(zip(small.variables, map(parse, point), strict=True))
        return tuple(text(substitute(formula, values)) for formula in small.lift)

    return replace(
        found,
        points=tuple(map(lift, found.points)),
        critical=tuple(map(lift, found.critical)),
        curve=None,
    )


def _given(whole: Landscape, until: float) -> Minimisers:
    values = dict(zip(whole.variables, whole.given[0], strict=True))
    given = [[float(c) for c in compile(list(p), ()).exact(())] for p in whole.given]
    lowest = compile([substitute(whole.f, values)], ()).exact((), 50)[0]
    others = stationary(whole.f, whole.region, until)
    critical = tuple(
        o.words
        for o in others
        if all(gap(o.point, p) > 1e-6 for p in given) and not _same(o.value, lowest)
    )
    points = tuple(tuple(text(c) for c in point) for point in whole.given)
    value = _value(whole.f, values, lowest, True)
    return Minimisers("points", points, (True,) * len(points), value, critical=critical)


def _same(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= 1e-25 * (1 + abs(b)))


def least(
    f: Node,
    region: Region,
    until: float,
) -> Minimisers:
    """Minimisers of one function on a region."""
    variables = region.variables
    tape = compile([f, *gradient(f, variables)], variables)

    def slope(x: Floats) -> tuple[Floats, Floats]:
        rows = tape.points(x)
        return np.where(np.isnan(rows[:, 0]), np.inf, rows[:, 0]), rows[:, 1:]

    grid = region.sample(1500 if region.dimension > 1 else 4000, seed=1)
    first = slope(grid)[0]
    starts = grid[spread(first, STARTS)]
    ends, values = descend(slope, region, starts, until=until)
    good = np.isfinite(values) | (values == -np.inf)
    if not good.any():
        return Minimisers("unknown", (), (), "", stopped="f is nowhere finite")
    ends, values = ends[good], values[good]
    rank = np.argsort(values, kind="stable")
    ends, values = ends[rank], values[rank]
    near = np.abs(ends).max(axis=1) < FAR
    near &= values > -HUGE
    tie = values <= values[0] + 1e-9 * (1 + abs(values[0]))
    if not region.bounded and not (near & tie).any():
        return _at_infinity(slope, region, ends, values, until)
    found = _polish_best(tape, region, ends[near], values[near], until)
    if not found and not region.bounded:
        return _at_infinity(slope, region, ends, values, until)
    if not found:
        return Minimisers("unknown", (), (), "", stopped="no descent could be polished")
    lowest = min(found, key=lambda each: each.value)
    if _runs_away(f, region, lowest):
        return _at_infinity(slope, region, ends[near], values[near], until)
    ties = [o for o in found if _same(o.value, lowest.value)]
    more = [*found, *_more(f, region, until, found)]
    others = tuple(o.words for o in more if not _same(o.value, lowest.value))
    values_at = dict(zip(variables, map(parse, lowest.words), strict=True))
    value = _value(f, values_at, lowest.value, lowest.exact)
    ties = sorted(ties, key=lambda o: tuple(map(float, o.point)))
    kind = "points" if len(ties) <= MOST_POINTS and not _flat(f, region, ties) else "manifold"
    return Minimisers(
        kind,
        tuple(o.words for o in ties[:MOST_POINTS]),
        tuple(o.exact for o in ties[:MOST_POINTS]),
        value,
        None,
        others,
    )


def _runs_away(f: Node, region: Region, lowest: Found) -> bool:
    """Whether a far point is one of a tail too flat to see: f is nearly the same halfway to it."""
    from mpmath import mp

    far = max(map(abs, lowest.point))
    if far <= FARTHER:
        return False
    low, high = region.frame()
    tape = compile([f], region.variables)
    values = []
    with mp.workdps(60):
        for scale in (FARTHER / far, mp.mpf("0.5"), mp.one):
            at = [x if abs(x) <= FARTHER else x * scale for x in lowest.point]
            if not all(a <= x <= b for a, x, b in zip(low, at, high, strict=True)):
                return False
            values.append(tape.exact(at, 60)[0])
        near, middle, end = values
        flat = abs(middle - end) < mp.mpf("1e-9") * (1 + abs(end))
        return bool(flat and near > end + mp.mpf("1e-30") and middle >= end)


def _more(f: Node, region: Region, until: float, found: list[Found]) -> list[Found]:
    others = stationary(f, region, until)
    return [o for o in others if all(gap(o.point, p.point) > 1e-8 for p in found)]


def _flat(f: Node, region: Region, ties: list[Found]) -> bool:
    """Whether a minimiser has minimisers of the same value right beside it."""
    if region.dimension == 1:
        return False
    from boundcalc.search.numeric.derivative import hessian

    tape = compile([part for row in hessian(f, region.variables) for part in row], region.variables)
    slope = compile([f, *gradient(f, region.variables)], region.variables)
    d = region.dimension
    at = np.array([[float(c) for c in ties[0].point]])
    if (region.frame()[0] >= at - 1e-12).any() or (region.frame()[1] <= at + 1e-12).any():
        return False
    matrix = tape.points(at).reshape(d, d)
    sizes, axes = np.linalg.eigh(matrix)
    null = np.abs(sizes) < 1e-9 * max(1.0, np.abs(sizes).max())
    if not null.any():
        return False
    beside = polished(slope, region, at[0] + 0.05 * axes[:, null][:, 0])
    level = abs(float(ties[0].value))
    return (
        beside is not None
        and 1e-3 < gap(beside.point, ties[0].point) < 1
        and abs(beside.value - ties[0].value) < 1e-25 * (1 + level)
    )


def _polish_best(
    tape: Tape, region: Region, ends: Floats, values: Floats, until: float
) -> list[Found]:
    """Stationary points (on faces too) from the lowest descents, each once."""
    found: list[Found] = []
    level = 1e-6 * (1 + abs(values[0]))
    for end, value in zip(ends, values, strict=True):
        if value > values[0] + level or len(found) > MOST_POINTS:
            break
        if found and time.perf_counter() > until:
            break
        if any(gap(end, o.point) < 1e-4 for o in found):
            continue
        each = polished(tape, region, end)
        if each is not None and all(gap(each.point, o.point) > 1e-7 for o in found):
            found.append(each)
    return found


def _value(f: Node, values: Mapping[str, Node], number: Any, exact: bool) -> str:
    """f* as a formula: folded, recognised, the formula at the point, or digits."""
    folded = substitute(f, values)
    if exact and rational(folded) is not None:
        return text(folded)
    known = recognise(number)
    if known is not None:
        return known
    return text(folded) if exact and len(text(folded)) < 80 else decimal(number)


def _at_infinity(
    slope: Slope, region: Region, ends: Floats, values: Floats, until: float
) -> Minimisers:
    """The lowest descents ran away: is the infimum finite? Compare what half the way reaches."""
    halfway = descend(slope, region, ends, iterations=40, until=until, reach=20.0)[1].min()
    curve = {name: repr(float(c)) for name, c in zip(region.variables, ends[0], strict=True)}
    if values[0] < -HUGE or values[0] < halfway - 1e-3 * (1 + abs(halfway)):
        return Minimisers("unbounded-below", (), (), "-oo", curve=curve)
    exact = Fraction(float(values[0])).limit_denominator(1000)
    close = abs(float(exact) - values[0]) < 1e-7 * (1 + abs(values[0]))
    value = str(exact) if close else repr(float(values[0]))
    return Minimisers("no-minimiser", (), (), value, curve=curve)
