"""Theorems as data: one small file each in data/theorems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Expr, parse
from boundcalc.kernel.value import enclose
from boundcalc.library.files import ids, read
from boundcalc.library.hypotheses import HypothesisText, read_hypothesis


@dataclass(frozen=True)
class Theorem:
    """What a theorem promises; formulas are expression trees in its constants.

    kind : the rule of its conclusion (telescoping, contraction, implies, ...); "axiom" where it
        is not proved; "cited" where it is outside the kernel's language, and no proof uses it.
    constants : name → "positive", "nonnegative" or "real".
    step_size_limit : largest step size; itself excluded where `step_size_strict`.
    bound : of `quantity`, in the constants, `gamma` (step size) and `steps` (number of steps).
    bound_varying : the same for step sizes that vary, in `gamma_sum` = Σγ_k and
        `gamma_sqsum` = Σγ_k² (it holds when every γ_k respects the limit).
    rate, floor : of a contraction: E quantity(x^n) ≤ rate^n · quantity(x^0) + floor.
    best_step : step size that makes `bound` (or `rate`) smallest; approximate values of it are
        fine, since the bound holds at every admissible step size.
    values : names that formulas use, in terms of the constants.
    raw : the whole file; the claim and the proof are made from it.
    """

    id: str
    title: str
    reference: str
    kind: str
    hypotheses: tuple[str, ...]
    assumed: tuple[HypothesisText, ...]
    constants: Mapping[str, str]
    quantity: str
    step_size_limit: Expr | None
    step_size_strict: bool
    bound: Expr | None
    bound_varying: Expr | None
    rate: Expr | None
    floor: Expr | None
    best_step: Expr | None
    values: Mapping[str, Expr]
    note: str
    raw: Mapping[str, Any]


def theorem_ids() -> tuple[str, ...]:
    """All theorems of the catalogue, by file name."""
    return ids("theorems")


@cache
def load_theorem(id: str) -> Theorem:
    """Read data/theorems/<id>.toml.

    Raises InputError for an unknown id, GrammarError for a formula that does not parse.
    """
    return read_theorem(read("theorems", id))


def read_theorem(raw: Mapping[str, Any]) -> Theorem:
    """A theorem from the content of its file. Raises GrammarError, KeyError, InputError."""

    def formula(key: str) -> Expr | None:
        return parse(raw[key]) if key in raw else None

    assumed = tuple(read_hypothesis(text) for text in raw["hypotheses"])
    return Theorem(
        id=raw["id"],
        title=raw["title"],
        reference=raw["reference"],
        kind=_kind(raw),
        hypotheses=tuple(hypothesis.condition for hypothesis in assumed),
        assumed=assumed,
        constants=raw.get("constants", {}),
        quantity=raw.get("quantity", ""),
        step_size_limit=formula("step_size_limit"),
        step_size_strict=raw.get("step_size_strict", False),
        bound=formula("bound"),
        bound_varying=formula("bound_varying"),
        rate=formula("rate"),
        floor=formula("floor"),
        best_step=formula("best_step"),
        values={name: parse(text) for name, text in raw.get("values", {}).items()},
        note=raw.get("note", ""),
        raw=raw,
    )


def _kind(raw: Mapping[str, Any]) -> str:
    if "conclusion" not in raw:
        return "cited"
    return str(raw["conclusion"]["rule"]) if "proof" in raw else "axiom"


def best_step_size(theorem: Theorem, env: Mapping[str, Fraction]) -> Fraction:
    """A rational step size at or just below the best one; never above the limit.

    env : the theorem's constants and `steps`.

    Raises GrammarError where the theorem has no best step for these constants.
    """
    if theorem.best_step is None:
        raise InputError(
            Fault(theorem.id, "no best step size", "a theorem with one", "give --step-size")
        )
    return enclose(theorem.best_step, env)[0]
