"""Rates against literature values and closed forms, refusals, chains of implications."""

from __future__ import annotations

from fractions import Fraction

import pytest

from boundcalc.errors import InputError
from boundcalc.library.chain import Fact, close
from boundcalc.library.evaluate import rate
from boundcalc.library.numbers import exact, lower, upper
from boundcalc.library.side_by_side import side_by_side


@pytest.mark.parametrize(
    ("kappa", "step", "factor"),
    [
        ("0.1", 1.13348589669, 0.85437083397),
        ("0.2", 1.1140697404, 0.723454159416),
        ("0.5", 1.06417777248, 0.397422994295),
    ],
)
def test_best_step_of_gradient_descent_under_pl(kappa: str, step: float, factor: float) -> None:
    found = rate("gd-pl", mu=kappa, L=1)
    assert float(found.best_step_size) == pytest.approx(step, rel=1e-6)
    assert float(found.upper.pair[1]) == pytest.approx(factor, rel=1e-10)
    assert found.upper.theorem == "gd-pl-medium"


@pytest.mark.parametrize(
    ("kappa", "gamma", "factor", "theorem"),
    [
        ("0.2", "1", 0.7272727, "gd-pl-medium"),
        ("0.2", "0.5", 0.8329702, "gd-pl-short"),
        ("0.2", "0.25", 0.9083756, "gd-pl-short"),
        ("0.2", "1.366025", 0.7435283, "gd-pl-medium"),
        ("0.2", "1.9", 0.9551887, "gd-pl-long"),
        ("0.5", "0.5", 0.6056466, "gd-pl-short"),
        ("0.5", "1", 0.4, "gd-pl-medium"),
        ("0.1", "1", 0.8571429, "gd-pl-medium"),
    ],
)
def test_one_step_under_pl(kappa: str, gamma: str, factor: float, theorem: str) -> None:
    found = rate("gd-pl", step_size=gamma, mu=kappa, L=1)
    assert float(found.upper.pair[1]) == pytest.approx(factor, abs=6e-8)
    assert found.upper.theorem == theorem
    assert found.rate == found.upper.pair
    assert found.own_rate is None or found.rate[1] <= found.own_rate[1]


def test_other_worst_cases() -> None:
    found = rate("gd-rsi-eb", 4, step_size="0.1", mu="0.1", L=1, dist2=1)
    assert float(found.bound[1]) == pytest.approx(0.96059601)
    found = rate("gd-nonconvex", 5, step_size=1, L=1, gap0=1)
    assert float(found.bound[1]) >= 4 / 15  # the exact worst case


def test_iterations() -> None:
    given = {"alpha": 1, "beta": "0.1", "L": "5/2", "sigma2": "0.01", "dist2": 3}
    count = rate("sgd-alpha-beta-sharp", epsilon="0.02", **given).iterations
    assert rate("sgd-alpha-beta-sharp", count, **given).best_bound[1] <= Fraction(2, 100)
    assert rate("sgd-alpha-beta-sharp", count - 1, **given).best_bound[1] > Fraction(2, 100)
    found = rate("sgd-alpha-beta-sharp", epsilon="0.0001", **given)
    assert found.iterations is None
    assert "never: the floor is 0.0011" in found.reason
    found = rate("gd-pl", step_size=1, mu="0.2", L=1, epsilon="1e-6")
    assert Fraction(8, 11) ** found.iterations <= Fraction(1, 10**6)
    assert Fraction(8, 11) ** (found.iterations - 1) > Fraction(1, 10**6)
    noisy = {"mu": "0.5", "L": 2, "A": 2, "B": 0, "C": "0.1", "gap0": 1}
    assert rate("sgd-pl", epsilon="0.01", **noisy).iterations > 0
    assert rate("eb-pl", mu=1, L=2, epsilon="0.1").iterations is None
    with pytest.raises(InputError):
        rate("gd-pl", mu="0.2", L=1, epsilon=0)


def test_outside_the_limit_nothing_is_promised() -> None:
    given = {"alpha": 1, "beta": 0, "L": 1, "sigma2": 0, "dist2": 1}
    found = rate("sgd-alpha-beta-sharp", 10, step_size=1, epsilon="0.1", **given)
    assert (found.admissible, found.bound) == (False, None)
    assert "outside" in found.reason
    assert rate("sgd-alpha-beta", 10, step_size="0.5", **given).admissible


