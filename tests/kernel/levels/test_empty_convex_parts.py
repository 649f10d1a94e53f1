"""Two components on either side of a hump, and cells around it on which f is convex."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.levels.cells import UNIT, Cells, Landscape
from boundcalc.kernel.levels.components import CONVEX, CROSSED, INSIDE, OUTSIDE, counted, holds
from boundcalc.kernel.levels.components import split as halved

SIDE = (Fraction(-1), Fraction(1))
# A valley along y = x + 1/8 with a hump in its middle, which lies in the quarter x < 0 < y.
VALLEY = "(y-x-1/8)^2/2 + (x+y)^4*3/80 + (x+y)^2/2000 + exp(-10000*((x+1/16)^2+(y-1/16)^2))"
LEVEL = Fraction(1, 10000)


def valley(x, y):
    hump = np.exp(-10000 * ((x + 1 / 16) ** 2 + (y - 1 / 16) ** 2))
    return (y - x - 1 / 8) ** 2 / 2 + (x + y) ** 4 * 3 / 80 + (x + y) ** 2 / 2000 + hump


def around_the_hump(cells, edge):
    """Three quarters as one convex cell each, the one with the hump as finely as needed."""
    tree, quarters, waiting = bytearray(), 0, [(cells.whole, 0)]
    while waiting:
        cell, done = waiting.pop()
        (_, right), (bottom, _) = cell
        hump = right <= UNIT // 2 <= bottom
        if done >= 2 and not hump:
            assert holds(cells, cell, CONVEX, edge)
            tree.append(CONVEX)
            quarters += 1
            continue
        true = [one for one in (OUTSIDE, INSIDE, CROSSED) if holds(cells, cell, one, edge)]
        if done >= 2 and true:
            tree.append(true[0])
            continue
        tree.append(done % 2)
        low, high = halved(cell, done % 2)
        waiting += [(high, done + 1), (low, done + 1)]
    assert quarters == 3
    return bytes(tree)


def test_an_empty_convex_cell_joins_no_two_components():
    """{f ≤ λ} misses the line y = -x, and has points on both sides: at least two components.

    f is convex on the two lower quarters together, and on the two right ones; the lower right one,
    which belongs to both, holds no point of {f ≤ λ}.
    """
    far = np.linspace(-1, 1, 4001)
    assert (valley(-far, far) > float(LEVEL)).all()
    assert valley(-0.1, 0.025) < float(LEVEL) and valley(-0.025, 0.1) < float(LEVEL)
    cells = Cells(Landscape(("x", "y"), VALLEY, (SIDE, SIDE)))
    with iv.precision(64):
        tree = around_the_hump(cells, iv.rational(LEVEL))
        shown, _ = counted(cells, tree, [], LEVEL)
        ends = [("-1/10", "1/40"), ("-1/40", "1/10")]
        points = [tuple(map(Fraction, end)) for end in ends]
        with_points, _ = counted(cells, tree, points, LEVEL)
    assert shown.upper is not None and shown.upper >= 2
    assert with_points.upper is not None and with_points.upper >= 2
