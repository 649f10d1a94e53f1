"""Exact sums and outward rounding against fractions and mpmath."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boundcalc.fit.exact import (
    exact_sum,
    float_down,
    float_up,
    fraction_of_sum,
    integers,
    sqrt_down,
)

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=60))
def test_sum_is_exact_and_does_not_depend_on_order(values):
    expected = sum((Fraction(value) for value in values), Fraction(0))
    total = exact_sum(np.array(values))
    assert fraction_of_sum(total) == expected
    assert exact_sum(np.array(values[::-1])) == total
    half = len(values) // 2
    if half:
        assert exact_sum(np.array(values[:half])) + exact_sum(np.array(values[half:])) == total


@given(st.fractions(), st.integers(-1200, 1200))
def test_float_rounding_is_outward_and_tight(value, exponent):
    value *= Fraction(2) ** exponent
    low, high = float_down(value), float_up(value)
    assert low == -math.inf or Fraction(low) <= value
    assert high == math.inf or Fraction(high) >= value
    assert low == high or math.nextafter(low, math.inf) == high


@given(st.fractions(min_value=0), st.integers(-900, 900))
def test_square_root_is_rounded_down_and_tight(value, exponent):
    value *= Fraction(4) ** exponent
    root = sqrt_down(value)
    assert Fraction(root) ** 2 <= value
    above = math.nextafter(root, math.inf)
    assert above == math.inf or Fraction(above) ** 2 > value
    if value and 1e-300 < root < 1e300:
        with mpmath.workdps(40):
            expected = mpmath.sqrt(mpmath.mpf(value.numerator) / value.denominator)
            assert abs(root / expected - 1) < 1e-15


@given(st.lists(finite, min_size=1, max_size=4))
def test_integers_keep_the_ratios(values):
    whole = integers(*values)
    for value, integer in zip(values, whole, strict=True):
        for other, other_integer in zip(values, whole, strict=True):
            assert Fraction(value) * other_integer == Fraction(other) * integer


@pytest.mark.parametrize("value", [5e-324, 2.0**-1074 * 3, 1.7976931348623157e308, -0.0])
def test_sum_of_extremes(value):
    assert fraction_of_sum(exact_sum(np.array([value] * 7))) == 7 * Fraction(value)
