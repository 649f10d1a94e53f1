"""Formulas that have no value somewhere on their domain are refused, at the character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import prepared
from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import Ends, Goal, evaluate
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.grammar import Binary, Call, Expr, Power
from boundcalc.library.analytic import claim_of
from boundcalc.library.problem import Problem
from boundcalc.search.prove.attempt import PRECISION
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.goals import Prover

SECONDS = 2.0
NEAR = Fraction(16)


def require_defined(problem: Problem, budget: Budget) -> None:
    """Raises InputError where a formula has no value, or no derivative, at a point of the domain.

    What cannot be told in a short time is left to the proof, which needs it too.
    """
    claim = claim_of(problem, "pl-star", {"mu": "1"})
    with iv.precision(PRECISION):
        try:
            statement, goals, _ = prepared(claim, {})
        except ClaimError as error:
            expected = "formulas and a domain that fit"
            raise InputError(Fault(problem.name, str(error), expected, "correct it")) from error
        for goal in goals:
            prover = Prover(statement.context, budget.part(SECONDS))
            if not isinstance(prover.prove(goal), Stopped):
                continue
            near = replace(goal, box=tuple(map(_clipped, goal.box)))
            found = prover.paved(near, "factored", 200, budget.part(SECONDS))
            if not isinstance(found, Stopped):
                continue
            point = _breaks(statement, goal, found)
            if point is not None:
                raise InputError(_fault(problem, statement, goal, point))


def _clipped(ends: Ends) -> Ends:
    """The part of an interval near 0, or near its finite end."""
    lo, hi = ends
    if lo is None and hi is None:
        return -NEAR, NEAR
    if lo is None and hi is not None:
        return min(-NEAR, hi - NEAR), hi
    return (lo, max(NEAR, lo + NEAR)) if hi is None and lo is not None else (lo, hi)


def _breaks(statement: Statement, goal: Goal, found: Stopped) -> tuple[Fraction, ...] | None:
    """A point of the domain at which what must be positive is surely not."""
    if found.failing is None:
        return None
    terms, normal = statement.context.terms, statement.context.normal
    near = [Fraction(x) for x in found.failing]
    for bound in (1, 2, 4, 10, 100, 10**6, 10**12):
        point = [x.limit_denominator(bound) for x in near]
        if any(
            (lo is not None and x < lo) or (hi is not None and x > hi)
            for x, (lo, hi) in zip(point, goal.box, strict=True)
        ):
            continue
        place = {n: terms.const(x) for n, x in zip(goal.variables, point, strict=True)}
        try:
            if any(
                evaluate(terms, terms.substitute(c, place), {})[0] < 0 for c in goal.constraints
            ):
                continue
            node = terms.substitute(goal.term, place)
            if not normal.of(node) or evaluate(terms, node, {})[1] <= 0:
                return tuple(point)
        except Undefined:
            continue
    return None


def _fault(
    problem: Problem, statement: Statement, goal: Goal, point: tuple[Fraction, ...]
) -> Fault:
    place = ", ".join(f"{n} = {x}" for n, x in zip(goal.variables, point, strict=True))
    terms = statement.context.terms
    names = {name: terms.var(name) for name in statement.variables}
    for formula in (*problem.components, *problem.residual):
        for expr, inner, what in _partial(parse(formula)):
            node = terms.read(inner, names)
            if goal.term in (node, terms.neg(node)):
                at = expr.position
                where = f"formula, character {at + 1}"
                shown = formula if len(formula) < 200 else formula[max(0, at - 60) : at + 60]
                expected = "a formula that is smooth on the whole domain"
                return Fault(
                    where,
                    f"{what} at {place}, in {shown!r}",
                    expected,
                    "change the formula, or leave the point out with --domain",
                )
    expected = "a formula that is smooth on the whole domain"
    return Fault("formula", f"no value or no derivative at {place}", expected, "change the domain")


def _partial(expr: Expr) -> Iterator[tuple[Expr, Expr, str]]:
    """Parts that are not defined everywhere, what must be positive for them, and what is wrong."""
    match expr:
        case Binary(op, left, right):
            if op == "/":
                yield expr, right, "a division by 0"
            yield from _partial(left)
            yield from _partial(right)
        case Power(base, exponent):
            if exponent < 0:
                yield expr, base, "a division by 0"
                yield expr, Power(base, -exponent), "a division by 0"
            yield from _partial(base)
        case Call(function, (argument, *_)):
            if function in ("sqrt", "root"):
                yield expr, argument, "a root of what is not positive (it has no derivative at 0)"
            if function == "abs":
                yield expr, Power(argument, 2), "an absolute value that has no derivative"
            if function == "log":
                yield expr, argument, "a logarithm of what is not positive"
            if function == "tan":
                yield expr, Call("cos", (argument,)), "a tangent without a value"
            yield from _partial(argument)
