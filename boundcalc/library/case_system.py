"""What a case file says of a residual map beyond its formulas: a start, and how the map is made.

start = { x = "1", y = "11/10" }                             or a list, in order
output = { function = "logistic", target = ["1/2"] }         F = logistic(residual) − target
input = { u = "x + x^3", v = "y" }                           the residual is in u and v
parts = [["x"], ["y"]]                                       kernels of parts add up
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.system.formulas import OUTPUTS
from boundcalc.library.numbers import exact_number
from boundcalc.library.problem import Made
from boundcalc.library.problem_formulas import read_formula, shown, variable_faults
from boundcalc.library.problem_text import Faults

KEYS = {"start", "output", "input", "parts"}
_NAME = re.compile(r"\d[\d.]*(?:[eE][+-]?\d+)?|[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_start(where: str, given: Any, variables: Sequence[str]) -> tuple[str, ...]:
    """Rational coordinates in the order of the variables. Raises InputError with every fault."""
    if isinstance(given, dict) and set(given) == set(variables):
        given = [given[name] for name in variables]
    if not isinstance(given, list) or len(given) != len(variables):
        example = ", ".join(f'{name} = "0"' for name in variables)
        expected = f"a number for each of {', '.join(variables)}"
        raise InputError(Fault(where, shown(given), expected, f"write start = {{ {example} }}"))
    faults = Faults()
    for name, value in zip(variables, given, strict=True):
        faults.attempt(exact_number, _text(value), f"{where} {name}")
    faults.settle()
    return tuple(str(exact_number(_text(value), where)) for value in given)


def read_made(where: str, raw: Mapping[str, Any], variables: Sequence[str]) -> Made | None:
    """How the residual map of a file is made, where it says so. Raises InputError."""
    kinds = [key for key in ("output", "input", "parts") if key in raw]
    if not kinds:
        return None
    if len(kinds) > 1:
        raise InputError(Fault(where, " and ".join(kinds), "one of these", "choose one"))
    (kind,) = kinds
    if "residual" not in raw:
        expected = "a residual map beside it"
        raise InputError(Fault(f"{where}: {kind}", "components", expected, "give residual"))
    reader = {"output": _output, "input": _input, "parts": _parts}[kind]
    return reader(f"{where}: {kind}", raw, variables)


def composed(made: Made, formulas: Sequence[str]) -> tuple[str, ...]:
    """F itself as formulas in the variables."""
    if made.kind == "output":
        pairs = zip(formulas, made.target, strict=False)  # faults are told elsewhere
        return tuple(f"{made.function}({z}) - ({t})" for z, t in pairs)
    if made.kind == "input":
        names = dict(made.names)

        def replaced(match: re.Match[str]) -> str:
            return f"({names[match[0]]})" if match[0] in names else match[0]

        return tuple(_NAME.sub(replaced, formula) for formula in formulas)
    return tuple(formulas)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return shown(value)
    return str(value)


def _output(where: str, raw: Mapping[str, Any], variables: Sequence[str]) -> Made:
    given, formulas = raw["output"], _listed(raw["residual"])
    fix = 'write output = { function = "logistic", target = ["1/2"] }'
    if not isinstance(given, dict) or set(given) != {"function", "target"}:
        raise InputError(Fault(where, shown(given), "a function and its target", fix))
    if given["function"] not in OUTPUTS:
        found = shown(given["function"])
        raise InputError(Fault(where, found, f"one of {', '.join(OUTPUTS)}", "choose one"))
    if not isinstance(given["target"], list) or len(given["target"]) != len(formulas):
        found = shown(given["target"])
        raise InputError(Fault(where, found, f"{len(formulas)} numbers, one per formula", fix))
    target = tuple(str(exact_number(_text(t), f"{where} target")) for t in given["target"])
    return Made("output", tuple(map(str, formulas)), function=given["function"], target=target)


def _input(where: str, raw: Mapping[str, Any], variables: Sequence[str]) -> Made:
    given = raw["input"]
    if not isinstance(given, dict) or not given or set(given) & set(variables):
        expected = "a formula in the variables for each new name"
        fix = 'write input = { u = "x + x^3" }, and the residual in u'
        raise InputError(Fault(where, shown(given), expected, fix))
    faults = Faults(variable_faults(where, tuple(given)))
    for name, formula in given.items():
        faults.attempt(read_formula, f"{where} {name}", _text(formula), variables)
    faults.settle()
    names = tuple((name, _text(formula)) for name, formula in given.items())
    return Made("input", tuple(map(str, _listed(raw["residual"]))), names=names)


def _parts(where: str, raw: Mapping[str, Any], variables: Sequence[str]) -> Made:
    given = raw["parts"]
    sound = isinstance(given, list) and all(isinstance(part, list) and part for part in given)
    flat = [name for part in given for name in part] if sound else []
    if not sound or len(flat) > len(set(map(str, flat))) or set(map(str, flat)) - set(variables):
        expected = f"disjoint lists of variables ({', '.join(variables)})"
        raise InputError(Fault(where, shown(given), expected, 'write parts = [["x"], ["y"]]'))
    own = tuple(tuple(part) for part in given)
    return Made("parts", tuple(map(str, _listed(raw["residual"]))), parts=own)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
