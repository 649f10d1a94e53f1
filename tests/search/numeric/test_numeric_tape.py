"""Values, derivatives and enclosures of random formulas against mpmath at 50 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from random_formulas import formula

from boundcalc.search.numeric.derivative import gradient, hessian
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.interval import enclose
from boundcalc.search.numeric.tape import compile, diff

VARIABLES = ("x", "y")
POINTS = np.array([[0.5, -1.25], [1.75, 0.3], [-0.8, 2.2]])


def close(a: mpf, b: mpf, digits: int) -> bool:
    return abs(a - b) <= mpf(10) ** -digits * (abs(b) + mpf(10) ** -3)


@pytest.mark.parametrize("seed", range(120))
def test_values(seed: int) -> None:
    words, value = formula(seed)
    tape = compile([parse(words, VARIABLES)], VARIABLES)
    floats = tape.points(POINTS)[:, 0]
    with mp.workdps(50):
        for point, approximate in zip(POINTS, floats, strict=True):
            truth = value({"x": mpf(point[0]), "y": mpf(point[1])})
            assert close(tape.exact(list(point), 50)[0], truth, 45)
            assert close(mpf(approximate), truth, 9)


@pytest.mark.parametrize("seed", range(60))
def test_derivatives(seed: int) -> None:
    words, value = formula(seed)
    node = parse(words, VARIABLES)
    tape = compile([*gradient(node, VARIABLES), hessian(node, VARIABLES)[0][1]], VARIABLES)
    with mp.workdps(50):
        point = [mpf(float(c)) for c in POINTS[0]]
        truth = [
            mpmath.diff(lambda x, y: value({"x": x, "y": y}), tuple(point), order)
            for order in ((1, 0), (0, 1), (1, 1))
        ]
        for got, want in zip(tape.exact(point, 50), truth, strict=True):
            assert close(got, want, 20)


@pytest.mark.parametrize(
    "words",
    ["tan(x)", "sinh(x)", "cosh(x)", "log(3+x)", "exp(x)", "1/(3+x)", "sqrt(3+x)", "(3+x)^(-5/3)"],
)
def test_derivatives_of_functions_with_poles_or_growth(words: str) -> None:
    node = parse(words, ("x",))
    second = compile([diff(diff(node, "x"), "x")], ("x",))
    plain = compile([node], ("x",))
    with mp.workdps(50):
        for at in ("0.3", "-1.2"):
            truth = mpmath.diff(lambda x: plain.exact([x], 200)[0], mpf(at), 2)
            assert close(second.exact([mpf(at)], 50)[0], truth, 20)


@pytest.mark.parametrize("seed", range(120))
def test_enclosures_hold(seed: int) -> None:
    words, value = formula(seed)
    node = parse(words, VARIABLES)
    tape = compile([node], VARIABLES)
    random = np.random.default_rng(seed)
    middle = random.uniform(-3, 3, (6, 2))
    width = 10.0 ** random.uniform(-9, 0.5, (6, 2))
    low, high = middle - width, middle + width
    below, above = enclose(tape, low, high)
    with mp.workdps(40):
        for box in range(len(low)):
            corners = [low[box], high[box], middle[box]]
            inside = low[box] + (high[box] - low[box]) * random.random((6, 2))
            for point in [*corners, *inside]:
                truth = value({"x": mpf(point[0]), "y": mpf(point[1])})
                assert mpf(below[box, 0]) <= truth <= mpf(above[box, 0])


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "exp", "log", "sinh", "cosh", "tanh", "atan"]
)
def test_enclosures_of_functions_far_out(name: str) -> None:
    """Point boxes at large arguments, where the reduction of angles is at its worst."""
    tape = compile([parse(f"{name}(x)", ("x",))], ("x",))
    random = np.random.default_rng(5)
    at = np.concatenate(
        [
            random.uniform(-700, 700, 200),
            random.uniform(-9e5, 9e5, 200),
            10.0 ** random.uniform(-300, 300, 100),
        ]
    )
    at = np.abs(at) if name == "log" else at
    at = at[np.abs(at) < 700] if name in ("exp", "sinh", "cosh") else at
    below, above = enclose(tape, at[:, None], at[:, None])
    with mp.workdps(400):
        for x, low, high in zip(at, below[:, 0], above[:, 0], strict=True):
            truth = getattr(mp, name)(mpf(x))
            assert mpf(low) <= truth <= mpf(high)


def test_enclosures_are_not_idle() -> None:
    tape = compile([parse("sin(x)*x^2 + 1/(2+cos(y))", VARIABLES)], VARIABLES)
    low = np.array([[1.0, 2.0]])
    below, above = enclose(tape, low, low + 1e-6)
    assert above - below < 1e-5


def test_undefined_values_are_nan_not_an_error() -> None:
    tape = compile([parse(w, ("x",)) for w in ("log(x)", "sqrt(x)", "1/x", "x^(1/3)")], ("x",))
    exact = tape.exact([-1], 30)
    assert [bool(mp.isnan(v)) for v in exact] == [True, True, False, True]
    assert mp.isnan(tape.exact([0], 30)[2])


def test_large_batches_equal_small_ones() -> None:
    tape = compile([parse("sin(x)*exp(y)", VARIABLES)], VARIABLES)
    points = np.random.default_rng(1).normal(size=(10_001, 2))
    whole = tape.points(points)
    parts = np.concatenate([tape.points(points[k : k + 7]) for k in range(0, 10_001, 7)])
    assert np.array_equal(whole, parts)
