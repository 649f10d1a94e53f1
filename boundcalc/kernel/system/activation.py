"""Smooth activations: enclosures of s and s', and how large s' and s'' can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.interval import Interval
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.system.bounds import Pair

ONE = iv.rational(Fraction(1))


@dataclass(frozen=True)
class Activation:
    """s on an interval: its values, those of s'; and for all |z| ≤ a bound ("far"): |s'|, |s''|.

    value_and_slope : z → (s(z), s'(z)). steepest : far → ≥ |s'|. bend : ≥ |s''| everywhere.
    """

    value_and_slope: Callable[[Interval], tuple[Interval, Interval]]
    steepest: Callable[[Fraction], Fraction]
    bend: Fraction


def _tanh(z: Interval) -> tuple[Interval, Interval]:
    value = iv.UNARY["tanh"](z)
    return value, iv.sub(ONE, iv.power(value, 2))


def _sigmoid(z: Interval) -> tuple[Interval, Interval]:
    """s' = s(1 − s) = 1/4 − (s − 1/2)²."""
    value = iv.UNARY["logistic"](z)
    off = iv.sub(value, iv.rational(Fraction(1, 2)))
    return value, iv.sub(iv.rational(Fraction(1, 4)), iv.power(off, 2))


def _softplus(z: Interval) -> tuple[Interval, Interval]:
    return iv.UNARY["softplus"](z), iv.UNARY["logistic"](z)


def _quadratic(z: Interval) -> tuple[Interval, Interval]:
    return iv.power(z, 2), iv.add(z, z)


def _linear(z: Interval) -> tuple[Interval, Interval]:
    return z, ONE


def _at_most(bound: Fraction) -> Callable[[Fraction], Fraction]:
    return lambda far: bound


def _softplus_slope(far: Fraction) -> Fraction:
    """The logistic function increases."""
    return iv.outward(iv.UNARY["logistic"](iv.rational(far)))[1]


# max |tanh''| = 4/(3√3) = 0.769800358..., max |logistic''| = 1/(6√3) = 0.096225044...
ACTIVATIONS: Mapping[str, Activation] = {
    "tanh": Activation(_tanh, _at_most(Fraction(1)), Fraction("0.7698004")),
    "sigmoid": Activation(_sigmoid, _at_most(Fraction(1, 4)), Fraction("0.0962251")),
    "softplus": Activation(_softplus, _softplus_slope, Fraction(1, 4)),
    "quadratic": Activation(_quadratic, lambda far: 2 * far, Fraction(2)),
    "linear": Activation(_linear, _at_most(Fraction(1)), Fraction(0)),
}


def activation(name: object) -> Activation:
    """The activation of this name. Raises ClaimError; relu has no second derivative."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ClaimError(f"activation: one of {sorted(ACTIVATIONS)}, which are smooth")
    return ACTIVATIONS[name]


def slope_at_least(slopes: list[Pair]) -> Fraction:
    """ρ ≥ 0 with |s'| ≥ ρ for all of these enclosures."""
    return max(Fraction(0), min(max(lo, -hi) for lo, hi in slopes))
