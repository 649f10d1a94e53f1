"""The worst case of an algorithm at given constants, found by an SDP and proved exactly.

The dual of the performance-estimation problem (Drori, Teboulle 2014; Taylor, Hendrickx, Glineur
2017) is a combination of instances of the hypotheses and a positive semidefinite form. A solver
finds it in floating point; here it is rounded to rationals with room to spare, and written as a
certificate. Only the kernel's answer counts: a poor rounding is rejected, never believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from time import monotonic
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.certificate import certificate
from boundcalc.kernel.check import check
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.grammar import GrammarError, parse
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Proved, Undecided
from boundcalc.kernel.polynomial import Ratio, ratio
from boundcalc.kernel.scope import Vector
from boundcalc.library.proofs import certificate_of
from boundcalc.search.dual import Program, Weights, best, room_at, trimmed, useful_at
from boundcalc.search.forms import Frame, NotLinear, mean_relations, moved_out
from boundcalc.search.instances import Material, material
from boundcalc.search.questions import (
    GAP,
    USED,
    Question,
    concluded,
    gradient_descent,
    stochastic_gradient_descent,
)
from boundcalc.search.rounding import exact_squares, nearest_combination

MARGINS = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)  # added to the worst case until rounding succeeds
MOST_POINTS = 13  # steps, their midpoints and the start: the finder's size
MOST_INSTANCES = 700
TIME_LIMIT = 10.0  # seconds, after which no further rounding is tried
NO_ROOM = 1e-8
UNUSED = 1e-7
LEEWAY = 1e-6  # of the first coefficient, while the others are made small after it


@dataclass(frozen=True)
class WorstCase:
    """last ≤ Σ theta·start, proved; `certificate` is the proof's JSON.

    factor : theta[0], of the starting value. numerical : the solver's own value of it.
    """

    factor: Fraction
    proved: Proved
    certificate: Mapping[str, Any]
    numerical: float
    theta: tuple[Fraction, ...]
    question: Question


def worst_case(
    conditions: Sequence[str],
    step_size: Fraction,
    n: int,
    midpoints: int = 0,
    measure: str = GAP,
    start: str = GAP,
) -> WorstCase | Undecided:
    """A proved factor of n steps of gradient descent, close to the solver's best one.

    conditions : such as "pl(f; mu = 1/5)" and "smooth(f; L = 1)"; of f, with rational constants.
    midpoints : points on each step's segment at which the conditions are used too; where the class
        of functions has no exact interpolation inequalities (pl), they sharpen the factor.
    measure, start : what is bounded, and by a multiple of what (questions.gradient_descent).

    Raises InputError for conditions that this finder does not know how to use.
    """
    if n < 1 or midpoints < 0 or n * (midpoints + 1) + 1 > MOST_POINTS:
        expected = f"steps and midpoints of at most {MOST_POINTS} points"
        raise InputError(Fault("--n, --midpoints", f"{n}, {midpoints}", expected, "ask for fewer"))
    return solve(gradient_descent(conditions, step_size, n, measure, start, midpoints), (1.0,))


def sgd_worst_case(
    conditions: Sequence[str],
    step_size: Fraction,
    measure: str,
    start: str,
    costs: tuple[float, float, float] = (1.0, 0.0, 0.0),
) -> WorstCase | Undecided:
    """The best proved coefficients of one step of SGD: of the start, of sigma2, and a constant.

    costs : what is made small is the sum of coefficients with these weights, so that the values of
    start and sigma2 give the smallest bound for them; with (1, 0, 0) the noise comes second.

    Raises InputError as `worst_case` does.
    """
    return solve(stochastic_gradient_descent(conditions, step_size, measure, start), costs)


@dataclass(frozen=True)
class Asked:
    """A question, what is known of it, and its semidefinite program."""

    question: Question
    known: Material
    moves: Mapping[str, Vector]
    program: Program


def asked(question: Question) -> Asked | Undecided:
    """The program of a question; undecided where it is too large or not readable."""
    try:
        known = material(question.claim, USED, define=question.define)
    except (Rejected, ClaimError, GrammarError) as error:
        return Undecided(None, str(error))
    if len(known.use) > MOST_INSTANCES:
        return Undecided(None, f"{len(known.use)} instances; ask for fewer points")
    moves = {name: known.context.scope.vector(parse(t, None)) for name, t in question.moves.items()}
    return Asked(question, known, moves, trimmed(_program(known, question, moves)))


def prove_at(ask: Asked, theta: Sequence[Fraction]) -> WorstCase | None:
    """The bound with these very coefficients, if the finder's proof of it checks."""
    numerical = [float(t) for t in theta]
    return _proved_at(replace(ask, program=_with_room(ask.program, numerical)), theta)


