"""Instances of a theorem: its constants bound, its hypotheses tried, its algorithm run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numeric import Array, Instance, Numbers

Claim = Mapping[str, Any]
Env = dict[str, Any]
SLACK = 1e-9  # relative, of floating point
LARGER_IS_WEAKER = {"L", "L0", "L1", "G", "A", "B", "C", "beta"}


def family_of(of: Mapping[str, str]) -> str | None:
    """f, f_i, or None for functions that a theorem declares."""
    names = set(of.values()) - {"norm"}  # that of the gradient
    if names <= {"f_i", "grad_i", "inf_i"}:
        return "f_i"
    return "f" if names <= {"f", "grad", "fstar", "grad_i"} else None


def bound_constants(instance: Instance, claim: Claim) -> Env | None:
    """The theorem's constants at an instance; None where a hypothesis is not known to hold."""
    env: Env = {**instance.constants, "n": float(len(instance.parts)), "s": 2.0}
    for hypothesis in claim["hypotheses"]:
        family = family_of(hypothesis["of"])
        if family is None or (hypothesis["condition"] == "pl-star" and instance.maps):
            continue
        fact = instance.facts.get((hypothesis["condition"], family))
        if hypothesis["condition"] == "gradient-norm":
            fact = {}  # a definition
        if fact is None:
            if instance.maps:
                continue
            return None
        for name, text in hypothesis["constants"].items():
            if not _bind(env, name, text, fact[name]):
                return None
    return env


def _bind(env: Env, name: str, text: str, value: float) -> bool:
    if text == "mu/n":
        text, value = "mu", value * env["n"]
    if re.fullmatch(r"\d+", text):
        return float(text) == value
    if text in env:
        value = (max if name in LARGER_IS_WEAKER else min)(value, env[text])
    env[text] = value
    return True


def free_constants(instance: Instance, claim: Claim, env: Env, rng: np.random.Generator) -> Env:
    """Values for the constants that no hypothesis gives, such that the constraints hold."""
    fixed = env if claim["hypotheses"] else {}
    free = [name for name in claim["parameters"] if name not in {"fstar", "sigma2", *fixed}]
    for _ in range(200):
        made = env | {name: float(2 ** rng.uniform(-3, 3)) for name in free}
        if not free or constraints_hold(instance, claim, made):
            return made
    raise AssertionError(f"{instance.name}: no constants satisfy the constraints")


def within(instance: Instance, condition: Mapping[str, Any], placed: Env) -> None:
    """Moves the second point of a guarded condition towards the first until it speaks of both."""
    (first, _), (second, _) = [*condition["slots"], ("", "")][:2]
    while second and condition.get("guard") and placed_outside(condition, instance, placed):
        placed[second] = placed[first] + 0.7 * (placed[second] - placed[first])


def hypotheses_hold(instance: Instance, claim: Claim, env: Env, rng: np.random.Generator) -> None:
    """Asserts each hypothesis at random points: an instance that is none would show nothing."""
    for hypothesis in claim["hypotheses"]:
        condition = claim["conditions"][hypothesis["condition"]]
        numbers = Numbers(instance)
        values = {c: numbers(text, env) for c, text in hypothesis["constants"].items()}
        for _ in range(8):
            placed = {**hypothesis["of"], **values}
            for slot, kind in condition["slots"]:
                placed[slot] = _slot(instance, kind, placed, hypothesis["domain"], rng)
            within(instance, condition, placed)
            for index in range(len(instance.parts)):
                for relation in condition["relations"].values():
                    if "batch" in hypothesis["of"].values():
                        continue  # a sum of s samples, by construction
                    if "guard" in condition and placed_outside(condition, instance, placed):
                        continue
                    slack = Numbers(instance, index).slack(relation, placed)
                    scale = 1 + sum(float(np.sum(np.square(v))) for v in _arrays(placed))
                    assert slack >= -1e-7 * scale, (instance.name, hypothesis["name"], slack)


