"""Where a function is least: points, exact where they can be recognised, and other stationary
points."""

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
from boundcalc.search.numeric.polish import newton
from boundcalc.search.numeric.recognise import recognise
from boundcalc.search.numeric.region import Floats, Indices, Region
from boundcalc.search.numeric.tape import Tape, compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem

MOST_POINTS = 12  # isolated minimisers; more are taken for a continuum
STARTS = 96
HUGE = 1e30  # values below minus that are on the way to minus infinity
FAR = 1e5  # coordinates beyond are on the way to infinity
DECIMALS = 45


@dataclass(frozen=True)
class Minimisers:
    """What is known of argmin f on the domain.

    kind : "points", "unbounded-below", "no-minimiser" (the infimum is approached, not attained),
        "manifold" (a continuum that linear forms do not explain), "unknown".
    points : constant formulas where recognised, else decimals; with `forms`, of each line (plane)
    of
        minimisers the point in the span of the forms.
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


@dataclass(frozen=True)
class Found:
    """One stationary point to many digits."""

    point: tuple[Any, ...]
    value: Any
    words: tuple[str, ...]
    exact: bool


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
    if forms is None or not whole.region.whole:
        return replace(least(whole.f, whole.region, until), forms=forms)
    small = reduced(whole, forms)
    return replace(_lifted(small, least(small.f, small.region, until)), forms=forms)


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
        if all(_gap(o.point, p) > 1e-6 for p in given) and not _same(o.value, lowest)
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
    starts = grid[_spread(first, STARTS)]
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


def _more(f: Node, region: Region, until: float, found: list[Found]) -> list[Found]:
    others = stationary(f, region, until)
    return [o for o in others if all(_gap(o.point, p.point) > 1e-8 for p in found)]


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
    beside = _polished(slope, region, at[0] + 0.05 * axes[:, null][:, 0])
    level = abs(float(ties[0].value))
    return (
        beside is not None
        and 1e-3 < _gap(beside.point, ties[0].point) < 1
        and abs(beside.value - ties[0].value) < 1e-25 * (1 + level)
    )


def stationary(f: Node, region: Region, until: float, count: int = 24) -> list[Found]:
    """Interior stationary points, found by descents on ½|∇f|² and Newton's method."""
    from boundcalc.search.numeric.derivative import dot
    from boundcalc.search.numeric.node import multiply, number

    variables = region.variables
    slopes = gradient(f, variables)
    size = multiply(number(Fraction(1, 2)), dot(slopes, slopes))
    tape = compile([size, *gradient(size, variables)], variables)
    plain = compile([f, *slopes], variables)

    def slope(x: Floats) -> tuple[Floats, Floats]:
        rows = tape.points(x)
        return np.where(np.isnan(rows[:, 0]), np.inf, rows[:, 0]), rows[:, 1:]

    grid = region.sample(600, seed=2)
    grid = grid[np.abs(grid).max(axis=1) < 1e3]
    starts = grid[_spread(slope(grid)[0], count)] if len(grid) else grid
    if not len(starts):
        return []
    ends, values = descend(slope, region, starts, iterations=60, until=until)
    result: list[Found] = []
    for k in np.argsort(values, kind="stable"):
        if not values[k] < 1e-8 or time.perf_counter() > until or np.abs(ends[k]).max() > 1e4:
            continue
        if any(_gap(ends[k], o.point) < 1e-4 for o in result):
            continue
        found = _polished(plain, region, ends[k])
        if found is not None and all(_gap(found.point, o.point) > 1e-8 for o in result):
            result.append(found)
        if len(result) > MOST_POINTS:
            break
    return result


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
        if any(_gap(end, o.point) < 1e-4 for o in found):
            continue
        each = _polished(tape, region, end)
        if each is not None and all(_gap(each.point, o.point) > 1e-7 for o in found):
            found.append(each)
    return found


