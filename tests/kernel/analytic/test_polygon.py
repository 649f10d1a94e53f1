"""Chords above and lines below, against brute force on a grid."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from boundcalc.kernel.analytic.polygon import above, chords, envelope, upper_hull, width

numbers = st.fractions(min_value=-4, max_value=4, max_denominator=4)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8)
FIRST, LAST = Fraction(-2), Fraction(3)
GRID = [FIRST + (LAST - FIRST) * k / 60 for k in range(61)]


def lowest(points: list, x: Fraction) -> Fraction | None:
    """The least height at x of chords, and of rays with slope 1, by trying all of them."""
    found = [b + x - a for a, b in points if a <= x]
    for a, b in points:
        for c, d in points:
            if a <= x <= c and a < c:
                found.append(b + (d - b) * (x - a) / (c - a))
    return min(found, default=None)


@given(pairs)
def test_the_upper_hull_is_the_least_of_all_chords_and_rays(points: list) -> None:
    hull = upper_hull(points)
    assert set(hull) <= set(points)
    slopes = [(d - b) / (c - a) for (a, b), (c, d) in pairwise(hull)]
    assert slopes == sorted(set(slopes))
    assert all(slope <= 1 for slope in slopes)
    for x in GRID:
        if x >= hull[0][0]:
            assert above(hull, x) == lowest(points, x)
    last = hull[-1][0] + 1
    chain = chords(hull, last)
    assert chain == [*hull, (last, hull[-1][1] + 1)]
    assert chords(hull, hull[-1][0])[-1] == hull[-1]


@given(pairs)
def test_the_envelope_is_the_largest_line(lines: list) -> None:
    vertices, needed = envelope(lines, FIRST, LAST)

    def top(chosen, x: Fraction) -> Fraction:
        return max([Fraction(0), *(lines[k][0] * x + lines[k][1] for k in chosen)])

    assert vertices[0][0] == FIRST
    assert vertices[-1][0] == LAST
    places = {*GRID, *(x for x, _ in vertices)}
    for x in places:
        assert above(vertices, x) == top(range(len(lines)), x) == top(needed, x)
    for k in needed:  # without it something is missing
        crossings = {
            (r - q) / (s - t)
            for s, q in (*lines, (Fraction(0), Fraction(0)))
            for t, r in lines
            if s != t
        }
        inside = sorted({FIRST, LAST, *(x for x in crossings if FIRST < x < LAST)})
        middles = [(a + b) / 2 for a, b in pairwise(inside)]
        assert any(top(needed, x) > top(needed - {k}, x) for x in middles)


def test_the_width_is_the_largest_distance() -> None:
    lower = [(Fraction(0), Fraction(0)), (Fraction(1), Fraction(0)), (Fraction(2), Fraction(2))]
    upper = [(Fraction(0), Fraction(1)), (Fraction(2), Fraction(2))]
    assert width(lower, upper) == (Fraction(3, 2), Fraction(1))
