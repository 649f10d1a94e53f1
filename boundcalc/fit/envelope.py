"""Sketch of the alpha-beta condition: the rows whose half-planes bound the feasible region.

A row (a, b, c) = (loss − loss_ref, loss − loss_min, inner) demands α a − β b ≤ c (Islamov et al.
2024, Def. 1). With b > 0 this is a line β ≥ (a/b) α − c/b; the sketch keeps the rows on the upper
envelope of these lines over α ≥ 0, decided in exact arithmetic. The envelope of a union is the
envelope of the envelopes, and ties go to the smallest row number, so merging is exact, associative
and commutative. A float filter with a rigorous margin goes first; it drops only rows that are
redundant beyond doubt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boundcalc.fit.exact import (
    MARGIN,
    MARGIN2,
    TINY,
    difference,
    integers,
    product,
    same_product,
    two_floats,
)
from boundcalc.fit.frontier import NO_ROW, Frontier, Infeasible, Line
from boundcalc.logs.log import Chunk, Float

_BLOCK = 1 << 14  # rows per block of the float filter: its temporaries stay in cache
_SAMPLE = 64  # rows drawn to sharpen the filter
_FEW = 256  # so few rows go straight to exact arithmetic


@dataclass(frozen=True)
class Rows:
    """Raw columns of some rows: loss, loss_ref, loss_min, inner (n,) float64 and row (n,) int64."""

    loss: Float
    loss_ref: Float
    loss_min: Float
    inner: Float
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: NDArray[np.generic] | list[int]) -> Rows:
        return Rows(
            self.loss[which],
            self.loss_ref[which],
            self.loss_min[which],
            self.inner[which],
            self.row[which],
        )


def _no_rows() -> Rows:
    none = np.empty(0)
    return Rows(none, none, none, none, np.empty(0, dtype=np.int64))


def join(parts: Iterable[Rows]) -> Rows:
    """All rows of the parts."""
    some = [part for part in parts if len(part)]
    if not some:
        return _no_rows()
    if len(some) == 1:
        return some[0]
    return Rows(
        np.concatenate([part.loss for part in some]),
        np.concatenate([part.loss_ref for part in some]),
        np.concatenate([part.loss_min for part in some]),
        np.concatenate([part.inner for part in some]),
        np.concatenate([part.row for part in some]),
    )


@dataclass(frozen=True, eq=False)
class Envelope:
    """Rows on the envelope by increasing slope; `floor`: the row with b = 0 > a that bounds α from
    below the most (0 or 1 rows); `contradiction`: first row with a = b = 0 > c (0 or 1 rows)."""

    lines: Rows = field(default_factory=_no_rows)
    floor: Rows = field(default_factory=_no_rows)
    contradiction: Rows = field(default_factory=_no_rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Envelope):
            return NotImplemented
        pairs = (
            (self.lines, other.lines),
            (self.floor, other.floor),
            (self.contradiction, other.contradiction),
        )
        return all(
            np.array_equal(getattr(mine, name), getattr(theirs, name))
            for mine, theirs in pairs
            for name in ("loss", "loss_ref", "loss_min", "inner", "row")
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside


def rows_of(chunk: Chunk) -> Rows:
    """The four raw columns of a chunk; loss_min broadcast to (n,) without a copy."""
    loss = chunk.columns["loss"].astype(np.float64, copy=False)
    return Rows(
        loss,
        chunk.columns["loss_ref"].astype(np.float64, copy=False),
        np.broadcast_to(np.asarray(chunk.loss_min, dtype=np.float64), loss.shape),
        chunk.columns["inner"].astype(np.float64, copy=False),
        chunk.row_numbers(),
    )


def envelope_of(rows: Rows, known: Envelope | None = None) -> Envelope:
    """The sketch of these rows (finite, loss ≥ loss_min, loss_ref ≥ loss_min).

    `known`: a sketch of other rows. Rows that it makes redundant may be left out, so the result is
    only the part of the sketch that matters once it is merged with `known`.
    """
    flat = rows.loss == rows.loss_min  # b = 0 exactly
    floor, contradiction = _no_rows(), _no_rows()
    if flat.any():
        floor, contradiction = _flat_rows(rows.take(np.flatnonzero(flat & (rows.inner < 0))))
        rows = rows.take(np.flatnonzero(~flat))
    current = known.lines if known is not None else _no_rows()
    if not len(current) and len(rows) > _FEW:
        current = _reduce(rows.take(_spread(len(rows))))
    while len(rows) > _FEW:
        tests = current.take(_spread(len(current)))  # a smooth envelope has a line for every row
        kept = rows.take(np.flatnonzero(_survivors(rows, *test_points(tests))))
        if len(kept) > len(rows) // 2:  # what is left may be as good as equal
            kept = rows.take(np.flatnonzero(_needed(rows, tests)))
        if len(kept) > len(rows) // 2:  # the filter has done what it can
            rows = kept
            break
        rows = kept
        if len(rows) > _FEW:
            current = _reduce(join((current, rows.take(_spread(len(rows))))))
    return Envelope(_reduce(rows), floor, contradiction)


def merge(left: Envelope, right: Envelope) -> Envelope:
    """The sketch of the union of two sets of rows."""
    lines = left.lines if len(left.lines) else right.lines
    if len(left.lines) and len(right.lines):
        lines = _reduce(join((left.lines, right.lines)))
    floor, contradiction = (
        join((left.floor, right.floor)),
        join((left.contradiction, right.contradiction)),
    )
    return Envelope(
        lines,
        _flat_rows(floor)[0] if len(floor) > 1 else floor,
        _flat_rows(contradiction)[1] if len(contradiction) > 1 else contradiction,
    )


def _spread(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64))


def _flat_rows(rows: Rows) -> tuple[Rows, Rows]:
    """Of rows with b = 0 > c: the one with the largest c/a (a < 0), and the first with a = 0."""
    zero = np.flatnonzero(rows.loss == rows.loss_ref)
    first = zero[[np.argmin(rows.row[zero])]] if len(zero) else zero
    best: tuple[Fraction, int] | None = None
    where: list[int] = []
    for k in _largest_bounds(rows):
        a, c = _triple(rows, k)[::2]
        key = (Fraction(c, a), -int(rows.row[k]))
        if best is None or key > best:
            best, where = key, [k]
    return rows.take(where), rows.take(first)


def _largest_bounds(rows: Rows) -> list[int]:
    """Positions with a < 0 whose c/a may be the largest (float filter)."""
    below = np.flatnonzero(rows.loss < rows.loss_ref)
    if len(below) <= _FEW:
        return [int(k) for k in below]
    with np.errstate(over="ignore", under="ignore"):
        ratio = rows.inner[below] / (rows.loss[below] - rows.loss_ref[below])
    top = ratio.max()
    near = ratio >= min(top * (1 - MARGIN), 1 / TINY) if top > TINY else ratio >= 0
    return [int(k) for k in below[near]]


def _triple(rows: Rows, k: int) -> tuple[int, int, int]:
    """(a, b, c) of row k times a power of two, as integers."""
    loss, ref, low, inner = integers(
        rows.loss[k], rows.loss_ref[k], rows.loss_min[k], rows.inner[k]
    )
    return loss - ref, loss - low, inner


def _triples(rows: Rows) -> list[tuple[int, int, int]]:
    """_triple of every row."""
    mantissa, exponent = np.frexp(np.stack([rows.loss, rows.loss_ref, rows.loss_min, rows.inner]))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    shift = np.where(whole == 0, 0, exponent - np.where(whole == 0, 2000, exponent).min(axis=0))
    return [
        ((loss << i) - (ref << j), (loss << i) - (low << k), inner << m)
        for (loss, ref, low, inner), (i, j, k, m) in zip(
            whole.T.tolist(), shift.T.tolist(), strict=True
        )
    ]


def region(lines: Rows) -> tuple[list[tuple[Fraction, Fraction]], Fraction]:
    """Corners (α, β) of the region that `lines`, β ≥ 0 and α ≥ 0 leave, and its recession slope.

    A row whose half-plane contains all corners and the direction (1, slope) is redundant.
    """
    lines_above = exact_lines(lines)
    alphas = [Fraction(0)]
    for left, right in pairwise(lines_above):
        alphas.append((left.intercept - right.intercept) / (right.slope - left.slope))
    corners = [(alpha, line.at(alpha)) for line, alpha in zip(lines_above, alphas, strict=True)]
    return corners, lines_above[-1].slope


def test_points(lines: Rows) -> tuple[Float, Float, float]:
    """The region of `lines` in floats: α and β of its corners, and its slope."""
    corners, slope = region(lines)
    return (
        np.array([_nearest(alpha) for alpha, _ in corners]),
        np.array([_nearest(beta) for _, beta in corners]),
        _nearest(slope),
    )


def _nearest(value: Fraction) -> float:
    """Nearest float; NaN (which every filter test fails) where its relative error is not small."""
    try:
        nearest = float(value)
    except OverflowError:
        return np.nan
    return nearest if value == 0 or abs(nearest) > TINY else np.nan


def _survivors(rows: Rows, alphas: Float, betas: Float, slope: float) -> NDArray[np.bool_]:
    """False where a row is redundant given the test points, with all roundings counted."""
    keep = np.empty(len(rows), dtype=bool)
    with np.errstate(all="ignore"):
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            a = rows.loss[block] - rows.loss_ref[block]
            b = rows.loss[block] - rows.loss_min[block]
            c = rows.inner[block]
            size_c = np.abs(c)
            satisfied = np.ones(len(a), dtype=bool)
            for alpha, beta in zip(alphas, betas, strict=True):
                left, right = alpha * a, beta * b
                size = np.abs(left) + right + size_c
                satisfied &= (left - right - c) + MARGIN * size <= 0
                satisfied &= size > TINY
            if slope != 1.0:  # a ≤ b always, so a slope of 1 is never exceeded
                rise = slope * b
                satisfied &= (a - rise) + MARGIN * (np.abs(a) + np.abs(rise)) <= 0
            satisfied |= (a <= 0) & (c >= 0)  # holds for all α, β ≥ 0
            keep[block] = ~satisfied
    return keep


def test_weights(lines: Rows) -> Float:
    """The region of `lines` as tests x·a − y·b − z·c ≤ 0: rows x, y, z (k, 6) in pairs of floats.

    The largest of x, y, z is 1, so that underflow costs a test next to nothing.
    """
    corners, slope = region(lines)
    weights = [(alpha, beta, Fraction(1)) for alpha, beta in corners]
    if slope != 1:  # a ≤ b always, so a slope of 1 is never exceeded
        weights.append((Fraction(1), slope, Fraction(0)))
    pairs = [[two_floats(entry / max(weight)) for entry in weight] for weight in weights]
    return np.array(pairs).reshape(-1, 6)


def float_triples(lines: Rows) -> Float:
    """(a, b, c) of every row, (k, 3); NaN where that is not a float."""
    with np.errstate(all="ignore"):
        a, a_low = difference(lines.loss, lines.loss_ref)
        b, b_low = difference(lines.loss, lines.loss_min)
    exact = (a_low == 0) & (b_low == 0)
    return np.where(exact[:, None], np.column_stack([a, b, lines.inner]), np.nan)


def _needed(rows: Rows, lines: Rows) -> NDArray[np.bool_]:
    """The test of _survivors in twice the precision; and no earlier row has the very same line."""
    with np.errstate(all="ignore"):
        a, a_low = difference(rows.loss, rows.loss_ref)
        b, b_low = difference(rows.loss, rows.loss_min)
        c = rows.inner
        keep = np.zeros(len(rows), dtype=bool)
        for x, x_low, y, y_low, z, z_low in test_weights(lines):
            left, left_low = product(a, a_low, x, x_low)
            right, right_low = product(b, b_low, y, y_low)
            last, last_low = product(c, 0.0 * c, z, z_low)
            size = np.abs(left) + right + np.abs(last)
            value, lost = difference(left, right)
            value, lost_too = difference(value, last)
            value += lost + lost_too + left_low - right_low - last_low
            keep |= ~(value < -(MARGIN2 * size + TINY))
        keep &= ~((rows.loss <= rows.loss_ref) & (c >= 0))
        exact = (a_low == 0) & (b_low == 0)
        for (p, q, r), row in zip(float_triples(lines), lines.row, strict=True):
            same = exact & (rows.row > row) & same_product(a, q, b, p) & same_product(c, q, b, r)
            keep &= ~same
    return keep


def _reduce(rows: Rows) -> Rows:
    """The rows on the upper envelope over α ≥ 0 (with β ≥ 0), in exact arithmetic."""
    kept = _upper_envelope(rows)
    return rows.take([k for k in kept if k >= 0])


def _upper_envelope(rows: Rows) -> list[int]:
    """Positions of the envelope's lines by increasing slope; −1 is the line β ≥ 0."""
    triples = _triples(rows)
    triples.append((0, 1, 0))  # position −1
    row = [int(r) for r in rows.row] + [NO_ROW]

    def order(i: int, j: int) -> int:
        (a, b, c), (p, q, r) = triples[i], triples[j]
        slope = a * q - p * b
        if slope:
            return 1 if slope > 0 else -1
        drop = c * q - r * b  # smaller c/b: larger intercept, goes first
        if drop:
            return 1 if drop > 0 else -1
        return row[i] - row[j]

    with np.errstate(all="ignore"):  # a float sort first: the exact sort then has little to do
        rough = np.argsort((rows.loss - rows.loss_ref) / (rows.loss - rows.loss_min), kind="stable")
    stack: list[int] = []
    previous: tuple[int, int, int] | None = None
    for k in sorted([*rough.tolist(), -1], key=cmp_to_key(order)):
        a, b, c = triples[k]
        if previous is not None and a * previous[1] == previous[0] * b:
            continue  # same slope, no higher
        previous = (a, b, c)
        while stack:
            p, q, r = triples[stack[-1]]
            if c * q <= r * b:  # at least as high at α = 0, and steeper
                stack.pop()
                continue
            if len(stack) == 1:
                break
            u, v, w = triples[stack[-2]]
            if (p * v - u * q) * (c * v - w * b) > (r * v - w * q) * (a * v - u * b):
                break  # the middle line is strictly highest somewhere
            stack.pop()
        stack.append(k)
    return stack


