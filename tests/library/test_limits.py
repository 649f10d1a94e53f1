"""Step-size limits that are tight: just below, the promise is kept; just beyond, it is broken."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numeric import Array, Instance, Numbers
from running import Run, bound_constants, constraints_hold, seen_and_allowed

from boundcalc.library.certificates import claim_of
from boundcalc.library.files import read
from boundcalc.library.theorems import theorem_ids

L = 2.0
GROWS = {  # on L·x²/2 gradient descent multiplies x by 1 − γL
    "gd-pl",
    "gd-pl-long",
    "gd-nonconvex",
    "sgd-nonconvex",
    "sgd-pl",
    "sgd-pl-batch",
    "gd-pl-star",
    "gd-pl-star-eps",
    "gd-rsi-eb",
}
TOO_SLOW = {"sgd-pl-star", "gd-pl-star-residual"}  # it converges, slower than the rate says
LOOSE = {
    "gd-pl-short": "a branch ends here: gd-pl-medium goes on",
    "gd-pl-medium": "a branch ends here: gd-pl-long goes on",
    "gd-convex": "the proof needs L·gamma <= 1; on quadratics the method goes on up to 2/L",
    "gd-nonconvex-short": "a branch ends here: gd-nonconvex-long goes on",
    "gd-nonconvex-long": "a branch ends here: gd-nonconvex goes on",
    "sgd-alpha-beta": "half of the limit of sgd-alpha-beta-sharp, as published",
    "sgd-alpha-beta-sharp": "its bound is infinite there; on quadratics SGD goes on up to 2/L",
    "sgd-convex": "as sgd-alpha-beta-sharp with alpha = 1, beta = 0",
    "sgd-convex-average": "as sgd-convex",
    "sgd-alpha-beta-batch": "as sgd-alpha-beta-sharp: its bound is infinite there",
    "sgd-alpha-beta-qg": "its rate is 1 there; on quadratics the distance contracts up to 2/L",
    "sgd-aiming-qg": "as sgd-alpha-beta-qg",
    "sgd-aiming": "as sgd-alpha-beta-sharp with alpha = theta, beta = 0",
    "sgd-strongly-convex": "on quadratics the squared distance contracts up to 2/L",
    "sgd-strongly-convex-sharp": "as sgd-strongly-convex",
    "ngn-alpha-beta": "its bound is infinite there; the steps of NGN never exceed 2f/|g|²",
}


def test_every_limit_is_called_tight_or_loose() -> None:
    limited = {id for id in theorem_ids() if "step_size_limit" in read("theorems", id)}
    assert limited == GROWS | TOO_SLOW | LOOSE.keys()
    assert not (GROWS | TOO_SLOW) & LOOSE.keys()


def parabola() -> Instance:
    """L·x²/2, once or n times."""
    part = (lambda x: float(L * x @ x / 2), lambda x: L * x, 0.0)
    made = Instance("parabola", 1, [part, part], lambda x: np.zeros(1))
    made.facts = {(id, of): {"L": L} for id in ("smooth", "self-bounding") for of in ("f", "f_i")}
    made.facts |= {(id, "f"): {"mu": L} for id in ("pl", "pl-star", "pl-star-eps")}
    made.facts[("pl-star-eps", "f")]["epsilon"] = 1e-9
    made.facts[("expected-smoothness", "f")] = {"A": 0, "B": 1, "C": 0}
    made.facts |= {("nonnegative", of): {} for of in ("f", "f_i")}
    return made


def turning() -> Instance:
    """x ↦ (mu·I + w·turn)x has <g, x> = mu|x|² and |g| = L|x|: all that gd-rsi-eb asks for.

    It is a field and no gradient; the theorem's proof looks at single points alone.
    """
    mu, turn = 0.5, np.array([[0.0, -1.0], [1.0, 0.0]])
    field = mu * np.eye(2) + (L * L - mu * mu) ** 0.5 * turn
    made = Instance("field", 2, [(lambda x: 0.0, lambda x: field @ x, 0.0)], lambda x: np.zeros(2))
    made.facts = {("rsi", "f"): {"mu": mu}, ("eb-upper", "f"): {"L": L}}
    return made


def nearly_linear() -> Instance:
    """The square loss of a linear map: any beta_F > 0 will do."""
    root = L**0.5

    def transposed(x: Array, v: Array) -> Array:
        return root * v

    made = parabola()
    made.maps = {"res": lambda x: root * x, "J": lambda x, u: root * u, "JT": transposed}
    made.constants = {"L_F": root, "beta_F": 1e-6, "mu": L}
    return made


def run_at(id: str, share: float) -> tuple[Run, bool]:
    """A run with this share of the limit; whether the theorem admits it."""
    raw = read("theorems", id)
    claim: Any = claim_of(raw)
    instance = {"gd-rsi-eb": turning, "gd-pl-star-residual": nearly_linear}.get(id, parabola)()
    env = bound_constants(instance, claim)
    assert env is not None
    start = np.full(instance.dim, 1.5)
    env |= {"loss0": instance.f(start), "gap0": instance.f(start), "delta": 1.0}
    env |= {"steps": 6.0, "r0": (2 * instance.f(start)) ** 0.5}
    env["gamma"] = share * Numbers(instance)(raw["step_size_limit"], env)
    return Run(instance, claim, env, start), constraints_hold(instance, claim, env)


@pytest.mark.parametrize("id", sorted(GROWS | TOO_SLOW))
def test_just_below_the_limit_the_promise_is_kept(id: str) -> None:
    run, admitted = run_at(id, 0.999)
    assert admitted
    for seen, allowed in seen_and_allowed(run, 4):
        assert seen <= allowed * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("id", sorted(GROWS))
def test_just_beyond_the_limit_iterates_go_away(id: str) -> None:
    run, admitted = run_at(id, 1.001)
    assert not admitted
    lengths = [sum(w * float(x @ x) for w, x, _ in now) for now in run.states(4)]
    assert all(after > before for before, after in pairwise(lengths))
    below, _ = run_at(id, 0.999)
    lengths = [sum(w * float(x @ x) for w, x, _ in now) for now in below.states(4)]
    assert all(after < before for before, after in pairwise(lengths))


@pytest.mark.parametrize("id", sorted(TOO_SLOW))
def test_just_beyond_the_limit_the_rate_is_missed(id: str) -> None:
    run, admitted = run_at(id, 1.001)
    assert not admitted
    rate = Numbers(run.instance)(read("theorems", id)["rate"], run.env)
    first, second = (run.mean("f(x)", now) for now in run.states(1))
    assert second > rate * first
    kept, _ = run_at(id, 0.999)
    rate = Numbers(kept.instance)(read("theorems", id)["rate"], kept.env)
    first, second = (kept.mean("f(x)", now) for now in kept.states(1))
    assert second <= rate * first
