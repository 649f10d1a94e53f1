"""Paths of low loss between weights: methods, bounds, and what a certificate says."""

from __future__ import annotations

import copy
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.path import verify
from boundcalc.landscape import path as search
from boundcalc.landscape.joining import join
from boundcalc.landscape.network import Network, flatten, loss, unflatten
from boundcalc.landscape.network_file import read_network, read_weights

NETWORKS = Path(__file__).parents[2] / "cases" / "networks"


def trained(name):
    net = read_network(NETWORKS / f"{name}.toml")
    ends = [read_weights(NETWORKS / f"{name}-{kind}.npz", net) for kind in ("weights", "weights-b")]
    return net, tuple(ends)


def vertices(certificate):
    rows = [certificate["claim"]["start"], *certificate["proof"]["vertices"]]
    rows.append(certificate["claim"]["end"])
    return np.array([[float.fromhex(v) for v in row] for row in rows])


@pytest.mark.parametrize("name", ["iris-tanh", "iris-softplus"])
def test_two_trained_networks_are_joined_far_below_the_straight_line(name):
    net, ends = trained(name)
    found = join(net, ends, Fraction(1, 100), 60.0)
    assert found.connected and found.bounded.upper <= 0.01
    certificate = found.bounded.certificate
    assert verify(certificate).level == Fraction(found.bounded.upper)
    path = vertices(certificate)
    assert np.array_equal(path[0], flatten(ends[0])) and np.array_equal(path[-1], flatten(ends[1]))
    samples = [loss(net, a + t * (b - a)) for a, b in pairwise(path) for t in np.linspace(0, 1, 41)]
    assert max(samples) <= found.bounded.upper <= 1.01 * max(samples)
    assert found.bounded.lower <= max(samples[0], samples[-1]) * (1 + 1e-6)
    straight = flatten(ends[0]), flatten(ends[1])
    assert loss(net, (straight[0] + straight[1]) / 2) > 100 * found.bounded.upper
    mutant = copy.deepcopy(certificate)
    mutant["claim"]["level"] = (0.999 * max(samples)).hex()
    mutant["claim_sha256"] = digest(mutant["claim"])
    with pytest.raises(Rejected, match="not shown to lie below"):
        verify(mutant)


def test_without_a_level_the_path_goes_as_low_as_the_methods_go():
    net, ends = trained("iris-tanh")
    found = join(net, ends, None, 8.0)
    heights = {one.method: one.highest for one in found.attempts}
    assert found.bounded.upper < 1e-4 and found.connected
    assert heights["straight line"] > 1
    assert set(heights) == {"straight line"} | {m for m in heights if "Gauss-Newton" in m}


def relu_net(points=6):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((points, 2))
    y = np.abs(x[:, :1]) + x[:, 1:]
    return Network("kinks", (2, 6, 1), "relu", True, "square", points, x, y, None)


def test_relu_paths_are_bounded_too():
    net = relu_net()
    rng = np.random.default_rng(2)
    ends = []
    for _ in range(2):
        w = rng.standard_normal(25)
        for _ in range(3000):
            w = w - 0.02 * search.gradient(net, w)
        ends.append(unflatten(net, w))
    found = join(net, tuple(ends), None, 8.0)
    assert {one.method for one in found.attempts} == {
        "straight line",
        "Bézier curve",
        "elastic band",
        "string",
        "string, 64 pieces",
    }
    path = vertices(found.bounded.certificate)
    samples = search.losses(net, path, 40)[1]
    assert samples.max() <= found.bounded.upper <= 1.05 * samples.max()
    assert verify(found.bounded.certificate).checks == found.bounded.pieces


def test_a_level_below_both_ends_is_bad_input_and_one_that_is_not_reached_is_undecided():
    net = relu_net()
    rng = np.random.default_rng(4)
    ends = tuple(unflatten(net, rng.standard_normal(25)) for _ in range(2))
    floor = max(loss(net, flatten(end)) for end in ends)
    with pytest.raises(InputError, match="no path lies lower than its ends"):
        join(net, ends, Fraction(floor) / 2, 5.0)
    straight = search.attempts(net, *(flatten(end) for end in ends), 0.0)
    assert [one.method for one in straight] == ["straight line"]
    found = join(net, ends, Fraction(floor) * Fraction(1 + 1e-9), 1e-3)
    assert found.connected == (found.bounded.upper <= floor * (1 + 1e-9))


def test_equal_ends_are_joined_by_staying():
    net, (one, _) = trained("iris-tanh")
    found = join(net, (one, one), None, 6.0)
    assert found.bounded.upper <= 1.01 * found.bounded.lower + 1e-30