def placed_outside(condition: Mapping[str, Any], instance: Instance, placed: Env) -> bool:
    """Whether a guarded condition says nothing here."""
    return bool(condition["guard"]) and Numbers(instance).slack(condition["guard"], placed) < 0


def _arrays(env: Env) -> list[Array]:
    return [value for value in env.values() if isinstance(value, np.ndarray)]


def _slot(
    instance: Instance, kind: str, placed: Env, domain: str, rng: np.random.Generator
) -> Array:
    if "vector " in kind:
        space = kind.rpartition("vector ")[2]
        return rng.normal(size=instance.sizes.get(space, instance.dim))
    if domain == "centre":
        return np.zeros(instance.dim)
    if kind.startswith("projection of "):
        return instance.project(placed[kind.removeprefix("projection of ")])
    point = instance.points(rng, 1)[0]
    return instance.project(point) if kind == "minimiser" else point


def points_of(instance: Instance, claim: Claim, env: Env, rng: np.random.Generator) -> Env:
    """Values for the declared points and vectors of a claim."""
    found: Env = {}
    for name, kind in sorted(claim.get("points", {}).items(), key=lambda item: " of " in item[1]):
        found[name] = _slot(instance, kind, found, kind, rng)
    if "near" in str(claim["setup"]):  # inside the ball around the centre
        away = rng.normal(size=instance.dim)
        found["x"] = found["x0"] + env["R"] * rng.random() ** 0.2 * away / np.linalg.norm(away)
    for name, space in claim.get("vectors", {}).items():
        found[name] = rng.normal(size=instance.sizes.get(space, instance.dim))
    return found


def conclusion_slack(instance: Instance, claim: Claim, env: Env, rng: np.random.Generator) -> float:
    """The least relative slack of what an implication or inequality concludes, at one draw."""
    said, least = claim["conclusion"], np.inf
    here = {**env, **points_of(instance, claim, env, rng)}
    for entry in claim["setup"]:
        if "is" in entry:
            here[entry["name"]] = Numbers(instance)(entry["is"], here)
    scale = 1 + sum(float(np.sum(np.square(v))) for v in _arrays(here))
    for index in range(len(instance.parts)):
        numbers = Numbers(instance, index)
        if said["rule"] == "inequality":
            return numbers.slack(said["holds"], here) / scale
        condition = claim["conditions"][said["condition"]]
        placed = {**said["of"], **{slot: here[name] for slot, name in said["at"].items()}}
        placed |= {name: numbers(text, env) for name, text in said["constants"].items()}
        within(instance, condition, placed)
        for relation in condition["relations"].values():
            least = min(least, numbers.slack(relation, placed) / scale)
    return least


