"""Losses of one parameter."""

from __future__ import annotations

import mpmath as mp
import sympy as sp
from line import R, case, x
from model import Case
from sympy import Rational as Q
from sympy import exp, log
from truth import Entry, tight


def islamov_minima() -> Case:
    """x²/(1+x²) twice and (x-4)²/(1+(x-4)²): a global minimum near 0 and a local one near 4."""
    first, second = x**2 / (1 + x**2), (x - 4) ** 2 / (1 + (x - 4) ** 2)
    with mp.workdps(70):
        slope = sp.lambdify(x, sp.diff(2 * first + second, x), "mpmath")
        root = mp.findroot(slope, mp.mpf("0.01"))
        value = sp.lambdify(x, (2 * first + second) / 3, "mpmath")(root)
        at, least = sp.Float(str(root), 60), sp.Float(str(value), 60)
    return Case(
        "islamov-minima", (x,), (first, first, second), (), R, ((at,),), None, least, (0, 0, 0)
    )


def radius_logistic() -> Case:
    """Six breast-cancer rows: mean radius - 14, signed by the label; one weight, no intercept."""
    z = [Q(4), Q(-3, 10), Q(-6, 10), Q(5, 10), Q(9, 10), Q(45, 10)]
    f = sum((log(1 + exp(-c * x)) for c in z), sp.Integer(0)) / 6
    with mp.workdps(70):
        root = mp.findroot(sp.lambdify(x, sp.diff(f, x), "mpmath"), mp.mpf(1))
        value = sp.lambdify(x, f, "mpmath")(root)
        at, least = sp.Float(str(root), 60), sp.Float(str(value), 60)
    return case("radius-logistic", f, ((0, 3),), ((at,),), least)


MINIMA = islamov_minima()

ENTRIES = [
    Entry(
        MINIMA,
        (
            # with b = f_i, a = b - f_i(x_p) the quotient is alpha - (alpha f_i(x_p) + c)/b, b < 1;
            # for f_1, c < 0 only between 0 and x_p, where b is tiny: it stays below its limit
            tight(
                "alpha-beta",
                4 * (1 - MINIMA.components[0].subs(x, MINIMA.minimisers[0][0])),
                "approached at infinity by f_1; f_3 needs 0.24 only",
                alpha=4,
                limit=True,
                reach=1000.0,
            ),
            tight(
                "alpha-beta",
                None,
                "f_3 near 3.56, beyond alpha: no beta < alpha works",
                alpha=2,
                reach=1000.0,
            ),
            tight("pl", "none", "a second minimum near 4", probes=((3.98,),)),
            tight("smooth", 2, "each f_i'' is (2-6u^2)/(1+u^2)^3"),
        ),
    ),
    Entry(
        radius_logistic(),
        (
            tight("pl", None, "numeric, on [0, 3]"),
            tight("convex", True, "a mean of convex functions"),
            tight("smooth", None, "numeric, on [0, 3]"),
            tight("strongly-convex", None, "numeric, on [0, 3]"),
        ),
    ),
]
