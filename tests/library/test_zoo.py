"""Chaining from true facts of known functions gives nothing false: pi-base's test of coherence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numeric import Array, Numbers
from zoo import LOWER, NAMES, UPPER, ZOO, Animal, points

from boundcalc.library.chain import Fact, close, fed
from boundcalc.library.conditions import load_condition
from boundcalc.library.family import contraction_at, family_of_rates
from boundcalc.library.theorems import load_theorem

OF = {
    "f": {"f": "f", "grad": "grad", "inf": "fstar", "sample_grad": "grad_i"},
    "f_i": {"f": "f_i", "grad": "grad_i", "inf": "inf_i"},
}
IDS = [animal.name for animal in ZOO]


def near(animal: Animal, condition: str) -> bool:
    """Whether a condition speaks of minimisers."""
    return any("point" not in kind for _, kind in load_condition(condition).schema["slots"])


def ratios(animal: Animal, condition: str, at: list[Array]) -> Iterator[float]:
    """What a constant is the infimum (LOWER) or the supremum (UPPER) of, at points."""
    for x, y in zip(at, [*at[1:], at[0]], strict=True):
        square = float(np.sum((x - animal.instance.project(x)) ** 2)) if animal.has_minimum else 1.0
        gap = animal.instance.f(x)
        if gap > 1e-300 and square > 0:
            yield _ratio(animal, condition, x, y)


def _ratio(animal: Animal, condition: str, x: Array, y: Array) -> float:
    f, grad, project = animal.instance.f, animal.instance.grad, animal.instance.project
    g, gap = grad(x), f(x)
    away = x - project(x)
    inner, size, square = float(g @ away), float(g @ g), float(away @ away)
    above = f(y) - gap - float(g @ (y - x))
    match condition:
        case "pl" | "self-bounding":
            return size / 2 / gap
        case "aiming":
            return inner / gap
        case "rsi":
            return inner / square
        case "eb" | "eb-upper":
            return math.sqrt(size / square)
        case "qg":
            return 2 * gap / square
        case "strongly-convex":
            return 2 * above / float((y - x) @ (y - x))
        case "smooth" | "quadratic-bounds":
            beside = x * (1 + 1e-6)
            return float(np.linalg.norm(grad(beside) - g) / np.linalg.norm(beside - x))
        case "bounded-gradients":
            return math.sqrt(size)
        case "convex":
            return above / (1 + f(y) + gap)
        case "star-convex":
            return (inner - gap) / (1 + gap)
    raise ValueError(condition)


@pytest.mark.parametrize("animal", ZOO, ids=IDS)
def test_best_constants_are_best_and_false_facts_fail(animal: Animal) -> None:
    at = points(animal, np.random.default_rng(0), 700)
    for condition, constant in animal.best.items():
        seen = np.array(list(ratios(animal, condition, at)))
        if condition in LOWER:
            assert np.nanmin(seen) >= constant * (1 - 1e-4), condition
            assert np.nanmin(seen) <= constant * 1.05, condition
        elif condition in UPPER:
            assert np.nanmax(seen) <= constant * (1 + 1e-4), condition
            assert np.nanmax(seen) >= constant / 1.05, condition
        else:
            assert np.nanmin(seen) >= -1e-7, condition
    for condition in animal.false:
        seen = np.array(list(ratios(animal, condition, at)))
        if condition in UPPER:
            assert np.nanmax(seen) > 10, condition
        else:
            assert np.nanmin(seen) < (-1e-9 if NAMES.get(condition) is None else 0.02), condition


def truths(animal: Animal) -> list[Fact]:
    """All true facts, of f and of its only component, with constants on the safe side."""
    facts = []
    for condition, constant in animal.best.items():
        constants = {}
        if constant is not None:
            shade = Fraction(-1, 10**9) if condition in LOWER else Fraction(1, 10**9)
            constants = {NAMES[condition]: Fraction(constant) * (1 + shade)}
        facts += [Fact(condition, of, constants) for of in ("f", "f_i")]
    facts += [Fact("nonnegative", of, {}) for of in ("f", "f_i")]
    if animal.has_minimum and "pl" in animal.best:
        mu = Fraction(animal.best["pl"] or 0)
        facts.append(Fact("pl-star", "f", {"mu": mu * (1 - Fraction(1, 10**9))}))
    if animal.has_minimum and "aiming" in animal.best:
        theta = Fraction(animal.best["aiming"] or 0) * (1 - Fraction(1, 10**9))
        facts.append(Fact("alpha-beta", "f_i", {"alpha": theta, "beta": Fraction(0)}))
    return facts


def number(value: Any, upward: bool) -> float:
    return float(value[upward] if isinstance(value, tuple) else value)


def false_of(animal: Animal, fact: Fact, at: list[Array]) -> str:
    """Why a derived fact is false of the function; empty where nothing shows that."""
    if near(animal, fact.condition) and not animal.has_minimum:
        return ""  # it says nothing where there is no minimiser
    if fact.condition in animal.false:
        return "known to be false"
    weak = fact.condition in UPPER or fact.condition == "expected-smoothness"
    values = {name: number(value, upward=weak) for name, value in fact.constants.items()}
    best = animal.best.get(fact.condition)
    if best is not None:
        (value,) = values.values()
        if value < best * (1 - 1e-8) if fact.condition in UPPER else value > best * (1 + 1e-8):
            return f"better than the best, {best}"
    schema, numbers = load_condition(fact.condition).schema, Numbers(animal.instance)
    for x, y in itertools.pairwise(at):
        env: dict[str, Any] = {**OF[fact.family], **values}
        free = iter((x, y))
        for slot, kind in schema["slots"]:
            env[slot] = next(free) if kind == "point" else animal.instance.project(x)
        sizes = [float(p @ p) + animal.instance.f(p) for p in (x, y)]
        scale = 1 + sum(sizes) + float(sum(g @ g for g in map(animal.instance.grad, (x, y))))
        for relation in schema["relations"].values():
            if numbers.slack(relation, env) < -1e-7 * scale:
                return f"{relation} at {x}, {y} with {values}"
    return ""


@pytest.mark.parametrize("animal", ZOO, ids=IDS)
def test_nothing_false_is_derived(animal: Animal) -> None:
    """From all that is true, from each fact alone, and from each two."""
    facts = truths(animal)
    at = points(animal, np.random.default_rng(1), 60)
    checked: set[Any] = set()
    extra = {"sigma2": Fraction(0)}
    for size in (1, 2, len(facts)):
        for given in itertools.combinations(facts, size):
            for fact in close(given, extra):
                key = (fact.condition, fact.family, tuple(sorted(fact.constants.items())))
                if key not in checked:
                    checked.add(key)
                    why = false_of(animal, fact, at)
                    assert not why, f"{fact.condition}({fact.family}) by {fact.chain}: {why}"
    assert len(checked) > len(facts) or not {*LOWER, *UPPER} & animal.best.keys() - {"qg"}


def test_the_zoo_is_large_and_its_chains_are_long() -> None:
    assert len(ZOO) >= 20
    chains = [fact.chain for animal in ZOO for fact in close(truths(animal)[:1], {})]
    assert max(map(len, chains)) >= 2
    assert sum(len(animal.false) for animal in ZOO) >= 80


def test_a_false_implication_would_be_noticed() -> None:
    sine = next(animal for animal in ZOO if animal.name == "x² + 3 sin² x")
    at = points(sine, np.random.default_rng(1), 60)
    assert "false" in false_of(sine, Fact("convex", "f", {}), at)
    assert "best" in false_of(sine, Fact("pl", "f", {"mu": Fraction(1, 5)}), at)
    assert ">=" in false_of(sine, Fact("eb", "f", {"mu": Fraction(3)}), at)
    assert false_of(sine, Fact("eb", "f", {"mu": Fraction(1, 2)}), at) == ""


SMOOTH_PL = [animal for animal in ZOO if {"pl", "smooth"} <= animal.best.keys()]


@pytest.mark.parametrize("animal", SMOOTH_PL, ids=[animal.name for animal in SMOOTH_PL])
def test_rates_of_the_family_hold_at_every_point(animal: Animal) -> None:
    """One step of gradient descent from many points, against the best proved rate."""
    facts = truths(animal)
    theorem = next(f for f in fed(facts, {"sigma2": Fraction(0)}) if f.theorem.id == "gd-pl")
    env, family = dict(theorem.constants), family_of_rates(load_theorem("gd-pl"))
    at = points(animal, np.random.default_rng(2), 200)
    f, grad = animal.instance.f, animal.instance.grad
    for share in (0.1, 0.4, 0.6, 0.75, 0.86, 0.95, 0.99):
        gamma = Fraction(share) * 2 / Fraction(env["L"])
        rate = contraction_at(family, env, gamma)
        assert rate is not None
        for x in at:
            after = f(x - float(gamma) * grad(x))
            assert after <= float(rate.pair[1]) * f(x) * (1 + 1e-9) + 1e-15
