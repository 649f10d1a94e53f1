"""What the kernel accepts about systems of formulas, against points sampled in the ball."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import bounds
from boundcalc.search.ball.constants import Search
from boundcalc.search.prove.budget import Budget

from .made_systems import Sampled, problem, system

ROUNDING = 1e-9


def proved(data: dict, radius: Fraction, seconds: float) -> dict | None:
    """Constants of a system with proofs, as the kernel reads them; None if too few were found."""
    start = tuple(map(Fraction, data["start"]))
    search = Search(problem(data), start, Budget(60 * seconds))
    smooth = search.defined(radius)
    shown = [search.show(name, radius, most=seconds) for name in ("L_F", "H", "beta", "mu")]
    found = [one for one in shown if one is not None]
    if smooth is None or not {"L_F", "H"} <= {one.name for one in found}:
        return None
    goals = {goal: proof for one in found for goal, proof in one.proofs.items()}
    return {
        "constants": {one.name: str(one.value) for one in found},
        "proofs": {**smooth, **goals},
        "frames": {goal: frame for one in found for goal, frame in one.frames.items()},
    }


def violations(data: dict, radius: Fraction, constants: dict, count: int, seed: int) -> list[str]:
    """Constants that a sampled point or pair of points contradicts."""
    numbers = {name: float(Fraction(value)) for name, value in constants.items()}
    sampled, rng = Sampled(data), np.random.default_rng(seed)
    points = sampled.points(float(radius), count, rng)
    found = []
    for w, v in zip(points, np.roll(points, 1, axis=0), strict=True):
        J = sampled.jacobian(w)
        near = v if rng.random() < 0.5 else w + 1e-4 * (v - w)
        if np.linalg.norm(J, 2) > numbers["L_F"] * (1 + ROUNDING):
            found.append("L_F")
        moved = np.linalg.norm(J - sampled.jacobian(near), 2)
        if moved > numbers["H"] * np.linalg.norm(w - near) * (1 + ROUNDING) + 1e-12:
            found.append("H")
        if sampled.least(w) < numbers.get("mu", 0.0) * (1 - ROUNDING) - 1e-15:
            found.append("mu")
        if np.linalg.norm(sampled.curvature(w), 2) > numbers.get("beta", np.inf) * (1 + ROUNDING):
            found.append("beta")
    return found


def attacked(seed: int, seconds: float) -> str:
    rng = np.random.default_rng(seed)
    data, radius = system(rng)
    proof = proved(data, radius, seconds)
    if proof is None:
        return "not proved"
    assert bounds(data, radius, proof).jacobian_norm == Fraction(proof["constants"]["L_F"])
    assert violations(data, radius, proof["constants"], 200, seed) == [], data
    for name, factor in (("L_F", "9/10"), ("H", "9/10"), ("mu", "10/9"), ("beta", "9/10")):
        if not Fraction(proof["constants"].get(name, "0")):
            continue
        said = Fraction(proof["constants"][name]) * Fraction(factor)
        forged = {**proof, "constants": {**proof["constants"], name: str(said)}}
        try:
            bounds(data, radius, forged)
        except Rejected:
            continue
        # a proof with room to spare may show more than it says; it must be true then
        assert violations(data, radius, forged["constants"], 400, seed) == [], (data, name)
    return "proved"


@pytest.mark.parametrize("seed", range(12))
def test_no_sampled_point_contradicts_what_was_accepted(seed):
    attacked(seed, 0.7)


@pytest.mark.long
def test_hundreds_of_random_systems():
    outcomes = [attacked(seed, 1.0) for seed in range(1_000, 1_400)]
    assert outcomes.count("proved") > 320
