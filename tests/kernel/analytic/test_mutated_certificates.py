"""Every mutant of a certificate is rejected, or numbers agree that its claim is true all the same.

A claim whose condition is not the catalogue's says so where it is shown; it is not judged here.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from boundcalc.kernel.analytic.check import verify
from boundcalc.kernel.analytic.paving import packed, unpacked
from boundcalc.kernel.claim import canonical, digest
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import stranger

from .certified import CLAIMS, Claimed, certificate, rules
from .oracle import verdict_is_possible

Path = tuple[Any, ...]
RULES = ("form", "sturm", "sos", "parts", "charts", "free", "margin", "paving", "minors", "gram")
WORDS = {
    "via": ("direct", "strong-convexity", "tangent-kernel", "pl", "pl-tangent-kernel"),
    "form": ("factored", "expanded", "cleared"),
    "kind": ("fails", "below", "empty"),
    "verdict": ("proved", "refuted"),
}


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a JSON structure, with the way to it."""
    yield path, data
    if isinstance(data, dict):
        for key in data:
            yield from leaves(data[key], (*path, key))
    elif isinstance(data, list):
        for k, entry in enumerate(data):
            yield from leaves(entry, (*path, k))


def replaced(data: Any, path: Path, value: Any) -> Any:
    """A copy with one value changed."""
    if not path:
        return value
    copied = copy.copy(data)
    copied[path[0]] = replaced(data[path[0]], path[1:], value)
    return copied


def without(data: Any, path: Path) -> Any:
    """A copy with one value removed."""
    copied = copy.copy(data)
    if len(path) == 1:
        del copied[path[0]]
    else:
        copied[path[0]] = without(data[path[0]], path[1:])
    return copied


