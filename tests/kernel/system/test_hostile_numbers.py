"""Certificates made to fill the memory, to end in a traceback, or to print what is not proved."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.paving import LEAF, packed
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system import check, path
from boundcalc.kernel.system.network_bounds import network_bounds
from boundcalc.library.ball import Numbers, ball_certificate


def chain(depth, weight="2", activation="quadratic", bias=False):
    """One unit in each layer: a quadratic one squares what it is given."""
    shape = {"widths": [1] * (depth + 1), "activation": activation, "output": "linear"}
    shape |= {"bias": bias, "x": ["2"], "y": ["0"]}
    return shape, [weight] * (depth * (1 + bias))


def joined(shape, weights):
    claim = {"network": shape, "start": weights, "end": weights, "level": "1", "floor": "0"}
    proof = {"vertices": [], "tree": packed(bytes([LEAF]))}
    return {
        "schema": path.SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "precision": 64,
        "proof": proof,
    }


def test_numbers_that_square_themselves_again_and_again_are_refused():
    shape, weights = chain(60)
    with pytest.raises(Rejected, match="too large"):
        path.verify(joined(shape, weights))
    with pytest.raises(iv.Undefined, match="too large"):
        network_bounds(shape | {"weights": weights}, Fraction(1), on_ball=False, inner=False)


def test_a_tree_that_takes_days_is_refused():
    shape, weights = chain(1)
    data = joined(shape, weights)
    data["proof"]["tree"] = packed(bytes([0] * 30 + [LEAF] * path.MAX_TREE))
    with pytest.raises(Rejected, match="tree: at most"):
        path.verify(data)


def test_so_are_numbers_that_do_it_on_the_ball_alone():
    shape, weights = chain(60, "0", bias=True)  # all is 0 at the start
    with pytest.raises(iv.Undefined, match="too large"):
        network_bounds(shape | {"weights": weights}, Fraction(10**99), on_ball=False, inner=False)
    numbers = Numbers(Fraction(10**99), *([Fraction(1)] * 6))
    forged = ball_certificate("network", shape | {"weights": weights}, "hessian", numbers)
    with pytest.raises(Rejected, match="too large"):
        check.verify(forged)


def test_no_rational_with_more_digits_than_there_is_memory():
    huge = iv.UNARY["exp"](iv.UNARY["exp"](iv.rational(Fraction(30))))
    for value in (huge, iv.inv(huge)):
        with pytest.raises(iv.Undefined, match="too large or too small"):
            iv.outward(value)
    with pytest.raises(iv.Undefined, match="finite"):
        iv.outward(iv.WHOLE)


def test_the_radius_that_is_printed_is_one_on_which_mu_was_shown():
    """F(w) = w², w0 = 1: on |w − 1| ≤ R < 1 it is 4(1 − R)², and 0 where R is rounded up to 1."""
    radius = 1 - Fraction(7, 10**7)
    net = {"widths": [1, 1], "activation": "linear", "output": "quadratic", "bias": False}
    net |= {"x": ["1"], "y": ["1"], "weights": ["1"]}
    start, bent = 2 - Fraction(1, 10**20), 2 + Fraction(1, 10**20)
    norm, rest = Fraction(5), Fraction(1, 10**30)
    step = 1 / (norm**2 + bent * rest)
    numbers = Numbers(radius, (start - bent * radius) ** 2, step, start, rest, norm, bent)
    says = check.verify(ball_certificate("network", net, "hessian", numbers)).says()
    found = re.fullmatch(r".*lambda_min\(K\) >= (\S+) within (\S+)", says)
    assert found is not None
    shown, inside = (Fraction(group) for group in found.groups())
    assert shown <= 4 * (1 - inside) ** 2
