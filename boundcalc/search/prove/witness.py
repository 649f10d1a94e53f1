"""Counterexamples as the kernel reads them, proposed from what the numeric search found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import prepared
from boundcalc.kernel.analytic.facts import moved
from boundcalc.kernel.analytic.goal import Program, intervals
from boundcalc.kernel.analytic.relation import matrices, second_order
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.search.numeric.estimate import Estimate
from boundcalc.search.numeric.zero_curve import failing_points, feet
from boundcalc.search.prove.attempt import ERRORS, PRECISION
from boundcalc.search.prove.minima import Minima, rounded

WIDTHS = tuple(Fraction(1, 2**k) for k in (30, 20, 12, 8, 5, 3))


def directions(statement: Statement, point: Sequence[Fraction]) -> list[list[str]]:
    """For a condition on second derivatives: rational vectors in which it fails worst."""
    import numpy as np

    kind = second_order(statement)
    if kind is None:
        return []
    found = []
    with iv.precision(PRECISION):
        at = {n: iv.rational(x) for n, x in zip(statement.variables, point, strict=True)}
        at["@c"] = iv.rational(Fraction(1))
        for rows in matrices(statement, kind, statement.residual).values():
            size = len(rows)
            flat = Program(statement.context.terms, [e for row in rows for e in row])(at)
            values = np.array([(float(a) + float(b)) / 2 for a, b in flat]).reshape(size, size)
            if not np.all(np.isfinite(values)):
                continue
            least, vectors = np.linalg.eigh(values)
            vector = vectors[:, 0] / np.max(np.abs(vectors[:, 0]))
            found.append(
                (float(least[0]), [str(Fraction(round(v * 2**40), 2**40)) for v in vector])
            )
    return [vector for _, vector in sorted(found, key=lambda pair: pair[0])]


def at_point(
    claim: Mapping[str, Any], minima: Minima | None, point: Sequence[Fraction]
) -> Iterator[dict[str, Any]]:
    """Witnesses at one rational point of the problem's variables."""
    with iv.precision(PRECISION):
        statement, _, _ = prepared(claim, {})
    words = [str(x) for x in point]
    coordinates = minima.short(words) if minima is not None else words
    if second_order(statement) is None:
        yield {"point": coordinates}
    for vector in directions(statement, point):
        yield {"point": coordinates, "direction": vector}


def off_curve(
    minima: Minima, condition: str, level: Fraction | None, at: Sequence[Any]
) -> Iterator[dict[str, Any]]:
    """Points beside a curve of minimisers, with the places of the curve that may be nearest."""
    for curve in minima.curves:
        for point in failing_points(curve, condition, level, at):
            for foot in feet(curve, point):
                yield {"point": [str(x) for x in point], "foot": foot}