class Run:
    """A theorem's own algorithm on an instance, over all sequences of samples."""

    def __init__(self, instance: Instance, claim: Claim, env: Env, start: Array) -> None:
        self.instance, self.claim, self.env, self.start = instance, claim, env, start
        words = str(claim["setup"])
        self.varied = False  # whether the step size changes from step to step
        self.batch = "batch(" in words
        self.random = self.batch or "_i(" in words
        self.size = float(env["s"]) if "mini-batch-mean" in claim["conditions"] else 1.0
        self.point, *self.others = [name for name in claim["next"] if name in claim["points"]]

    def outcomes(self) -> list[tuple[int, ...]]:
        """What can be sampled in one step, all as likely."""
        every = range(len(self.instance.parts) if self.random else 1)
        return list(itertools.product(every, repeat=int(self.env["s"]) if self.batch else 1))

    def value(self, text: str, x: Array, state: Env, **more: Any) -> Any:
        """An expression in the state."""
        names = dict.fromkeys(self.claim["points"], x)
        for name, kind in self.claim["points"].items():
            if kind.startswith("projection of ") or kind == "minimiser":
                names[name] = self.instance.project(x if " of " in kind else self.start)
        return Numbers(self.instance)(text, {**self.env, **names, **state, **more})

    def _step(self, x: Array, state: Env, chosen: tuple[int, ...], more: Env) -> tuple[Array, Env]:
        numbers = Numbers(self.instance, chosen[0])
        if self.batch:
            parts = self.instance.parts
            self.instance.maps["batch"] = lambda at: (
                sum(parts[i][1](at) for i in chosen) / self.size
            )
        here = {**self.env, **more, **state, self.point: x}
        for entry in self.claim["setup"]:
            if "is" in entry:
                here[entry["name"]] = numbers(entry["is"], here)
        moved = {name: here[successor] for name, successor in self.claim["next"].items()}
        return moved.pop(self.point), moved

    def states(self, steps: int, gammas: list[float] | None = None) -> Iterator[list[Any]]:
        """For k = 0, 1, ..., steps: the (weight, point, carried scalars) that can be reached."""
        carried: Env = dict.fromkeys(self.others, self.start)
        for name, text in self.claim.get("state", {}).items():
            carried[name] = Numbers(self.instance)(text, self.env)
        now = [(1.0, self.start, carried)]
        yield now
        outcomes = self.outcomes()
        for k in range(steps):
            more: Env = {"k": float(k)}
            if gammas is not None:
                more["gamma"] = gammas[k]
            now = [
                (weight / len(outcomes), *self._step(x, state, chosen, more))
                for weight, x, state in now
                for chosen in outcomes
            ]
            yield now

    def mean(self, text: str, states: list[Any], **more: Any) -> float:
        """The expectation of an expression in the state."""
        return float(sum(w * self.value(text, x, state, **more) for w, x, state in states))


def constraints_hold(instance: Instance, claim: Claim, env: Env) -> bool:
    """Whether the constants satisfy all constraints of a claim."""
    numbers, here = Numbers(instance), dict(env)
    for entry in claim["setup"]:
        if "is" in entry:
            try:
                here[entry["name"]] = numbers(entry["is"], here)
            except KeyError:  # it speaks of the state
                continue
        else:
            strict = "=" not in entry["holds"]
            slack = numbers.slack(entry["holds"], here)
            if slack < 0 or (strict and slack == 0):
                return False
    return True


def draw(
    instance: Instance, claim: Claim, env: Env, rng: np.random.Generator, steps: int
) -> tuple[Env, Array] | None:
    """Constants that a run needs, and a start; None where no draw satisfies the constraints."""
    start = instance.points(rng, 1)[0]
    scale = env.get("L") or env.get("beta") or env.get("L_F", 1.0) ** 2
    for _ in range(60):
        made = {**env, "steps": float(steps), "gamma": float(rng.uniform(0.02, 2)) / scale}
        made |= {"c": rng.uniform(0.55, 2.5), "gamma_b": rng.uniform(0.05, 1.5) / scale}
        made |= {"b0": rng.uniform(0.05, 1) * env.get("G", 1), "delta": rng.uniform(0.05, 1)}
        made["dist2"] = instance_distance(instance, start) * rng.uniform(1, 1.5)
        made |= {"gamma_sum": steps * made["gamma"], "gamma_sqsum": steps * made["gamma"] ** 2}
        made |= {"fstar": instance.fstar, "sigma2": max(instance.sigma2, 0.0)}
        run = Run(instance, claim, made, start)
        for name, text in claim["conclusion"].get("initial", {}).items():
            made[name] = run.value(text, start, {}, k=0.0)
        if "k0" in claim["parameters"]:
            made["k0"] = least_offset(instance, claim, made) * rng.uniform(1, 1.5)
        made["loss0"] = instance.f(start)
        made["r0"] = (2 * made["loss0"]) ** 0.5
        if constraints_hold(instance, claim, made):
            return made, start
    return None


def instance_distance(instance: Instance, x: Array) -> float:
    """The squared distance to the minimisers."""
    return float(np.sum((x - instance.project(x)) ** 2))


