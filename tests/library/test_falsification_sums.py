"""Instances that satisfy the hypotheses of averaged, mini-batch and long-step theorems, run."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from boundcalc.library.evaluate import rate

STEPS = 5
CLOSE = 1 + 1e-9


@dataclass(frozen=True)
class Sum:
    """n functions on R with a known single minimiser of their mean."""

    values: Sequence[Callable[[float], float]]
    slopes: Sequence[Callable[[float], float]]
    infima: Sequence[float]
    best: float
    start: float

    @property
    def n(self) -> int:
        return len(self.values)

    def f(self, x: float) -> float:
        return math.fsum(value(x) for value in self.values) / self.n

    def gap(self, x: float) -> float:
        return self.f(x) - self.f(self.best)

    @property
    def sigma2(self) -> float:
        return max(self.f(self.best) - math.fsum(self.infima) / self.n, 0)

    @property
    def dist2(self) -> float:
        return (self.start - self.best) ** 2


def quadratics(seed: int, interpolating: bool = False) -> tuple[Sum, list[float]]:
    """a_i (x − b_i)²/2 with minimum 0; the a_i."""
    rng = random.Random(seed)
    a = [rng.uniform(0.2, 2) for _ in range(3)]
    b = [0.3 if interpolating else rng.uniform(-1, 1) for _ in range(3)]
    best = math.fsum(p * q for p, q in zip(a, b, strict=True)) / math.fsum(a)

    def value(p: float, q: float) -> Callable[[float], float]:
        return lambda x: p * (x - q) ** 2 / 2

    def slope(p: float, q: float) -> Callable[[float], float]:
        return lambda x: p * (x - q)

    pairs = list(zip(a, b, strict=True))
    values, slopes = [value(*pair) for pair in pairs], [slope(*pair) for pair in pairs]
    return Sum(values, slopes, [0.0] * 3, best, rng.uniform(-3, 3)), a


def bumps(start: float) -> Sum:
    """u²/(1 + u²) and (u + 1)²/(1 + (u + 1)²): alpha-beta with (1, 4/5), L = 2, not convex."""

    def value(shift: float) -> Callable[[float], float]:
        return lambda u: (u + shift) ** 2 / (1 + (u + shift) ** 2)

    def slope(shift: float) -> Callable[[float], float]:
        return lambda u: 2 * (u + shift) / (1 + (u + shift) ** 2) ** 2

    return Sum([value(0), value(1)], [slope(0), slope(1)], [0.0, 0.0], -0.5, start)


def paths(p: Sum, steps: Sequence[float], batches: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """x^0..x^K for every sequence of equally likely mini-batches; steps of the mean gradient."""
    found = []
    for drawn in itertools.product(batches, repeat=len(steps)):
        x, path = p.start, [p.start]
        for gamma, batch in zip(steps, drawn, strict=True):
            x -= gamma * math.fsum(p.slopes[i](x) for i in batch) / len(batch)
            path.append(x)
        found.append(path)
    return found


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


def singles(p: Sum) -> list[tuple[int, ...]]:
    return [(i,) for i in range(p.n)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_the_average_iterate_of_sgd(seed: int, share: float) -> None:
    p, a = quadratics(seed)
    gamma = share / max(a)
    given = {"L": max(a), "sigma2": p.sigma2, "dist2": p.dist2}
    bound = float(rate("sgd-convex-average", STEPS, step_size=gamma, **given).bound[1])
    found = mean([p.gap(mean(path[:-1])) for path in paths(p, [gamma] * STEPS, singles(p))])
    assert found <= bound * CLOSE


@pytest.mark.parametrize("seed", range(6))
def test_weighted_averages_and_decreasing_steps(seed: int) -> None:
    p, a = quadratics(seed)
    L, mu = max(a), mean(a)
    given = {"L": L, "mu": mu, "sigma2": p.sigma2, "dist2": p.dist2}
    for id, factor in (("sgd-strongly-convex-decreasing", 2), ("sgd-strongly-convex-average", 4)):
        k0 = max(2, factor * L / mu * CLOSE)
        bound = float(rate(id, STEPS, k0=k0, **given).bound[1])
        ran = paths(p, [2 / (mu * (k + k0)) for k in range(STEPS)], singles(p))
        if factor == 2:
            found = mean([(path[-1] - p.best) ** 2 for path in ran])
        else:
            weights = [k + k0 - 1 for k in range(STEPS)]
            total = math.fsum(weights)
            found = mean([p.gap(dot(weights, path[:-1]) / total) for path in ran])
        assert found <= bound * CLOSE


@pytest.mark.parametrize("seed", range(4))
def test_decreasing_steps_where_f_aims(seed: int) -> None:
    p, a = quadratics(seed)
    L, mu, theta = max(a), mean(a), 1
    k0 = max(2, 8 * L / (theta**2 * mu) * CLOSE)
    given = {"L": L, "mu": mu, "theta": theta, "sigma2": p.sigma2, "dist2": p.dist2}
    bound = float(rate("sgd-aiming-qg-decreasing", STEPS, k0=k0, **given).bound[1])
    ran = paths(p, [4 / (theta * mu * (k + k0)) for k in range(STEPS)], singles(p))
    assert mean([(path[-1] - p.best) ** 2 for path in ran]) <= bound * CLOSE


@pytest.mark.parametrize("start", [-3.0, -1.2, 0.2, 2.5])
@pytest.mark.parametrize("share", [0.1, 0.6, 1.0])
def test_gradients_under_expected_smoothness(start: float, share: float) -> None:
    p, L = bumps(start), 2.0
    given = {"L": L, "A": L, "B": 0, "C": 2 * L * p.sigma2, "gap0": p.gap(start)}
    top = 0.999 / math.sqrt(L * L * 6)
    found = rate("sgd-nonconvex-abc", 6, step_size=share * top, **given)
    assert found.admissible
    assert not rate("sgd-nonconvex-abc", 6, step_size=1.01 * top / 0.999, **given).admissible
    ran = paths(p, [share * top * math.sqrt(6 / (6 + k)) for k in range(6)], singles(p))
    squares = [
        mean([mean([slope(path[k]) for slope in p.slopes]) ** 2 for path in ran]) for k in range(6)
    ]
    assert min(squares) <= float(found.bound[1])


@pytest.mark.parametrize("start", [-3.0, -0.8, 0.2, 2.5])
@pytest.mark.parametrize("problem", ["bumps", "quadratics", "interpolating"])
def test_the_best_step_for_a_horizon(start: float, problem: str) -> None:
    if problem == "bumps":
        p, alpha, beta, L = bumps(start), 1.0, 0.8, 2.0
    else:
        p, a = quadratics(int(10 * start) + 40, problem == "interpolating")
        alpha, beta, L = 1.0, 0.0, max(a)
    given = {"alpha": alpha, "beta": beta, "L": L, "sigma2": p.sigma2, "dist2": p.dist2}
    found = rate("sgd-alpha-beta-horizon", STEPS, **given)
    sharp = rate("sgd-alpha-beta-sharp", STEPS, **given)
    assert float(found.bound[1]) == pytest.approx(float(sharp.best_bound[1]), rel=1e-9)
    root = math.sqrt(
        p.dist2**2 * L**2 + 2 * STEPS * p.sigma2 * L * alpha * p.dist2 * (alpha - beta)
    )
    gamma = p.dist2 * (alpha - beta) / (p.dist2 * L + root)
    ran = paths(p, [gamma] * STEPS, singles(p))
    assert mean([mean([p.gap(x) for x in path[:-1]]) for path in ran]) <= float(found.bound[1])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("interpolating", [False, True])
def test_contraction_by_quadratic_growth(seed: int, interpolating: bool) -> None:
    p, a = quadratics(seed, interpolating)
    given = {"L": max(a), "mu": mean(a), "sigma2": p.sigma2, "dist2": p.dist2}
    for id, more in (
        ("sgd-alpha-beta-qg", {"alpha": 1, "beta": 0}),
        ("sgd-aiming-qg", {"theta": 1}),
        ("sgd-strongly-convex-sharp", {}),
    ):
        for share in (0.1, 0.5, 0.9):
            gamma = share / max(a)
            bound = rate(id, STEPS, step_size=gamma, **given, **more).bound
            ran = paths(p, [gamma] * STEPS, singles(p))
            assert mean([(path[-1] - p.best) ** 2 for path in ran]) <= float(bound[1]) * CLOSE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("replacement", [True, False])
def test_mini_batches(seed: int, replacement: bool) -> None:
    """Pairs from n functions; without replacement 2(n − 1)/(n − 2) counts as their number."""
    p, a = quadratics(seed)
    drawn = itertools.product(range(3), repeat=2)
    batches = list(drawn if replacement else itertools.combinations(range(3), 2))
    s, steps = (2 if replacement else 4), 4 if not replacement else 3
    L, mu = max(a), mean(a)
    given = {"L": L, "L_f": mu, "s": s, "sigma2": p.sigma2, "dist2": p.dist2}
    limit = float(rate("sgd-alpha-beta-batch", steps, alpha=1, beta=0, **given).step_size_limit[0])
    for share in (0.2, 0.95):
        gamma = share * limit
        bound = rate("sgd-alpha-beta-batch", steps, step_size=gamma, alpha=1, beta=0, **given).bound
        ran = paths(p, [gamma] * steps, batches)
        gaps = [mean([p.gap(path[k]) for path in ran]) for k in range(steps)]
        assert min(gaps) <= float(bound[1]) * CLOSE
    given = {"mu": mu, "L": mu, "A": L, "B": 0, "C": 2 * L * p.sigma2, "s": s}
    found = rate("sgd-pl-batch", steps, gap0=p.gap(p.start), **given)
    ran = paths(p, [float(found.step_size)] * steps, batches)
    assert mean([p.gap(path[-1]) for path in ran]) <= float(found.bound[1]) * CLOSE


@pytest.mark.parametrize("start", [-2.0, 0.4])
def test_mini_batches_where_functions_are_not_convex(start: float) -> None:
    p = bumps(start)
    given = {"alpha": 1, "beta": "0.8", "L": 2, "L_f": 2, "s": 2}
    found = rate("sgd-alpha-beta-batch", 4, sigma2=p.sigma2, dist2=p.dist2, **given)
    ran = paths(p, [float(found.step_size)] * 4, list(itertools.product(range(2), repeat=2)))
    assert min(mean([p.gap(path[k]) for path in ran]) for k in range(4)) <= found.bound[1]


SMOOTH = [  # value less its infimum, slope, L; none is convex
    (lambda x: x * x / (1 + x * x), lambda x: 2 * x / (1 + x * x) ** 2, 2),
    (lambda x: x * x + 3 * math.sin(x) ** 2, lambda x: 2 * x + 3 * math.sin(2 * x), 8),
    (lambda x: 1 - math.cos(x), math.sin, 1),
]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("start", [0.3, 1.4, 2.9, 3.1])
def test_gradients_of_long_and_short_steps(number: int, start: float) -> None:
    value, slope, L = SMOOTH[number]
    for id, share in (
        ("gd-nonconvex-short", 0.3),
        ("gd-nonconvex-short", 1),
        ("gd-nonconvex-long", 1),
        ("gd-nonconvex-long", 2 / math.sqrt(3)),
        ("gd-nonconvex-long", 1.73),
    ):
        bound = rate(id, STEPS, step_size=share / L, L=L, gap0=value(start)).bound[1]
        x, squares = start, []
        for _ in range(STEPS):
            x -= share / L * slope(x)
            squares.append(slope(x) ** 2)
        assert mean(squares) <= float(bound) * CLOSE


@pytest.mark.parametrize("start", [0.5, 3.0, 12.0])
def test_steps_for_l0_l1_smoothness(start: float) -> None:
    """cosh: |sinh x − sinh y| ≤ e (1 + |sinh x|) |x − y| where |x − y| ≤ 1/e."""
    L0 = L1 = math.e
    for x, u in itertools.product([-2, -0.5, 0, 0.3, 4], [-1 / L1, -0.1, 0.2, 1 / L1]):
        change = abs(math.sinh(x + u) - math.sinh(x))
        assert change <= (L0 + L1 * abs(math.sinh(x))) * abs(u) * CLOSE
    bound = float(rate("gd-l0-l1", 40, L0=L0, L1=L1, gap0=math.cosh(start) - 1).bound[1])
    x, seen = start, []
    for _ in range(40):
        slope = math.sinh(x)
        seen.append(slope**2 / (L0 + L1 * abs(slope)))
        x -= slope / (L0 + L1 * abs(slope))
    assert min(seen) <= bound
    assert mean(seen) <= bound


@pytest.mark.parametrize("s", [1, 2, 5.5, 40, 1000])
def test_critical_batch_size(s: float) -> None:
    mu, beta, n = 0.7, 1.3, 20
    given = {"mu": mu, "beta": beta, "n": n, "delta": 1, "loss0": 1}

    def progress(size: float) -> float:
        found = rate("sgd-pl-star", s=size, **given)
        return 1 - float(found.own_rate[1] if found.own_rate else found.rate[1])

    critical = 1 + n * beta / mu
    assert progress(s) <= (critical - 1) * progress(1) * CLOSE
    if s <= critical:
        assert progress(s) * CLOSE >= s / 2 * progress(1)