def along_curve(
    claim: Mapping[str, Any], minima: Minima | None, curve: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Witnesses along a rational curve to infinity."""
    with iv.precision(PRECISION):
        statement, _, _ = prepared(claim, {})
    words = [curve[name] for name in statement.variables]
    coordinates = minima.framed(words) if minima is not None else words
    if second_order(statement) is None:
        yield {"curve": coordinates}
        return
    size = len(words)
    for k in range(size):
        yield {"curve": coordinates, "direction": [str(int(j == k)) for j in range(size)]}


def into(
    claim: Mapping[str, Any], minima: Minima | None, point: Sequence[Any]
) -> Iterator[dict[str, Any]]:
    """Straight lines into a point at which both sides of the condition vanish."""
    with iv.precision(PRECISION):
        statement, _, _ = prepared(claim, {})
    if second_order(statement) is not None:
        return
    words = [_decimal(x) for x in point]
    at = minima.short(words) if minima is not None else [str(rounded(x)) for x in words]
    size = len(at)
    for k in range(size):
        for sign in ("+", "-"):
            yield {"curve": [f"{x} {sign} 1/t" if j == k else x for j, x in enumerate(at)]}


def stationary(
    claim: Mapping[str, Any], minima: Minima, estimate: Estimate | None
) -> Iterator[dict[str, Any]]:
    """Points where ∇f = 0 that are not minimisers: exactly, or in a box with Krawczyk's test."""
    candidates = [list(point) for point in minima.found.critical]
    if estimate is not None and estimate.at is not None and estimate.kind in ("point", "boundary"):
        candidates.append([_decimal(x) for x in estimate.at])
    for point in candidates:
        yield {"point": minima.short(point)}
        yield from _boxes(claim, minima, minima.short(point))


def _boxes(
    claim: Mapping[str, Any], minima: Minima, point: Sequence[str]
) -> Iterator[dict[str, Any]]:
    import numpy as np

    with iv.precision(PRECISION):
        try:
            statement, _, facts = prepared(claim, minima.base())
            terms = statement.context.terms
            f = moved(statement, facts, statement.mean)
            names = facts.frame.variables
            second = [terms.derivative(terms.derivative(f, a), b) for a in names for b in names]
            center = [rounded(x) for x in point]
            flat = Program(terms, second)(intervals(names, [(x, x) for x in center]))
        except ERRORS:
            return
    size = len(names)
    matrix = np.array([float(a) for a, _ in flat]).reshape(size, size)
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return
    rows = [[str(Fraction(float(x)).limit_denominator(10**12)) for x in row] for row in inverse]
    for width in WIDTHS:
        box = [[str(x - width), str(x + width)] for x in center]
        yield {"stationary": {"box": box, "inverse": rows}}


def _decimal(x: Any) -> str:
    from mpmath import mp

    return str(mp.nstr(x, 45, min_fixed=-400, max_fixed=400))


def downward(minima: Minima) -> Iterator[dict[str, Any]]:
    """Directions in which f falls from every point, and straight lines down without end."""
    size = minima.size
    rays = [_axis(size, k, sign) for k in range(size) for sign in (1, -1)]
    if minima.found.curve is not None:
        far = [float(rounded(x)) for x in minima.framed(list(minima.found.curve.values()))]
        largest = max(abs(x) for x in far) or 1.0
        near, nearer = ([Fraction(x / largest).limit_denominator(k) for x in far] for k in (4, 64))
        rays = [near, *rays, nearer]
    rays = [ray for k, ray in enumerate(rays) if any(ray) and ray not in rays[:k]]
    falls: list[dict[str, Any]] = [{"falls": [str(x) for x in ray]} for ray in rays]
    below: list[dict[str, Any]] = [
        {"curve": [f"({x})*t" for x in ray], "kind": "below"} for ray in rays
    ]
    unbounded = minima.found.value in ("", "-oo")
    yield from (*below, *falls) if unbounded else (*falls, *below)
    if unbounded:
        return
    lines = [[f"({x})*t" for x in ray] for ray in rays]
    for j, k in permutations(range(size), 2):  # hyperbolas
        lines += [
            ["t" if i == j else f"{s}/t" if i == k else "0" for i in range(size)] for s in (1, -1)
        ]
    for line in lines:
        yield {"curve": line, "kind": "empty", "value": minima.found.value}


def outward(claim: Mapping[str, Any], minima: Minima | None) -> Iterator[dict[str, Any]]:
    """Lines to infinity that no search for a curve may have found: along one axis."""
    with iv.precision(PRECISION):
        statement, _, _ = prepared(claim, {})
    size = len(statement.variables) if minima is None else minima.size
    directions: list[dict[str, Any]] = [{}]
    if second_order(statement) is not None:
        inward = second_order(statement) == "uniform-conditioning"
        width = len(statement.residual) if inward else size
        directions = [{"direction": [str(int(j == k)) for j in range(width)]} for k in range(width)]
    for base in ("0", "1") if size > 1 else ("0",):
        for k in range(size):
            for line in ("t", "-t"):
                curve = [line if j == k else base for j in range(size)]
                yield from ({"curve": curve, **direction} for direction in directions)


def _axis(size: int, k: int, sign: int) -> list[Fraction]:
    return [Fraction(sign * int(j == k)) for j in range(size)]