def _proved_at(ask: Asked, theta: Sequence[Fraction]) -> WorstCase | None:
    found = _checked(ask, theta)
    if found is None:
        return None
    return WorstCase(theta[0], *found, float(theta[0]), tuple(theta), ask.question)


def solve(question: Question, costs: Sequence[float]) -> WorstCase | Undecided:
    """Numeric dual → rationals → kernel."""
    ask = asked(question)
    if isinstance(ask, Undecided):
        return ask
    program, end = ask.program, monotonic() + TIME_LIMIT
    numerical = best(program, costs)
    if numerical is not None and len(numerical) > 1 and not any(costs[1:]):
        capped = best(program, [0.0] + [1.0] * (len(numerical) - 1), numerical[0] + LEEWAY)
        numerical = numerical if capped is None else capped
    if numerical is None:
        return Undecided(None, "the solver found no bound: perhaps there is none")
    ask = replace(ask, program=_with_room(program, numerical))
    for margin in MARGINS:
        theta = _above(numerical, margin)
        if question.rule == "contraction" and theta[0] >= 1:
            break
        found = _proved_at(ask, theta)
        if found is not None:
            return replace(found, numerical=numerical[0])
        if monotonic() > end:
            return Undecided(None, f"the solver says {numerical[0]:.9g}; time was up")
    if question.rule == "contraction" and numerical[0] >= 1 - MARGINS[0]:
        return Undecided(None, f"the solver says {numerical[0]:.9g}: no contraction")
    said = f"the solver says {numerical[0]:.9g}, but no rounding of its proof checked"
    return Undecided(None, said)


def _above(numerical: Sequence[float], margin: float) -> list[Fraction]:
    """Rationals just above; 0 for a noise coefficient that the solver does not need."""
    made = [Fraction(ceil((max(t, 0.0) + margin) * 10**12), 10**12) for t in numerical]
    noise = zip(numerical[1:], made[1:], strict=True)
    return [made[0], *(Fraction(0) if t < UNUSED else above for t, above in noise)]


def _with_room(program: Program, numerical: Sequence[float]) -> Program:
    """Without instances that can have no weight even far above the optimum: they leave no room."""
    theta = _above(numerical, MARGINS[-1])
    weights = room_at(program, theta)
    if weights is not None and weights.room > NO_ROOM:
        return program
    return useful_at(program, theta)


def _program(known: Material, question: Question, moves: Mapping[str, Vector]) -> Program:
    """All instances as forms; those that are not linear in values and inner products are left."""
    context = known.context
    given: dict[str, Ratio] = {}
    names = [*known.use, *(n for n, a in context.assumptions.items() if n.startswith("least"))]
    for name in names:
        assumption = context.known(name)
        if assumption is not None and assumption.kind != "=":
            given[name] = assumption.value
    if question.expected:
        given |= {"sigma2": context.scope.scalars["sigma2"], "1": ratio(Fraction(1))}
    starts = [context.scope.scalar(parse(text, None)) for text in question.starts]
    last = context.scope.scalar(parse(question.last, None))
    every = [*given.values(), *starts, last]
    means = mean_relations(context, every) if question.expected else []
    frame = Frame(context, [*every, *means], moves)
    forms = {}
    for name, value in given.items():
        try:
            forms[name] = frame.form(value)
        except NotLinear:
            continue
    return Program(
        {name: form for name, form in forms.items() if form.linear or form.quadratic},
        [frame.form(value) for value in means],
        [frame.form(value) for value in starts],
        frame.form(last),
    )


def _checked(ask: Asked, theta: Sequence[Fraction]) -> tuple[Proved, dict[str, Any]] | None:
    """The kernel's word on a rounding of the solver's weights at these θ."""
    known, question, program = ask.known, ask.question, ask.program
    weights = room_at(program, theta)
    made = None if weights is None else _sum(program, theta, weights)
    if made is None:
        return None
    exact, squares = made
    terms = [f"{weight}*{name}" for name, weight in exact.items() if weight]
    terms += [f"{weight}*sqnorm({vector})" for weight, vector in squares]
    claim = {**question.claim, "conclusion": concluded(question, theta)}
    try:
        if ask.moves:
            equations, zeros = _equations(ask, theta, exact, squares)
            claim["setup"] = [*claim["setup"], *equations]
            terms += zeros
        proof = _proof(known, question, theta, terms, exact)
        proved = check(claim, proof, known.premises)
    except (Rejected, NotLinear):
        return None
    needed = {entry["by"]: certificate_of(entry["by"]) for entry in proof["derive"]}
    return proved, certificate(claim, proof, needed)


