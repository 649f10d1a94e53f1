"""A theorem at given constants: step-size limit, bound or rate, best step, iterations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Expr, GrammarError, names, parse, parse_relation
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.certificates import RUN_CONSTANTS
from boundcalc.library.theorems import Theorem

Env = dict[str, Fraction | Pair]

MOST_STEPS = 10**15  # beyond this a horizon counts as "never"


@dataclass(frozen=True)
class Value:
    """An enclosed number and the theorem that gives it."""

    pair: Pair
    theorem: str


@dataclass(frozen=True)
class Rate:
    """What a theorem says at given constants. A key is None where the theorem has no such thing.

    bound : of theorem.quantity at `step_size` and `steps`. rate, floor : of a contraction.
    lower, upper : of the exact worst-case contraction, with the theorem of each end.
    iterations : to bring the quantity to epsilon; None where never, and then `reason` says why.
    concluded : constants of the condition that an implication concludes.
    """

    theorem: Theorem
    constants: Mapping[str, Fraction | Pair]
    steps: int | None
    step_size_limit: Pair | None
    step_size: Fraction | None
    admissible: bool
    bound: Pair | None
    best_step_size: Fraction | None
    best_bound: Pair | None
    rate: Pair | None
    floor: Pair | None
    lower: Value | None
    upper: Value | None
    radius: Pair | None
    concluded: Mapping[str, Pair]
    iterations: int | None
    reason: str


def needed(theorem: Theorem) -> tuple[str, ...]:
    """The constants that a user must give (those of the run and of the induction aside)."""
    skip = {*RUN_CONSTANTS, "k", *theorem.values}
    used = set().union(*(names(e) for e in _formulas(theorem)))
    for key in ("constraints", "setup"):
        for text in theorem.raw.get(key, {}).values():
            used |= _constant_names(theorem, text)
    for value in theorem.values.values():
        used |= names(value)
    return tuple(name for name in theorem.constants if name in used and name not in skip)


def _formulas(theorem: Theorem) -> list[Expr]:
    found = (theorem.step_size_limit, theorem.bound, theorem.rate, theorem.floor)
    extra = [parse(theorem.raw[key]) for key in ("radius", "step_size_least") if key in theorem.raw]
    return [e for e in found if e is not None] + extra + list(concluded_formulas(theorem).values())


def _constant_names(theorem: Theorem, text: str) -> set[str]:
    try:
        relation = parse_relation(text)
    except GrammarError:
        return set()
    used = set(names(relation.difference))
    return used if used <= {*theorem.constants, *RUN_CONSTANTS} else set()


def concluded_formulas(theorem: Theorem) -> dict[str, Expr]:
    """Constants of the condition that an implication concludes, as formulas."""
    from boundcalc.library.hypotheses import read_hypothesis

    if theorem.raw.get("conclusion", {}).get("rule") != "implies":
        return {}
    said = read_hypothesis(theorem.raw["conclusion"]["holds"])
    return {name: parse(text) for name, text in said.constants.items()}


def environment(theorem: Theorem, given: Mapping[str, Fraction | Pair]) -> Env:
    """The constants with their signs checked. Raises InputError with every fault."""
    faults = []
    for name in needed(theorem):
        sign = theorem.constants[name]
        if name not in given:
            faults.append(Fault(f"{theorem.id}: --{name}", "nothing", sign, f"give --{name}"))
        elif not _has_sign(given[name], sign):
            faults.append(Fault(f"{theorem.id}: --{name}", _shown(given[name]), sign, "change it"))
    if faults:
        raise InputError(*faults)
    return dict(given)


def _has_sign(value: Fraction | Pair, sign: str) -> bool:
    lo = value[0] if isinstance(value, tuple) else value
    return sign == "real" or lo > 0 or (sign == "nonnegative" and lo >= 0)


def _shown(value: Fraction | Pair) -> str:
    return str(value) if isinstance(value, Fraction) else f"about {float(value[0]):.6g}"


def with_values(theorem: Theorem, env: Env) -> Env:
    """The constants and the names that the theorem's formulas define from them."""
    full = dict(env)
    for name, expr in theorem.values.items():
        if names(expr) <= full.keys():
            full[name] = enclose(expr, full)
    return full


