"""Mutants of certificates: proofs and statements with one change or a few."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mutants import mutate_text, tidy

Json = Any
Pair = tuple[Json, Json]  # claim, proof

FORMULAS = {"by", "factor", "holds", "is", "split"}  # keys of formulas in a proof
SKIPPED = {"rule", "condition", "root", "root_next", "root_start", "root_rate", "reach"}


def leaves(data: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every text of a JSON value with the way to it."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))


def at(data: Json, path: tuple[Any, ...]) -> Json:
    """The part of a JSON value at the end of a way."""
    for key in path:
        data = data[key]
    return data


def replaced(data: Json, path: tuple[Any, ...], new: Json) -> Json:
    """A copy of a JSON value with one entry replaced; removed where `new` is None."""
    whole = copy.deepcopy(data)
    inner = at(whole, path[:-1])
    if new is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return whole


def proof_formulas(proof: Json) -> list[tuple[Any, ...]]:
    """The ways to all formulas of a proof."""
    found = [path for path, _ in leaves(proof) if path[-1] in FORMULAS and path[0] != "derive"]
    found += [("invariants", name) for name in proof.get("invariants", {})]
    for index, entry in enumerate(proof.get("derive", [])):
        found += [("derive", index, "constants", name) for name in entry.get("constants", {})]
    return found


def claim_formulas(claim: Json) -> list[tuple[Any, ...]]:
    """The ways to all formulas of a claim: limits, constants, schemas, algorithm, conclusion."""
    found = [path for path, _ in leaves(claim["setup"], ("setup",)) if path[-1] in ("is", "holds")]
    found += [("state", name) for name in claim.get("state", {})]
    for index, entry in enumerate(claim["hypotheses"]):
        found += [("hypotheses", index, "constants", name) for name in entry["constants"]]
    for id, schema in claim["conditions"].items():
        found += [("conditions", id, "relations", name) for name in schema["relations"]]
        found += [("conditions", id, "where", n) for n in range(len(schema.get("where", [])))]
        found += [("conditions", id, "guard")] if schema.get("guard") else []
    for path, _ in leaves(claim["conclusion"], ("conclusion",)):
        if not {*path} & {*SKIPPED, "of", "at"}:
            found.append(path)
    return found


def tidied(claim: Json, proof: Json) -> Pair:
    """The same claim and proof with every formula in its one form.

    Conditions stay as the catalogue writes them: implications are moved between equal schemas.
    """
    for path in [path for path in claim_formulas(claim) if path[0] != "conditions"]:
        claim = replaced(claim, path, tidy(at(claim, path)))
    for path in proof_formulas(proof):
        proof = replaced(proof, path, tidy(at(proof, path)))
    return claim, proof


class Tamperer:
    """Draws mutants of one certificate."""

    def __init__(self, claim: Json, proof: Json, implications: list[str], seed: str) -> None:
        self.original = tidied(claim, proof)
        self.implications = implications
        self.rng = random.Random(seed)
        texts = " ".join(text for part in self.original for _, text in leaves(part))
        known = set(proof.get("use", {})) | set(claim["parameters"]) | {"fstar", "sigma2"}
        known |= {lemma["name"] for lemma in proof.get("lemmas", [])}
        known |= {step["name"] for step in claim["setup"]}
        self.names = sorted(known & set(re.findall(r"[A-Za-z_]\w*", texts)))
        self.points = [*claim.get("points", {}), *claim["next"].values()] if "next" in claim else []
        self.points = self.points or list(claim.get("points", {}))

    def draw(self, edits: int) -> tuple[str, Json, Json]:
        """A mutant (kind of its last change, claim, proof), after some changes."""
        claim, proof = self.original
        kind = ""
        for _ in range(edits):
            weights = [12, 3, 2, 4, 2]
            kinds: list[Callable[[Json, Json], tuple[str, Json, Json]]]
            kinds = [self._proof, self._use, self._shape, self._claim, self._assumed]
            kind, claim, proof = self.rng.choices(kinds, weights)[0](claim, proof)
        return kind, claim, proof

    def distinct(self, wanted: int) -> Iterator[tuple[str, Json, Json]]:
        """Mutants that differ from the original and from each other, fewest changes first."""
        seen = {_text(*self.original)}
        edits, stale, found = 1, 0, 0
        while found < wanted:
            kind, claim, proof = self.draw(edits)
            text = _text(claim, proof)
            if text in seen:
                stale += 1
                if stale > 30:
                    edits, stale = edits + 1, 0
                continue
            seen.add(text)
            stale, found = 0, found + 1
            yield kind, claim, proof

    def _mutated(self, data: Json, path: tuple[Any, ...]) -> tuple[str, Json]:
        kind, text = mutate_text(at(data, path), self.rng, self.names or ["fstar"])
        return kind, replaced(data, path, tidy(text))

    def _proof(self, claim: Json, proof: Json) -> tuple[str, Json, Json]:
        paths = proof_formulas(proof)
        if not paths:  # all were left out by earlier changes
            return self._claim(claim, proof)
        kind, proof = self._mutated(proof, self.rng.choice(paths))
        return kind, claim, proof

    def _claim(self, claim: Json, proof: Json) -> tuple[str, Json, Json]:
        path = self.rng.choice(claim_formulas(claim))
        _, claim = self._mutated(claim, path)
        return f"statement: {path[0]}", claim, proof

    def _use(self, claim: Json, proof: Json) -> tuple[str, Json, Json]:
        """Another hypothesis, another point, or the points in another order."""
        if not proof.get("use"):
            return self._proof(claim, proof)
        name = self.rng.choice(sorted(proof["use"]))
        words = list(proof["use"][name])
        index = self.rng.randrange(len(words))
        if index == 0:
            others = [entry[0] for entry in proof["use"].values()]
            others += [h["name"] for h in claim["hypotheses"]] + ["def.lower", "def.nearest"]
            words[0] = self.rng.choice(others)
        elif self.rng.random() < 0.5:
            words = [words[0], *reversed(words[1:])]
        else:
            words[index] = self.rng.choice(self.points)
        return "swapped hypothesis", claim, replaced(proof, ("use", name), words)

    def _shape(self, claim: Json, proof: Json) -> tuple[str, Json, Json]:
        """A part left out, two parts swapped, another implication."""
        options: list[tuple[tuple[Any, ...], Json]] = []
        for key in ("use", "show", "defined", "invariants"):
            options += [((key, name), None) for name in proof.get(key, {})]
        for key in ("lemmas", "derive", "define"):
            options += [((key, n), None) for n in range(len(proof.get(key, [])))]
        for n, lemma in enumerate(proof.get("lemmas", [])):
            options.append((("lemmas", n, "expected"), not lemma.get("expected", False)))
            other = self.rng.choice(proof["lemmas"])["proof"]
            options.append((("lemmas", n, "proof"), other))
        for n in range(len(proof.get("derive", []))):
            options.append((("derive", n, "by"), self.rng.choice(self.implications)))
        shown = list(proof["show"])
        for name in shown:
            options.append((("show", name), proof["show"][self.rng.choice(shown)]))
            if "factor" in proof["show"][name]:
                options.append((("show", name, "factor"), None))
        if not options:
            return self._proof(claim, proof)
        path, new = self.rng.choice(options)
        return "part", claim, replaced(proof, path, copy.deepcopy(new))

    def _assumed(self, claim: Json, proof: Json) -> tuple[str, Json, Json]:
        """A hypothesis or definition left out, a sign forgotten, another domain."""
        options: list[tuple[tuple[Any, ...], Json]] = []
        options += [(("hypotheses", n), None) for n in range(len(claim["hypotheses"]))]
        options += [(("setup", n), None) for n in range(len(claim["setup"]))]
        for name, sign in claim["parameters"].items():
            weaker = {"positive": "nonnegative", "nonnegative": "real", "real": "positive"}
            options.append((("parameters", name), weaker[sign]))
        for n, entry in enumerate(claim["hypotheses"]):
            options.append(
                (("hypotheses", n, "domain"), {"ball": "everywhere"}.get(entry["domain"], "ball"))
            )
        for name in claim.get("points", {}):
            options.append((("points", name), self.rng.choice(["any", "minimiser", "inside"])))
        path, new = self.rng.choice(options)
        return f"statement: {path[0]}", replaced(claim, path, new), proof


def _text(claim: Json, proof: Json) -> str:
    return json.dumps([claim, proof], sort_keys=True)


WEAKER: Mapping[str, str] = {  # constants of conditions: what makes the condition weaker
    **dict.fromkeys(("mu", "theta", "alpha", "rho"), "({})/2"),
    **dict.fromkeys(("L", "beta", "G", "A", "B", "C", "L_F", "H", "h"), "2*({})"),
    **dict.fromkeys(("lambda_max", "beta_F", "epsilon"), "2*({})"),
}
STRONGER = {name: "({})/2" if text[0] == "2" else "2*({})" for name, text in WEAKER.items()}
LESS = ("bound", "bound_varying", "rate", "floor", "radius", "delta", "until")


def stronger(claim: Json) -> Iterator[tuple[str, Json]]:
    """Statements that say more than the claim: less is assumed, or more is concluded."""
    for n, entry in enumerate(claim["hypotheses"]):
        yield f"without {entry['name']}", replaced(claim, ("hypotheses", n), None)
        for name, text in entry["constants"].items():
            if name in WEAKER:
                new = WEAKER[name].format(text) if text != "0" else "1"
                path = ("hypotheses", n, "constants", name)
                yield f"{entry['name']} with {name} = {new}", replaced(claim, path, new)
        if entry["domain"] == "everywhere" and "inside" in claim["points"].values():
            yield (
                f"{entry['name']} on the ball",
                replaced(claim, ("hypotheses", n, "domain"), "ball"),
            )
    for n, step in enumerate(claim["setup"]):
        if "holds" in step:
            yield f"without {step['name']}", replaced(claim, ("setup", n), None)
            for text in _wider(step["holds"]):
                yield f"{step['name']}: {text}", replaced(claim, ("setup", n, "holds"), text)
    yield from _says_more(claim)


def _wider(holds: str) -> Iterator[str]:
    """Constraints that allow more; both sides are nonnegative where a constraint holds."""
    match = re.search("[<>]=?", holds)
    assert match is not None
    left, sign, right = holds[: match.start()], match.group(), holds[match.end() :]
    if "=" not in sign:
        yield f"{left}{sign}={right}"
    if right.strip() == "0":
        return
    for factor in ("2", "101/100"):
        if sign[0] == "<":
            yield f"{left}{sign} {factor}*({right})"
        else:
            yield f"{factor}*({left}) {sign}{right}"


def _says_more(claim: Json) -> Iterator[tuple[str, Json]]:
    said = claim["conclusion"]
    for key in LESS:
        if said.get(key, "0") != "0":
            for new in (f"({said[key]})/2", f"({said[key]})*99/100"):
                yield f"{key} = {new}", replaced(claim, ("conclusion", key), new)
    if "quantity" in said:
        new = f"2*({said['quantity']})"
        yield f"quantity = {new}", replaced(claim, ("conclusion", "quantity"), new)
    for name, text in said.get("initial", {}).items():
        yield f"{name} = {text}/2", replaced(claim, ("conclusion", "initial", name), f"({text})/2")
    if said["rule"] == "implies":
        for name, text in said["constants"].items():
            if name in STRONGER and text != "0":
                new = STRONGER[name].format(text)
                path = ("conclusion", "constants", name)
                yield f"conclusion with {name} = {new}", replaced(claim, path, new)
    if said["rule"] == "inequality":
        new = f"{said['holds']} + sqnorm(x)"
        yield f"holds: {new}", replaced(claim, ("conclusion", "holds"), new)
