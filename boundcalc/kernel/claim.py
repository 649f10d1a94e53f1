"""Claims: closed, exact statements, read strictly from plain JSON data, and their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

Json: TypeAlias = Any  # what json.loads gives; every reader below checks what it takes

CLAIM_SCHEMA = "boundcalc.claim/1"
SIGNS = ("positive", "nonnegative", "real")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
SLOT = re.compile(r"point|minimiser|projection of \w+|(known )?vector \w+", re.ASCII)
KINDS = ("point", "scalar", "sampled")  # of arguments and results; not names of spaces


class ClaimError(ValueError):
    """A claim or a certificate that is not well formed."""


@dataclass(frozen=True)
class Condition:
    """A condition as a schema. The kernel alone instantiates it.

    functions : names that stand for functions or their infimum (`inf`); a hypothesis says which.
    constants : name → sign; where : relations between them that belong to the condition.
    slots : name → "point", "minimiser", "projection of <slot>", "vector <space>" or
        "known vector <space>" (known before an index is sampled).
    relations : name → what holds for all values of the slots, where the guard (if any) holds.
    """

    id: str
    functions: tuple[str, ...]
    constants: Mapping[str, str]
    where: tuple[str, ...]
    slots: Mapping[str, str]
    guard: str
    relations: Mapping[str, str]


@dataclass(frozen=True)
class Hypothesis:
    """A condition, said of certain functions with certain constants, in a certain domain."""

    name: str
    condition: str
    of: Mapping[str, str]
    constants: Mapping[str, str]
    domain: str  # everywhere, ball, centre


@dataclass(frozen=True)
class Setup:
    """One definition (`value`) or one constraint on constants (`holds`), in order."""

    name: str
    value: str | None
    holds: str | None


@dataclass(frozen=True)
class Claim:
    """For all functions, points and constants as declared: the hypotheses give the conclusion.

    points : free points, name → "any", "fixed", "minimiser" or "projection of <point>".
    state : scalars that the algorithm carries along, name → start value.
    next : point or scalar of the state → its successor's name.
    conclusion : "rule" and what that rule needs.
    """

    parameters: Mapping[str, str]
    functions: Mapping[str, tuple[str, ...]]
    points: Mapping[str, str]
    vectors: Mapping[str, str]
    state: Mapping[str, str]
    conditions: Mapping[str, Condition]
    hypotheses: tuple[Hypothesis, ...]
    setup: tuple[Setup, ...]
    next: Mapping[str, str]
    conclusion: Mapping[str, Json]
    sha256: str


def canonical(data: Json) -> str:
    """The one text of a JSON value: sorted keys, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(data: Json) -> str:
    """SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(data).encode("ascii")).hexdigest()


def fields(data: Json, where: str, required: set[str], optional: set[str]) -> dict[str, Json]:
    """The object with exactly these keys; raises ClaimError otherwise."""
    if not isinstance(data, dict):
        raise ClaimError(f"{where}: expected an object")
    missing, extra = required - set(data), set(data) - required - optional
    if missing or extra:
        raise ClaimError(f"{where}: missing {sorted(missing)}, unknown {sorted(extra)}")
    return data


def text(data: Json, where: str) -> str:
    """A string; raises ClaimError otherwise."""
    if not isinstance(data, str):
        raise ClaimError(f"{where}: expected text")
    return data


def texts(data: Json, where: str) -> dict[str, str]:
    """An object of strings; raises ClaimError otherwise."""
    if not isinstance(data, dict):
        raise ClaimError(f"{where}: expected an object")
    return {key: text(value, f"{where}.{key}") for key, value in data.items()}


def identifier(data: Json, where: str) -> str:
    """A name of the grammar, so that no name is that of a variable which the kernel makes.

    Raises ClaimError otherwise.
    """
    if not isinstance(data, str) or NAME.fullmatch(data) is None:
        raise ClaimError(f"{where}: {data!r} is not a name")
    return data


def named(data: Json, where: str) -> dict[str, str]:
    """An object of strings whose keys are names; raises ClaimError otherwise."""
    return {identifier(key, where): value for key, value in texts(data, where).items()}


def space(data: Json, where: str) -> str:
    """The name of a space of vectors; raises ClaimError otherwise."""
    if data in KINDS:
        raise ClaimError(f"{where}: {data} is not a space")
    return identifier(data, where)


def _signature(data: Json, where: str) -> tuple[str, ...]:
    """Arguments (points or vectors), a result (a scalar or a vector), and perhaps "sampled"."""
    parts = tuple(text(part, where) for part in items(data, where))
    plain = parts[:-1] if parts[-1:] == ("sampled",) else parts
    if len(plain) < 2:
        raise ClaimError(f"{where}: a function has an argument and a result")
    for part in plain[:-1]:
        if part != "point":
            space(part, where)
    if plain[-1] != "scalar":
        space(plain[-1], where)
    return parts


def items(data: Json, where: str) -> list[Json]:
    """A list; raises ClaimError otherwise."""
    if not isinstance(data, list):
        raise ClaimError(f"{where}: expected a list")
    return data


def _signs(data: Json, where: str) -> dict[str, str]:
    signs = named(data, where)
    for name, sign in signs.items():
        if sign not in SIGNS:
            raise ClaimError(f"{where}.{name}: expected one of {SIGNS}")
    return signs


def read_condition(data: Json, id: str) -> Condition:
    """A condition from JSON; raises ClaimError."""
    keys = {"functions", "constants", "slots", "relations"}
    raw = fields(data, id, keys, {"where", "guard"})
    names = tuple(identifier(name, id) for name in items(raw["functions"], id))
    constants = _signs(raw["constants"], id)
    slots: dict[str, str] = {}  # in order: an instance names its points in this order
    for pair in items(raw["slots"], id):
        slot, kind = items(pair, id) if len(items(pair, id)) == 2 else ("", None)
        if slot in slots:
            raise ClaimError(f"{id}: {slot} is declared twice")
        slots[identifier(slot, id)] = text(kind, id)
        if SLOT.fullmatch(slots[slot]) is None:
            raise ClaimError(f"{id}: unknown kind of slot {kind!r}")
    if len({*names, *constants, *slots}) < len(names) + len(constants) + len(slots):
        raise ClaimError(f"{id}: a name has two meanings")
    where = tuple(text(relation, id) for relation in items(raw.get("where", []), id))
    guard, relations = text(raw.get("guard", ""), id), texts(raw["relations"], id)
    return Condition(id, names, constants, where, slots, guard, relations)


def _hypothesis(data: Json) -> Hypothesis:
    raw = fields(data, "hypothesis", {"name", "condition", "of", "constants", "domain"}, set())
    if raw["domain"] not in ("everywhere", "ball", "centre"):
        raise ClaimError("hypothesis: a domain is everywhere, ball or centre")
    name, condition = text(raw["name"], "hypothesis"), text(raw["condition"], "hypothesis")
    return Hypothesis(
        name, condition, named(raw["of"], name), named(raw["constants"], name), raw["domain"]
    )


def _setup(data: Json) -> Setup:
    raw = fields(data, "setup", {"name"}, {"is", "holds"})
    if ("is" in raw) == ("holds" in raw):
        raise ClaimError("setup: either is or holds")
    name = identifier(raw["name"], "setup")
    if "is" in raw:
        return Setup(name, text(raw["is"], name), None)
    return Setup(name, None, text(raw["holds"], name))


def _copied(data: Json) -> Json:
    """A JSON value that no one else can change; raises ClaimError where it is none."""
    try:
        return json.loads(json.dumps(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise ClaimError(f"claim: not a JSON value: {error}") from error


def read_claim(data: Json) -> Claim:
    """A claim from JSON, checked for form only; raises ClaimError."""
    data = _copied(data)
    optional = {"functions", "points", "vectors", "state", "setup", "next"}
    keys = {"schema", "parameters", "conditions", "hypotheses", "conclusion"}
    raw = fields(data, "claim", keys, optional)
    if raw["schema"] != CLAIM_SCHEMA:
        raise ClaimError(f"claim: expected schema {CLAIM_SCHEMA}")
    functions = raw.get("functions", {})
    if not isinstance(functions, dict):
        raise ClaimError("functions: expected an object")
    conditions = raw["conditions"]
    if not isinstance(conditions, dict) or not isinstance(raw["conclusion"], dict):
        raise ClaimError("claim: conditions and conclusion are objects")
    hypotheses = tuple(_hypothesis(h) for h in items(raw["hypotheses"], "hypotheses"))
    if len({h.name for h in hypotheses}) < len(hypotheses):
        raise ClaimError("claim: two hypotheses share a name")
    return Claim(
        parameters=MappingProxyType(_signs(raw["parameters"], "parameters")),
        functions=MappingProxyType(
            {
                identifier(name, "functions"): _signature(parts, name)
                for name, parts in functions.items()
            }
        ),
        points=MappingProxyType(named(raw.get("points", {}), "points")),
        vectors=MappingProxyType(
            {name: space(of, name) for name, of in named(raw.get("vectors", {}), "vectors").items()}
        ),
        state=MappingProxyType(named(raw.get("state", {}), "state")),
        conditions=MappingProxyType({id: read_condition(c, id) for id, c in conditions.items()}),
        hypotheses=hypotheses,
        setup=tuple(_setup(s) for s in items(raw.get("setup", []), "setup")),
        next=MappingProxyType(
            {
                name: identifier(successor, name)
                for name, successor in named(raw.get("next", {}), "next").items()
            }
        ),
        conclusion=MappingProxyType(raw["conclusion"]),
        sha256=digest(raw),
    )
