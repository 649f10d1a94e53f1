"""Ways to a false statement through single rules: the kernel refuses each of them."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import SCHEMA, verify
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.normal import Normal
from boundcalc.kernel.analytic.paving import ANCHOR, LEAF, packed
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import claim_of
from boundcalc.library.problem_text import problem_from

Json = dict[str, Any]
STURM = {"rule": "sturm", "form": "expanded"}


def certificate(
    formulas: list[str], condition: str, constants: dict[str, str], body: Json, **problem: Any
) -> Json:
    claim = claim_of(problem_from(formulas, **problem), condition, constants)
    verdict = "refuted" if "witness" in body else "proved"
    common = {"facts": {}, "proofs": {}}
    return {
        "schema": SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "verdict": verdict,
        **common,
        **body,
    }


def refused(*claimed: Any, **problem: Any) -> str:
    """The reason for which a certificate is rejected; fails where it is accepted."""
    with pytest.raises(Rejected) as found:
        verify(certificate(*claimed, **problem))
    return str(found.value)


@pytest.mark.parametrize(("anchor", "sound"), [("sqrt(2)^2 - 2", False), ("1", True)])
def test_an_anchor_lies_in_the_domain(anchor: str, sound: bool) -> None:
    """At 0, x/x is 0*(1/0): value and gradient of the goal vanish in form, not in truth."""
    mu = "1" if sound else "10"
    f = "(x-1)^2*(x/x)^2" if sound else "(x-1)*(x/x)^2"
    body = {
        "facts": {"infimum": {"lower": "0"}},
        "anchors": [[anchor]],
        "proofs": {
            "defined.0": STURM,
            "infimum.0": STURM,
            "condition.main0.0": {
                "rule": "paving",
                "form": "expanded",
                "tree": packed(bytes([LEAF + ANCHOR, 0])),
            },
        },
    }
    if sound:
        assert verify(certificate([f], "pl", {"mu": mu}, body, domain="x=1:2")).verdict == "proved"
    else:
        assert "domain" in refused([f], "pl", {"mu": mu}, body, domain="x=1:2")


@pytest.mark.parametrize("root", ["sqrt(0-1)", "sqrt(0-t^2)/t", "sqrt(log(1/2))"])
def test_a_curve_is_real(root: str) -> None:
    """Along x = i·t the function x^2 goes to minus infinity."""
    body = {"witness": {"curve": [f"{root}*t"], "kind": "below"}}
    assert "root" in refused(["x^2"], "pl", {"mu": "1"}, body)


@pytest.mark.parametrize("said", ["f(x)/f(x) >= mu", "f(x)*f(x)^-1 >= mu", "1/f(x) >= mu/f(x)"])
def test_a_condition_does_not_divide_by_what_may_be_zero(said: str) -> None:
    """f(x)/f(x) has no value where f(x) = 0; in normal form it is 1."""
    body = certificate(["x"], "pl", {"mu": "1"}, {})
    claim = {**body["claim"], "condition": {**body["claim"]["condition"], "relations": {"m": said}}}
    proofs = {"condition.m0.0": {"rule": "form", "form": "expanded"}}
    with pytest.raises(Rejected, match="divides"):
        verify({**body, "claim": claim, "claim_sha256": digest(claim), "proofs": proofs})


U = ("x", "-x", "x - y", "y - x", "2*x", "-1/2", "pi", "x + pi/6", "x^2 - y", "e", "log(2)")
ATOMS = (
    "sinh({})", "cosh({})", "tanh({})", "1/cosh({})", "exp({})", "exp(-({}))", "logistic({})",
    "logistic(-({}))", "softplus({})", "softplus(-({}))", "sin({})", "cos({})", "1/exp({})",
    "sqrt(1+({})^2)", "1/sqrt(1+({})^2)", "log(1+exp({}))", "log(cosh({}))", "1/(1+exp({}))",
    "1/(-2-2*exp({}))", "(1/cosh({}))^2", "1/logistic({})", "log(exp({}))",
)  # fmt: skip
ANGLES = ("sin({}*pi/12)", "cos({}*pi/12)", "sin(-{}*pi/6)", "cos(-{}*pi/4)", "cos(pi/{})")


def product(source: random.Random) -> str:
    """A product of functions of few arguments, so that rewritings apply."""
    arguments = source.sample(U, 2)
    factors = []
    for _ in range(source.randint(2, 5)):
        angle = source.random() < 0.1
        u = str(source.randint(1, 40)) if angle else source.choice(arguments)
        factor = source.choice(ANGLES if angle else ATOMS).format(u)
        factors.append(f"({factor})^{source.choice((1, 1, 2, 3))}")
    return "*".join(factors)


@pytest.mark.parametrize("seed", range(6))
def test_rewritten_products_keep_their_values(seed: int) -> None:
    source = random.Random(seed)
    compared = 0
    for _ in range(60):
        terms = Terms()
        normal = Normal(terms)
        names = {name: terms.var(name) for name in "xy"}
        node = terms.read(parse(f"{product(source)} - {product(source)}"), names)
        reduced = normal.node(normal.of(node))
        with iv.precision(300):
            at = {n: iv.rational(Fraction(source.randint(-3000, 3000), 1000)) for n in "xy"}
            a, b = (evaluate(terms, n, at) for n in (node, reduced))
        assert a[0] <= b[1] and b[0] <= a[1], (seed, node)
        compared += bool(b[1] - b[0] < 1e-20)
    assert compared > 40


def test_a_long_product_is_reduced_in_reasonable_time() -> None:
    terms = Terms()
    names = {name: terms.var(name) for name in "xy"}
    text = "(cos(x) + sinh(y) + 1/cosh(x) + sqrt(1 + x^2) + exp(y)*logistic(y) + y)^6"
    normal = Normal(terms)
    polynomial = normal.of(terms.read(parse(text), names))
    assert 500 < len(polynomial.terms) < 20_000
