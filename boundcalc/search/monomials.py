"""Polynomials of the kernel as text, and the units in which all of them are homogeneous."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from math import gcd, lcm

from boundcalc.kernel.polynomial import ONE, Monomial, Polynomial, constant, variable

Grade = tuple[Fraction, ...]


def power_text(monomial: Monomial) -> str:
    """A monomial as a product of powers; "" for 1."""
    return "*".join(name if e == 1 else f"{name}^{e}" for name, e in monomial)


def written(p: Polynomial) -> str:
    """A polynomial of declared names, terms with a plus sign first."""
    terms = sorted(p.terms.items(), key=lambda item: (item[1] < 0, len(item[0]), item[0]))
    text = "" if terms and terms[0][1] > 0 else "0"
    for monomial, c in terms:
        size, powers = abs(c), power_text(monomial)
        word = powers if powers and size == 1 else "*".join(filter(None, (str(size), powers)))
        text += word if not text else (" + " if c > 0 else " - ") + word
    return text


def monomials(names: Sequence[str], most: int) -> list[Polynomial]:
    """All products of at most `most` names, 1 first."""
    found = []
    for degree in range(most + 1):
        for chosen in combinations_with_replacement(names, degree):
            p = ONE
            for name in chosen:
                p = p * variable(name)
            found.append(p)
    return found


def scaled(p: Polynomial, by: Fraction) -> Polynomial:
    """by·p."""
    return p * constant(by)


class Units:
    """Scalings of the variables under which every one of some polynomials is homogeneous.

    A term whose units differ from the target's cannot take part in an identity, so it need not be
    tried.
    """

    def __init__(self, polynomials: Iterable[Polynomial]) -> None:
        rows: list[dict[str, int]] = []
        known: set[str] = set()
        for p in polynomials:
            known |= p.variables()
            powers = [dict(monomial) for monomial in p.terms]
            for other in powers[1:]:
                names = {*powers[0], *other}
                row = {n: powers[0].get(n, 0) - other.get(n, 0) for n in names}
                rows.append({n: e for n, e in row.items() if e})
        self.weights = _null_space(rows, sorted(known))

    def of(self, p: Polynomial) -> Grade | None:
        """The units of a polynomial; None where it is not homogeneous."""
        found = {self._of(dict(monomial)) for monomial in p.terms}
        return found.pop() if len(found) == 1 else None

    def _of(self, powers: Mapping[str, int]) -> Grade:
        zero = Fraction(0)
        return tuple(
            sum((w.get(n, zero) * e for n, e in powers.items()), zero) for w in self.weights
        )


def _null_space(rows: list[dict[str, int]], names: list[str]) -> list[dict[str, Fraction]]:
    pivots: dict[str, dict[str, Fraction]] = {}
    for raw in {tuple(sorted(row.items())) for row in rows}:
        row = {n: Fraction(e) for n, e in raw}
        for name, pivot in pivots.items():
            _eliminate(row, name, pivot)
        if not row:
            continue
        lead = min(row)
        row = {n: e / row[lead] for n, e in row.items()}
        for pivot in pivots.values():
            _eliminate(pivot, lead, row)
        pivots[lead] = row
    free = [name for name in names if name not in pivots]
    found = []
    for one in free:
        weight = {name: -row[one] for name, row in pivots.items() if one in row} | {
            one: Fraction(1)
        }
        common = lcm(*(w.denominator for w in weight.values()))
        most = gcd(*(int(w * common) for w in weight.values()))
        found.append({n: w * common / most for n, w in weight.items()})
    return found


def _eliminate(row: dict[str, Fraction], name: str, pivot: Mapping[str, Fraction]) -> None:
    """row − row[name]·pivot, in place."""
    factor = row.get(name)
    if factor is None:
        return
    for n, e in pivot.items():
        left = row.get(n, Fraction(0)) - factor * e
        if left:
            row[n] = left
        else:
            row.pop(n, None)
