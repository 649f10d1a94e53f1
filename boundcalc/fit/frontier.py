"""The (α, β) frontier of a set of rows: β*(α), convex and piecewise linear, in exact arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from boundcalc.fit.exact import float_down, float_up

NO_ROW = -1  # stands for the constraint β ≥ 0 (or α ≥ 0), which belongs to no row


@dataclass(frozen=True)
class Line:
    """β ≥ slope·α + intercept, the demand of a row with b > 0: slope a/b, intercept −c/b."""

    slope: Fraction
    intercept: Fraction
    row: int  # row number in the log, or NO_ROW for β ≥ 0

    def at(self, alpha: Fraction) -> Fraction:
        return self.slope * alpha + self.intercept


@dataclass(frozen=True)
class Frontier:
    """β*(α) = max over lines, for α ≥ alpha_min.

    lines : the lines on the envelope for α ≥ alpha_min, by increasing slope (= increasing α).
    alpha_min : infimum of the α with α > β*(α) that all rows admit (theory: α > β ≥ 0).
    alpha_min_rows : the rows that make alpha_min what it is.
    """

    lines: tuple[Line, ...]
    alpha_min: Fraction
    alpha_min_rows: tuple[int, ...]

    @property
    def slope(self) -> Fraction:
        """Slope of β* beyond the last vertex."""
        return self.lines[-1].slope

    @cached_property
    def vertices(self) -> tuple[tuple[Fraction, Fraction, tuple[int, ...]], ...]:
        """(α, β*(α), binding rows) at alpha_min and at every later kink, by increasing α."""
        first = self.lines[0]
        start = (self.alpha_min, first.at(self.alpha_min), self.alpha_min_rows)
        kinks = []
        for left, right in pairwise(self.lines):
            alpha = (left.intercept - right.intercept) / (right.slope - left.slope)
            rows = tuple(line.row for line in (left, right) if line.row != NO_ROW)
            kinks.append((alpha, right.at(alpha), rows))
        return (start, *kinks)

    def beta(self, alpha: Fraction) -> Fraction:
        """β*(α) exactly, α ≥ alpha_min."""
        low, high = 0, len(self.lines) - 1
        while low < high:  # the steeper of two neighbours takes over at their kink and stays
            middle = (low + high) // 2
            if self.lines[middle].at(alpha) <= self.lines[middle + 1].at(alpha):
                low = middle + 1
            else:
                high = middle
        return self.lines[low].at(alpha)

    def floats(self, alpha: Fraction) -> tuple[float, float] | None:
        """Floats next to (α, β*(α)) that all rows satisfy: β rounded up, α to where β is smaller.

        β* may rise or fall at α, so both neighbours are tried; neither is below alpha_min. None
        where α or β is beyond float64.
        """
        if float_up(alpha) == math.inf:
            return None
        pairs = [
            (float_up(self.beta(Fraction(near))), near)
            for near in (float_up(alpha), float_down(alpha))
            if self.alpha_min <= near
        ]
        beta, near = min(pairs)
        return (near, beta) if beta < math.inf else None

    def binding_rows(self, alpha: Fraction, beta: Fraction) -> tuple[int, ...]:
        """Rows whose lines pass through (α, β), by increasing slope."""
        return tuple(
            line.row for line in self.lines if line.row != NO_ROW and line.at(alpha) == beta
        )


@dataclass(frozen=True)
class Infeasible:
    """No α > β ≥ 0 satisfies all rows; `rows` alone prove it, `reason` says how."""

    rows: tuple[int, ...]
    reason: str
