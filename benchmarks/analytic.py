"""Claims about given functions: cost by dimension, and other solvers on the same claims.

python benchmarks/analytic.py [cost|compare]    # Markdown; a few minutes

The others (alkahest, SumOfSquares, cvxpy, codac, z3-solver) are optional, as is sympy, which writes
the inequalities for them: install them in an environment of their own.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from queue import Empty
from typing import Any

from boundcalc.kernel.analytic.check import verify
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import Case, decide
from boundcalc.search.prove.budget import Budget

DIMENSIONS = (1, 2, 3, 4, 6)
LIMIT = 20.0  # seconds, of each claim of ours
THEIRS = 6.0  # seconds, of each claim of the others
SHARE = Fraction(4, 5)  # of the best constant found in floating point
RADIUS = 30  # of the box that stands for "everywhere" where a solver needs one
FLOATING = 1e-6  # what a semidefinite program cannot tell from zero
REPEATS = 3

# -- cost by dimension


def chain(v: list[str]) -> list[str]:
    """Nonconvex, neighbours coupled."""
    own = [f"{x}^2 + 3/2*sin({x})^2" for x in v]
    return [" + ".join(own + [f"1/2*sin({a})*sin({b})" for a, b in pairwise(v)])]


def separable(v: list[str]) -> list[str]:
    """Nonconvex, nothing coupled."""
    return [" + ".join(f"{x}^2 + 3*sin({x})^2" for x in v)]


def quartic(v: list[str]) -> list[str]:
    """Nonconvex from two variables on, a polynomial."""
    own = [f"{x}^2 + 1/4*{x}^4" for x in v]
    return [" + ".join(own + [f"2*{a}^2*{b}^2" for a, b in pairwise(v)])]


def ring(v: list[str]) -> list[str]:
    """A residual map; ½‖F‖² falls by its tangent kernel."""
    return [f"{a} + 1/4*sin({b})" for a, b in zip(v, v[1:] + v[:1], strict=True)]


FAMILIES: list[tuple[str, Callable[[list[str]], list[str]], str, str, bool]] = [
    ("chain", chain, "pl", "-2:2", False),
    ("chain", chain, "pl", "-1:1", False),
    ("separable", separable, "pl", "", False),
    ("quartic", quartic, "pl", "", False),
    ("tangent kernel", ring, "pl-star", "", True),
]


def best_of(run: Callable[[], Any]) -> tuple[Any, float]:
    """What `run` gives, and the least of its times; once only where that takes 3 s or more."""
    least = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = run()
        least = min(least, time.perf_counter() - start)
        if least > 3:
            break
    return result, least


def cost() -> None:
    print("| family | domain | dim. | claim | verdict | time | method | certificate | replay |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, make, condition, side, residual in FAMILIES:
        for n in DIMENSIONS:
            v = [f"x{i}" for i in range(1, n + 1)]
            domain = ",".join(f"{x}={side}" for x in v) if side else None
            problem = problem_from(make(v), residual=residual, domain=domain)
            found = Case(problem, condition, Budget(LIMIT)).estimate({})
            if found is None or found.value is None:
                print(f"| {name} | {side} | {n} | {condition} | no estimate |", flush=True)
                continue
            mu = (Fraction(str(found.value)) * SHARE).limit_denominator(1000)
            given = {"mu": str(mu)}
            made, took = best_of(lambda p=problem, c=condition, g=given: decide(p, c, g, LIMIT))
            size, replay = "", ""
            method = made.method or made.reason
            if made.certificate is not None:
                size = f"{len(json.dumps(made.certificate)):,} B"
                replay = shown(best_of(lambda c=made.certificate: verify(c))[1])
            where = f"[{side.replace(':', ', ')}]^n" if side else "R^n"
            claim = f"{condition}, {mu} ({float(mu / Fraction(str(found.value))):.0%})"
            print(
                f"| {name} | {where} | {n} | {claim} | {made.verdict} | {shown(took)} | {method} |"
                f" {size} | {replay} |",
                flush=True,
            )


def shown(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


# -- the same claims for all


@dataclass(frozen=True)
class Claim:
    """A claim, and the inequalities g ≥ 0 that say it; f* and minimisers are given to the others.

    inequalities : sympy text, each over the domain.
    """

    what: str
    truth: str
    formulas: list[str]
    condition: str
    constants: dict[str, str]
    inequalities: list[str]
    domain: dict[str, tuple[str, str]] = field(default_factory=dict)
    residual: bool = False


SINE = "x**2 + 3*sin(x)**2"
SLOPE = "(2*x + 6*sin(x)*cos(x))"
WITH_SIN = "x**2/2 + (y - sin(x))**2/2"
HYPERBOLA = "(u*v - 1)**2"
PAIR = ["(x-1)^2/2", "(x+1)^2/2"]
CHAIN = "x**2 + 3/2*sin(x)**2 + y**2 + 3/2*sin(y)**2 + 1/2*sin(x)*sin(y)"
RATIONAL = ["(x+y)^2/(1+(x+y)^2)", "(x+y+1)^2/(1+(x+y+1)^2)"]
QUARTIC = "x**2 + y**2 + x**2*y**2"


def _pl(f: str, mu: str, variables: str) -> str:
    """½‖∇f‖² − μf, for f* = 0, as sympy text (sympy differentiates it when it is read)."""
    squares = " + ".join(f"Derivative({f}, {x})**2" for x in variables)
    return f"({squares})/2 - {mu}*({f})"


def _pair(beta: str) -> list[str]:
    """(2, β) for ½(x ∓ 1)², by symmetry the first is enough; the minimiser is 0."""
    return [f"(x - 1)*x - 2*((x - 1)**2/2 - 1/2) + {beta}*(x - 1)**2/2"]


def claims() -> list[Claim]:
    """The reference table of analytic constants, each just inside or outside, and five more."""
    everywhere = "u**2*(1 + u**2)"
    box = {"u": ("1/2", "2"), "v": ("1/2", "2")}
    one = {"x": ("-1", "1")}
    square = {"x": ("-2", "2"), "y": ("-2", "2")}
    mu = "0.05879"

    def pl(f: str, mu: str, truth: str, variables: str = "x", **more: Any) -> Claim:
        goal = [_pl(f, Fraction(mu).__str__(), variables)]
        return Claim(f"{f} | pl {mu}", truth, [f], "pl", {"mu": mu}, goal, **more)

    def residual(
        f: str, mu: str, truth: str, goal: str, domain: dict[str, tuple[str, str]]
    ) -> Claim:
        what = f"½({f})² | pl-star {mu}"
        return Claim(what, truth, [f], "pl-star", {"mu": mu}, [goal], domain, True)

    def sine(condition: str, constant: str, value: str, *goals: str) -> Claim:
        what = f"{SINE} | {condition} {value}"
        return Claim(what, "true", [SINE], condition, {constant: value}, list(goals))

    def pair(beta: str, truth: str) -> Claim:
        given = {"alpha": "2", "beta": beta}
        what = f"½(x ∓ 1)² | alpha-beta 2, {beta}"
        return Claim(what, truth, PAIR, "alpha-beta", given, _pair(str(Fraction(beta))))

    bend = "(2 + 6*cos(x)**2 - 6*sin(x)**2)"
    return [
        pl(SINE, "0.1755309", "true"),
        pl(SINE, "0.175531", "false"),
        sine("aiming", "theta", "0.49609", f"{SLOPE}*x - 49609/100000*({SINE})"),
        sine("rsi", "mu", "0.696598", f"{SLOPE}*x - 696598/1000000*x**2"),
        sine("qg", "mu", "2", f"{SINE} - x**2"),
        sine("smooth", "L", "8", f"8 - {bend}", f"8 + {bend}"),
        pair("1/2", "true"),
        Claim(
            "u²/(1+u²), (u+1)²/(1+(u+1)²), u = x+y | alpha-beta 0.6, 0.48",
            "true",
            RATIONAL,
            "alpha-beta",
            {"alpha": "0.6", "beta": "0.48"},
            [f"2*u*(u + 1/2) - 3/5*({everywhere} - (1 + u**2)**2/5) + 12/25*{everywhere}"],
        ),
        pl("x**2/(1 + x**2)", "0.01", "false"),
        pl("x**2/(1 + x**2)", "1/4", "true", domain=one),
        pl("x**4", "0.01", "false"),
        residual("u*v - 1", "1/2", "true", f"{HYPERBOLA}*((u**2 + v**2)/2 - 1/4)", box),
        residual("u*v - 1", "0.001", "false", f"{HYPERBOLA}*((u**2 + v**2)/2 - 1/2000)", {}),
        residual("y - sin(x)", "1", "true", "(y - sin(x))**2*((cos(x)**2 + 1)/2 - 1/2)", {}),
        Claim(
            f"(1−x, 10(y−x²)), abs(x) ≤ 2 | uniform-conditioning {mu}",
            "true",
            ["1-x", "10*(y-x^2)"],
            "uniform-conditioning",
            {"mu": mu},
            ["(1 - 5879/100000)*(400*x**2 + 100 - 5879/100000) - 400*x**2"],
            {"x": ("-2", "2"), "y": ("-oo", "oo")},
            True,
        ),
        pl("x**2 + (y - x**2)**2", "0.01", "false", "xy"),
        pl(WITH_SIN, "0.38", "true", "xy"),
        pl(QUARTIC, "2", "true", "xy"),
        pl(CHAIN, "0.15", "true", "xy", domain=square),
        pair("0.4999999", "false"),
        Claim(
            "sqrt(1 + x²) | smooth 1",
            "true",
            ["sqrt(1 + x^2)"],
            "smooth",
            {"L": "1"},
            ["1 - 1/sqrt(1 + x**2)**3", "1 + 1/sqrt(1 + x**2)**3"],
        ),
    ]


@dataclass(frozen=True)
class Question:
    """g ≥ 0 over a box, for one solver. box : name → (low, high), None where unbounded."""

    goal: Any
    names: list[str]
    box: dict[str, tuple[Any, Any] | None]


def questions(claim: Claim) -> list[Question]:
    """The inequalities of a claim, read by sympy (our own text, never a user's)."""
    import sympy

    made = []
    for text in claim.inequalities:
        goal = sympy.sympify(text, rational=True).doit()
        names = sorted(str(s) for s in goal.free_symbols)
        box: dict[str, tuple[Any, Any] | None] = {}
        for name in names:
            low, high = claim.domain.get(name, ("-oo", "oo"))
            box[name] = None if low == "-oo" else (Fraction(low), Fraction(high))
        made.append(Question(goal, names, box))
    return made


def bounded(question: Question) -> dict[str, tuple[Fraction, Fraction]]:
    whole = (Fraction(-RADIUS), Fraction(RADIUS))
    return {name: side or whole for name, side in question.box.items()}


def scope(question: Question) -> str:
    return f" for abs ≤ {RADIUS} only" if None in question.box.values() else ""


def translate(goal: Any, leaf: dict[str, Any], number: Callable[[int, int], Any], own: Any) -> Any:
    """A sympy expression in the language of a solver. own : name of function → function."""
    if goal.is_Rational:
        return number(int(goal.p), int(goal.q))
    if goal.is_Symbol:
        return leaf[str(goal)]
    parts = [translate(a, leaf, number, own) for a in goal.args]
    if goal.is_Add or goal.is_Mul:
        total = parts[0]
        for part in parts[1:]:
            total = total + part if goal.is_Add else total * part
        return total
    if goal.is_Pow:
        exponent = goal.args[1]
        if exponent.q == 2:
            parts[0] = own["sqrt"](parts[0])
        power = own["power"](parts[0], abs(int(exponent.p)))
        return power if exponent > 0 else number(1, 1) / power
    return own[goal.func.__name__](parts[0])


def cleared(question: Question) -> Any:
    """The numerator of g, where g is a rational function with a positive denominator."""
    import sympy

    top, bottom = sympy.fraction(sympy.together(question.goal))
    symbols = [sympy.Symbol(n) for n in question.names]
    if not top.is_polynomial(*symbols) or not bottom.is_polynomial(*symbols):
        raise NotImplementedError("not polynomial")
    return sympy.Poly(top, *symbols)  # denominators here are powers of 1 + x², and numbers > 0


def scaled(question: Question) -> Any:
    """The same with largest coefficient 1, as a tolerance in floating point asks for."""
    poly = cleared(question)
    return poly.to_field().mul_ground(1 / max(abs(c) for c in poly.coeffs()))


def sides(question: Question) -> list[Any]:
    """(x − a)(b − x) of each bounded side."""
    import sympy

    return [
        (sympy.Symbol(n) - sympy.Rational(*_pq(s[0])))
        * (sympy.Rational(*_pq(s[1])) - sympy.Symbol(n))
        for n, s in question.box.items()
        if s
    ]


# -- solvers; each returns (verdict, certificate)


def with_alkahest(question: Question) -> tuple[str, str]:
    import alkahest

    pool = alkahest.ExprPool()
    leaf = {n: pool.symbol(n) for n in question.names}
    own = {"sin": alkahest.sin, "cos": alkahest.cos, "sqrt": alkahest.sqrt}
    own["power"] = lambda base, n: base**n

    def number(p: int, q: int) -> Any:
        return pool.integer(p) if q == 1 else pool.integer(p) / pool.integer(q)

    try:
        goal = translate(cleared(question).as_expr(), leaf, number, own)
    except NotImplementedError:
        return _alkahest_enclosure(alkahest, question, leaf, number, own)
    ends = [(leaf[n], s) for n, s in question.box.items() if s]
    walls = [w for x, (a, b) in ends for w in (x - number(*_pq(a)), number(*_pq(b)) - x)]
    try:
        proof = alkahest.prove_nonneg(goal, list(leaf.values()), constraints=walls)
        return "proved", "exact" if proof.verify() else "none"
    except alkahest.SosError as error:
        if "E-SOS-003" in str(error):
            return "refuted", "exact"
    if len(leaf) == 1 and None in question.box.values():
        (x,) = leaf.values()
        holds, _ = alkahest.decide(alkahest.Forall(x, pool.ge(goal, pool.integer(0))))
        return ("proved" if holds else "refuted"), "none"
    return _alkahest_enclosure(alkahest, question, leaf, number, own)


def _pq(x: Fraction) -> tuple[int, int]:
    return x.numerator, x.denominator


def _alkahest_enclosure(
    alkahest: Any, question: Question, leaf: Any, number: Any, own: Any
) -> tuple[str, str]:
    """Branch and bound; cut at 0, for it decides what is tight at an end but not inside."""
    goal = translate(question.goal, leaf, number, own)
    boxes: list[list[Any]] = [[]]
    for name, (low, high) in bounded(question).items():
        cuts = sorted({low, high} | ({Fraction(0)} if low < 0 < high else set()))
        boxes = [
            [*b, (leaf[name], float(lo), float(hi))] for b in boxes for lo, hi in pairwise(cuts)
        ]
    answers = [alkahest.verified_sign(goal, box, "nonnegative") for box in boxes]
    if "false" in answers:
        return "refuted", "none"
    return ("proved" + scope(question) if set(answers) == {"true"} else "undecided"), "none"


def with_sumofsquares(question: Question) -> tuple[str, str]:
    from SumOfSquares import poly_opt_prob

    poly = scaled(question)
    half = -(-poly.total_degree() // 2)
    problem = poly_opt_prob(list(poly.gens), poly.as_expr(), ineqs=sides(question), deg=half)
    problem.solve(solver="cvxopt", primals=None)
    return _floating(problem.value)


def _floating(bound: float | None) -> tuple[str, str]:
    sure = bound is not None and bound >= -FLOATING
    return ("proved" if sure else "undecided"), "floating dual"


def with_sdp(question: Question) -> tuple[str, str]:
    """max t : g − t − Σ σ_i·(x_i − a_i)(b_i − x_i) is a sum of squares, σ_i too."""
    import cvxpy
    import sympy
    from sympy.polys.monomials import itermonomials

    poly = scaled(question)
    half = -(-poly.total_degree() // 2)
    bound = cvxpy.Variable()
    terms: dict[tuple[int, ...], Any] = {}
    for weight in [sympy.Integer(1), *sides(question)]:
        factor = sympy.Poly(weight, *poly.gens)
        degree = half - (1 if weight != 1 else 0)
        basis = [
            sympy.Poly(m, *poly.gens).monoms()[0] for m in itermonomials(list(poly.gens), degree)
        ]
        gram = cvxpy.Variable((len(basis), len(basis)), PSD=True)
        for i, a in enumerate(basis):
            for j, b in enumerate(basis):
                for c, k in factor.terms():
                    key = tuple(map(sum, zip(a, b, c, strict=True)))
                    terms[key] = terms.get(key, 0) + float(k) * gram[i, j]
    want = {key: float(value) for key, value in poly.terms()}
    zero = (0,) * len(poly.gens)
    rules = [
        made + (bound if key == zero else 0) == want.get(key, 0) for key, made in terms.items()
    ]
    problem = cvxpy.Problem(cvxpy.Maximize(bound), rules)
    problem.solve(solver="CLARABEL")
    return _floating(problem.value if problem.status == cvxpy.OPTIMAL else None)


def with_codac(question: Question) -> tuple[str, str]:
    """Contract by g < 0, evaluate, bisect; a box on which g < 0 at the middle refutes."""
    import codac

    box = bounded(question)
    point = codac.VectorVar(len(question.names))
    leaf = {n: point[i] for i, n in enumerate(question.names)}
    own = {"sin": codac.sin, "cos": codac.cos, "sqrt": codac.sqrt, "power": codac.pow}
    goal = translate(question.goal, leaf, lambda p, q: codac.Interval(p) / codac.Interval(q), own)
    g = codac.AnalyticFunction([point], goal)
    below = codac.CtcInverse(g, codac.Interval(float("-inf"), 0.0))
    stack = [codac.IntervalVector([[float(a), float(b)] for a, b in box.values()])]
    end, touching = time.perf_counter() + THEIRS, False
    while stack:
        piece = stack.pop()
        below.contract(piece)
        if piece.is_empty() or g.eval(piece).lb() >= 0:
            continue
        if g.eval(codac.IntervalVector(piece.mid())).ub() < 0:
            return "refuted", "none"
        if max(piece.diam()) < 1e-9:
            touching = True
        else:
            stack.extend(piece.bisect_largest())
        if time.perf_counter() > end:
            touching = True
            break
    return ("undecided" if touching else "proved" + scope(question)), "none"


def with_z3(question: Question) -> tuple[str, str]:
    import z3

    leaf = {n: z3.Real(n) for n in question.names}
    own = {"power": lambda base, n: base**n}
    goal = translate(cleared(question).as_expr(), leaf, z3.Q, own)
    solver = z3.Solver()
    solver.set("timeout", int(THEIRS * 1000))
    solver.add(goal < 0)
    for name, side in question.box.items():
        if side:
            solver.add(leaf[name] >= z3.Q(*_pq(side[0])), leaf[name] <= z3.Q(*_pq(side[1])))
    answer = str(solver.check())
    verdict = {"unsat": "proved", "sat": "refuted"}.get(answer, "undecided")
    return verdict, {"proved": "unsat without a proof", "refuted": "exact"}.get(verdict, "none")


SOLVERS: dict[str, Callable[[Question], tuple[str, str]]] = {
    "Alkahest": with_alkahest,
    "SumOfSquares": with_sumofsquares,
    "raw SDP (Clarabel)": with_sdp,
    "codac": with_codac,
    "z3": with_z3,
}


PACKAGES = dict(zip(SOLVERS, ("alkahest", "SumOfSquares", "cvxpy", "codac", "z3"), strict=True))


def _answer(name: str, claim: Claim, out: Any) -> None:
    """All inequalities of a claim: proved where all are, refuted where one is."""
    try:
        verdicts, certificate = [], "none"
        asked = questions(claim)
        importlib.import_module(PACKAGES[name])  # not timed
        start = time.perf_counter()
        for question in asked:
            verdict, certificate = SOLVERS[name](question)
            verdicts.append(verdict)
        took = time.perf_counter() - start
        doubtful = [v for v in verdicts if not v.startswith("proved")]
        verdict = "refuted" if "refuted" in verdicts else (doubtful or verdicts)[0]
        out.put((verdict, certificate, took))
    except ImportError:
        out.put(("not installed", "", 0.0))
    except NotImplementedError as error:
        out.put((f"cannot: {error}", "", 0.0))
    except Exception as error:  # noqa: BLE001 - whatever a solver raises belongs in its cell
        out.put((f"failed: {type(error).__name__}, {str(error)[:40]}", "", 0.0))


def ask(name: str, claim: Claim) -> str:
    """One cell, from a process of its own, which is ended when its time is over."""
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    process = context.Process(target=_answer, args=(name, claim, out))
    process.start()
    try:
        verdict, certificate, took = out.get(timeout=THEIRS + 3)
    except Empty:
        return f"undecided in {THEIRS:.0f} s"
    finally:
        process.kill()
        process.join()
    wrong = {"proved": "false", "refuted": "true"}.get(verdict.split(" ")[0]) == claim.truth
    text = f"**wrong: {verdict}**" if wrong else verdict
    if not certificate:
        return text
    return f"{text}, {shown(took)}" + ("" if verdict == "undecided" else f", {certificate}")


def ours(claim: Claim) -> str:
    domain = ",".join(f"{n}={a}:{b}" for n, (a, b) in claim.domain.items()) or None
    problem = problem_from(claim.formulas, residual=claim.residual, domain=domain)
    made, took = best_of(lambda: decide(problem, claim.condition, claim.constants, LIMIT))
    if made.certificate is None:
        return f"undecided, {shown(took)}: {made.reason}"
    verify(made.certificate)
    return f"{made.verdict}, {shown(took)}, exact ({len(json.dumps(made.certificate)):,} B)"


def compare() -> None:
    print("| claim | constants | is | boundcalc |" + "".join(f" {s} |" for s in SOLVERS))
    print("| --- | --- | --- | --- |" + " --- |" * len(SOLVERS))
    for claim in claims():
        cells = [ours(claim), *(ask(name, claim) for name in SOLVERS)]
        print(f"| {claim.what} | {claim.truth} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    parts = {"cost": cost, "compare": compare}
    for part in sys.argv[1:] or parts:
        print(f"load {os.getloadavg()[0]:.1f}\n")
        parts[part]()
        print()
