"""The search's own reader of formulas: what it accepts, what it refuses, and that writing is its
inverse."""

from __future__ import annotations

from fractions import Fraction

import pytest
from mpmath import mp, mpf
from random_formulas import formula

from boundcalc.search.numeric.formula import FormulaError, parse
from boundcalc.search.numeric.node import rational, substitute, text
from boundcalc.search.numeric.tape import compile


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("-2^2", Fraction(-4)),
        ("2^-2", Fraction(1, 4)),
        ("2**3**2", Fraction(512)),
        ("1 - 2 - 3", Fraction(-4)),
        ("8/4/2", Fraction(1)),
        ("-3/4*2", Fraction(-3, 2)),
        ("2 - -3", Fraction(5)),
        ("sqrt(9/4)", Fraction(3, 2)),
        ("4^(3/2)", Fraction(8)),
        ("sin(0) + cos(0) + log(e)", Fraction(2)),
        ("x - x", Fraction(0)),
    ],
)
def test_constants_are_exact(words: str, value: Fraction) -> None:
    assert rational(parse(words, ("x",))) == value


def test_equal_formulas_are_one_object() -> None:
    assert parse("sin(x)^2 + y", ("x", "y")) is parse(" sin( x )**2+y", ("x", "y"))


@pytest.mark.parametrize(
    ("words", "position"),
    [
        ("", 0),
        ("x +", 3),
        ("x $ 2", 2),
        ("z + 1", 0),
        ("2 x", 2),
        ("x^y", 1),
        ("sin x", 0),
        ("(x", 2),
        ("x)", 1),
        ("1/0", 1),
        ("x^65", 1),
        ("(x^64)^64", 6),
        ("((9^64)^64)^64", 7),
        ("__import__('os')", 0),
        ("x" + "+x" * 30_001, 60_000),
    ],
)
def test_refusals_say_where(words: str, position: int) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(words, ("x", "y"))
    assert caught.value.position == position


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(FormulaError, match="nested"):
        parse("(" * 5_000 + "x" + ")" * 5_000, ("x",))


@pytest.mark.parametrize("seed", range(60))
def test_written_formulas_read_back_the_same(seed: int) -> None:
    node = parse(formula(seed)[0], ("x", "y"))
    again = parse(text(node), ("x", "y"))
    at = [mpf("0.7"), mpf("-1.3")]
    first, second = (compile([n], ("x", "y")).exact(at, 40)[0] for n in (node, again))
    with mp.workdps(40):
        assert abs(first - second) <= abs(first) * mpf(10) ** -35


def test_substitution_folds() -> None:
    node = substitute(parse("x^2 + y/x", ("x", "y")), {"x": parse("2"), "y": parse("3")})
    assert rational(node) == Fraction(11, 2)
