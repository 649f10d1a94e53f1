"""Networks: their parameters as a vector, their maps and derivatives, and their files."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import mpmath
import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.network import (
    Network,
    flatten,
    forward,
    gradient,
    jacobian,
    loss,
    parameters,
    residual,
    shapes,
    unflatten,
    weight_names,
    with_seed,
)
from boundcalc.landscape.network_file import KEYS, network_from, read_network, read_weights

SMOOTH = [name for name, one in ACTIVATIONS.items() if one.smooth]
MP = {
    "tanh": mpmath.tanh,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "linear": lambda z: z,
    "quadratic": lambda z: z * z,
}


def small(activation="tanh", bias=True, output="linear", widths=(3, 4, 3, 2), seed=0) -> Network:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(5, widths[0])), random.normal(size=(5, widths[-1]))
    bare = Network("small", widths, activation, bias, "square", 5, x, y, None, output)
    w = random.normal(size=parameters(bare))
    return replace(bare, weights=unflatten(bare, w))


def by_mpmath(net: Network, w) -> list[list]:
    """F(w; x_i) by 40-digit loops over units, from the formula of the docstring."""

    def exact(rows) -> list[list]:
        return [[mpmath.mpf(float(a)) for a in row] for row in rows]

    parts, values = iter(unflatten(net, w)), exact(net.x)
    for k in range(1, len(net.widths)):
        matrix = next(parts)
        shift = next(parts) if net.bias else np.zeros(net.widths[k])
        act = MP[net.output if k == len(net.widths) - 1 else net.activation]
        values = [
            [
                act(mpmath.fdot(row, point) + b)
                for row, b in zip(exact(matrix), *exact([shift]), strict=True)
            ]
            for point in values
        ]
    return values


@pytest.mark.parametrize("output", ["linear", "tanh"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_forward_is_the_formula(activation, bias, output):
    net = small(activation, bias, output)
    w = flatten(net.weights)
    with mpmath.workdps(40):
        expected = np.array([[float(v) for v in row] for row in by_mpmath(net, w)])
    np.testing.assert_allclose(forward(net, w), expected, rtol=1e-12, atol=1e-13)
    assert loss(net, w) == pytest.approx(0.5 * np.sum((expected - net.y) ** 2), rel=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", SMOOTH)
def test_the_jacobian_is_the_derivative(activation, bias):
    net = small(activation, bias, output="sigmoid")
    w, step = flatten(net.weights), 1e-6
    found = jacobian(net, w)
    assert found.shape == (5 * 2, parameters(net))
    differences = [
        (residual(net, w + step * e) - residual(net, w - step * e)) / (2 * step)
        for e in np.eye(len(w))
    ]
    np.testing.assert_allclose(found, np.array(differences).T, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(gradient(net, w), found.T @ residual(net, w), rtol=1e-10)


def test_parameters_and_their_order():
    net = small()
    assert shapes(net) == ((4, 3), (4,), (3, 4), (3,), (2, 3), (2,))
    assert weight_names(net) == ("W1", "b1", "W2", "b2", "W3", "b3")
    assert parameters(net) == 12 + 4 + 12 + 3 + 6 + 2
    w = np.arange(parameters(net), dtype=float)
    assert unflatten(net, w)[0][0].tolist() == [0, 1, 2]
    assert unflatten(net, w)[1].tolist() == [12, 13, 14, 15]
    np.testing.assert_array_equal(flatten(unflatten(net, w)), w)
    assert parameters(small(bias=False)) == 12 + 12 + 6
    with pytest.raises(ValueError, match="39 parameters"):
        unflatten(net, w[1:])


def test_seeds_give_the_standard_parametrisation():
    net = small(widths=(400, 500, 1))
    first, shift, second, _ = with_seed(net, 3, scale=2.0)
    assert np.std(first) == pytest.approx(2 / np.sqrt(400), rel=0.02)
    assert np.std(second) == pytest.approx(2 / np.sqrt(500), rel=0.15)
    assert not shift.any()
    np.testing.assert_array_equal(first, with_seed(net, 3, 2.0)[0])


def test_relu_has_no_hessian():
    net = small("relu")
    with pytest.raises(InputError, match="relu has no Hessian: it is not differentiable"):
        jacobian(net, flatten(net.weights))
    with pytest.raises(InputError, match="output: found relu has no Hessian"):
        jacobian(small(output="relu"), flatten(net.weights))


@pytest.fixture
def folder(tmp_path):
    """A folder with data and weights of widths [2, 3, 1]; write(...) gives the path of a file."""
    x = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0]], dtype=np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=np.array([[1], [2], [3], [4]]), other=1)
    arrays = {"W1": np.ones((3, 2)), "b1": np.zeros(3), "W2": np.ones((1, 3)), "b2": np.zeros(1)}
    np.savez_compressed(tmp_path / "weights.npz", **arrays)

    def write(table: str = "", top: str = 'name = "a net"') -> Path:
        path = tmp_path / "net.toml"
        path.write_text(f"{top}\n[network]\n{table}\n")
        return path

    return write


BASE = 'widths = [2, 3, 1]\nactivation = "tanh"\n'


def test_a_file_with_data_and_weights(folder):
    net = read_network(folder(BASE + 'data = "data.npz"\nweights = "weights.npz"\npoints = 4'))
    assert (net.name, net.widths, net.activation) == ("a net", (2, 3, 1), "tanh")
    assert (net.bias, net.loss, net.output, net.points) == (True, "square", "linear", 4)
    assert net.x.dtype == np.float64
    assert net.x.tolist()[3] == [2.0, 1.0]
    assert net.y.tolist() == [[1], [2], [3], [4]]
    assert [part.shape for part in net.weights] == [(3, 2), (3,), (1, 3), (1,)]
    expected = 3 * np.tanh(net.x.sum(axis=1))
    np.testing.assert_allclose(forward(net, flatten(net.weights))[:, 0], expected, rtol=1e-15)


def test_a_file_with_a_count_and_a_seed(folder):
    net = read_network(folder(BASE + 'points = 7\nseed = 5\nscale = "1/2"'))
    assert (net.points, net.x, net.y) == (7, None, None)
    for part, other in zip(net.weights, with_seed(net, 5, 0.5), strict=True):
        np.testing.assert_array_equal(part, other)


def test_counts_of_any_size_take_no_memory(folder):
    began = time.perf_counter()
    net = read_network(
        folder('widths = [1000000000, 1000000000, 7]\nactivation = "relu"\npoints = 9')
    )
    assert parameters(net) == 10**18 + 10**9 + 7 * 10**9 + 7
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('widths = ["2", 3, 1]\nactivation = "tanh"\npoints = 1', "widths[0]: found '2' (text)"),
        ('widths = "2,3"\nactivation = "tanh"\npoints = 1', "widths: found '2,3'; expected a list"),
        ('widths = [2]\nactivation = "tanh"\npoints = 1', "a list of 2 to 101 widths"),
        ('widths = [2, -3, 1]\nactivation = "tanh"\npoints = 1', "widths[1]: found -3; expected a"),
        ('widths = [2, 0, 1]\nactivation = "tanh"\npoints = 1', "whole number from 1 on"),
        (
            'widths = [2, 1.5, 1]\nactivation = "tanh"\npoints = 1',
            "widths[1]: found '1.5';",
        ),
        ('widths = [2, true, 1]\nactivation = "tanh"\npoints = 1', "widths[1]: found True"),
        ('activation = "tanh"\npoints = 1', "widths: found nothing"),
        ('widths = [2, 3, 1]\nactivation = "gelu"\npoints = 1', "activation: found 'gelu'"),
        ("widths = [2, 3, 1]\nactivation = 3\npoints = 1", "activation: found 3"),
        ("widths = [2, 3, 1]\npoints = 1", "activation: found nothing"),
        (BASE, "points, data: found neither"),
        (BASE + "points = 0", "points: found 0; expected a whole number from 1 on"),
        (BASE + 'points = "4"', "points: found '4' (text)"),
        (BASE + 'points = 5\ndata = "data.npz"', "points: found 5; expected 4, the rows of"),
        (BASE + 'data = "none.npz"', "none.npz: found no such file; expected data: x (N, n_0)"),
        (BASE + "data = 3", "data: found 3; expected the path"),
        (BASE + 'data = "net.toml"', "net.toml: found a text file (.toml)"),
        (BASE + 'data = "."', "found a directory"),
        (BASE + 'data = "weights.npz"', "no array x, y (it holds W1, b1, W2, b2)"),
        (BASE + 'points = 1\nloss = "logistic"', "loss: found 'logistic'; expected one"),
        (BASE + 'points = 1\nbias = "yes"', "bias: found 'yes'; expected true or false"),
        (BASE + "points = 1\nlayers = 3", "network layers: found an unknown key"),
        (BASE + 'points = 1\nweights = "weights.npz"\nseed = 1', "weights, seed: found both"),
        (BASE + 'points = 1\nweights = "data.npz"', "no array W1, b1, W2, b2 (it holds x, y, oth"),
        (BASE + "points = 1\nseed = -1", "seed: found -1"),
        (BASE + 'points = 1\nscale = "big"', "scale: found 'big'"),
        (BASE + "points = 1\nscale = 0", "scale: found 0; expected a positive number"),
        ('widths = [2, 1000000000, 1]\nactivation = "tanh"\npoints = 1\nseed = 0', "at most 67108"),
        ('widths = [3, 3, 1]\nactivation = "tanh"\ndata = "data.npz"', "(4, 2); expected (N, 3)"),
        (
            'widths = [2, 4, 1]\nactivation = "tanh"\npoints = 4\nweights = "weights.npz"',
            "array W1: found shape (3, 2); expected (4, 2), by the widths",
        ),
    ],
)
def test_every_fault_is_one_message(folder, table, said):
    with pytest.raises(InputError) as error:
        read_network(folder(table))
    assert said in str(error.value)


def test_all_faults_of_a_file_are_told(folder):
    path = folder('widths = [2, "3"]\nactivation = "x"\nbias = 1\nloss = 2', "name = 1\nwidths = 3")
    with pytest.raises(InputError) as error:
        read_network(path)
    places = [fault.where.removeprefix(f"{path}: ") for fault in error.value.faults]
    assert places == ["widths", "widths[1]", "name", "activation", "bias", "loss", "points, data"]
    with pytest.raises(InputError, match="network: found nothing; expected a table"):
        network_from({"name": "x"}, "x.toml")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": [[1.0, np.nan]], "y": [[1.0]]}, "array x: found 1 of 2 numbers that are NaN"),
        ({"x": [[1.0, 2.0]], "y": [[np.inf]]}, "array y: found 1 of 1 numbers that are NaN or inf"),
        ({"x": [[1.0, 2.0]] * 2, "y": [[1.0]]}, "found 2 rows of x and 1 of y"),
        ({"x": [[1.0, 2.0]], "y": [1.0]}, "array y: found shape (1,); expected (N, 1)"),
        ({"x": np.zeros((0, 2)), "y": np.zeros((0, 1))}, "with N from 1 on"),
        ({"x": [["a", "b"]], "y": [[1.0]]}, "array x: found dtype <U1"),
        ({"x": [[1.0, 2.0]], "y": [[2**53 + 1]]}, "1 integers beyond 2^53 were rounded"),
    ],
)
def test_data_that_are_no_data(folder, arrays, said):
    path = folder(BASE + 'data = "bad.npz"')
    np.savez(path.parent / "bad.npz", **{name: np.array(v) for name, v in arrays.items()})
    with pytest.raises(InputError) as error:
        read_network(path)
    assert said in str(error.value)


def test_pickles_are_refused_unread(folder):
    path = folder(BASE + 'data = "bad.npz"')
    np.savez(path.parent / "bad.npz", x=np.array([[1, None]], dtype=object), y=np.ones((1, 1)))
    with pytest.raises(InputError, match="array x: found dtype object"):
        read_network(path)


STRANGE = [
    None, True, 0, 1, -1, 10**9, 10**1300, "0.5", "1e400", "nan", "x", "", "1/0", "9" * 5000, [],
    [1], [[1]], {}, {"a": 1}, "relu", "linear", [4, "3", 1], [4] * 200, [10**1000, 10**1000, 3],
    "\x00", "sqrt(2)",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_strange_values_are_faults_and_nothing_else(seed):
    choose = random.Random(seed)
    read = 0
    for _ in range(500):
        table = {"widths": [4, 3, 1], "activation": "tanh", "points": 5}
        for _ in range(choose.randrange(4)):
            table[choose.choice([*sorted(KEYS), "layers"])] = choose.choice(STRANGE)
        try:
            net = network_from({"network": table}, "/nowhere/net.toml")
        except InputError as error:
            assert all(fault.fix for fault in error.faults)
        else:
            assert parameters(net) > 0
            read += 1
    assert 0 < read < 500


def test_weights_of_another_network(folder):
    net = read_network(folder(BASE + "points = 1"))
    path = folder(BASE + "points = 1").parent / "weights.npz"
    assert read_weights(path, net)[0].shape == (3, 2)
    with pytest.raises(InputError) as error:
        read_weights(path, replace(net, widths=(2, 5, 2)))
    assert len(error.value.faults) == 4
