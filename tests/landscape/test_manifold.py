"""The dimension of the set of zeros: proved at zeros of full rank, and at no other ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy

from boundcalc.landscape.manifold import exact_zero, manifold
from boundcalc.landscape.network import Network, flatten, forward, parameters, unflatten
from boundcalc.landscape.network_file import read_network

CASES = Path(__file__).parents[2] / "cases" / "networks"


def with_zero(widths, activation, x, weights, bias=True) -> Network:
    """A network whose outputs at the given weights are its data, exactly (small integers)."""
    x = np.array(x, dtype=float)
    bare = Network("n", tuple(widths), activation, bias, "square", len(x), x, None, None)
    y = forward(bare, np.array(weights, dtype=float), x)
    return replace(bare, y=y, weights=unflatten(bare, np.array(weights, dtype=float)))


def rank(net: Network) -> int:
    """rank DF at the weights, by symbolic derivatives and elimination over the rationals."""
    names = sympy.symbols(f"w0:{parameters(net)}")
    parts = iter(unflatten(net, np.array(names, dtype=object)))
    values = [[sympy.Rational(v) for v in row] for row in net.x.tolist()]
    for k in range(1, len(net.widths)):
        matrix = next(parts)
        shift = next(parts) if net.bias else [0] * net.widths[k]
        hidden = k < len(net.widths) - 1
        act = (lambda z: z**2) if hidden and net.activation == "quadratic" else (lambda z: z)
        values = [
            [act(sum(a * v for a, v in zip(row, point, strict=True)) + b)
             for row, b in zip(matrix, shift, strict=True)]
            for point in values
        ]  # fmt: skip
    at = dict(zip(names, (sympy.Rational(v) for v in flatten(net.weights).tolist()), strict=True))
    outputs = sympy.Matrix([value for point in values for value in point])
    return int(outputs.jacobian(names).subs(at).rank())


X = [[1, 2], [3, -1], [0, 1]]
QUADRATIC = [1, -1, 2, 1, 0, 1, 2, -1, 1]  # widths 2-2-1: W1, b1, W2, b2
LINEAR = [1, 0, 1, 1, 2, -1, 0, 1, 1, 3, 1, 0, -1, 2, 1, 0]  # widths 2-3-2 without the last b2
FULL_RANK = [
    with_zero([2, 2, 1], "quadratic", X, QUADRATIC),
    with_zero([2, 3, 2], "linear", X, [*LINEAR, 1]),
    with_zero([2, 2, 1], "quadratic", X, QUADRATIC[:4] + QUADRATIC[6:8], bias=False),
]
DEFICIENT = [
    with_zero([2, 2, 1], "quadratic", X, [0] * 9),
    with_zero([2, 3, 2], "linear", X, [0] * 17),
    with_zero([2, 2, 1], "quadratic", [[1, 2], [1, 2], [0, 1]], QUADRATIC),  # a point twice
]


@pytest.mark.parametrize("net", FULL_RANK)
def test_an_exact_zero_of_full_rank(net):
    rows = net.points * net.widths[-1]
    assert rank(net) == rows
    found = manifold(net)
    assert (found.value, found.verdict) == (parameters(net) - rows, "proved")
    assert found.exact_zero is True
    assert found.said.startswith("the loss is exactly zero at the given weights w0; a zero of ")
    assert found.proved.statement.mu > 0
    assert found.proved.statement.radius < 1e-20


@pytest.mark.parametrize("net", DEFICIENT)
def test_an_exact_zero_of_lower_rank(net):
    assert rank(net) < net.points * net.widths[-1]
    found = manifold(net)
    assert found.verdict == "undecided"
    assert found.exact_zero is True
    assert found.proved is None
    assert "rank DF = r·d is not shown" in found.said


@pytest.mark.parametrize(
    ("name", "value"),
    [("iris-tanh", 49 - 9), ("iris-softplus", 83 - 18), ("linear", 37 - 8), ("quadratic", 20)],
)
def test_the_shipped_networks(name, value):
    net = read_network(CASES / f"{name}.toml")
    found = manifold(net)
    assert (found.value, found.verdict) == (value, "proved")
    statement = found.proved.statement
    assert 0 < float(statement.mu) <= found.least.lower
    assert statement.radius < 1e-4
    assert list(statement.system["widths"]) == list(net.widths)
    assert statement.system["weights"] == [float(v).hex() for v in flatten(net.weights)]


def test_far_from_a_zero_nothing_is_proved():
    net = read_network(CASES / "iris-tanh.toml")
    far = replace(net, y=net.y + 1.0)
    found = manifold(far)
    assert (found.value, found.verdict) == (40, "undecided")
    assert "no zero of the loss is proved" in found.said
    assert found.residual == pytest.approx(3.0, rel=1e-6)


def test_a_count_alone_is_generic():
    net = Network("n", (2, 3, 1), "tanh", True, "square", 13, None, None, None)
    found = manifold(net)
    assert (found.value, found.verdict, found.proved) == (0, "generic", None)
    assert "without data points and weights" in found.said
    fewer = manifold(replace(net, points=14))
    assert (fewer.value, fewer.verdict) == (-1, "generic")
    assert "no zero of the loss (Sard)" in fewer.said
    assert manifold(replace(net, widths=(10**9, 10**9, 1))).value == 10**18 + 2 * 10**9 + 1 - 13


def test_data_without_weights_are_generic():
    net = replace(read_network(CASES / "iris-tanh.toml"), weights=None)
    assert manifold(net).verdict == "generic"
    assert "without weights" in manifold(net).said


@pytest.mark.parametrize("change", [{"activation": "relu"}, {"output": "relu"}])
def test_relu_is_undecided(change):
    found = manifold(replace(read_network(CASES / "iris-tanh.toml"), **change))
    assert found.verdict == "undecided"
    assert "relu has no Hessian" in found.said


def test_more_equations_than_parameters():
    net = with_zero([1, 1, 1], "linear", [[0], [1], [2], [3], [4], [5]], [1, 0, 1, 2])
    found = manifold(net)
    assert (found.value, found.verdict, found.exact_zero) == (-2, "undecided", True)
    assert "exactly zero" in found.said
    other = manifold(replace(net, y=net.y + net.x**2))
    assert (other.verdict, other.exact_zero) == ("undecided", False)
    assert "rank DF = r·d is impossible" in other.said


def test_large_networks_are_not_tried():
    net = read_network(CASES / "iris-tanh.toml")
    wide = replace(net, widths=(4, 40_000, 1), weights=tuple(net.weights))
    assert manifold(wide).verdict == "undecided"
    assert "not tried" in manifold(wide).said


def test_zeros_are_told_from_near_zeros():
    net = FULL_RANK[0]
    assert exact_zero(net) is True
    assert exact_zero(replace(net, y=np.nextafter(net.y, 9.0))) is False
    assert exact_zero(replace(net, activation="tanh")) is None
    assert exact_zero(replace(net, x=None)) is None
