"""Sums of squares: known forms, functions of the literature, and what must not be found."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement, product
from typing import Any

import pytest

from boundcalc.kernel.grammar import parse
from boundcalc.search.sos import Failure, Largest, sos, tightest

MOTZKIN = "x^4*y^2 + x^2*y^4 - 3*x^2*y^2 + 1"
ROBINSON = "x^6+y^6+1-(x^4*y^2+x^2*y^4+x^4+x^2+y^4+y^2)+3*x^2*y^2"
CHOI_LAM = "1 + x^2*y^2 + y^2*z^2 + z^2*x^2 - 4*x*y*z"
SCHEIDERER = (
    "x^4+x*y^3+y^4-3*x^2*y*z-4*x*y^2*z+2*x^2*z^2+x*z^3+y*z^3+z^4"  # real squares only, no rational
)
ROSENBROCK = "(1-x)^2 + 10*(y-x^2)^2"
HIMMELBLAU = "(x^2+y-11)^2 + (x+y^2-7)^2"


@pytest.fixture
def prove(polynomial: Callable[..., Any], difference: Callable[..., Any]) -> Callable[..., Any]:
    """The finder on texts; whatever it returns is multiplied out by sympy."""

    def run(
        goal: str,
        names: Sequence[str],
        constraints: Sequence[str] = (),
        equalities: Sequence[str] = (),
        **options: Any,
    ) -> Any:
        found = sos(
            polynomial(goal, names),
            names,
            [polynomial(text, names) for text in constraints],
            [polynomial(text, names) for text in equalities],
            **options,
        )
        if not isinstance(found, Failure):
            assert difference(found, goal, names, constraints, equalities).is_zero
            for text in _texts(found):
                parse(text)
        return found

    return run


def _texts(found: dict[str, Any]) -> list[str]:
    squares = [*found["squares"], *found.get("multiplier", [])]
    squares += [square for part in found.get("products", []) for square in part["squares"]]
    free = [entry["times"] for entry in found.get("equalities", [])]
    return [*free, *(text for square in squares for text in square)]


def _pl(f: str, names: Sequence[str], mu: str) -> str:
    """½‖∇f‖² − μf, differentiated by sympy."""
    import sympy

    table = {name: sympy.Symbol(name) for name in (*names, "mu")}
    value = sympy.sympify(f.replace("^", "**"), locals=table, rational=True)
    slopes = sum(sympy.diff(value, table[name]) ** 2 for name in names) / 2
    constant = sympy.sympify(mu, locals=table, rational=True)
    return str(sympy.expand(slopes - constant * value)).replace("**", "^")


SQUARES = {
    "one square": ("x^2", "x"),
    "rank two": ("(x-y)^2 + x^4", "xy"),
    "Parrilo's quartic": ("2*x^4 + 2*x^3*y - x^2*y^2 + 5*y^4", "xy"),
    "Himmelblau": (HIMMELBLAU, "xy"),
    "irrational zeros": ("(x^2-2)^2 + (x*y-1)^2", "xy"),
    "zeros with a singular Hessian": ("(x^2+y^2-1)^2 + (x-1)^2", "xy"),
    "three zeros": ("(x*(x-1)*(x-2))^2 + (y-x^2)^2", "xy"),
    "faces in three variables": ("(x^2-2*y^2)^2 + (x*y-2*z^2)^2 + (x+y+z)^2*(x-y)^2", "xyz"),
    "a curve of zeros": ("(x*y-1)^2*(x^2 - x*y + y^2)", "xy"),
    "a constant": ("3", "x"),
    "zero": ("0", "x"),
}


@pytest.mark.parametrize("name", SQUARES)
def test_sums_of_squares_are_found_exactly(name: str, prove: Callable[..., Any]) -> None:
    goal, names = SQUARES[name]
    found = prove(goal, names)
    assert not isinstance(found, Failure), found
    assert set(found) == {"rule", "squares"}


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        (MOTZKIN, "not-sos"),
        (ROBINSON, "not-sos"),
        (CHOI_LAM, "not-sos"),
        (SCHEIDERER, "boundary"),
        ("x^2 - y^2", "not-sos"),
        ("x^3", "not-sos"),
        ("0 - 3", "not-sos"),
        ("x^2 - 1/1000", "not-sos"),
        ("(x-y)^2 - 1/1000000", "not-sos"),
    ],
)
def test_what_is_no_sum_of_rational_squares_is_not_found(
    goal: str, reason: str, prove: Callable[..., Any]
) -> None:
    found = prove(goal, "xyz")
    assert isinstance(found, Failure)
    assert found.reason == reason


@pytest.mark.parametrize("goal", [MOTZKIN, ROBINSON, CHOI_LAM])
def test_a_multiplier_proves_nonnegative_forms_that_are_no_sums_of_squares(
    goal: str, prove: Callable[..., Any]
) -> None:
    found = prove(goal, "xyz", multiplier=2)
    assert not isinstance(found, Failure), found
    assert found["multiplier"]


def test_a_given_multiplier_is_used(
    prove: Callable[..., Any], polynomial: Callable[..., Any]
) -> None:
    given = [(Fraction(1), polynomial(name, "xy")) for name in "xy"]
    found = prove(MOTZKIN, "xy", multiplier=given)
    assert not isinstance(found, Failure), found
    assert found["multiplier"] == [["1", "x"], ["1", "y"]]


@pytest.mark.parametrize("shift", [None, (Fraction(1), Fraction(-1, 3))])
@pytest.mark.parametrize("below", [0, 6, 9])
def test_pl_up_to_the_exact_constant(
    below: int, shift: tuple[Fraction, Fraction] | None, prove: Callable[..., Any]
) -> None:
    """The Hessian at the minimiser has eigenvalues 8 and 2, so 2 is best possible for pl."""
    x, y = ("x", "y") if shift is None else (f"(x - ({shift[0]}))", f"(y - ({shift[1]}))")
    f = f"5/2*{x}^2 + 5/2*{y}^2 + 3*{x}*{y} + {x}^4"
    zeros = [shift or (Fraction(0), Fraction(0))]
    goal = _pl(f, "xy", f"2 - 1/10**{below}" if below else "2")
    assert not isinstance(prove(goal, "xy", zeros=zeros), Failure)
    assert isinstance(prove(_pl(f, "xy", "2 + 1/10**5"), "xy", zeros=zeros), Failure)


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_dense_quartics(d: int, prove: Callable[..., Any]) -> None:
    rng = random.Random(d)
    names = [f"x{k}" for k in range(d)]
    pairs = ["*".join(pair) for pair in combinations_with_replacement(names, 2)]
    forms = [" + ".join(f"({rng.randint(-3, 3)})*{pair}" for pair in pairs) for _ in range(2 * d)]
    goal = " + ".join([f"({form} + {names[0]})^2" for form in forms] + [f"{n}^4" for n in names])
    found = prove(goal + " + 3", names)
    assert not isinstance(found, Failure), found
    assert len(str(found)) < 20_000


CONSTRAINED = {
    "box, linear sides": ("1 - x*y", "xy", ["1-x", "1+x", "1-y", "1+y"], []),
    "box, quadratic sides": ("1 - x*y", "xy", ["1-x^2", "1-y^2"], []),
    "half line": ("x^3 - 3*x + 2", "x", ["x"], []),
    "zero on the boundary": ("x^2 - x^3", "x", ["x*(1-x)"], []),
    "cubic in a box": ("(x-1/3)^2*(x+1) + y^2*(x+1)", "xy", ["1-x^2", "1-y^2"], []),
    "circle": ("2 - x - y", "xy", [], ["x^2 + y^2 - 1"]),
    "products needed": ("2 - x^2 - y^2", "xy", ["1-x", "1+x", "1-y", "1+y"], []),
    "Motzkin in a box": (MOTZKIN, "xy", ["4-x^2", "4-y^2"], []),
    "a reciprocal": ("1 - u", "xu", [], ["u*(1+x^2) - 1"]),
    "large numbers": ("10^6 - x*y", "xy", ["10^6 - x^2", "10^6 - y^2"], []),
    "small numbers": ("1/10^6 - x*y", "xy", ["1/10^6 - x^2", "1/10^6 - y^2"], []),
}


@pytest.mark.parametrize("name", CONSTRAINED)
def test_constraints_and_equalities(name: str, prove: Callable[..., Any]) -> None:
    goal, names, constraints, equalities = CONSTRAINED[name]
    found = prove(goal, names, constraints, equalities)
    assert not isinstance(found, Failure), found
    assert isinstance(prove(f"{goal} - 10^7*(1 + x^2)", names, constraints, equalities), Failure)


def test_without_its_constraint_a_claim_fails(prove: Callable[..., Any]) -> None:
    assert isinstance(prove("1 - x*y", "xy", ["1-x^2"]), Failure)


def test_pl_of_a_curved_valley_near_the_best_constant(
    prove: Callable[..., Any], polynomial: Callable[..., Any]
) -> None:
    """Rosenbrock's function on a disc; the least ratio found by minimising it is 0.15968."""
    zero, disc = (Fraction(1), Fraction(1)), "4-(x-1)^2-(y-1)^2"
    assert not isinstance(
        prove(_pl(ROSENBROCK, "xy", "0.159"), "xy", [disc], zeros=[zero]), Failure
    )
    assert isinstance(prove(_pl(ROSENBROCK, "xy", "0.161"), "xy", [disc], zeros=[zero]), Failure)


