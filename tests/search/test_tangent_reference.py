"""Tangent kernels of given maps: reference values, proved and refuted with certificates."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

import boundcalc
from boundcalc.kernel.analytic.check import verify_all


def test_the_sine_curve_has_mu_1_on_a_box_and_everywhere():
    """½(y − sin x)²: K = 1 + cos²x ≥ 1, with equality where cos x = 0."""
    for options in ({"domain": "x=-4:4,y=-2:2"}, {}):
        (found,) = boundcalc.tighten(["y - sin(x)"], condition="pl-star", residual=True, **options)
        assert found.lower == 1
        assert found.upper - 1 < Fraction(1, 10**9)
        verdicts = [one.verdict for one in verify_all(found.certificate)]
        assert verdicts == ["proved", "refuted"]
    (by_kernel, _) = found.certificate["certificates"]
    assert by_kernel["via"] == "tangent-kernel"


def test_the_parabola_has_the_eigenvalue_of_its_corner():
    """(1 − x, 10(y − x²)), |x| ≤ 2: μ is the smaller root of t² − 1701t + 100 at |x| = 2."""
    with mpmath.workdps(40):
        value = (1701 - mpmath.sqrt(1701**2 - 400)) / 2
        (found,) = boundcalc.tighten(
            ["1 - x", "10*(y - x^2)"],
            condition="uniform-conditioning",
            residual=True,
            domain="x=-2:2",
            digits=12,
        )
        assert mpmath.mpf(found.lower.numerator) / found.lower.denominator <= value
        assert value <= mpmath.mpf(found.upper.numerator) / found.upper.denominator
    assert found.upper - found.lower < Fraction(1, 10**9)
    assert [one.verdict for one in verify_all(found.certificate)] == ["proved", "refuted"]


def test_the_product_is_refuted_on_the_plane_and_has_mu_one_half_on_the_box():
    (refuted,) = boundcalc.tighten("(u*v - 1)^2/2", condition="pl-star")
    assert refuted.verdict == "refuted"
    assert dict(refuted.attained_at) == {"u": "0", "v": "0"}
    assert [one.verdict for one in verify_all(refuted.certificate)] == ["refuted"]
    (found,) = boundcalc.tighten("(u*v - 1)^2/2", condition="pl-star", domain="u=1/2:2,v=1/2:2")
    assert found.lower == Fraction(1, 2)
    assert found.upper - found.lower < Fraction(1, 10**9)
    assert [one.verdict for one in verify_all(found.certificate)] == ["proved", "refuted"]


@pytest.mark.parametrize(("mu", "verdict"), [("1/2", "proved"), ("2", "refuted")])
def test_pl_star_above_a_level_is_a_claim_too(mu, verdict):
    (found,) = boundcalc.check(
        ["u*v - 1"],
        condition="pl-star-eps",
        mu=mu,
        epsilon="1/10",
        residual=True,
        ball="1,2;1/2" if verdict == "proved" else "0,0;1",
    )
    assert found.decision.verdict == verdict
    assert [one.verdict for one in verify_all(found.decision.certificate)] == [verdict]
