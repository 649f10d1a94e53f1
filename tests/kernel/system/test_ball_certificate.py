"""Ball certificates: what is accepted is true, and mutants of it are rejected."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from boundcalc.kernel.certificate import read, written
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.check import BallProved, is_genuine, summary, verify
from boundcalc.kernel.system.closing import CLAIMS, ROUTES
from boundcalc.kernel.system.network_bounds import network_bounds
from boundcalc.kernel.system.spectrum import largest
from boundcalc.landscape.ball import ball, system_of
from boundcalc.landscape.ball_spectrum import floor, root_below
from boundcalc.landscape.network import Network, flatten, jacobian, residual
from boundcalc.landscape.network_file import read_network
from boundcalc.library.ball import Numbers, ball_certificate
from boundcalc.library.proofs import certificate_of

from .made_networks import inside, random_network

SHIPPED = Path(__file__).parents[3] / "cases" / "networks"


def close_one():
    """A small network whose output passes through softplus, at a small residual."""
    return random_network(21, points=2, residual=1e-6)


@cache
def proved(route):
    """A network and a certificate by this route, with numbers as tight as the bounds are."""
    net = close_one()
    assert net.output != "linear"
    radius = Fraction(1, 10_000)
    bounds = network_bounds(system_of(net), radius, on_ball=True, inner=True)
    side = bounds.inner if route.startswith("output") else bounds
    scale = bounds.slope**2 if route.startswith("output") else Fraction(1)
    lipschitz = Fraction(float(bounds.jacobian_lipschitz) * (1 + 1e-15))
    if route.endswith("direct"):
        start, mu = Fraction(0), floor(side.kernel_on_ball) * scale
    else:
        start = root_below(floor(side.kernel))
        bent = lipschitz if side is bounds else side.jacobian_lipschitz
        mu = (start - bent * radius) ** 2 * scale
    r0, root = Fraction(11, 10**7), Fraction(float(largest(bounds.kernel)) ** 0.5 * (1 + 1e-15))
    norm = min(bounds.jacobian_norm, root + lipschitz * radius)
    step = 1 / (norm**2 + lipschitz * r0)
    numbers = Numbers(radius, mu, step, start, r0, norm, lipschitz)
    return net, ball_certificate("network", system_of(net), route, numbers)


def changed(certificate, path, value):
    """A copy with one entry changed (by a function of it), and the hash put right."""
    made = copy.deepcopy(certificate)
    *way, last = path
    place = made
    for key in way:
        place = place[key]
    place[last] = value(place[last]) if callable(value) else value
    made["claim_sha256"] = digest(made["claim"])
    return made


def scaled(factor):
    return lambda text: str(Fraction(text) * Fraction(factor))


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_is_accepted_and_true(route):
    net, certificate = proved(route)
    found = verify(read(written(certificate)))
    assert found.route == route
    assert is_genuine(found)
    claim, gen = found.statement, np.random.default_rng(0)
    for k in range(40):
        J = jacobian(net, inside(gen, net, float(claim.radius), k))
        values = np.linalg.eigvalsh(J @ J.T)
        assert values[0] >= float(claim.mu) * (1 - 1e-9)
        assert values[-1] * float(claim.step_size) <= 1
    says, checks, sha256 = summary(certificate)
    assert "a zero of L lies within 0.0001 of w0" in says
    assert checks > 5
    assert sha256 == digest(certificate["claim"])


BEYOND = 1 + Fraction(1, 10**15)
TIGHT = [  # entries that cannot be better than they are
    (("claim", "step_size"), BEYOND),
    (("proof", "jacobian_norm"), 1 - Fraction(1, 10**12)),
    (("proof", "jacobian_lipschitz"), 1 - Fraction(1, 10**12)),
    (("proof", "residual"), Fraction(1, 2)),
    (("claim", "radius"), Fraction(1, 100)),
    (("claim", "radius"), 2),
    (("claim", "mu"), Fraction(101, 100)),
    (("claim", "mu"), 0),
    (("claim", "mu"), -1),
    (("claim", "radius"), -1),
]


@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.parametrize(("path", "factor"), TIGHT)
def test_numbers_slightly_better_than_shown_are_rejected(route, path, factor):
    _, certificate = proved(route)
    with pytest.raises(Rejected):
        verify(changed(certificate, path, scaled(factor)))


@pytest.mark.parametrize("route", ["hessian", "output-hessian"])
@pytest.mark.parametrize(
    ("path", "factor"), [(("claim", "mu"), BEYOND), (("proof", "start"), 1 + Fraction(1, 10**9))]
)
def test_the_closing_rule_has_no_slack(route, path, factor):
    """mu is (root − H·R)² here, and root is close to √λ_0."""
    _, certificate = proved(route)
    with pytest.raises(Rejected):
        verify(changed(certificate, path, scaled(factor)))


def test_weaker_statements_are_accepted():
    _, certificate = proved("hessian")
    for key in ("mu", "step_size"):
        verify(changed(certificate, ("claim", key), scaled(Fraction(99, 100))))
    for key in ("jacobian_lipschitz", "jacobian_norm"):
        larger = changed(certificate, ("proof", key), scaled(Fraction(1001, 1000)))
        for less in ("mu", "step_size"):
            larger = changed(larger, ("claim", less), scaled(Fraction(98, 100)))
        verify(larger)


SYSTEM = ("claim", "system", "network")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*SYSTEM, "weights", 0), lambda text: (float.fromhex(text) + 0.01).hex()),
        ((*SYSTEM, "weights", 3), lambda text: (-float.fromhex(text)).hex()),
        ((*SYSTEM, "x", 0), lambda text: (float.fromhex(text) + 0.01).hex()),
        ((*SYSTEM, "y", 0), lambda text: (float.fromhex(text) + 1e-5).hex()),
        ((*SYSTEM, "activation"), "relu"),
        ((*SYSTEM, "activation"), ["tanh"]),
        ((*SYSTEM, "activation"), "linear"),
        ((*SYSTEM, "output"), "quadratic"),
        ((*SYSTEM, "bias"), 1),
        ((*SYSTEM, "bias"), lambda old: not old),
        ((*SYSTEM, "widths"), [2]),
        ((*SYSTEM, "widths"), ["2", "4", "1"]),
        ((*SYSTEM, "widths"), lambda old: [*old[:-1], 2 * old[-1]]),
        ((*SYSTEM, "x"), []),
        ((*SYSTEM, "weights", 0), "nan"),
        ((*SYSTEM, "weights", 0), "0x1.0p+1025"),
        ((*SYSTEM, "weights", 0), "1/0"),
        ((*SYSTEM, "weights", 0), "0x1.0000000000000p-5000"),
        ((*SYSTEM, "weights"), lambda old: old[:-1]),
        ((*SYSTEM, "weights", 0), 1),
        ((*SYSTEM, "weights", 0), "1" * 5_000),
        ((*SYSTEM, "y"), lambda old: old * 200),
        (("claim", "system"), {"network": {}, "formulas": {}}),
        (("claim", "system"), {"table": {}}),
        (("claim", "system"), {"formulas": {}}),
        (("claim", "mu"), 1),
        (("claim", "more"), "1"),
        (("proof", "route"), "sampling"),
        (("proof", "route"), "direct"),
        (("proof", "enclosures"), {}),
        (("proof", "theorems"), {}),
        (("schema",), "boundcalc.ball-certificate/2"),
    ],
)
def test_other_data_is_rejected(path, value):
    _, certificate = proved("hessian")
    made = copy.deepcopy(certificate)
    if path[-1] in ("more", "enclosures"):
        made[path[0]][path[1]] = None
    with pytest.raises(Rejected):
        verify(changed(made, path, value))


def test_too_many_outputs_are_refused():
    net = random_network(5)
    many = replace(
        net, points=300, x=np.ones((300, net.widths[0])), y=np.ones((300, net.widths[-1]))
    )
    _, certificate = proved("hessian")
    with pytest.raises(Rejected, match="at most 200 outputs"):
        verify(changed(certificate, ("claim", "system"), {"network": system_of(many)}))


def test_the_hash_is_that_of_the_claim():
    _, certificate = proved("hessian")
    with pytest.raises(Rejected, match="hash"):
        verify({**certificate, "claim_sha256": "0" * 64})
    for data in (None, [], {}, "x"):
        with pytest.raises(Rejected):
            verify(data)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_theorems_cannot_be_swapped(route):
    _, certificate = proved(route)
    for id in ROUTES[route]:
        for other in ("gd-pl-star", "uniform-conditioning-ball", *(set(CLAIMS) - {id})):
            with pytest.raises(Rejected, match="another claim"):
                verify(changed(certificate, ("proof", "theorems", id), certificate_of(other)))
        without_proof = {**certificate_of(id), "proof": {"show": {}}}
        with pytest.raises(Rejected):
            verify(changed(certificate, ("proof", "theorems", id), without_proof))


def test_claims_are_the_catalogues():
    for id, sha256 in CLAIMS.items():
        assert certificate_of(id)["claim_sha256"] == sha256


@pytest.mark.parametrize("key", ["define", "derive"])
def test_a_proof_with_points_of_its_own_is_refused(key):
    """On a ball hypotheses hold at its points alone: where else a proof uses them is not known."""
    _, certificate = proved("hessian")
    path = ("proof", "theorems", "gd-pl-star-residual", "proof")
    with pytest.raises(Rejected, match="points of its own"):
        verify(changed(certificate, path, lambda proof: {**proof, key: []}))


def test_a_hypothesis_at_another_point_is_refused():
    _, certificate = proved("hessian")
    path = ("proof", "theorems", "gd-pl-star-residual", "proof", "use", "idle")
    made = copy.deepcopy(certificate)
    made["proof"]["theorems"]["gd-pl-star-residual"]["proof"]["use"]["idle"] = None
    with pytest.raises(Rejected, match="at other points"):
        verify(changed(made, path, ["lipschitz-map", "x", "x + 2*(y - x)"]))


def test_flipped_characters():
    """Whatever is still accepted is checked by sampling in floating point."""
    net, certificate = proved("hessian")
    text, accepted = written(certificate), 0
    dice = random.Random(7)
    for _ in range(600):
        at = dice.randrange(len(text))
        mutant = text[:at] + dice.choice('0123456789abcdef-./x"[]{}') + text[at + 1 :]
        try:
            data = read(mutant)
            if isinstance(data, dict) and "claim" in data:
                data["claim_sha256"] = digest(data["claim"])
            found = verify(data)
        except Rejected:
            continue
        accepted += 1
        _sampled(found, net)
    assert accepted > 3  # digits that do not matter, such as those of a looser bound


def _sampled(found: BallProved, net: Network) -> None:
    raw = found.statement.system
    values = [np.array([float.fromhex(v) for v in raw[key]]) for key in ("x", "y", "weights")]
    net = replace(
        net,
        activation=raw["activation"],
        output=raw["output"],
        x=values[0].reshape(net.x.shape),
        y=values[1].reshape(net.y.shape),
        weights=(values[2],),
    )
    radius, mu = float(found.statement.radius), float(found.statement.mu)
    parts = replace(net, weights=_parts(net, values[2]))
    gen = np.random.default_rng(1)
    assert 2 * np.linalg.norm(residual(parts, values[2])) / mu**0.5 <= radius
    for k in range(8):
        J = jacobian(parts, inside(gen, parts, radius, k))
        eigenvalues = np.linalg.eigvalsh(J @ J.T)
        assert eigenvalues[0] >= mu * (1 - 1e-9)
        assert eigenvalues[-1] * float(found.statement.step_size) <= 1


def _parts(net, w):
    from boundcalc.landscape.network import unflatten

    return unflatten(net, w)


def scalar(w, y):
    """F(w) = w: one weight, no bias, one point."""
    one = np.ones((1, 1))
    return Network("w", (1, 1), "linear", False, "square", 1, one, y * one, (w * one,))


def test_the_radius_is_strict():
    """K = 1, H = 0, r0 = 1: with mu = 1/4 the path may be as long as 4·r0."""
    r0 = 1 + Fraction(1, 2**100)
    for radius, accepted in ((4 * r0, False), (4 * r0 + Fraction(1, 2**90), True)):
        numbers = Numbers(
            radius,
            Fraction(1, 4),
            Fraction(1, 8),
            Fraction(9, 10),
            r0,
            Fraction(2),
            Fraction(1, 10**6),
        )
        certificate = ball_certificate("network", system_of(scalar(0.0, 1.0)), "hessian", numbers)
        if accepted:
            assert verify(certificate).statement.radius == radius
        else:
            with pytest.raises(Rejected, match="path of gradient descent"):
                verify(certificate)


def test_an_output_map_must_expand():
    """φ(z) = z² has slope 0 at z = w = 0, in the middle of the ball."""
    net = replace(scalar(0.0, 1e-6), output="quadratic")
    for route in ("output-hessian", "output-direct"):
        _, certificate = proved(route)
        with pytest.raises(Rejected, match="no output map that expands"):
            verify(changed(certificate, ("claim", "system"), {"network": system_of(net)}))


def test_no_ball_without_a_zero():
    """Two equal points with different targets: K is singular, and nothing can be forged."""
    net = random_network(4, residual=1e-6)
    twins = replace(net, x=np.vstack([net.x[0], net.x[0]]))
    found = ball(twins)
    assert found.proved is None
    assert found.fails == "lambda_min"
    for start in ("1/1000000000000", "0", "1"):
        _, certificate = proved("hessian")
        made = changed(certificate, ("claim", "system"), {"network": system_of(twins)})
        with pytest.raises(Rejected):
            verify(changed(made, ("proof", "start"), start))


def test_only_the_checker_makes_its_outcome():
    _, certificate = proved("hessian")
    found = verify(certificate)
    with pytest.raises(TypeError):
        BallProved(found.statement, found.route, found.checks, object())
    assert not is_genuine("proved")
    object.__setattr__(found, "checks", 1_000)
    assert not is_genuine(found)


@pytest.mark.parametrize("name", ["iris-tanh", "iris-softplus", "quadratic", "linear"])
def test_gradient_descent_obeys_what_was_proved(name):
    net = read_network(SHIPPED / f"{name}.toml")
    found = ball(net)
    assert found.proved is not None
    _descend(net, found, 2_000)


def test_a_wide_random_layer_closes_and_gradient_descent_obeys():
    net = read_network(SHIPPED / "iris-wide-3.toml")
    found = ball(net)
    assert found.proved is not None
    assert found.start.residual > 0.5
    assert _descend(net, found, 200) < 1e-6


def _descend(net, found, steps):
    """Every step inside the ball and below the rate; up to the rounding of float64."""
    from boundcalc.landscape.network import gradient, loss

    w0 = w = flatten(net.weights)
    said = found.proved.statement
    step, rate = float(said.step_size), float(1 - said.step_size * said.mu)
    first = loss(net, w0)
    floor = 1e-28 * (1 + float(np.abs(net.y).max()) ** 2)
    for t in range(steps + 1):
        assert np.linalg.norm(w - w0) <= float(said.radius) + 1e-12 * np.linalg.norm(w0)
        assert loss(net, w) <= rate**t * first * (1 + 1e-9) + floor
        w = w - step * gradient(net, w)
    return loss(net, w) / max(first, 1e-300)


def test_a_certificate_is_text_without_floats():
    _, certificate = proved("hessian")
    assert json.loads(written(certificate)) == certificate
