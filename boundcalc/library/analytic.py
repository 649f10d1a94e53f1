"""From a problem and a condition to the claim that the kernel reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boundcalc.kernel.analytic.statement import SCHEMA
from boundcalc.kernel.claim import canonical
from boundcalc.library.conditions import condition_ids, load_condition
from boundcalc.library.problem import Problem

EACH = (
    "alpha-beta",
    "smooth",
    "self-bounding",
    "convex",
    "strongly-convex",
    "star-convex",
)
"""Conditions that are said of every f_i where there are several; the others are said of f."""


def claim_of(problem: Problem, condition: str, constants: Mapping[str, str]) -> dict[str, Any]:
    """The claim that the condition holds on the problem's domain, as the kernel's JSON data.

    constants : name → constant formula, or "any". Raises InputError for an unknown condition.
    """
    schema = {key: value for key, value in load_condition(condition).schema.items() if value != ""}
    claim: dict[str, Any] = {
        "schema": SCHEMA,
        "variables": list(problem.variables),
        "domain": {
            name: ["-oo" if lo is None else str(lo), "oo" if hi is None else str(hi)]
            for name, (lo, hi) in zip(problem.variables, problem.domain, strict=True)
        },
        "of": "each" if condition in EACH and len(problem.components) > 1 else "mean",
        "condition": {"id": condition, **schema},
        "constants": dict(constants),
    }
    if problem.residual:
        claim["residual"] = list(problem.residual)
    else:
        claim["components"] = list(problem.components)
    if problem.ball is not None:
        claim["ball"] = {
            "center": [str(x) for x in problem.ball.center],
            "radius": str(problem.ball.radius),
        }
    return claim


def claim_text(claim: Mapping[str, Any]) -> str:
    """A claim in one line."""
    constants = ", ".join(f"{name} = {value}" for name, value in claim["constants"].items())
    formulas = claim.get("components") or claim["residual"]
    kind = "F" if "residual" in claim else "f"
    names = [kind] if len(formulas) == 1 else [f"{kind}_{i + 1}" for i in range(len(formulas))]
    said = ", ".join(f"{name} = {text}" for name, text in zip(names, formulas, strict=True))
    if kind == "f" and len(formulas) > 1:
        said = ("every f_i: " if claim.get("of") == "each" else "the mean f of ") + said
    where = [
        f"{name} in [{lo}, {hi}]"
        for name, (lo, hi) in claim["domain"].items()
        if (lo, hi) != ("-oo", "oo")
    ]
    if claim.get("ball"):
        center = ", ".join(claim["ball"]["center"])
        where.append(f"|x - ({center})| <= {claim['ball']['radius']}")
    # relations between constants restrict "any" only: kernel/analytic/statement.py
    given = claim["constants"].values()
    aside = [text for text in claim["condition"].get("where", []) if "any" not in given]
    constants += f"; {', '.join(aside)} is not claimed" if aside else ""
    condition = (
        f"{claim['condition']['id']}({constants})" if constants else claim["condition"]["id"]
    )
    return f"{condition} of {said}" + (f" on {', '.join(where)}" if where else "")


def stranger(claim: Mapping[str, Any]) -> str | None:
    """What is wrong with the condition of a claim, against the catalogue's; None where it is it."""
    given = dict(claim["condition"])
    id = given.pop("id")
    if id not in condition_ids():
        return f"{id}: no such condition in the catalogue"
    own = {key: value for key, value in load_condition(id).schema.items() if value != ""}
    if canonical(given) != canonical(own):
        return f"{id}: this condition is not the catalogue's"
    return None
