"""Exact polynomials over Q, and quotients of them whose denominators stay factored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, wraps
from typing import ParamSpec, TypeAlias, TypeVar

Monomial: TypeAlias = tuple[tuple[str, int], ...]  # sorted (variable, exponent > 0)

MAX_EXPONENT = 1_000  # of one variable, of one factor
MAX_WORK = 5_000_000  # of all sums and products of one certificate and its premises

_work: ContextVar[list[int] | None] = ContextVar("work", default=None)
_P = ParamSpec("_P")
_T = TypeVar("_T")


class TooLarge(ValueError):
    """An exponent, or the work that a whole certificate takes, is too large."""


def limited(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The function, with one limit on the work of the outermost call and all calls within."""

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if _work.get() is not None:
            return function(*args, **kwargs)
        token = _work.set([MAX_WORK])
        try:
            return function(*args, **kwargs)
        finally:
            _work.reset(token)

    return call


def spend(work: int) -> None:
    """Count terms that are about to be made; raises TooLarge beyond the limit on all work."""
    left = _work.get()
    if left is not None:
        left[0] -= work
        if left[0] < 0:
            raise TooLarge("the certificate takes too much work to check")


def _times(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for name, exponent in b:
        powers[name] = powers.get(name, 0) + exponent
    return tuple(sorted(powers.items()))


@dataclass(frozen=True)
class Polynomial:
    """Σ coefficient · monomial; no coefficient is 0, so equal polynomials are equal objects."""

    terms: Mapping[Monomial, Fraction]

    @cached_property
    def key(self) -> tuple[tuple[Monomial, Fraction], ...]:
        """The terms in a fixed order."""
        return tuple(sorted(self.terms.items()))

    @cached_property
    def size(self) -> int:
        """The number of terms, where one with long coefficients counts as many."""
        sizes = (c.numerator.bit_length() + c.denominator.bit_length() for c in self.terms.values())
        return sum(1 + bits // 64 for bits in sizes)

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Polynomial) -> Polynomial:
        spend(self.size + other.size)
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            terms[monomial] = terms.get(monomial, Fraction(0)) + coefficient
        return _clean(terms)

    def __mul__(self, other: Polynomial) -> Polynomial:
        spend(self.size * other.size)
        terms: dict[Monomial, Fraction] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                product = _times(a, b)
                terms[product] = terms.get(product, Fraction(0)) + x * y
        if any(exponent > MAX_EXPONENT for monomial in terms for _, exponent in monomial):
            raise TooLarge(f"a polynomial has an exponent above {MAX_EXPONENT}")
        return _clean(terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def variables(self) -> frozenset[str]:
        """The variables that occur."""
        return frozenset(name for monomial in self.terms for name, _ in monomial)


def _clean(terms: dict[Monomial, Fraction]) -> Polynomial:
    return Polynomial({monomial: c for monomial, c in terms.items() if c})


def constant(value: Fraction) -> Polynomial:
    """The constant polynomial."""
    return _clean({(): value})


def variable(name: str) -> Polynomial:
    """The polynomial that is one variable."""
    return Polynomial({((name, 1),): Fraction(1)})


ONE = constant(Fraction(1))


@dataclass(frozen=True)
class Ratio:
    """numerator / Π factor^exponent.

    Factors are polynomials that are not constant, with leading coefficient 1. Nothing is ever
    cancelled, so every division that was written stays on record in `factors`.
    """

    numerator: Polynomial
    factors: Mapping[Polynomial, int]

    def __add__(self, other: Ratio) -> Ratio:
        factors = dict(self.factors)
        for factor, exponent in other.factors.items():
            factors[factor] = max(exponent, factors.get(factor, 0))
        return Ratio(self._over(factors) + other._over(factors), factors)

    def __sub__(self, other: Ratio) -> Ratio:
        return self + ratio(Fraction(-1)) * other

    def __mul__(self, other: Ratio) -> Ratio:
        factors = dict(self.factors)
        for factor, exponent in other.factors.items():
            factors[factor] = factors.get(factor, 0) + exponent
            if factors[factor] > MAX_EXPONENT:
                raise TooLarge(f"a divisor has an exponent above {MAX_EXPONENT}")
        return Ratio(self.numerator * other.numerator, factors)

    def __truediv__(self, other: Ratio) -> Ratio:
        """Raises ZeroDivisionError where `other` is identically 0."""
        lead, factors = _factors(other.numerator)
        once = other.denominator  # self·once²/(numerator·once): its factors stay on record
        upper = self.numerator * constant(1 / lead) * once * once
        return Ratio(upper, self.factors) * Ratio(ONE, factors) * Ratio(ONE, other.factors)

    def _over(self, factors: Mapping[Polynomial, int]) -> Polynomial:
        upper = self.numerator
        for factor, exponent in factors.items():
            for _ in range(exponent - self.factors.get(factor, 0)):
                upper = upper * factor
        return upper

    @property
    def denominator(self) -> Polynomial:
        """The factors multiplied out."""
        return Ratio(ONE, {})._over(self.factors)

    def variables(self) -> frozenset[str]:
        """The variables of numerator and factors."""
        return self.numerator.variables().union(*(p.variables() for p in self.factors))

    def map(self, change: Callable[[Polynomial], Polynomial]) -> Ratio:
        """The numerator changed, the factors kept."""
        return Ratio(change(self.numerator), self.factors)


def _factors(p: Polynomial) -> tuple[Fraction, dict[Polynomial, int]]:
    """Leading coefficient and monic factors of a divisor: a lone monomial falls into variables."""
    if not p:
        raise ZeroDivisionError("division by an expression that is identically 0")
    monomial, lead = p.key[-1]
    if len(p.terms) == 1:
        return lead, {variable(name): exponent for name, exponent in monomial}
    return lead, {p * constant(1 / lead): 1}


def ratio(value: Fraction | Polynomial) -> Ratio:
    """A constant or a polynomial as a quotient."""
    return Ratio(constant(value) if isinstance(value, Fraction) else value, {})


def monic(p: Polynomial) -> Polynomial:
    """p divided by its leading coefficient (p is not 0)."""
    return p * constant(1 / p.key[-1][1])


def symbol(name: str) -> Ratio:
    """One variable as a quotient."""
    return ratio(variable(name))


ZERO_RATIO = ratio(Fraction(0))
ONE_RATIO = ratio(Fraction(1))
