"""Hypotheses as one line of text: "smooth(f; L = beta) on ball as h2"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.meaning import FAMILIES
from boundcalc.library.conditions import load_condition

_LINE = re.compile(
    r"(?P<id>[a-z0-9-]+)\((?P<of>[^;()]*)(?:;(?P<constants>[^;]*))?\)"
    r"(?P<domain> on ball| at centre)?(?: as (?P<name>\w+))?"
)


@dataclass(frozen=True)
class HypothesisText:
    """A condition, of which functions (role → function), with which constants, where."""

    name: str
    condition: str
    of: Mapping[str, str]
    constants: Mapping[str, str]
    domain: str


def read_hypothesis(line: str) -> HypothesisText:
    """Read "<condition>(<functions>; <constants>) [on ball | at centre] [as <name>]".

    functions : f or f_i, and role = function for functions that the theorem declares.
    constants : name = expression; one that is not mentioned keeps its own name.

    Raises InputError.
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise InputError(
            Fault("hypothesis", repr(line), '"<condition>(<functions>; <constants>)"', "correct it")
        )
    schema = load_condition(match["id"]).schema
    of: dict[str, str] = {}
    for part in filter(None, (word.strip() for word in match["of"].split(","))):
        role, equals, function = (word.strip() for word in part.partition("="))
        if equals:
            of[role] = function
        else:
            family = FAMILIES.get(role, {})
            of.update({r: family[r] for r in schema["functions"] if r in family})
    for role in schema["functions"]:
        of.setdefault(role, role)
    constants = {name: name for name in schema["constants"]}
    for part in filter(None, (match["constants"] or "").split(",")):
        name, _, value = (word.strip() for word in part.partition("="))
        constants[name] = value
    name = match["name"] or match["id"]
    return HypothesisText(
        name, match["id"], of, constants, (match["domain"] or " on everywhere")[4:]
    )
