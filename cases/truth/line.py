"""Functions of one variable."""

from __future__ import annotations

import mpmath as mp
import sympy as sp
from model import Case
from sympy import Rational as Q
from sympy import cos, cosh, exp, log, sin, sqrt, tanh
from truth import Entry, tight

x = sp.Symbol("x", real=True)
R = ((None, None),)


def case(name: str, f: object, box=R, minimisers=((0,),), least=0) -> Case:
    return Case(name, (x,), (sp.sympify(f),), (), box, minimisers, None, least)


def well() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The tilted double well on R, its global minimiser (a root of x³ - x + 1/10) and its value."""
    f = x**4 / 4 - x**2 / 2 + x / 10
    with mp.workdps(70):
        root = mp.findroot(lambda t: t**3 - t + mp.mpf(1) / 10, -1.05)
        value = root**4 / 4 - root**2 / 2 + root / 10
        return f, sp.Float(str(root), 60), sp.Float(str(value), 60)


tilted, tilted_at, tilted_least = well()
s = 1 + x**2
pair = Case(
    "shifted-quadratics",
    (x,),
    ((x - 1) ** 2 / 2, (x + 1) ** 2 / 2),
    (),
    R,
    ((0,),),
    None,
    Q(1, 2),
    (0, 0),
)

ENTRIES = [
    Entry(
        case("sine", x**2 + 3 * sin(x) ** 2),
        (
            tight(
                "pl",
                None,
                "numeric; |f'| >= 2|x| - 3 and f <= x^2 + 3, so A/B tends to 2 at infinity",
            ),
            tight("aiming", None, "numeric; tends to 2 at infinity"),
            tight("rsi", None, "numeric; tends to 2 at infinity"),
            tight("qg", 2, "f >= x^2, equality exactly at multiples of pi", limit=True),
            tight("smooth", 8, "f'' = 2 + 6 cos 2x"),
        ),
    ),
    Entry(
        pair,
        (
            tight(
                "alpha-beta", 0, "convex components: beta* = (alpha-1)^2/alpha", alpha=1, limit=True
            ),
            tight(
                "alpha-beta",
                Q(1, 2),
                "beta* = (alpha-1)^2/alpha, by maximising the quotient of two quadratics",
                alpha=2,
            ),
            tight("alpha-beta", Q(1, 12), "beta* = (alpha-1)^2/alpha", alpha=Q(3, 4)),
            tight("pl", 1, "f = x^2/2 + 1/2"),
            tight("smooth", 1, "f_i'' = 1"),
            tight("qg", 1, "f - f* = x^2/2"),
        ),
    ),
    Entry(
        case("rational", x**2 / s),
        (
            tight("pl", "none", "A/B = 2/(1+x^2)^3 -> 0", probes=((10.0,), (1000.0,))),
            tight("aiming", "none", "A/B = 2/(1+x^2) -> 0", probes=((100.0,), (10000.0,))),
            tight("qg", "none", "f < 1 while the distance grows", probes=((100.0,), (10000.0,))),
            tight("smooth", 2, "f'' = (2-6x^2)/(1+x^2)^3 is 2 at 0 and -1/2 at 1, its extremes"),
            tight("self-bounding", 2, "A/B = 2/(1+x^2)^3 <= 2, approached at 0", limit=True),
        ),
    ),
    Entry(
        case("rational-interval", x**2 / s, ((-1, 1),)),
        (
            tight("pl", Q(1, 4), "A/B = 2/(1+x^2)^3"),
            tight("aiming", 1, "A/B = 2/(1+x^2)"),
            tight("rsi", Q(1, 2), "A/B = 2/(1+x^2)^2"),
            tight("qg", 1, "A/B = 2/(1+x^2)"),
            tight("strongly-convex", "none", "f'' = -1/2 at 1", probes=((1.0,),)),
        ),
    ),
    Entry(
        case("quartic", x**4),
        (
            tight("pl", "none", "A/B = 8 x^2 -> 0 at the minimiser", probes=((0.1,), (0.001,))),
            tight("aiming", 4, "A/B = 4 everywhere"),
            tight("convex", True, "f'' = 12 x^2"),
            tight("smooth", "none", "f'' = 12 x^2 is unbounded", probes=((100.0,), (10000.0,))),
            tight("strongly-convex", "none", "f''(0) = 0", probes=((0.0,),)),
        ),
    ),
    Entry(
        case("quartic-plus", x**4 + x**2),
        (
            tight(
                "pl",
                2,
                "with s = x^2, A/B = 2(2s+1)^2/(s+1) increases in s; the limit at s = 0 is 2",
                limit=True,
            ),
            tight("strongly-convex", 2, "f'' = 12 x^2 + 2"),
            tight("rsi", 2, "A/B = 4 x^2 + 2", limit=True),
            tight("aiming", 2, "A/B = (4s+2)/(s+1) increases from 2", limit=True),
            tight("smooth", "none", "f'' is unbounded", probes=((100.0,), (10000.0,))),
        ),
    ),
    Entry(
        case("double-well", (x**2 - 1) ** 2 / 4, R, ((1,), (-1,))),
        (
            tight("pl", "none", "0 is stationary and not a minimiser", probes=((0.0,),)),
            tight("pl-star", "none", "0 is stationary and f(0) = 1/4", probes=((0.0,),)),
            tight("qg", Q(1, 2), "A/B = (|x|+1)^2/2, least at 0 where both wells are equally near"),
            tight("rsi", "none", "A/B = |x|(|x|+1) is 0 at 0", probes=((0.0,),)),
            tight(
                "self-bounding", "none", "A/B = 2 x^2 is unbounded", probes=((100.0,), (10000.0,))
            ),
        ),
    ),
    Entry(
        case("double-well-right", (x**2 - 1) ** 2 / 4, ((Q(1, 2), 2),), ((1,),)),
        (
            tight("pl", Q(1, 2), "A/B = 2 x^2"),
            tight("aiming", Q(4, 3), "A/B = 4x/(x+1)"),
            tight("eb", Q(3, 4), "A/B = x(x+1)"),
            tight("smooth", 11, "f'' = 3 x^2 - 1"),
            tight("self-bounding", 8, "A/B = 2 x^2"),
        ),
    ),
    Entry(
        case("tilted-well", tilted, R, ((tilted_at,),), tilted_least),
        (
            tight(
                "pl",
                "none",
                "two more stationary points, roots of x^3 - x + 1/10",
                probes=((0.10103125788101082,),),
            ),
            tight("qg", None, "numeric; grows at infinity"),
        ),
    ),
    Entry(
        case("tilted-well-left", tilted, ((-2, Q(-3, 5)),), ((tilted_at,),), tilted_least),
        (
            tight("pl", None, "numeric"),
            tight("strongly-convex", Q(2, 25), "f'' = 3 x^2 - 1, least at -3/5"),
            tight("smooth", 11, "f'' = 3 x^2 - 1, greatest at -2"),
            tight("rsi", None, "numeric"),
        ),
    ),
    Entry(
        case("pseudo-huber", sqrt(s) - 1),
        (
            tight(
                "pl",
                "none",
                "with r = sqrt(1+x^2), A/B = (r+1)/(2 r^2) -> 0",
                probes=((1e4,), (1e6,)),
            ),
            tight("aiming", 1, "A/B = (r+1)/r > 1, approached at infinity", limit=True),
            tight("smooth", 1, "f'' = r^-3"),
            tight("self-bounding", 1, "A/B = (r+1)/(2 r^2) <= 1 since r >= 1", limit=True),
            tight("convex", True, "f'' = r^-3 > 0"),
        ),
    ),
    Entry(
        case("pseudo-huber-interval", sqrt(s) - 1, ((-1, 1),)),
        (
            tight(
                "pl",
                (1 + sqrt(2)) / 4,
                "A/B = (r+1)/(2 r^2) decreases in r; r = sqrt(2) at the ends",
            ),
            tight("rsi", 1 / sqrt(2), "A/B = 1/r"),
            tight("strongly-convex", 1 / (2 * sqrt(2)), "f'' = r^-3"),
        ),
    ),
    Entry(
        case("log-cosh", log(cosh(x))),
        (
            tight("pl", "none", "A/B = tanh^2/(2 log cosh) -> 0", probes=((100.0,), (600.0,))),
            tight("smooth", 1, "f'' = 1 - tanh^2"),
            tight("aiming", 1, "convex, so >= 1; x tanh x/log cosh x -> 1 at infinity", limit=True),
            tight("self-bounding", 1, "1-smooth on R, so <= 1; approached at 0", limit=True),
            tight("convex", True, "f'' = 1 - tanh^2 > 0"),
        ),
    ),
    Entry(
        case("log-cosh-interval", log(cosh(x)), ((-2, 2),)),
        (
            tight(
                "pl",
                tanh(2) ** 2 / (2 * log(cosh(2))),
                "A/B is even and decreases in |x|; numeric sample agrees",
            ),
            tight("strongly-convex", 1 - tanh(2) ** 2, "f'' = 1 - tanh^2"),
            tight("rsi", tanh(2) / 2, "A/B = tanh(x)/x decreases in |x|"),
        ),
    ),
    Entry(
        case("cosh", cosh(x) - 1),
        (
            tight("pl", 1, "sinh^2 = (cosh-1)(cosh+1): A/B = (cosh x + 1)/2 >= 1", limit=True),
            tight("aiming", 2, "A/B = x coth(x/2) >= 2", limit=True, reach=20.0),
            tight("strongly-convex", 1, "f'' = cosh x"),
            tight("smooth", "none", "cosh is unbounded", probes=((10.0,), (20.0,))),
        ),
    ),
    Entry(
        case("exp-tilted", exp(x) - x - 1),
        (
            tight(
                "pl",
                "none",
                "A/B = (e^x-1)^2/(2(e^x-x-1)) ~ -1/(2x) -> 0 as x -> -oo",
                probes=((-1e3,), (-1e5,)),
            ),
            tight("convex", True, "f'' = e^x"),
            tight("smooth", "none", "e^x is unbounded", probes=((10.0,), (20.0,))),
            tight("strongly-convex", "none", "e^x -> 0 as x -> -oo", probes=((-10.0,), (-40.0,))),
        ),
    ),
    Entry(
        case("exp-tilted-interval", exp(x) - x - 1, ((-1, 1),)),
        (
            tight(
                "pl",
                (exp(-1) - 1) ** 2 / (2 * exp(-1)),
                "numeric sample: increasing; at -1 f = 1/e",
            ),
            tight("strongly-convex", exp(-1), "f'' = e^x"),
            tight("smooth", sp.E, "f'' = e^x"),
            tight("qg", 2 / sp.E, "2(e^x-x-1)/x^2 is increasing; at -1 it is 2/e"),
        ),
    ),
    Entry(
        case("cosine-flat", x**2 / 2 + cos(x) - 1),
        (
            tight(
                "pl",
                "none",
                "f' = x - sin x ~ x^3/6, f ~ x^4/24: A/B ~ x^2/3 -> 0 at the minimiser",
                probes=((0.1,), (0.01,)),
            ),
            tight("convex", True, "f'' = 1 - cos x >= 0"),
            tight("smooth", 2, "f'' = 1 - cos x"),
            tight("strongly-convex", "none", "f''(0) = 0", probes=((0.0,),)),
            tight("rsi", "none", "A/B = 1 - sin(x)/x -> 0 at 0", probes=((0.1,), (0.01,))),
        ),
    ),
    Entry(
        case("gaussian-well", 1 - exp(-(x**2))),
        (
            tight("pl", "none", "A/B = 2 x^2 e^(-2x^2)/(1-e^(-x^2)) -> 0", probes=((2.0,), (4.0,))),
            tight("smooth", 2, "f'' = (2-4x^2)e^(-x^2): 2 at 0, -4 e^(-3/2) at its least"),
            tight(
                "self-bounding",
                2,
                "f' = 2x e^(-x^2), and 1-e^-u >= u e^-u: A/B <= 2 e^-u <= 2 (u = x^2)",
                limit=True,
            ),
        ),
    ),
    Entry(
        case("gaussian-well-interval", 1 - exp(-(x**2)), ((-1, 1),)),
        (
            tight(
                "pl",
                2 * exp(-2) / (1 - exp(-1)),
                "A/B = 2u e^(-2u)/(1-e^-u), decreasing in u = x^2",
            ),
            tight("aiming", 2 / (sp.E - 1), "A/B = 2u/(e^u - 1), decreasing"),
            tight("rsi", 2 / sp.E, "A/B = 2 e^(-x^2)"),
            tight("convex", False, "f''(1) = -2/e"),
        ),
    ),
    Entry(
        case("needle", x**2 / 2 - x**2 / (50 * (1 + 10000 * (x - 1) ** 2))),
        (
            # the needle is 1/50 deep and 1/100 wide: its slope, up to 3 sqrt(3)/4, beats the
            # parabola's, 1
            tight(
                "pl",
                "none",
                "two stationary points left of 1, where f is about 1/2",
                probes=((0.9971894372680004,),),
            ),
            tight("qg", Q(24, 25), "A/B = 1 - 1/(25(1+10^4 (x-1)^2)), least at 1"),
            tight("smooth", None, "numeric"),
        ),
    ),
    Entry(
        case("rugged", x**2 + sin(5 * x) ** 2 / 10),
        (
            tight("pl", None, "numeric; tends to 2 at infinity, 7 at 0", reach=10.0),
            tight("aiming", None, "numeric", reach=10.0),
            tight("qg", 2, "f >= x^2, equality at multiples of pi/5", limit=True),
            tight("smooth", 7, "f'' = 2 + 5 cos 10x"),
        ),
    ),
    Entry(
        case("three-quarters", s ** Q(3, 4), R, ((0,),), 1),
        (
            tight(
                "pl",
                "none",
                "with s = 1+x^2, A/B = 9(s-1)/(8 sqrt(s)(s^(3/4)-1)) ~ s^(-1/4) -> 0",
                probes=((1e6,), (1e10,)),
            ),
            tight(
                "aiming",
                Q(3, 2),
                "A/B = (3/2)(s-1)s^(-1/4)/(s^(3/4)-1) > 3/2 as s^(-1/4) < 1; approached at "
                "infinity",
                limit=True,
            ),
            tight("smooth", Q(3, 2), "f'' = (3/4)(s+1)s^(-5/4), decreasing from 3/2"),
            tight("convex", True, "f'' > 0"),
        ),
    ),
    Entry(
        case("exponential", exp(x), R, (), 0),
        (
            tight(
                "pl",
                "none",
                "f* = 0 is not attained; A/B = e^x/2 -> 0 as x -> -oo",
                probes=((-10.0,), (-30.0,)),
            ),
            tight(
                "pl-star-eps", Q(1, 20), "A/B = e^x/2 >= epsilon/2", epsilon=Q(1, 10), limit=True
            ),
            tight("convex", True, "f'' = e^x"),
            tight("self-bounding", "none", "A/B = e^x/2 is unbounded", probes=((10.0,), (30.0,))),
        ),
    ),
    Entry(
        case("softplus", log(1 + exp(x)), R, (), 0),
        (
            tight("pl-star", "none", "A/B ~ e^x/2 -> 0 as x -> -oo", probes=((-10.0,), (-20.0,))),
            tight("smooth", Q(1, 4), "f'' = q(1-q), q the logistic"),
            tight("self-bounding", None, "numeric; A/B -> 0 on both sides", reach=20.0),
            tight("strongly-convex", "none", "f'' -> 0", probes=((-10.0,), (-30.0,))),
        ),
    ),
]
