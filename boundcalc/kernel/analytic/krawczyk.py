"""Krawczyk's test: a box holds exactly one zero of a map."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.goal import Program, intervals
from boundcalc.kernel.analytic.statement import ends, rational
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.claim import ClaimError, Json, items

Cell: TypeAlias = tuple[tuple[Fraction, Fraction], ...]


def bounded_box(data: Json, size: int) -> Cell:
    """A bounded box with a side for each variable. Raises ClaimError."""
    box = [ends(pair, "box") for pair in items(data, "box")]
    cell = tuple((lo, hi) for lo, hi in box if lo is not None and hi is not None)
    if len(box) != size or len(cell) != size:
        raise ClaimError("box: bounded, with two ends for each variable")
    return cell


def square_matrix(data: Json, size: int) -> list[list[Fraction]]:
    """A matrix of rationals. Raises ClaimError."""
    rows = [
        [rational(x, "inverse") for x in items(row, "inverse")] for row in items(data, "inverse")
    ]
    if [len(row) for row in rows] != [size] * size:
        raise ClaimError("inverse: a square matrix, one row for each variable")
    return rows


def one_zero(
    terms: Terms,
    map: Sequence[Node],
    names: Sequence[str],
    cell: Cell,
    inverse: Sequence[Sequence[Fraction]],
) -> bool:
    """Whether the map G is shown to have exactly one zero in the box X.

    With C a matrix, m the middle of X: K = m − C·G(m) + (I − C·DG(X))(X − m) in the inner part of
    X. Then x − C·G(x) maps X into K, so it has a fixed point (Brouwer). The radius of K is at least
    |I − C·DG(X)| times that of X, and smaller than it: no A in I − C·DG(X) has the eigenvalue 1, so
    C is regular, the fixed point is a zero of G, and with two zeros a, b the mean-value theorem
    for each row, a − b = A(a − b), gives a = b. Raises Undefined.
    """
    middle = [(lo + hi) / 2 for lo, hi in cell]
    at = {name: iv.rational(x) for name, x in zip(names, middle, strict=True)}
    here = Program(terms, map)(at)
    slopes = Program(terms, [terms.derivative(g, name) for g in map for name in names])
    flat = slopes(intervals(names, cell))
    size = len(names)
    for i in range(size):
        image = iv.rational(middle[i])
        row = [iv.rational(c) for c in inverse[i]]
        for k in range(size):
            image = iv.sub(image, iv.mul(row[k], here[k]))
        for j in range(size):
            entry = iv.rational(Fraction(int(i == j)))
            for k in range(size):
                entry = iv.sub(entry, iv.mul(row[k], flat[k * size + j]))
            lo, hi = cell[j]
            image = iv.add(image, iv.mul(entry, iv.between(lo - middle[j], hi - middle[j])))
        outer = (iv.rational(cell[i][0])[1], iv.rational(cell[i][1])[0])
        if not (outer[0] < image[0] and image[1] < outer[1]):
            return False
    return True
