"""Search for an exact sum-of-squares representation of one polynomial."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from boundcalc.kernel.polynomial import Polynomial
from boundcalc.search.sos.clock import Clock, clock
from boundcalc.search.sos.cone import Cone, Shape
from boundcalc.search.sos.faces import reduced
from boundcalc.search.sos.identity import Identity, holds, identity, texts
from boundcalc.search.sos.moments import Solution, largest, metric_at, roomiest
from boundcalc.search.sos.outcome import Failure, Largest
from boundcalc.search.sos.packed import ONE, Packed, add_square, read, times
from boundcalc.search.sos.rounding import Exact, exact
from boundcalc.search.sos.task import Task, set_up, shapes

WEIGHTS = (10.0, 1.0)  # of constraints in the scales: first their domain's size, then the goal's
CERTAIN = 1e-4  # room this negative does not come from bad scales
NEGATIVE = 1e-6  # room below this says that there is no representation
NARROW = 1e-4  # room below this is measured again, against the solution itself
POSITIVE = 1e-8  # room above this is worth rounding at once
SHARPENINGS = 2  # solutions measured against the one before
MOST_ROUNDS = 4  # of facial reduction


def sos(
    goal: Polynomial,
    variables: Sequence[str],
    constraints: Sequence[Polynomial] = (),
    equalities: Sequence[Polynomial] = (),
    *,
    zeros: Sequence[Sequence[Fraction]] = (),
    ideal: Sequence[Polynomial] = (),
    multiplier: Sequence[tuple[Fraction, Polynomial]] | int = 0,
    products: int = 2,
    extra_degree: int = 2,
    seconds: float = 30.0,
) -> dict[str, Any] | Failure:
    """Exact squares that prove goal ≥ 0 where all constraints are ≥ 0 and all equalities are 0.

    The answer is {"rule": "sos", "squares": [[w, q], ...], "multiplier": [[w, q], ...],
    "products": [{"constraints": [j, ...], "squares": [[w, q], ...]}, ...],
    "equalities": [{"constraint": k, "times": p}, ...]}, all numbers and polynomials as texts and
    empty parts (but not "squares") left out. It stands for the identity, multiplied out exactly,

        (1 + Σ_multiplier w·q²)·goal = Σ w·q² + Σ_J (Π_{j∈J} d_j)·Σ w·q² + Σ p·h_k,   w ≥ 0.

    zeros : rational points of the domain where the goal is 0 (each saves an SDP on the boundary).
    ideal : polynomials that vanish where the goal does; only squares of Σ (polynomial)·(ideal's)
        are tried then. Helps where a whole curve or surface of zeros lies in the domain's interior.
    multiplier : squares (w, q) of a multiplier 1 + Σ w·q², or the degree of one to be found.
    products : the most constraints multiplied with each other.
    extra_degree : how far the identity's degree may exceed the least possible one.
    seconds : wall-clock budget.

    Raises ValueError for an unknown variable or a degree above 60.
    """
    timer = clock(seconds)
    names = tuple(variables)
    given = [] if isinstance(multiplier, int) else [(w, read(q, names)) for w, q in multiplier]
    whole = read(goal, names)
    bounds = [read(p, names) for p in constraints]
    ties = [read(p, names) for p in equalities]
    fixed = dict(ONE)
    for weight, q in given:
        add_square(fixed, weight, q, ONE)
    target = times(fixed, whole)
    if not target:
        return texts(Identity(given, [], []), names)
    known = [read(p, names) for p in ideal]
    tasks = [
        set_up([target], bounds, ties, zeros, known, names, weight)
        for weight in (WEIGHTS if bounds else WEIGHTS[:1])
    ]
    sought = multiplier if isinstance(multiplier, int) else 0
    last: Failure | None = None
    for shape in shapes(tasks[0], products, extra_degree, sought):
        for task in tasks:
            found = _in_shape(task, shape, timer)
            if isinstance(found, Failure):
                if last is None or found.reason != "too-large":
                    last = found
                if found.reason in ("time", "too-large"):
                    return last
                if found.room is not None and found.room < -CERTAIN:
                    break  # not a matter of scales
                continue
            said = identity(task, *found, given)
            if holds(said, whole, bounds, ties):
                return texts(said, names)
            last = Failure("rounding", "the rounded identity is not exact")
    return last or Failure("not-sos", "no shape of representation fits")


def tightest(
    goal: Polynomial,
    constant: str,
    variables: Sequence[str],
    constraints: Sequence[Polynomial] = (),
    equalities: Sequence[Polynomial] = (),
    *,
    zeros: Sequence[Sequence[Fraction]] = (),
    ideal: Sequence[Polynomial] = (),
    products: int = 1,
    extra_degree: int = 0,
    seconds: float = 30.0,
) -> Largest | Failure:
    """The largest c, in floating point, for which goal(c) has a representation; goal affine in c.

    zeros : points at which the goal is 0 for every c.
    ideal : as for `sos`, for every c.

    Raises ValueError for an unknown variable, or a goal that is not affine in the constant.
    """
    timer = clock(seconds)
    names = tuple(variables)
    start, slope = _split(goal, constant, names)
    bounds = [read(p, names) for p in constraints]
    ties = [read(p, names) for p in equalities]
    known = [read(p, names) for p in ideal]
    task = set_up([start, slope], bounds, ties, zeros, known, names, WEIGHTS[0])
    best: Largest | Failure = Failure("not-sos", "no shape of representation was small enough")
    for shape in shapes(task, products, extra_degree, 0):
        cone = task.cone(shape)
        if isinstance(cone, str):
            best = Failure("too-large", cone) if isinstance(best, Failure) else best
            break
        solution = _largest(cone, task.goals, timer)
        if not isinstance(solution, str):
            if not isinstance(best, Largest) or solution.value > best.value:
                best = Largest(solution.value, solution.accurate, shape.degree, shape.products)
        elif isinstance(best, Failure):
            best = _unsolved(solution)
    return best


def _largest(cone: Cone, goals: Sequence[Packed], timer: Clock) -> Solution | str:
    """Plain, and sharper where A itself has little room; errors are upward, so the smaller one."""
    solution = largest(cone, goals[0], goals[1], timer.left())
    base = roomiest(cone, goals[0], timer.left())
    if isinstance(base, str) or isinstance(solution, str) or base.room > NARROW:
        return solution
    again = largest(cone, goals[0], goals[1], timer.left(), metric_at(base))
    if isinstance(again, str) or not again.accurate or again.value > solution.value:
        return solution
    return again


def _split(goal: Polynomial, constant: str, names: tuple[str, ...]) -> tuple[Packed, Packed]:
    """A and B of goal = A + c·B."""
    parts: tuple[dict[Any, Fraction], dict[Any, Fraction]] = ({}, {})
    for monomial, coefficient in goal.terms.items():
        powers = dict(monomial)
        degree = powers.pop(constant, 0)
        if degree > 1:
            raise ValueError(f"the goal is not affine in {constant}")
        parts[degree][tuple(powers.items())] = coefficient
    return read(Polynomial(parts[0]), names), read(Polynomial(parts[1]), names)


def _unsolved(status: str) -> Failure:
    if status == "MaxTime":
        return Failure("time", "the semidefinite program ran out of time")
    return Failure("not-sos", f"the semidefinite program has no solution ({status})")


def _in_shape(task: Task, shape: Shape, timer: Clock) -> tuple[Cone, Exact] | Failure:
    """A representation in one shape of cone, through facial reductions where it has no room."""
    cone = task.cone(shape)
    if isinstance(cone, str):
        return Failure("too-large", cone)
    if not cone.blocks:
        return Failure("not-sos", "no monomial can occur in a square")
    goal = task.goals[0]
    waiting = [(cone, 0)]
    failure: Failure | None = None
    while waiting:
        cone, depth = waiting.pop()
        solution, found = _interior(cone, goal, timer)
        if found is not None:
            return cone, found
        if timer.over():
            return Failure("time", "the time ran out before exact numbers were found")
        if isinstance(solution, str):
            failure = failure or _unsolved(solution)
            continue
        room = solution.room
        if room < -NEGATIVE:
            detail = f"no representation of degree {shape.degree} with products of {shape.products}"
            failure = failure or Failure("not-sos", detail, room)
            continue
        if room > POSITIVE:
            failure = failure or Failure("rounding", "no rounding kept the matrices definite", room)
        else:
            failure = failure or Failure("boundary", "no room, and no rational face found", room)
        if depth < MOST_ROUNDS:
            waiting += [(smaller, depth + 1) for smaller in reversed([*reduced(cone, solution)])]
    return failure or Failure("not-sos", "nothing to try")


def _interior(cone: Cone, goal: Packed, timer: Clock) -> tuple[Solution | str, Exact | None]:
    """The solver's answer in plain coordinates, and exact numbers near it or a sharper answer."""
    first = solution = roomiest(cone, goal, timer.left())
    for _ in range(SHARPENINGS + 1):
        if isinstance(solution, str) or solution.room < -NEGATIVE:
            break
        found = exact(cone, goal, solution, timer.running)
        if found is not None:
            return first, found
        if timer.over() or isinstance(first, str) or abs(first.room) > NARROW:
            break
        solution = roomiest(cone, goal, timer.left(), metric_at(solution))
    return first, None
