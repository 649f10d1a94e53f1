"""Best constants: the least value over points, limits at zeros, and tails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from boundcalc.search.numeric.bound import search_box
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.limits import limits
from boundcalc.search.numeric.node import substitute, text
from boundcalc.search.numeric.objective import Objective, exact_point, objectives
from boundcalc.search.numeric.optimum import UNPOLISHED, Candidate, attained, polish
from boundcalc.search.numeric.ratio import Ratio, ratio
from boundcalc.search.numeric.recognise import recognise
from boundcalc.search.numeric.tails import tails
from boundcalc.search.numeric.tape import compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem
    from boundcalc.search.numeric.minimisers import Minimisers

NEEDLE_SECONDS = 0.1
SIGNS = ("convex", "star-convex")  # without a constant: the value's sign decides
FEW = 4  # objectives whose order does not matter
HUGE = 1e25  # a ratio beyond is called unbounded
NEEDLE_REACH = 32.0
NEEDLE_DIMENSIONS = 3


@dataclass(frozen=True)
class Estimate:
    """What the search says of a condition's best constant; a suggestion, never a proof.

    value : best constant (infimum, or supremum); None where it is infinite or nothing was found.
    kind : "point", "boundary", "minimiser" (a limit at a zero of A and B), "infinity", "none".
    at : where attained, in the problem's variables; for "minimiser" the zero.
    words : constant formulas of `at` where recognised (None for the others).
    no_constant : why no positive constant works, or None.
    curve : a formula in t for each variable, t -> oo: for "infinity", and for "minimiser" where
        the ratio tends to 0 along a ray.
    component : which f_i is the worst, counted from 0; None for f.
    stopped : why the search ended.
    """

    value: Any
    kind: str
    at: tuple[Any, ...] | None
    no_constant: str | None
    words: tuple[str | None, ...] = ()
    curve: Mapping[str, str] | None = None
    component: int | None = None
    note: str = ""
    stopped: str = "done"
    candidates: tuple[Candidate, ...] = field(default=(), repr=False)


def estimate(
    problem: Problem,
    condition: str,
    fixed: Mapping[str, Fraction],
    minimisers: Minimisers,
    seconds: float = 5.0,
) -> Estimate:
    """The best constant of a condition (catalogue id) on the problem's domain.

    fixed : epsilon of pl-star-eps, alpha of alpha-beta. Raises RatioError where the ratio cannot
    be formed.
    """
    from mpmath import mp

    with mp.workdps(60):
        return _estimate(problem, condition, fixed, minimisers, time.perf_counter() + seconds)


def _estimate(
    problem: Problem,
    condition: str,
    fixed: Mapping[str, Fraction],
    minimisers: Minimisers,
    until: float,
) -> Estimate:
    quotients = ratio(landscape(problem), condition, fixed, minimisers)
    best: Candidate | None = None
    worst: Objective | None = None
    every: list[Candidate] = []
    for objective, candidate in search(quotients, until):
        every.append(candidate)
        if best is None or _less(candidate, best):
            best, worst = candidate, objective
    stopped = "done" if time.perf_counter() <= until else "the time was used up"
    if best is None or worst is None:
        return Estimate(None, "none", None, None, stopped="no point with a finite ratio was found")
    return _said(quotients, worst, best, tuple(every), stopped)


def search(quotients: Ratio, until: float) -> Iterator[tuple[Objective, Candidate]]:
    """Every low value that is found, with the objective it belongs to."""
    for count, objective in enumerate(_worst_first(objectives(quotients))):
        if count and time.perf_counter() > until:
            return
        found = [*attained(objective, until), *limits(objective)]
        yield from ((objective, each) for each in found)
        if quotients.sense > 0 and any(_hopeless(quotients, each) for each in found):
            continue  # no positive constant works: nothing lower matters
        far = tails(objective, found, until)
        yield from ((objective, each) for each in far)
        needle = _needle(objective, [*found, *far], until)
        if needle is not None:
            yield objective, needle


def _worst_first(each: list[Objective]) -> list[Objective]:
    """Where there are many, those with the least values at some points first."""
    if len(each) <= FEW:
        return each
    points = each[0].region.sample(300, seed=29)
    rough = [float(objective.values(points).min()) for objective in each]
    return [each[k] for k in np.argsort(rough, kind="stable")]


def _hopeless(quotients: Ratio, found: Candidate) -> bool:
    """Whether this value alone shows that no constant works."""
    from mpmath import mpf

    tiny = mpf(10) ** -40
    limit = -tiny if quotients.condition in SIGNS else tiny
    return bool(found.note != UNPOLISHED and found.value < limit)


def _needle(objective: Objective, found: Sequence[Candidate], until: float) -> Candidate | None:
    """A place below everything found, by interval branch and bound on a box of moderate size."""
    if objective.size > 1 or objective.region.dimension > NEEDLE_DIMENSIONS:
        return None
    low, high = objective.region.frame()
    sides = zip(np.clip(low, -NEEDLE_REACH, 0), np.clip(high, 0, NEEDLE_REACH), strict=True)
    box = tuple((Fraction(float(a)), Fraction(float(b))) for a, b in sides)
    least = min((float(each.value) for each in found), default=np.inf)
    seconds = min(NEEDLE_SECONDS, until - time.perf_counter())
    result = search_box(objective, box, time.perf_counter() + seconds, least)
    if result.point is None or not result.upper < least - 1e-6 * (1e-3 + abs(least)):
        return None
    return polish(objective, np.array(result.point))


def _less(a: Candidate, b: Candidate) -> bool:
    """Whether a's value is lower, beyond rounding; equal values go to the one that is attained."""
    from mpmath import mp, mpf

    if b.note == UNPOLISHED and a.note != UNPOLISHED:
        return bool(a.value <= b.value)
    if not mp.isfinite(a.value) or not mp.isfinite(b.value):
        return bool(a.value < b.value)
    slack = mpf(10) ** (-9 if "infinity" in (a.kind, b.kind) else -30)
    return bool(a.value < b.value - slack * (mpf(10) ** -3 + abs(b.value)))


