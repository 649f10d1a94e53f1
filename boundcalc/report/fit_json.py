"""The JSON of `boundcalc fit`: schema boundcalc.fit/1."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from boundcalc.fit.cluster import Effort
from boundcalc.fit.exact import float_up
from boundcalc.fit.frontier import Frontier, Infeasible
from boundcalc.fit.result import Fit
from boundcalc.guarantees.assessment import Assessment
from boundcalc.report.sentence import answer

SCHEMA = "boundcalc.fit/1"


def fit_json(assessment: Assessment, effort: Effort | None = None) -> dict[str, Any]:
    """The assessment under the keys of the contract; a key is None where its columns are absent.

    effort : what the fold took on a cluster; None where it was serial.
    """
    fit = assessment.fit
    bounding = _constant(fit, "self-bounding", "L")
    return {
        "schema": SCHEMA,
        "answer": answer(assessment),
        "source": fit.source,
        "sources": [asdict(part) for part in fit.parts],
        "form": fit.form,
        "rows": fit.rows,
        "rows_used": fit.rows_used,
        "warnings": (*fit.warnings, *assessment.notes),
        "assumptions": fit.assumptions,
        "method": assessment.request.method,
        "engine": {"name": "serial"}
        if effort is None
        else {
            "name": "dask",
            **asdict(effort),
            "nanoseconds_per_row": effort.nanoseconds_per_row,
        },
        "alpha_beta": _alpha_beta(assessment),
        "pl": _constant(fit, "pl", "mu", "on"),
        "pl_star": _constant(fit, "pl-star", "mu"),
        "pl_star_eps": None
        if fit.staircase is None
        else {"epsilon": fit.staircase.epsilon, "mu": fit.staircase.mu, "rows": fit.staircase.rows},
        "self_bounding": None
        if bounding is None
        else {**bounding, "rows_below_float_floor": fit.rows_below_float_floor},
        "smooth": _optional(assessment.smooth),
        "aiming": _constant(fit, "aiming", "theta", "broken_by"),
        "rsi": _constant(fit, "rsi", "mu"),
        "eb": _constant(fit, "eb", "mu"),
        "qg": _constant(fit, "qg", "mu"),
        "interpolation_error": fit.interpolation_error,
        "initial_dist_sq": fit.initial_dist_sq,
        "steps": assessment.steps,
        "runs": fit.runs,
        "observed": None if fit.observed is None else asdict(fit.observed),
        "guarantees": [asdict(one) for one in assessment.guarantees],
        "scenario": _optional(assessment.scenario),
        "discard": None
        if assessment.discarded is None
        else {
            **asdict(assessment.discarded),
            "scenario": _optional(assessment.discarded_scenario),
        },
        "cross_check": None
        if assessment.cross_check is None
        else {**asdict(assessment.cross_check), "agrees": assessment.cross_check.agrees},
    }


def _optional(value: Any) -> dict[str, Any] | None:
    return None if value is None else asdict(value)


def _constant(fit: Fit, condition: str, name: str, *more: str) -> dict[str, Any] | None:
    found = fit.constants.get(condition)
    if found is None:
        return None
    return {
        name: found.value,
        "row": found.row,
        "at": next(iter(fit.places([found.row])), None),
        **{key: getattr(found, key) for key in more},
    }


def _alpha_beta(assessment: Assessment) -> dict[str, Any] | None:
    frontier, pair = assessment.fit.alpha_beta, assessment.pair
    if frontier is None:
        return None
    if isinstance(frontier, Infeasible):
        return {
            "feasible": False,
            "frontier": None,
            "alpha": None,
            "beta": None,
            "objective": assessment.request.objective,
            "binding_rows": frontier.rows,
            "binding_at": assessment.fit.places(frontier.rows),
            "reason": frontier.reason,
        }
    return {
        "feasible": True,
        "frontier": _vertices(frontier),
        "alpha": None if pair is None else pair.alpha,
        "beta": None if pair is None else pair.beta,
        "objective": assessment.request.objective if pair is None else pair.objective,
        "objective_value": None if pair is None else pair.value,
        "binding_rows": () if pair is None else pair.binding_rows,
        "binding_at": () if pair is None else assessment.fit.places(pair.binding_rows),
    }


def _vertices(frontier: Frontier) -> dict[str, Any]:
    """Floats on or just above the frontier, so that every row satisfies every printed vertex."""
    points = [(frontier.floats(alpha), rows) for alpha, _, rows in frontier.vertices]
    printable = [(point, rows) for point, rows in points if point is not None]
    return {
        "alpha": [alpha for (alpha, _), _ in printable],
        "beta": [beta for (_, beta), _ in printable],
        "slope": float_up(frontier.slope),
        "rows": [rows for _, rows in printable],
        "vertices_beyond_float64": len(points) - len(printable),
    }
