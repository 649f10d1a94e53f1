"""Theorems as data: one small file each in data/theorems."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import Expr, parse
from boundcalc.kernel.value import enclose


@dataclass(frozen=True)
class Theorem:
    """What a theorem promises; formulas are expression trees in its constants.

    constants : name → "positive" or "nonnegative".
    step_size_limit : largest step size; itself excluded where `step_size_strict`.
    bound : of `quantity`, in the constants, `gamma` (step size) and `steps` (number of steps).
    bound_varying : the same for step sizes that vary, in `gamma_sum` = Σγ_k and
        `gamma_sqsum` = Σγ_k² (it holds when every γ_k respects the limit).
    best_step : step size that makes `bound` smallest for given `steps`; approximate values of it
        are fine, since `bound` holds at every admissible step size.
    """

    id: str
    title: str
    reference: str
    hypotheses: tuple[str, ...]
    constants: Mapping[str, str]
    quantity: str
    step_size_limit: Expr | None
    step_size_strict: bool
    bound: Expr | None
    bound_varying: Expr | None
    best_step: Expr | None


def theorem_ids() -> tuple[str, ...]:
    """All theorems of the catalogue, by file name."""
    folder = files("boundcalc.data") / "theorems"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def load_theorem(id: str) -> Theorem:
    """Read data/theorems/<id>.toml.

    Raises InputError for an unknown id, GrammarError for a formula that does not parse.
    """
    if id not in theorem_ids():
        known = ", ".join(theorem_ids())
        raise InputError(Fault("theorem", repr(id), f"one of {known}", "choose a theorem id"))
    text = (files("boundcalc.data") / "theorems" / f"{id}.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)

    def formula(key: str) -> Expr | None:
        return parse(raw[key]) if key in raw else None

    return Theorem(
        id=raw["id"],
        title=raw["title"],
        reference=raw["reference"],
        hypotheses=tuple(raw["hypotheses"]),
        constants=raw["constants"],
        quantity=raw["quantity"],
        step_size_limit=formula("step_size_limit"),
        step_size_strict=raw.get("step_size_strict", False),
        bound=formula("bound"),
        bound_varying=formula("bound_varying"),
        best_step=formula("best_step"),
    )


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
