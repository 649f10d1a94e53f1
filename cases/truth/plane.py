"""Functions of two variables."""

from __future__ import annotations

from dataclasses import replace

from coordinates import ORIGIN, POINT, R2, case, critical, net, x, y
from model import Case
from sympy import Rational as Q
from sympy import Symbol, cos, pi, sin, sqrt
from truth import Entry, tight

valley = (1 - x) ** 2 + 100 * (y - x**2) ** 2
himmelblau = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
camel = 2 * x**2 - Q(21, 20) * x**4 + x**6 / 6 + x * y + y**2
mccormick = sin(x + y) + (x - y) ** 2 - Q(3, 2) * x + Q(5, 2) * y + 1
shared = (x * y - 1) ** 2 / 2 + (x**2 + y**2) / 8
golden = (3 - sqrt(5)) / 2
steep = (1701 - sqrt(Q(1701) ** 2 - 400)) / 2

six = (4 - Q(21, 10) * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2
six_at, six_least = critical(six, (0.09, -0.71))
t = Symbol("t", real=True)
arc = (t, sqrt(1 - t**2), Q(-3, 5), Q(3, 5))
branch = (t, 1 / t, Q(1, 2), Q(2))
wave = (t, sin(t), -40, 40)

ENTRIES = [
    Entry(
        case("rosenbrock", valley, ((-2, 2), (-1, 3)), POINT),
        (
            tight("pl", None, "numeric"),
            tight("convex", False, "f_xx(0, 3) = 2 - 1200"),
            tight("qg", None, "numeric"),
            tight("smooth", None, "numeric"),
        ),
    ),
    Entry(
        net("rosenbrock-residual", (1 - x, 10 * (y - x**2)), ((-2, 2), (None, None)), POINT),
        (
            tight(
                "uniform-conditioning",
                steep,
                "K = [[1, 20x], [20x, 400x^2+100]]: det 100, trace greatest at |x| = 2",
            ),
            tight(
                "pl-star",
                steep,
                "at x = -2 the second residual is free: it makes F the eigenvector of K",
            ),
            tight("pl", steep, "as pl-star, for f* = 0"),
            tight(
                "strongly-convex",
                "none",
                "f_xx = 1 - 200(y - 3 x^2) < 0 for large y",
                probes=((0.0, 10.0),),
            ),
        ),
    ),
    Entry(
        case("himmelblau-near", himmelblau, ((Q(5, 2), Q(7, 2)), (Q(3, 2), Q(5, 2))), ((3, 2),)),
        (
            tight("pl", None, "numeric"),
            tight("strongly-convex", None, "numeric"),
            tight("rsi", None, "numeric"),
            tight("smooth", None, "numeric"),
        ),
    ),
    Entry(
        case("himmelblau", himmelblau, R2, ((3, 2),)),
        (
            tight(
                "pl",
                "none",
                "a local maximum near (-0.27, -0.92)",
                probes=((-0.27084459, -0.92303852),),
            ),
            tight("pl-star", "none", "the same point, f > 0", probes=((-0.27084459, -0.92303852),)),
            tight("convex", False, "a local maximum"),
            tight("self-bounding", "none", "a quartic", probes=((10.0, 10.0), (1000.0, 1000.0))),
        ),
    ),
    Entry(
        replace(net("product", (x * y - 1,)), curve=(t, 1 / t, Q(1, 10), Q(10))),
        (
            tight("pl", "none", "the origin is stationary, f = 1/2", probes=((0.0, 0.0),)),
            tight("pl-star", "none", "the origin is stationary, f = 1/2", probes=((0.0, 0.0),)),
            tight("rsi", "none", "the same", probes=((0.0, 0.0),)),
            tight("eb", "none", "the same", probes=((0.0, 0.0),)),
            tight("uniform-conditioning", "none", "K = x^2 + y^2", probes=((0.0, 0.0),)),
            tight("convex", False, "the Hessian at the origin is [[0, -1], [-1, 0]]"),
        ),
    ),
    Entry(
        replace(net("product-box", (x * y - 1,), ((Q(1, 2), 2), (Q(1, 2), 2))), curve=branch),
        (
            tight("pl-star", Q(1, 2), "A/B = x^2 + y^2"),
            tight("pl", Q(1, 2), "A/B = x^2 + y^2; f* = 0 at (1, 1)"),
            tight("uniform-conditioning", Q(1, 2), "K = x^2 + y^2"),
            tight(
                "smooth",
                11,
                "|H| <= the norm of [[4, 7], [7, 4]] entry by entry (Perron), attained at (2, 2)",
            ),
            tight("convex", False, "det H = (xy)^2 - (2xy-1)^2 < 0 at (2, 2)"),
            tight("qg", None, "numeric"),
            tight("rsi", None, "numeric"),
            tight("aiming", None, "numeric"),
        ),
    ),
    Entry(
        case("product-ridge", shared, R2, ((sqrt(3) / 2,) * 2, (-sqrt(3) / 2,) * 2), Q(7, 32)),
        (
            tight("pl", "none", "the origin is a saddle, f = 1/2", probes=((0.0, 0.0),)),
            # m = sqrt(3)/2, p = xy, x + y >= 0: f - f* - D/8 = (p-1)^2/2 - 13/32 + m(x+y)/4, and x
            # + y >= 2 sqrt(p);
            # (p-1)^2/2 + m sqrt(p)/2 - 13/32 has its zero and least value at p = 3/4 (p < 0: the
            # square alone does)
            tight(
                "qg",
                Q(1, 4),
                "approached on xy = 1 at infinity; the comment proves >=",
                limit=True,
                reach=300.0,
            ),
            tight("convex", False, "the Hessian at the origin has eigenvalue 1/4 - 1"),
        ),
    ),
    Entry(
        case("parabola", x**2 + (y - x**2) ** 2),
        (
            # on y = x^2 + 1/2: gradient (0, 1), f = x^2 + 1/4
            tight(
                "pl",
                "none",
                "on y = x^2 + 1/2, A/B = (1/2)/(x^2+1/4) -> 0",
                probes=((10.0, 100.5), (100.0, 10000.5)),
            ),
            tight("pl-star", "none", "the same curve", probes=((10.0, 100.5), (100.0, 10000.5))),
            tight(
                "qg",
                "none",
                "on y = x^2, f = x^2 while D = x^2 + x^4",
                probes=((10.0, 100.0), (100.0, 10000.0)),
            ),
            tight("convex", False, "f_xx(0, 1) = -2"),
        ),
    ),
    Entry(
        case("parabola-box", x**2 + (y - x**2) ** 2, ((-1, 1), (-1, 1))),
        (
            tight("pl", None, "numeric"),
            tight("qg", None, "numeric"),
            tight("smooth", None, "numeric"),
            tight("aiming", None, "numeric"),
        ),
    ),
    Entry(
        replace(net("sine-curve", (y - sin(x),)), curve=wave),
        (
            tight("qg", 1, "pl(1) gives it; above a crest the distance is y - 1 = F", reach=4.0),
            tight("eb", 1, "pl(1) gives it; the same points", reach=4.0),
            tight("pl-star", 1, "A/B = 1 + cos^2 x"),
            tight("pl", 1, "the same; f* = 0"),
            tight("uniform-conditioning", 1, "K = 1 + cos^2 x"),
            tight("convex", False, "f_xx(pi/2, y) = y - 1"),
            tight(
                "smooth",
                "none",
                "f_xx(pi/2, y) = y - 1 is unbounded",
                probes=((1.5707963267948966, 1e3), (1.5707963267948966, 1e5)),
            ),
        ),
    ),
    Entry(
        net("sine-chain", (x, y - sin(x)), R2, ORIGIN),
        (
            # K = [[1, -c], [-c, 1 + c^2]], det 1, trace 2 + c^2 <= 3
            tight("uniform-conditioning", golden, "det K = 1, trace at most 3, at multiples of pi"),
            tight(
                "pl",
                golden,
                "at x = pi the residual (pi, y) is free: y = -2 pi/(1 + sqrt 5) gives the "
                "eigenvector",
            ),
            tight("pl-star", golden, "the same; f* = 0"),
            tight(
                "qg",
                golden,
                "pl(mu) implies qg(mu); the limit at the minimiser is the least eigenvalue there",
                limit=True,
            ),
            tight(
                "smooth",
                "none",
                "f_xx(pi/2, y) = y is unbounded",
                probes=((1.5707963267948966, 1e3), (1.5707963267948966, 1e5)),
            ),
        ),
    ),
    Entry(
        case("quadratic-coupled", x**2 + x * y + y**2),
        (
            tight("strongly-convex", 1, "eigenvalues 1, 3"),
            tight("smooth", 3, "eigenvalues 1, 3"),
            tight("pl", 1, "least eigenvalue", limit=True),
            tight("eb", 1, "least eigenvalue", limit=True),
            tight("aiming", 2, "a quadratic", limit=True),
        ),
    ),
    Entry(
        case(
            "quadratic-tilted",
            x**2 / 2 + 5 * y**2 + x * y + x - 3 * y,
            R2,
            ((Q(-13, 9), Q(4, 9)),),
            Q(-25, 18),
        ),
        (
            tight("pl", (11 - sqrt(85)) / 2, "least eigenvalue of [[1, 1], [1, 10]]", limit=True),
            tight("strongly-convex", (11 - sqrt(85)) / 2, "least eigenvalue"),
            tight("smooth", (11 + sqrt(85)) / 2, "greatest eigenvalue"),
            tight("rsi", (11 - sqrt(85)) / 2, "least eigenvalue", limit=True),
        ),
    ),
    Entry(
        case("matyas", Q(26, 100) * (x**2 + y**2) - Q(48, 100) * x * y),
        (
            tight("pl", Q(1, 25), "eigenvalues 1/25, 1", limit=True),
            tight("smooth", 1, "eigenvalues 1/25, 1"),
            tight("qg", Q(1, 25), "least eigenvalue", limit=True),
        ),
    ),
    Entry(
        net("booth", (sqrt(2) * (x + 2 * y - 7), sqrt(2) * (2 * x + y - 5)), R2, ((1, 3),)),
        (
            tight("pl", 2, "H = 2[[5, 4], [4, 5]]", limit=True),
            tight("strongly-convex", 2, "eigenvalues 2, 18"),
            tight("smooth", 18, "eigenvalues 2, 18"),
        ),
    ),
    Entry(
        case("sine-sum", x**2 + 3 * sin(x) ** 2 + y**2 + 3 * sin(y) ** 2),
        (
            tight(
                "pl",
                None,
                "numeric; a sum of parts has the least of the parts' constants",
                reach=8.0,
            ),
            tight("rsi", None, "numeric; the least of the parts'", reach=8.0),
            tight("qg", 2, "f >= x^2 + y^2", limit=True),
            tight("smooth", 8, "the Hessian is diagonal"),
        ),
    ),
    Entry(
        replace(
            case("circle", (x**2 + y**2 - 1) ** 2 / 4, R2, ()), curve=(cos(t), sin(t), 0, 2 * pi)
        ),
        (
            tight("qg", Q(1, 2), "A/B = (r + 1)^2/2, at the origin"),
            tight("rsi", "none", "the origin is stationary", probes=((0.0, 0.0),)),
            tight("pl", "none", "the origin is stationary, f = 1/4", probes=((0.0, 0.0),)),
            tight("pl-star", "none", "the origin is stationary, f = 1/4", probes=((0.0, 0.0),)),
            tight("convex", False, "the origin is a maximum nearby"),
        ),
    ),
    Entry(
        replace(
            case(
                "circle-arc",
                (x**2 + y**2 - 1) ** 2 / 4,
                ((Q(-3, 5), Q(3, 5)), (Q(1, 2), Q(3, 2))),
                (),
            ),
            curve=arc,
        ),
        (
            tight("qg", None, "numeric"),
            tight("eb", None, "numeric"),
            tight("rsi", None, "numeric"),
            tight("aiming", None, "numeric"),
        ),
    ),
    Entry(
        replace(case("cross", x**2 * y**2 / 2, R2, ()), lines=(((1, 0), 0), ((0, 1), 0))),
        (
            tight("aiming", 2, "x_p = (x, 0) or (0, y): A = x^2 y^2 = 2 f"),
            tight("qg", "none", "A/B is the larger square", probes=((0.125, 0.125), (0.01, 0.01))),
            tight("pl", "none", "A/B = x^2 + y^2", probes=((0.125, 0.125), (0.01, 0.01))),
        ),
    ),
    Entry(
        Case(
            "six-hump",
            (x, y),
            (six,),
            (),
            ((-2, 2), (-1, 1)),
            (six_at, tuple(-c for c in six_at)),
            None,
            six_least,
        ),
        (
            tight("pl", "none", "the origin is a saddle", probes=((0.0, 0.0),)),
            tight("qg", None, "numeric"),
        ),
    ),
    Entry(
        Case(
            "six-hump-well",
            (x, y),
            (six,),
            (),
            ((Q(-1, 4), Q(1, 2)), (-1, Q(-1, 2))),
            (six_at,),
            None,
            six_least,
        ),
        (tight("pl", None, "numeric"), tight("rsi", None, "numeric")),
    ),
    Entry(
        case("circle-box", (x**2 + y**2 - 1) ** 2 / 4, ((Q(1, 2), 2), (Q(1, 2), 2)), ()),
        (
            tight("pl", 1, "A/B = 2(x^2 + y^2)"),
            tight("pl-star", 1, "A/B = 2(x^2 + y^2)"),
            tight("smooth", 23, "eigenvalues 3r^2 - 1 and r^2 - 1; r^2 = 8"),
            tight("self-bounding", 16, "A/B = 2 r^2"),
        ),
    ),
    Entry(
        case(
            "rastrigin",
            20 + x**2 + y**2 - 10 * cos(2 * pi * x) - 10 * cos(2 * pi * y),
            ((-5, 5), (-5, 5)),
        ),
        (
            tight("pl", "none", "a local minimum near (1, 0)", probes=((0.994958637, 0.0),)),
            tight("qg", 2, "f >= x^2 + y^2, equality at whole numbers", limit=True),
            tight("smooth", 2 + 40 * pi**2, "f_xx = 2 + 40 pi^2 cos 2 pi x"),
        ),
    ),
    Entry(
        case(
            "mccormick",
            mccormick,
            ((Q(-3, 2), Q(1, 2)), (Q(-5, 2), Q(-1, 2))),
            ((Q(1, 2) - pi / 3, -Q(1, 2) - pi / 3),),
            -sqrt(3) / 2 - pi / 3,
        ),
        (
            tight("pl", None, "numeric"),
            tight(
                "strongly-convex",
                "none",
                "along (1, 1) the curvature is -sin(x + y) times 2, negative where x + y < -pi",
                probes=((-1.5, -2.5),),
            ),
            tight("smooth", 4, "eigenvalues 4 along (1, -1) and -2 sin(x + y) along (1, 1)"),
            tight("rsi", None, "numeric"),
        ),
    ),
    Entry(
        case("camel", camel),
        (
            tight("pl", "none", "two more local minima", probes=((1.74755234, -0.87377617),)),
            tight("qg", None, "numeric", reach=10.0),
            tight("convex", False, "f_xx(1, 0) = 4 - 12.6 + 5"),
        ),
    ),
    Entry(
        case("saddle", x**2 - y**2, R2, ()),
        (
            tight("smooth", 2, "eigenvalues 2, -2"),
            tight("convex", False, "eigenvalue -2"),
            tight("strongly-convex", "none", "eigenvalue -2", probes=((0.0, 0.0),)),
        ),
    ),
]
