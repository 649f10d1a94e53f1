"""Theorems about level sets, as data: one small file each in data/topology.

They are cited, or come with a proof in words; the kernel speaks of none of them.

A theorem has one or more versions; it applies where all hypotheses of one of them hold. A
hypothesis is a list of facts about a network, or a relation between its counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.grammar import GrammarError
from boundcalc.library.counts import CountRelation, read_count_relation, shown_count
from boundcalc.library.files import ids, read

FOLDER = "topology"
FACTS = (
    "linear", "quadratic", "relu", "tanh", "softplus", "sigmoid", "smooth", "nonlinear",
    "linear output", "smooth output", "square loss",
)  # fmt: skip
COUNTS = ("depth", "points", "inputs", "outputs", "parameters", "residuals")
LAYER_COUNTS = ("width", "layer")  # where the hypothesis speaks of each hidden layer
SIGNS = {
    "depth": "L", "points": "N", "inputs": "n_0", "outputs": "n_L", "parameters": "p",
    "residuals": "r·d", "manifold": "p - r·d", "width_1": "n_1",
}  # fmt: skip
IN_WORDS = tuple(SIGNS)  # what $.. in words may name
NAMED = re.compile(r"\$([a-z_0-9]+)")
_KEYS = {"id", "title", "reference", "conclusion", "not_concluded", "versions"}
_MORE = {"note", "rate", "rate_numbers", "proof"}


@dataclass(frozen=True)
class Hypothesis:
    """What a theorem asks of a network.

    facts : all of them must be true. relation : it must hold, in `each` hidden layer where so.
    """

    statement: str
    facts: tuple[str, ...]
    relation: CountRelation | None
    each_hidden: bool


@dataclass(frozen=True)
class Version:
    """Hypotheses that suffice together."""

    name: str
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True)
class LevelTheorem:
    """A theorem about level sets; conclusion and rate_numbers may name counts as $points.

    rate : of a statement with hidden constants, how it scales; "" where there are none.
    proof : in words, of a theorem of our own; "" where it is cited.
    """

    id: str
    title: str
    reference: str
    conclusion: str
    not_concluded: tuple[str, ...]
    rate: str
    rate_numbers: str
    note: str
    proof: str
    versions: tuple[Version, ...]

    @property
    def kind(self) -> str:
        """What it rests on; the kernel speaks of none of them."""
        return "proved in words" if self.proof else "cited"


def level_theorem_ids() -> tuple[str, ...]:
    """All theorems about level sets, by file name."""
    return ids(FOLDER)


@cache
def load_level_theorem(id: str) -> LevelTheorem:
    """Read data/topology/<id>.toml. Raises InputError with every fault of the file."""
    raw = read(FOLDER, id)
    found = level_theorem_faults(f"data/{FOLDER}/{id}.toml", id, raw)
    if found:
        raise InputError(*found)
    versions = tuple(
        Version(one["name"], tuple(_hypothesis(h) for h in one["hypotheses"]))
        for one in raw["versions"]
    )
    return LevelTheorem(
        id=raw["id"],
        title=raw["title"],
        reference=raw["reference"],
        conclusion=raw["conclusion"],
        not_concluded=tuple(raw["not_concluded"]),
        rate=raw.get("rate", ""),
        rate_numbers=raw.get("rate_numbers", ""),
        note=raw.get("note", ""),
        proof=raw.get("proof", ""),
        versions=versions,
    )


def level_theorem_lines(theorem: LevelTheorem) -> list[tuple[str, str]]:
    """What a theorem says, line by line; $points and the like stand for counts of a network."""
    lines = []
    for version in theorem.versions:
        of = f"if ({version.name})" if len(theorem.versions) > 1 else "if"
        lines += [(of, hypothesis.statement) for hypothesis in version.hypotheses]
    lines.append(("then", NAMED.sub(lambda match: SIGNS[match[1]], theorem.conclusion)))
    if theorem.rate:
        lines.append(("rate", f"{theorem.rate}, constants hidden"))
    lines += [("not concluded", sentence) for sentence in theorem.not_concluded]
    if theorem.note:
        lines.append(("note", theorem.note))
    if theorem.proof:
        lines.append(("proof", theorem.proof))
    said = f"outside its language: {theorem.kind}"
    return [*lines, ("kernel", said), ("reference", theorem.reference)]


def _hypothesis(raw: Mapping[str, Any]) -> Hypothesis:
    relation = read_count_relation(raw["relation"]) if "relation" in raw else None
    return Hypothesis(raw["statement"], tuple(raw.get("facts", ())), relation, "each" in raw)


def level_theorem_faults(where: str, id: str, raw: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with the content of a file."""
    found = [Fault(where, "nothing", f"the key {k}", "add it") for k in sorted(_KEYS - set(raw))]
    for key in sorted(set(raw) - _KEYS - _MORE):
        found.append(Fault(where, f"the key {key}", "a known key", "remove or correct it"))
    if raw.get("id") != id:
        found.append(Fault(where, f"id {raw.get('id')!r}", f"{id!r}, as the file", "rename it"))
    for key in ("title", "reference", "conclusion", "note", "rate", "rate_numbers", "proof"):
        if key in raw and not (isinstance(raw[key], str) and raw[key].strip()):
            found.append(Fault(f"{where}: {key}", repr(raw[key]), "words", "write it"))
        elif key in raw:
            found += _words_faults(f"{where}: {key}", raw[key])
    if ("rate" in raw) != ("rate_numbers" in raw):
        found.append(Fault(where, "one of rate, rate_numbers", "both or none", "add the other"))
    if not _texts(raw.get("not_concluded")):
        expected = "a list of sentences: what does not follow"
        found.append(Fault(f"{where}: not_concluded", "no sentence", expected, "write it"))
    versions = raw.get("versions")
    if not isinstance(versions, list) or not versions:
        found.append(Fault(f"{where}: versions", repr(versions), "tables", "add [[versions]]"))
        return found
    for k, version in enumerate(versions):
        found += _version_faults(f"{where}: versions[{k}]", version)
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)


