"""Signs and rates of functions of t as t → ∞, against mpmath at large t."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy as sp
from mpmath import mp, mpf

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Context
from boundcalc.kernel.analytic.growth import STILL, Growth, Rate, compare
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import Normal, TooMany
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.grammar import GrammarError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import TooLarge

from .oracle import as_sympy


def grown(text: str, order: int = 4) -> tuple[Rate, int]:
    """What the kernel says."""
    terms = Terms()
    normal = Normal(terms)
    node = terms.read(parse(text), {"t": terms.var("t")})
    growth = Growth(Context(terms, normal), {}, order)
    rate, sign = growth.leading(normal.of(node))
    assert compare(growth.rate(normal.of(node)), rate) == 0
    return rate, sign


def number(text: str, t: int) -> mpf:
    """The value as sympy reads it, in mpmath."""
    return sp.lambdify(sp.Symbol("t", real=True), as_sympy(text, ["t"]), "mpmath")(mpf(t))


def scale(rate: Rate, t: int) -> mpf:
    powers, k, logs = rate

    def real(x: Fraction) -> mpf:
        return mpf(x.numerator) / x.denominator

    exponent = sum((real(c) * mpf(t) ** real(p) for p, c in powers), mpf(0))
    return mp.exp(exponent) * mpf(t) ** real(k) * mp.log(t) ** real(logs)


KNOWN = [
    "softplus(-t)", "log(1+exp(-t))", "sqrt(1+t^2)-t", "t-sqrt(t^2-t)", "atan(t)-pi/2",
    "atan(-t)+pi/2", "1-cos(1/t)", "sin(1/t)*t-1", "exp(1/t)-1-1/t", "cosh(t)-t^5",
    "sinh(-t)+t^5", "log(1+t^2)-2*log(t)", "tanh(t)-1", "1+tanh(-3*t)", "logistic(t)-1",
    "logistic(-t^2)", "softplus(2*t+1)-2*t-1", "(1+t^3)^(1/3)-t", "exp(sin(t))/t",
    "sqrt(2)*t-sqrt(2*t^2+1)", "log(cosh(t))-t", "exp(t+exp(-t))-exp(t)", "t^(1/2)*log(t)-t",
    "log(t+1)-log(t)", "exp(3*log(t))-t^2", "exp(-t)-t^2*exp(-2*t)+sin(t)*exp(-3*t)",
    "log(exp(t)+t)-t", "1/(exp(t)-t)", "(exp(2*t)+1)^(1/2)-exp(t)", "(8*t^3+1)^(1/3)-t",
    "tanh(1/t)-1/t", "log(t)/sqrt(log(t)+1)", "logistic(1/t)-1/2", "exp(2+1/t)-exp(2)",
    "softplus(1/t)-log(2)-1/(2*t)", "log(2*t)-log(t)", "(2+cos(t))*t-1", "t^3-t^3*tanh(t)",
]  # fmt: skip


DEEP = ["1/(2*t^2)+cos(1/t)-1", "sin(1/t)-1/t+1/(6*t^3)-1/(120*t^5)", "tanh(1/t)-1/t+1/(3*t^3)",
        "softplus(1/t)-log(2)-1/(2*t)-1/(8*t^2)", "exp(1/t)-1-1/t-1/(2*t^2)-1/(6*t^3)-1/(24*t^4)",
        "sqrt(1+1/t)-1-1/(2*t)+1/(8*t^2)-1/(16*t^3)+5/(128*t^4)", "atan(1/t)-1/t+1/(3*t^3)",
        "log(1+1/t)-1/t+1/(2*t^2)-1/(3*t^3)+1/(4*t^4)", "logistic(1/t)-1/2-1/(4*t)"]  # fmt: skip


@pytest.mark.parametrize("text", [*KNOWN, *DEEP])
def test_rates_and_signs(text: str) -> None:
    """f(t) divided by its rate stays between positive bounds, and f has the sign."""
    rate, sign = grown(text, 9 if text in DEEP else 4)
    with mp.workdps(600):
        if "log(" in text and rate[2]:
            places = [10**30, 10**60]
        else:
            places = [60, 97] if rate[0] or "exp" in text else [10**4, 10**6]
        ratios = [sign * number(text, t) / scale(rate, t) for t in places]
    assert all(mpf("0.0001") < r < 50 for r in ratios), (rate, sign, ratios)
    if "sin(t)" not in text and "cos(t)" not in text:
        assert mpf("0.7") < ratios[0] / ratios[1] < mpf("1.4")


def test_nothing() -> None:
    assert grown("exp(2*log(t))-t^2")[1] == 0
    assert grown("t - t") == (STILL, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exp(exp(t))", "no sum of rational powers"),
        ("exp(sqrt(2)*t)", "no sum of rational powers"),
        ("exp(log(t)^2)", "no sum of rational powers"),
        ("exp(t*log(t))", "no sum of rational powers"),
        ("sin(t)", "sign is not known"),
        ("sin(t)*t + 1", "sign is not known"),
        ("log(log(t))", "logarithm of a logarithm"),
        ("log(-t)", "of what is negative"),
        ("sqrt(-t)", "a root of what is negative"),
        ("1/(t - exp(log(t)))", "of 0"),
        ("log(t - exp(log(t)))", "of 0"),
        ("u*t", "u is not known"),
        ("softplus(2*t+1)-2*t-1-exp(-2*t-1)+exp(-4*t-2)/2-exp(-6*t-3)/3", "sign is not known"),
        ("log(2) + log(1/2) + exp(-t)", "sign is not known"),
        ("+".join(f"t^{k}" for k in range(1, 30)) + "+(1+1/t+exp(-t)+1/log(t))^40", "more than"),
    ],
)
def test_what_is_not_known(text: str, why: str) -> None:
    terms = Terms()
    normal = Normal(terms)
    node = terms.read(parse(text), {name: terms.var(name) for name in ("t", "u")})
    with pytest.raises(Rejected, match=why):
        Growth(Context(terms, normal), {}).leading(normal.of(node))


def test_parameters_are_known_to_lie_in_their_ranges() -> None:
    terms = Terms()
    normal = Normal(terms)
    names = {name: terms.var(name) for name in ("t", "p")}
    growth = Growth(Context(terms, normal), {"p": (Fraction(1), Fraction(2))})
    rise = normal.of(terms.read(parse("exp(p)*t - 5*t^(1/2)"), names))
    assert growth.leading(rise) == (((), Fraction(1), Fraction(0)), 1)
    with pytest.raises(Rejected, match="sign is not known"):
        growth.leading(normal.of(terms.read(parse("(p - 3/2)*t"), names)))


OUTER = ["exp({})", "log(1+({})^2)", "tanh({})", "atan({})", "softplus({})", "logistic({})",
         "sqrt(1+({})^2)", "sin({})", "cos({})", "cosh({})", "1/(1+({})^2)"]  # fmt: skip
INNER = ["t", "-t", "1/t", "t^2", "t/2", "(1-t)", "log(t)", "t^(1/2)", "(1/t-1)", "(t+1/t)"]


def composed(source: random.Random, depth: int) -> str:
    if depth == 0:
        return source.choice(INNER)
    if source.random() < 0.4:
        a, b = composed(source, depth - 1), composed(source, depth - 1)
        return f"({a}){source.choice('+-*')}({b})"
    return source.choice(OUTER).format(composed(source, depth - 1))


def test_random_functions() -> None:
    """The sign is that of mpmath far out; most functions are decided."""
    source = random.Random(20240)
    decided = 0
    for _ in range(150):
        text = composed(source, 2)
        try:
            rate, sign = grown(text)
        except (Rejected, GrammarError, TooMany, TooLarge, Undefined):
            continue
        with mp.workdps(1500):
            value = number(text, 130)
            far = value / scale(rate, 130)
        if "sin(" not in text and "cos(" not in text and "log" not in text:
            assert sign == 0 or mpf("1e-3") < sign * far < 1e3, (text, rate, sign)
        assert (value > 0) - (value < 0) == sign, (text, rate, sign)
        decided += sign != 0
    assert decided > 75
