"""A second line: instances that satisfy the hypotheses stay below the bound when run."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest

from boundcalc.library.evaluate import rate

STEPS = 6  # all sequences of samples are enumerated, so that expectations are exact


class Quadratics:
    """f_i(x) = a_i (x − b_i)²/2 + c: convex, L = max a_i, mu = mean a_i."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.a = [rng.uniform(0.2, 2) for _ in range(3)]
        self.b = [rng.uniform(-1, 1) * rng.choice((0, 1)) for _ in range(3)]
        self.c = 0.01
        self.start = rng.uniform(-3, 3)
        self.best = sum(map(math.prod, zip(self.a, self.b, strict=True))) / sum(self.a)
        self.L, self.mu = max(self.a), sum(self.a) / 3
        self.fstar = self.f(self.best)
        self.sigma2 = self.fstar - self.c
        self.dist2 = (self.start - self.best) ** 2

    def f_i(self, i: int, x: float) -> float:
        return self.a[i] * (x - self.b[i]) ** 2 / 2 + self.c

    def grad_i(self, i: int, x: float) -> float:
        return self.a[i] * (x - self.b[i])

    def f(self, x: float) -> float:
        return sum(self.f_i(i, x) for i in range(3)) / 3


Step = Callable[[Quadratics, int, float, float], tuple[float, float]]


def expected_gaps(problem: Quadratics, step: Step, state: float = 0.0) -> list[float]:
    """E[f(x^k) − f*] for k = 0..STEPS, over all sequences of samples."""
    gaps = [0.0] * (STEPS + 1)
    for samples in itertools.product(range(3), repeat=STEPS):
        x, carried = problem.start, state
        for k in range(STEPS + 1):
            gaps[k] += (problem.f(x) - problem.fstar) / 3**STEPS
            if k < STEPS:
                x, carried = step(problem, samples[k], x, carried)
    return gaps


def sgd(gamma: float) -> Step:
    return lambda p, i, x, s: (x - gamma * p.grad_i(i, x), s)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_sgd_stays_below_its_bounds(seed: int, share: float) -> None:
    p = Quadratics(seed)
    common = {"L": p.L, "sigma2": max(p.sigma2, 0), "dist2": p.dist2}
    for id, more in (
        ("sgd-alpha-beta", {"alpha": 1, "beta": 0}),
        ("sgd-alpha-beta-sharp", {"alpha": 1, "beta": 0}),
        ("sgd-convex", {}),
        ("sgd-aiming", {"theta": 1}),
    ):
        limit = float(rate(id, STEPS, **common, **more).step_size_limit[0])
        found = rate(id, STEPS, step_size=share * limit, **common, **more)
        gaps = expected_gaps(p, sgd(share * limit))
        assert min(gaps[:STEPS]) <= float(found.bound[1]) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_adaptive_steps_stay_below_their_bounds(seed: int) -> None:
    p = Quadratics(seed)
    common = {"alpha": 1, "beta": 0, "sigma2": max(p.sigma2, 0), "dist2": p.dist2}

    def sps(p: Quadratics, i: int, x: float, s: float) -> tuple[float, float]:
        g = p.grad_i(i, x)
        polyak = (p.f_i(i, x) - p.c) / g**2 if g else math.inf
        return x - min(polyak, 0.7) * g, s

    def ngn(p: Quadratics, i: int, x: float, s: float) -> tuple[float, float]:
        g = p.grad_i(i, x)
        return x - 0.4 / (1 + 0.4 * g**2 / (2 * p.f_i(i, x))) * g, s

    def adagrad(p: Quadratics, i: int, x: float, b: float) -> tuple[float, float]:
        g = p.grad_i(i, x)
        return x - 0.5 / max(b, abs(g)) * g, max(b, abs(g))

    bound = rate("sps-max-alpha-beta-sharp", STEPS, L=p.L, c=1, gamma_b="0.7", **common).bound
    assert min(expected_gaps(p, sps)[:STEPS]) <= float(bound[1])
    bound = rate("ngn-alpha-beta", STEPS, step_size="0.4", L=p.L, fstar=p.fstar, **common).bound
    assert min(expected_gaps(p, ngn)[:STEPS]) <= float(bound[1])
    largest = 2 * 2 * 4  # |grad f_i| on [-3, 3] and a little beyond
    bound = rate(
        "adagrad-norm-max-alpha-beta", STEPS, step_size="0.5", G=largest, b0="0.5", **common
    ).bound
    assert min(expected_gaps(p, adagrad, 0.5)[:STEPS]) <= float(bound[1])


