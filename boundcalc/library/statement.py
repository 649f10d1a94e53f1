"""Statements of conditions and theorems, in text and LaTeX, from the same data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boundcalc.kernel.grammar import GrammarError
from boundcalc.library.conditions import Condition, load_condition
from boundcalc.library.hypotheses import HypothesisText, read_hypothesis
from boundcalc.library.notation import latex, latex_name, relation, text, text_name
from boundcalc.library.theorems import Theorem

Lines = list[tuple[str, str]]  # (what it is, formula or words)


def condition_lines(condition: Condition, in_latex: bool = False) -> Lines:
    """What a condition says, line by line."""
    name = latex_name if in_latex else text_name
    lines: Lines = [("said of", condition.said_of)]
    for sign_of, sign in condition.schema["constants"].items():
        lines.append(("constant", f"{name(sign_of)} {sign}"))
    for slot, kind in condition.schema["slots"]:
        lines.append(("for every", f"{name(slot)}: {kind}"))
    for one in condition.schema["where"]:
        lines.append(("where", relation(one, in_latex)))
    if condition.schema["guard"]:
        lines.append(("wherever", relation(condition.schema["guard"], in_latex)))
    for one in condition.schema["relations"].values():
        lines.append(("holds", relation(one, in_latex)))
    if condition.statement:
        lines.append(("holds", condition.statement))
    if condition.convention:
        lines.append(("convention", condition.convention))
    return [*lines, ("reference", condition.reference)]


def hypothesis_words(hypothesis: HypothesisText) -> str:
    """A hypothesis in words: "smooth(f; L = β) on ball"."""
    said_of = {"f": "f", "grad": "f", "grad_i": "f_i", "f_i": "f_i", "inf_i": "f_i", "fstar": "f"}
    of = sorted({said_of.get(function, function) for function in hypothesis.of.values()})
    changed = [
        f"{text_name(name)} = {text(value)}"
        for name, value in hypothesis.constants.items()
        if value != name
    ]
    constants = "; " + ", ".join(changed) if changed else ""
    place = "" if hypothesis.domain == "everywhere" else f" ({hypothesis.domain})"
    return f"{hypothesis.condition}({', '.join(of)}{constants}){place}"


def theorem_lines(theorem: Theorem, in_latex: bool = False) -> Lines:
    """What a theorem says, line by line."""
    raw, write = theorem.raw, latex if in_latex else text
    lines: Lines = [("if", hypothesis_words(h)) for h in theorem.assumed]
    for name, formula in {**raw.get("values", {}), **raw.get("setup", {})}.items():
        if formula:
            lines.append(_setup_line(name, formula, in_latex))
    lines += [("where", relation(one, in_latex)) for one in raw.get("constraints", {}).values()]
    for name, formula in raw.get("defaults", {}).items():
        lines.append((f"{name}, if not given", write(formula)))
    if "step_size_least" in raw:
        lines.append(("step size from", write(raw["step_size_least"])))
    if theorem.step_size_limit is not None:
        below = "below" if theorem.step_size_strict else "up to"
        lines.append((f"step size {below}", write(theorem.step_size_limit)))
    lines += _conclusion(raw, write, in_latex)
    if theorem.quantity:
        lines.append(("of", theorem.quantity))
    for key in ("statement", "note"):
        if key in raw:
            lines.append((key, raw[key]))
    return [*lines, ("rule", theorem.kind), ("reference", theorem.reference)]


def _setup_line(name: str, formula: str, in_latex: bool) -> tuple[str, str]:
    try:
        return "where", relation(formula, in_latex)
    except GrammarError:
        left = latex_name(name) if in_latex else text_name(name)
        return "with", f"{left} = {latex(formula) if in_latex else text(formula)}"


def _conclusion(raw: Mapping[str, Any], write: Any, in_latex: bool) -> Lines:
    """The conclusion's formulas, under the names that people give them."""
    labels = {
        "bound": "bound",
        "bound_varying": "bound, steps γ_k",
        "rate": "rate",
        "floor": "floor",
        "radius": "ball of radius",
        "best_step": "best step size",
        "lower": "rate no better than",
        "critical_batch": "critical batch size",
    }
    lines = [(label, write(raw[key])) for key, label in labels.items() if key in raw]
    if "lower_theorem" in raw:
        lines.append(("no better by", raw["lower_theorem"]))
    conclusion = raw.get("conclusion", {})
    if conclusion.get("rule") == "implies":
        lines.append(("then", hypothesis_words(read_hypothesis(conclusion["holds"]))))
        lines += [
            ("that is", relation(one, in_latex))
            for one in _concluded_relations(conclusion["holds"])
        ]
    elif conclusion.get("rule") == "inequality":
        lines.append(("then", relation(conclusion["holds"], in_latex)))
    return lines


def _concluded_relations(holds: str) -> list[str]:
    said = read_hypothesis(holds)
    return [str(r) for r in load_condition(said.condition).schema["relations"].values()]