def least_offset(instance: Instance, claim: Claim, env: Env) -> float:
    """The least k0 of steps c/(k + k0) that the constraints admit, by bisection."""
    low, high = 2.0, 1e9
    for _ in range(80):
        middle = (low * high) ** 0.5
        fits = constraints_hold(instance, claim, env | {"k0": middle})
        low, high = (low, middle) if fits else (middle, high)
    return high


Excess = Iterator[tuple[float, float]]  # what was seen, and what the theorem allows


def _values(run: Run) -> Env:
    """The constants and the definitions among them."""
    here = dict(run.env)
    for entry in run.claim["setup"]:
        if "is" in entry:
            try:
                here[entry["name"]] = Numbers(run.instance)(entry["is"], here)
            except KeyError:
                continue
    return here


def seen_and_allowed(run: Run, steps: int, gammas: list[float] | None = None) -> Excess:
    """Pairs (seen, allowed) of everything that the theorem says about a run.

    gammas : the step sizes, where they vary.
    """
    chosen = gammas or [run.env["gamma"]] * steps
    run.varied = gammas is not None
    run.env |= {"steps": float(steps), "gamma_sum": sum(chosen)}
    run.env["gamma_sqsum"] = sum(gamma**2 for gamma in chosen)
    said, constants = run.claim["conclusion"], _values(run)
    states = list(run.states(steps, gammas))
    yield from CHECKS[said["rule"]](run, said, constants, states)


def _telescoping(run: Run, said: Any, constants: Env, states: list[Any]) -> Excess:
    least = min(run.mean(said["quantity"], now) for now in states[:-1])
    for key in ("bound", "bound_varying"):
        if key in said and (key != "bound" or not run.varied):
            yield least, Numbers(run.instance)(said[key], constants)


def _contraction(run: Run, said: Any, constants: Env, states: list[Any]) -> Excess:
    rate, floor = (Numbers(run.instance)(said[key], constants) for key in ("rate", "floor"))
    first = run.mean(said["potential"], states[0])
    for n, now in enumerate(states):
        yield run.mean(said["potential"], now), rate**n * first + floor


def _potential(run: Run, said: Any, constants: Env, states: list[Any]) -> Excess:
    yield run.mean(said["quantity"], states[-1]), Numbers(run.instance)(said["bound"], constants)


def _path_length(run: Run, said: Any, constants: Env, states: list[Any]) -> Excess:
    keys = ("rate", "radius", "start")
    rate, radius, first = (Numbers(run.instance)(said[key], constants) for key in keys)
    until = Numbers(run.instance)(said.get("until", "0"), constants)
    for n, now in enumerate(states):
        ((_, x, state),) = now
        loss = run.value(said["loss"], x, state)
        yield float(np.linalg.norm(x - run.start)), radius
        yield loss, rate**n * first
        if loss <= until:
            return


def _stopped(run: Run, said: Any, constants: Env, states: list[Any]) -> Excess:
    keys = ("rate", "radius", "delta", "start")
    rate, radius, delta, first = (Numbers(run.instance)(said[key], constants) for key in keys)
    inside = [[np.linalg.norm(x - run.start) <= radius for _, x, _ in now] for now in states]
    fan = len(run.outcomes())
    for n in range(1, len(states)):  # a path that has left stays away
        inside[n] = [ok and inside[n - 1][k // fan] for k, ok in enumerate(inside[n])]
    for n, now in enumerate(states):
        kept = [entry for entry, ok in zip(now, inside[n], strict=True) if ok]
        yield run.mean(said["loss"], kept), rate**n * first
        yield 1 - sum(weight for weight, _, _ in kept), delta


CHECKS: Mapping[str, Callable[[Run, Any, Env, list[Any]], Excess]] = {
    "telescoping": _telescoping,
    "contraction": _contraction,
    "potential": _potential,
    "path-length": _path_length,
    "stopped": _stopped,
}
