"""A proof of one goal: the methods, in the order in which they are tried."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.chart import charted, pieces
from boundcalc.kernel.analytic.exact import box_constraints, parts
from boundcalc.kernel.analytic.free import freed, freed_matrix
from boundcalc.kernel.analytic.goal import Box, Context, Goal, MatrixGoal, Program, intervals
from boundcalc.kernel.analytic.gram import Group, groups, shifted
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.analytic.normal import TooMany
from boundcalc.kernel.analytic.paving import bounded, halves
from boundcalc.kernel.analytic.proof import (
    MAX_MINORS,
    check_goal,
    minors,
    shaped,
    with_margin,
)
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial, TooLarge
from boundcalc.search.prove.algebra import Algebra
from boundcalc.search.prove.budget import Budget, Stopped
from boundcalc.search.prove.pave import Paved, pave

QUICK = 12  # leaves of a first try
TRIAL = 300
MOST = 400_000
RADII = (Fraction(4), Fraction(32), Fraction(1, 2), Fraction(256))
SOS_VARIABLES = 8
SOS_TERMS = 900
MARGIN = "1/1000"  # by which a strict inequality far from its zeros is shown

Proof = dict[str, Any]


class Prover:
    """Proves goals of one context within one budget, and keeps an account of what it tried."""

    def __init__(self, context: Context, budget: Budget) -> None:
        self.context = context
        self.budget = budget
        self.attempts: list[tuple[str, str]] = []
        self.methods: dict[str, int] = {}
        self._algebra = Algebra(context, self.used)

    def note(self, stopped: Stopped, goal: Goal | MatrixGoal) -> Stopped:
        """Remember why a method stopped."""
        entry = (f"{goal.name}: {stopped.method}", stopped.reason)
        if entry not in self.attempts:
            self.attempts.append(entry)
        return stopped

    def used(self, method: str, count: int = 1) -> None:
        """Remember what closed a goal."""
        self.methods[method] = self.methods.get(method, 0) + count

    def prove(self, goal: Goal | MatrixGoal) -> Proof | Stopped:
        """A proof that the kernel accepts, or why the last method stopped."""
        try:
            found = self.matrix(goal) if isinstance(goal, MatrixGoal) else self.scalar(goal)
            if not isinstance(found, Stopped):
                return found
            return self.note(found, goal)
        except (TooMany, TooLarge, ClaimError, Rejected) as error:
            return self.note(Stopped("algebra", str(error)), goal)

    # -- scalar goals

    def scalar(self, goal: Goal) -> Proof | Stopped:
        found = self.exact(goal) or self._algebra.surds(goal)
        if found is not None:
            return found
        quick = self.paved(goal, "factored", QUICK, self.budget)
        if not isinstance(quick, Stopped):
            return quick
        if quick.failing is not None and "fails" in quick.reason:
            return quick
        separate = self.separate(goal)
        if separate is not None:
            return separate
        loose = self.free(goal)
        if loose is not None:
            return loose
        if any(end is None for pair in goal.box for end in pair):
            return self.unbounded(goal)
        return self.bounded(goal)

    def free(self, goal: Goal) -> Proof | None:
        """Atoms as variables of their own, where an exact rule or a few boxes then do."""
        for form in ("expanded", "cleared"):
            try:
                _, p = shaped(self.context, goal, form)
                inner = freed(self.context, goal, p)
            except (TooMany, TooLarge, Rejected, Undefined):
                continue
            found = self.exact(inner)
            if found is None:
                tried = self.paved(inner, "factored", 100, self.budget.part(0.3))
                found = None if isinstance(tried, Stopped) else tried
            if found is not None:
                return {"rule": "free", "form": form, "proof": found}
        return None

    def exact(self, goal: Goal) -> Proof | None:
        """By rules without boxes."""
        return self._algebra.exact(goal)

    def paved(self, goal: Goal, form: str, most: int, budget: Budget) -> Proof | Stopped:
        """A paving in one form."""
        inner, _ = (goal, None) if form == "factored" else shaped(self.context, goal, form)
        strategy = "plain" if most <= QUICK and len(goal.variables) > 4 else "all"
        found = pave(self.context, inner, form, budget, most, strategy)
        if isinstance(found, Paved):
            self.used("boxes", found.leaves)
            return found.proof
        return found

    def forms(self, goal: Goal) -> list[str]:
        """Forms worth trying for a paving: those that differ, and are not too long."""
        found = ["factored"]
        try:
            plain, p = shaped(self.context, goal, "expanded")
            if plain.term != goal.term and len(p.terms) <= 400:
                found.append("expanded")
            _, q = shaped(self.context, goal, "cleared")
            if q != p and len(q.terms) <= 400:
                found.append("cleared")
        except (TooMany, TooLarge):
            pass
        return found

    def bounded(self, goal: Goal) -> Proof | Stopped:
        """On a bounded box: short pavings in every form, sums of squares, then a long paving."""
        best: tuple[str, Stopped] | None = None
        for form in self.forms(goal):
            found = self.paved(goal, form, TRIAL, self.budget.part(1.5))
            if not isinstance(found, Stopped):
                return found
            self.note(replace(found, method=f"paving ({form})"), goal)
            if "fails" in found.reason:
                return found
            best = best or (form, found)
        squares = self.squares(goal)
        if squares is not None:
            return squares
        last = Stopped("paving", "no time was left")
        for form in self.forms(goal):
            found = self.paved(goal, form, MOST, self.budget.part(0.6 * self.budget.left()))
            if not isinstance(found, Stopped):
                return found
            last = replace(found, method=f"paving ({form})")
            self.note(last, goal)
        return last

    def unbounded(self, goal: Goal) -> Proof | Stopped:
        """On an unbounded box: halving outward, charts at infinity, sums of squares."""
        for form in self.forms(goal):
            found = self.paved(goal, form, 60, self.budget.part(1.0))
            if not isinstance(found, Stopped) or "fails" in found.reason:
                return found
            self.note(replace(found, method=f"paving ({form})"), goal)
        squares = self.squares(goal)
        if squares is not None:
            return squares
        if goal.strict and not goal.skip:
            wide = with_margin(self.context, goal, MARGIN)
            proof = self.scalar(wide)
            if not isinstance(proof, Stopped):
                return {"rule": "margin", "by": MARGIN, "proof": proof}
        last = Stopped("charts", "none was tried")
        for form in ("cleared", "expanded"):
            for radius in RADII:
                if self.budget.left() == 0:
                    return Stopped("charts", "time ran out")
                got = self.charts(goal, form, radius)
                if not isinstance(got, Stopped):
                    return got
                last = self.note(replace(got, method=f"charts beyond {radius} ({form})"), goal)
                if "fails" in last.reason and got.method == "core":
                    return last
        return last

    def charts(self, goal: Goal, form: str, radius: Fraction) -> Proof | Stopped:
        """Charts first, since they fail fast; then the core."""
        try:
            core, names = pieces(goal, radius)
            _, p = shaped(self.context, goal, form)
        except Rejected as error:
            return Stopped("charts", str(error))
        proofs: dict[str, Proof] = {}
        for name in names:
            try:
                inner = charted(self.context, goal, p, name, radius)
            except Rejected as error:
                return Stopped("charts", str(error))
            found = self.chart(inner)
            if isinstance(found, Stopped):
                return Stopped("charts", f"{name}: {found.reason}")
            proofs[name] = found
        found = self.bounded_or_exact(replace(goal, box=core))
        if isinstance(found, Stopped):
            return Stopped("core", found.reason, found.failing)
        return {
            "rule": "charts",
            "form": form,
            "radius": str(radius),
            "core": found,
            "charts": proofs,
        }

    def bounded_or_exact(self, goal: Goal) -> Proof | Stopped:
        found = self.exact(goal)
        return found if found is not None else self.bounded(goal)

    def chart(self, goal: Goal) -> Proof | Stopped:
        found = self.exact(goal)
        if found is not None:
            return found
        tried = self.paved(goal, "factored", 1_000, self.budget.part(1.0))
        if not isinstance(tried, Stopped) or "fails" in tried.reason:
            return tried
        squares = self.squares(goal)
        return tried if squares is None else squares

    def separate(self, goal: Goal) -> Proof | None:
        """A separable goal, part by part; constants shared equally, or left with the first."""
        if goal.constraints or len(goal.variables) == 1:
            return None
        try:
            _, p = shaped(self.context, goal, "expanded")
        except (TooMany, TooLarge):
            return None
        for count in range(2, len(goal.variables) + 1):
            for first in range(count):  # the constant goes to one part as a whole
                shares = [str(int(k == first)) for k in range(count)]
                try:
                    goals = parts(self.context, goal, p, shares)
                except Rejected:
                    break
                proofs = self.all_parts(goals)
                if proofs is not None:
                    return {"rule": "parts", "form": "expanded", "shares": shares, "proofs": proofs}
        return None

    def all_parts(self, goals: list[Goal]) -> list[Proof] | None:
        """A proof of every part, or None."""
        proofs = []
        for inner in goals:
            found = self.scalar(inner)
            if isinstance(found, Stopped):
                return None
            proofs.append(found)
        return proofs

    def squares(self, goal: Goal) -> Proof | None:
        """A sum of squares, where the goal is a polynomial after clearing denominators."""
        if goal.strict or len(goal.variables) > SOS_VARIABLES or self.budget.left() < 0.5:
            return None
        try:
            _, p = shaped(self.context, goal, "cleared")
            constraints = [
                *box_constraints(goal),
                *(self.context.normal.of(node) for node in goal.constraints),
            ]
        except (TooMany, TooLarge):
            return None
        if not self._plain(goal, [p, *constraints]) or len(p.terms) > SOS_TERMS:
            self.note(Stopped("sum of squares", "not a polynomial over Q"), goal)
            return None
        from boundcalc.search.sos import Failure, sos

        self.budget.tell("sums of squares")
        found = sos(
            p,
            goal.variables,
            constraints,
            zeros=_zeros(goal),
            seconds=min(self.budget.left(), 0.4 * self.budget.left() + 2),
        )
        if isinstance(found, Failure):
            self.note(Stopped("sum of squares", f"{found.reason}: {found.detail}"), goal)
            return None
        proof = {**found, "form": "cleared"}
        if not proof.get("equalities"):
            proof.pop("equalities", None)
        if proof.get("multiplier") in ("1", []):
            proof.pop("multiplier", None)
        try:
            check_goal(self.context, goal, proof)
        except (Rejected, ClaimError) as error:
            self.note(Stopped("sum of squares", f"rejected: {error}"), goal)
            return None
        self.used("sum of squares")
        return proof

    def _plain(self, goal: Goal, polynomials: list[Polynomial]) -> bool:
        return all(p.variables() <= set(goal.variables) for p in polynomials)

    # -- matrices

    def gram(self, goal: MatrixGoal) -> Proof | None:
        """Weights times constant matrices, each weight shifted until it is nonnegative."""
        try:
            _, found_groups = groups(self.context, goal)
        except (TooMany, TooLarge, Rejected):
            return None
        plain: list[Fraction] | None = [Fraction(0)] * len(found_groups)
        for shifts in (plain, self._shifts(goal, found_groups)):
            if shifts is None:
                continue
            try:
                weights = shifted(self.context, goal, shifts)
            except Rejected as error:
                self.note(Stopped("weights", str(error)), goal)
                continue
            proofs = []
            for weight in weights:
                found = self.scalar(weight)
                if isinstance(found, Stopped):
                    break
                proofs.append(found)
            else:
                self.used("weights times semidefinite matrices")
                return {"rule": "gram", "shifts": [str(s) for s in shifts], "proofs": proofs}
        return None

    def nonnegative(self, weight: Goal, shift: Fraction) -> bool:
        """Whether weight + shift ≥ 0 is easily proved."""
        terms = self.context.terms
        goal = replace(weight, term=terms.add(weight.term, terms.const(shift)))
        return self.exact(goal) is not None or self.free(goal) is not None

    def free_matrix(self, goal: MatrixGoal) -> Proof | None:
        """Atoms as variables of their own, on a box that is bounded then."""
        try:
            inner = freed_matrix(self.context, goal)
        except (TooMany, TooLarge, Rejected, Undefined):
            return None
        if any(end is None for pair in inner.box for end in pair):
            return None
        found = pave(self.context, inner, "factored", self.budget.part(8.0), MOST)
        if isinstance(found, Stopped):
            self.note(replace(found, method="paving (free)"), goal)
            return None
        self.used("boxes", found.leaves)
        return {"rule": "free", "proof": found.proof}

    def _shifts(self, goal: MatrixGoal, found_groups: list[Group]) -> list[Fraction] | None:
        found = []
        for part in found_groups:
            weight = Goal(
                goal.name,
                goal.variables,
                goal.box,
                self.context.normal.node(part.weight),
                parameters=goal.parameters,
            )
            shift = _bound(self, weight)
            if shift is None:
                return None
            simple = shift.limit_denominator(16)
            if simple < shift and self.nonnegative(weight, simple):
                shift = simple
            found.append(shift)
        return found

    def matrix(self, goal: MatrixGoal) -> Proof | Stopped:
        """Boxes with an elimination in intervals, then principal minors one by one."""
        found = pave(self.context, goal, "factored", self.budget.part(1.0), QUICK)
        if isinstance(found, Paved):
            self.used("boxes", found.leaves)
            return found.proof
        weights = self.gram(goal) if len(goal.rows) > 1 else None
        if weights is not None:
            return weights
        found = pave(self.context, goal, "factored", self.budget.part(1.0), TRIAL)
        if isinstance(found, Paved):
            self.used("boxes", found.leaves)
            return found.proof
        self.note(found, goal)
        loose = self.free_matrix(goal) if len(goal.rows) > 2 else None
        if loose is not None:
            return loose
        if len(goal.rows) <= MAX_MINORS:
            proofs: dict[str, Proof] = {}
            for name, minor in minors(self.context, goal).items():
                proof = self.scalar(minor)
                if isinstance(proof, Stopped):
                    self.note(proof, minor)
                    break
                proofs[name] = proof
            else:
                return {"rule": "minors", "proofs": proofs}
        if any(end is None for pair in goal.box for end in pair):
            return self.free_matrix(goal) or found
        again = pave(self.context, goal, "factored", self.budget, MOST)
        if isinstance(again, Paved):
            self.used("boxes", again.leaves)
            return again.proof
        return again


def _bound(prover: Prover, goal: Goal) -> Fraction | None:
    """A shift that makes the weight of a group nonnegative, as small as is easily found."""
    try:
        _, p = shaped(prover.context, goal, "expanded")
        inner = freed(prover.context, goal, p)
    except (TooMany, TooLarge, Rejected, Undefined):
        inner = goal
    leaves = Program(prover.context.terms, [inner.term])
    cells = [inner.box]
    for _ in range(7):  # a few halvings give the range well enough
        cells = [half for box in cells for half in _halved(box)]
    least: Fraction | None = None
    for box in cells:
        try:
            (found,) = leaves(intervals(inner.variables, box))
        except Undefined:
            return None
        if not found[0].is_finite():
            return None
        low = iv.outward((found[0], found[0]))[0]
        least = low if least is None else min(least, low)
    if least is None:
        return None
    return max(Fraction(0), -least)


def _halved(box: Box) -> list[Box]:
    cell = bounded(box)
    if cell is None or not cell:
        return [box]
    axis = max(range(len(cell)), key=lambda k: cell[k][1] - cell[k][0])
    return [(*box[:axis], half, *box[axis + 1 :]) for half in halves(box[axis])]


def _zeros(goal: Goal) -> list[tuple[Fraction, ...]]:
    """Exact rational anchors, at which the goal is 0."""
    return [
        tuple(lo for lo, _ in anchor.at)
        for anchor in goal.anchors
        if all(lo == hi for lo, hi in anchor.at)
    ]
