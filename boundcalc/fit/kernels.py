"""Compiled loops over the rows of large logs. Imported only for those: numba takes half a second.

Every loop goes over one block of rows that stays in the cache, and is written so that LLVM makes
vector instructions of it: no branches, sums only of integers. No fast-math: roundings count here.

One file, since numba notices that its cached code is out of date by the date of this file alone:
touch it after a change to a constant or function that comes from elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from boundcalc.fit.exact import MARGIN, MARGIN2, TINY, difference, product
from boundcalc.fit.screen import POINTS, STEPS

BLOCK = 2048  # rows; sums of so many 52-bit integers do not overflow
LIMBS = 68  # 32 bits each, from 2^-1074 up
LOSS, REF, LOW, INNER, GRAD, DIST, STEPSIZE, FULL, FULL_GRAD, ZERO = range(10)
ABSENT, CONSTANT, PER_ROW = range(3)  # how a column is given; a constant one is one block of it
SUMMED = (LOSS, REF, LOW, STEPSIZE)  # a fifth sum is that of the squares of the step sizes
FAULT, LINE, STAIR, RATIO = 1, 2, 4, 8  # why a row is kept; RATIO << j for the j-th ratio

_ABS = np.int64(0x7FFFFFFFFFFFFFFF)
_LIMIT = np.int64(np.float64(2.0**1021).view(np.int64))  # NaN, infinity and what is near it
_NEAR = 1 + 2.4e-7  # Cauchy-Schwarz: just below the excess from which check.py looks closer


def _compiled(*signature, contract=False):
    """njit, with the machine code cached on disk where that is possible.

    contract : x·y + z may be rounded once instead of twice. For tests with a margin only.
    """
    jit: Any = njit
    options = {"nogil": True, "fastmath": {"contract"} if contract else False}

    def compile_(function):
        try:
            return jit(*signature, cache=True, **options)(function)
        except RuntimeError:  # no folder can be written to
            return jit(*signature, **options)(function)

    return compile_


@_compiled()
def _part(columns, given, name, start, stop):
    """A block of a column."""
    if given[name] == PER_ROW:
        return columns[name][start:stop]
    return columns[name][: stop - start]


@_compiled()
def _largest(bits):
    top = np.int64(0)
    for i in range(len(bits)):
        top = max(top, bits[i] & _ABS)
    return top


@_compiled()
def _smallest(bits):
    top = _LIMIT
    for i in range(len(bits)):
        top = min(top, bits[i] & _ABS)
    return top


@_compiled()
def _grid(top):
    """Exponent k of the grid 2^(k-52) for numbers up to the one with bits `top`: |x| ≤ 2^(k-1).

    The last grid, 2^-1074, leaves nothing: all floats lie on it. It serves |x| < 2^-1022.
    """
    exponent = top >> 52
    return exponent - 1021 if exponent > 0 else np.int64(-1022)


@_compiled()
def _anchor(k):
    """What to add to x to round it to the grid; the bits of the sum then count its steps.

    1.5·2^k, which keeps the sum between 2^k and 2^(k+1); below 2^-1021 bits count steps anyway.
    """
    if k == -1022:
        return 2.0**-1022
    return np.int64(((k + 1023) << 52) | (np.int64(1) << 51)).view(np.float64)


@_compiled()
def _deposit(limbs, count, k):
    """limbs += count·2^(k-52)."""
    at = k + 1022
    word, shift = at >> 5, at & 31
    low, high = (count & 0xFFFFFFFF) << shift, (count >> 32) << shift
    limbs[word] += low & 0xFFFFFFFF
    limbs[word + 1] += (low >> 32) + (high & 0xFFFFFFFF)
    limbs[word + 2] += high >> 32


@_compiled()
def _two_grids(x, first, second):
    """Steps of Σx on two grids, and whether anything is left below the finer one.

    x - (t - anchor) is exact: the part of x that rounding it to the grid took away.
    """
    bits, bits2 = np.float64(first).view(np.int64), np.float64(second).view(np.int64)
    count = count2 = left = np.int64(0)
    for i in range(len(x)):
        t = x[i] + first
        count += np.float64(t).view(np.int64) - bits
        rest = x[i] - (t - first)
        t = rest + second
        count2 += np.float64(t).view(np.int64) - bits2
        left |= np.float64(rest - (t - second)).view(np.int64) & _ABS
    return count, count2, left


@_compiled()
def _one_grid(x, anchor):
    """Steps of Σx on one grid; x becomes what is left."""
    bits = np.float64(anchor).view(np.int64)
    count = np.int64(0)
    for i in range(len(x)):
        t = x[i] + anchor
        count += np.float64(t).view(np.int64) - bits
        x[i] -= t - anchor
    return count


@_compiled()
def _add(x, top, limbs, scratch):
    """limbs += Σx exactly, in units of 2^-1074; `top`: bits of the largest |x|, below 2^1021."""
    k = _grid(top)
    k2 = max(k - 52, -1022)
    count, count2, left = _two_grids(x, _anchor(k), _anchor(k2))
    if left == 0:
        _deposit(limbs, count, k)
        _deposit(limbs, count2, k2)
        return
    rest = scratch[: len(x)]
    for i in range(len(x)):  # rest[:] = x would compile for two seconds longer
        rest[i] = x[i]
    while top > 0:
        k = _grid(top)
        _deposit(limbs, _one_grid(rest, _anchor(k)), k)
        top = _largest(rest.view(np.int64))


@_compiled()
def _mark_odd(bits, bad):
    for i in range(len(bits)):
        bad[i] |= (bits[i] & _ABS) >= _LIMIT


@_compiled()
def _mark_infinite(x, bad):
    found = np.int64(0)
    for i in range(len(x)):
        found |= abs(x[i]) == np.inf
    if found:
        for i in range(len(x)):
            bad[i] |= abs(x[i]) == np.inf
    return found != 0


@_compiled()
def _mark_below(x, bound, bad):
    found = np.int64(0)
    for i in range(len(x)):
        found |= x[i] < bound[i]
    if found:
        for i in range(len(x)):
            bad[i] |= x[i] < bound[i]


@_compiled()
def _mark_cauchy_schwarz(inner, grad, dist, bad):
    for i in range(len(inner)):
        bad[i] |= not (abs(inner[i]) <= np.sqrt(grad[i]) * np.sqrt(dist[i]) * _NEAR)


@_compiled()
def _any(bad):
    every = np.int64(0)
    for i in range(len(bad)):
        every |= bad[i]
    return every != 0


@_compiled()
def _places(bad, places):
    """Where `bad` is not 0."""
    count = 0
    for i in range(len(bad)):
        places[count] = i
        count += bad[i] != 0
    return places[:count]


@_compiled()
def _count(f, low, g):
    below = floor = np.int64(0)
    for i in range(len(f)):
        below += f[i] < 0
        floor += (f[i] == low[i]) & (g[i] > 0)
    return below, floor


@_compiled(contract=True)
def _mark_lines(f, r, low, c, points, bad):
    """Rows that are not certainly inside at every test point (x, y, z): x·a - y·b - z·c < 0."""
    for i in range(len(f)):
        a, b = f[i] - r[i], f[i] - low[i]
        a, b, least = a + MARGIN * abs(a), b - MARGIN * b, c[i] - MARGIN * abs(c[i])
        inside = True
        for p in range(POINTS):
            inside &= points[p, 0] * a - points[p, 2] * b - points[p, 4] * least < -TINY
        inside |= (f[i] <= r[i]) & (c[i] >= 0)  # holds for all α, β ≥ 0
        bad[i] |= 0 if inside else LINE


@_compiled(contract=True)
def _mark_stairs(f, g, coarse, bad):
    """Rows that no step (loss, ratio) certainly dominates."""
    for i in range(len(f)):
        low = g[i] - MARGIN * g[i]
        high = f[i] + MARGIN * f[i]
        beaten = f[i] <= 0
        for k in range(STEPS):
            beaten |= (f[i] <= coarse[k, 0]) & (coarse[k, 1] * high - low < -TINY)
        bad[i] |= 0 if beaten else STAIR


@_compiled(contract=True)
def _mark_ratio(num, num_minus, den, den_minus, q, sign, bit, bad):
    """Rows with a positive denominator that the ratio q does not certainly beat."""
    for i in range(len(num)):
        top, bottom = num[i] - num_minus[i], q * (den[i] - den_minus[i])
        beaten = sign * (bottom - top) < -(MARGIN * (abs(bottom) + abs(top)) + TINY)
        beaten |= np.isnan(top)  # not evaluated in this row
        bad[i] |= bit if (den[i] > den_minus[i]) & (not beaten) else 0


_difference = _compiled()(difference)
_product = _compiled()(product)


@_compiled()
def _sign(x, x_low, y, y_low, z, weights, k):
    """Sign of w0·x - w2·y - w4·z where it is beyond doubt, else 0; w is row k of the weights."""
    p, p_low = _product(x, x_low, weights[k, 0], weights[k, 1])
    q, q_low = _product(y, y_low, weights[k, 2], weights[k, 3])
    r, r_low = _product(z, 0.0, weights[k, 4], weights[k, 5])
    s, e = _difference(p, q)
    s, e2 = _difference(s, r)
    value = s + (e + e2 + p_low - q_low - r_low)
    margin = MARGIN2 * (abs(p) + abs(q) + abs(r)) + TINY
    return 1 if value > margin else -1 if value < -margin else 0


@_compiled()
def _equal(x, y, u, v):
    """Is x·y = u·v, exactly and beyond doubt?"""
    p, p_low = _product(x, 0.0, y, 0.0)
    q, q_low = _product(u, 0.0, v, 0.0)
    if abs(p) < TINY:  # underflow
        return (x == 0 or y == 0) and (u == 0 or v == 0)
    return p == q and p_low == q_low


@_compiled()
def _line_needed(i, f, r, low, c, points, lines, line_at, floor, contradiction_at):
    a, a_low = _difference(f, r)
    b, b_low = _difference(f, low)
    if b == 0:  # α ≥ c/a, or 0 ≤ c
        return contradiction_at >= i if a == 0 else _sign(a, a_low, 0.0, 0.0, c, floor, 0) >= 0
    if a_low == 0 and b_low == 0:
        for k in range(len(lines)):
            same = _equal(a, lines[k, 1], b, lines[k, 0]) and _equal(c, lines[k, 1], b, lines[k, 2])
            if same and line_at[k] < i:
                return False
    for p in range(POINTS):
        x, y, z = points[p, 0] * a, points[p, 2] * b, points[p, 4] * c
        if x - y - z < -MARGIN * (abs(x) + y + abs(z)) - TINY:
            continue
        if _sign(a, a_low, b, b_low, c, points, p) >= 0:
            return True
    return False


@_compiled()
def _clear_lines(which, start, f, r, low, c, points, lines, line_at, floor, contradiction_at, bad):
    """The test of _mark_lines in twice the precision; and no earlier row has the very same line."""
    for i in which:
        if bad[i] & LINE and not _line_needed(
            start + i, f[i], r[i], low[i], c[i], points, lines, line_at, floor, contradiction_at
        ):
            bad[i] ^= LINE


@_compiled()
def _clear_stairs(which, start, f, g, stairs, weights, stair_at, bad):
    """The test of _mark_stairs by more steps and in twice the precision; ties are beaten, too."""
    for i in which:
        if bad[i] & STAIR:
            k, end = 0, len(stairs)  # the least steep step that is at least as high
            while k < end:
                middle = (k + end) // 2
                if stairs[middle, 0] < f[i]:
                    k = middle + 1
                else:
                    end = middle
            if k < len(stairs):
                later = f[i] < stairs[k, 0] or stair_at[k] < start + i
                if (later and _equal(f[i], stairs[k, 1], g[i], stairs[k, 0])) or (
                    _sign(f[i], 0.0, g[i], 0.0, 0.0, weights, k) < 0
                ):
                    bad[i] ^= STAIR


@_compiled()
def _clear_ratio(
    which, start, num, num_minus, den, den_minus, sign, weights, bests, best_at, j, bad
):
    """The test of _mark_ratio in twice the precision; a tie with an earlier row is beaten, too."""
    for i in which:
        if bad[i] & (RATIO << j):
            top, top_low = _difference(num[i], num_minus[i])
            bottom, bottom_low = _difference(den[i], den_minus[i])
            tie = top_low == 0 and bottom_low == 0 and best_at[j] < start + i
            if (tie and _equal(top, bests[j, 1], bottom, bests[j, 0])) or (
                _sign(bottom, bottom_low, top, top_low, 0.0, weights, j) * sign < 0
            ):
                bad[i] ^= RATIO << j


_column = types.Array(types.float64, 1, "C", readonly=True)
_real2, _int, _int2 = types.float64[:, ::1], types.int64[::1], types.int64[:, ::1]
_SIGNATURE = types.int64(
    types.UniTuple(_column, 10), _int, _int2, _real2, _real2, _int, _real2, types.int64,
    _int2, _real2, _real2, _int, _real2, _real2, _int, _real2, _int, types.int64[:, :, ::1], _int2,
)  # fmt: skip


@_compiled(_SIGNATURE)
def scan(  # noqa: PLR0915  # one pass, so that every block is read from memory once
    columns, given, spans, points, lines, line_at, floor, contradiction_at,
    ratios, weights, bests, best_at, stairs, steepness, stair_at, coarse, kept, limbs, counts,
):  # fmt: skip
    """Go over the spans of rows once; see scan.py for what goes in and comes out.

    Writes the rows to keep from kept[spans[0, 0]] on and returns their number; adds to limbs
    (spans, sums, LIMBS); sets counts (spans, 5): is the span odd (numbers not finite or ≥ 2^1021:
    its sums and counts mean nothing), rows with loss < 0, rows with loss = loss_min and a gradient,
    bits of the smallest and of the largest step size.
    """
    bad, places = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    scratch, squares = np.empty(BLOCK), np.empty(BLOCK)
    first = spans[0, 0]
    found = 0
    for t in range(len(spans)):
        counts[t, 3] = _LIMIT
        for start in range(spans[t, 0], spans[t, 1], BLOCK):
            stop = min(start + BLOCK, spans[t, 1])
            f = _part(columns, given, LOSS, start, stop)
            r = _part(columns, given, REF, start, stop)
            low = _part(columns, given, LOW, start, stop)
            c = _part(columns, given, INNER, start, stop)
            g = _part(columns, given, GRAD, start, stop)
            d = _part(columns, given, DIST, start, stop)
            zero = columns[ZERO][: stop - start]
            why = bad[: stop - start]
            why[:] = 0
            if len(points):
                _mark_lines(f, r, low, c, points, why)
            odd = False
            for name in range(LOSS, FULL):
                if given[name] == PER_ROW:
                    x = columns[name][start:stop]
                    bits = x.view(np.int64)
                    top = _largest(bits)
                    if top >= _LIMIT:
                        odd = True
                        _mark_odd(bits, why)
                        continue
                    if name in (LOSS, REF):
                        _mark_below(x, low, why)
                    if name >= GRAD:
                        _mark_below(x, zero, why)
                    for j in range(len(SUMMED)):
                        if SUMMED[j] == name:
                            _add(x, top, limbs[t, j], scratch)
                    if name == STEPSIZE:
                        counts[t, 3] = min(counts[t, 3], _smallest(bits))
                        counts[t, 4] = max(counts[t, 4], top)
                        square = squares[: stop - start]
                        for i in range(stop - start):
                            square[i] = x[i] * x[i]
                        top = _largest(square.view(np.int64))
                        if top >= _LIMIT:
                            odd = True
                        else:
                            _add(square, top, limbs[t, len(SUMMED)], scratch)
            for name in range(FULL, ZERO):
                if given[name] == PER_ROW:
                    x = columns[name][start:stop]
                    odd |= _mark_infinite(x, why)
                    _mark_below(x, low if name == FULL else zero, why)
            if given[INNER] != ABSENT and given[GRAD] != ABSENT and given[DIST] != ABSENT:
                _mark_cauchy_schwarz(c, g, d, why)
            if odd:
                counts[t, 0] = 1
            if given[LOSS] != ABSENT:
                below, at_floor = _count(f, low, g)
                counts[t, 1] += below
                counts[t, 2] += at_floor
            if len(coarse):
                _mark_stairs(f, g, coarse, why)
            for j in range(len(ratios)):
                num = _part(columns, given, ratios[j, 0], start, stop)
                num_minus = _part(columns, given, ratios[j, 1], start, stop)
                den = _part(columns, given, ratios[j, 2], start, stop)
                den_minus = _part(columns, given, ratios[j, 3], start, stop)
                _mark_ratio(
                    num, num_minus, den, den_minus, weights[j, 0], ratios[j, 4], RATIO << j, why
                )
            if not _any(why):
                continue
            which = _places(why, places)
            if len(points):
                _clear_lines(
                    which, start, f, r, low, c, points, lines, line_at, floor, contradiction_at, why
                )
            if len(coarse):
                _clear_stairs(which, start, f, g, stairs, steepness, stair_at, why)
            for j in range(len(ratios)):
                num = _part(columns, given, ratios[j, 0], start, stop)
                num_minus = _part(columns, given, ratios[j, 1], start, stop)
                den = _part(columns, given, ratios[j, 2], start, stop)
                den_minus = _part(columns, given, ratios[j, 3], start, stop)
                _clear_ratio(
                    which, start, num, num_minus, den, den_minus, ratios[j, 4],
                    weights, bests, best_at, j, why,
                )  # fmt: skip
            for i in which:
                if why[i]:
                    kept[first + found] = start + i
                    found += 1
    return found


@_compiled(types.int64(types.Array(types.int64, 1, "C", readonly=True), types.int64, _int))
def edges(step, width, found):
    """Rows where the window of `width` steps changes; −1 when there are more than `found` holds."""
    count = 0
    low = high = np.int64(0)
    for i in range(len(step)):
        if step[i] < low or step[i] >= high:
            low = step[i] // width * width
            high = low + width
            if i:
                if count == len(found):
                    return -1
                found[count] = i
                count += 1
    return count
