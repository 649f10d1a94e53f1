"""Components of sublevel sets: what is found, the sweep, and the merge tree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.levels.cells import Landscape
from boundcalc.kernel.levels.check import verify
from boundcalc.landscape.levels import Counter, certificate
from boundcalc.landscape.merging import heights, merge_tree, sweep, sweep_levels
from boundcalc.landscape.surface import Surface, critical_points

WELLS = "(x^2-1)^2 + y^2"
FOUR = "(x^2-1)^2 + (y^2-1)^2"
HIMMELBLAU = "(x^2+y-11)^2 + (x+y^2-7)^2"
RING = "(x^2+y^2-1)^2"


def landscape(formula, side=2, names=("x", "y")):
    return Landscape(names, formula, ((Fraction(-side), Fraction(side)),) * len(names))


@pytest.mark.parametrize(
    ("formula", "side", "numbers"),
    [
        (WELLS, 2, {"-1/100": 0, "0": 2, "1/2": 2, "99/100": 2, "101/100": 1, "40": 1}),
        (FOUR, 2, {"-1/10": 0, "1/2": 4, "9/10": 4, "11/10": 1, "3": 1}),
        (HIMMELBLAU, 5, {"-1": 0, "1": 4, "13": 4, "14": 3, "67": 3, "69": 2, "103": 2, "105": 1}),
        (RING, 2, {"-1/9": 0, "1/100": 1, "1/2": 1, "99/100": 1, "2": 1}),
        ("x*y", 2, {"-5": 0, "-3": 2, "-1": 2, "1/2": 1}),  # minima in two corners
        ("cos(x)*cos(y)", 4, {"-1/2": 4, "1/2": 5}),  # maxima at (±π, ±π) cut off the corners
        ("exp(-x^2-y^2)", 2, {"1/100": 4, "1/2": 1}),  # corners, then the edges join them
    ],
)
def test_numbers_of_components_are_found_and_proved(formula, side, numbers):
    counter = Counter(landscape(formula, side))
    found = sweep(counter, [Fraction(level) for level in numbers], 60.0)
    assert {str(one.level): one.count.lower for one in found} == numbers
    assert all(one.exact for one in found)
    shown = verify(certificate(counter.landscape, found))
    assert {str(level): bounds.upper for level, bounds in shown.levels} == numbers


def test_at_the_saddle_an_enclosure_is_what_is_left():
    counter = Counter(landscape(WELLS))
    found = counter.count(Fraction(1), 2.0)
    assert (found.count.lower, found.count.upper) == (1, 2)
    verify(certificate(counter.landscape, [found]))


def test_a_sweep_of_a_ring_goes_around_its_one_value():
    counter = Counter(landscape(RING))
    found = sweep(counter, sweep_levels(counter), 30.0)
    counts = [one.count.lower for one in found if one.level < 1]
    assert counts == [0, 1] and all(one.exact for one in found)


def test_a_curve_of_minima_at_its_own_level_has_no_upper_bound():
    found = Counter(landscape(RING)).count(Fraction(0), 1.0)
    assert (found.count.lower, found.count.upper) == (1, None)


def test_the_merge_tree_of_himmelblau_brackets_its_saddles():
    counter = Counter(landscape(HIMMELBLAU, 5))
    tree = merge_tree(counter, sweep(counter, sweep_levels(counter), 60.0))
    assert len(tree.lives) == 4
    saddles = [13.3119, 67.7191, 104.0151]  # numbers of the literature
    ends = sorted(life.ended for life in tree.lives if life.ended is not None)
    assert len(ends) == 3
    for (low, high), saddle in zip(ends, saddles, strict=True):
        assert low < saddle < high < low + 2
    assert sum(life.ended is None for life in tree.lives) == 1


def test_the_older_component_goes_on():
    """Two wells of different depth in one variable: the lower one is born first."""
    counter = Counter(landscape("(x^2-1)^2 + x/5", names=("x",)))
    tree = merge_tree(counter, sweep(counter, sweep_levels(counter), 20.0))
    first, second = tree.lives
    assert first.point[0] < 0 < second.point[0] and first.ended is None
    assert second.into == 0 and second.born[0] is not None
    assert second.ended[0] < Fraction("1.005") < second.ended[1]


def test_critical_points_are_those_of_calculus():
    surface = Surface(landscape(FOUR))
    found = critical_points(surface)
    inner = {tuple(np.round(one.point, 9) + 0.0): one.kind for one in found}
    for x in (-1.0, 1.0):
        assert inner[x, 1.0] == inner[x, -1.0] == "minimum"
        assert inner[x, 0.0] == inner[0.0, x] == "saddle"
    assert inner[0.0, 0.0] == "maximum" and len(found) == 9


@pytest.mark.parametrize(
    "formula",
    [
        "sin(x)*exp(y/3)/(2+cos(x*y))",
        "sqrt(x^2+1)+log(3+y)*atan(x)+tanh(y)",
        "softplus(x)-logistic(y)+sinh(x/4)+cosh(y/5)+(x^2+2)^(1/3)+pi*x-e*y",
    ],
)
def test_floats_agree_with_the_kernel(formula):
    from boundcalc.kernel.levels.cells import Cells

    made = landscape(formula)
    cells, surface = Cells(made), Surface(made)
    rng = np.random.default_rng(0)
    points = np.round(rng.uniform(-2, 2, (20, 2)), 3)
    for point, value in zip(points, surface.values(points), strict=True):
        low, high = cells.at([Fraction(v) for v in point.tolist()])
        assert float(low) - 1e-12 <= value <= float(high) + 1e-12


def test_a_function_without_values_is_bad_input():
    counter = Counter(landscape("log(x) + y"))
    with pytest.raises(InputError, match="may have no value"):
        counter.count(Fraction(1), 1.0)
    with pytest.raises(InputError, match="may have no value"):
        sweep_levels(Counter(landscape("sqrt(-1-x^2) + y")))
    with pytest.raises(InputError, match="no smooth minimum"):
        sweep_levels(Counter(landscape("abs(x-1/3) + abs(y-1/3)")))


def test_time_that_runs_out_leaves_a_sound_enclosure():
    counter = Counter(landscape(HIMMELBLAU, 5))
    found = counter.count(Fraction(13), 0.0)
    assert found.count.lower <= 4 and found.count.upper is None
    verify(certificate(counter.landscape, [found]))


def test_heights_are_the_function():
    values, (across, up) = heights(Counter(landscape("x + 10*y")), 5)
    assert values.shape == (5, 5) and values[4, 0] == across[4] + 10 * up[0]
