"""Certificates about systems of formulas: balls, levels and zeros; and attacks on them."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import numpy as np
import pytest

from boundcalc.kernel.__main__ import checker, cited
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.check import is_genuine, verify
from boundcalc.kernel.system.level import read_level
from boundcalc.kernel.system.level import summary as level_summary
from boundcalc.kernel.system.nonconvex import summary as nonconvex_summary
from boundcalc.library.proofs import certificate_of
from boundcalc.search.ball.constants import Search
from boundcalc.search.prove.budget import Budget
from boundcalc.systems.ball import ball_of
from boundcalc.systems.level import descent_of
from boundcalc.systems.nonconvex import nonconvex_at
from boundcalc.systems.start import start_of

from .made_systems import Sampled, problem

SQUARES = "(a^2 + b^2 + c^2 + d^2 + g^2)/2"


def begun(residual, at):
    """The system of formulas at "x=1,y=2", and its start."""
    names, values = zip(*(part.split("=") for part in at.split(",")), strict=True)
    data = {"variables": list(names), "residual": residual, "start": []}
    search = Search(problem(data), tuple(map(Fraction, values)), Budget(60))
    return search, start_of(search)


def curvature(residual, at):
    """What is known of convexity around a zero."""
    return nonconvex_at(*begun(residual, at))


def lowered(residual, at, level):
    """How far down gradient descent gets."""
    return descent_of(*begun(residual, at), level)


@pytest.fixture(scope="module")
def ball():
    return ball_of(*begun(["u*v - 1"], "u=1,v=6/5")).certificate


@pytest.fixture(scope="module")
def level():
    return lowered(["x - 1", "y - 2", "x*y - 21/10"], "x=11/10,y=2", Fraction(1, 250)).certificate


@pytest.fixture(scope="module")
def zero():
    return curvature(["u*v - 1"], "u=1,v=1").certificate


def forged(certificate, **claim):
    """The certificate with another claim, and its hash."""
    body = copy.deepcopy(certificate)
    body["claim"].update(claim)
    body["claim_sha256"] = digest(body["claim"])
    return body


def with_system(certificate, **system):
    whole = certificate["claim"]["system"]["formulas"]
    return forged(certificate, system={"formulas": {**whole, **system}})


def descended(certificate, steps):
    """Losses of gradient descent at the largest step size, and distances from the start."""
    claim = certificate["claim"]
    sampled = Sampled(claim["system"]["formulas"])
    w, step = sampled.start.copy(), float(Fraction(claim["step_size"]))
    losses, away = [sampled.loss(w)], [0.0]
    for _ in range(steps):
        w = w - step * sampled.gradient(w)
        losses.append(sampled.loss(w))
        away.append(float(np.linalg.norm(w - sampled.start)))
    return np.array(losses), np.array(away)


def test_gradient_descent_obeys_the_certificate_at_every_step(ball):
    claim = ball["claim"]
    assert is_genuine(verify(ball))
    losses, away = descended(ball, 200)
    rate = float(1 - Fraction(claim["step_size"]) * Fraction(claim["mu"]))
    assert (losses <= losses[0] * rate ** np.arange(201) * (1 + 1e-9) + 1e-25).all()
    assert away.max() <= float(Fraction(claim["radius"]))
    sampled, rng = Sampled(claim["system"]["formulas"]), np.random.default_rng(0)
    points = sampled.points(float(Fraction(claim["radius"])), 2_000, rng)
    assert min(map(sampled.least, points)) >= float(Fraction(claim["mu"]))


@pytest.mark.parametrize(
    "claim",
    [
        {"mu": "3/2000000"},  # true, but with so small a μ the path is not shown to be short
        {"mu": "8/5"},
        {"mu": "2"},
        {"radius": "8/25"},
        {"radius": "7/20"},
        {"step_size": "27/100"},
        {"step_size": "1"},
        {"radius": "0"},
        {"mu": "0"},
    ],
)
def test_other_numbers_are_another_claim(ball, claim):
    with pytest.raises(Rejected):
        verify(forged(ball, **claim))


def test_another_system_or_start_is_another_claim(ball):
    for change in (
        {"residual": ["u*v - 2"]},
        {"residual": ["u*v^2 - 1"]},
        {"residual": ["u*v - 1", "u - v"]},
        {"start": ["1", "13/10"]},
        {"start": ["1", "11/10"], "residual": ["u*v - 3/2"]},
    ):
        with pytest.raises(Rejected):
            verify(with_system(ball, **change))


def test_gradient_descent_reaches_the_level_in_time(level):
    claim = level["claim"]
    says, checks, sha = level_summary(level)
    assert sha == digest(claim)
    assert checks > 4
    assert f"within {claim['steps']} steps" in says
    bottom, steps = float(Fraction(claim["level"])), int(claim["steps"])
    losses, away = descended(level, steps)
    reached = int(np.argmax(losses <= bottom))
    assert losses[reached] <= bottom
    assert reached <= steps
    assert away[: reached + 1].max() <= float(Fraction(claim["radius"]))
    sampled, rng = Sampled(claim["system"]["formulas"]), np.random.default_rng(0)
    for w in sampled.points(float(Fraction(claim["radius"])), 3_000, rng):
        slope = float(np.sum(sampled.gradient(w) ** 2) / 2)
        if sampled.loss(w) >= bottom:
            assert slope >= float(Fraction(claim["mu"])) * sampled.loss(w)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"steps": "1"}, "steps"),
        ({"steps": "0"}, "steps"),
        ({"steps": "5/2"}, "steps"),
        ({"steps": str(10**16)}, "steps"),
        ({"step_size": "1/2"}, "limit"),  # η < 2/β
        ({"mu": "3"}, "above"),
        ({"mu": "1/1000"}, "radius"),
        ({"radius": "3"}, "."),
        ({"level": "1"}, "level"),
        ({"level": "1/100000"}, "above"),
        ({"level": "0"}, "level"),
    ],
)
def test_other_levels_are_another_claim(level, claim, reason):
    with pytest.raises(Rejected, match=reason):
        level_summary(forged(level, **claim))


def test_a_level_rests_on_its_own_theorem(level):
    other = copy.deepcopy(level)
    other["proof"]["theorem"] = certificate_of("gd-pl-star")
    with pytest.raises(Rejected, match="another claim"):
        level_summary(other)
    other["proof"]["theorem"] = {}
    with pytest.raises(Rejected):
        level_summary(other)
    other = copy.deepcopy(level)
    other["proof"]["via"] = "hope"
    with pytest.raises(Rejected, match="via"):
        level_summary(other)


def test_a_level_may_rest_on_the_kernel():
    found = lowered(["u*v - 1"], "u=1,v=6/5", Fraction(1, 10**6))
    assert found.certificate["proof"]["via"] == "kernel"
    assert level_summary(found.certificate)[1] > 4
    losses, _ = descended(found.certificate, found.steps)
    assert losses.min() <= 1e-6


def test_one_long_step_may_do():
    """F = x: with η = 1/β = 1 and μ < 1 one step ends below any level that μ allows."""
    found = lowered(["x"], "x=1", Fraction(1, 4))
    assert found.closes
    body = forged(found.certificate, steps="1")
    level_summary(body)  # (1 − μη)·L0 ≤ level
    assert found.steps == 1
    with pytest.raises(Rejected, match="step_size"):  # 1/β < η < 2/β: another rate
        level_summary(forged(found.certificate, step_size="5/4", radius="100"))


def test_a_zero_is_certified_with_a_point_beside_it(zero):
    says, checks, _ = nonconvex_summary(zero)
    assert says == "L = |F|^2/2 is convex in no neighbourhood of its zero u = 1, v = 1"
    assert checks == 3
    proof, sampled = zero["proof"], Sampled(zero["claim"]["system"]["formulas"])
    v, d = (np.array([float(Fraction(x)) for x in proof[key]]) for key in ("flat", "toward"))
    for t in (1e-2, 1e-4, 1e-6):
        assert v @ sampled.curvature(sampled.start + t * d) @ v < 0


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ({"flat": ["1", "1"]}, "flat"),
        ({"toward": ["-1", "-1"]}, "negative"),
        ({"toward": ["1", "-1"]}, "negative"),
        ({"flat": ["0", "0"]}, "negative"),
        ({"flat": ["1"]}, "vector"),
        ({"more": 1}, "unknown"),
    ],
)
def test_other_directions_are_refused(zero, proof, reason):
    body = copy.deepcopy(zero)
    body["proof"].update(proof)
    with pytest.raises(Rejected, match=reason):
        nonconvex_summary(body)


def test_a_point_that_is_no_zero_is_refused(zero):
    with pytest.raises(Rejected, match="not shown to be 0"):
        nonconvex_summary(with_system(zero, start=["1", "1000001/1000000"]))


@pytest.mark.parametrize("kind", ["ball", "level", "zero"])
def test_schemas_and_hashes_are_read(kind, request):
    body = request.getfixturevalue(kind)
    check = checker(body)
    check(json.loads(json.dumps(body)))
    for change in ({"schema": "boundcalc.other/1"}, {"claim_sha256": "0"}, {"proof": 1}):
        with pytest.raises(Rejected):
            check({**body, **change})
    with pytest.raises(Rejected):
        check({key: value for key, value in body.items() if key != "proof"})


# -- Proposition 2: with DF of full rank it holds; as it is often stated it does not


@pytest.mark.parametrize(
    "residual",
    [[SQUARES, "a"], [f"a + {SQUARES}", f"{SQUARES} - a"]],
    ids=["the gradient of that F_i is 0", "gradients are parallel"],
)
def test_without_full_rank_a_loss_with_large_hessians_may_be_convex(residual):
    """DF(0) ≠ 0 and rank H_1 = 5 > 2n = 4, yet L is convex on R^5: nothing may be certified."""
    found = curvature(residual, "a=0,b=0,c=0,d=0,g=0")
    assert max(found.ranks) == 5 > found.needed
    assert not found.full_rank
    assert not found.applies
    assert found.certificate is None
    sampled = Sampled({"variables": list("abcdg"), "residual": residual, "start": ["0"] * 5})
    rng = np.random.default_rng(0)
    for w in rng.normal(size=(300, 5)):
        assert np.linalg.eigvalsh(sampled.curvature(w))[0] >= -1e-12


def test_the_hypotheses_of_the_proposition_are_checked_with_numbers():
    found = curvature(["a*b + c*d - 1"], "a=1,b=1,c=0,d=0")
    assert (found.ranks, found.needed, found.full_rank) == ((4,), 2, True)
    assert found.applies
    assert found.says is not None


def test_nonconvexity_is_found_beyond_the_proposition():
    found = curvature(["y - sin(x) + x^2"], "x=0,y=0")
    assert not found.applies
    assert found.certificate is not None


def test_where_the_criterion_says_nothing_so_does_the_report():
    assert curvature(["x + y - 1", "x - y"], "x=1/2,y=1/2").certificate is None
    irrational = curvature(["a*tanh(b) + c*sin(d)", "a*exp(c) - 1"], "a=1,b=0,c=0,d=1")
    assert "not rational" in irrational.reason
    assert curvature(["x - 1"], "x=2") is None


def test_levels_are_read_strictly(level):
    with pytest.raises(Rejected):
        level_summary(forged(level, system={"network": {}}))
    assert read_level(level["claim"]).level == Fraction(1, 250)


# -- mutants


def mutants(certificate, count, seed):
    """The certificate with one leaf of its JSON changed; hashes are made to fit."""
    rng = np.random.default_rng(seed)
    places = [
        path for path in leaves(certificate) if path[0] in ("claim", "proof") and "theorem" not in
        "".join(map(str, path))
    ]  # fmt: skip
    for _ in range(count):
        body = copy.deepcopy(certificate)
        path = places[rng.integers(len(places))]
        spot = body
        for key in path[:-1]:
            spot = spot[key]
        spot[path[-1]] = changed(spot[path[-1]], rng)
        body["claim_sha256"] = digest(body["claim"])
        yield path, body


def leaves(data, path=()):
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for key, value in enumerate(data):
            yield from leaves(value, (*path, key))
    else:
        yield path


def changed(value, rng):
    if isinstance(value, int):
        return value + int(rng.integers(1, 60))
    try:
        number = Fraction(value)
    except ValueError:
        place = int(rng.integers(len(value)))
        letters = "0123456789+-*/^()xyuv2AZae="
        return value[:place] + letters[rng.integers(len(letters))] + value[place + 1 :]
    scale = Fraction(int(rng.integers(1, 40)), int(rng.integers(1, 40)))
    return str(number * scale) if rng.random() < 0.9 else str(-number)


def contradicted(body):
    """Whether sampling finds that an accepted ball certificate says something false."""
    claim = body["claim"]
    sampled = Sampled(claim["system"]["formulas"])
    radius, mu = float(Fraction(claim["radius"])), float(Fraction(claim["mu"]))
    points = sampled.points(radius, 400, np.random.default_rng(1))
    least = min(map(sampled.least, points))
    losses, away = descended(body, 300)
    rate = float(1 - Fraction(claim["step_size"]) * Fraction(claim["mu"]))
    slow = (losses > losses[0] * rate ** np.arange(301) * (1 + 1e-9) + 1e-25).any()
    return least < mu * (1 - 1e-9) or slow or away.max() > radius


def test_a_mutant_is_rejected_or_true(ball):
    accepted = 0
    for path, body in mutants(ball, 150, 5):
        try:
            verify(body)
        except Rejected:
            continue
        accepted += 1
        assert not contradicted(body), path
    assert 0 < accepted < 75  # weaker statements and proofs with room are fine


def test_a_mutant_of_a_level_is_rejected_or_true(level):
    for path, body in mutants(level, 80, 7):
        try:
            level_summary(body)
        except Rejected:
            continue
        claim = body["claim"]
        losses, _ = descended(body, min(int(claim["steps"]), 10_000))
        assert losses.min() <= float(Fraction(claim["level"])), path


def test_a_mutant_of_a_zero_is_rejected_or_true(zero):
    for path, body in mutants(zero, 150, 9):
        try:
            nonconvex_summary(body)
        except Rejected:
            continue
        sampled = Sampled(body["claim"]["system"]["formulas"])
        v, d = (
            np.array([float(Fraction(x)) for x in body["proof"][key]]) for key in ("flat", "toward")
        )
        assert v @ sampled.curvature(sampled.start + 1e-5 * d / np.linalg.norm(d)) @ v < 0, path


def test_what_a_certificate_rests_on_is_said(level, ball):
    """The theorem about levels integrates a gradient along a segment: that is an axiom."""
    theorem = level["proof"]["theorem"]
    assert {id for id, entry in theorem["premises"].items() if "axiom" in entry} == set(
        cited(level)
    )
    assert cited(level) and not cited(ball)
