"""Losses of two parameters: the examples of Islamov et al., regressions, small networks."""

from __future__ import annotations

import mpmath as mp
import sympy as sp
from coordinates import ORIGIN, POINT, R2, case, critical, net, several, x, y
from model import Case
from sympy import Rational as Q
from sympy import exp, log, sqrt, tanh
from truth import Entry, tight


def bump(a: int) -> sp.Expr:
    r = (x - a) ** 2 + y**2
    return r / (1 + r)


def neuron(width: int, label: int) -> sp.Expr:
    return log(1 + exp(-label * y * tanh(width * x))) + Q(3, 10) * (x**2 + y**2)


def flowers() -> sp.Expr:
    """Iris petal widths (mm) less 16; versicolor -1, virginica +1; weight x, intercept y."""
    rows = ((-2, -1), (0, -1), (2, -1), (1, 1), (-1, 1), (2, 1))
    return tuple(log(1 + exp(-label * (width * x + y))) for width, label in rows)


PETALS = (
    (Q(-13, 5), Q(1, 5)),
    (Q(-27, 10), Q(3, 10)),
    (Q(7, 10), Q(7, 5)),
    (Q(11, 10), Q(8, 5)),
    (Q(1, 2), Q(17, 10)),
)
ridge = sum(((w * x + y - t) ** 2 / 2 for w, t in PETALS), sp.Integer(0)) / 5 + (x**2 + y**2) / 20
ridge_at = sp.solve([sp.diff(ridge, x), sp.diff(ridge, y)], [x, y])
low, high = sorted(sp.hessian(ridge, (x, y)).eigenvals(), key=sp.N)

u = x + y
rational = (u**2 / (1 + u**2), (u + 1) ** 2 / (1 + (u + 1) ** 2))
PAIR = Case("islamov-line", (x, y), rational, (), R2, (), ([[1, 1]], [Q(-1, 2)]), Q(1, 5), (0, 0))
SADDLE = several("islamov-saddle", (bump(1), bump(-1)), (0.9, 0.0), (0, 0), twins=True)
NEARER = 1 - bump(1).subs(dict(zip((x, y), SADDLE.minimisers[0], strict=True)))
entry = ((x**2 - 2) ** 2 / 2, (x * y - 1) ** 2 / 2, (x * y - 1) ** 2 / 2, (y**2 - 2) ** 2 / 2)
FACTORS = Case("matrix-factorisation", (x, y), entry, (), ((0, 2), (0, 2)),
               ((sqrt(Q(3, 2)), sqrt(Q(3, 2))),), None, Q(1, 8), (0,) * 4)  # fmt: skip
LAYERS = Case("two-layer-logistic", (x, y), (neuron(1, 1), neuron(2, -1)), (), R2, ORIGIN, None,
              log(2), (log(2), critical(neuron(2, -1), (0.7, -0.8))[1]))  # fmt: skip


def softplus_bound() -> sp.Float:
    """sup q(t)²/(2 log(1 + e^t)), q the logistic: where its derivative vanishes, near 0.92."""
    t = sp.Symbol("t")
    ratio = 1 / (1 + exp(-t)) ** 2 / (2 * log(1 + exp(t)))
    with mp.workdps(50):
        root = mp.findroot(sp.lambdify(t, sp.diff(ratio, t), "mpmath"), 0.92)
        return sp.Float(str(sp.lambdify(t, ratio, "mpmath")(root)), 40)


SOFTPLUS_BOUND = softplus_bound()
IRIS = several("iris-logistic", flowers(), (0.1, 0.0), (0,) * 6)
IRIS_RIDGE = several(
    "iris-logistic-ridge", (sum(flowers(), sp.Integer(0)) / 6 + (x**2 + y**2) / 20,), (0.1, 0.0), ()
)
phases = ((x**2 - 1) ** 2 / 4, (y**2 - 1) ** 2 / 4, ((x + y) ** 2 - 4) ** 2 / 4)

