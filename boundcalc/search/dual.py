"""The semidefinite programs: the best coefficients, and weights that leave room for rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.search.forms import Form

TIME_LIMIT = 8.0  # seconds of one program
NEGLIGIBLE = 1e-7  # of a weight that may be left out


def _cvxpy() -> Any:
    """Imported on use; its names are made at run time, so that types say nothing about them."""
    import cvxpy

    return cvxpy


@dataclass(frozen=True)
class Program:
    """Σ θ_j·starts[j] − last = Σ weight·instance + Σ (any sign)·free + a semidefinite form.

    Weights and θ are nonnegative. Where such numbers exist, last ≤ Σ θ_j·starts[j].
    """

    instances: Mapping[str, Form]
    free: Sequence[Form]
    starts: Sequence[Form]
    last: Form

    def without(self, dropped: set[str]) -> Program:
        """The same with fewer instances."""
        kept = {name: form for name, form in self.instances.items() if name not in dropped}
        return Program(kept, self.free, self.starts, self.last)


@dataclass(frozen=True)
class Weights:
    """A solution in floating point; room : how far it keeps from the boundary of the cones."""

    instances: Mapping[str, float]
    free: Sequence[float]
    room: float


def trimmed(program: Program) -> Program:
    """Without instances whose weight must be 0: some value has one sign wherever it occurs."""
    while True:
        rows = [program.last.scaled(Fraction(-1)), *program.starts]
        signs: dict[str, set[bool]] = {}
        for form in rows:
            for name, c in form.linear.items():
                signs.setdefault(name, set()).add(c > 0)
        for form in program.instances.values():
            for name, c in form.linear.items():
                signs.setdefault(name, set()).add(c < 0)
        for form in program.free:
            for name in form.linear:
                signs[name] = {True, False}
        alone = {
            key
            for key, form in program.instances.items()
            if any(len(signs[name]) == 1 for name, c in form.linear.items() if c)
        }
        if not alone:
            return program
        program = program.without(alone)


def best(program: Program, costs: Sequence[float], most: float | None = None) -> list[float] | None:
    """θ of least total cost, in floats; θ_0 at most `most`."""
    cp = _cvxpy()

    theta = cp.Variable(len(program.starts))
    weights, _, form, constraints = _variables(program, theta)
    constraints += [] if most is None else [theta[0] <= most]
    goal = cp.Minimize(theta @ list(costs))
    constraints += [form >> 0] if form.shape[0] else []
    problem = cp.Problem(goal, [*constraints, weights >= 0, theta >= 0])
    return [float(t) for t in theta.value] if _solved(problem) else None


def room_at(program: Program, theta: Sequence[Fraction]) -> Weights | None:
    """Weights at given θ that keep as far as possible from the boundary of the cones."""
    cp = _cvxpy()
    import numpy as np

    weights, free, form, constraints = _variables(program, [float(t) for t in theta])
    room = cp.Variable()
    inside = [form >> room * np.eye(form.shape[0])] if form.shape[0] else []
    inside += [weights >= room, room <= 1]
    if not _solved(cp.Problem(cp.Maximize(room), [*constraints, *inside])):
        return None
    return _read(program, weights, free, float(room.value))


def useful_at(program: Program, theta: Sequence[Fraction]) -> Program:
    """The program on the face that holds its solutions at these θ, as far as axes show it.

    Instances without weight in any solution are left out; vectors whose square never occurs leave
    the semidefinite form, and their inner products become equations.
    """
    cp = _cvxpy()

    weights, free, form, constraints = _variables(program, [float(t) for t in theta])
    if not form.shape[0]:
        return program
    part, square = cp.Variable(len(program.instances)), cp.Variable(form.shape[0])
    inside = [form >> 0, cp.diag(form) >= square, square >= 0, square <= 1]
    inside += [weights >= part, part >= 0, part <= 1]
    problem = cp.Problem(cp.Maximize(cp.sum(part) + cp.sum(square)), [*constraints, *inside])
    if not _solved(problem):
        return program
    found = _read(program, weights, free, 0.0)
    flat = {v for v, s in zip(program.last.gram, square.value, strict=True) if s < NEGLIGIBLE}
    kept = program.without({n for n, w in found.instances.items() if w < NEGLIGIBLE})
    return Program(
        {name: form.flattened(flat) for name, form in kept.instances.items()},
        [form.flattened(flat) for form in kept.free],
        [form.flattened(flat) for form in kept.starts],
        kept.last.flattened(flat),
    )


def _read(program: Program, weights: Any, free: Any, room: float) -> Weights:
    values = [] if free is None else [float(v) for v in free.value]
    named = dict(zip(program.instances, map(float, weights.value), strict=True))
    return Weights(named, values, room)


def _variables(program: Program, theta: Any) -> Any:
    """Weights, free multipliers, the form that is left, and the equations between values."""
    cp = _cvxpy()
    import numpy as np

    rows, free_rows = list(program.instances.values()), list(program.free)
    weights = cp.Variable(len(rows))
    free = cp.Variable(len(free_rows)) if free_rows else None
    every = (*rows, *free_rows, *program.starts, program.last)
    atoms = sorted(set().union(*(form.linear for form in every)))
    place = {atom: k for k, atom in enumerate(atoms)}

    def table(forms: Sequence[Form]) -> Any:
        made = np.zeros((len(atoms), len(forms)))
        for column, form in enumerate(forms):
            for atom, c in form.linear.items():
                made[place[atom], column] = float(c)
        return made

    def stacked(forms: Sequence[Form]) -> Any:
        return np.array([form.matrix().ravel() for form in forms]).T

    size = len(program.last.gram)
    given = np.array(theta) if isinstance(theta, list) else theta
    form = cp.Variable((size, size), symmetric=True) if size else np.zeros((0, 0))
    left = table(program.starts) @ given - table([program.last])[:, 0]
    quadratic = stacked(program.starts) @ given - stacked([program.last])[:, 0]
    left = left - table(rows) @ weights
    quadratic = quadratic - stacked(rows) @ weights
    if free is not None:
        left = left - table(free_rows) @ free
        quadratic = quadratic - stacked(free_rows) @ free
    if not size:
        return weights, free, form, [left == 0]
    same = cp.reshape(form, (size * size,), order="C") == quadratic
    return weights, free, form, [left == 0, same]


def _solved(problem: Any) -> bool:
    import warnings

    cp = _cvxpy()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of inaccuracy: whatever comes back is rounded and checked
        try:
            problem.solve(solver=cp.CLARABEL, time_limit=TIME_LIMIT)
        except cp.error.SolverError:
            return False
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # Clarabel's, when its arithmetic breaks
                return False
            raise
    return problem.status in ("optimal", "optimal_inaccurate")
