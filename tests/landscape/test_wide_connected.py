"""The proof of wide-connected, step by step: a path between two points, and L along it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.network import Network, loss, unflatten
from boundcalc.landscape.topology import theorems_for

POINTS, INPUTS, OUTPUTS, UNITS = 4, 3, 2, 8  # UNITS = 2·POINTS


def network(activation, seed) -> Network:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(POINTS, INPUTS)), random.normal(size=(POINTS, OUTPUTS))
    widths = (INPUTS, UNITS, OUTPUTS)
    return Network("n", widths, activation, True, "square", POINTS, x, y, None)


class State:
    """v (UNITS, INPUTS + 1), u (UNITS, OUTPUTS), c (OUTPUTS,), and the path that led here."""

    def __init__(self, net, w):
        w1, b1, w2, self.c = (part.copy() for part in unflatten(net, w))
        self.net, self.v, self.u = net, np.column_stack([w1, b1]), w2.T
        self.path = [self.vector()]

    def vector(self):
        return np.concatenate([self.v[:, :-1].ravel(), self.v[:, -1], self.u.T.ravel(), self.c])

    def mark(self):
        self.path.append(self.vector())

    def features(self):
        """(POINTS, UNITS)"""
        x = np.column_stack([self.net.x, np.ones(POINTS)])
        return ACTIVATIONS[self.net.activation].value(x @ self.v.T)

    def concentrate(self):
        """Step 1: u on units whose values span, at most POINTS of them."""
        values, chosen = self.features(), []
        for k in range(UNITS):
            if np.linalg.matrix_rank(values[:, [*chosen, k]], tol=1e-9) > len(chosen):
                chosen.append(k)
        self_u = np.zeros_like(self.u)
        self_u[chosen] = np.linalg.lstsq(values[:, chosen], values @ self.u, rcond=None)[0]
        self.u = self_u
        self.mark()
        return chosen + [k for k in range(UNITS) if k not in chosen][: POINTS - len(chosen)]

    def hand_over(self, old, new):
        """Step 2: a free unit takes the place of another."""
        self.v[new] = self.v[old]
        self.mark()
        self.u[new], self.u[old] = self.u[old].copy(), 0
        self.mark()


def joined(net, first, second):
    """Corners of the path of the proof."""
    a, b = State(net, first), State(net, second)
    of_a, of_b = a.concentrate(), b.concentrate()
    free = [k for k in range(UNITS) if k not in of_a and k not in of_b]
    for old in [k for k in of_b if k in of_a]:
        b.hand_over(old, free.pop())
    of_b = [k for k in range(UNITS) if k not in of_a]
    a.v[of_b] = b.v[of_b]
    a.mark()
    b.v[of_a] = a.v[of_a]
    b.mark()
    np.testing.assert_array_equal(a.v, b.v)
    return [*a.path, *reversed(b.path)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_path_of_the_proof_stays_below_its_ends(activation, seed):
    net = network(activation, seed)
    (found,) = (one for one in theorems_for(net) if one.theorem.id == "wide-connected")
    assert found.applies
    random = np.random.default_rng(100 + seed)
    size = UNITS * (INPUTS + 1 + OUTPUTS) + OUTPUTS
    first, second = random.normal(size=(2, size))
    corners = joined(net, first, second)
    np.testing.assert_array_equal(corners[0], first)
    np.testing.assert_array_equal(corners[-1], second)
    level = max(loss(net, first), loss(net, second))
    along = [
        loss(net, (1 - t) * p + t * q) for p, q in pairwise(corners) for t in np.linspace(0, 1, 21)
    ]
    assert max(along) <= level * (1 + 1e-9)
