"""The oracle's rules: what a conclusion asks of one step, written from docs/trust.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sympy as sp
from oracle_forms import Known, constant, difference, signed
from oracle_world import CONSTANT, SAMPLE, At, NotShownError, World, vanishes

Claim = Mapping[str, Any]
Obligation = tuple[str, sp.Expr, bool, bool]  # name, value, strict, in expectation
SUMS = {"steps", "gamma_sum", "gamma_sqsum"}


def words(text: str) -> set[str]:
    """The names in a text."""
    return set(re.findall(r"[A-Za-z_]\w*", text))


def _next(known: Known, claim: Claim) -> dict[str, Any]:
    """The names of the state, and what they become."""
    state = set(claim.get("state", {}))
    moved: dict[str, Any] = {}
    for name, successor in claim.get("next", {}).items():
        if name in state:
            moved[name] = known.world.scalars[successor]
        elif claim["points"].get(name) in ("any", "inside"):
            known.world.points[successor]
            moved[name] = At(successor)
        else:
            raise NotShownError(f"{name} is not free to move")
    if state - set(moved):
        raise NotShownError("a carried scalar without successor")
    return moved


def _of_state(known: Known, claim: Claim, text: str) -> sp.Expr:
    """A function of what is carried, of fixed points and constants."""
    world = known.world
    fixed = {n for n, kind in claim["points"].items() if kind in ("fixed", "minimiser", "centre")}
    constants = {n for n, v in world.scalars.items() if world.highest(v) == CONSTANT} - SUMS
    allowed = fixed | constants | set(claim.get("next", {})) | set(world.functions)
    if words(text) - allowed - {"dot", "sqnorm", "square", "E"}:
        raise NotShownError(f"not a function of the state: {text}")
    value = world.scalar(text)
    if world.highest(value) == SAMPLE:
        raise NotShownError("depends on the sampled index")
    return value


def _kept(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    changing = {"k"} if claim["conclusion"]["rule"] == "potential" else set()
    changing |= {"gamma"} if "bound_varying" in claim["conclusion"] else set()
    for name, text in proof.get("invariants", {}).items():
        if words(text) & changing or words(text) - set(claim["state"]) - set(claim["parameters"]):
            raise NotShownError("an invariant of carried scalars and constants")
        value, kind = difference(known.world, text, _next(known, claim))
        yield f"{name}_kept", value, kind == ">", False


def _start(known: Known, claim: Claim, value: sp.Expr) -> Iterator[Obligation]:
    world, meanings = known.world, {}
    for name, text in claim["conclusion"]["initial"].items():
        meanings[name] = world.scalar(text)
        if name not in claim["parameters"] or name in ("fstar", "sigma2"):
            raise NotShownError(f"{name} cannot stand for a start value")
        if world.highest(meanings[name]) == SAMPLE:
            raise NotShownError("a start value is known before sampling")
    yield "start", world.scalar(claim["conclusion"]["start"], meanings) - value, False, False


def _steady(known: Known, claim: Claim, word: str, values: list[sp.Expr]) -> None:
    """What is given once may not depend on what changes from step to step."""
    world = known.world
    texts = [*claim.get("state", {}).values(), *claim["conclusion"]["initial"].values()]
    texts += [text for h in claim["hypotheses"] for text in h["constants"].values()]
    for value in [*values, *(world.scalar(text) for text in texts)]:
        if word in world.behind(value):
            raise NotShownError(f"depends on {word}")


def _summed(world: World, value: sp.Expr) -> sp.Expr:
    """The sum over steps of a polynomial in gamma of degree 2 at most."""
    gamma = world.scalars["gamma"]
    above, below = sp.fraction(sp.together(value))
    others = (above.free_symbols | below.free_symbols) - {gamma}
    if below.has(gamma) or any("gamma" in world.behind(s) for s in others):
        raise NotShownError("not a polynomial in gamma")
    total = sp.S.Zero
    for (power,), coefficient in sp.Poly(above, gamma).terms():
        total += coefficient * world.scalar(("steps", "gamma_sum", "gamma_sqsum")[power])
    return total / below


def telescoping(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """E V(next) <= V - weight*quantity + noise, summed over the steps."""
    yield from _kept(known, claim, proof)
    said, world = claim["conclusion"], known.world
    value = _of_state(known, claim, said["potential"])
    quantity = _of_state(known, claim, said["quantity"])
    weight, noise = constant(known, said["weight"]), constant(known, said["noise"])
    if SUMS & (world.behind(weight) | world.behind(noise)):
        raise NotShownError("weight and noise are of one step")
    after = world.scalar(said["potential"], _next(known, claim))
    yield "step", value - after + noise - weight * quantity, False, True
    yield "potential", value, False, False
    yield "weight", weight, True, False
    known.remember(weight)
    yield from _start(known, claim, value)
    start, steps = constant(known, said["start"]), world.scalars["steps"]
    total = (start + steps * noise) / (steps * weight)
    yield "bound", constant(known, said["bound"]) - total, False, False
    if "bound_varying" in said:
        varying = constant(known, said["bound_varying"])
        _steady(known, claim, "gamma", [value, quantity, start, varying])
        total = (start + _summed(world, noise)) / _summed(world, weight)
        known.remember(_summed(world, weight))
        yield "bound_varying", varying - total, False, False


def contraction(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """E V(next) <= rate*V + noise with 0 <= rate < 1 and noise >= 0."""
    yield from _kept(known, claim, proof)
    said = claim["conclusion"]
    value = _of_state(known, claim, said["potential"])
    rate, noise = constant(known, said["rate"]), constant(known, said["noise"])
    after = known.world.scalar(said["potential"], _next(known, claim))
    yield "step", rate * value + noise - after, False, True
    yield "rate", rate, False, False
    yield "noise", noise, False, False
    yield "below_one", 1 - rate, True, False
    known.remember(1 - rate)
    yield "floor", constant(known, said["floor"]) - noise / (1 - rate), False, False


def potential(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """E phi(k + 1, next) <= phi(k, now) + noise and phi(K, x) >= growth(K)*quantity(x)."""
    yield from _kept(known, claim, proof)
    said, world = claim["conclusion"], known.world
    if claim["parameters"].get("k") != "nonnegative":
        raise NotShownError("k >= 0")
    steps, k = world.scalars["steps"], world.scalars["k"]
    phi, quantity = said["potential"], _of_state(known, claim, said["quantity"])
    now = _of_state(known, claim, phi)
    noise, start = constant(known, said["noise"]), constant(known, said["start"])
    with world.aside():  # its divisors are shown to be positive on the way
        bound = constant(known, said["bound"])
    named = (words(phi) | words(said["growth"])) - {"k"}
    given = [world.scalars[name] for name in named if name in world.scalars]
    given += [difference(world, s["holds"])[0] for s in claim.get("setup", []) if "holds" in s]
    _steady(known, claim, "k", [noise, quantity, bound, start, *given])
    after = world.scalar(phi, {**_next(known, claim), "k": k + 1})
    yield "step", now - after + noise, False, True
    growth = world.scalar(said["growth"], {"k": steps})
    if world.highest(growth) != CONSTANT:
        raise NotShownError("growth is a constant")
    yield "growth", growth, True, False
    known.remember(growth)
    yield "final", world.scalar(phi, {"k": steps}) - growth * quantity, False, False
    yield from _start(known, claim, world.scalar(phi, {"k": sp.S.Zero}))
    bound = constant(known, said["bound"])
    yield "bound", bound - (start + steps * noise) / growth, False, False


def _root(known: Known, name: str, of: sp.Expr) -> sp.Expr:
    if name not in known.roots or not vanishes(known.roots[name] - of):
        raise NotShownError(f"{name} is not that square root")
    return known.world.scalars[name]


def _step_of(known: Known, claim: Claim) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The loss now and after the step, and the squared length of the step."""
    ((point, successor),) = claim["next"].items()
    if claim["points"][point] != "inside" or claim.get("state"):
        raise NotShownError("one point inside the ball moves")
    world, loss = known.world, claim["conclusion"]["loss"]
    away = world.vectors[successor].add(world.vectors[point], -1)
    after = world.scalar(loss, _next(known, claim))
    return _of_state(known, claim, loss), after, world.inner(away, away)


