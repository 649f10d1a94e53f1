"""Facts about infima and minimisers, proposed from what the numeric search found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.check import prepared
from boundcalc.kernel.analytic.facts import Facts, moved
from boundcalc.kernel.analytic.goal import Goal, MatrixGoal, evaluate
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.library.analytic import claim_of
from boundcalc.library.problem import Problem
from boundcalc.search.numeric.minimisers import Minimisers, find
from boundcalc.search.numeric.zero_curve import ZeroCurve, zero_curves
from boundcalc.search.prove.algebra import cuts
from boundcalc.search.prove.attempt import ERRORS, PRECISION
from boundcalc.search.prove.budget import Budget
from boundcalc.search.prove.enclose import Point, images, zero_boxes
from boundcalc.search.prove.flats import flat_facts
from boundcalc.search.prove.pave import Paved, pave
from boundcalc.search.prove.residual import sum_of_squares

WIDTHS = tuple(Fraction(2) ** k for k in (6, 4, 3, 2, 1, 0, -1, -2, -3, -4, -6, -8))
SECONDS = 3.0


class Minima:
    """What the search knows of the minimisers of a problem, as facts for certificates."""

    def __init__(self, problem: Problem, budget: Budget) -> None:
        self.problem = problem
        self.budget = budget

    @cached_property
    def found(self) -> Minimisers:
        """Of f."""
        self.budget.tell("looking for minimisers")
        return find(self.problem, min(SECONDS, self.budget.left()))

    @cached_property
    def components(self) -> tuple[Minimisers, ...]:
        """Of every f_i."""
        return tuple(
            find(replace(self.problem, components=(f,), minimisers=()), SECONDS)
            for f in self.problem.components
        )

    @cached_property
    def curves(self) -> tuple[ZeroCurve, ...]:
        """Curves of minimisers, f = ½F² with one F in two variables."""
        if self.found.kind != "manifold" or self.found.forms is not None:
            return ()
        residual = self.problem.residual or sum_of_squares(self.problem) or ()
        return tuple(zero_curves(self.problem, residual))

    @cached_property
    def flats(self) -> dict[str, Any] | None:
        """Facts of minimisers on hyperplanes."""
        manifold = self.found.kind == "manifold" and self.found.forms is None
        return flat_facts(self.problem) if manifold else None

    def _curved(self) -> list[dict[str, Any]]:
        """Facts for each curve."""
        known: dict[str, Any] = {}
        if not self.problem.residual:
            known["residual"] = sum_of_squares(self.problem)
        return [{**known, "curve": dict(curve.fact)} for curve in self.curves]

    @property
    def forms(self) -> list[list[str]] | None:
        """Linear forms on which every f_i depends alone, where the domain is all of R^d."""
        forms = self.found.forms
        whole = all(lo is None and hi is None for lo, hi in self.problem.domain)
        if forms is None or not whole or self.problem.ball is not None:
            return None
        if len(forms) == len(self.problem.variables):
            return None
        return [[str(x) for x in row] for row in forms]

    @property
    def size(self) -> int:
        """How many coordinates the frame has."""
        return len(self.forms or self.problem.variables)

    def framed(self, point: Sequence[str]) -> list[str]:
        """A point in the coordinates of the frame: x = Aᵀs gives s = A x / |a|² row by row."""
        forms = self.found.forms
        if self.forms is None or forms is None:
            return list(point)
        return [
            "("
            + " + ".join(f"({a})*({x})" for a, x in zip(row, point, strict=True))
            + f")/{sum(a * a for a in row)}"
            for row in forms
        ]

    def short(self, point: Sequence[str]) -> list[str]:
        """A point of the frame as rationals near it."""
        return [str(rounded(x)) for x in self.framed(point)]

    def base(self) -> dict[str, Any]:
        """Facts that always apply."""
        return {} if self.forms is None else {"forms": self.forms}

    def proposals(self, needs_points: bool, needs_infima: bool) -> list[dict[str, Any]]:
        """Facts to try, the most useful first."""
        base = self.base()
        if needs_infima and len(self.problem.components) > 1:
            base["infima"] = [self.infimum(m) for m in self.components]
        if needs_points and self.found.kind == "manifold" and self.found.forms is None:
            flat = [self.flats] if self.flats else []
            return [{**base, **facts} for facts in (*self._curved(), *flat)]
        if self.found.kind not in ("points", "manifold") or not self.found.points:
            single = needs_infima and len(self.problem.components) <= 1
            return [{**base, "infimum": self.infimum(self.found)} if single else base]
        exact = all(self.found.exact)
        points = [self.framed(p) for p in self.found.points]
        if not needs_points:
            if needs_infima and len(self.problem.components) > 1:
                return [base]
            known = {**base, "infimum": self.infimum(self.found)}
            return [known, *self._enclosed(base)] if exact else [*self._enclosed(base), known]
        if not exact:
            return self._enclosed(base)
        tries = []
        if len(points[0]) == 1:
            bends = self._cuts(base)
            tries.append({**base, "minimisers": {"points": points, **bends}})
        boxes = [self._convex_box(base, p) for p in points]
        if all(box is not None for box in boxes):
            tries.append({**base, "minimisers": {"points": points, "boxes": boxes}})
        return tries + self._enclosed(base)  # where exact values do not show themselves as such

    def _cuts(self, base: dict[str, Any]) -> dict[str, list[str]]:
        """Where absolute values bend, in one variable."""
        statement, _, facts = prepared(claim_of(self.problem, "convex", {}), base)
        f = statement.context.normal.of(moved(statement, facts, statement.mean))
        goal = Goal("f", facts.frame.variables, facts.frame.box, statement.context.terms.zero)
        at = cuts(statement.context, goal, f)
        return {"cuts": [str(x) for x in at]} if at else {}

    def infimum(self, found: Minimisers) -> dict[str, Any]:
        """Bounds of one infimum."""
        if not found.points:
            entry: dict[str, Any] = (
                {"lower": _below(found.value)} if found.value not in ("", "-oo") else {}
            )
            if found.curve is not None:  # far along the way down f is nearly its infimum
                entry["at"] = self.short(list(found.curve.values()))
            return entry
        if found.exact[0]:
            near = _value(found.value)
            short = near.limit_denominator(10**6)
            known = abs(near - short) < Fraction(1, 2**120)
            lower = str(short) if known else "at"
            return {"lower": lower, "at": self.framed(found.points[0])}
        return {"lower": _below(found.value), "at": self.short(found.points[0])}

    def _matrix(
        self, base: dict[str, Any], box: Sequence[Sequence[str]], shift: Fraction
    ) -> tuple[Statement, Facts, MatrixGoal]:
        """∇²f − shift·I on a box, in the coordinates of the frame."""
        only = {key: value for key, value in base.items() if key == "forms"}
        claim = claim_of(self.problem, "convex", {})
        statement, _, facts = prepared(claim, only)
        terms = statement.context.terms
        f = moved(statement, facts, statement.mean)
        names = facts.frame.variables
        rows = tuple(
            tuple(
                terms.sub(
                    terms.derivative(terms.derivative(f, a), b),
                    terms.const(shift) if a == b else terms.zero,
                )
                for b in names
            )
            for a in names
        )
        cell = tuple(
            (None if lo == "-oo" else Fraction(lo), None if hi == "oo" else Fraction(hi))
            for lo, hi in box
        )
        return statement, facts, MatrixGoal("convex", names, cell, rows, True)

    def _convex_on(
        self, base: dict[str, Any], box: Sequence[Sequence[str]], shift: Fraction = Fraction(0)
    ) -> bool:
        with iv.precision(PRECISION):
            try:
                statement, _, goal = self._matrix(base, box, shift)
                found = pave(statement.context, goal, "factored", self.budget.part(0.5), 64)
            except ERRORS:
                return False
        return isinstance(found, Paved)

    def _convex_box(self, base: dict[str, Any], point: Sequence[str]) -> list[list[str]] | None:
        """A box around a minimiser on which f is strictly convex."""
        center = [rounded(x) for x in point]
        if self.forms is None and self._convex_on(base, self._domain()):
            return [list(pair) for pair in self._domain()]
        for width in WIDTHS:
            box = [[str(x - width), str(x + width)] for x in center]
            if self._convex_on(base, box):
                return box
        return None

    def _domain(self) -> list[list[str]]:
        return [
            ["-oo" if lo is None else str(lo), "oo" if hi is None else str(hi)]
            for lo, hi in self.problem.domain
        ]

    def _enclosed(self, base: dict[str, Any]) -> list[dict[str, Any]]:
        """Minimisers with decimals: one by its convexity, more by symmetry or as zeros of a map."""
        points = [tuple(Fraction(x) for x in self.short(p)) for p in self.found.points]
        found = []
        if _is_zero(self.found.value):
            zeros = zero_boxes(self.problem, self.base(), points)
            found += [] if zeros is None else [{**base, **zeros}]
        for entry in self._around(base, points):
            if len(points) == 1:
                found.append({**base, "enclosed": {**entry, "convex": True}})
            found.append({**base, "enclosed": entry})
        return found

    def _around(self, base: dict[str, Any], points: Sequence[Point]) -> list[dict[str, Any]]:
        """The first point in a box of the inner part of the domain, its convexity, and images."""
        point = points[0]
        for width in WIDTHS:
            box = [[str(x - width), str(x + width)] for x in map(_coarse, point)]
            if self.forms is None and not _within(box, self.problem):
                continue
            least = self._least_eigenvalue(base, box)
            if least is None:
                continue
            entry = {"point": [str(x) for x in point], "box": box, "convexity": str(least)}
            if len(points) == 1:
                return [entry]
            others = images(self.problem, self.base(), box, points)
            return [] if others is None else [{**entry, "images": others}]
        return []

    def _least_eigenvalue(
        self, base: dict[str, Any], box: Sequence[Sequence[str]]
    ) -> Fraction | None:
        """A modulus of strong convexity on the box, within a factor of 4 of the best."""
        best = None
        for k in range(-20, 21, 2):
            shift = Fraction(2) ** k
            if not self._convex_on(base, box, shift):
                break
            best = shift
        return best


def _within(box: Sequence[Sequence[str]], problem: Problem) -> bool:
    for (lo, hi), (least, most) in zip(box, problem.domain, strict=True):
        if least is not None and Fraction(lo) <= least:
            return False
        if most is not None and Fraction(hi) >= most:
            return False
    return True


def _value(formula: str) -> Fraction:
    from boundcalc.kernel.analytic.formula import parse
    from boundcalc.kernel.analytic.terms import Terms

    terms = Terms()
    with iv.precision(160):
        lo, hi = iv.outward(evaluate(terms, terms.read(parse(formula), {}), {}))
    return (lo + hi) / 2


def rounded(formula: str) -> Fraction:
    """A rational within 2^-120 of a constant formula; the constant itself where it is short."""
    value = _value(formula)
    near = value.limit_denominator(10**6)
    return (
        near if abs(near - value) < Fraction(1, 2**120) else Fraction(round(value * 2**120), 2**120)
    )


def _is_zero(value: str) -> bool:
    return abs(_value(value)) < Fraction(1, 2**80) if value not in ("", "-oo") else False


def _coarse(x: Fraction) -> Fraction:
    return Fraction(round(x * 64), 64)


def _below(value: str) -> str:
    """A rational a little below a decimal or constant formula."""
    exact = _value(value)
    short = exact.limit_denominator(10**6)
    if abs(short - exact) < Fraction(1, 2**120):
        return str(short)
    return str(Fraction(int(exact * 10**28) - 1, 10**28))
