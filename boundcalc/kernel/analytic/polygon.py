"""Convex polygons above and below a convex function, in exact rationals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

Vertex: TypeAlias = tuple[Fraction, Fraction]
Line: TypeAlias = tuple[Fraction, Fraction]  # (slope, intercept)


def upper_hull(points: Sequence[Vertex]) -> list[Vertex]:
    """The least convex function with slopes of at most 1 that is allowed to be so high at points.

    Its vertices in increasing order; it ends at the first one, and goes on with slope 1 after the
    last. No vertex is on the segment between its neighbours.
    """
    lowest: dict[Fraction, Fraction] = {}
    for x, y in points:
        lowest[x] = min(y, lowest.get(x, y))
    hull: list[Vertex] = []
    for point in sorted(lowest.items()):
        while len(hull) > 1 and not _turns_up(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    while len(hull) > 1 and hull[-1][1] - hull[-2][1] > hull[-1][0] - hull[-2][0]:
        hull.pop()
    return hull


def _turns_up(a: Vertex, b: Vertex, c: Vertex) -> bool:
    """Whether the slope from b to c is larger than that from a to b."""
    return (b[1] - a[1]) * (c[0] - b[0]) < (c[1] - b[1]) * (b[0] - a[0])


def chords(hull: Sequence[Vertex], last: Fraction) -> list[Vertex]:
    """The vertices of `upper_hull` from its first one to `last`."""
    found = [vertex for vertex in hull if vertex[0] < last]
    return [*found, (last, above(hull, last))]


def above(hull: Sequence[Vertex], x: Fraction) -> Fraction:
    """The value at x ≥ the first vertex of a chain of chords that goes on with slope 1."""
    k = bisect_right(hull, x, key=lambda vertex: vertex[0]) - 1
    a, b = hull[k]
    if k + 1 == len(hull):
        return b + (x - a)
    c, d = hull[k + 1]
    return b + (d - b) * (x - a) / (c - a)


def envelope(
    lines: Sequence[Line], first: Fraction, last: Fraction
) -> tuple[list[Vertex], set[int]]:
    """The largest of 0 and all lines on [first, last]: its vertices, and the lines that it needs.

    Of equal lines the first one counts.
    """
    tagged = [*((s, q, k) for k, (s, q) in enumerate(lines)), (Fraction(0), Fraction(0), -1)]
    tagged.sort(key=lambda line: (line[0], line[1], -line[2]))
    chain: list[tuple[Fraction, Fraction, int]] = []
    starts: list[Fraction] = []  # where each line of the chain becomes the largest
    for s, q, k in tagged:
        start = first
        while chain:
            t, r, _ = chain[-1]
            # parallel lines come in increasing order; others meet where the later one takes over
            start = first if s == t else max(first, (r - q) / (s - t))
            if start > starts[-1]:
                break
            chain.pop()
            starts.pop()
        if start < last:
            chain.append((s, q, k))
            starts.append(start if chain[1:] else first)
    ends = [*starts[1:], last]
    vertices = [(first, chain[0][0] * first + chain[0][1])]
    vertices += [(x, s * x + q) for x, (s, q, _) in zip(ends, chain, strict=True)]
    return vertices, {k for _, _, k in chain if k >= 0}


def width(lower: Sequence[Vertex], upper: Sequence[Vertex]) -> tuple[Fraction, Fraction]:
    """The largest distance of two chains with the same ends, and where it is."""
    places = sorted({x for x, _ in (*lower, *upper)})
    return max(((above(upper, x) - above(lower, x), x) for x in places), key=lambda at: at[0])
