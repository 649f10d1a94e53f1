"""At a zero of a system: is its loss convex nearby? Proposition 2 of Liu, Zhu, Belkin, made exact.

With DF(w*) of full rank n and rank H_i(w*) > 2n for some i, some v with DF(w*)v = 0 has
z = (vᵀH_j v)_j ≠ 0, so d = −DFᵀz gives g'(0) = −‖DFᵀz‖² < 0 in kernel/system/nonconvex.py. That is
looked for whether the ranks are large enough or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.normal import number
from boundcalc.kernel.analytic.paving import semidefinite
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.formula_bounds import PRECISION
from boundcalc.kernel.system.formulas import Rows, System, read_system
from boundcalc.kernel.system.nonconvex import SCHEMA, is_zero, summary
from boundcalc.search.ball.constants import Search
from boundcalc.systems.start import Start

PAIRS = 60  # combinations of two null vectors that are tried
NEAREST = 60  # halvings of t for the point that is shown

Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class Nonconvex:
    """What is known of convexity around a zero.

    ranks : rank H_i(w*) is at least this, shown in intervals; needed : 2n; full_rank : rank DF = n
    is shown. flat, toward : v and d. near : t with vᵀ∇²L(w* + td)v < 0, an exact point. says and
    certificate : where nonconvexity was proved; reason : where it was not.
    """

    ranks: tuple[int, ...]
    needed: int
    full_rank: bool
    flat: tuple[Fraction, ...] = ()
    toward: tuple[Fraction, ...] = ()
    near: Fraction | None = None
    says: str | None = None
    certificate: dict[str, Any] | None = None
    reason: str = ""

    @property
    def applies(self) -> bool:
        """Whether the hypotheses of the proposition were shown."""
        return self.full_rank and max(self.ranks) > self.needed


def nonconvex_at(search: Search, start: Start) -> Nonconvex | None:
    """Convexity of L around w0; None where F(w0) = 0 is not shown exactly."""
    with iv.precision(PRECISION):
        system = read_system(search.data)
        if not all(is_zero(system, node) for node in system.residual):
            return None
        found = _ranks(system, start)
        jacobian = _exact(system, system.jacobian)
        if jacobian is None:
            why = "DF at the zero has entries that are not rational: no exact null vector is known"
            return _because(found, why)
        best = _best(_null_vectors(jacobian), search, jacobian)
        if best is None:
            why = "no v with DF v = 0 and DFᵀ(vᵀH_i v)_i ≠ 0 was found: the criterion says nothing"
            return _because(found, why)
        return _proved(search, system, found, *best)


def _because(found: Nonconvex, why: str) -> Nonconvex:
    return Nonconvex(found.ranks, found.needed, found.full_rank, reason=why)


def _ranks(system: System, start: Start) -> Nonconvex:
    ranks = tuple(_rank(system, system.hessian(node)) for node in system.residual)
    return Nonconvex(ranks, 2 * len(system.residual), start.floor is not None)


def _rank(system: System, rows: Rows) -> int:
    """A lower bound of the rank: a square block S with S Sᵀ > 0 in intervals."""
    flat = system.at(system.start, [entry for row in rows for entry in row])
    m = len(rows)
    grid = [flat[m * i : m * (i + 1)] for i in range(m)]
    middle = np.array([[float(sum(iv.outward(x))) / 2 for x in row] for row in grid])
    for size in range(int(np.linalg.matrix_rank(middle)), 0, -1):
        i, j = _pivots(middle, size)
        block = [[grid[a][b] for b in j] for a in i]
        gram = [[_inner(a, b) for b in block] for a in block]
        if semidefinite(gram, strict=True):
            return size
    return 0


def _pivots(matrix: np.ndarray, size: int) -> tuple[list[int], list[int]]:
    """Rows and columns of the first pivots of elimination with complete pivoting."""
    rest, rows, columns = matrix.astype(float).copy(), list[int](), list[int]()
    for _ in range(size):
        i, j = np.unravel_index(int(np.argmax(np.abs(rest))), rest.shape)
        rows.append(int(i))
        columns.append(int(j))
        rest = rest - np.outer(rest[:, j], rest[i]) / rest[i, j]
    return rows, columns


def _inner(a: Sequence[iv.Interval], b: Sequence[iv.Interval]) -> iv.Interval:
    total = iv.ZERO
    for x, y in zip(a, b, strict=True):
        total = iv.add(total, iv.mul(x, y))
    return total


def _exact(system: System, rows: Rows) -> Matrix | None:
    """Rational values at the start; None where one is not known to be rational."""
    terms, normal = system.context.terms, system.context.normal
    place = {n: terms.const(x) for n, x in zip(system.variables, system.start, strict=True)}
    values = [[number(normal.of(terms.substitute(entry, place))) for entry in r] for r in rows]
    found = [[x for x in row if x is not None] for row in values]
    return found if all(len(row) == len(rows[0]) for row in found) else None


def _null_vectors(matrix: Matrix) -> list[list[Fraction]]:
    """A basis of {v : Av = 0}, exactly."""
    rows, pivots = [list(row) for row in matrix], list[int]()
    for column in range(len(rows[0])):
        place = len(pivots)
        chosen = next((i for i in range(place, len(rows)) if rows[i][column]), None)
        if chosen is None:
            continue
        rows[place], rows[chosen] = rows[chosen], rows[place]
        top = [x / rows[place][column] for x in rows[place]]
        rows = [
            top if i == place else [x - row[column] * y for x, y in zip(row, top, strict=True)]
            for i, row in enumerate(rows)
        ]
        pivots.append(column)
    basis = []
    for free in (k for k in range(len(rows[0])) if k not in pivots):
        vector = [Fraction(int(k == free)) for k in range(len(rows[0]))]
        for row, pivot in zip(rows, pivots, strict=False):
            vector[pivot] = -row[free]
        basis.append(vector)
    return basis


def _candidates(basis: list[list[Fraction]]) -> Iterator[list[Fraction]]:
    """Null vectors to try: those of the basis, their sums and differences."""
    yield from basis
    for _, (a, b) in zip(range(PAIRS), combinations(basis, 2), strict=False):
        yield [x + y for x, y in zip(a, b, strict=True)]
        yield [x - y for x, y in zip(a, b, strict=True)]


def _best(
    basis: list[list[Fraction]], search: Search, jacobian: Matrix
) -> tuple[list[Fraction], list[Fraction]] | None:
    """v and d with the most negative g'(0)/‖v‖² in floating point."""
    point = np.array([[float(x) for x in search.start]])
    hessians, slopes = search.floats.hessians(point)[0], np.array(jacobian, dtype=float)
    best: tuple[float, list[Fraction], list[Fraction]] | None = None
    for flat in _candidates(basis):
        v = np.array(flat, dtype=float)
        toward = -slopes.T @ np.einsum("a,iab,b->i", v, hessians, v)
        size = float(toward @ toward) / float(v @ v) ** 2
        if size > 1e-18 and (best is None or size > best[0] * (1 + 1e-9)):
            exact = [Fraction(float(x)).limit_denominator(10**6) for x in toward]
            best = (size, flat, exact)
    return None if best is None else best[1:]


