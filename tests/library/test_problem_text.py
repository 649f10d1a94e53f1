"""Problems as they are said on a command line."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from boundcalc.errors import InputError
from boundcalc.library.problem import Ball
from boundcalc.library.problem_formulas import MAX_LENGTH, read_constant, variables_of
from boundcalc.library.problem_text import problem_from, with_options


def faults(*formulas: str, **options) -> list[str]:
    with pytest.raises(InputError) as caught:
        problem_from(formulas, **options)
    return [str(fault) for fault in caught.value.faults]


def test_variables_are_the_names_in_natural_order() -> None:
    assert variables_of(["x10 + b*x2", "exp(a) + e*pi + 1e5*x2"]) == ("a", "b", "x2", "x10")
    assert variables_of(["sin (t) + sin(s)"]) == ("s", "t")
    assert variables_of(["2e3 + .5E-2"]) == ()


def test_formulas_are_components_or_a_residual_map() -> None:
    problem = problem_from(["(x-1)^2/2", "(x+1)**2/2"])
    assert problem.components == ("(x-1)^2/2", "(x+1)**2/2")
    assert (problem.variables, problem.domain, problem.residual) == (("x",), ((None, None),), ())
    assert problem_from(["1 - x", "10*(y - x^2)"], residual=True).residual[1] == "10*(y - x^2)"


@pytest.mark.parametrize("formula", ["-x^2", "x^(3/2)", "x**-2", "x^0.5", "softplus(x) + pi*e"])
def test_the_grammar_of_formulas(formula: str) -> None:
    assert problem_from([formula]).components == (formula,)


def test_a_domain_has_exact_ends_and_open_ones() -> None:
    problem = problem_from(["x^2 + y^2 + z^2 + w^2"], domain="x=-0.1:1/3, y=0:, z=:2,w=-oo:oo")
    sides = dict(zip(problem.variables, problem.domain, strict=True))
    assert sides["x"] == (Fraction(-1, 10), Fraction(1, 3))
    assert sides["y"] == (0, None)
    assert sides["z"] == (None, 2)
    assert sides["w"] == (None, None)
    assert problem_from(["x*y"], domain="-1:1").domain == ((-1, 1), (-1, 1))


def test_a_domain_replaces_only_the_sides_it_names() -> None:
    problem = problem_from(["x*y"], domain="0:1")
    assert with_options(problem, "y=2:3", None).domain == ((0, 1), (2, 3))


def test_balls_and_minimisers_by_order_or_by_name() -> None:
    ball = Ball((Fraction(0), Fraction(1, 2)), Fraction(1, 4))
    assert problem_from(["x*y"], ball="0,1/2;0.25").ball == ball
    assert problem_from(["x*y"], ball="y=1/2,x=0;1/4").ball == ball
    points = problem_from(["x*y"], minimisers=["0,sqrt(2)", "y=-sqrt(2), x=0"]).minimisers
    assert points == (("0", "sqrt(2)"), ("0", "-sqrt(2)"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"domain": "x=1:0"}, "--domain x: found 1:0"),
        ({"domain": "x=1:1"}, "--domain x: found 1:1"),
        ({"domain": "x=oo:1"}, "a number or -oo"),
        ({"domain": "q=0:1"}, "the name 'q'"),
        ({"domain": "x=0"}, "name=lower:upper"),
        ({"domain": "x=0:1:2"}, "name=lower:upper"),
        ({"domain": "0:1,2:3"}, "name=lower:upper"),
        ({"domain": "x=0:1,x=0:1"}, "x twice"),
        ({"domain": "x=0:sqrt(2)"}, "irrational"),
        ({"domain": "x=0:1e99999"}, "--domain x"),
        ({"domain": ""}, "name=lower:upper"),
        ({"ball": "0,0"}, "center;radius"),
        ({"ball": "0;1"}, "1 coordinate"),
        ({"ball": "0,0;-1"}, "--ball radius: found '-1'"),
        ({"ball": "0,0;0"}, "a positive number"),
        ({"ball": "x=0;1"}, "each of x, y once"),
        ({"minimisers": ["0"]}, "1 coordinate"),
        ({"minimisers": ["x=0,z=1"]}, "each of x, y once"),
        ({"minimisers": ["0,y"]}, "'y' in a number"),
        ({"minimisers": ["0,1/0"]}, "division by zero"),
        ({"minimisers": ["0,sqrt(-1)"]}, "square root of a negative number"),
    ],
)
def test_what_is_wrong_with_a_region(options: dict, said: str) -> None:
    found = faults("x*y", **options)
    assert all(said in one for one in found)


def test_all_faults_are_collected() -> None:
    assert len(faults("x +", "y + )", "x*y")) == 2
    assert len(faults("x*y", domain="x=1:0,z=1:2", ball="0;1", minimisers=["0"])) == 4


def test_the_caret_stands_below_the_character() -> None:
    (message,) = faults("x + 2y")
    first, formula, caret = message.splitlines()
    assert "formula: found character 6: unexpected 'y'" in first
    assert formula[caret.index("^")] == "y"
    (message,) = faults("1 + " * 30 + "x ? y")
    _, formula, caret = message.splitlines()
    assert formula[caret.index("^")] == "?"
    assert len(formula) < 90


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("(" * 5000 + "x" + ")" * 5000, "nested deeper"),
        ("-" * 5000 + "x", "nested deeper"),
        ("sin(" * 3000 + "x" + ")" * 3000, "nested deeper"),
        ("x+" * 50_000 + "x", f"at most {MAX_LENGTH:,}"),
        ("x+" * 25_000 + "x", "terms"),
        ("x" * 50_000, "at most 39"),
        ("x.__class__.__mro__", "unexpected '.'"),
        ("__import__('os')", "unexpected"),
        ("__import__(os)", "unknown function '__import__'"),
        ("x^999999999999999999", "exponents above"),
        ("x^9^9^9", "two powers in a row"),
        ("((x^64)^64)^64", "exponents above"),
        ("x^y", "exp(y*log(x))"),
        ("9" * 5000 + "*x", "digits"),
        ("1e999*1e999*x*1e99999", "unexpected"),
        ("", "found nothing"),
        ("  \t ", "found nothing"),
        ("x\x00", "printable"),
        ("x\n\x1b[31m", "printable"),
        ("x²", "unexpected"),
        ("f(x)", "unknown function 'f'"),
        ("sin x", "unexpected 'x'"),
        ("sin + x", "without its argument"),
        ("lambda", ""),
        ("x if y else z", "unexpected 'if'"),
        ("3", "no variable"),
        ("_x + 1", "a letter"),
    ],
)
def test_hostile_formulas_are_one_message_at_once(formula: str, said: str) -> None:
    began = time.perf_counter()
    if not said:  # a word of Python is a name like any other
        assert problem_from([formula]).variables == (formula,)
        return
    (message,) = faults(formula)
    assert said in message
    assert len(message) < 500
    assert "\x1b" not in message
    assert "\x00" not in message
    assert time.perf_counter() - began < 0.5


def test_counts_are_capped() -> None:
    assert "at most 100" in faults(" + ".join(f"x{k}" for k in range(101)))[0]
    assert "at most 1000" in faults(*["x^2"] * 1001)[0]


def test_a_constant_is_enclosed_or_left_to_the_kernel() -> None:
    low, high = read_constant("c", "5*(sqrt(5)-2)/2") or (0, 0)
    assert 0.59016994 < low < high < 0.59016995
    low, high = read_constant("c", "pi - e") or (0, 0)
    assert 0.42331 < low < high < 0.42332
    assert read_constant("c", "1/32") == (Fraction(1, 32), Fraction(1, 32))
    assert read_constant("c", "exp(1)/2") is None
    assert read_constant("c", "1/(pi - 3.14159265358979323846)") is None
    with pytest.raises(InputError, match="in a number"):
        read_constant("c", "x + 1")
    deep = "(" * 50 + "1" + "*1" * 60 + ")*1" * 50
    with pytest.raises(InputError):
        read_constant("c", deep.replace(")*1", "*1" * 90 + ")"))