def _sum(
    program: Program, theta: Sequence[Fraction], weights: Weights
) -> tuple[dict[str, Fraction], list[tuple[Fraction, str]]] | None:
    """Exact weights and an exact sum of squares; None where rounding lost positivity."""
    target = program.last.scaled(Fraction(-1))
    for t, start in zip(theta, program.starts, strict=True):
        target = target.minus(start.scaled(-t))
    found = nearest_combination(program, target, weights)
    if found is None:
        return None
    exact, free = found
    rest = target
    for name, weight in exact.items():
        rest = rest.minus(program.instances[name].scaled(weight))
    for form, multiplier in zip(program.free, free, strict=True):
        rest = rest.minus(form.scaled(multiplier))
    squares = exact_squares(rest)
    return None if squares is None else (exact, squares)


def _equations(
    ask: Asked,
    theta: Sequence[Fraction],
    exact: Mapping[str, Fraction],
    squares: Sequence[tuple[Fraction, str]],
) -> tuple[list[dict[str, str]], list[str]]:
    """Inner products of x_{k+1} − x_k + γ ∇f(x_k) = 0 that the proof needs, and their multiples.

    They follow from the claim's own equation, that the squared norm of this difference is 0.
    """
    scope = ask.known.context.scope
    rest = ratio(theta[0]) * scope.scalar(parse(ask.question.starts[0], None))
    rest = rest - scope.scalar(parse(ask.question.last, None))
    for name, weight in exact.items():
        rest = rest - ratio(weight) * ask.known.context.assumptions[name].value
    for weight, text in squares:
        vector = scope.vector(parse(text, None))
        rest = rest - ratio(weight) * scope.inner(vector, vector)
    found = moved_out(ask.known.context, rest.numerator, ask.moves)
    equations, terms = [], []
    for number, ((x, v), multiplier) in enumerate(found.items()):
        name = f"{x}_move{number}"
        holds = f"dot({x} - ({ask.question.moves[x]}), {v}) = 0"
        equations.append({"name": name, "holds": holds})
        terms.append(f"zero({name}, {_signed(multiplier)})")
    return equations, terms


def _signed(number: Fraction) -> str:
    return str(number) if number >= 0 else f"0 - {-number}"


def _proof(
    known: Material,
    question: Question,
    theta: Sequence[Fraction],
    terms: Sequence[str],
    exact: Mapping[str, Fraction],
) -> dict[str, Any]:
    """The proof's tables; long sums in groups, as the grammar asks for."""
    groups = ["(" + " + ".join(terms[k : k + 50]) + ")" for k in range(0, len(terms), 50)]
    used = {n: known.use[n] for n, weight in exact.items() if weight and n in known.use}
    sources = {entry[0].partition(".")[0] for entry in used.values()}
    derived = [dict(entry) for entry in known.derive if entry["name"] in sources]
    show = {"main": {"by": " + ".join(groups) or "0"}}
    if question.rule == "contraction":
        noise = concluded(question, theta)["noise"]
        show = {"step": show["main"], "rate": {"by": str(theta[0])}, "noise": {"by": noise}}
        show |= {"below_one": {"by": str(1 - theta[0])}, "floor": {"by": "0"}}
    elif question.rule == "telescoping":
        # the step is scaled: weight·quantity ≤ V − E V⁺ + noise, with weight = 1/θ
        scaled = {"factor": str(theta[0]), "by": show["main"]["by"]}
        start = {"by": "sqnorm(x - xp)"}
        if question.potential != "dist2(x)":
            used["start_low"], start = ["def.lower", "x"], {"by": "start_low"}
        show = {"step": scaled, "potential": start, "weight": {"by": str(1 / theta[0])}}
        show |= {"start": {"by": "0"}, "initial_start": start, "bound": {"by": "0"}}
    return {"use": used, "derive": derived, "define": list(question.define), "show": show}