def test_pl_where_the_minimisers_form_a_surface(
    prove: Callable[..., Any], polynomial: Callable[..., Any]
) -> None:
    """½‖uvᵀ − A‖² with A of rank one: squares of combinations of the residuals."""
    names = ["u1", "u2", "v1", "v2"]
    residuals = ["u1*v1 - 1", "u1*v2", "u2*v1", "u2*v2"]
    f = "1/2*(" + " + ".join(f"({r})^2" for r in residuals) + ")"
    ball = "1/16 - (u1-1)^2 - u2^2 - (v1-1)^2 - v2^2"
    ideal = [polynomial(r, names) for r in residuals]
    family = polynomial(_pl(f, names, "mu"), [*names, "mu"])
    found = tightest(family, "mu", names, [polynomial(ball, names)], ideal=ideal)
    assert isinstance(found, Largest)
    below = Fraction(round(found.value * 990), 1000)
    assert not isinstance(prove(_pl(f, names, str(below)), names, [ball], ideal=ideal), Failure)
    # the Hessian at the minimiser (t, 0, 1/t, 0) has the eigenvalues t² + 1/t², t², 1/t² and 0
    inside = [t for t in (k / 10**5 for k in range(70_000, 100_000)) if _near(t)]
    assert found.value == pytest.approx(min(inside) ** 2, abs=5e-5)


