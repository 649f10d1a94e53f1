"""A theorem at given constants: step-size limit, bound or rate, best step, iterations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cache

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Expr, GrammarError, names, parse, parse_relation
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.certificates import RUN_CONSTANTS
from boundcalc.library.numbers import upper
from boundcalc.library.theorems import Theorem, load_theorem, theorem_ids

Env = dict[str, Fraction | Pair]

MOST_STEPS = 10**15  # no longer horizon is searched

ALIASES = {"gamma": "step-size", "K": "steps", "k": "steps", "eps": "epsilon"}
STARTS = {  # potential of a contraction → the constant that is its first value
    "f(x) - fstar": "gap0",
    "f(x)": "loss0",
    "dist2(x)": "dist2",
    "sqnorm(x - xs)": "dist2",
}


@dataclass(frozen=True)
class Value:
    """An enclosed number and the theorem that gives it."""

    pair: Pair
    theorem: str


@dataclass(frozen=True)
class Rate:
    """What a theorem says at given constants. A key is None where the theorem has no such thing.

    bound : of theorem.quantity at `step_size` and `steps`; None where the first value of a
        contraction is not given.
    start : the constant that is this first value. relative : it is not given, so that `factor`
        and `iterations` are relative to it.
    rate, floor : of a contraction, the best proved rate. own_rate : the theorem's own.
    factor : rate^steps: the quantity is at most factor · first value + floor.
    lower, upper : of the exact worst-case contraction, with the theorem of each end.
    iterations : to bring the quantity to epsilon. reason : why a value is missing, or how it is
        to be read.
    unused : constants that were given and that the theorem does not speak of.
    critical_batch : the mini-batch size from which larger ones hardly help.
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
    start: str | None
    relative: bool
    rate: Pair | None
    own_rate: Pair | None
    factor: Pair | None
    floor: Pair | None
    lower: Value | None
    upper: Value | None
    radius: Pair | None
    critical_batch: Pair | None
    concluded: Mapping[str, Pair]
    iterations: int | None
    reason: str
    unused: tuple[str, ...]


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


def with_defaults(
    theorem: Theorem, given: Mapping[str, Fraction | Pair]
) -> dict[str, Fraction | Pair]:
    """The constants, and those that the theorem can choose itself, such as the least k0."""
    full = dict(given)
    for name, text in theorem.raw.get("defaults", {}).items():
        formula = parse(text)
        if name not in full and names(formula) <= full.keys():
            try:
                full[name] = enclose(formula, full)[1]
            except GrammarError:
                continue
    return full


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


def faults_of(
    theorem: Theorem, given: Mapping[str, Fraction | Pair], unread: Collection[str] = ()
) -> list[Fault]:
    """What is missing or has the wrong sign. unread : given, but not as a number."""
    faults = []
    signs = {name: theorem.constants[name] for name in needed(theorem)}
    start = start_of(theorem)
    optional = {start: "nonnegative"} if start is not None and start not in signs else {}
    for name, sign in (signs | optional).items():
        where = f"{theorem.id}: --{name}"
        word = "a real number" if sign == "real" else f"a {sign} number"
        if name in given and not has_sign(given[name], sign):
            faults.append(Fault(where, shown(given[name]), word, "change it"))
        elif name in theorem.raw.get("defaults", {}) and not {*signs} - {name} <= given.keys():
            continue  # follows from the others, of which one is missing
        elif name not in given and name not in unread and name in signs:
            faults.append(Fault(where, "nothing", word, f"give --{name}"))
    return faults


def environment(theorem: Theorem, given: Mapping[str, Fraction | Pair]) -> Env:
    """The constants with their signs checked. Raises InputError with every fault."""
    faults = faults_of(theorem, given)
    if faults:
        raise InputError(*faults)
    return dict(given)


@cache
def catalogue_constants() -> Mapping[str, str]:
    """Every constant that some theorem takes, with the weakest sign that one asks for."""
    order = ("real", "nonnegative", "positive")
    found = dict.fromkeys(STARTS.values(), "nonnegative")
    for theorem in map(load_theorem, theorem_ids()):
        for name in theorem.constants.keys() - {*RUN_CONSTANTS, "k"}:
            found[name] = min(found.get(name, "positive"), theorem.constants[name], key=order.index)
    return found


def unknown_constants(given: Iterable[str]) -> list[Fault]:
    """Names that no theorem has: misspelt constants and options."""
    known = catalogue_constants()
    options = ("step-size", "steps", "epsilon", "json", "list", "conditions", "fit")
    faults = []
    for name in given:
        if name not in known:
            close = get_close_matches(name.replace("_", "-"), [*known, *options], 3, 0.6)
            close = [ALIASES[name]] if name in ALIASES else close
            hint = f", perhaps {' or '.join(f'--{word}' for word in close)}" if close else ""
            expected = f"a constant of the theorem or an option{hint}"
            faults.append(Fault("rate", f"--{name}", expected, "correct or remove it"))
    return faults


def start_of(theorem: Theorem) -> str | None:
    """The constant that is the first value of what contracts, where it is one constant."""
    conclusion = theorem.raw.get("conclusion", {})
    if theorem.rate is None:
        return None
    found = conclusion.get("start", STARTS.get(conclusion.get("potential", "")))
    return found if found in STARTS.values() else None


def first_value(theorem: Theorem, env: Env) -> Fraction | None:
    """The first value of what contracts, rounded up; None where it is not given."""
    written = theorem.raw.get("conclusion", {}).get("start", start_of(theorem))
    if written is None or not names(parse(written)) <= env.keys():
        return None
    return enclose(written, env)[1]


def has_sign(value: Fraction | Pair, sign: str) -> bool:
    """Is the value certainly real, nonnegative or positive, as `sign` asks?"""
    lo = value[0] if isinstance(value, tuple) else value
    return sign == "real" or lo > 0 or (sign == "nonnegative" and lo >= 0)


def shown(value: Fraction | Pair) -> str:
    """A constant in a message."""
    if isinstance(value, tuple):
        return f"about {upper(value):.6g}"
    written = str(value)
    return written if len(written) <= 24 else f"about {upper((value, value)):.6g}"


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
        return float("inf") if pair is None else upper(pair)

    grid = [top * Fraction(k, 64) for k in range(1, 64)]
    grid += [top / Fraction(2) ** k for k in range(7, 60)]  # no point twice: cells have a width
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