ENTRIES = [
    Entry(
        PAIR,
        (
            # c >= 0 far out, and (alpha a - c)/b = alpha - (alpha/5 + c)/b with b < 1: from below;
            # nearer to the
            # minimisers c < 0 matters, and (4/5) alpha is enough exactly from alpha = 5(sqrt 5 -
            # 2)/2 on
            tight(
                "alpha-beta",
                2,
                "limit (4/5) alpha at infinity",
                alpha=Q(5, 2),
                limit=True,
                reach=3000.0,
            ),
            tight(
                "alpha-beta",
                Q(4, 5),
                "limit (4/5) alpha at infinity",
                alpha=1,
                limit=True,
                reach=3000.0,
            ),
            tight(
                "alpha-beta",
                2 * (sqrt(5) - 2),
                "(4/5) alpha at infinity and at a finite u: the smallest alpha on the ray",
                alpha=5 * (sqrt(5) - 2) / 2,
                limit=True,
                reach=3000.0,
            ),
            tight(
                "alpha-beta",
                None,
                "numeric; above alpha, so that no beta < alpha works",
                alpha=Q(1, 2),
            ),
            tight(
                "pl",
                "none",
                "f -> 1 while the gradient -> 0",
                probes=((10.0, 10.0), (100.0, 100.0)),
            ),
        ),
    ),
    Entry(
        SADDLE,
        (
            tight("pl", "none", "the origin is a saddle", probes=((0.0, 0.0),)),
            # far out a -> 1 - f_i(x_p), b -> 1, c > 0: the nearer centre's component is the worse
            # one
            tight(
                "alpha-beta",
                NEARER,
                "approached at infinity, from below as b < 1 and c > 0 there",
                alpha=1,
                limit=True,
                reach=1000.0,
            ),
            tight("alpha-beta", 2 * NEARER, "as for alpha = 1", alpha=2, limit=True, reach=1000.0),
            tight(
                "smooth",
                2,
                "f_i(z) = g(|z - b_i|): eigenvalues g'' and g'/r, both at most 2, at b_i",
            ),
        ),
    ),
    Entry(
        FACTORS,
        (
            tight("pl", "none", "the origin is stationary", probes=((0.0, 0.0),)),
            # on x = 0, f_1 has a = 2 - 1/8, b = 2, c = 0
            tight(
                "alpha-beta",
                Q(15, 8),
                "(15/16) alpha, on x = 0; the sample finds nothing higher",
                alpha=2,
            ),
            tight(
                "alpha-beta",
                Q(15, 4),
                "(15/16) alpha, on x = 0; the sample finds nothing higher",
                alpha=4,
            ),
            tight("smooth", 20, "f_1'' = 6x^2 - 4 at x = 2; f_2'' has norm 11 there"),
        ),
    ),
    Entry(
        LAYERS,
        (
            tight(
                "pl",
                Q(7, 20),
                "least eigenvalue at the minimiser; the sample finds nothing lower",
                limit=True,
            ),
            tight("rsi", Q(7, 20), "the same", limit=True),
            tight("aiming", None, "numeric"),
            tight("alpha-beta", None, "numeric", alpha=1),
            tight("qg", Q(7, 20), "the same", limit=True),
        ),
    ),
    Entry(
        IRIS,
        (
            tight("alpha-beta", 0, "the components are convex", alpha=1, limit=True),
            tight("convex", True, "the logistic loss is convex"),
            tight(
                "smooth", Q(5, 4), "f_i'' = q(1-q) z z', at most |z|^2/4, attained where z.w = 0"
            ),
            tight(
                "self-bounding",
                5 * SOFTPLUS_BOUND,
                "|z|^2 = 5 times the softplus's own constant, on a line",
                limit=True,
            ),
            tight(
                "pl",
                "none",
                "f grows like |w|, the gradient stays bounded",
                probes=((300.0, 0.0), (3000.0, 0.0)),
            ),
        ),
    ),
    Entry(
        IRIS_RIDGE,
        (
            tight(
                "strongly-convex",
                Q(1, 10),
                "the ridge alone, as w -> oo with no row orthogonal to it",
                limit=True,
            ),
            tight(
                "smooth", Q(1, 10) + (10 + sqrt(20)) / 24, "all rows are steepest at w = 0 at once"
            ),
            tight(
                "pl",
                Q(1, 10),
                "at least the strong convexity; at infinity f ~ |w|^2/20",
                limit=True,
                reach=300.0,
            ),
            tight("convex", True, "a sum of convex functions"),
        ),
    ),
    Entry(
        case("iris-ridge", ridge, R2, ((ridge_at[x], ridge_at[y]),), ridge.subs(ridge_at)),
        (
            tight("pl", low, "a quadratic: least eigenvalue", limit=True),
            tight("strongly-convex", low, "least eigenvalue"),
            tight("smooth", high, "greatest eigenvalue"),
            tight("aiming", 2, "a quadratic", limit=True),
        ),
    ),
    Entry(
        Case("phase-retrieval", (x, y), phases, (), R2, (*POINT, (-1, -1)), None, 0, (0, 0, 0)),
        (
            tight("pl", "none", "the origin is stationary", probes=((0.0, 0.0),)),
            # on the line x = -y both minimisers are equally near: with s = x^2, A/B = ((s-1)^2/2 +
            # 4)/(3(s+1))
            tight(
                "qg",
                (2 * sqrt(3) - 2) / 3,
                "least on x = -y, at s = 2 sqrt(3) - 1; the sample finds nothing lower",
            ),
        ),
    ),
    Entry(
        Case(
            "phase-retrieval-box",
            (x, y),
            phases,
            (),
            ((Q(1, 2), 2), (Q(1, 2), 2)),
            POINT,
            None,
            0,
            (0, 0, 0),
        ),
        (
            tight("pl", None, "numeric"),
            tight("rsi", None, "numeric"),
            tight("aiming", None, "numeric"),
            tight("self-bounding", None, "numeric"),
        ),
    ),
    Entry(
        net(
            "softplus-regression",
            (log(1 + exp(y)) - 1, log(1 + exp(x + y)) - 2),
            ((0, 2), (0, 2)),
            ((log(sp.E**2 - 1) - log(sp.E - 1), log(sp.E - 1)),),
        ),
        (
            tight(
                "uniform-conditioning",
                (3 - sqrt(5)) / 8,
                "K = [[1/4, 1/4], [1/4, 1/2]] at the origin; the sample agrees",
            ),
            tight("pl-star", None, "numeric"),
            tight("rsi", None, "numeric"),
        ),
    ),
    Entry(
        net(
            "tanh-neuron",
            (y * tanh(x) - tanh(1), y * tanh(2 * x) - tanh(2)),
            ((Q(1, 2), Q(3, 2)),) * 2,
            POINT,
        ),
        (
            tight("uniform-conditioning", None, "numeric"),
            tight("pl-star", None, "numeric"),
            tight("smooth", None, "numeric"),
        ),
    ),
]
