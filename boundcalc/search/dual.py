"""The semidefinite programs: the smallest factor, and weights that leave room for rounding."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from boundcalc.search.coefficients import Form


def smallest_factor(instances: Mapping[str, Form], start: Form, last: Form) -> float | None:
    """The least ρ with ρ·start − last = Σ weight·instance + a semidefinite form, in floats."""
    import cvxpy as cp

    rate = cp.Variable()
    weights, form, constraints = _program(instances, start, last, rate)
    problem = cp.Problem(cp.Minimize(rate), [*constraints, form >> 0, weights >= 0])
    return float(problem.value) if _solved(problem) and problem.value is not None else None


def room_at(
    instances: Mapping[str, Form], start: Form, last: Form, factor: Fraction
) -> dict[str, float] | None:
    """Weights at a given ρ that keep as far as possible from the boundary of the cones."""
    import cvxpy as cp
    import numpy as np

    weights, form, constraints = _program(instances, start, last, float(factor))
    room = cp.Variable()
    inside = [form >> room * np.eye(len(start.gram)), weights >= room, room <= 1]
    if not _solved(cp.Problem(cp.Maximize(room), [*constraints, *inside])):
        return None
    return dict(zip(instances, map(float, weights.value), strict=True))


def _program(instances: Mapping[str, Form], start: Form, last: Form, rate: Any) -> Any:
    """Weights, the form that is left, and the equations between linear parts."""
    import cvxpy as cp
    import numpy as np

    rows = list(instances.values())
    weights = cp.Variable(len(rows))
    constraints = []
    for atom in sorted(set().union(*(form.linear for form in (*rows, start, last)))):
        column = np.array([float(form.linear.get(atom, 0)) for form in rows])
        target = rate * float(start.linear.get(atom, 0)) - float(last.linear.get(atom, 0))
        constraints.append(column @ weights == target)
    size = len(start.gram)
    form = cp.Variable((size, size), symmetric=True)
    combined = sum(weights[k] * row.matrix() for k, row in enumerate(rows))
    constraints.append(form == rate * start.matrix() - last.matrix() - combined)
    return weights, form, constraints


def _solved(problem: Any) -> bool:
    import cvxpy as cp

    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.error.SolverError:
        return False
    return problem.status in ("optimal", "optimal_inaccurate")