def other_tree(source: random.Random, tree: str) -> str:
    """A box dropped, doubled, closed by another rule, halved along another axis; or a cut tree."""
    code = bytearray(unpacked(tree))
    k = source.randrange(len(code))
    kind = source.randrange(6)
    if kind == 0:
        del code[k]
    elif kind == 1:
        code.insert(k, code[k])
    elif kind == 2:
        code[k] = source.choice((0, 1, *range(64, 81)))
    elif kind == 3:
        del code[k:]
    elif kind == 4:
        code += bytes([source.choice((0, 64, 65))])
    else:
        code[k] ^= 1 << source.randrange(8)
    return packed(bytes(code)) if source.random() < 0.9 else tree[: len(tree) // 2]


def other_text(source: random.Random, text: str) -> str:
    """A digit flipped, a sign changed, a name or an operator exchanged, or another text."""
    digits = [m.start() for m in re.finditer(r"\d", text)]
    kind = source.randrange(8)
    if digits and kind < 4:
        k = source.choice(digits)
        digit = str((int(text[k]) + source.randint(1, 9)) % 10)
        return text[:k] + digit + text[k + 1 :]
    if kind == 4:
        return text[1:] if text.startswith("-") else "-" + text
    if kind == 5:
        pairs = (("+", "-"), ("-", "+"), ("*", "+"), ("^2", "^3"), ("sin", "cos"), ("x", "y"))
        old, new = source.choice(pairs)
        return text.replace(old, new, 1)
    return source.choice(("0", "1", "1e-9", "-1", "oo", "1e30", "x", "", "sqrt(-1)", text + text))


def other_value(source: random.Random, path: Path, value: Any, strangers: list[Any]) -> Any:
    """Something else in the place of a value."""
    key = path[-1] if path else ""
    if key == "tree" and isinstance(value, str):
        return other_tree(source, value)
    if key == "rule":
        return source.choice(RULES)
    if key in WORDS and source.random() < 0.7:
        return source.choice(WORDS[key])
    if isinstance(value, str):
        return other_text(source, value)
    if isinstance(value, bool) or value is None:
        return source.choice((0, "", [], {}))
    if isinstance(value, int):
        return value + source.choice((-1, 1, 7, -1000))
    if isinstance(value, list) and len(value) > 1 and source.random() < 0.5:
        shuffled = value[:]
        source.shuffle(shuffled)
        return shuffled
    if isinstance(value, list):
        return source.choice((value[:-1], value + value[-1:], []))
    if isinstance(value, dict) and value and source.random() < 0.5:
        keys = list(value)
        values = [value[k] for k in keys]
        source.shuffle(values)
        return dict(zip(keys, values, strict=True))
    return source.choice(strangers)


def mutant(source: random.Random, body: dict[str, Any], others: list[dict[str, Any]]) -> Any:
    """One change of a certificate; changes of the claim mostly with the right hash of the new."""
    kind = source.randrange(10)
    if kind == 0:
        other = source.choice(others)
        key = source.choice(("facts", "proofs", "witness", "claim", "via", "anchors"))
        changed = {k: v for k, v in body.items() if k != key}
        if key in other:
            changed[key] = other[key]
    elif kind == 1:
        places = [path for path, _ in leaves(body) if path]
        changed = without(body, source.choice(places))
    else:
        part = source.choice(("claim", "facts", "proofs", "proofs", "witness", ""))
        start = body.get(part, body) if part else body
        path, value = source.choice(list(leaves(start)))
        way = (part, *path) if part in body else path
        strangers = [v for other in others for _, v in leaves(other.get("proofs", {}))][:200]
        new = other_value(source, way, value, strangers)
        changed = replaced(body, way, new)
    if isinstance(changed, dict) and "claim" in changed and source.random() < 0.8:
        changed = {**changed, "claim_sha256": digest(changed["claim"])}
    return changed


def survivors(claimed: Claimed, seed: int, count: int) -> tuple[int, list[dict[str, Any]]]:
    """How many mutants there were, and those that the kernel accepted."""
    source = random.Random(f"{claimed.name} {seed}")
    body = certificate(claimed)
    others = [certificate(other) for other in source.sample(CLAIMS, 4) if other != claimed]
    tried, accepted = 0, []
    while tried < count:
        changed = mutant(source, body, others)
        if canonical(changed) == canonical(body):
            continue
        tried += 1
        try:
            verify(changed)
        except Rejected:
            continue
        accepted.append(changed)
    return tried, accepted


def judge(claimed: Claimed, accepted: list[dict[str, Any]]) -> int:
    """Check the claims of accepted mutants; how many of them were not the original claim."""
    body = certificate(claimed)
    new = 0
    seen = set()
    for changed in accepted:
        assert digest(changed["claim"]) == changed["claim_sha256"]
        if _said(changed["claim"]) == _said(body["claim"]):
            assert changed["verdict"] == body["verdict"], changed
            continue
        if stranger(changed["claim"]) is not None:
            continue
        if len(changed["claim"]["variables"]) > 1 and _projects(changed["claim"]):
            continue  # the oracle knows nearest minimisers in one variable only
        key = _said(changed["claim"]) + changed["verdict"]
        if key not in seen:
            seen.add(key)
            new += 1
            assert verdict_is_possible(changed["claim"], changed["verdict"]), changed
    return new


def _projects(claim: dict[str, Any]) -> bool:
    return any(kind.startswith("projection") for _, kind in claim["condition"]["slots"])


def _said(claim: dict[str, Any]) -> str:
    return canonical({**claim, "of": claim.get("of", "mean"), "ball": claim.get("ball")})


@pytest.mark.parametrize("claimed", CLAIMS, ids=lambda claimed: claimed.name)
def test_mutants_are_rejected_or_true(claimed: Claimed) -> None:
    tried, accepted = survivors(claimed, 0, 30)
    judge(claimed, accepted)
    assert len(accepted) < tried / 2


@pytest.mark.long
@pytest.mark.parametrize("claimed", CLAIMS, ids=lambda claimed: claimed.name)
def test_thousands_of_mutants(claimed: Claimed) -> None:
    tried, accepted = survivors(claimed, 1, 400)
    new = judge(claimed, accepted)
    print(f"{claimed.name}: {tried} mutants, {len(accepted)} accepted, {new} new")  # noqa: T201


@pytest.mark.parametrize("claimed", CLAIMS, ids=lambda claimed: claimed.name)
def test_the_originals_are_accepted_and_their_claims_true(claimed: Claimed) -> None:
    body = certificate(claimed)
    assert verify(copy.deepcopy(body)).verdict == claimed.verdict


def test_the_certificates_use_many_rules() -> None:
    used = set().union(
        *(rules({k: v for k, v in certificate(c).items() if k != "claim"}) for c in CLAIMS)
    )
    assert {"paving", "form", "sturm", "sos", "parts", "charts", "minors", "infimum"} <= used
    assert {"minimisers", "infima", "forms", "enclosed", "tangent-kernel"} <= used
    assert {"strong-convexity", "point", "direction", "stationary", "curve"} <= used
    assert {"below", "empty", "free", "gram"} <= used
    assert {"images", "zeros", "curve", "foot", "flats", "pl-tangent-kernel"} <= used


def test_every_formula_of_one_claim_under_the_proofs_of_another() -> None:
    """Formulas exchanged, with the right hash."""
    plain = [c for c in CLAIMS if len(c.formulas) == 1 and not c.residual and "any" not in
             dict(c.constants).values()]  # fmt: skip
    for claimed in plain:
        body = certificate(claimed)
        for other in plain:
            if other.formulas == claimed.formulas:
                continue
            claim = {**body["claim"], "components": list(other.formulas)}
            changed = {**body, "claim": claim, "claim_sha256": digest(claim)}
            try:
                outcome = verify(changed)
            except Rejected:
                continue
            assert verdict_is_possible(claim, outcome.verdict), changed
