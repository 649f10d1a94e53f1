"""Conditions as quotients: the best constant is an infimum, or a supremum, of A/B."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from boundcalc.search.numeric.derivative import dot
from boundcalc.search.numeric.formula import parse
from boundcalc.search.numeric.landscape import Landscape, reduced
from boundcalc.search.numeric.node import (
    Node,
    add,
    multiply,
    number,
    rational,
    square,
    substitute,
    subtract,
    total,
    variable,
)
from boundcalc.search.numeric.region import Region
from boundcalc.search.numeric.tape import compile

if TYPE_CHECKING:
    from boundcalc.search.numeric.minimisers import Minimisers

HALF = number(Fraction(1, 2))
Point = tuple[Node, ...]
Matrix = tuple[tuple[Node, ...], ...]


class RatioError(ValueError):
    """A ratio that cannot be formed; says why."""


@dataclass(frozen=True)
class Piece:
    """One quotient A/B, where all `within` are ≥ 0; or an extreme eigenvalue of a symmetric matrix.

    zeros : points where B (and mostly A) is 0. component : index i of f_i, or None for f.
    floor : values of B below are rounding noise in double precision.
    """

    A: Node
    B: Node
    within: tuple[Node, ...] = ()
    zeros: tuple[Point, ...] = ()
    matrix: Matrix = ()
    component: int | None = None
    floor: float = 0.0


@dataclass(frozen=True)
class Ratio:
    """The constant of a condition: sense +1, the largest c with A − c·B ≥ 0 (an infimum of A/B);
    sense −1, the smallest c with c·B − A ≥ 0 (a supremum). For a matrix M in place of A and B:
    its least eigenvalue (sense +1), its largest (sense −1). root : the constant is the square root
    of that (eb).
    """

    condition: str
    sense: int
    pieces: tuple[Piece, ...]
    region: Region
    lift: tuple[Node, ...]
    names: tuple[str, ...]
    root: bool = False


def ratio(
    whole: Landscape,
    condition: str,
    fixed: Mapping[str, Fraction],
    minimisers: Minimisers,
) -> Ratio:
    """The quotients of a condition (catalogue id), other constants fixed (epsilon, alpha).

    Where f depends on linear forms only and the domain is all of R^d, the quotients are in those
    forms (`region.variables`), and `lift` leads back to the variables `names`. Raises RatioError.
    """
    if condition not in _MAKERS:
        raise RatioError(f"condition {condition!r} is not known to the numeric search")
    names = whole.variables
    forms = minimisers.forms
    points = tuple(tuple(map(parse, point)) for point in minimisers.points)
    full = len(forms) if forms is not None else len(names)
    if forms is not None and whole.region.whole:
        points = tuple(
            tuple(
                total(multiply(number(q), c) for q, c in zip(form, point, strict=True))
                for form in forms
            )
            for point in points
        )
        whole = reduced(whole, forms)
    frame = _Frame(whole, points, minimisers, fixed, missing=full < len(names))
    sense, pieces = _MAKERS[condition](frame)
    return Ratio(
        condition, sense, tuple(pieces), whole.region, whole.lift, names, condition == "eb"
    )


@dataclass(frozen=True)
class _Frame:
    """What conditions are made of. missing: every f_i is constant in some direction."""

    whole: Landscape
    points: tuple[Point, ...]
    minimisers: Minimisers
    fixed: Mapping[str, Fraction]
    missing: bool

    @property
    def infimum(self) -> Node:
        if self.points and self.minimisers.kind == "points":
            return self.at(self.whole.f, self.points[0])
        if self.minimisers.value in ("", "-oo"):
            raise RatioError("f has no known finite infimum on the domain")
        return parse(self.minimisers.value)

    def at(self, formula: Node, point: Point) -> Node:
        return substitute(formula, dict(zip(self.whole.variables, point, strict=True)))

    def sqnorm(self, slopes: Sequence[Node]) -> Node:
        weights = self.whole.weights
        return total(multiply(number(w), square(s)) for w, s in zip(weights, slopes, strict=True))

    def away(self, point: Point) -> list[Node]:
        return [
            subtract(variable(name), c) for name, c in zip(self.whole.variables, point, strict=True)
        ]

    def distance(self, point: Point) -> Node:
        """The squared distance from the point."""
        if self.missing and not self.whole.region.whole:
            raise RatioError("nearest points of a segment of minimisers are not supported")
        return total(
            multiply(number(1 / w), square(a))
            for w, a in zip(self.whole.weights, self.away(point), strict=True)
        )

    def nearest(self) -> list[tuple[Point, tuple[Node, ...]]]:
        """Each minimiser with the region where it is a nearest one."""
        if self.minimisers.kind != "points" or not self.points:
            raise RatioError(f"minimisers are not isolated points: {self.minimisers.kind}")
        if len(self.points) == 1:
            return [(self.points[0], ())]
        result = []
        for point in self.points:
            closer = tuple(
                subtract(self.distance(other), self.distance(point))
                for other in self.points
                if other is not point
            )
            result.append((point, tuple(map(self.linear, closer))))
        return result

    def linear(self, gap: Node) -> Node:
        """A difference of squared distances is affine: rebuilt from its values, without squares."""
        zero = self.at(gap, (number(0),) * len(self.whole.variables))
        parts = [zero]
        for k, name in enumerate(self.whole.variables):
            unit = tuple(number(int(j == k)) for j in range(len(self.whole.variables)))
            parts.append(multiply(subtract(self.at(gap, unit), zero), variable(name)))
        return total(parts)


def _level(value: Node) -> float:
    """How large the rounding noise of u − value is, at least, near its zeros."""
    exact = rational(value)
    size = abs(float(exact)) if exact is not None else abs(float(compile([value], ()).exact(())[0]))
    return 1e-10 * size


def _above(frame: _Frame, infimum: Node) -> tuple[Node, float]:
    return subtract(frame.whole.f, infimum), _level(infimum)


def _pl(frame: _Frame) -> tuple[int, list[Piece]]:
    B, floor = _above(frame, frame.infimum)
    A = multiply(HALF, frame.sqnorm(frame.whole.gradient))
    return 1, [Piece(A, B, zeros=frame.points, floor=floor)]


def _pl_star(frame: _Frame) -> tuple[int, list[Piece]]:
    whole = frame.whole
    if len(whole.residual) == 1:  # ½(F F')² / ½F² = F'², also on the zero set
        return 1, [Piece(frame.sqnorm(whole.jacobian[0]), number(1))]
    A = multiply(HALF, frame.sqnorm(whole.gradient))
    zero = frame.points and rational(frame.at(whole.f, frame.points[0])) == 0
    return 1, [Piece(A, whole.f, zeros=frame.points if zero else ())]


def _pl_star_eps(frame: _Frame) -> tuple[int, list[Piece]]:
    A = multiply(HALF, frame.sqnorm(frame.whole.gradient))
    guard = subtract(frame.whole.f, number(_constant(frame, "epsilon")))
    return 1, [Piece(A, frame.whole.f, within=(guard,))]


def _constant(frame: _Frame, name: str) -> Fraction:
    if name not in frame.fixed:
        raise RatioError(f"the constant {name} must be fixed")
    return Fraction(frame.fixed[name])


def _rsi(frame: _Frame) -> tuple[int, list[Piece]]:
    slopes = frame.whole.gradient
    return 1, [
        Piece(dot(slopes, frame.away(p)), frame.distance(p), within, (p,))
        for p, within in frame.nearest()
    ]


def _eb(frame: _Frame) -> tuple[int, list[Piece]]:
    size = frame.sqnorm(frame.whole.gradient)
    return 1, [Piece(size, frame.distance(p), within, (p,)) for p, within in frame.nearest()]


def _qg(frame: _Frame) -> tuple[int, list[Piece]]:
    A, _ = _above(frame, frame.infimum)
    return 1, [
        Piece(A, multiply(HALF, frame.distance(p)), within, (p,)) for p, within in frame.nearest()
    ]


def _aiming(frame: _Frame) -> tuple[int, list[Piece]]:
    B, floor = _above(frame, frame.infimum)
    slopes = frame.whole.gradient
    return 1, [
        Piece(dot(slopes, frame.away(p)), B, within, (p,), floor=floor)
        for p, within in frame.nearest()
    ]


def _star_convex(frame: _Frame) -> tuple[int, list[Piece]]:
    """B is the squared distance: the condition holds where the constant is ≥ 0."""
    result = []
    for i, (part, slopes) in enumerate(zip(frame.whole.f_i, frame.whole.gradients, strict=True)):
        for p, within in frame.nearest():
            A = subtract(dot(slopes, frame.away(p)), subtract(part, frame.at(part, p)))
            result.append(Piece(A, frame.distance(p), within, (p,), component=i))
    return 1, result


def _self_bounding(frame: _Frame) -> tuple[int, list[Piece]]:
    result = []
    for i, slopes in enumerate(frame.whole.gradients):
        low, zeros = component_infimum(frame, i)
        B = multiply(number(2), subtract(frame.whole.f_i[i], low))
        result.append(Piece(frame.sqnorm(slopes), B, zeros=zeros, component=i, floor=_level(low)))
    return -1, result


def _alpha_beta(frame: _Frame) -> tuple[int, list[Piece]]:
    alpha = number(_constant(frame, "alpha"))
    result = []
    for i, (part, slopes) in enumerate(zip(frame.whole.f_i, frame.whole.gradients, strict=True)):
        low, zeros = component_infimum(frame, i)
        B = subtract(part, low)
        for p, within in frame.nearest():
            gain = subtract(part, frame.at(part, p))
            A = subtract(multiply(alpha, gain), dot(slopes, frame.away(p)))
            result.append(Piece(A, B, within, zeros, component=i, floor=_level(low)))
    return -1, result


def component_infimum(frame: _Frame, i: int) -> tuple[Node, tuple[Point, ...]]:
    """inf f_i over the domain, and where it is attained."""
    import time

    from boundcalc.search.numeric.minimisers import least

    whole = frame.whole
    if len(whole.f_i) == 1:
        return frame.infimum, frame.points
    seconds = max(0.05, 3.0 / len(whole.f_i))
    found = least(whole.f_i[i], whole.region, time.perf_counter() + seconds)
    if found.value in ("", "-oo"):
        raise RatioError(f"component {i + 1} has no known finite infimum on the domain")
    points = tuple(tuple(map(parse, point)) for point in found.points)
    if found.kind == "points":
        return frame.at(whole.f_i[i], points[0]), points
    return parse(found.value), ()


def _weighted(frame: _Frame, matrix: Matrix, sign: int) -> Matrix:
    """sign·N^½ M N^½ with N the diagonal of weights: the Hessian in the problem's own metric."""
    from boundcalc.search.numeric.node import negate, power

    roots = [power(number(w), Fraction(1, 2)) for w in frame.whole.weights]
    rows = [
        [multiply(multiply(roots[i], roots[j]), entry) for j, entry in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
    return tuple(tuple(negate(e) if sign < 0 else e for e in row) for row in rows)


def _eigen(matrix: Matrix, component: int | None) -> Piece:
    return Piece(number(0), number(1), matrix=matrix, component=component)


def _smooth(frame: _Frame) -> tuple[int, list[Piece]]:
    return -1, [
        _eigen(_weighted(frame, matrix, sign), i)
        for i, matrix in enumerate(frame.whole.hessians)
        for sign in (1, -1)
    ]


def _strongly_convex(frame: _Frame) -> tuple[int, list[Piece]]:
    result = [_eigen(_weighted(frame, m, 1), i) for i, m in enumerate(frame.whole.hessians)]
    if frame.missing and frame.whole.region.whole:
        result.append(Piece(number(0), number(1)))  # the direction in which f is constant
    return 1, result


def _uniform_conditioning(frame: _Frame) -> tuple[int, list[Piece]]:
    whole = frame.whole
    if not whole.residual:
        raise RatioError("uniform-conditioning is said of a residual map")
    kernel = tuple(
        tuple(
            total(
                multiply(number(w), multiply(a, b))
                for w, a, b in zip(whole.weights, left, right, strict=True)
            )
            for right in whole.jacobian
        )
        for left in whole.jacobian
    )
    return 1, [_eigen(kernel, None)]


_MAKERS: dict[str, Callable[[_Frame], tuple[int, list[Piece]]]] = {
    "pl": _pl,
    "pl-star": _pl_star,
    "pl-star-eps": _pl_star_eps,
    "rsi": _rsi,
    "eb": _eb,
    "qg": _qg,
    "aiming": _aiming,
    "star-convex": _star_convex,
    "self-bounding": _self_bounding,
    "alpha-beta": _alpha_beta,
    "smooth": _smooth,
    "strongly-convex": _strongly_convex,
    "convex": _strongly_convex,
    "uniform-conditioning": _uniform_conditioning,
}
CONDITIONS = frozenset(_MAKERS)


def margin(piece: Piece, sense: int, constant: Node) -> Node:
    """sense·(A − c·B): nonnegative where the condition holds with the constant c."""
    gap = subtract(piece.A, multiply(constant, piece.B))
    return gap if sense > 0 else add(multiply(constant, piece.B), multiply(number(-1), piece.A))
