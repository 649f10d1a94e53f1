"""Paths of weights: the kernel's bound against many digits, and certificates that it rejects."""

from __future__ import annotations

import copy
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.paving import packed
from boundcalc.kernel.claim import ClaimError, digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system import path

from .made_networks import random_network

KINDS = ("tanh", "softplus", "sigmoid", "quadratic", "linear", "relu")
ROOT = 1 << 64


def shape_json(rng, kind, *, widths=(2, 3, 2), output="linear", bias=True, points=3):
    def draw(count):
        return [float(value).hex() for value in rng.standard_normal(count)]

    return {
        "widths": list(widths),
        "activation": kind,
        "output": output,
        "bias": bias,
        "x": draw(points * widths[0]),
        "y": draw(points * widths[-1]),
    }


def activation(kind, z):
    if kind == "tanh":
        return mpmath.tanh(z)
    if kind == "softplus":
        return mpmath.log(1 + mpmath.exp(z))
    if kind == "sigmoid":
        return 1 / (1 + mpmath.exp(-z))
    return {"quadratic": z * z, "linear": z, "relu": max(z, mpmath.mpf(0))}[kind]


def exact_loss(network, weights):
    """L to fifty digits, from the definition."""
    with mpmath.workdps(50):
        widths, numbers = (
            network["widths"],
            [mpmath.mpf(w.numerator) / w.denominator for w in weights],
        )
        x, y = ([mpmath.mpf(float.fromhex(v)) for v in network[key]] for key in ("x", "y"))
        total = mpmath.mpf(0)
        for point in range(len(x) // widths[0]):
            h, at = x[point * widths[0] : (point + 1) * widths[0]], 0
            for layer, (m, n) in enumerate(pairwise(widths)):
                z = [mpmath.fdot(numbers[at + k * m : at + (k + 1) * m], h) for k in range(n)]
                at += n * m
                if network["bias"]:
                    z = [a + b for a, b in zip(z, numbers[at : at + n], strict=True)]
                    at += n
                last = layer == len(widths) - 2
                h = [activation(network["output" if last else "activation"], v) for v in z]
            targets = y[point * widths[-1] : (point + 1) * widths[-1]]
            total += sum((a - b) ** 2 for a, b in zip(h, targets, strict=True)) / 2
        mantissa, exponent = total.man_exp
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def fractions(rng, size, scale=1.0):
    return tuple(Fraction(v) for v in (scale * rng.standard_normal(size)).tolist())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["linear", "tanh", "relu"])
def test_the_bound_of_a_piece_is_above_the_loss_on_it_and_close_on_short_ones(kind, output):
    rng = np.random.default_rng(KINDS.index(kind))
    for bias, widths in ((True, (2, 3, 2)), (False, (2, 2, 3, 1))):
        network = shape_json(rng, kind, output=output, bias=bias, widths=widths)
        shape = path.read_shape(network)
        start = fractions(rng, shape.parameters)
        way = fractions(rng, shape.parameters)
        for scale in (Fraction(1), Fraction(1, 8), Fraction(1, 256)):
            end = tuple(a + scale * b for a, b in zip(start, way, strict=True))
            with iv.precision(106):
                bound = path.loss_bound(shape, start, end)
                least = path.least_loss(shape, start)
            seen = [
                exact_loss(
                    network, [a + t * scale * b / 16 for a, b in zip(start, way, strict=True)]
                )
                for t in range(17)
            ]
            assert max(seen) <= bound
            if scale < 1:
                room = 30 * float(scale) ** (1 if "relu" in (kind, output) else 2)
                assert float(bound) <= float(max(seen)) * (1 + room) + room
            assert 0 <= seen[0] + Fraction(1, 10**45) - least <= Fraction(1, 10**25)


def test_networks_of_the_search_are_the_kernels():
    """The same numbers as the float code elsewhere, which other tests compare with torch."""
    from boundcalc.landscape.network import flatten, loss
    from boundcalc.landscape.path_proof import shape_of

    for seed in range(12):
        net = random_network(seed, points=3, residual=0.3)
        w = flatten(net.weights)
        with iv.precision(106):
            least = path.least_loss(shape_of(net), tuple(Fraction(v) for v in w.tolist()))
        assert float(least) == pytest.approx(loss(net, w), rel=1e-12)


def certificate(kind="tanh", pieces=8, level=None, floor=Fraction(0)):
    """A straight path between two random weights through one vertex, halved evenly."""
    rng = np.random.default_rng(3)
    network = shape_json(rng, kind)
    shape = path.read_shape(network)
    one, mid, other = (fractions(rng, shape.parameters, 0.5) for _ in range(3))
    bounds, trees = [], b""
    with iv.precision(106):
        for start, end in ((one, mid), (mid, other)):
            trees += tree(pieces)
            for k in range(pieces):
                ends = [
                    tuple(
                        a + Fraction(j, pieces) * (b - a) for a, b in zip(start, end, strict=True)
                    )
                    for j in (k, k + 1)
                ]
                bounds.append(path.loss_bound(shape, *ends))
    claim = {
        "network": network,
        "start": [float(v).hex() for v in one],
        "end": [float(v).hex() for v in other],
        "level": str(max(bounds) if level is None else level),
        "floor": str(floor),
    }
    return {
        "schema": path.SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "precision": 106,
        "proof": {"vertices": [[float(v).hex() for v in mid]], "tree": packed(trees)},
    }


