"""Output maps, input maps and parts: what the kernel makes of them, against the whole formulas."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from boundcalc.kernel.system.check import verify
from boundcalc.library.case import read_case
from boundcalc.systems.study import study

from .made_systems import Sampled

CASES = Path(__file__).parents[3] / "cases" / "systems"
MADE = {"logistic-output": 2, "cubic-input": 1, "two-parts": 1}  # routes by transformations


def sampled(case):
    """The composed formulas, as check and tighten read them, with sympy's derivatives."""
    names, start = list(case.variables), list(case.start)
    return Sampled({"variables": names, "residual": list(case.residual), "start": start})


@pytest.mark.parametrize("name", MADE)
def test_every_route_is_below_what_is_sampled(name):
    case = read_case(CASES / f"{name}.toml")
    found, composed = study(case), sampled(case)
    residual = composed.residual(composed.start)
    assert len(found.start.residual) == len(residual)
    for (low, high), value in zip(found.start.residual, residual, strict=True):
        assert float(low) - 1e-12 <= value <= float(high) + 1e-12
    J = composed.jacobian(composed.start)
    middles = [[float(lo + hi) / 2 for lo, hi in row] for row in found.start.kernel]
    np.testing.assert_allclose(middles, J @ J.T, rtol=1e-12, atol=1e-14)
    assert verify(found.ball.certificate).statement.mu == found.ball.mu
    points = composed.points(float(found.ball.radius), 1_500, np.random.default_rng(3))
    least = min(map(composed.least, points))
    own = [route for route in found.ball.routes if route.name not in ("direct", "hessian")]
    assert len(own) == MADE[name]
    shown = [route.mu for route in found.ball.routes if route.mu is not None]  # time is limited
    assert len(shown) >= 2
    assert float(max(shown)) <= least
    assert max(shown) == found.ball.mu
    assert Fraction(found.ball.mu) > 0.9 * least


def test_a_zero_lies_where_the_certificate_says():
    for path in sorted(CASES.glob("*.toml")):
        case = read_case(path)
        if path.stem not in {*MADE, "product-near"}:
            continue
        found, composed = study(case), sampled(case)
        w, step = composed.start.copy(), float(found.ball.proved.statement.step_size)
        for _ in range(5_000):
            w = w - step * composed.gradient(w)
        assert composed.loss(w) < 1e-20
        assert np.linalg.norm(w - composed.start) < found.ball.radius
