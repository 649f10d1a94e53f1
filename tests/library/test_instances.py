"""A second line: every theorem, on functions that satisfy its hypotheses, keeps its promise.

Conclusions are evaluated in floating point at random points, and algorithms are run over all
sequences of samples, so that expectations are exact. Nothing here comes from the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from families import families
from map_families import composed, square_loss
from numeric import Instance
from running import (
    SLACK,
    Run,
    bound_constants,
    conclusion_slack,
    draw,
    free_constants,
    hypotheses_hold,
    seen_and_allowed,
)

from boundcalc.library.certificates import claim_of
from boundcalc.library.files import read
from boundcalc.library.theorems import theorem_ids

WITHOUT = {  # theorems without instances, and why
    "local-nonconvexity": "a statement in words, cited",
    "wide-networks": "a statement in words with hidden constants, cited",
    "hessian-jacobian-lipschitz": "its hypothesis is in words; the maps here have closed-form H",
}
COMPOSED = {"input-map-conditioning", "output-map-conditioning", "kernel-sum-conditioning"}
ABOUT_POINTS = {"implies", "inequality"}


def rule(id: str) -> str:
    return str(read("theorems", id).get("conclusion", {}).get("rule", "words"))


POINTWISE = [id for id in theorem_ids() if rule(id) in ABOUT_POINTS and id not in WITHOUT]
ALGORITHMS = [id for id in theorem_ids() if rule(id) not in {*ABOUT_POINTS, "words"}]


def instances(id: str, seeds: int) -> Iterator[tuple[Instance, dict[str, Any], Any]]:
    """Instances of a theorem, with its constants there."""
    claim = claim_of(read("theorems", id))
    for seed in range(seeds):
        found = [composed(id, seed)] if id in COMPOSED else [*families(seed), square_loss(seed)]
        for instance in found:
            if bool(instance.maps) == bool(set(claim.get("functions", {})) - {"batch", "norm"}):
                env = bound_constants(instance, claim)
                if env is not None:
                    yield instance, env, claim


def test_every_theorem_is_tried() -> None:
    assert set(POINTWISE) | set(ALGORITHMS) | set(WITHOUT) == set(theorem_ids())
    for id in (*POINTWISE, *ALGORITHMS):
        assert next(instances(id, 1), None) is not None, f"{id}: no family of instances"


@pytest.mark.parametrize("id", POINTWISE)
def test_conclusions_hold_at_random_points(id: str) -> None:
    rng, count = np.random.default_rng(1), 0
    for instance, env, claim in instances(id, 4):
        hypotheses_hold(instance, claim, env, rng)
        for _ in range(25):
            here = free_constants(instance, claim, env, rng)
            assert conclusion_slack(instance, claim, here, rng) >= -1e-7, instance.name
            count += 1
    assert count >= 100


def tried(id: str, claim: Any, seeds: int, steps: int = 4) -> Iterator[tuple[str, float, float]]:
    """(kind of instance, seen, allowed) over runs of a theorem's algorithm."""
    rng = np.random.default_rng(2)
    steps -= "batch" in claim.get("functions", {})  # pairs of samples make many paths
    for instance, env, _ in instances(id, seeds):
        drawn = draw(instance, claim, env, rng, steps)
        if drawn is None:
            continue
        hypotheses_hold(instance, claim, env | drawn[0], rng)
        run = Run(instance, claim, *drawn)
        count = steps if run.random else 3 * steps
        for seen, allowed in seen_and_allowed(run, count):
            yield instance.name, seen, allowed
        if "bound_varying" in claim["conclusion"]:
            gammas = [float(run.env["gamma"] * rng.uniform(0.1, 1)) for _ in range(count)]
            for seen, allowed in seen_and_allowed(run, count, gammas):
                yield f"{instance.name}, steps that vary", seen, allowed


@pytest.mark.parametrize("id", ALGORITHMS)
def test_algorithms_keep_their_promises(id: str) -> None:
    kinds: Counter[str] = Counter()
    for kind, seen, allowed in tried(id, claim_of(read("theorems", id)), 5):
        kinds[kind] += 1
        assert seen <= allowed * (1 + SLACK) + 1e-12, kind
    assert kinds.total() >= 5
    assert len(kinds) >= 2 or id == "gd-pl-star-residual"


FALSE = [  # statements that are false, and that the runs above must show to be so
    ("gd-pl", "rate", "(1 - mu*gamma*(2 - L*gamma))^2"),
    ("gd-rsi-eb", "rate", "(1 - mu*gamma)^3"),
    ("sgd-alpha-beta-sharp", "bound", "dist2/(20*steps*gamma*(alpha - beta - L*gamma))"),
    ("sgd-pl", "floor", "0"),
    ("gd-convex", "bound", "dist2/(40*gamma*steps)"),
    ("gd-pl-star", "radius", "root0/(4*root_mu*(2 - beta*gamma))"),
    ("sgd-nonconvex", "bound", "gap0/(50*steps*gamma*(2 - L*B*gamma))"),
    ("sgd-nonconvex-abc", "bound", "gap0/(20*steps*gamma)"),
    ("sgd-convex-average", "bound", "dist2/(30*steps*gamma)"),
    (
        "sgd-strongly-convex-average",
        "bound",
        "mu*(k0 - 1)*(k0 - 2)*dist2/(40*steps*(steps + 2*k0 - 3))",
    ),
    ("sgd-alpha-beta-batch", "bound_varying", "dist2/(60*(alpha - beta)*gamma_sum)"),
    ("sgd-alpha-beta-horizon", "bound", "dist2*L/(10*steps*(alpha - beta)^2)"),
    ("sgd-pl-batch", "floor", "0"),
    ("sgd-strongly-convex-sharp", "floor", "0"),
    ("gd-nonconvex-long", "bound", "gap0/(2*steps*gamma*(4 - L^2*gamma^2))"),
    ("gd-l0-l1", "bound", "gap0/(8*steps)"),
]


@pytest.mark.parametrize(("id", "key", "text"), FALSE)
def test_false_statements_are_caught(id: str, key: str, text: str) -> None:
    claim = claim_of(read("theorems", id))
    claim["conclusion"] = {**claim["conclusion"], key: text}
    assert any(seen > allowed * (1 + 1e-6) + 1e-9 for _, seen, allowed in tried(id, claim, 5))


def test_false_implications_are_caught() -> None:
    claim = claim_of(read("theorems", "strongly-convex-pl"))
    claim["conclusion"] = {**claim["conclusion"], "constants": {"mu": "1.1*mu"}}
    rng = np.random.default_rng(3)
    found = [(i, e) for i, e, _ in instances("strongly-convex-pl", 4) if i.dim == 1]
    slacks = [conclusion_slack(i, claim, e, rng) for i, e in found for _ in range(20)]
    assert slacks
    assert min(slacks) < -1e-3