def test_networks_without_data_or_too_large_are_refused():
    net, ends = trained("iris-tanh")
    bare = Network(**{**vars(net), "x": None, "y": None})
    with pytest.raises(InputError, match="data"):
        join(bare, ends, None, 1.0)
    rows = 200_000 // 49 + 1
    big = Network(**{**vars(net), "x": np.zeros((rows, 4)), "y": np.zeros((rows, 1))})
    with pytest.raises(InputError, match="product"):
        join(big, ends, None, 1.0)


def test_weights_that_are_huge_or_zero():
    net, (one, _) = trained("iris-tanh")
    huge, zero = (tuple(scale * part for part in one) for scale in (1e200, 0.0))
    with pytest.raises(InputError, match="beyond 1e300"):
        join(net, (one, huge), None, 1.0)
    found = join(net, (one, zero), None, 5.0)  # L falls all along the line from zero
    assert len(found.attempts) == 1 and found.bounded.upper <= 1.01 * found.bounded.lower
    far = join(net, (one, tuple(1e8 * part for part in one)), None, 5.0)
    assert far.bounded.upper >= far.bounded.lower > 1e14


def test_respaced_keeps_the_line_and_its_ends():
    rng = np.random.default_rng(0)
    path = rng.standard_normal((5, 3))
    made = search.respaced(path, 40)
    gaps = np.linalg.norm(np.diff(made, axis=0), axis=1)
    assert np.array_equal(made[[0, -1]], path[[0, -1]]) and gaps.max() < 1.5 * np.median(gaps)
    for point in made:  # on one of the straight pieces
        away = []
        for a, b in pairwise(path):
            t = np.clip((point - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            away.append(np.linalg.norm(point - a - t * (b - a)))
        assert min(away) < 1e-12


def test_from_python():
    import boundcalc

    net, ends = trained("iris-tanh")
    paths = [NETWORKS / f"iris-tanh-{kind}.npz" for kind in ("weights", "weights-b")]
    found = boundcalc.join(*paths, NETWORKS / "iris-tanh.toml", "1/50")
    again = boundcalc.join(*ends, net, 0.02)
    assert found.connected and found.bounded.upper == again.bounded.upper <= 0.02
    with pytest.raises(InputError, match="by the widths"):
        boundcalc.join(ends[0][:3], ends[1], net)
    with pytest.raises(InputError, match="NaN"):
        boundcalc.join([np.full_like(part, np.nan) for part in ends[0]], ends[1], net)
    sweep = boundcalc.components("x^4 - x^2", "x=-1:1", [-0.2, "1/9"])
    assert [one.count.lower for one in sweep.levels] == [2, 1]
    assert sweep.certificate["claim"]["levels"][0]["level"] == "-1/5"
    assert len(sweep.tree.lives) == 2


def test_mutants_of_a_path_certificate_are_rejected_or_true():
    """Numbers, activations and trees changed at random; what is accepted is true at samples."""
    net, ends = trained("iris-tanh")
    certificate = join(net, ends, Fraction(1, 5), 10.0).bounded.certificate
    rng = np.random.default_rng(11)
    accepted = 0
    for _ in range(25):
        mutant = copy.deepcopy(certificate)
        claim, proof = mutant["claim"], mutant["proof"]
        where = rng.choice(["x", "y", "start", "vertices", "activation", "bias"])
        if where == "activation":
            claim["network"]["activation"] = str(rng.choice(["relu", "sigmoid", "linear"]))
        elif where == "bias":
            claim["network"]["bias"] = False
        else:
            rows = {"start": [claim["start"]], "vertices": proof["vertices"]}
            row = rows.get(where, [claim["network"].get(where)])[0]
            place = rng.integers(len(row))
            change = rng.choice([1e-9, 1e-3, 1.0]) * rng.standard_normal()
            row[place] = (float.fromhex(row[place]) + change).hex()
        mutant["claim_sha256"] = digest(claim)
        try:
            found = verify(mutant)
        except Rejected:
            continue
        accepted += 1
        given = claim["network"]
        changed = Network(
            "mutant",
            tuple(given["widths"]),
            given["activation"],
            True,
            "square",
            net.points,
            np.array([float.fromhex(v) for v in given["x"]]).reshape(net.x.shape),
            np.array([float.fromhex(v) for v in given["y"]]).reshape(net.y.shape),
            None,
        )
        assert search.losses(changed, vertices(mutant), 6)[1].max() <= float(found.level)
    assert accepted
