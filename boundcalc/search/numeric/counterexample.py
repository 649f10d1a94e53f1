"""Rational points where a condition fails, the simplest that is found."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from boundcalc.search.numeric.estimate import search
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.landscape import landscape
from boundcalc.search.numeric.objective import Objective, objectives
from boundcalc.search.numeric.optimum import Candidate
from boundcalc.search.numeric.ratio import Ratio, ratio
from boundcalc.search.numeric.tape import compile

if TYPE_CHECKING:
    from boundcalc.library.problem import Problem
    from boundcalc.search.numeric.minimisers import Minimisers

MAIN = {
    "aiming": "theta",
    "smooth": "L",
    "self-bounding": "L",
    "alpha-beta": "beta",
    "convex": "",
    "star-convex": "",
}  # the constant that is bounded; mu elsewhere
DENOMINATORS = (1, 2, 3, 4, 5, 8, 10, 16, 20, 50, 100, 10**3, 10**4, 10**6, 10**9, 10**12, 10**18)
LATTICE = 20_000  # simple points tried at most
CERTAIN = 25  # digits by which the inequality must fail, relative


def counterexample(
    problem: Problem,
    condition: str,
    constants: Mapping[str, Fraction],
    minimisers: Minimisers,
    seconds: float = 5.0,
) -> tuple[Fraction, ...] | None:
    """A rational point, in the problem's variables, where the condition fails with these constants.

    For convexity and smoothness a point where the Hessian has an eigenvalue out of bounds. None
    where none was found. The point is checked at 60 digits here, which is no proof.
    """
    from mpmath import mp

    until = time.perf_counter() + seconds
    main = MAIN.get(condition, "mu")
    level = Fraction(constants[main]) if main else Fraction(0)
    rest = {name: Fraction(value) for name, value in constants.items() if name != main}
    quotients = ratio(landscape(problem), condition, rest, minimisers)
    if quotients.root:
        level *= level
    with mp.workdps(60):
        for objective in objectives(quotients):
            point = _simple(objective, level)
            if point is not None:
                return _lifted(quotients, point)
        for objective, candidate in search(quotients, until):
            if not candidate.value < quotients.sense * _mpf(level):
                continue
            for guess in _near(objective, candidate):
                if fails(objective, guess, level):
                    return _lifted(quotients, guess)
    return None


def _mpf(value: Fraction) -> Any:
    from mpmath import mpf

    return mpf(value.numerator) / value.denominator


def fails(objective: Objective, point: Sequence[Fraction], level: Fraction) -> bool:
    """Whether a point of the region has φ below sense·level, by more than rounding."""
    from mpmath import mpf

    exact = [_mpf(c) for c in point]
    within = (*objective.region.constraints(), *objective.piece.within)
    if within and not all(g >= 0 for g in compile(within, objective.variables).exact(exact, 60)):
        return False
    value = objective.exact(exact, 60)
    target = objective.sense * _mpf(level)
    return bool(value < target - mpf(10) ** -CERTAIN * (abs(target) + abs(value)))


def _simple(objective: Objective, level: Fraction) -> tuple[Fraction, ...] | None:
    """The first failing point among whole numbers, halves, ... of small size."""
    d = objective.region.dimension
    for denominator in (1, 2, 5):
        reach = min(20 * denominator, max(1, (int(LATTICE ** (1 / d)) - 1) // 2))
        side = range(-reach, reach + 1)
        if (2 * reach + 1) ** d > 4 * LATTICE:
            return None
        lattice = np.array(list(itertools.product(side, repeat=d)), dtype=float)
        lattice = lattice[np.argsort((lattice**2).sum(axis=1), kind="stable")]
        values = objective.values(lattice / denominator)
        target = objective.sense * float(level)
        for k in np.flatnonzero(values < target - 1e-9 * (1e-3 + abs(target)))[:3]:
            point = tuple(Fraction(int(c), denominator) for c in lattice[k])
            if fails(objective, point, level):
                return point
    return None


def _near(objective: Objective, candidate: Candidate) -> Iterator[tuple[Fraction, ...]]:
    """Rational points near where φ is low, simple ones first; along the ray or curve for limits."""
    if candidate.curve is not None:
        tape = [parse(words, ("t",)) for words in candidate.curve]
        curve = compile(tape, ("t",))
        for exponent in range(60):
            place = curve.exact([2**exponent], 60)
            yield tuple(_rounded(c, 10**6) for c in place)
    if candidate.point is None:
        return
    if candidate.kind == "minimiser":
        yield from _around(objective, candidate)
    for denominator in DENOMINATORS:
        yield tuple(_rounded(c, denominator) for c in candidate.point)


def _rounded(value: Any, denominator: int) -> Fraction:
    from mpmath import mp

    if denominator <= 100:  # any fraction so simple
        return Fraction(
            str(mp.nstr(value, 40, min_fixed=-mp.inf, max_fixed=mp.inf))
        ).limit_denominator(denominator)
    return Fraction(int(mp.nint(value * denominator)), denominator)


def _around(objective: Objective, candidate: Candidate) -> Iterator[tuple[Fraction, ...]]:
    """Points at shrinking distances from a zero of B, along the candidate's direction."""
    assert candidate.point is not None  # noqa: S101 (a limit has its zero)
    direction = candidate.direction or (1.0,) * len(candidate.point)
    for exponent in range(1, 40):
        for sign in (1, -1):
            moved = [
                c + sign * d * 2.0**-exponent
                for c, d in zip(candidate.point, direction, strict=True)
            ]
            for denominator in (2**exponent * 16, 2**exponent * 4096):
                yield tuple(_rounded(c, denominator) for c in moved)


def _lifted(quotients: Ratio, point: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The point in the problem's variables: the lift is rational and linear."""
    from boundcalc.search.numeric.node import number, rational, substitute

    values = dict(zip(quotients.region.variables, map(number, point), strict=True))
    result = []
    for formula in quotients.lift:
        exact = rational(substitute(formula, values))
        if exact is None:
            raise AssertionError("the lift of a rational point is rational")
        result.append(exact)
    return tuple(result)