def tree(pieces):
    return bytes([64]) if pieces == 1 else bytes([0]) + 2 * tree(pieces // 2)


def sampled(data):
    """The largest loss at samples of a certificate's path, to many digits."""
    rows = [data["claim"]["start"], *data["proof"]["vertices"], data["claim"]["end"]]
    vertices = [[Fraction(float.fromhex(v)) for v in row] for row in rows]
    return max(
        exact_loss(
            data["claim"]["network"],
            [a + Fraction(t, 24) * (b - a) for a, b in zip(one, other, strict=True)],
        )
        for one, other in pairwise(vertices)
        for t in range(25)
    )


def rehashed(data):
    data["claim_sha256"] = digest(data["claim"])
    return data


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_is_accepted_at_its_level_and_rejected_below_the_samples(kind):
    data = certificate(kind)
    found = path.verify(data)
    assert found.checks == 16 and path.is_genuine(found)
    highest = sampled(data)
    assert highest <= found.level
    below = highest * Fraction(999, 1000)
    data["claim"]["level"] = str(below)
    with pytest.raises(Rejected, match="not shown to lie below"):
        path.verify(rehashed(data))


def test_a_vertex_that_is_moved_up_is_rejected():
    data, higher = certificate(), 0
    for k in range(len(data["proof"]["vertices"][0])):
        mutant = copy.deepcopy(data)
        mutant["proof"]["vertices"][0][k] = "0x1.0p+4"
        if sampled(mutant) > Fraction(data["claim"]["level"]):
            higher += 1
            with pytest.raises(Rejected):
                path.verify(mutant)
    assert higher > 8


def test_the_floor_is_what_an_end_shows():
    data = certificate()
    network = data["claim"]["network"]
    ends = [
        exact_loss(network, [Fraction(float.fromhex(v)) for v in data["claim"][key]])
        for key in ("start", "end")
    ]
    data["claim"]["floor"] = str(max(ends) * Fraction(999, 1000))
    assert path.verify(rehashed(data)).floor > min(ends)
    data["claim"]["floor"] = str(max(ends) * Fraction(1001, 1000))
    with pytest.raises(Rejected, match="floor"):
        path.verify(rehashed(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema="x"), "schema"),
        (lambda c: c.update(claim_sha256="0" * 64), "hash"),
        (lambda c: c.update(precision=3), "bits"),
        (lambda c: c["proof"].update(tree=packed(b"")), "too early"),
        (lambda c: c["proof"].update(tree=packed(b"\x40" * 3)), "left over|not shown"),
        (lambda c: c["proof"].update(tree=packed(tree(8) * 2 + b"\x40")), "left over"),
        (lambda c: c["proof"].update(tree=packed(b"\x07")), "another byte"),
        (lambda c: c["proof"].update(tree=packed(bytes(80))), "another byte"),
        (lambda c: c["proof"].update(vertices=[["0"]]), "as the widths say"),
        (lambda c: c["proof"].update(vertices=[["x"] * 17]), "vertices"),
        (lambda c: c["proof"].update(vertices=c["proof"]["vertices"] * 400_000), "at most"),
    ],
)
def test_what_is_not_well_formed_is_rejected(change, message):
    data = certificate()
    change(data)
    with pytest.raises(Rejected, match=message):
        path.verify(data)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("widths", [2], "two positive"),
        ("widths", [2, 0, 2], "two positive"),
        ("widths", [2, "3", 2], "two positive"),
        ("activation", "sine", "activations are"),
        ("bias", 1, "true or false"),
        ("x", ["1"] * 5, "one row"),
        ("x", [], "one row"),
        ("y", ["1"], "one row"),
        ("y", "1", "list"),
    ],
)
def test_networks_that_are_none_are_rejected(key, value, message):
    data = certificate()
    data["claim"]["network"][key] = value
    with pytest.raises(Rejected, match=message):
        path.verify(rehashed(data))


def test_too_many_numbers_are_refused(monkeypatch):
    monkeypatch.setattr(path, "MAX_NUMBERS", 4)
    with pytest.raises(ClaimError, match="at most 4"):
        path.numbers(["1"] * 5, "x")


def test_only_the_checker_makes_paths_and_a_summary_rounds_outward():
    data = certificate(level=Fraction(200, 3))
    found = path.verify(data)
    with pytest.raises(TypeError):
        path.Joined(found.shape, found.level, found.floor, 1, found.sha256, object())
    assert not path.is_genuine("joined")
    says, checks, claim = path.summary(data)
    assert "at most 66.666667;" in says and checks == 16 and claim == data["claim_sha256"]
