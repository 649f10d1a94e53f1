"""How cases of two variables are written."""

from __future__ import annotations

import mpmath as mp
import sympy as sp
from model import Case

x, y = sp.symbols("x y", real=True)
R2 = ((None, None), (None, None))
ORIGIN = ((0, 0),)


def case(name: str, f: object, box=R2, minimisers=ORIGIN, least=0, affine=None) -> Case:
    return Case(name, (x, y), (sp.sympify(f),), (), box, minimisers, affine, least)


def net(name: str, residual: tuple[object, ...], box=R2, minimisers=()) -> Case:
    return Case(name, (x, y), (), tuple(map(sp.sympify, residual)), box, minimisers)


def critical(f: sp.Expr, start: tuple[float, float]) -> tuple[tuple[sp.Float, ...], sp.Float]:
    """A stationary point and its value, to 60 digits."""
    with mp.workdps(70):
        slope = sp.lambdify((x, y), [sp.diff(f, x), sp.diff(f, y)], "mpmath")
        root = list(mp.findroot(slope, start))
        value = sp.lambdify((x, y), f, "mpmath")(*root)
        return tuple(sp.Float(str(c), 60) for c in root), sp.Float(str(value), 60)


def several(name: str, components: tuple[sp.Expr, ...], start, leasts, twins=False, box=R2) -> Case:
    at, least = critical(sum(components, sp.Integer(0)) / len(components), start)
    points = (at, tuple(-c for c in at)) if twins else (at,)
    return Case(name, (x, y), components, (), box, points, None, least, leasts)


POINT = ((1, 1),)
