"""Proofs of goals without boxes: by form, Sturm's theorem, pieces, square roots, open ranges."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.exact import by_form, by_sturm, radical
from boundcalc.kernel.analytic.goal import Context, Goal, evaluate
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import TooMany
from boundcalc.kernel.analytic.openness import is_positive
from boundcalc.kernel.analytic.paving import halves
from boundcalc.kernel.analytic.proof import shaped
from boundcalc.kernel.analytic.split import split
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial, TooLarge

Proof = dict[str, Any]
DEPTH = 7  # halvings of an interval on which square roots are compared with the rest


class Algebra:
    """Exact rules for the goals of one context; used : told what closed a goal."""

    def __init__(self, context: Context, used: Callable[[str], None]) -> None:
        self._context, self._used = context, used

    def exact(self, goal: Goal) -> Proof | None:
        """By form, or by Sturm's theorem in one variable."""
        for form in ("expanded", "cleared"):
            try:
                _, p = shaped(self._context, goal, form)
            except (TooMany, TooLarge):
                return None
            if by_form(self._context.normal, p, goal.strict):
                self._used("inspection")
                return {"rule": "form", "form": form}
            try:
                if by_sturm(goal, p):
                    self._used("Sturm")
                    return {"rule": "sturm", "form": form}
            except Rejected:
                continue
        return self.pieces(goal) or (self.open(goal) if goal.strict else None)

    def pieces(self, goal: Goal) -> Proof | None:
        """One variable: between the points where absolute values bend."""
        try:
            _, p = shaped(self._context, goal, "cleared")
            at = cuts(self._context, goal, p)
            if not at:
                return None
            proofs = [self.exact(piece) for piece in split(self._context, goal, p, at)]
        except (TooMany, TooLarge, Rejected):
            return None
        words = [str(x) for x in at]
        return None if None in proofs else {"rule": "split", "at": words, "proofs": proofs}

    def open(self, goal: Goal) -> Proof | None:
        """A strict inequality by ranges with open ends; a square root against the rest."""
        for form in ("factored", "expanded", "cleared"):
            try:
                inner, _ = shaped(self._context, goal, form)
                if is_positive(self._context.terms, inner):
                    self._used("open ranges")
                    return {"rule": "open", "form": form}
            except (TooMany, TooLarge, Undefined):
                continue
        return None

    def radical(self, goal: Goal) -> Proof | None:
        """A + B√q: B√q ≥ |A| or A ≥ |B|√q, where exact rules then do."""
        for by in ("root", "rest"):
            try:
                _, p = shaped(self._context, goal, "cleared")
                goals = radical(self._context, goal, p, by)
            except (TooMany, TooLarge, Rejected):
                return None
            proofs = [self.exact(inner) or self.radical(inner) for inner in goals]
            if None not in proofs:
                self._used("square roots")
                return {"rule": "radical", "by": by, "form": "cleared", "proofs": proofs}
        return None

    def surds(self, goal: Goal) -> Proof | None:
        """Square roots, numbers such as sqrt(5) among them; in one variable piece by piece."""
        found = self.radical(goal)
        if found is not None or len(goal.variables) != 1:
            return found
        try:
            _, p = shaped(self._context, goal, "cleared")
        except (TooMany, TooLarge):
            return None
        kinds = {(self._context.normal.atom(name) or (name,))[0] for name in p.variables()}
        if goal.parameters or "sqrt" not in kinds or not kinds <= {"sqrt", *goal.variables}:
            return None
        return self._halved(goal, p, DEPTH)

    def _halved(self, goal: Goal, p: Polynomial, depth: int) -> Proof | None:
        cut = halves(goal.box[0])[0][1]
        if cut is None or depth == 0:
            return None
        here = evaluate(self._context.terms, goal.term, {goal.variables[0]: iv.rational(cut)})
        if here[1] < 0:
            return None
        try:
            pieces = split(self._context, goal, p, [cut])
        except Rejected:
            return None
        proofs = []
        for piece in pieces:
            found = self.radical(piece) or self._halved(piece, p, depth - 1)
            if found is None:
                return None
            proofs.append(found)
        return {"rule": "split", "at": [str(cut)], "proofs": proofs}


def cuts(context: Context, goal: Goal, p: Polynomial) -> list[Fraction]:
    """Where the linear arguments of absolute values change sign inside the interval."""
    if len(goal.variables) != 1:
        return []
    (name,), ((lo, hi),) = goal.variables, goal.box
    found = set()
    for atom in p.variables():
        size = context.normal.size_of(atom)
        terms = size[2].terms if size is not None else {}
        slope = terms.get(((name, 1),))
        if slope and set(terms) <= {(), ((name, 1),)}:
            at = -terms.get((), Fraction(0)) / slope
            if (lo is None or lo < at) and (hi is None or at < hi):
                found.add(at)
    return sorted(found)
