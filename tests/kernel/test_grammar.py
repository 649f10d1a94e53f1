"""The grammar reads what it should, refuses the rest, and its values are exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boundcalc.kernel.grammar import GrammarError, names, parse
from boundcalc.kernel.value import enclose, evaluate, sqrt_bounds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("-2^2", Fraction(-4)),
        ("2*3 - 4/5", Fraction(26, 5)),
        ("1 - 2 - 3", Fraction(-4)),
        ("8/4/2", Fraction(1)),
        ("2**-2", Fraction(1, 4)),
        ("sqrt(9/4)", Fraction(3, 2)),
        ("max(1, 2, min(7, 5))", Fraction(5)),
        ("abs(-3)", Fraction(3)),
        ("1.5e2", Fraction(150)),
        ("+x*(x - 1)", Fraction(6)),
    ],
)
def test_values(text: str, value: Fraction) -> None:
    assert evaluate(text, {"x": Fraction(3)}) == value


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("1 +", 3),
        ("foo(2)", 0),
        ("((9^64)^64)", 8),
        ("((x^9)^9)", 7),
        ("2^x", 2),
        ("2^1.5", 2),
        ("1e9999", 5),
        ("a..b", 1),
        ("sqrt(1, 2)", 0),
        ("min(1)", 0),
        ("x $", 2),
        ("(1", 2),
        ("1 2", 2),
        ("", 0),
        ("x" + " + x" * 16_000, 60_000),
        ("x" + "+x" * 4_000, 199),
        ("x" + "*x" * 4_000, 199),
        ("max(" + ", ".join(["x"] * 3_000) + ")", 7501),
        ("(" * 100, 60),
        ("9" * 2_000, 0),
        ("1e-999 * 1e999 * 1e999 + " + "1" * 1024 + "e999", 25),
        ("9" * 900 + "e999", 0),
        ("__import__('os')", 11),
        ("x.real", 1),
        ("λ", 0),
    ],
)
def test_refusals_say_where(text: str, position: int) -> None:
    with pytest.raises(GrammarError) as caught:
        parse(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/(x - x)", "division by zero"),
        ("y", "no value"),
        ("sqrt(-1)", "negative"),
        ("sqrt(2)", "irrational"),
        ("2^-2 + 0^-1", "division by zero"),
    ],
)
def test_no_value(text: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        evaluate(text, {"x": Fraction(1)})


def test_square_root_bounds() -> None:
    with pytest.raises(ValueError, match="negative"):
        sqrt_bounds(Fraction(-1), 8)


def test_pairs_enclose() -> None:
    assert enclose("x^2 - y", {"x": (Fraction(-1), Fraction(2)), "y": Fraction(1)}) == (-1, 3)


def test_values_are_capped() -> None:
    huge = Fraction(2) ** 100_000
    with pytest.raises(GrammarError, match="too large"):
        evaluate("x^64", {"x": huge})
    with pytest.raises(GrammarError, match="too large"):
        evaluate("*".join(["x"] * 11), {"x": huge})


def test_functions_can_be_chosen() -> None:
    tree = parse("dot(g, x)", {"dot": 2})
    assert names(tree) == {"g", "x"}
    with pytest.raises(GrammarError, match="no scalar value"):
        evaluate(tree, {"g": Fraction(1), "x": Fraction(1)})
    assert names(parse("1 + x^2*y - max(z, 3)")) == {"x", "y", "z"}


@given(st.fractions(min_value=0, max_value=10**9), st.integers(8, 200))
def test_square_roots_are_enclosed(value: Fraction, bits: int) -> None:
    lo, hi = enclose("sqrt(v)", {"v": value}, bits)
    assert lo * lo <= value <= hi * hi
    assert (hi - lo) * Fraction(2) ** (bits - 1) <= hi


@given(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=3, max_size=3))
def test_enclosures_hold_what_they_enclose(v: list[Fraction]) -> None:
    """√2 replaced by any rational inside its enclosure gives a value inside the enclosure."""
    text = (
        "(a*sqrt(2) - b)*(sqrt(2) - c)^2 + abs(a - sqrt(2)*b) + max(a*sqrt(2), 1)^3/(sqrt(2) + 20)"
    )
    env = dict(zip("abc", v, strict=True))
    lo, hi = enclose(text, env, 8)
    fine_lo, fine_hi = enclose(text, env, 96)
    root = Fraction(14142, 10000)
    near = evaluate(text.replace("sqrt(2)", "s"), env | {"s": root})
    assert lo <= near <= hi
    assert lo <= fine_lo <= fine_hi <= hi