def _polished(tape: Tape, region: Region, start: Floats) -> Found | None:
    """The stationary point near a start: coordinates at bounds stay there, the ball's sphere is
    met."""
    from mpmath import mp, mpf

    low, high = region.lower, region.upper
    width = 1e-7 * (1 + np.abs(start))
    fixed: dict[int, Fraction] = {}
    for k in range(len(start)):
        for side, bound in zip(region.domain[k], (low[k], high[k]), strict=True):
            if side is not None and abs(start[k] - bound) <= width[k]:
                fixed[k] = side
    loose = [k for k in range(len(start)) if k not in fixed]
    center, radius = _sphere(region, start)

    def full(x: Sequence[Any]) -> list[Any]:
        point = [mpf(0)] * len(start)
        for k, value in fixed.items():
            point[k] = mpf(value.numerator) / value.denominator
        for k, value in zip(loose, x, strict=False):
            point[k] = value
        return point

    def equations(x: list[Any]) -> list[Any]:
        point = full(x)
        slopes = tape.exact(point, 60)[1:]
        if radius is None:
            rows = [slopes[k] for k in loose]
        else:
            away = [point[k] - center[k] for k in range(len(point))]
            rows = [slopes[k] - x[-1] * away[k] for k in loose]
            rows.append(sum(a * a for a in away) - radius**2)
        return rows

    unknown: list[Any] = [float(start[k]) for k in loose]
    if radius is not None:
        slopes = tape.exact(list(start), 20)[1:]
        away = [float(start[k]) - float(center[k]) for k in range(len(start))]
        unknown.append(sum(s * a for s, a in zip(slopes, away, strict=True)) / float(radius) ** 2)
    root = newton(equations, unknown) if unknown else None
    if unknown and root is None:
        return None
    with mp.workdps(70):
        point = full(root.point if root is not None else ())
        if not _same_place(point, start, region):
            return None
        value = tape.exact(point, 55)[0]
        words, exact = _named(tape, point, loose, radius is None)
    return Found(tuple(point), value, words, exact)


def _sphere(region: Region, start: Floats) -> tuple[list[Any], Any]:
    """The ball's centre and radius where the start is on its sphere; else radius None."""
    from mpmath import mpf

    if region.ball is None:
        return [], None
    center = [mpf(c.numerator) / c.denominator for c in region.ball.center]
    away = np.linalg.norm(start - np.array([float(c) for c in center]))
    radius = float(region.ball.radius)
    if abs(away - radius) > 1e-3 * radius:
        return center, None
    return center, mpf(region.ball.radius.numerator) / region.ball.radius.denominator


def _same_place(point: Sequence[Any], start: Floats, region: Region) -> bool:
    near = np.array([[float(c) for c in point]])
    if not np.isfinite(near).all() or not region.inside(near, 1e-12).all():
        return False
    return bool(_gap(near[0], start) < 0.1)


def _named(
    tape: Tape, point: Sequence[Any], loose: Sequence[int], free: bool
) -> tuple[tuple[str, ...], bool]:
    """Formulas of the coordinates; exact where they are stationary to 35 digits."""
    from mpmath import mp, mpf

    def words(digits: int) -> list[str | None]:
        return [recognise(value, digits) for value in point]

    def check(guess: list[str | None]) -> bool:
        if any(word is None for word in guess):
            return False
        tapes = compile([parse(str(word)) for word in guess], ())
        slopes = tape.exact(tapes.exact((), 60), 55)[1:]
        limit = mpf(10) ** -35
        return all(mp.isfinite(slopes[k]) and abs(slopes[k]) < limit for k in loose) or not free

    for digits in (35, 18, 10, 6):  # a degenerate minimiser is known to fewer digits
        guess = words(digits)
        if check(guess):
            return tuple(map(str, guess)), True
    decimals = tuple(
        str(recognise(value)) if recognise(value) is not None else decimal(value) for value in point
    )
    return decimals, False


def decimal(value: Any) -> str:
    """Digits without an exponent that a formula cannot have; 0 where it is negligible."""
    from mpmath import mp

    with mp.workdps(DECIMALS + 5):
        return str(mp.nstr(value, DECIMALS, strip_zeros=True))


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


def _gap(a: Sequence[Any] | Floats, b: Sequence[Any] | Floats) -> float:
    """Largest difference of coordinates, relative to their size where that is above 1."""
    return max(
        (abs(float(p) - float(q)) / (1 + abs(float(q))) for p, q in zip(a, b, strict=True)),
        default=0.0,
    )


def _spread(values: Floats, count: int) -> Indices:
    """Indices: half of the count with the least values, the rest at random among the finite
    ones."""
    rank = np.argsort(values, kind="stable")
    rank = rank[np.isfinite(values[rank])]
    if len(rank) <= count:
        return rank
    rest = np.random.default_rng(3).choice(rank[count // 2 :], count - count // 2, replace=False)
    return np.concatenate([rank[: count // 2], rest])