def _words_faults(where: str, words: str) -> list[Fault]:
    """$name in words must be the name of a count."""
    expected = f"one of {', '.join(IN_WORDS)}"
    return [
        Fault(where, f"${name}", expected, "correct it")
        for name in NAMED.findall(words)
        if name not in IN_WORDS
    ]


def filled(words: str, counts: Mapping[str, int]) -> str:
    """Words with numbers in place of $name."""
    return NAMED.sub(lambda match: shown_count(counts[match[1]]), words)


def _version_faults(where: str, version: object) -> list[Fault]:
    if not isinstance(version, dict) or set(version) != {"name", "hypotheses"}:
        return [Fault(where, repr(version), "a name and hypotheses", "correct it")]
    found = []
    for k, one in enumerate(version["hypotheses"]):
        found += _hypothesis_faults(f"{where}: hypotheses[{k}]", one)
    return found


def _hypothesis_faults(where: str, one: Mapping[str, Any]) -> list[Fault]:
    found = []
    for key in sorted(set(one) - {"statement", "facts", "each", "relation"}):
        found.append(Fault(where, f"the key {key}", "a known key", "remove or correct it"))
    if not str(one.get("statement", "")).strip():
        found.append(Fault(where, "no statement", "the hypothesis in words", "write it"))
    if ("facts" in one) == ("relation" in one):
        found.append(Fault(where, "both or neither", "facts or a relation", "choose one"))
    for fact in one.get("facts", []):
        if fact not in FACTS:
            expected = f"one of {', '.join(FACTS)}"
            found.append(Fault(f"{where}: facts", repr(fact), expected, "correct it"))
    if one.get("each", "hidden") != "hidden":
        found.append(Fault(f"{where}: each", repr(one["each"]), '"hidden"', "correct it"))
    if "relation" in one:
        found += _relation_faults(f"{where}: relation", one["relation"], "each" in one)
    return found


def _relation_faults(where: str, text: object, each: bool) -> list[Fault]:
    expected = "a relation of counts, such as width > 2*points"
    try:
        relation = read_count_relation(str(text))
    except GrammarError as error:
        return [Fault(where, str(error), expected, "correct it")]
    known = {*COUNTS, *LAYER_COUNTS} if each else {*COUNTS}
    return [
        Fault(where, f"the name {name}", f"one of {', '.join(sorted(known))}", "correct it")
        for name in sorted(relation.names - known)
    ]