def _proved(
    search: Search,
    system: System,
    found: Nonconvex,
    flat: list[Fraction],
    toward: list[Fraction],
) -> Nonconvex:
    claim = {"system": {"formulas": search.data}}
    proof = {
        "flat": [str(x) for x in flat],
        "toward": [str(x) for x in toward],
        "precision": PRECISION,
    }
    body = {"schema": SCHEMA, "claim": claim, "claim_sha256": digest(claim), "proof": proof}
    try:
        says, _, _ = summary(body)
    except Rejected as error:
        return _because(found, f"kernel: {error}")
    return Nonconvex(
        found.ranks,
        found.needed,
        found.full_rank,
        tuple(flat),
        tuple(toward),
        _near(system, flat, toward),
        says,
        body,
    )


def _near(system: System, flat: Sequence[Fraction], toward: Sequence[Fraction]) -> Fraction | None:
    """The largest power of two t with vᵀ∇²L(w0 + td)v < 0, in intervals."""
    terms = system.context.terms
    rows = system.hessian(system.loss)
    weights = [[terms.const(a * b) for b in flat] for a in flat]
    form = terms.sum(terms.dot(w, row) for w, row in zip(weights, rows, strict=True))
    for k in range(NEAREST):
        t = Fraction(1, 1 << k)
        point = [x + t * d for x, d in zip(system.start, toward, strict=True)]
        try:
            if system.at(point, [form])[0][1] < 0:
                return t
        except iv.Undefined:
            continue
    return None
