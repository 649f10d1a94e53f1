"""Claims 1e-9 beyond what a sampled point allows are never proved; nor well within refuted.

Functions are random compositions of the grammar on boxes; sympy differentiates, mpmath evaluates.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf

from boundcalc.errors import InputError
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import Case, decide
from boundcalc.search.defined import require_defined
from boundcalc.search.prove.attempt import Success
from boundcalc.search.prove.budget import Budget

CONDITIONS = ("pl", "pl-star", "smooth", "strongly-convex", "convex")
SMALLEST = ("smooth",)
STEPS = 6
BEYOND = Fraction(1, 10**9)
NAMES = {
    "logistic": lambda u: 1 / (1 + sp.exp(-u)),
    "softplus": lambda u: sp.log(1 + sp.exp(u)),
    "pi": sp.pi,
    "e": sp.E,
}


def formula(source: random.Random, depth: int, names: str) -> str:
    """A composition that is smooth on all of R^d."""
    if depth == 0 or source.random() < 0.1:
        if source.random() < 0.8:
            return source.choice(names)
        return source.choice(("2", "1/3", "0.7", "pi"))
    a = formula(source, depth - 1, names)
    kind = source.randrange(10)
    if kind < 3:
        b = formula(source, depth - 1, names)
        return f"({a}){source.choice('+-*')}({b})"
    if kind < 6:
        name = source.choice(("sin", "cos", "tanh", "atan", "logistic", "softplus"))
        return f"{name}({a})"
    if kind == 6:
        b = formula(source, depth - 1, names)
        return f"({a})/(1 + ({b})^2)"
    if kind == 7:
        return f"({a})^{source.choice((2, 3))}"
    wrapped = ("exp(sin({}))", "sqrt(1 + ({})^2)", "log(2 + cos({}))", "cosh(sin({}))")
    return source.choice(wrapped).format(a)


@dataclass(frozen=True)
class Drawn:
    """A function on a box, and a bound of the tightest constant of each condition.

    bound : the condition is false with anything beyond, as a point shows.
    """

    text: str
    domain: str
    bounds: dict[str, mpf]
    fails: Callable[[str, Mapping[str, str], Fraction], bool]


def drawn(source: random.Random, dimension: int) -> Drawn | None:
    """A random function with its bounds; None where numbers are degenerate."""
    names = "xy"[:dimension]
    well = source.choice(
        ("", f" + {source.choice((1, 2))}*({' + '.join(n + '^2' for n in names)})")
    )
    text = formula(source, source.randint(2, 3), names) + well
    symbols = [sp.Symbol(n, real=True) for n in names]
    f = sp.sympify(text.replace("^", "**"), locals=NAMES | {str(s): s for s in symbols},
                   rational=True)  # fmt: skip
    if f.free_symbols != set(symbols):
        return None
    sides = []
    for _ in names:
        lo = Fraction(source.randint(-12, 8), 4)
        sides.append((lo, lo + Fraction(source.randint(2, 16), 4)))
    domain = ",".join(f"{n}={lo}:{hi}" for n, (lo, hi) in zip(names, sides, strict=True))
    with mp.workdps(50):
        try:
            bounds, fails = _bounds(f, symbols, sides)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
    return Drawn(text, domain, bounds, fails)


def _bounds(f, symbols, sides):
    slopes = [sp.diff(f, s) for s in symbols]
    second = [sp.diff(g, s) for g in slopes for s in symbols]
    value, gradient, hessian = (sp.lambdify(symbols, e, "mpmath") for e in (f, slopes, second))
    box = np.array([[float(a), float(b)] for a, b in sides])
    grid = _grid(box)
    low = min(mpf(value(*_exact(p, sides))) for p in _polished(
        lambda p: float(value(*_exact(p, sides))), grid, box, STEPS))  # fmt: skip

    def ratio(condition: str, at, low=low, tiny="1e-12") -> mpf:
        """To be as small as possible; an upper bound of the truth where `low` is not the least."""
        if condition in ("smooth", "strongly-convex", "convex"):
            n = len(symbols)
            rows = mp.matrix(n, n)
            for k, entry in enumerate(hessian(*at)):
                rows[k // n, k % n] = mpf(entry)
            values = [rows[0, 0]] if n == 1 else list(mp.eigsy(rows, eigvals_only=True))
            return -max(map(abs, values)) if condition == "smooth" else min(values)
        half = sum(mpf(g) ** 2 for g in gradient(*at)) / 2
        gap = mpf(value(*at)) - (0 if condition == "pl-star" else low)
        return half / gap if gap > mpf(tiny) else mp.inf

    def fails(condition: str, witness: Mapping[str, str], constant: Fraction) -> bool:
        """Whether a witness (a point, or a curve in t) shows that a condition is false."""
        with mp.workdps(200):
            words = [
                sp.sympify(word.replace("^", "**"), rational=True) for word in witness.values()
            ]
            for t in (0, 10, 10**3, 10**6):
                place = [w.subs("t", t) if w.free_symbols and t else w for w in words]
                if any(w.free_symbols for w in place):
                    continue
                at = [mpf(w.p) / w.q for w in map(sp.Rational, place)]
                least = min(low, *(value(*p) for p in _stationary(gradient, at)))
                found = ratio(condition, at, least, "0")
                sign = -1 if condition in SMALLEST else 1
                if found < sign * mpf(constant.numerator) / constant.denominator:
                    return True
        return False

    found = {}
    for condition in CONDITIONS:

        def loss(p, condition=condition) -> float:
            return float(min(ratio(condition, _exact(p, sides)), mpf(10) ** 30))

        best = min(ratio(condition, _exact(p, sides)) for p in _polished(loss, grid, box, STEPS))
        if mp.isfinite(best):
            found[condition] = -best if condition in SMALLEST else best
    return found, fails


def _stationary(gradient, at) -> list[list[mpf]]:
    """The point, and a zero of the gradient near it."""
    try:
        if len(at) == 1:
            return [at, [mp.findroot(lambda x: gradient(x)[0], at[0])]]
        return [at, list(mp.findroot(gradient, at))]
    except (ValueError, ZeroDivisionError):
        return [at]


def _exact(p, sides) -> list[mpf]:
    """A point of the box as mpf: ends are met exactly."""
    return [
        min(max(mpf(float(x)), mpf(a.numerator) / a.denominator), mpf(b.numerator) / b.denominator)
        for x, (a, b) in zip(p, sides, strict=True)
    ]


def _grid(box: np.ndarray) -> np.ndarray:
    count = 161 if len(box) == 1 else 17
    axes = [np.linspace(a, b, count) for a, b in box]
    return np.stack(np.meshgrid(*axes), -1).reshape(-1, len(box))


def _polished(loss, grid: np.ndarray, box: np.ndarray, rounds: int) -> list[np.ndarray]:
    """The best point of a grid, and of finer and finer grids around it."""
    values = [loss(p) for p in grid]
    best = grid[int(np.argmin(values))]
    width = (box[:, 1] - box[:, 0]) / 8
    for _ in range(rounds):
        axes = [np.clip(np.linspace(x - w, x + w, 17 if len(box) == 1 else 7), a, b)
                for x, w, (a, b) in zip(best, width, box, strict=True)]  # fmt: skip
        finer = np.stack(np.meshgrid(*axes), -1).reshape(-1, len(box))
        best = finer[int(np.argmin([loss(p) for p in finer]))]
        width = width / 6
    return [best]


def fraction(x: mpf) -> Fraction:
    sign, mantissa, exponent, _ = mpf(x)._mpf_
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


def attack(seed: int, dimension: int, count: int, seconds: float) -> dict[str, int]:
    """Counts of claims beyond the bound by what became of them."""
    source = random.Random(f"{dimension} {seed}")
    counts = dict.fromkeys(
        ("functions", "claims", "refuted", "undecided", "within", "proved", "loose"), 0
    )
    while counts["functions"] < count:
        one = drawn(source, dimension)
        if one is None:
            continue
        problem = problem_from([one.text], domain=one.domain)
        try:
            require_defined(problem, Budget(5))
        except InputError:
            continue
        counts["functions"] += 1
        for condition, bound in one.bounds.items():
            constant = "L" if condition in SMALLEST else "mu"
            claimed = _beyond(condition, bound)
            if claimed is None:
                continue
            counts["claims"] += 1
            words = {constant: str(claimed)} if condition != "convex" else {}
            case = Case(problem, condition, Budget(seconds))
            found = case.prove(words, seconds)
            assert not isinstance(found, Success), (one.text, one.domain, condition, words)
            verdict = decide(problem, condition, words, seconds).verdict
            assert verdict != "proved", (one.text, one.domain, condition, words)
            counts[verdict] += 1
            inner = _within(condition, bound)
            if inner is not None:
                counts["within"] += 1
                answer = decide(problem, condition, {constant: str(inner)}, seconds)
                counts["proved"] += answer.verdict == "proved"
                if answer.verdict == "refuted":  # then the bound was not tight, as a point shows
                    counts["loose"] += 1
                    assert one.fails(condition, answer.witness, inner), (one.text, condition, inner)
    return counts


def _beyond(condition: str, bound: mpf) -> Fraction | None:
    """A constant with which a sampled point contradicts the condition."""
    value = fraction(bound)
    if condition == "convex":
        return value if value < -BEYOND else None
    if condition in SMALLEST:
        value *= 1 - BEYOND
        return value if value > 0 else None
    return value * (1 + BEYOND) if value > 0 else BEYOND


def _within(condition: str, bound: mpf) -> Fraction | None:
    """A constant a thousandth away from the bound, on the true side if the bound is tight."""
    value = fraction(bound)
    if value < Fraction(1, 10**6) or condition == "convex":
        return None
    factor = Fraction(1001, 1000) if condition in SMALLEST else Fraction(999, 1000)
    return (value * factor).limit_denominator(10**9)


@pytest.mark.parametrize(("dimension", "count"), [(1, 6), (2, 3)])
def test_nothing_beyond_tight_is_proved(dimension: int, count: int) -> None:
    counts = attack(0, dimension, count, 1.0)
    assert counts["claims"] >= 2 * count
    assert counts["refuted"] >= counts["claims"] / 2
    assert counts["proved"] >= counts["within"] / 3


@pytest.mark.long
@pytest.mark.parametrize(
    ("dimension", "seed"),
    [(1, seed) for seed in range(1, 13)] + [(2, seed) for seed in range(1, 13)],
)
def test_hundreds_of_functions(dimension: int, seed: int) -> None:
    counts = attack(seed, dimension, 20, 1.5 if dimension == 1 else 1.0)
    print(f"{dimension} variables, seed {seed}: {counts}")  # noqa: T201
