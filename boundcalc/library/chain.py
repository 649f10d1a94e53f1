"""Forward chaining: which conditions follow from given ones, with constants and theorem ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Binary, GrammarError, Name, names, parse
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.conditions import load_condition
from boundcalc.library.hypotheses import HypothesisText, read_hypothesis
from boundcalc.library.rate import Env, violated
from boundcalc.library.theorems import Theorem, load_theorem, theorem_ids

Constant = Fraction | Pair

ALGORITHMS = ("telescoping", "contraction", "potential", "path-length", "stopped")  # kinds
SMALLER_IS_STRONGER = {"L", "beta", "A", "B", "C", "G", "H", "h", "L_F", "beta_F", "lambda_max"}
SMALLER_IS_STRONGER |= {"L0", "L1"}
NOT_ORDERED = {"alpha-beta", "mini-batch", "mini-batch-mean", "quadratic"}  # by their constants


@dataclass(frozen=True)
class Fact:
    """A condition of f or of every f_i, with constants; `chain` is the theorems that gave it."""

    condition: str
    family: str  # f or f_i; "" for functions that a theorem declares itself
    constants: Mapping[str, Constant]
    chain: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What is known, apart from how well."""
        return self.condition, self.family


@dataclass(frozen=True)
class Fed:
    """A theorem whose hypotheses are all known, its constants, and how they were come by."""

    theorem: Theorem
    constants: Mapping[str, Constant]
    chain: tuple[str, ...]


def family_of(hypothesis: HypothesisText) -> str | None:
    """f, f_i, or None for functions that a theorem declares itself."""
    functions = set(hypothesis.of.values())
    if functions <= {"f", "grad", "fstar", "grad_i"} and functions != {"grad_i"}:
        return "f"
    return "f_i" if functions <= {"f_i", "grad_i", "inf_i"} else None


def close(facts: Iterable[Fact], extra: Mapping[str, Constant], rounds: int = 6) -> list[Fact]:
    """All facts that implications of the catalogue give; of two chains to one, the stronger fact.

    extra : constants that belong to no condition (sigma2, dist2).
    """
    known: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        _keep(known, fact)
    implications = [load_theorem(id) for id in theorem_ids()]
    implications = [t for t in implications if t.raw.get("conclusion", {}).get("rule") == "implies"]
    for _ in range(rounds):
        found = [f for t in implications for f in _apply(t, known, extra)]
        if not sum(_keep(known, fact) for fact in found):
            break
    return list(known.values())


def _keep(known: dict[tuple[str, str], Fact], fact: Fact) -> bool:
    """Keep a fact that is new or stronger than what is known; whether it was kept."""
    old = known.get(fact.key)
    if old is None or _stronger(fact, old):
        known[fact.key] = fact
        return True
    return False


def _stronger(new: Fact, old: Fact) -> bool:
    """Whether each constant is at least as good, and one better."""
    if new.condition in NOT_ORDERED:
        return False
    gains = []
    for name, value in new.constants.items():
        (a, b), (c, d) = _ends(value), _ends(old.constants[name])
        low, high = (c - b, d - a) if name in SMALLER_IS_STRONGER else (a - d, b - c)
        if high < 0 or (low < 0 and (a, b) != (c, d)):
            return False
        gains.append(low > 0)
    return any(gains)


def _ends(value: Constant) -> Pair:
    return value if isinstance(value, tuple) else (value, value)


def _apply(
    theorem: Theorem, known: Mapping[tuple[str, str], Fact], extra: Mapping[str, Constant]
) -> Iterable[Fact]:
    said = read_hypothesis(theorem.raw["conclusion"]["holds"])
    moves = [{"f": "f", "f_i": "f_i"}]
    if all(family_of(h) == "f" for h in (*theorem.assumed, said)) and _transportable(theorem):
        moves.append({"f": "f_i"})
    for move in moves:
        bound = match(theorem, known, extra, move)
        family = move.get(family_of(said) or "", None)
        if bound is None or family is None or violated(theorem, dict(bound[0])) is not None:
            continue
        env: Env = dict(bound[0])
        try:
            constants = {name: _value(text, env) for name, text in said.constants.items()}
        except GrammarError:
            continue
        yield Fact(said.condition, family, constants, (*bound[1], theorem.id))


def _transportable(theorem: Theorem) -> bool:
    """Whether an implication about f holds for any function (it names no minimiser, no sigma2)."""
    return set(theorem.raw.get("points", {}).values()) <= {"any", "fixed"} and (
        "sigma2" not in theorem.constants
    )