def _near(t: float) -> bool:
    return (t - 1) ** 2 + (1 / t - 1) ** 2 <= 1 / 16


def test_tightest_constants(polynomial: Callable[..., Any]) -> None:
    names = "xy"
    disc = polynomial("1/4 - (x-1)^2 - (y-1)^2", names)
    factored = polynomial(_pl("1/2*(x*y-1)^2", names, "mu"), [*names, "mu"])
    found = tightest(factored, "mu", names, [disc])
    assert isinstance(found, Largest)
    assert found.value == pytest.approx((2**0.5 - 0.5) ** 2, abs=1e-7)  # least x² + y² in the disc
    quartic = polynomial("x^4 - 3*x^2 + x - c", "xc")
    found = tightest(quartic, "c", "x")
    least = min(x**4 - 3 * x**2 + x for x in (k / 10**5 for k in range(-200_000, 200_000)))
    assert isinstance(found, Largest)
    assert found.value == pytest.approx(least, abs=1e-6)
    with pytest.raises(ValueError, match="affine"):
        tightest(polynomial("x^2 - c^2", "xc"), "c", "x")


def test_known_zeros_and_ideals_do_not_weaken_soundness(
    prove: Callable[..., Any], polynomial: Callable[..., Any]
) -> None:
    """Wrong hints cost proofs, never give wrong ones (the identity is checked by the fixture)."""
    wrong = [(Fraction(5), Fraction(7))]
    assert not isinstance(prove("(x-y)^2 + x^4", "xy", zeros=wrong), Failure)
    ideal = [polynomial("x", "xy")]
    assert isinstance(prove("(x-y)^2 + x^4", "xy", ideal=ideal), Failure)


def test_budgets_are_obeyed(prove: Callable[..., Any]) -> None:
    out_of_time = prove(HIMMELBLAU, "xy", seconds=0.0)
    assert isinstance(out_of_time, Failure)
    assert out_of_time.reason == "time"
    names = [f"x{k}" for k in range(20)]
    large = prove(" + ".join(f"{name}^6" for name in names), names)
    assert isinstance(large, Failure)
    assert large.reason == "too-large"


def test_bad_input_is_named(polynomial: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="variable y"):
        sos(polynomial("x + y", "xy"), "x")
    with pytest.raises(ValueError, match="degree above 60"):
        sos(polynomial("x^62", "x"), "x")


def test_every_change_of_a_number_breaks_the_identity(
    prove: Callable[..., Any], difference: Callable[..., Any]
) -> None:
    """The check in these tests can fail: it sees each weight and each square."""
    goal, constraints = "1 - x*y", ["1-x^2", "1-y^2"]
    found = prove(goal, "xy", constraints)
    places = [("squares", k) for k in range(len(found["squares"]))]
    places += [("products", k) for k in range(len(found.get("products", [])))]
    for (part, k), column in product(places, (0, 1)):
        mutant = copy.deepcopy(found)
        square = mutant[part][k] if part == "squares" else mutant[part][k]["squares"][0]
        square[column] = f"{Fraction(square[0]) + 1}" if column == 0 else f"{square[1]} + 1"
        assert not difference(mutant, goal, "xy", constraints, []).is_zero


def test_the_package_is_light_to_import() -> None:
    heavy = "cvxpy, clarabel, scipy, flint, numpy, sympy"
    code = (
        "import sys, boundcalc.search.sos\n"
        f"print([m for m in '{heavy}'.split(', ') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
