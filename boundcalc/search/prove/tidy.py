"""Formulas as a reader would write them."""

from __future__ import annotations

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.normal import Normal, TooMany
from boundcalc.kernel.analytic.terms import Terms
from boundcalc.kernel.grammar import GrammarError, names


def tidy(formula: str) -> str:
    """A polynomial written out from its highest power; any other formula as it is."""
    try:
        terms = Terms()
        with iv.precision(64):
            expr = parse(formula)
            variables = {name: terms.var(name) for name in names(expr)}
            p = Normal(terms).of(terms.read(expr, variables))
    except (GrammarError, TooMany):
        return formula
    if not p.variables() <= set(variables):
        return formula
    words = []
    for monomial, c in sorted(p.terms.items(), key=lambda term: -sum(e for _, e in term[0])):
        factors = [name if e == 1 else f"{name}^{e}" for name, e in monomial]
        size = abs(c)
        if size.numerator != 1 or not factors:
            factors.insert(0, str(size.numerator))
        text = "*".join(factors) + (f"/{size.denominator}" if size.denominator != 1 else "")
        words.append(("- " if c < 0 else "+ ") + text)
    joined = " ".join(words) or "0"
    return joined[2:] if joined.startswith("+ ") else joined.replace("- ", "-", 1)
