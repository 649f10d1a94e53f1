"""Functions of three variables and more."""

from __future__ import annotations

import mpmath as mp
import sympy as sp
from model import Case
from sympy import Rational as Q
from sympy import cosh, pi, sin
from truth import Entry, tight

x, y, z, w = sp.symbols("x y z w", real=True)
a = sp.symbols("a1:7", real=True)


def whole(d: int) -> tuple[tuple[None, None], ...]:
    return ((None, None),) * d


def chain(d: int) -> Case:
    """F = (a1, a2 - sin a1, ..., ad - sin a(d-1))."""
    residual = (a[0], *(a[i + 1] - sin(a[i]) for i in range(d - 1)))
    return Case(f"sine-chain-{d}", a[:d], (), residual, whole(d), ((0,) * d,))


def spring(d: int) -> Case:
    """½ a1² + ½ Σ (a(i+1) - a(i))²."""
    f = a[0] ** 2 / 2 + sum(((a[i + 1] - a[i]) ** 2 / 2 for i in range(d - 1)), sp.Integer(0))
    return Case(f"springs-{d}", a[:d], (f,), (), whole(d), ((0,) * d,))


def fixed_end(d: int, k: int) -> sp.Expr:
    """k-th eigenvalue of a chain of d springs, one end fixed: tridiagonal 1, 2, ..., 2 and -1."""
    return 4 * sp.sin((2 * k - 1) * pi / (2 * (2 * d + 1))) ** 2


def chain_truths(d: int) -> tuple:
    # K = J J', J unit lower bidiagonal with entries -cos: |J^-1| is entrywise greatest, so K's
    # least
    # eigenvalue least, where every |cos| is 1 (Perron): there K is the chain of springs.
    why = "K is worst where all cosines are 1 in size"
    # On the lattice (pi Z)^d the residual takes every direction in the limit, and near 0 A/B has
    # the limit
    # least eigenvalue of J'J = the same: so pl has the same infimum, and pl >= uniform
    # conditioning.
    return (
        tight("uniform-conditioning", fixed_end(d, 1), why, limit=True),
        tight("pl", fixed_end(d, 1), why + "; approached at the minimiser", limit=True, reach=4.0),
        tight(
            "pl-star", fixed_end(d, 1), why + "; approached at the minimiser", limit=True, reach=4.0
        ),
    )


def sine_part() -> tuple[sp.Float, sp.Float]:
    """pl and rsi constants of t² + 3 sin² t, from stationary points of the ratios."""
    t = sp.Symbol("t")
    f = t**2 + 3 * sin(t) ** 2
    out = []
    for ratio, start in ((sp.diff(f, t) ** 2 / (2 * f), 2.2017), (sp.diff(f, t) / t, 2.2467)):
        with mp.workdps(50):
            root = mp.findroot(sp.lambdify(t, sp.diff(ratio, t), "mpmath"), start)
            out.append(sp.Float(str(sp.lambdify(t, ratio, "mpmath")(root)), 40))
    return out[0], out[1]


SINE_PL, SINE_RSI = sine_part()
U = ((x + y + z + w) / 2, (x - y + z - w) / 2, (x + y - z - w) / 2, (x - y - z + w) / 2)
rotated = sum((Q(k + 1, 2) * u**2 for k, u in enumerate(U)), sp.Integer(0)) + U[0] ** 4 / 4
HALF = (Q(1, 2), 2)