def test_bad_constants_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        rate("sgd-alpha-beta", alpha=-1, beta=0)
    assert len(caught.value.faults) == 4
    with pytest.raises(InputError, match="speaks of no such constants"):
        rate("gd-pl", mu=2, L=1)
    with pytest.raises(InputError, match="a number such as"):
        rate("gd-pl", mu="two", L=1)


def test_numbers_are_exact() -> None:
    assert exact("0.1", "x") == Fraction(1, 10)
    assert exact(0.1, "x") == Fraction(1, 10)
    lo, hi = exact("5*(sqrt(5)-2)/2", "x")
    assert lo < hi
    assert lower((lo, hi)) <= 0.5901699437494743 <= upper((lo, hi))
    assert upper((Fraction(10) ** 400,) * 2) == float("inf")


def test_an_implication_gives_its_constant() -> None:
    assert rate("rsi-pl", mu="1/2", L=2).concluded["mu"] == (Fraction(1, 8), Fraction(1, 8))


def test_side_by_side_uses_implications() -> None:
    rows = side_by_side({"mu": "0.5", "L": 2, "dist2": 1}, "rsi(f), smooth(f)", steps=100)
    chains = {row.rate.theorem.id: row.chain for row in rows}
    assert chains["gd-pl"] == ("rsi-pl",)
    assert chains["gd-rsi-eb"] == ("smooth-eb-upper",)
    rows = side_by_side(
        {"alpha": 1, "beta": "0.1", "L": 2, "sigma2": "0.01", "dist2": 3}, steps=1000
    )
    ids = [row.rate.theorem.id for row in rows]
    assert ids.index("sgd-alpha-beta-sharp") < ids.index("sgd-alpha-beta")


ZOO = [  # function: facts true of it, with constants; conditions known to be false
    ("x²/2", {"strongly-convex": {"mu": 1}, "smooth": {"L": 1}}, set()),
    (
        "x² + 3 sin² x",
        {"pl": {"mu": Fraction(17, 100)}, "smooth": {"L": 8}},
        {"convex", "strongly-convex"},
    ),
    ("x⁴", {"convex": {}}, {"pl", "strongly-convex", "qg", "eb", "rsi", "smooth", "self-bounding"}),
    ("x²/(1 + x²)", {"smooth": {"L": 2}}, {"pl", "convex", "qg", "eb", "rsi"}),
    ("sqrt(1 + x²) − 1", {"convex": {}, "smooth": {"L": 1}}, {"pl", "qg", "eb", "rsi"}),
    ("dist² to a line", {"convex": {}, "qg": {"mu": 2}, "smooth": {"L": 2}}, {"strongly-convex"}),
]


@pytest.mark.parametrize(("name", "facts", "false"), ZOO)
def test_forward_chaining_contradicts_no_known_example(
    name: str, facts: dict[str, dict[str, Fraction]], false: set[str]
) -> None:
    known = [
        Fact(condition, "f", {n: Fraction(v) for n, v in constants.items()})
        for condition, constants in facts.items()
    ]
    found = {fact.condition for fact in close(known, {}) if fact.family == "f"}
    assert not found & false, name


def test_the_largest_constants_of_a_known_example_are_not_exceeded() -> None:
    """x² + 3 sin² x: rsi .6966, aiming .4961, pl .17553, qg 2, smooth 8 are the tightest."""
    known = [
        Fact("rsi", "f", {"mu": Fraction("0.696598230732670056")}),
        Fact("aiming", "f", {"theta": Fraction("0.496090062114452608")}),
        Fact("qg", "f", {"mu": Fraction(2)}),
        Fact("smooth", "f", {"L": Fraction(8)}),
    ]
    found = {fact.condition: fact.constants for fact in close(known, {})}
    assert found["pl"]["mu"] <= Fraction("0.175530985879731735")
    weaker = {f.condition: f.constants for f in close(known[1:], {})}
    assert weaker["rsi"]["mu"] <= Fraction("0.696598230732670057")
    assert weaker["pl"]["mu"] <= Fraction("0.175530985879731735")