def exact_lines(rows: Rows) -> tuple[Line, ...]:
    """The envelope of the rows and β ≥ 0 over α ≥ 0, as exact lines by increasing slope."""
    lines = []
    for k in _upper_envelope(rows):
        if k < 0:
            lines.append(Line(Fraction(0), Fraction(0), NO_ROW))
        else:
            a, b, c = _triple(rows, k)
            lines.append(Line(Fraction(a, b), Fraction(-c, b), int(rows.row[k])))
    return tuple(lines)


def finish(envelope: Envelope) -> Frontier | Infeasible:
    """The frontier β*(α) from its smallest admissible α on, or the row that rules out every pair.

    Since a ≤ b, α − β*(α) never decreases; so either it becomes positive, or the steepest line has
    slope 1 and stays on or above β = α, and then that one row is the proof.
    """
    if len(envelope.contradiction):
        row = int(envelope.contradiction.row[0])
        return Infeasible((row,), "loss = loss_ref = loss_min but inner < 0: 0 ≤ inner fails")
    lines = exact_lines(envelope.lines)
    steepest = lines[-1]
    if steepest.slope >= 1 and steepest.intercept >= 0:
        return Infeasible(
            (steepest.row,),
            "loss_ref = loss_min and inner ≤ 0: the row says α − β ≤ inner/(loss − loss_min) ≤ 0",
        )
    alpha, rows = _first_admissible(lines)
    if len(envelope.floor):
        a, _, c = _triple(envelope.floor, 0)
        if Fraction(c, a) >= alpha:
            alpha, rows = Fraction(c, a), (int(envelope.floor.row[0]),)
    first = 0
    for k, (left, right) in enumerate(pairwise(lines)):
        if left.at(alpha) <= right.at(alpha):
            first = k + 1
    return Frontier(lines[first:], alpha, rows)


def _first_admissible(lines: tuple[Line, ...]) -> tuple[Fraction, tuple[int, ...]]:
    """Infimum of {α ≥ 0 : α > β*(α)} and the row whose line crosses β = α there."""
    best, row = Fraction(0), NO_ROW
    for line in lines:
        # line(α) ≥ α for α ≤ intercept/(1 − slope); after it the line stays below β = α
        if line.slope < 1 and line.intercept > 0:
            crossing = line.intercept / (1 - line.slope)
            if crossing > best:
                best, row = crossing, line.row
    return best, (row,) if row != NO_ROW else ()
