"""Several minimisers without a formula: symmetries that join them, or zeros of a residual map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import prepared
from boundcalc.kernel.analytic.facts import Facts, moved
from boundcalc.kernel.analytic.goal import Program
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.krawczyk import Cell, one_zero
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.analytic.terms import Node
from boundcalc.library.analytic import claim_of
from boundcalc.library.problem import Problem
from boundcalc.search.prove.attempt import ERRORS, PRECISION
from boundcalc.search.prove.residual import sum_of_squares

MOST_VARIABLES = 4  # 2^d·d! signed permutations
CORE = Fraction(1, 2**100)
RADII = tuple(Fraction(2) ** -k for k in range(-1, 9))

Point = tuple[Fraction, ...]


def images(
    problem: Problem,
    base: Mapping[str, Any],
    box: Sequence[Sequence[str]],
    points: Sequence[Point],
) -> list[dict[str, Any]] | None:
    """Symmetries of f that carry the first point to each of the others; None where one is missing.

    Signed permutations with a shift; the kernel checks that f is the same there, as an identity.
    """
    size = len(points[0])
    if size > MOST_VARIABLES:
        return None
    with iv.precision(PRECISION):
        statement, _, facts = prepared(claim_of(problem, "convex", {}), dict(base))
        found = []
        for other in points[1:]:
            entry = next(
                (
                    _entry(rows, shift, box)
                    for rows, shift in _moves(points[0], other)
                    if _same(statement, facts, rows, shift)
                ),
                None,
            )
            if entry is None:
                return None
            found.append(entry)
    return found


def _moves(start: Point, end: Point) -> Iterator[tuple[list[list[int]], list[str]]]:
    """Signed permutations, and the shift that is still needed; those without one first."""
    size = len(start)
    later = []
    for order in permutations(range(size)):
        for signs in product((1, -1), repeat=size):
            rows = [
                [sign * int(j == k) for j in range(size)]
                for k, sign in zip(order, signs, strict=True)
            ]
            gaps = [x - sign * start[k] for x, sign, k in zip(end, signs, order, strict=True)]
            if all(abs(gap) < CORE for gap in gaps):
                yield rows, ["0"] * size
            else:
                later.append((rows, gaps))
    for rows, gaps in later:
        shift = [_recognised(gap) for gap in gaps]
        if None not in shift:
            yield rows, [word for word in shift if word is not None]


def _recognised(gap: Fraction) -> str | None:
    from mpmath import mp, mpf

    from boundcalc.search.numeric.recognise import recognise

    with mp.workdps(45):
        return recognise(mpf(gap.numerator) / gap.denominator, 28)


def _same(
    statement: Statement, facts: Facts, rows: Sequence[Sequence[int]], shift: Sequence[str]
) -> bool:
    """Whether f is the same at Rx + c, as an identity."""
    terms = statement.context.terms
    names = facts.frame.variables
    there = {
        name: terms.add(
            terms.dot([terms.const(Fraction(c)) for c in row], [terms.var(n) for n in names]),
            statement.constant(word),
        )
        for name, row, word in zip(names, rows, shift, strict=True)
    }
    f = moved(statement, facts, statement.mean)
    try:
        return not statement.context.normal.of(terms.sub(terms.substitute(f, there), f))
    except ERRORS:
        return False


def _entry(
    rows: Sequence[Sequence[int]], shift: Sequence[str], box: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """The image and its box, a trifle smaller than the image of the box."""
    from boundcalc.search.prove.minima import rounded

    place = []
    for row, word in zip(rows, shift, strict=True):
        k = next(j for j, c in enumerate(row) if c)
        low, high = sorted(row[k] * Fraction(x) for x in box[k])
        by, trifle = rounded(word), Fraction(0)
        if str(by) != word:
            trifle = (high - low) / 2**40
        place.append([str(low + by + trifle), str(high + by - trifle)])
    return {"rows": [[str(c) for c in row] for row in rows], "shift": list(shift), "box": place}


def zero_boxes(
    problem: Problem, base: Mapping[str, Any], points: Sequence[Point]
) -> dict[str, Any] | None:
    """Facts that the points are all zeros of a map F with f = ½‖F‖²; None where that fails."""
    facts = dict(base)
    if not problem.residual:
        squares = sum_of_squares(problem)
        if squares is None:
            return None
        facts["residual"] = squares
    with iv.precision(PRECISION):
        try:
            statement, _, read = prepared(claim_of(problem, "convex", {}), facts)
        except ERRORS:
            return None
        residual = [moved(statement, read, node) for node in read.residual]
        if len(residual) != len(points[0]):
            return None
        entries = []
        for point in points:
            entry = _zero(statement, read, residual, point)
            if entry is None:
                return None
            entries.append(entry)
    return {**facts, "zeros": entries}


def _zero(
    statement: Statement,
    facts: Facts,
    residual: Sequence[Node],
    point: Point,
) -> dict[str, Any] | None:
    """The largest box around a point that passes Krawczyk's test, and a tiny one."""
    inverse = _inverse(statement, facts, residual, point)
    if inverse is None:
        return None
    terms, names = statement.context.terms, facts.frame.variables

    def around(radius: Fraction) -> Cell:
        return tuple((x - radius, x + radius) for x in point)

    def passes(cell: Cell) -> bool:
        try:
            return one_zero(terms, residual, names, cell, inverse)
        except Undefined:
            return False

    def fits(cell: Cell) -> bool:
        return all(
            (least is None or least < lo) and (most is None or hi < most)
            for (lo, hi), (least, most) in zip(cell, facts.frame.box, strict=True)
        )

    core = around(CORE)
    box = next((c for c in map(around, RADII) if fits(c) and passes(c)), None)
    if box is None or not passes(core):
        return None
    return {
        "box": [[str(lo), str(hi)] for lo, hi in box],
        "core": [[str(lo), str(hi)] for lo, hi in core],
        "inverse": [[str(c) for c in row] for row in inverse],
    }


def _inverse(
    statement: Statement, facts: Facts, residual: Sequence[Node], point: Point
) -> list[list[Fraction]] | None:
    """The inverse of DF at a point, rounded."""
    import numpy as np

    terms, names = statement.context.terms, facts.frame.variables
    slopes = [terms.derivative(g, name) for g in residual for name in names]
    try:
        flat = Program(terms, slopes)(
            {name: iv.rational(x) for name, x in zip(names, point, strict=True)}
        )
        matrix = np.array([float(a) for a, _ in flat]).reshape(len(residual), len(names))
        inverse = np.linalg.inv(matrix)
    except (Undefined, np.linalg.LinAlgError):
        return None
    return [[Fraction(float(x)).limit_denominator(10**12) for x in row] for row in inverse]