def _value(text: str, env: Env) -> Constant:
    lo, hi = enclose(parse(text), env)
    return lo if lo == hi else (lo, hi)


def match(
    theorem: Theorem,
    known: Mapping[tuple[str, str], Fact],
    extra: Mapping[str, Constant],
    move: Mapping[str, str],
) -> tuple[dict[str, Constant], tuple[str, ...]] | None:
    """The theorem's constants and the chains to its hypotheses, if all of them are known."""
    env: dict[str, Constant] = {}
    chain: list[str] = []
    for hypothesis in theorem.assumed:
        family = move.get(family_of(hypothesis) or "", None)
        fact = known.get((hypothesis.condition, family or ""))
        if fact is None:  # what is known everywhere holds on a ball and at its centre
            return None
        chain += [id for id in fact.chain if id not in chain]
        for name, written in hypothesis.constants.items():
            if not _bind(env, written, fact.constants[name], extra):
                return None
    for name in theorem.constants:
        if name not in env and name in extra:
            env[name] = extra[name]
    return env, tuple(chain)


def _bind(
    env: dict[str, Constant], written: str, value: Constant, extra: Mapping[str, Constant]
) -> bool:
    """Bind a constant; one that occurs twice takes the larger value where that is weaker.

    "mu/n" binds mu where n is known.
    """
    expr = parse(written)
    match expr:
        case Binary("/", Name(), Name(divisor)) if divisor in extra:
            lo, hi = enclose("value*divisor", {"value": value, "divisor": extra[divisor]})
            expr, value = expr.left, lo if lo == hi else (lo, hi)
    if isinstance(expr, Name):
        old = env.get(expr.name)
        if old is None:
            env[expr.name] = value
            return True
        if expr.name in ("L", "beta"):
            env[expr.name] = max(old, value, key=lambda v: v[1] if isinstance(v, tuple) else v)
            return True
        return old == value
    return not names(expr) and enclose(expr, {})[0] == value


def fed(facts: Iterable[Fact], extra: Mapping[str, Constant]) -> list[Fed]:
    """Theorems about algorithms whose hypotheses follow from the facts."""
    known = {fact.key: fact for fact in close(facts, extra)}
    found = []
    for id in theorem_ids():
        theorem = load_theorem(id)
        if theorem.kind not in ALGORITHMS:
            continue
        bound = match(theorem, known, extra, {"f": "f", "f_i": "f_i"})
        if bound is not None:
            found.append(Fed(theorem, bound[0], bound[1]))
    return found


def default_facts(constants: Mapping[str, Constant]) -> list[Fact]:
    """The conditions that bare constants are taken to speak of, where none are named."""
    taken = {
        ("alpha", "beta"): [("alpha-beta", "f_i")],
        ("L",): [("smooth", "f"), ("smooth", "f_i"), ("self-bounding", "f_i")],
        ("mu",): [("pl", "f")],
        ("theta",): [("aiming", "f")],
        ("A", "B", "C"): [("expected-smoothness", "f")],
        ("G",): [("bounded-gradients", "f_i")],
        ("L0", "L1"): [("l0-l1-smooth", ""), ("gradient-norm", "")],
        ("s",): [("mini-batch", ""), ("mini-batch-mean", "")],
    }
    return [
        Fact(condition, family, _own(condition, group, constants))
        for group, conditions in taken.items()
        if set(group) <= constants.keys()
        for condition, family in conditions
    ]


def _own(
    condition: str, group: tuple[str, ...], constants: Mapping[str, Constant]
) -> dict[str, Constant]:
    return {n: constants[n] for n in group if n in load_condition(condition).schema["constants"]}


def named_facts(conditions: Iterable[str], constants: Mapping[str, Constant]) -> list[Fact]:
    """Facts from "pl(f)", "smooth(f_i; L = 2)" or bare ids; constants of the same name fill in."""
    facts = []
    for written in conditions:
        line = written if "(" in written else f"{written}({_usual(written)})"
        said = read_hypothesis(line)
        values = {name: _given(line, text, constants) for name, text in said.constants.items()}
        facts.append(Fact(said.condition, family_of(said) or "", values))
    return facts


def _given(line: str, text: str, constants: Mapping[str, Constant]) -> Constant:
    try:
        return _value(text, dict(constants))
    except GrammarError as error:
        lacking = sorted(names(parse(text)) - constants.keys())
        fix = f"give {', '.join(f'--{name}' for name in lacking)}" if lacking else "correct it"
        raise InputError(Fault(f"--conditions: {line}", text, "a number", fix)) from error


def _usual(condition: str) -> str:
    return "f_i" if load_condition(condition).said_of.startswith("every f_i") else "f"
