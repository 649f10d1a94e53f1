"""What a bound tends to as the number of steps grows: at one step size, or at smaller ones."""

from __future__ import annotations

from fractions import Fraction

from boundcalc.kernel.grammar import Binary, Call, Expr, GrammarError, Name, Number, Power, names
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.rate import Env
from boundcalc.library.theorems import Theorem

Powers = tuple[int, int]  # exponents of steps and of gamma
Polynomial = dict[Powers, Pair]
Ratio = tuple[Polynomial, Polynomial]

ONE: Polynomial = {(0, 0): (Fraction(1), Fraction(1))}


class _NotRational(Exception):
    """The formula has a root, a minimum or a maximum of what grows."""


def floor_of(theorem: Theorem, formula: Expr, env: Env) -> Pair | None:
    """The limit of `formula` as steps → ∞, then as gamma → 0 where `env` has no gamma.

    None where there is no finite limit, or the formula is no ratio of polynomials in the two.
    """
    fixed = {name: value for name, value in env.items() if name != "steps"}
    try:
        above, below = _ratio(formula, theorem, fixed)
        grown = max(i for i, _ in below)
        if any(i > grown for i, _ in above):
            return None
        top = {key: value for key, value in above.items() if key[0] == grown}
        bottom = {key: value for key, value in below.items() if key[0] == grown}
        least = min(j for _, j in bottom)
        if any(j < least for _, j in top):
            return None
        value = {
            "above": top.get((grown, least), (Fraction(0),) * 2),
            "below": bottom[grown, least],
        }
        return enclose("above/below", value)
    except (_NotRational, GrammarError, ValueError):
        return None


def _ratio(expr: Expr, theorem: Theorem, env: Env) -> Ratio:
    used = names(expr)
    if used <= env.keys():
        return _clean({(0, 0): enclose(expr, env)}), ONE
    match expr:
        case Name("steps"):
            return {(1, 0): (Fraction(1), Fraction(1))}, ONE
        case Name("gamma"):
            return {(0, 1): (Fraction(1), Fraction(1))}, ONE
        case Name(name) if name in theorem.values:
            return _ratio(theorem.values[name], theorem, env)
        case Binary(op, left, right):
            return _combined(op, _ratio(left, theorem, env), _ratio(right, theorem, env))
        case Power(base, exponent) if exponent >= 0:
            found: Ratio = ONE, ONE
            for _ in range(exponent):
                found = _combined("*", found, _ratio(base, theorem, env))
            return found
        case Call() | Number() | Name() | Power():
            pass
    raise _NotRational


def _combined(op: str, left: Ratio, right: Ratio) -> Ratio:
    (a, b), (c, d) = left, right
    if op == "*":
        return _times(a, c), _times(b, d)
    if op == "/":
        return _times(a, d), _times(b, c)
    if b == d:
        return _sum(a, c, op), b
    return _sum(_times(a, d), _times(b, c), op), _times(b, d)


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for (i, j), a in left.items():
        for (k, m), b in right.items():
            term = {(i + k, j + m): enclose("a*b", {"a": a, "b": b})}
            found = _sum(found, term, "+")
    return _clean(found)


def _sum(left: Polynomial, right: Polynomial, op: str) -> Polynomial:
    none = (Fraction(0), Fraction(0))
    keys = left.keys() | right.keys()
    pairs = {key: {"a": left.get(key, none), "b": right.get(key, none)} for key in keys}
    return _clean({key: enclose(f"a{op}b", pair) for key, pair in pairs.items()})


def _clean(found: Polynomial) -> Polynomial:
    return {key: pair for key, pair in found.items() if any(pair)}
