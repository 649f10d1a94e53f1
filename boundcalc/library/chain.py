"""Forward chaining: which conditions follow from given ones, with constants and theorem ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.grammar import GrammarError, Name, names, parse
from boundcalc.kernel.value import Pair, enclose
from boundcalc.library.conditions import load_condition
from boundcalc.library.hypotheses import HypothesisText, read_hypothesis
from boundcalc.library.rate import Env, violated
from boundcalc.library.theorems import Theorem, load_theorem, theorem_ids

Constant = Fraction | Pair


@dataclass(frozen=True)
class Fact:
    """A condition of f or of every f_i, with constants; `chain` is the theorems that gave it."""

    condition: str
    family: str  # f or f_i
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
    """All facts that implications of the catalogue give; the shortest chain to each condition.

    extra : constants that belong to no condition (sigma2, dist2).
    """
    known = {fact.key: fact for fact in facts}
    implications = [load_theorem(id) for id in theorem_ids()]
    implications = [t for t in implications if t.raw.get("conclusion", {}).get("rule") == "implies"]
    for _ in range(rounds):
        found = [f for t in implications for f in _apply(t, known, extra) if f.key not in known]
        if not found:
            break
        for fact in found:
            known.setdefault(fact.key, fact)
    return list(known.values())


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
        if fact is None or hypothesis.domain != "everywhere":
            return None
        chain += [id for id in fact.chain if id not in chain]
        for name, written in hypothesis.constants.items():
            if not _bind(env, written, fact.constants[name]):
                return None
    for name in theorem.constants:
        if name not in env and name in extra:
            env[name] = extra[name]
    return env, tuple(chain)


def _bind(env: dict[str, Constant], written: str, value: Constant) -> bool:
    """Bind a constant; one that occurs twice takes the larger value where that is weaker."""
    expr = parse(written)
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
        if theorem.kind not in (
            "telescoping",
            "contraction",
            "potential",
            "path-length",
            "stopped",
        ):
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
    }
    return [
        Fact(condition, family, {name: constants[name] for name in group})
        for group, conditions in taken.items()
        if set(group) <= constants.keys()
        for condition, family in conditions
    ]


def named_facts(conditions: Iterable[str], constants: Mapping[str, Constant]) -> list[Fact]:
    """Facts from "pl(f)", "smooth(f_i; L = 2)" or bare ids; constants of the same name fill in."""
    facts = []
    for written in conditions:
        line = written if "(" in written else f"{written}({_usual(written)})"
        said = read_hypothesis(line)
        env: Env = dict(constants)
        values = {name: _value(text, env) for name, text in said.constants.items()}
        facts.append(Fact(said.condition, family_of(said) or "f", values))
    return facts


def _usual(condition: str) -> str:
    return "f_i" if load_condition(condition).said_of.startswith("every f_i") else "f"
