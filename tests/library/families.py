"""Functions with constants in closed form: instances that theorems are tried on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numeric import Array, Instance

Part = tuple[Callable[[Array], float], Callable[[Array], Array], float]  # f_i, grad, inf
Facts = dict[tuple[str, str], dict[str, float]]

SINE = {  # of x² + 3 sin² x: mpmath values, rounded to the safe side
    "pl": 0.1755309858,
    "aiming": 0.4960900621,
    "rsi": 0.6965982307,
    "qg": 2.0,
    "smooth": 8.0,
}


def smooth_facts(L: float, sigma2: float) -> Facts:
    """What smooth functions and components have."""
    facts: Facts = {("expected-smoothness", "f"): {"A": L, "B": 0, "C": 2 * L * sigma2}}
    facts[("eb-upper", "f")] = {"L": L}
    facts[("l0-l1-smooth", "f")] = {"L0": L, "L1": 0.5}
    for of in ("f", "f_i"):
        for condition in ("smooth", "self-bounding", "quadratic-bounds"):
            facts[(condition, of)] = {"L": L}
    return facts


def convex_facts() -> Facts:
    """What convex components have, at minimisers of their mean too."""
    facts: Facts = {("alpha-beta", "f_i"): {"alpha": 1, "beta": 0}}
    for of in ("f", "f_i"):
        facts |= {("convex", of): {}, ("star-convex", of): {}, ("aiming", of): {"theta": 1}}
    return facts


def signs_of(instance: Instance) -> None:
    """Adds the facts about signs of the losses."""
    infs = [inf for _, _, inf in instance.parts]
    if min(infs) >= 0:
        instance.facts |= {("nonnegative", "f"): {}, ("nonnegative", "f_i"): {}}
    if min(infs) > 0:
        instance.facts[("positive", "f_i")] = {}
    if instance.fstar == 0 and ("pl", "f") in instance.facts:
        mu = instance.facts[("pl", "f")]["mu"]
        instance.facts[("pl-star", "f")] = {"mu": mu}
        instance.facts[("pl-star-eps", "f")] = {"mu": mu, "epsilon": 0.01}


def quadratics(rng: np.random.Generator, kind: str, dim: int, count: int = 3) -> Instance:
    """f_i(x) = (x − b_i)ᵀH_i(x − b_i)/2 + c.

    kind : "noisy", "interpolating" (one b, c = 0), "one curvature" (one H), "few" (rank below dim),
    "round" (each H_i a multiple of I).
    """
    rank = max(1, dim - 1) if kind == "few" else dim
    frame = rng.normal(size=(rank, dim))
    H = []
    for _ in range(count):
        factor = rng.uniform(0.4, 1.4, rank)[:, None] * frame + 0.2 * (kind != "few") * rng.normal(
            size=(rank, dim)
        )
        H.append(factor.T @ factor + (kind != "few") * 0.1 * np.eye(dim))
    if kind == "one curvature":
        H = [H[0]] * count
    if kind == "round":
        H = [A[0, 0] * np.eye(dim) for A in H]
    still = kind in ("interpolating", "few")
    b = [rng.uniform(-1, 1, dim) for _ in range(count)]
    b = [b[0]] * count if still else b
    c = 0.0 if still else float(rng.uniform(0.01, 0.2))

    def part(A: Array, at: Array) -> Part:
        return (lambda x: float((x - at) @ A @ (x - at)) / 2 + c, lambda x: A @ (x - at), c)

    mean = np.mean(H, axis=0)
    target = np.mean([A @ at for A, at in zip(H, b, strict=True)], axis=0)
    inverse = np.linalg.pinv(mean, rcond=1e-9)
    project = (
        (lambda x: x - inverse @ (mean @ (x - b[0]))) if still else (lambda x: inverse @ target)
    )
    instance = Instance(
        f"quadratics, {kind}", dim, [part(A, a) for A, a in zip(H, b, strict=True)], project
    )
    if still:
        instance.parts = [(value, slope, 0.0) for value, slope, _ in instance.parts]
    eigenvalues = np.linalg.eigvalsh(mean)
    mu = float(min(eigenvalues[eigenvalues > 1e-9])) * (1 - 1e-9)
    L = max(float(np.linalg.eigvalsh(A)[-1]) for A in H) * (1 + 1e-9)
    sigma2 = 0.0 if still else instance.sigma2
    instance.facts = smooth_facts(L, sigma2) | convex_facts()
    instance.facts |= {(id, "f"): {"mu": mu} for id in ("pl", "eb", "qg", "rsi")}
    if kind != "few":
        instance.facts[("strongly-convex", "f")] = {"mu": mu}
        least = min(float(np.linalg.eigvalsh(A)[0]) for A in H) * (1 - 1e-9)
        instance.facts[("strongly-convex", "f_i")] = {"mu": least}
    if kind == "round":
        instance.facts[("quadratic", "f")] = {"c": float(mean[0, 0])}
    if kind == "one curvature":
        away = [H[0] @ (a - np.mean(b, axis=0)) for a in b]
        C = float(np.mean([v @ v for v in away]))
        instance.facts[("expected-smoothness", "f")] = {"A": 0, "B": 1, "C": C * (1 + 1e-9)}
    if still:
        instance.facts[("interpolation", "f_i")] = {}
        instance.facts[("pl-star", "f")] = {"mu": mu}
        instance.facts[("pl-star-eps", "f")] = {"mu": mu, "epsilon": 0.01}
    signs_of(instance)
    return instance


def sine(rng: np.random.Generator) -> Instance:
    """f_i = s_i(x² + 3 sin² x): not convex, interpolating."""
    scales = rng.uniform(0.3, 1.5, 3)
    scales *= 1 / scales.mean()
    parts = [
        (
            lambda x, s=s: float(s * (x[0] ** 2 + 3 * math.sin(x[0]) ** 2)),
            lambda x, s=s: s * (2 * x + 3 * np.sin(2 * x)),
            0.0,
        )
        for s in map(float, scales)
    ]
    made = Instance("x² + 3 sin² x", 1, parts, lambda x: np.zeros(1), reach=6.0)
    made.facts = smooth_facts(SINE["smooth"] * float(max(scales)), 0.0)
    made.facts |= {(id, "f"): {"mu": SINE[id]} for id in ("pl", "rsi", "qg")}
    made.facts |= {("eb", "f"): {"mu": SINE["rsi"]}}
    made.facts |= {("aiming", of): {"theta": SINE["aiming"]} for of in ("f", "f_i")}
    made.facts[("alpha-beta", "f_i")] = {"alpha": SINE["aiming"], "beta": 0}
    moment = float(np.mean(scales**2))  # E|grad f_i|² = E s² · |grad f|²
    made.facts[("expected-smoothness", "f")] = {"A": 0, "B": moment, "C": 0}
    made.facts[("interpolation", "f_i")] = {}
    signs_of(made)
    return made


def saturating(rng: np.random.Generator) -> Instance:
    """u²/(1 + u²) and the same of u + 1, u = x + y: the first example of Islamov et al."""
    lift = float(rng.choice([0.0, 0.1]))

    def part(shift: float) -> Part:
        def value(x: Array) -> float:
            u = x.sum() + shift
            return float(u * u / (1 + u * u)) + lift

        def slope(x: Array) -> Array:
            u = x.sum() + shift
            return np.full(2, 2 * u / (1 + u * u) ** 2)

        return value, slope, lift

    def project(x: Array) -> Array:
        return x - (x.sum() + 0.5) / 2

    made = Instance("saturating pair", 2, [part(0.0), part(1.0)], project)
    made.facts = smooth_facts(4.0, 0.2)
    alpha = float(rng.uniform(0.591, 2.5))
    made.facts[("alpha-beta", "f_i")] = {"alpha": alpha, "beta": 0.8 * alpha}
    G = 2 * math.sqrt(2) * 3 * math.sqrt(3) / 16 * (1 + 1e-9)  # max |h'| = 3√3/8 at u = 1/√3
    made.facts |= {("bounded-gradients", of): {"G": G} for of in ("f", "f_i")}
    signs_of(made)
    return made


def soft_absolutes(rng: np.random.Generator) -> Instance:
    """s_i(√(1 + (x − b_i)²) − 1) + c: convex, smooth, with bounded gradients; no PL."""
    scales, b = rng.uniform(0.5, 2, 3), rng.uniform(-1, 1, 3)
    c = float(rng.choice([0.0, 0.05]))
    parts = [
        (
            lambda x, s=s, at=at: float(s * (math.sqrt(1 + (x[0] - at) ** 2) - 1)) + c,
            lambda x, s=s, at=at: s * (x - at) / np.sqrt(1 + (x - at) ** 2),
            c,
        )
        for s, at in zip(map(float, scales), map(float, b), strict=True)
    ]
    made = Instance("soft absolute values", 1, parts, lambda x: least)
    low, high = -2.0, 2.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if made.grad(np.array([middle]))[0] > 0 else (middle, high)
    least = np.array([low])
    top = float(max(scales))
    made.facts = smooth_facts(top, max(made.sigma2, 0.0)) | convex_facts()
    made.facts |= {("bounded-gradients", of): {"G": top} for of in ("f", "f_i")}
    signs_of(made)
    return made


def catenaries(rng: np.random.Generator) -> Instance:
    """s_i(cosh x − 1): not smooth; |sinh x − sinh y| ≤ e(1 + |sinh x|)|x − y| if |x − y| ≤ 1/e."""
    scales = [float(s) for s in rng.uniform(0.5, 2, 3)]
    parts = [
        (lambda x, s=s: s * (math.cosh(x[0]) - 1), lambda x, s=s: s * np.sinh(x), 0.0)
        for s in scales
    ]
    made = Instance("catenaries", 1, parts, lambda x: np.zeros(1))
    mean, e = float(np.mean(scales)), math.e * (1 + 1e-9)
    made.facts = convex_facts() | {("interpolation", "f_i"): {}}
    made.facts[("l0-l1-smooth", "f")] = {"L0": e * mean, "L1": e}
    made.facts |= {("strongly-convex", "f"): {"mu": mean}}
    made.facts |= {("strongly-convex", "f_i"): {"mu": min(scales)}}
    made.facts |= {(id, "f"): {"mu": mean} for id in ("pl", "eb", "qg", "rsi")}
    signs_of(made)
    return made


def families(seed: int) -> Iterator[Instance]:
    """One instance of every kind."""
    rng = np.random.default_rng(seed)
    for kind in ("noisy", "interpolating", "one curvature", "few", "round"):
        yield quadratics(rng, kind, 2 if kind == "few" else int(rng.integers(1, 4)))
    yield from (sine(rng), saturating(rng), soft_absolutes(rng), catenaries(rng))
