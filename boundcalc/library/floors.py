"""What a bound tends to as the number of steps grows: at one step size, or at smaller ones."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.grammar import Binary, Call, Expr, GrammarError, Name, Number, Power, names
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.rate import Env
from boundcalc.library.theorems import Theorem

Powers = tuple[Fraction, int]  # exponents of steps and of gamma
Polynomial = dict[Powers, Pair]
Ratio = tuple[Polynomial, Polynomial, bool]  # whether exact, or with the largest powers alone

NONE, UNIT = Fraction(0), (Fraction(1), Fraction(1))
ONE: Polynomial = {(NONE, 0): UNIT}


class _NotRational(Exception):
    """The formula has a root that is no power, a minimum or a maximum of what grows."""


def floor_of(theorem: Theorem, formula: Expr, env: Env) -> Pair | None:
    """The limit of `formula` as steps → ∞, then as gamma → 0 where `env` has no gamma.

    None where there is no finite limit, or the formula is no ratio of polynomials in the two
    (of powers of steps, where a root of a polynomial stands for its largest power).
    """
    fixed = {name: value for name, value in env.items() if name != "steps"}
    try:
        above, below, exact = _ratio(formula, theorem, fixed)
        if not exact and any(j for _, j in (*above, *below)):
            return None
        grown = max(i for i, _ in below)
        if any(i > grown for i, _ in above):
            return None
        top = {key: value for key, value in above.items() if key[0] == grown}
        bottom = {key: value for key, value in below.items() if key[0] == grown}
        least = min(j for _, j in bottom)
        if any(j < least for _, j in top):
            return None
        value = {
            "above": top.get((grown, least), (NONE, NONE)),
            "below": bottom[grown, least],
        }
        return enclose("above/below", value)
    except (_NotRational, GrammarError, ValueError):
        return None


def _ratio(expr: Expr, theorem: Theorem, env: Env) -> Ratio:
    used = names(expr)
    if used <= env.keys():
        return _clean({(NONE, 0): enclose(expr, env)}), ONE, True
    match expr:
        case Name("steps"):
            return {(Fraction(1), 0): UNIT}, ONE, True
        case Name("gamma"):
            return {(NONE, 1): UNIT}, ONE, True
        case Name(name) if name in theorem.values:
            return _ratio(theorem.values[name], theorem, env)
        case Binary(op, left, right):
            return _combined(op, _ratio(left, theorem, env), _ratio(right, theorem, env))
        case Power(base, exponent) if exponent >= 0:
            found: Ratio = ONE, ONE, True
            for _ in range(exponent):
                found = _combined("*", found, _ratio(base, theorem, env))
            return found
        case Call("sqrt", (inside,)):
            return _root(_ratio(inside, theorem, env))
        case Call() | Number() | Name() | Power():
            pass
    raise _NotRational


def _root(inside: Ratio) -> Ratio:
    """The largest power of steps in the root of a ratio that has no gamma."""
    above, below, _ = inside
    if not above or any(j for _, j in (*above, *below)):
        raise _NotRational
    top, bottom = max(above), max(below)
    lead = enclose("sqrt(a/b)", {"a": above[top], "b": below[bottom]})
    if lead[0] <= 0:
        raise _NotRational
    return {((top[0] - bottom[0]) / 2, 0): lead}, ONE, False


def _combined(op: str, left: Ratio, right: Ratio) -> Ratio:
    (a, b, p), (c, d, q) = left, right
    exact = p and q
    if op == "*":
        return _times(a, c), _times(b, d), exact
    if op == "/":
        return _times(a, d), _times(b, c), exact
    if not exact and (op == "-" or any(lo < 0 for part in (a, b, c, d) for lo, _ in part.values())):
        raise _NotRational  # largest powers may cancel
    if b == d:
        return _sum(a, c, op), b, exact
    return _sum(_times(a, d), _times(b, c), op), _times(b, d), exact


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for (i, j), a in left.items():
        for (k, m), b in right.items():
            term = {(i + k, j + m): enclose("a*b", {"a": a, "b": b})}
            found = _sum(found, term, "+")
    return _clean(found)


def _sum(left: Polynomial, right: Polynomial, op: str) -> Polynomial:
    none = NONE, NONE
    keys = left.keys() | right.keys()
    pairs = {key: {"a": left.get(key, none), "b": right.get(key, none)} for key in keys}
    return _clean({key: enclose(f"a{op}b", pair) for key, pair in pairs.items()})


def _clean(found: Polynomial) -> Polynomial:
    return {key: pair for key, pair in found.items() if any(pair)}