def _said(
    quotients: Ratio, worst: Objective, best: Candidate, every: tuple[Candidate, ...], stopped: str
) -> Estimate:
    from mpmath import mp

    value = quotients.sense * best.value
    reason = _reason(quotients, best)
    if quotients.root:
        value = mp.sqrt(value) if value > 0 else mp.zero
    if quotients.condition == "alpha-beta":
        value = max(value, mp.zero)
    if abs(value) < mp.mpf(10) ** -40:
        value = mp.zero
    at = _lifted(quotients, best.point) if best.point is not None else None
    words = tuple(recognise(c) for c in at) if at is not None else ()
    if at is not None:  # exact where recognised
        at = tuple(
            c if word is None else exact_point([parse(word)])[0]
            for c, word in zip(at, words, strict=True)
        )
    formulas = _curve(quotients, best)
    curve = dict(zip(quotients.names, formulas, strict=True)) if formulas else None
    return Estimate(
        value if mp.isfinite(value) and abs(value) < HUGE else None,
        best.kind,
        at,
        reason,
        words,
        curve,
        worst.piece.component,
        best.note,
        stopped,
        every,
    )


def _reason(quotients: Ratio, best: Candidate) -> str | None:
    """Why no positive constant works, in words."""
    from mpmath import mp, mpf

    place = {"minimiser": "into a zero of both sides", "infinity": "along a curve to infinity"}
    where = place.get(best.kind, "at the point")
    if quotients.sense < 0:
        unbounded = best.value < -HUGE
        return f"the ratio grows without bound {where}" if unbounded else None
    if quotients.condition in SIGNS:
        return f"the inequality fails {where}" if best.value < -(mpf(10) ** -25) else None
    if best.value > mpf(10) ** -30:
        return None
    if best.limit_zero:
        return f"the ratio tends to 0 {where}"
    return f"the ratio is {mp.nstr(best.value, 8)} {where}, not positive"


def _lifted(quotients: Ratio, point: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(compile(quotients.lift, quotients.region.variables).exact(point, 60))


def _ray(best: Candidate) -> tuple[str, ...] | None:
    """p + d/t where φ tends to 0 or minus infinity along it, for an exact zero p."""
    if not best.limit_zero or best.direction is None or best.point is None:
        return None
    zero = [recognise(c) for c in best.point]
    steps = [Fraction(d).limit_denominator(64) for d in best.direction]
    if any(word is None for word in zero):
        return None
    return tuple(f"({word}) + ({step})/t" for word, step in zip(zero, steps, strict=True))


def _curve(quotients: Ratio, best: Candidate) -> list[str]:
    """Formulas in t of a curve to infinity, or of a ray p + d/t into a zero."""
    rows = best.curve or _ray(best)
    if rows is None:
        return []
    parts = [parse(row, ("t",)) for row in rows]
    values = dict(zip(quotients.region.variables, parts, strict=True))
    return [text(substitute(formula, values)) for formula in quotients.lift]