ENTRIES = [
    Entry(
        Case(
            "least-squares",
            (x, y, z),
            (),
            (x + 2 * y - z - 1, 2 * x - y + z + 3),
            whole(3),
            (),
            ([[1, 2, -1], [2, -1, 1]], [1, -3]),
        ),
        (
            tight(
                "pl",
                5,
                "A A' = [[6, -1], [-1, 6]]: eigenvalues 5, 7; every residual occurs",
                limit=True,
            ),
            tight("uniform-conditioning", 5, "the same matrix"),
            tight("qg", 5, "off the kernel of A the least eigenvalue of A'A is 5", limit=True),
            tight("smooth", 7, "greatest eigenvalue"),
            tight("strongly-convex", "none", "A'A is singular", probes=((0.0, 0.0, 0.0),)),
        ),
    ),
    Entry(
        Case("deep-linear", (x, y, z), (), (x * y * z - 1,), whole(3)),
        (
            tight("pl", "none", "the origin is stationary, f = 1/2", probes=((0.0, 0.0, 0.0),)),
            tight(
                "pl-star", "none", "the origin is stationary, f = 1/2", probes=((0.0, 0.0, 0.0),)
            ),
            tight(
                "uniform-conditioning",
                "none",
                "K = (yz)^2 + (xz)^2 + (xy)^2",
                probes=((0.0, 0.0, 0.0),),
            ),
        ),
    ),
    Entry(
        Case("deep-linear-box", (x, y, z), (), (x * y * z - 1,), (HALF,) * 3),
        (
            tight("pl-star", Q(3, 16), "A/B = (yz)^2 + (xz)^2 + (xy)^2, least at the lower corner"),
            tight("uniform-conditioning", Q(3, 16), "the same"),
            tight("pl", Q(3, 16), "the same; f* = 0 at (1, 1, 1)"),
            tight("convex", False, "not so at (2, 2, 2)"),
        ),
    ),
    Entry(
        Case("deep-linear-4", (x, y, z, w), (), (x * y * z * w - 1,), (HALF,) * 4),
        (
            tight(
                "pl-star",
                Q(1, 16),
                "A/B = sum of squares of triple products, least at the lower corner",
            ),
            tight("uniform-conditioning", Q(1, 16), "the same"),
        ),
    ),
    Entry(
        Case(
            "separable",
            (x, y, z),
            (x**2 + 3 * sin(x) ** 2 + 2 * y**2 + cosh(z) - 1,),
            (),
            whole(3),
            ((0, 0, 0),),
        ),
        (
            tight(
                "pl", SINE_PL, "least of the parts' constants: sine's, 4, 1", limit=True, reach=6.0
            ),
            tight("rsi", SINE_RSI, "least of the parts': sine's, 4, 1", limit=True, reach=6.0),
            tight("qg", 1, "least of the parts': 2, 4, 1", limit=True, reach=6.0),
            tight(
                "smooth", "none", "cosh is unbounded", probes=((0.0, 0.0, 10.0), (0.0, 0.0, 20.0))
            ),
        ),
    ),
    Entry(
        Case("rotated-quartic", (x, y, z, w), (rotated,), (), whole(4), ((0, 0, 0, 0),)),
        (
            # in the coordinates u the parts are u1²/2 + u1⁴/4 (A/B = (1+s)²/(1+s/2) >= 1), u2²,
            # 3u3²/2, 2u4²
            tight("pl", 1, "least of the parts' constants 1, 2, 3, 4", limit=True, reach=3.0),
            tight("strongly-convex", 1, "Hessian diagonal in u: 1 + 3 u1^2, 2, 3, 4"),
            tight(
                "smooth", "none", "u1^4", probes=((10.0, 0.0, 0.0, 0.0), (1000.0, 0.0, 0.0, 0.0))
            ),
            tight("rsi", 1, "least of the parts': 1 + u1^2, 2, 3, 4", limit=True, reach=3.0),
        ),
    ),
    Entry(chain(3), chain_truths(3)),
    Entry(chain(4), chain_truths(4)),
    Entry(chain(6), chain_truths(6)),
    Entry(
        spring(4),
        (
            tight("pl", fixed_end(4, 1), "least eigenvalue of the chain of springs", limit=True),
            tight("strongly-convex", fixed_end(4, 1), "least eigenvalue"),
            tight("smooth", fixed_end(4, 4), "greatest eigenvalue"),
            tight("eb", fixed_end(4, 1), "least eigenvalue", limit=True),
        ),
    ),
    Entry(
        spring(6),
        (
            tight("pl", fixed_end(6, 1), "least eigenvalue of the chain of springs", limit=True),
            tight("strongly-convex", fixed_end(6, 1), "least eigenvalue"),
            tight("smooth", fixed_end(6, 6), "greatest eigenvalue"),
        ),
    ),
]
