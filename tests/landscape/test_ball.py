"""The search for a ball: what it finds is proved, what it misses is explained."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.landscape.ball import ball
from boundcalc.landscape.ball_spectrum import floor, root_below, spectrum
from boundcalc.landscape.network import Network, flatten, jacobian, with_seed
from boundcalc.landscape.network_file import read_network

SHIPPED = Path(__file__).parents[2] / "cases" / "networks"


def made(seed, *, residual, widths=(2, 5, 1), output="linear"):
    """A tanh network whose outputs miss their targets by `residual`."""
    random = np.random.default_rng(seed)
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    net = Network("made", widths, "tanh", True, "square", 2, x, np.zeros((2, 1)), None, output)
    net = replace(net, weights=with_seed(net, seed))
    from boundcalc.landscape.network import forward

    off = random.standard_normal((2, 1))
    y = forward(net, flatten(net.weights)) + residual * off / np.linalg.norm(off)
    return replace(net, y=y)


@pytest.mark.parametrize("seed", range(6))
def test_close_starts_are_proved_and_the_radius_is_about_the_smallest(seed):
    found = ball(made(seed, residual=1e-5))
    assert found.proved is not None
    said = found.proved.statement
    least = 2 * found.start.residual / found.start.root  # no R below it can close
    assert least < float(said.radius) < 1.01 * least
    assert float(said.mu) > 0.98 * found.start.root**2


@pytest.mark.parametrize("seed", range(3))
def test_far_starts_are_undecided_and_the_factor_is_the_one_that_closes(seed):
    net = made(seed, residual=3.0)
    found = ball(net)
    assert found.proved is None
    assert found.fails == "radius"
    assert found.factor > 1
    closer = made(seed, residual=0.9 * found.start.root**2 / (8 * found.start.lipschitz))
    assert ball(closer).proved is not None


def test_enclosures_at_the_start_hold_the_spectrum():
    net = made(1, residual=1e-3)
    found = ball(net)
    J = jacobian(net, flatten(net.weights))
    values = np.linalg.eigvalsh(J @ J.T)
    assert (
        found.start.least.lower * (1 - 1e-12) <= values[0] <= found.start.least.upper * (1 + 1e-12)
    )
    assert found.start.largest.lower <= values[-1] * (1 + 1e-12)
    assert values[-1] <= found.start.largest.upper * (1 + 1e-12)


def exactly(net):
    """λ_min(K(w0)) of a network with one tanh layer and one output, at 50 digits."""
    first, shift, second, _ = net.weights
    rows = []
    for point in net.x:
        x = [mpmath.mpf(float(v)) for v in point] + [mpmath.mpf(1)]
        units = np.hstack([first, shift[:, None]])
        h = [mpmath.tanh(sum(float(a) * b for a, b in zip(row, x, strict=True))) for row in units]
        slopes = [float(a) * (1 - v * v) for a, v in zip(second[0], h, strict=True)]
        rows.append([s * v for s in slopes for v in x] + h + [mpmath.mpf(1)])
    kernel = mpmath.matrix([[mpmath.fdot(a, b) for b in rows] for a in rows])
    return min(mpmath.eigsy(kernel, eigvals_only=True))


def test_the_shipped_network_against_mpmath():
    net = read_network(SHIPPED / "iris-tanh.toml")
    least = ball(net).start.least
    with mpmath.workdps(50):
        true = exactly(net)
        assert mpmath.nstr(true, 17) == "0.0014407758617605528"
        assert least.lower <= true <= least.upper
    assert least.relative_width < 1e-11


def thin(rows):
    return tuple(tuple((Fraction(v), Fraction(v)) for v in row) for row in rows)


def test_floors_where_floats_cannot_tell():
    """[[1, 1 − ε], [1 − ε, 1]] has λ_min = ε, here far below the rounding of float64."""
    tiny = Fraction(1, 2**70)
    matrix = thin([[1, 1 - tiny], [1 - tiny, 1]])
    found = floor(matrix)
    assert Fraction(999, 1000) * tiny < found < tiny
    least, _ = spectrum(matrix, found)
    assert 0 < least.lower < float(tiny)
    assert floor(thin([[1, 1], [1, 1]])) is None
    assert root_below(Fraction(2)) ** 2 <= 2


def test_numbers_beyond_float64_are_bad_input():
    net = made(0, residual=1.0)
    huge = replace(net, activation="quadratic", weights=tuple(1e200 * p for p in net.weights))
    with pytest.raises(InputError, match="within float64"):
        ball(huge)


def test_a_network_that_is_too_large_is_bad_input():
    net = made(0, residual=1.0)
    many = replace(net, points=201, x=np.zeros((201, 2)), y=np.zeros((201, 1)))
    with pytest.raises(InputError, match="at most 200 outputs"):
        ball(many)


def test_an_output_map_can_be_taken_apart():
    found = ball(made(2, residual=1e-6, output="sigmoid"))
    assert found.proved is not None
    assert {route.name for route in found.routes} > {"output-hessian", "output-direct"}
