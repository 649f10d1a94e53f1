"""Brute force in exact rationals, written apart from the package, to compare the fits with."""

from __future__ import annotations

from fractions import Fraction


def demands(loss, loss_ref, loss_min, inner):
    """(a, b, c) of every row as Fractions."""
    rows = []
    for values in zip(loss, loss_ref, loss_min, inner, strict=True):
        f, ref, low, c = (Fraction(float(value)) for value in values)
        rows.append((f - ref, f - low, c))
    return rows


def beta_star(rows, alpha):
    """Smallest β ≥ 0 with α a − β b ≤ c for all rows; None when there is none."""
    beta = Fraction(0)
    for a, b, c in rows:
        if b == 0:
            if alpha * a > c:
                return None
        else:
            beta = max(beta, (alpha * a - c) / b)
    return beta


def admits(rows, alpha, beta):
    """Do all rows hold at (α, β)?"""
    return all(alpha * a - beta * b <= c for a, b, c in rows)


def smallest_alpha(rows):
    """Infimum of {α ≥ 0 : α > β*(α)}, or None when the set is empty, by trying every candidate.

    The set is an interval, unbounded above if not empty; its infimum is 0, or where a row's line
    meets β = α, or where a row with b = 0 begins to hold.
    """
    candidates = {Fraction(0)}
    for a, b, c in rows:
        if b == 0 and a != 0:
            candidates.add(c / a)
        if b not in (0, a):
            candidates.add(c / (a - b))
    candidates = sorted(value for value in candidates if value >= 0)
    beyond = candidates[-1] + 1

    def inside(alpha):
        beta = beta_star(rows, alpha)
        return beta is not None and alpha > beta

    if not inside(beyond):
        return None
    for left, right in zip(candidates, [*candidates[1:], beyond], strict=True):
        if inside(left) or inside((left + right) / 2):
            return left
    raise AssertionError("beyond is inside, so some candidate must be the infimum")


def kinks(rows, start):
    """Kinks of β* in (start, ∞) by evaluating it between all crossings (O(N²) of them)."""
    lines = {(Fraction(0), Fraction(0))} | {(a / b, -c / b) for a, b, c in rows if b != 0}
    lines = list(lines)
    crossings = {
        (t - u) / (s - r)
        for k, (r, t) in enumerate(lines)
        for s, u in lines[k + 1 :]
        if s != r and (t - u) / (s - r) > start
    }

    def value(alpha):
        return max(s * alpha + t for s, t in lines)

    def steepest(alpha):
        top = value(alpha)
        return [s for s, t in lines if s * alpha + t == top]

    return sorted(alpha for alpha in crossings if len(set(steepest(alpha))) > 1)
