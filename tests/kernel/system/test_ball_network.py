"""Enclosures of networks against float64 evaluation at the start and at points of the ball."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.activation import ACTIVATIONS, activation
from boundcalc.kernel.system.fixed import ends
from boundcalc.kernel.system.network_bounds import network_bounds
from boundcalc.landscape.ball import system_of
from boundcalc.landscape.network import flatten, forward, jacobian

from .made_networks import inside, random_network

RADII = (1e-4, 3e-3, 0.05, 0.4)


def sides(pairs):
    return (np.array([[float(p[side]) for p in row] for row in pairs]) for side in (0, 1))


def holds(matrix, enclosure):
    """Whether a float64 matrix lies in an enclosure, up to its own rounding."""
    low, high = sides(enclosure)
    room = 1e-11 * (1 + np.abs(matrix))
    return bool((low <= matrix + room).all() and (matrix <= high + room).all())


@pytest.mark.parametrize("seed", range(60))
def test_values_and_kernel_at_the_start(seed):
    net = random_network(seed)
    w = flatten(net.weights)
    found = network_bounds(system_of(net), Fraction(1, 10**6), on_ball=False, inner=True)
    J = jacobian(net, w)
    assert holds(J @ J.T, found.kernel)
    assert holds((forward(net, w) - net.y).reshape(1, -1), [found.residual])
    plain = replace(net, output="linear")
    J = jacobian(plain, w)
    assert holds(J @ J.T, found.inner.kernel)
    assert holds(forward(plain, w).reshape(1, -1), [found.inner.residual])
    for low, high in (*found.residual, *(p for row in found.kernel for p in row)):
        assert high - low < Fraction(1, 10**30)


@pytest.mark.parametrize("seed", range(150))
def test_no_point_of_the_ball_breaks_a_bound(seed):
    """Jacobians, their differences and kernels at random pairs of points; seeds are other nets."""
    net = random_network(seed)
    random = np.random.default_rng(1000 + seed)
    radius = RADII[seed % len(RADII)]
    found = network_bounds(system_of(net), Fraction(radius), on_ball=True, inner=True)
    plain = replace(net, output="linear")
    for system, bound in ((net, found), (plain, found.inner)):
        steep, bent = float(bound.jacobian_norm), float(bound.jacobian_lipschitz)
        for k in range(6):
            v, w = inside(random, net, radius, k), inside(random, net, radius, k + 1)
            J, other = jacobian(system, v), jacobian(system, w)
            assert np.linalg.norm(J, 2) <= steep * (1 + 1e-12)
            apart = np.linalg.norm(J - other, 2)
            assert apart <= bent * np.linalg.norm(v - w) * (1 + 1e-9) + 1e-12
            assert holds(J @ J.T, bound.kernel_on_ball)
    slopes = [_slope(net.output, forward(plain, inside(random, net, radius, k))) for k in range(6)]
    assert min(np.abs(s).min() for s in slopes) >= float(found.slope) * (1 - 1e-12)


def _slope(name, z):
    z = np.clip(z, -300, 300)  # beyond it floats would only overflow
    return {
        "linear": np.ones_like,
        "tanh": lambda z: 1 / np.cosh(z) ** 2,
        "softplus": lambda z: 1 / (1 + np.exp(-z)),
        "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    }[name](z)


def test_bounds_are_of_the_right_size():
    """H against second differences in the worst directions that ascent finds: within a factor."""
    worst = []
    for seed in range(0, 30, 3):
        net = random_network(seed)
        w, random = flatten(net.weights), np.random.default_rng(seed)
        radius = 1e-3
        found = network_bounds(system_of(net), Fraction(radius), on_ball=False, inner=False)
        best = 0.0
        for _ in range(20):
            u = random.standard_normal(w.shape)
            u /= np.linalg.norm(u)
            for _ in range(15):  # power iteration on v ↦ D²F[u, v]
                turn = (jacobian(net, w + 1e-4 * u) - jacobian(net, w - 1e-4 * u)) / 2e-4
                _, size, right = np.linalg.svd(turn, full_matrices=False)
                best = max(best, size[0])
                u = right[0] if right[0] @ u >= 0 else -right[0]
        assert best <= float(found.jacobian_lipschitz) * (1 + 1e-6)
        if best > 0:
            worst.append(float(found.jacobian_lipschitz) / best)
    assert np.median(worst) < 3  # an output that is saturated can be far below its bound


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_against_mpmath(name):
    functions = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
        "quadratic": lambda z: z * z,
        "linear": lambda z: z,
    }
    f, act = functions[name], activation(name)
    with mpmath.workdps(40):
        for k in range(-60, 61):
            z = mpmath.mpf(k) / 8
            slope, bend = abs(mpmath.diff(f, z)), abs(mpmath.diff(f, z, 2))
            assert slope <= float(act.steepest(abs(Fraction(k, 8)))) + mpmath.mpf(10) ** -15
            assert bend <= float(act.bend) + mpmath.mpf(10) ** -12


def test_ends_of_intervals_are_short_numbers():
    def between(low, high):
        return ends(iv.between(Fraction(low), Fraction(high)))

    tiny = Fraction(1, 2**1000)
    for low, high in ((-tiny, tiny), (0, tiny), (-tiny, 0), (tiny, 1), (-1, -tiny), (-3, 5)):
        found = between(low, high)
        assert found[0] <= low <= high <= found[1]
        assert max(v.denominator for v in found) <= 2**200
        assert found[0] >= min(low, 0) - Fraction(1, 2**100)
        assert found[1] <= max(high, 0) + Fraction(1, 2**100)
    with pytest.raises(iv.Undefined, match="without bounds"):
        ends(iv.WHOLE)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh"])
def test_saturated_units_take_no_time(name):
    """Slopes such as exp(-10^12) have too many digits to be written down."""
    net = replace(random_network(0), activation=name, output="linear")
    net = replace(net, weights=tuple(1e12 * part for part in net.weights))
    found = network_bounds(system_of(net), Fraction(1, 10**6), on_ball=True, inner=True)
    J = jacobian(net, flatten(net.weights))
    assert np.linalg.norm(J, 2) <= float(found.jacobian_norm) * (1 + 1e-12)


def test_numbers_that_grow_without_end_are_refused():
    """z² of z², forty times: digits would double with each layer."""
    net = replace(random_network(0), widths=(1,) * 41, activation="quadratic", bias=False)
    net = replace(net, output="linear", points=1, x=np.ones((1, 1)), y=np.ones((1, 1)))
    net = replace(net, weights=tuple(np.full((1, 1), 1e300) for _ in range(40)))
    with pytest.raises(iv.Undefined, match="too large"):
        network_bounds(system_of(net), Fraction(1), on_ball=False, inner=False)
