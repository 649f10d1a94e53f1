"""Intervals with rigorous ends: the one file that uses python-flint (Arb), where it is installed.

An interval is a pair (lo, hi) of exact arb numbers, ±inf allowed; every operation rounds outward.
An operation that is not defined on the whole interval raises Undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeAlias

from boundcalc.kernel.analytic import bare

try:
    from flint import arb, ctx, fmpq
except ImportError:  # pragma: no cover - run without anything installed in the tests
    arb, ctx, fmpq = bare.arb, bare.ctx, bare.fmpq  # type: ignore[misc, assignment]

Undefined = bare.Undefined
Interval: TypeAlias = tuple[Any, Any]  # of arb

MAX_PRECISION = 2_000
MAX_EXPONENT = 1 << 24  # of a number that is written as a rational


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with so many bits; the setting of python-flint is global, and put back."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


INF = arb.pos_inf()
WHOLE: Interval = (-INF, INF)
ZERO: Interval = (arb(0), arb(0))


def _pair(lo: Any, hi: Any) -> Interval:
    """The interval from balls that contain its ends; not-a-number widens it."""
    below, above = lo.lower(), hi.upper()
    return (-INF if below.is_nan() else below, INF if above.is_nan() else above)


def rational(value: Fraction) -> Interval:
    """A rational, as tight as the precision allows."""
    ball = arb(fmpq(value.numerator, value.denominator))
    return (ball.lower(), ball.upper())


def between(lo: Fraction | None, hi: Fraction | None) -> Interval:
    """[lo, hi]; None stands for an end at infinity."""
    return (-INF if lo is None else rational(lo)[0], INF if hi is None else rational(hi)[1])


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval that contains both."""
    return (a[0] if a[0] <= b[0] else b[0], a[1] if a[1] >= b[1] else b[1])


def meet(a: Interval, b: Interval) -> Interval:
    """The points in both: two enclosures of one value, which therefore overlap."""
    return (a[0] if a[0] >= b[0] else b[0], a[1] if a[1] <= b[1] else b[1])


def add(a: Interval, b: Interval) -> Interval:
    """a + b."""
    return _pair(a[0] + b[0], a[1] + b[1])


def sub(a: Interval, b: Interval) -> Interval:
    """a − b."""
    return _pair(a[0] - b[1], a[1] - b[0])


def _product(x: Any, y: Any) -> Any:
    """x*y with 0*inf = 0, as the ends of intervals need it."""
    return arb(0) if x == 0 or y == 0 else x * y


def mul(a: Interval, b: Interval) -> Interval:
    """a·b; 0·∞ is 0 at an end."""
    (p, q), (r, s) = a, b
    if p >= 0:
        low, high = (p if r >= 0 else q, r), (q if s >= 0 else p, s)
    elif q <= 0:
        low, high = (p if s >= 0 else q, s), (q if r >= 0 else p, r)
    elif r >= 0:
        low, high = (p, s), (q, s)
    elif s <= 0:
        low, high = (q, r), (p, r)
    else:
        ps, qr, pr, qs = _product(p, s), _product(q, r), _product(p, r), _product(q, s)
        lows, highs = (ps.lower(), qr.lower()), (pr.upper(), qs.upper())
        return (
            lows[0] if lows[0] <= lows[1] else lows[1],
            highs[0] if highs[0] >= highs[1] else highs[1],
        )
    return _pair(_product(*low), _product(*high))


def power(a: Interval, n: int) -> Interval:
    """a^n for n ≥ 2."""
    lo, hi = a
    if n % 2 == 1 or lo >= 0:
        return _pair(lo**n, hi**n)
    if hi <= 0:
        return _pair(hi**n, lo**n)
    return (arb(0), _pair(ZERO[0], lo**n if -lo >= hi else hi**n)[1])


def inv(a: Interval) -> Interval:
    """1/a, where a has one sign."""
    lo, hi = a
    if not (lo > 0 or hi < 0):
        raise Undefined("division by an interval that contains 0")
    return _pair(
        arb(0) if hi.is_finite() == 0 else 1 / hi, arb(0) if lo.is_finite() == 0 else 1 / lo
    )


def _increasing(f: Callable[[Any], Any], below: Any, above: Any) -> Callable[[Interval], Interval]:
    """An increasing function on R, with its limits at -inf and +inf."""

    def image(a: Interval) -> Interval:
        lo = below if not a[0].is_finite() else f(a[0])
        hi = above if not a[1].is_finite() else f(a[1])
        return _pair(lo, hi)

    return image


