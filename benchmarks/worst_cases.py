"""Theorems and proved worst cases of gradient descent against PEPit's semidefinite programs.

python benchmarks/worst_cases.py [--write]    # prints benchmarks/worst_cases.md; needs .[extras]

PEPit's values are made in this run, in floating point; ours are proved by the kernel.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from boundcalc.kernel.outcome import Undecided
from boundcalc.library.evaluate import rate
from boundcalc.search.worst_case import WorstCase, sgd_worst_case, worst_case

PAGE = Path(__file__).parent / "worst_cases.md"
TOLERANCE = 2e-5  # relative, of the semidefinite programs
SOLVER = "CLARABEL"

# μ, γ, n of the reference table (L = 1), and more of each branch
REFERENCE = [
    ("0.2", "1", 1),
    ("0.2", "0.5", 1),
    ("0.2", "1.366025", 1),
    ("0.2", "1.9", 1),
    ("0.5", "0.5", 1),
    ("0.5", "1", 1),
    ("0.1", "1", 1),
    ("0.2", "1", 3),
    ("0.2", "1.866025", 3),
]
SHORT = [("0.2", "0.25", 1), ("0.1", "0.5", 1), ("0.5", "0.75", 1), ("0.1", "0.25", 3)]
LONG = [("0.1", "1.5", 1), ("0.5", "1.8", 1), ("0.1", "1.9", 3)]


@dataclass(frozen=True)
class Line:
    """One row. theirs : PEPit's worst case. bound : the theorem's, None where there is none.

    found : what the finder proved for the class that PEPit solves. refined, sharper : the same with
    more valid inequalities (PEPit's refined class, the finder's points on each step).
    """

    what: str
    theorem: str
    constants: str
    theirs: float
    bound: float | None
    found: float | None
    refined: float | None = None
    sharper: float | None = None


def example(module: str, name: str, **arguments: Any) -> tuple[float, float]:
    """(worst case, theoretical value) of one of PEPit's examples."""
    from importlib import import_module

    function = getattr(import_module(f"PEPit.examples.{module}"), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        worst, theory = function(**arguments, solver=SOLVER, verbose=-1)
    return float(worst), float(theory)


def proved(found: WorstCase | Undecided | None) -> float | None:
    """The factor, where there is a proof."""
    return float(found.factor) if isinstance(found, WorstCase) else None


def pl(mu: str, gamma: str, n: int, refined: bool) -> float:
    """PEPit's worst case of n steps on smooth functions with the PL condition, L = 1."""
    kind = "expensive" if refined else "naive"
    name = f"gradient_descent_quadratic_lojasiewicz_{kind}"
    numbers = {"L": 1, "mu": float(mu), "gamma": float(gamma), "n": n}
    return example(f"nonconvex_optimization.{name}", f"wc_{name}", **numbers)[0]


def branch(gamma: str) -> str:
    """The theorem for a step size, L = 1."""
    if Fraction(gamma) < 1:
        return "gd-pl-short"
    return "gd-pl-medium" if Fraction(gamma) ** 2 <= 3 else "gd-pl-long"


def pl_line(mu: str, gamma: str, n: int, refined: bool = True) -> Line:
    """The theorem's rate to the n, and the finder on the steps as a whole."""
    theorem = branch(gamma)
    own = rate(theorem, mu=mu, L=1, step_size=gamma).own_rate
    said = [f"pl(f; mu = {mu})", "smooth(f; L = 1)"]
    between = 3 if n == 1 else 2
    return Line(
        what="pl, smooth: f(x_n) − f* from f(x_0) − f*",
        theorem=theorem,
        constants=f"μ = {mu}, γ = {gamma}, n = {n}",
        theirs=pl(mu, gamma, n, refined=False),
        bound=None if own is None else float(own[1]) ** n,
        found=proved(worst_case(said, Fraction(gamma), n)),
        refined=pl(mu, gamma, n, refined=True) if refined else None,
        sharper=proved(worst_case(said, Fraction(gamma), n, between)) if refined else None,
    )


CLASSICAL: dict[str, dict[str, Any]] = {
    "gd-pl": {"L": 1},
    "gd-pl-star": {"beta": 1, "loss0": 1},
    "gd-pl-star-eps": {"beta": 1, "loss0": 1, "epsilon": "1e-6"},
}


def classical(theorem: str, mu: str, gamma: str, n: int) -> Line:
    """The classical rate, which PL* on a ball has as well; PEPit's class is PL everywhere."""
    own = rate(theorem, mu=mu, step_size=gamma, **CLASSICAL[theorem]).own_rate
    return Line(
        what="pl, smooth: f(x_n) − f* from f(x_0) − f*",
        theorem=theorem,
        constants=f"μ = {mu}, γ = {gamma}, n = {n}",
        theirs=pl(mu, gamma, n, refined=False),
        bound=None if own is None else float(own[1]) ** n,
        found=None,
    )


def small_gradients(gamma: str, n: int) -> float:
    """min_{k<n} ‖∇f(x_k)‖² over smooth functions with f(x_0) − inf f ≤ 1, by a program of ours."""
    from PEPit import PEP, Expression
    from PEPit.functions import SmoothFunction

    problem = PEP()
    f = problem.declare_function(SmoothFunction, L=1)
    x, low = problem.set_initial_point(), Expression()
    for k in range(n + 1):
        gradient, value = f.oracle(x)
        problem.add_constraint(value - low >= gradient**2 / 2)  # inf f is this far below, at least
        if k == 0:
            problem.set_initial_condition(value - low <= 1)
        if k < n:
            problem.set_performance_metric(gradient**2)
        x = x - float(gamma) * gradient
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(problem.solve(solver=SOLVER, verbose=0))


def nonconvex(gamma: str, n: int) -> Line:
    found = rate("gd-nonconvex", L=1, step_size=gamma, steps=n, gap0=1).bound
    more = worst_case(["smooth(f; L = 1)"], Fraction(gamma), n - 1, 0, "grad") if n > 1 else None
    return Line(
        what="smooth: min_{k<n} ‖∇f(x_k)‖² from f(x_0) − f*",
        theorem="gd-nonconvex",
        constants=f"γ = {gamma}, n = {n}",
        theirs=small_gradients(gamma, n),
        bound=None if found is None else float(found[1]),
        found=proved(more),
    )


def convex(gamma: str, n: int) -> Line:
    module = "unconstrained_convex_minimization.gradient_descent"
    found = rate("gd-convex", L=1, step_size=gamma, steps=n, dist2=1).bound
    said = ["smooth(f; L = 1)", "convex(f)"]
    return Line(
        what="convex, smooth: f(x_n) − f* from ‖x_0 − x*‖²",
        theorem="gd-convex",
        constants=f"γ = {gamma}, n = {n}",
        theirs=example(module, "wc_gradient_descent", L=1, gamma=float(gamma), n=n)[0],
        bound=None if found is None else float(found[1]),
        found=proved(worst_case(said, Fraction(gamma), n, 0, "gap", "dist")),
    )


def rsi(mu: str, gamma: str, n: int) -> Line:
    module = "unconstrained_convex_minimization.subgradient_method_rsi_eb"
    numbers = {"mu": float(mu), "L": 1, "gamma": float(gamma), "n": n}
    own = rate("gd-rsi-eb", mu=mu, L=1, step_size=gamma).own_rate
    said = [f"rsi(f; mu = {mu})", "eb-upper(f; L = 1)"]
    return Line(
        what="rsi, eb-upper: ‖x_n − x*‖² from ‖x_0 − x*‖²",
        theorem="gd-rsi-eb",
        constants=f"μ = {mu}, γ = {gamma}, n = {n}",
        theirs=example(module, "wc_subgradient_method_rsi_eb", **numbers)[0],
        bound=None if own is None else float(own[1]) ** n,
        found=proved(worst_case(said, Fraction(gamma), n, 0, "dist", "dist")),
    )


def strongly_convex(mu: str, gamma: str, n: int) -> Line:
    module = "tutorials.gradient_descent_contraction"
    numbers = {"mu": float(mu), "L": 1, "gamma": float(gamma), "n": n}
    said = ["smooth(f; L = 1)", f"strongly-convex(f; mu = {mu})"]
    return Line(
        what="strongly convex, smooth: ‖x_n − x*‖² from ‖x_0 − x*‖²",
        theorem="",
        constants=f"μ = {mu}, γ = {gamma}, n = {n}",
        theirs=example(module, "wc_gradient_descent_contraction", **numbers)[0],
        bound=None,
        found=proved(worst_case(said, Fraction(gamma), n, 0, "dist", "dist")),
    )


def quadratic_upper(gamma: str, n: int) -> Line:
    module = "unconstrained_convex_minimization.gradient_descent_qg_convex"
    numbers = {"L": 1, "gamma": float(gamma), "n": n}
    said = ["convex(f)", "qg-upper(f; L = 1)"]
    return Line(
        what="convex, qg-upper: f(x_n) − f* from ‖x_0 − x*‖²",
        theorem="",
        constants=f"γ = {gamma}, n = {n}",
        theirs=example(module, "wc_gradient_descent_qg_convex", **numbers)[0],
        bound=None,
        found=proved(worst_case(said, Fraction(gamma), n, 0, "gap", "dist")),
    )


def drop(n: int) -> Line:
    module = "nonconvex_optimization.gradient_descent"
    return Line(
        what="smooth: min_{k≤n} ‖∇f(x_k)‖² from f(x_0) − f(x_n)",
        theorem="",
        constants=f"γ = 1, n = {n}",
        theirs=example(module, "wc_gradient_descent", L=1, gamma=1, n=n)[0],
        bound=None,
        found=proved(worst_case(["smooth(f; L = 1)"], Fraction(1), n, 0, "grad", "drop")),
    )


def sgd() -> Line:
    """One step: R² = 4 and v² = 1, as in PEPit's example, which has five components."""
    numbers = {"L": 1, "mu": 0.1, "gamma": 0.7, "v": 1, "R": 2, "n": 5}
    module = "stochastic_and_randomized_convex_minimization.sgd"
    said = ["strongly-convex(f_i; mu = 1/10)", "smooth(f_i; L = 1)"]
    said += ["gradients-at-minimiser(f; v2 = 1)"]
    found = sgd_worst_case(said, Fraction(7, 10), "dist", "dist", (4.0, 1.0, 1.0))
    return Line(
        what="SGD, strongly convex, smooth f_i: E‖x_1 − x*‖², R = 2, v = 1",
        theorem="",
        constants="μ = 0.1, γ = 0.7",
        theirs=example(module, "wc_sgd", **numbers)[0],
        bound=None,
        found=None if isinstance(found, Undecided) else float(4 * found.theta[0] + found.theta[2]),
    )


CASES: list[tuple[Callable[..., Line], tuple[Any, ...]]] = [
    *((pl_line, case) for case in REFERENCE),
    *((pl_line, (*case, False)) for case in (*SHORT, *LONG)),
    *((classical, ("gd-pl", *c)) for c in (("0.2", "1", 1), ("0.2", "0.5", 1), ("0.5", "1.5", 1))),
    *((classical, (theorem, "0.2", "0.5", 3)) for theorem in CLASSICAL),
    *((nonconvex, case) for case in (("1", 1), ("1", 2), ("1", 6), ("0.5", 4), ("1.5", 3))),
    *((convex, case) for case in (("1", 1), ("1", 4), ("0.5", 3), ("0.25", 2))),
    *((rsi, case) for case in (("0.1", "0.1", 4), ("0.5", "0.5", 2), ("0.5", "0.25", 1))),
    *((strongly_convex, case) for case in (("0.1", "1", 2), ("0.5", "1.5", 1))),
    *((quadratic_upper, case) for case in (("0.2", 4), ("0.5", 2))),
    *((drop, (n,)) for n in (1, 5)),
    (sgd, ()),
]


def lines() -> Iterator[Line]:
    """All rows, one after the other."""
    for make, arguments in CASES:
        yield make(*arguments)


def cell(value: float | None) -> str:
    return "" if value is None else f"{value:.7f}"


def table(rows: list[Line]) -> str:
    """Markdown."""
    head = ["what", "constants (L = 1)", "PEPit", "theorem", "bound", "bound / PEPit"]
    head += ["found and proved", "PEPit, refined", "proved, points on steps"]
    made = [head, ["---"] * len(head)]
    for row in rows:
        ratio = "" if row.bound is None else f"{row.bound / row.theirs:.4f}"
        made.append([
            row.what, row.constants, cell(row.theirs), row.theorem and f"`{row.theorem}`",
            cell(row.bound), ratio, cell(row.found), cell(row.refined), cell(row.sharper),
        ])  # fmt: skip
    return "\n".join("| " + " | ".join(row) + " |" for row in made)


PROSE = """# Worst cases of gradient descent

Written by `python benchmarks/worst_cases.py --write` (needs `pip install -e '.[extras]'`). PEPit's
values are numbers of a semidefinite program made in that run; bounds and what was found are proved
by the kernel, for every function and every dimension.

- **bound**: of the theorem in the catalogue, its one-step rate to the power n where it is one.
- **found and proved**: by `boundcalc rate --method gd` (`sgd`), all steps at once, rounded up.
- **refined**: PEPit with more valid inequalities for PL functions; ours are the conditions at three
  points of each step (two where n = 3). Neither set contains the other: ours proves less at
  γ = 1/L, more elsewhere in the table. Both stay above the runs of ½μx² and ½Lx².
- PEPit 0.5.1's own *theoretical* value in its Łojasiewicz examples misplaces a parenthesis for
  γ < 1/L: at μ = 0.2, γ = 0.25 it says 0.9330579, where its program says 0.9083756.

"""


def main() -> None:
    text = PROSE + table(list(lines())) + "\n"
    print(text)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