def path_length(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """Steps are at most scale*(root - next root) long, so the path fits in the ball."""
    yield from _kept(known, claim, proof)
    said, world = claim["conclusion"], known.world
    now, after, moved = _step_of(known, claim)
    start = constant(known, said["start"])
    root, root_next = _root(known, said["root"], now), _root(known, said["root_next"], after)
    length = world.scalar(said["length"])
    if SAMPLE in (world.highest(length), world.highest(after)):
        raise NotShownError("steps are deterministic here")
    scale, rate = constant(known, said["scale"]), constant(known, said["rate"])
    root_start = _root(known, said["root_start"], start)
    until = constant(known, said.get("until", "0"))
    radius = constant(known, said["radius"])
    for name, value, strict in (
        ("until", until, False),
        ("scale", scale, False),
        ("rate", rate, False),
        ("below_one", 1 - rate, True),
        ("radius", radius - scale * root_start, False),
    ):
        yield name, value, strict, False
    known.learn("level", start - now, ">=")
    known.learn("running", now - until, ">")
    known.learn("moving", root, ">")
    yield "step", rate * now - after, False, False
    yield "move", length**2 - moved, False, False
    yield "forward", length, False, False
    yield "length", scale * (root - root_next) - length, False, False


def stopped(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """E V(next) <= rate*V and E|step|^2 <= spread*V inside; Markov's inequality for leaving."""
    yield from _kept(known, claim, proof)
    said = claim["conclusion"]
    now, after, moved = _step_of(known, claim)
    rate, spread = constant(known, said["rate"]), constant(known, said["spread"])
    start, delta = constant(known, said["start"]), constant(known, said["delta"])
    root_rate = _root(known, said["root_rate"], rate)
    reach = _root(known, said["reach"], spread * start)
    radius = constant(known, said["radius"])
    yield "rate", rate, False, False
    yield "below_one", 1 - rate, True, False
    yield "spread", spread, False, False
    yield "delta", delta, True, False
    yield "radius", radius * delta * (1 - root_rate) - reach, False, False
    yield "loss", now, False, False
    yield "loss_next", after, False, False
    yield "step", rate * now - after, False, True
    yield "length", spread * now - moved, False, True


def inequality(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """One relation."""
    value, kind = difference(known.world, claim["conclusion"]["holds"])
    if kind == "=":
        raise NotShownError("an equality")
    yield "main", value, kind == ">", False


def implies(known: Known, claim: Claim, proof: Mapping[str, Any]) -> Iterator[Obligation]:
    """A condition, at points that are as free as its slots."""
    said, world = claim["conclusion"], known.world
    condition, at = claim["conditions"][said["condition"]], said["at"]
    if set(said["of"]) != set(condition["functions"]) or condition.get("guard"):
        raise NotShownError("not a condition to conclude")
    env: dict[str, Any] = dict(said["of"])
    for slot, kind in condition["slots"]:
        name = at[slot]
        if kind.startswith("vector "):
            free = claim["vectors"][name] == kind.removeprefix("vector ")
        elif kind.startswith("projection of "):
            free = (
                claim["points"][name] == f"projection of {at[kind.removeprefix('projection of ')]}"
            )
        else:
            free = claim["points"][name] == {"point": "any"}.get(kind, kind)
        if not free:
            raise NotShownError(f"{name} is not free")
        env[slot] = world.vectors[name] if kind.startswith("vector ") else At(name)
    if len(set(at.values())) < len(condition["slots"]) or set(at) != set(dict(condition["slots"])):
        raise NotShownError("a point of its own for every slot")
    for name, sign in condition["constants"].items():
        text = said["constants"][name]
        env[name] = constant(known, text)
        if sign != "real" and not (signed(known, text)[1] or sign == "nonnegative"):
            raise NotShownError(f"{name} is not known to be positive")
    stated = {f"where{n}": text for n, text in enumerate(condition.get("where", []), start=1)}
    for name, text in {**stated, **condition["relations"]}.items():
        value, kind = difference(world, text, env)
        if kind == "=" and name not in stated:
            raise NotShownError("an equality cannot be concluded")
        yield name, value, kind == ">", False


RULES: Mapping[str, Callable[[Known, Claim, Mapping[str, Any]], Iterator[Obligation]]] = {
    "inequality": inequality,
    "implies": implies,
    "telescoping": telescoping,
    "contraction": contraction,
    "potential": potential,
    "path-length": path_length,
    "stopped": stopped,
}