def _logistic(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _softplus(x: Any) -> Any:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def sqrt(a: Interval) -> Interval:
    """√a, where a ≥ 0."""
    if not a[0] >= 0:
        raise Undefined("a square root of what may be negative")
    return _pair(a[0].sqrt(), INF if not a[1].is_finite() else a[1].sqrt())


def root(a: Interval, degree: int) -> Interval:
    """The root of a degree, where a ≥ 0."""
    if not a[0] >= 0:
        raise Undefined("a root of what may be negative")
    low = a[0] if a[0] == 0 else a[0].root(degree)
    return _pair(low, INF if not a[1].is_finite() else a[1].root(degree))


def size(a: Interval, p: Fraction) -> Interval:
    """|a|^p; a ≠ 0 where p ≤ 0."""
    lo, hi = a
    if lo < 0:
        a = (-hi, -lo) if hi <= 0 else (ZERO[0], -lo if -lo >= hi else hi)
    if p <= 0:
        return inv(_to_power(a, -p)) if p else (arb(1), arb(1))
    return _to_power(a, p)


def _to_power(a: Interval, p: Fraction) -> Interval:
    """a^p, where a ≥ 0 and p ≥ 0."""
    whole = power(a, p.numerator) if p.numerator > 1 else a
    return root(whole, p.denominator) if p.denominator > 1 else whole


def odd(a: Interval, p: Fraction) -> Interval:
    """sign(a)·|a|^p; a ≠ 0 where p ≤ 0."""
    lo, hi = a
    if lo >= 0 and (p > 0 or lo > 0):
        return size(a, p)
    if hi <= 0 and (p > 0 or hi < 0):
        low, high = size(a, p)
        return (-high, -low)
    if p <= 0:
        raise Undefined("a sign where 0 is a value")
    return (-size((ZERO[0], -lo), p)[1], size((ZERO[0], hi), p)[1])


def log(a: Interval) -> Interval:
    """log a, where a > 0."""
    if not a[0] > 0:
        raise Undefined("a logarithm of what may not be positive")
    return _pair(a[0].log(), INF if not a[1].is_finite() else a[1].log())


def _turns(x: Any, shift: Any) -> Any:
    """floor(x/pi - shift), where it can be told."""
    return (x / arb.pi() - shift).floor().unique_fmpz()


def sin(a: Interval) -> Interval:
    """The range of sine."""
    return _wave(a, arb(1) / 2, lambda x: x.sin())


def cos(a: Interval) -> Interval:
    """The range of cosine."""
    return _wave(a, arb(0), lambda x: x.cos())


def _wave(a: Interval, shift: Any, f: Callable[[Any], Any]) -> Interval:
    """Maxima at (shift + 2k)*pi, minima at (shift + 2k + 1)*pi, monotone in between."""
    if not (a[0].is_finite() and a[1].is_finite()):
        return (arb(-1), arb(1))
    first, last = _turns(a[0], shift), _turns(a[1], shift)
    if first is None or last is None or last - first > 1:
        return (arb(-1), arb(1))
    lo, hi = f(a[0]), f(a[1])
    ends = hull((lo.lower(), lo.upper()), (hi.lower(), hi.upper()))
    if last == first + 1:
        ends = (ends[0], arb(1)) if last % 2 == 0 else (arb(-1), ends[1])
    return meet(ends, (arb(-1), arb(1)))


def cosh(a: Interval) -> Interval:
    """The range of the hyperbolic cosine."""
    if a[0] >= 0:
        return _COSH_UP(a)
    if a[1] <= 0:
        return _COSH_UP((-a[1], -a[0]))
    return (arb(1), _COSH_UP((arb(0), -a[0] if -a[0] >= a[1] else a[1]))[1])


def atan(a: Interval) -> Interval:
    """The range of the arc tangent."""
    quarter = arb.pi() / 2
    return _increasing(lambda x: x.atan(), -quarter, quarter)(a)


_COSH_UP = _increasing(lambda x: x.cosh(), INF, INF)

UNARY: dict[str, Callable[[Interval], Interval]] = {
    "inv": inv,
    "sqrt": sqrt,
    "log": log,
    "sin": sin,
    "cos": cos,
    "cosh": cosh,
    "exp": _increasing(lambda x: x.exp(), arb(0), INF),
    "sinh": _increasing(lambda x: x.sinh(), -INF, INF),
    "tanh": _increasing(lambda x: x.tanh(), arb(-1), arb(1)),
    "atan": atan,
    "logistic": _increasing(_logistic, arb(0), arb(1)),
    "softplus": _increasing(_softplus, arb(0), INF),
}


def pi() -> Interval:
    """An enclosure of π."""
    return _pair(arb.pi(), arb.pi())


def e() -> Interval:
    """An enclosure of e."""
    return _pair(arb(1).exp(), arb(1).exp())


def outward(a: Interval) -> tuple[Fraction, Fraction]:
    """Rationals that enclose a finite interval."""
    return (_fraction(a[0]), _fraction(a[1]))


def _fraction(x: Any) -> Fraction:
    if not x.is_finite():
        raise Undefined("not a finite number")
    mantissa, exponent = x.man_exp()
    if abs(exponent) > MAX_EXPONENT:  # exp(exp(60)) has more digits than there is memory
        raise Undefined("a number is too large or too small to be written as a rational")
    whole = mantissa if isinstance(mantissa, Fraction) else int(mantissa)
    return Fraction(whole) * Fraction(2) ** int(exponent)
