"""Exact solutions of A·δ = r, where A's columns are the products that a cone offers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from boundcalc.search.sos.cone import Cone
from boundcalc.search.sos.packed import Packed

Slot: TypeAlias = tuple[int, int, int]  # (block, i, j ≥ i), or (-1, number, 0) if free


class Corrector:
    """Solves for one chosen column per monomial, so that corrections are few and short.

    A column with one monomial that no other chosen column has corrects that monomial alone: such
    columns are peeled off first. What remains (bases that are not monomials) is a dense core.
    """

    def __init__(self, cone: Cone) -> None:
        self.columns: dict[Slot, Packed] = {
            (-1, k, 0): column for k, (_, _, column) in enumerate(cone.free)
        }
        # sums of squares without a factor first: most of their columns are single monomials
        for b in sorted(range(len(cone.blocks)), key=lambda b: len(cone.blocks[b].product)):
            for (i, j), column in cone.blocks[b].columns.items():
                half = column if i == j else {m: 2 * c for m, c in column.items()}
                self.columns[b, i, j] = half
        self.order: list[tuple[int, Slot]] = []
        core = self._peel()
        self.core_rows, self.core_slots, self.inverse = self._core(core)

    def _peel(self) -> set[int]:
        """Fills `order` and returns the monomials that are left."""
        left: dict[Slot, set[int]] = {slot: set(c) for slot, c in self.columns.items()}
        holders: dict[int, list[Slot]] = {}
        for slot, monomials in left.items():
            for m in monomials:
                holders.setdefault(m, []).append(slot)
        ready = [slot for slot, monomials in left.items() if len(monomials) == 1]
        ready.reverse()
        remaining = set(holders)
        while ready:
            slot = ready.pop()
            if not left[slot]:
                continue
            (m,) = left[slot]
            self.order.append((m, slot))
            remaining.discard(m)
            for other in holders[m]:
                left[other].discard(m)
                if len(left[other]) == 1:
                    ready.append(other)
        return remaining

    def _core(self, rows: set[int]) -> tuple[list[int], list[Slot], Any]:
        """A well-conditioned square part of the remaining equations, and its exact inverse."""
        if not rows:
            return [], [], None
        import numpy as np
        from flint import fmpq, fmpq_mat
        from scipy.linalg import qr  # type: ignore[import-untyped, unused-ignore]

        used = {slot for _, slot in self.order}
        place = {m: k for k, m in enumerate(sorted(rows))}
        slots = [s for s, c in self.columns.items() if s not in used and not rows.isdisjoint(c)]
        matrix = np.zeros((len(rows), len(slots)))
        for k, slot in enumerate(slots):
            for m, c in self.columns[slot].items():
                if m in place:
                    matrix[place[m], k] = float(c)
        _, r, pivots = qr(matrix, mode="economic", pivoting=True)
        diagonal = np.abs(np.diag(r))
        rank = int((diagonal > 1e-9 * max(diagonal[0], 1e-300)).sum()) if len(diagonal) else 0
        chosen = sorted(int(p) for p in pivots[:rank])
        _, _, pivots = qr(matrix[:, chosen].T, mode="economic", pivoting=True)
        picked = sorted(int(p) for p in pivots[:rank])
        names = sorted(rows)
        core_rows, core_slots = [names[p] for p in picked], [slots[k] for k in chosen]
        whole = [[self.columns[s].get(m, Fraction(0)) for s in core_slots] for m in core_rows]
        exact = fmpq_mat(rank, rank, [fmpq(v.numerator, v.denominator) for w in whole for v in w])
        try:
            return core_rows, core_slots, exact.inv() if rank else None
        except ZeroDivisionError:
            return [], [], None

    def solve(self, rest: Mapping[int, Fraction]) -> dict[Slot, Fraction] | None:
        """δ with Σ δ·column = rest, an off-diagonal column counted twice; None where not found."""
        left = {m: c for m, c in rest.items() if c}
        found: dict[Slot, Fraction] = {}
        if self.inverse is not None:
            from flint import fmpq, fmpq_mat

            values = [left.get(m, Fraction(0)) for m in self.core_rows]
            right = fmpq_mat(len(values), 1, [fmpq(v.numerator, v.denominator) for v in values])
            for slot, value in zip(self.core_slots, (self.inverse * right).entries(), strict=True):
                self._take(left, found, slot, Fraction(int(value.p), int(value.q)))
        for m, slot in reversed(self.order):
            if m in left:
                self._take(left, found, slot, left[m] / self.columns[slot][m])
        return None if left else found

    def _take(
        self, left: dict[int, Fraction], found: dict[Slot, Fraction], slot: Slot, by: Fraction
    ) -> None:
        if not by:
            return
        found[slot] = by
        for m, c in self.columns[slot].items():
            value = left.get(m, Fraction(0)) - by * c
            if value:
                left[m] = value
            else:
                left.pop(m, None)
