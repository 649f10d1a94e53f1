"""One proof of one goal: which rules there are, and how they nest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from boundcalc.kernel.analytic import exact
from boundcalc.kernel.analytic.chart import charted, pieces
from boundcalc.kernel.analytic.free import freed, freed_matrix
from boundcalc.kernel.analytic.goal import Context, Goal, MatrixGoal
from boundcalc.kernel.analytic.gram import shifted
from boundcalc.kernel.analytic.openness import is_positive
from boundcalc.kernel.analytic.paving import Leaves, MatrixLeaves, unpacked, walk
from boundcalc.kernel.analytic.split import split
from boundcalc.kernel.analytic.statement import rational
from boundcalc.kernel.analytic.terms import Node, Terms
from boundcalc.kernel.claim import ClaimError, Json, fields, items, text, texts
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.polynomial import Polynomial

FORMS = ("factored", "expanded", "cleared")
MAX_MINORS = 6  # rows of a matrix whose minors are goals


def shaped(context: Context, goal: Goal, form: str) -> tuple[Goal, Polynomial]:
    """The goal in a form, and its normal form.

    factored : as it is; expanded : its normal form; cleared : that times denominators that are
    known to be positive. Raises ClaimError.
    """
    if form not in FORMS:
        raise ClaimError(f"proof: a form is one of {', '.join(FORMS)}")
    polynomial = context.normal.of(goal.term)
    if form == "cleared":
        polynomial = exact.cleared(context, goal, polynomial)
    if form == "factored":
        return goal, polynomial
    # an anchor stays one: a positive factor changes neither a zero value nor a zero gradient
    return replace(goal, term=context.normal.node(polynomial)), polynomial


def check_goal(context: Context, goal: Goal | MatrixGoal, proof: Json) -> int:
    """Check one proof; how many elementary steps it took. Raises Rejected, ClaimError."""
    if not isinstance(proof, dict):
        raise ClaimError(f"{goal.name}: a proof is an object")
    rule = proof.get("rule")
    if isinstance(goal, MatrixGoal):
        return _check_matrix(context, goal, proof)
    if rule == "paving":
        return _paving(context, goal, proof)
    if rule in ("form", "sturm"):
        raw = fields(proof, goal.name, {"rule"}, {"form"})
        _, polynomial = shaped(context, goal, text(raw.get("form", "cleared"), "form"))
        shown = (
            exact.by_form(context.normal, polynomial, goal.strict)
            if rule == "form"
            else exact.by_sturm(goal, polynomial)
        )
        if not shown:
            raise Rejected(f"{goal.name}: not shown by {rule}")
        return 1
    if rule == "open":
        raw = fields(proof, goal.name, {"rule"}, {"form"})
        inner, _ = shaped(context, goal, text(raw.get("form", "factored"), "form"))
        if not is_positive(context.terms, inner):
            raise Rejected(f"{goal.name}: not shown to be positive by its form")
        return 1
    if rule == "split":
        raw = fields(proof, goal.name, {"rule", "at", "proofs"}, {"form"})
        _, polynomial = shaped(context, goal, text(raw.get("form", "cleared"), "form"))
        cuts = [rational(x, "split") for x in items(raw["at"], "split")]
        return _all(context, goal, split(context, goal, polynomial, cuts), raw["proofs"])
    if rule == "radical":
        raw = fields(proof, goal.name, {"rule", "by", "proofs"}, {"form"})
        _, polynomial = shaped(context, goal, text(raw.get("form", "cleared"), "form"))
        goals = exact.radical(context, goal, polynomial, text(raw["by"], "radical"))
        return _all(context, goal, goals, raw["proofs"])
    if rule == "sos":
        _, polynomial = shaped(context, goal, text(proof.get("form", "cleared"), "form"))
        exact.by_squares(context, goal, polynomial, proof)
        return 1
    if rule == "parts":
        raw = fields(proof, goal.name, {"rule", "shares", "proofs"}, {"form"})
        _, polynomial = shaped(context, goal, text(raw.get("form", "expanded"), "form"))
        goals = exact.parts(context, goal, polynomial, raw["shares"])
        return _all(context, goal, goals, raw["proofs"])
    if rule == "charts":
        return _charts(context, goal, proof)
    if rule == "free":
        raw = fields(proof, goal.name, {"rule", "proof"}, {"form"})
        _, polynomial = shaped(context, goal, text(raw.get("form", "cleared"), "form"))
        return check_goal(context, freed(context, goal, polynomial), raw["proof"])
    if rule == "margin":
        raw = fields(proof, goal.name, {"rule", "by", "proof"}, set())
        return check_goal(context, with_margin(context, goal, raw["by"]), raw["proof"])
    raise ClaimError(f"{goal.name}: there is no rule {rule!r}")


def _all(context: Context, goal: Goal, parts: Sequence[Goal], proofs: Json) -> int:
    """One proof for each part of a goal."""
    given = items(proofs, goal.name)
    if len(given) != len(parts):
        raise Rejected(f"{goal.name}: one proof for each part")
    return sum(check_goal(context, g, p) for g, p in zip(parts, given, strict=True))


def with_margin(context: Context, goal: Goal, by: Json) -> Goal:
    """g − by ≥ 0 with by > 0 in place of g > 0. Raises ClaimError."""
    margin = rational(by, "margin")
    if margin <= 0 or not goal.strict:
        raise ClaimError("margin: a positive number, for a strict inequality")
    term = context.terms.sub(goal.term, context.terms.const(margin))
    return replace(goal, term=term, strict=False, anchors=())


def _paving(context: Context, goal: Goal, proof: Json) -> int:
    raw = fields(proof, goal.name, {"rule", "tree"}, {"form", "points"})
    form = text(raw.get("form", "factored"), "form")
    if form != "factored":
        goal, _ = shaped(context, goal, form)
    points = [
        [rational(x, "points") for x in items(point, "points")]
        for point in items(raw.get("points", []), "points")
    ]
    if any(len(point) != len(goal.variables) for point in points):
        raise ClaimError("paving: a point has one coordinate for each variable")
    return walk(Leaves(context, goal, form), unpacked(text(raw["tree"], "tree")), points)


def _charts(context: Context, goal: Goal, proof: Json) -> int:
    raw = fields(proof, goal.name, {"rule", "radius", "core", "charts"}, {"form"})
    radius = rational(raw["radius"], "radius")
    core, charts = pieces(goal, radius)
    given = fields(raw["charts"], f"{goal.name}.charts", set(charts), set())
    _, polynomial = shaped(context, goal, text(raw.get("form", "cleared"), "form"))
    count = check_goal(context, replace(goal, box=core), raw["core"])
    for chart in charts:
        inner = charted(context, goal, polynomial, chart, radius)
        count += check_goal(context, inner, given[chart])
    return count


def minors(context: Context, goal: MatrixGoal) -> dict[str, Goal]:
    """All principal minors ≥ 0; for a definite matrix the leading ones > 0. By name, "0,2" say."""
    size = len(goal.rows)
    if size > MAX_MINORS:
        raise ClaimError(f"minors: of at most {MAX_MINORS} rows")
    if goal.strict:
        chosen = [tuple(range(k + 1)) for k in range(size)]
    else:
        chosen = [c for k in range(1, size + 1) for c in combinations(range(size), k)]
    found = {}
    for rows in chosen:
        block = [[goal.rows[i][j] for j in rows] for i in rows]
        name = ",".join(map(str, rows))
        found[name] = Goal(
            f"{goal.name}[{name}]",
            goal.variables,
            goal.box,
            _determinant(context.terms, block),
            goal.strict,
            goal.constraints,
            goal.parameters,
            positive=goal.positive,
        )
    return found


def _determinant(terms: Terms, rows: Sequence[Sequence[Node]]) -> Node:
    """By expansion along the first row."""
    if len(rows) == 1:
        return rows[0][0]
    total = terms.zero
    for j, entry in enumerate(rows[0]):
        if entry != terms.zero:
            rest = [[x for k, x in enumerate(row) if k != j] for row in rows[1:]]
            part = terms.mul(entry, _determinant(terms, rest))
            total = terms.sub(total, part) if j % 2 else terms.add(total, part)
    return total


def _check_matrix(context: Context, goal: MatrixGoal, proof: Json) -> int:
    rule = proof.get("rule")
    if rule == "minors":
        raw = fields(proof, goal.name, {"rule", "proofs"}, set())
        goals = minors(context, goal)
        given = fields(raw["proofs"], goal.name, set(goals), set())
        return sum(check_goal(context, goals[name], given[name]) for name in goals)
    if rule == "free":
        raw = fields(proof, goal.name, {"rule", "proof"}, set())
        return check_goal(context, freed_matrix(context, goal), raw["proof"])
    if rule == "gram":
        raw = fields(proof, goal.name, {"rule", "shifts", "proofs"}, set())
        shifts = [rational(x, "shifts") for x in items(raw["shifts"], "shifts")]
        weights = shifted(context, goal, shifts)
        proofs = items(raw["proofs"], goal.name)
        if len(proofs) != len(weights):
            raise Rejected(f"{goal.name}: one proof for each weight")
        return 1 + sum(check_goal(context, g, p) for g, p in zip(weights, proofs, strict=True))
    if rule == "paving":
        raw = fields(proof, goal.name, {"rule", "tree"}, set())
        tree = unpacked(text(raw["tree"], "tree"))
        return walk(MatrixLeaves(context, goal), tree, [])
    raise ClaimError(f"{goal.name}: there is no rule {rule!r} for matrices")


def sub_proofs(proofs: Json) -> dict[str, Json]:
    """The proofs of a certificate, by goal. Raises ClaimError."""
    if not isinstance(proofs, dict):
        raise ClaimError("certificate: proofs are an object")
    texts(dict.fromkeys(proofs, ""), "proofs")
    return proofs