def limit_of(theorem: Theorem, env: Env) -> Pair | None:
    """The step-size limit, enclosed; None where every step size is admitted."""
    if theorem.step_size_limit is None:
        return None
    try:
        return enclose(theorem.step_size_limit, with_values(theorem, env))
    except GrammarError as error:
        if "division by zero" in error.message:
            return None
        raise


def violated(theorem: Theorem, env: Env) -> str | None:
    """The first constraint between constants (and gamma, where given) that is not known to hold."""
    full = with_values(theorem, env)
    order = {**theorem.raw.get("constraints", {}), **theorem.raw.get("setup", {})}
    for text in order.values():
        if not text or not _constant_names(theorem, text):
            continue
        relation = parse_relation(text)
        if not names(relation.difference) <= full.keys():
            continue
        lo, _ = enclose(relation.difference, full)
        if lo < 0 or (lo == 0 and relation.kind == ">"):
            return str(text)
    return None


def admits(theorem: Theorem, env: Env, gamma: Fraction) -> bool:
    """Whether the theorem speaks of this step size."""
    limit, least = limit_of(theorem, env), theorem.raw.get("step_size_least")
    if limit is not None and (gamma > limit[0] or (theorem.step_size_strict and gamma == limit[0])):
        return False
    if least is not None and gamma < enclose(least, env)[1]:
        return False
    return gamma > 0 and violated(theorem, {**env, "gamma": gamma}) is None


def at(theorem: Theorem, formula: Expr | None, env: Env) -> Pair | None:
    """A formula of the theorem, enclosed; None where it has none or lacks a name."""
    full = with_values(theorem, env)
    if formula is None or not names(formula) <= full.keys():
        return None
    return enclose(formula, full)


def best_step(
    theorem: Theorem, env: Env, value: Callable[[Fraction], Pair | None]
) -> Fraction | None:
    """A step size that makes `value` small: the theorem's own formula, else a search."""
    full = with_values(theorem, env)
    if theorem.best_step is not None and names(theorem.best_step) <= full.keys():
        try:
            return enclose(theorem.best_step, full)[0]
        except GrammarError:
            return None
    limit = limit_of(theorem, env)
    if limit is None and theorem.raw.get("step_size_limit") is None:
        return None
    return _search(value, limit[0] if limit is not None else Fraction(2) ** 40)


def _search(value: Callable[[Fraction], Pair | None], top: Fraction) -> Fraction | None:
    """Golden section on a logarithmic grid's best cell; any point it returns is a valid choice."""

    def cost(gamma: Fraction) -> float:
        pair = value(gamma)
        return float("inf") if pair is None else float(pair[1])

    grid = [top * Fraction(k, 64) for k in range(1, 64)]
    grid += [top / Fraction(2) ** k for k in range(6, 60)]
    grid.sort()
    costs = [cost(g) for g in grid]
    index = min(range(len(grid)), key=costs.__getitem__)
    if costs[index] == float("inf"):
        return None
    lo, hi = grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)]
    inner = Fraction(382, 1000)
    for _ in range(60):
        a, b = lo + inner * (hi - lo), hi - inner * (hi - lo)
        a, b = a.limit_denominator(10**15), b.limit_denominator(10**15)
        if cost(a) <= cost(b):
            hi = b
        else:
            lo = a
    middle = ((lo + hi) / 2).limit_denominator(10**12)
    return min((middle, grid[index]), key=cost)


def start_names(theorem: Theorem) -> tuple[str, ...]:
    """The constants that measure the first point: a floor is the bound without them."""
    return tuple(theorem.raw.get("conclusion", {}).get("initial", {}))
