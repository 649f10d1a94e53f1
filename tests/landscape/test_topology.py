"""Each theorem about level sets, on networks on both sides of each of its hypotheses."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import boundcalc
from boundcalc.landscape.network import Network, parameters
from boundcalc.landscape.topology import Applied, theorems_for


def net(widths, activation, points=5, output="linear", bias=True) -> Network:
    return Network("n", tuple(widths), activation, bias, "square", points, None, None, None, output)


def one(id, *arguments, **more) -> Applied:
    return next(a for a in theorems_for(net(*arguments, **more)) if a.theorem.id == id)


def failing(applied: Applied) -> list[str]:
    return [h.statement for h in applied.version.hypotheses if not h.holds]


@pytest.mark.parametrize(
    ("widths", "activation", "output", "applies"),
    [
        ([4, 3, 2], "linear", "linear", True),
        ([4, 2, 2], "linear", "linear", False),  # n_1 > min(4, 2) asks for 3
        ([2, 3, 7], "linear", "linear", True),
        ([2, 2, 7], "linear", "linear", False),
        ([4, 3, 3, 3, 2], "linear", "linear", True),
        ([4, 3, 2, 3, 2], "linear", "linear", False),
        ([4, 2], "linear", "linear", True),  # no hidden layer: a convex problem
        ([4, 3, 2], "tanh", "linear", False),
        ([4, 3, 2], "linear", "tanh", False),
    ],
)
def test_linear_connected(widths, activation, output, applies):
    found = one("linear-connected", widths, activation, output=output)
    assert found.applies is applies
    assert bool(failing(found)) is not applies
    assert "N_λ = 1" in found.conclusion


@pytest.mark.parametrize(
    ("widths", "activation", "applies"),
    [
        ([4, 3, 2], "relu", True),
        ([4, 1000, 1000, 2], "relu", True),
        ([4, 2], "relu", False),
        ([4, 3, 2], "softplus", False),
    ],
)
def test_relu_disconnected(widths, activation, applies):
    found = one("relu-disconnected", widths, activation)
    assert found.applies is applies
    assert "the data at hand" in found.theorem.not_concluded[0]


@pytest.mark.parametrize(
    ("widths", "activation", "applies"),
    [
        ([4, 30, 2], "relu", True),
        ([4, 30, 30, 2], "relu", False),
        ([4, 2], "relu", False),
        ([4, 30, 2], "tanh", False),
    ],
)
def test_relu_path(widths, activation, applies):
    found = one("relu-path", widths, activation)
    assert found.applies is applies
    assert found.theorem.rate == "m^(-1/n)"
    assert found.rate_numbers.startswith(f"m = {widths[1]}, n = 4: ")
    assert "hidden" in found.theorem.not_concluded[0]


@pytest.mark.parametrize("points", [1, 5, 20])
def test_quadratic_connected_in_two_layers(points):
    above = one("quadratic-connected", [4, 2 * points + 1, 1], "quadratic", points)
    at = one("quadratic-connected", [4, 2 * points, 1], "quadratic", points)
    assert (above.applies, at.applies) == (True, False)
    assert above.version.name == at.version.name == "two layers"
    assert failing(at) == ["n_1 > 2N"]
    assert at.version.hypotheses[-1].numbers == f"n_1: not {2 * points} > {2 * points}"


@pytest.mark.parametrize("points", [1, 2, 3])
def test_quadratic_connected_in_any_depth(points):
    enough = [4, 3 * points**2, 3 * points**4, 3 * points**8, 1]
    found = one("quadratic-connected", enough, "quadratic", points)
    assert found.applies
    assert found.version.name == "any depth"
    for k in (1, 2, 3):
        less = [width - (j == k) for j, width in enumerate(enough)]
        short = one("quadratic-connected", less, "quadratic", points)
        assert failing(short) == ["n_l ≥ 3N^(2^l) for 0 < l < L"]
        numbers = next(h.numbers for h in short.version.hypotheses if not h.holds)
        assert numbers == f"n_{k}: not {less[k]} ≥ {enough[k]}"


def test_quadratic_connected_asks_for_its_activation():
    assert failing(one("quadratic-connected", [4, 11, 1], "tanh")) == [
        "the activation is z², with a linear last layer"
    ]
    assert not one("quadratic-connected", [4, 1], "quadratic").applies


def test_deep_networks_need_no_large_numbers():
    began = time.perf_counter()
    widths = [4, *[10**100] * 99, 1]
    found = one("quadratic-connected", widths, "quadratic", 2)
    assert not found.applies
    numbers = next(h.numbers for h in found.version.hypotheses if not h.holds)
    assert "more layers" in numbers
    found = one("quadratic-connected", [4] * 20, "quadratic", 2**4000)
    assert (
        "n_1: not 4 ≥ 5.212e2408, n_2: not 4 ≥ more than 2^8192"
        in found.version.hypotheses[-1].numbers
    )
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("widths", "activation", "points", "applies"),
    [
        ([4, 10, 2], "tanh", 5, True),
        ([4, 9, 2], "tanh", 5, False),
        ([4, 10, 2], "relu", 5, True),
        ([4, 10, 10, 2], "tanh", 5, False),
        ([4, 2], "tanh", 5, False),
        ([2, 12, 1], "quadratic", 10**6, True),  # (2 + 1)(2 + 2) = 12
        ([2, 11, 1], "quadratic", 10**6, False),
        ([2, 12, 1], "tanh", 10**6, False),
    ],
)
def test_wide_connected(widths, activation, points, applies):
    found = one("wide-connected", widths, activation, points)
    assert found.applies is applies
    assert not one("wide-connected", widths, activation, points, "sigmoid").applies


@pytest.mark.parametrize(
    ("widths", "activation", "output", "points", "applies"),
    [
        ([2, 3, 1], "tanh", "linear", 13, True),  # p = 13
        ([2, 3, 1], "tanh", "linear", 14, False),
        ([2, 3, 2], "sigmoid", "linear", 8, True),  # p = 17, r·d = 16
        ([2, 3, 2], "sigmoid", "linear", 9, False),
        ([2, 3, 1], "softplus", "sigmoid", 3, True),
        ([2, 3, 1], "quadratic", "linear", 3, True),
        ([2, 3, 1], "linear", "linear", 3, False),
        ([2, 3, 1], "relu", "linear", 3, False),
        ([2, 3, 1], "tanh", "relu", 3, False),
        ([2, 1], "tanh", "linear", 3, False),  # without hidden layer F is linear
    ],
)
def test_minimiser_manifold(widths, activation, output, points, applies):
    found = one("minimiser-manifold", widths, activation, points, output)
    assert found.applies is applies
    p, rows = parameters(net(widths, activation)), widths[-1] * points
    assert found.conclusion.endswith(f"manifold of dimension {p - rows}.")


def test_huge_widths_are_counted():
    began = time.perf_counter()
    found = theorems_for(net([10**9, 10**9, 7], "relu", 10**9))
    assert [a.theorem.id for a in found if a.applies] == ["relu-disconnected", "relu-path"]
    assert time.perf_counter() - began < 1


def test_from_python():
    path = Path(__file__).parents[2] / "cases" / "networks" / "linear.toml"
    found = boundcalc.topology(path)
    assert [a.theorem.id for a in found.theorems if a.applies] == ["linear-connected"]
    assert (found.zeros.value, found.zeros.verdict) == (29, "proved")
    assert boundcalc.topology(found.net).zeros.verdict == "proved"