@pytest.mark.parametrize("seed", range(4))
def test_contractions_of_sgd(seed: int) -> None:
    p = Quadratics(seed)
    sigma2 = max(p.sigma2, 0)
    gamma = 0.5 * p.mu / p.L**2
    gaps = expected_gaps(p, sgd(gamma))
    found = rate(
        "sgd-pl",
        STEPS,
        step_size=gamma,
        mu=p.mu,
        L=p.L,
        A=p.L,
        B=0,
        C=2 * p.L * sigma2,
        gap0=gaps[0],
    )
    assert gaps[STEPS] <= float(found.bound[1]) * (1 + 1e-9)
    for theorem, share in (("", 0.9), ("-sharp", 0.9), ("-sharp", 0.2)):
        found = rate(
            f"sgd-strongly-convex{theorem}",
            STEPS,
            step_size=share / p.L,
            mu=p.mu,
            L=p.L,
            sigma2=sigma2,
            dist2=p.dist2,
        )
        last = expected_gaps(p, sgd(share / p.L))[STEPS]
        assert last <= p.mu / 2 * float(found.bound[1]) * (1 + 1e-9)  # f − f* = mu/2·dist² here


MU, L = 0.1755309858, 8  # of x² + 3 sin² x


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.86, 0.9, 0.99])
def test_gradient_descent_under_pl(share: float) -> None:
    """x² + 3 sin² x is not convex and satisfies PL; one step from many points."""
    gamma = share * 2 / L
    found = rate("gd-pl", step_size=gamma, mu=MU, L=L)
    assert found.lower.pair[0] <= found.upper.pair[1] <= found.own_rate[1]
    for k in range(1, 400):
        x = k / 40
        y = x - gamma * (2 * x + 3 * math.sin(2 * x))
        ratio = (y * y + 3 * math.sin(y) ** 2) / (x * x + 3 * math.sin(x) ** 2)
        assert ratio <= float(found.upper.pair[1]) + 1e-12


def test_a_path_stays_in_its_ball_and_meets_its_rate() -> None:
    """u v = 1 as a square loss: beta on the ball, mu from the smallest u² + v²."""
    u, v, beta, mu = 1.5, 1.2, 8.0, 2.0
    loss = (u * v - 1) ** 2 / 2
    found = rate("gd-pl-star", step_size=1 / beta, mu=mu, beta=beta, loss0=loss)
    radius, factor = float(found.radius[1]), float(found.upper.pair[1])
    x, y = u, v
    for _ in range(60):
        r = x * y - 1
        x, y = x - r * y / beta, y - r * x / beta
        assert math.hypot(x - u, y - v) <= radius
        new = (x * y - 1) ** 2 / 2
        assert new <= factor * loss + 1e-18
        loss = new


@pytest.mark.parametrize("kappa", [0.1, 0.2, 0.5])
def test_beyond_the_limit_of_a_tight_theorem_it_fails(kappa: float) -> None:
    """f = L x²/2 contracts by (1 − γL)², which is 1 at the limit 2/L and more beyond."""
    found = rate("gd-pl", step_size="2.01", mu=kappa, L=1)
    assert not found.admissible
    assert (1 - 2.01) ** 2 > 1
    edge = rate("gd-pl", step_size="1.999", mu=kappa, L=1)
    assert float(edge.lower.pair[0]) == pytest.approx((1 - 1.999) ** 2)


def test_the_seed_s_step_size_for_mini_batches_diverges() -> None:
    """ℓ_i = β w²/2, all the same: a batch of s makes (1 − ηβs)w; the seed admits ηβs = s/2."""
    n = s = 10
    beta, mu = 1.0, 10.0  # PL* of the sum
    seed_limit = n * mu / (beta * (n**2 * beta + mu * (s - 1)))
    assert (1 - seed_limit * beta * s) ** 2 > 1 - mu * s * seed_limit / n
    ours = float(
        rate("sgd-pl-star", mu=mu, beta=beta, n=n, s=s, delta=1, loss0=1).step_size_limit[1]
    )
    assert (1 - ours * beta * s) ** 2 <= 1 - mu * s * ours / n + 1e-12
