"""What is asked about level sets, from text: a formula on a box, and levels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.levels.cells import MAX_VARIABLES, Landscape
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem_text import Faults, problem_from

MOST_LEVELS = 200
LARGEST = Fraction(10) ** 300  # what figures and JSON can show


def landscape_of(formula: str, domain: str | None) -> Landscape:
    """The function on its box, "x=-2:2,y=0:1". Raises InputError with every fault."""
    problem = problem_from([formula], domain=domain)
    faults, box = Faults(), []
    if len(problem.variables) > MAX_VARIABLES:
        found = f"{len(problem.variables)} variables ({', '.join(problem.variables[:6])})"
        faults.append(Fault("formula", found, "one or two", "fix the others"))
    for name, (lo, hi) in zip(problem.variables, problem.domain, strict=True):
        if lo is None or hi is None:
            fix = f'give --domain "{name}=-2:2", with an end on either side'
            faults.append(Fault("--domain", f"{name} unbounded", "a bounded box", fix))
        elif max(abs(lo), abs(hi)) > LARGEST:
            faults.append(Fault("--domain", f"{name} beyond 1e300", "smaller ends", "scale it"))
        else:
            box.append((lo, hi))
    faults.settle()
    return Landscape(problem.variables, formula, tuple(box))


def level_of(text: str, where: str) -> Fraction:
    """An exact number that a figure can show. Raises InputError."""
    level = exact_number(text.strip(), where)
    if abs(level) > LARGEST:
        raise InputError(Fault(where, "a level beyond 1e300", "a smaller one", "scale the loss"))
    return level


def levels_of(texts: Sequence[str]) -> list[Fraction]:
    """Different levels in increasing order. Raises InputError with every fault."""
    if len(texts) > MOST_LEVELS:
        found, expected = f"{len(texts)} levels", f"at most {MOST_LEVELS}"
        raise InputError(Fault("--levels", found, expected, "take fewer"))
    faults = Faults()
    found_levels = [faults.attempt(level_of, text, "--levels") for text in texts]
    faults.settle()
    return sorted({level for level in found_levels if level is not None})
