"""Numbers of components of sublevel sets: in words, and as the contract's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from boundcalc.kernel.levels.cells import Landscape
from boundcalc.kernel.levels.components import Count
from boundcalc.landscape.levels import Level
from boundcalc.landscape.merging import Life, Tree

SCHEMA = "boundcalc.levels/1"
MOST_SHOWN = 12  # numbers on the first line


def exit_code(levels: Sequence[Level]) -> int:
    """0 where every number is exact, else 3."""
    return 0 if all(one.exact for one in levels) else 3


def levels_json(
    landscape: Landscape, levels: Sequence[Level], tree: Tree, certificate: str | None
) -> dict[str, Any]:
    """The keys of the contract, and more; "inf" where there is no upper bound."""
    return {
        "schema": SCHEMA,
        "answer": levels_answer(landscape, levels),
        "formula": landscape.formula,
        "domain": {
            name: [float(lo), float(hi)]
            for name, (lo, hi) in zip(landscape.variables, landscape.box, strict=True)
        },
        "levels": [
            {
                "lambda": float(one.level),
                "exact_lambda": str(one.level),
                "components": {"lower": one.count.lower, "upper": _upper(one.count)},
                "points": [_point(landscape, point) for point in one.components],
                "cells": one.leaves,
            }
            for one in levels
        ],
        "merge_tree": [
            _life_json(landscape, number, life) for number, life in enumerate(tree.lives)
        ],
        "verdict": "exact" if exit_code(levels) == 0 else "enclosed",
        "certificate": certificate,
    }


def _upper(count: Count) -> int | str:
    return "inf" if count.upper is None else count.upper


def _point(landscape: Landscape, point: Sequence[Fraction]) -> dict[str, float]:
    return {name: float(x) for name, x in zip(landscape.variables, point, strict=True)}


def _life_json(landscape: Landscape, number: int, life: Life) -> dict[str, Any]:
    low, high = life.born
    return {
        "component": number,
        "point": _point(landscape, life.point),
        "born": {"above": None if low is None else float(low), "at_most": float(high)},
        "merged": None
        if life.ended is None
        else {"above": float(life.ended[0]), "at_most": float(life.ended[1]), "into": life.into},
    }


def count_text(count: Count) -> str:
    """ "2", "between 1 and 2", or "at least 1"."""
    if count.upper is None:
        return f"at least {count.lower}"
    if count.upper == count.lower:
        return str(count.lower)
    return f"between {count.lower} and {count.upper}"


def levels_answer(landscape: Landscape, levels: Sequence[Level]) -> str:
    """At how many levels the number is exact, and what the numbers are, on one line."""
    sides = ", ".join(
        f"{lo} ≤ {name} ≤ {hi}"
        for name, (lo, hi) in zip(landscape.variables, landscape.box, strict=True)
    )
    head = f"components of {{{landscape.formula} ≤ λ}} on {sides}"
    counts = [one.count.lower for one in levels if one.exact]
    known = f"{len(counts)} of {len(levels)}"
    if not counts:
        return f"{head}: enclosed, exact at {known} levels"
    numbers = ", ".join(map(str, counts))
    if len(counts) > MOST_SHOWN:
        numbers = f"between {min(counts)} and {max(counts)}"
    return f"{head}: {numbers}, proved at {known} levels"


def levels_lines(landscape: Landscape, levels: Sequence[Level], tree: Tree) -> list[str]:
    """The answer, every level with its number, the merge tree, and what is not said."""
    lines = [levels_answer(landscape, levels), ""]
    width = max(len(f"{float(one.level):.6g}") for one in levels)
    for one in levels:
        near = "; ".join(_shown(point) for point in one.components)
        says = f"  λ = {float(one.level):<{width}.6g}  N = {count_text(one.count)}"
        lines.append(says + (f"   near {near}" if near else ""))
    lines += ["", *(_life_line(number, life) for number, life in enumerate(tree.lives))]
    if exit_code(levels):
        lines.append(
            "  note: an enclosure stays where a level is critical, or the cells or the time ran out"
        )
    lines.append("  proved on this box alone: a path that leaves it may join components")
    return lines


def _shown(point: Sequence[Fraction]) -> str:
    return "(" + ", ".join(f"{float(x):.4g}" for x in point) + ")"


def _life_line(number: int, life: Life) -> str:
    low, high = life.born
    born = f"at λ ≤ {float(high):.6g}"
    if low is not None:
        born = f"for a λ in ({float(low):.6g}, {float(high):.6g}]"
    text = f"  component {number + 1} near {_shown(life.point)} appears {born}"
    if life.ended is not None and life.into is not None:
        at = f"({float(life.ended[0]):.6g}, {float(life.ended[1]):.6g}]"
        text += f" and joins component {life.into + 1} for a λ in {at}"
    return text
