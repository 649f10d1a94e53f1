"""The networks in cases/networks: they can be read, and are what their notes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from boundcalc.landscape.network import flatten, jacobian, loss, parameters, residual
from boundcalc.landscape.network_file import read_network, read_weights

CASES = Path(__file__).parents[2] / "cases" / "networks"
ALL = sorted(path.stem for path in CASES.glob("*.toml"))


def test_there_are_cases():
    assert {"iris-tanh", "iris-softplus", "iris-wide", "linear", "quadratic"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_case_can_be_read(name):
    net = read_network(CASES / f"{name}.toml")
    assert net.name == name
    assert net.weights is not None
    assert flatten(net.weights).shape == (parameters(net),)
    assert net.x is not None
    assert len(np.unique(net.x, axis=0)) == net.points, "two flowers are the same"


@pytest.mark.parametrize("name", ["iris-tanh", "iris-softplus"])
def test_trained_weights_nearly_fit(name):
    net = read_network(CASES / f"{name}.toml")
    other = read_weights(CASES / f"{name}-weights-b.npz", net)
    for weights in (net.weights, other):
        w = flatten(weights)
        assert 1e-9 < np.linalg.norm(residual(net, w)) < 1e-6
        assert np.linalg.svd(jacobian(net, w), compute_uv=False)[-1] > 0.03
        np.testing.assert_array_equal(w * 2**24, np.rint(w * 2**24))
    assert np.linalg.norm(flatten(net.weights) - flatten(other)) > 1


@pytest.mark.parametrize("name", ["linear", "quadratic"])
def test_integer_weights_have_no_loss(name):
    net = read_network(CASES / f"{name}.toml")
    assert loss(net, flatten(net.weights)) == 0.0
