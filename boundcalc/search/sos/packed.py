"""Sparse polynomials over Q whose monomials are packed into integers: products are additions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from boundcalc.kernel.polynomial import Polynomial

Packed: TypeAlias = dict[int, Fraction]  # packed exponents → coefficient, none of them 0

BITS = 10  # per variable: exponents below 1024
MOST_DEGREE = 60  # of a polynomial that is read; products of a few of them still fit
TERMS_IN_A_ROW = 50  # the grammar reads at most 100

ONE: Packed = {0: Fraction(1)}


def pack(exponents: Iterable[int]) -> int:
    """The monomial with these exponents, one per variable."""
    return sum(e << (BITS * k) for k, e in enumerate(exponents))


def unpack(monomial: int, count: int) -> tuple[int, ...]:
    """The exponents of `count` variables."""
    mask = (1 << BITS) - 1
    return tuple((monomial >> (BITS * k)) & mask for k in range(count))


def total_degree(p: Packed, count: int) -> int:
    """The total degree; 0 for the polynomial 0."""
    return max((sum(unpack(m, count)) for m in p), default=0)


def read(p: Polynomial, variables: Sequence[str]) -> Packed:
    """Raises ValueError for a variable that is not listed, or a total degree above 60."""
    place = {name: k for k, name in enumerate(variables)}
    found: Packed = {}
    for monomial, coefficient in p.terms.items():
        unknown = [name for name, _ in monomial if name not in place]
        if unknown:
            raise ValueError(f"variable {unknown[0]} is not among {', '.join(variables)}")
        if sum(e for _, e in monomial) > MOST_DEGREE:
            raise ValueError(f"total degree above {MOST_DEGREE}")
        found[sum(e << (BITS * place[name]) for name, e in monomial)] = coefficient
    return found


def scaled(p: Packed, by: Fraction) -> Packed:
    """by·p."""
    return {m: by * c for m, c in p.items()} if by else {}


def plus(p: Packed, q: Packed) -> Packed:
    """p + q."""
    found = dict(p)
    for m, c in q.items():
        value = found.get(m, 0) + c
        if value:
            found[m] = value
        else:
            found.pop(m, None)
    return found


def times(p: Packed, q: Packed) -> Packed:
    """p·q."""
    if len(p) == 1 or len(q) == 1:
        ((m, c),) = p.items() if len(p) == 1 else q.items()
        other = q if len(p) == 1 else p
        return {m + k: c if v == 1 else (v if c == 1 else c * v) for k, v in other.items()}
    (by_p, whole_p), (by_q, whole_q) = cleared(p), cleared(q)
    found: dict[int, int] = {}
    for a, x in whole_p.items():
        for b, y in whole_q.items():
            found[a + b] = found.get(a + b, 0) + x * y
    by = by_p * by_q
    return {m: by * c for m, c in found.items() if c}


def cleared(p: Packed) -> tuple[Fraction, dict[int, int]]:
    """A positive rational and coprime integer coefficients whose product is p."""
    bottom = lcm(*(c.denominator for c in p.values()))
    whole = {m: c.numerator * (bottom // c.denominator) for m, c in p.items()}
    common = gcd(*whole.values()) or 1
    return Fraction(common, bottom), {m: c // common for m, c in whole.items()}


def power(p: Packed, exponent: int) -> Packed:
    """p^exponent."""
    found = ONE
    for _ in range(exponent):
        found = times(found, p)
    return found


def add_square(total: Packed, weight: Fraction, q: Packed, factor: Packed) -> None:
    """total += weight·factor·q², in place."""
    for m, c in times(times(q, q), factor).items():
        total[m] = total.get(m, Fraction(0)) + weight * c


def text(p: Packed, variables: Sequence[str]) -> str:
    """The polynomial in the kernel's grammar, long sums split by parentheses."""
    if not p:
        return "0"
    terms = [_term(m, c, variables) for m, c in sorted(p.items(), reverse=True)]
    return joined(terms)


def joined(terms: Sequence[str]) -> str:
    """A sum of texts that the grammar can read, however many there are."""
    if len(terms) <= TERMS_IN_A_ROW:
        whole = terms[0]
        for term in terms[1:]:
            whole += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        return whole
    step = TERMS_IN_A_ROW
    return joined([f"({joined(terms[k : k + step])})" for k in range(0, len(terms), step)])


def _term(monomial: int, coefficient: Fraction, variables: Sequence[str]) -> str:
    powers = []
    for name, e in zip(variables, unpack(monomial, len(variables)), strict=True):
        if e:
            powers.append(name if e == 1 else f"{name}^{e}")
    if not powers:
        return str(coefficient)
    if abs(coefficient) != 1:
        return "*".join([str(coefficient), *powers])
    return ("-" if coefficient < 0 else "") + "*".join(powers)


def substituted(p: Packed, images: Sequence[Packed]) -> Packed:
    """p with each variable replaced by a polynomial."""
    count = len(images)
    ladders: list[list[Packed]] = []
    for k, image in enumerate(images):
        top = max((unpack(m, count)[k] for m in p), default=0)
        ladder = [ONE]
        for _ in range(top):
            ladder.append(times(ladder[-1], image))
        ladders.append(ladder)
    found: Packed = {}
    for m, c in p.items():
        part: Packed = {0: c}
        for ladder, e in zip(ladders, unpack(m, count), strict=True):
            if e:
                part = times(part, ladder[e])
        found = plus(found, part)
    return found


def value_at(p: Packed, point: Sequence[Fraction]) -> Fraction:
    """The value at a rational point."""
    total = Fraction(0)
    for m, c in p.items():
        for x, e in zip(point, unpack(m, len(point)), strict=True):
            if e:
                c = c * x**e  # noqa: PLW2901
        total += c
    return total
