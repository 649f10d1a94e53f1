"""A changed proof is no proof, unless the change means nothing; a stronger claim is not proved."""

from __future__ import annotations

import random
from typing import Any

import pytest
from mutants import RELATION, Model, leaves, mutate_text, replaced

from boundcalc.kernel.check import check
from boundcalc.kernel.grammar import GrammarError, parse
from boundcalc.kernel.identity import Rejected
from boundcalc.library.certificates import claim_of, proof_of
from boundcalc.library.files import read
from boundcalc.library.proofs import prove
from boundcalc.library.theorems import theorem_ids

PROVED = [id for id in theorem_ids() if "proof" in read("theorems", id)]
MUTANTS = 60  # of each proof

VECTORS = {"x", "xp", "xs", "x0", "y", "z", "w", "u", "v", "xplus", "a", "aplus"}
VECTORS |= {"grad", "grad_i", "JT", "J", "res", "A", "B", "T", "Q", "batch"}


def premises(raw: dict[str, Any]) -> dict[str, Any]:
    return {entry["by"]: prove(entry["by"]) for entry in raw["proof"].get("derive", [])}


def same(old: str, new: str) -> bool:
    """Whether two texts agree wherever both have a value: an oracle that shares no code."""
    sides = [RELATION.split(text) for text in (old, new)]
    for seed in range(3):
        model = Model(seed, VECTORS)
        for a, b in zip(*sides, strict=True):
            try:
                if model.value(parse(a, None)) != model.value(parse(b, None)):
                    return False
            except (ZeroDivisionError, TypeError, GrammarError):
                return False
    return True


@pytest.mark.parametrize("id", PROVED)
def test_mutants_of_a_proof_are_rejected(id: str) -> None:
    raw = read("theorems", id)
    claim, proof, known = claim_of(raw), proof_of(raw), premises(raw)
    texts = [(p, t) for p, t in leaves(proof) if p[-1] in ("by", "factor", "holds")]
    names = [*raw["proof"].get("use", {}), *claim["parameters"]]
    rng = random.Random(id)
    for _ in range(MUTANTS):
        path, old = rng.choice(texts)
        new = mutate_text(old, rng, names)
        try:
            check(claim, replaced(proof, path, new), known)
        except Rejected:
            continue
        assert same(old, new), f"{path}: {new}"


@pytest.mark.parametrize("id", PROVED)
def test_no_part_of_a_proof_can_be_left_out(id: str) -> None:
    raw = read("theorems", id)
    claim, proof, known = claim_of(raw), proof_of(raw), premises(raw)
    for name in proof["show"]:
        less = {key: value for key, value in proof["show"].items() if key != name}
        with pytest.raises(Rejected):
            check(claim, {**proof, "show": less}, known)
    for hypothesis in claim["hypotheses"]:
        fewer = [h for h in claim["hypotheses"] if h is not hypothesis]
        with pytest.raises(Rejected):
            check({**claim, "hypotheses": fewer}, proof, known)


STRONGER = [
    ("sgd-alpha-beta", ("setup", 0, "holds"), "gamma <= (alpha - beta)/L"),
    ("sgd-alpha-beta", ("conclusion", "bound"), "dist2/(2*steps*gamma*(alpha - beta))"),
    ("sgd-alpha-beta", ("hypotheses", 1, "constants", "L"), "2*L"),
    ("sgd-alpha-beta", ("hypotheses", 0, "constants", "beta"), "2*beta"),
    ("sgd-alpha-beta", ("hypotheses", 0, "constants", "alpha"), "alpha/2"),
    ("sgd-alpha-beta-sharp", ("hypotheses", 1, "constants", "L"), "2*L"),
    ("sgd-alpha-beta-sharp", ("conclusion", "initial", "dist2"), "dist2(x)/2"),
    ("sgd-alpha-beta-sharp", ("conclusion", "quantity"), "2*(f(x) - fstar)"),
    ("sgd-alpha-beta-sharp", ("setup", 1, "is"), "x - 2*gamma*grad_i(x)"),
    ("sgd-alpha-beta-sharp", ("conclusion", "noise"), "0"),
    ("gd-pl", ("conclusion", "rate"), "1 - 2*mu*gamma*(2 - L*gamma)"),
    ("gd-pl", ("setup", 0, "holds"), "gamma <= 2/L"),
    ("gd-pl", ("hypotheses", 0, "constants", "mu"), "mu/2"),
    ("gd-pl-medium", ("setup", 1, "holds"), "L^2*gamma^2 <= 4"),
    ("gd-pl-short", ("conclusion", "rate"), "((mu*(1 - L*gamma) + s)/(2*L + mu))^3"),
    ("gd-convex", ("conclusion", "bound"), "dist2/(4*gamma*steps)"),
    ("gd-convex", ("setup", 0, "holds"), "gamma <= 2/L"),
    ("gd-pl-star", ("conclusion", "radius"), "2*root0/root_mu"),
    ("sgd-pl-star", ("setup", 0, "holds"), "s >= 0"),
    ("sgd-pl-star", ("conclusion", "radius"), "n*root_loss/(mu*delta)"),
    ("eb-pl", ("conclusion", "constants", "mu"), "mu^2/L*2"),
    ("rsi-eb", ("conclusion", "constants", "mu"), "2*mu"),
    ("jacobian-kernel-bounded", ("conclusion", "constants", "lambda_max"), "L_F"),
]


@pytest.mark.parametrize(("id", "path", "new"), STRONGER)
def test_a_stronger_claim_is_not_proved(id: str, path: tuple[Any, ...], new: str) -> None:
    raw = read("theorems", id)
    claim = claim_of(raw)
    with pytest.raises(Rejected):
        check(replaced(claim, path, new), proof_of(raw), premises(raw))


def test_the_paper_s_step_size_limit_for_mini_batches_is_too_large() -> None:
    """n·mu/(beta·(n²·beta + mu·(s − 1))), as a seed has it, fails for s > 1."""
    raw = read("theorems", "sgd-pl-star")
    claim = claim_of(raw)
    index = next(i for i, step in enumerate(claim["setup"]) if step["name"] == "limit")
    text = "gamma <= n*mu/(beta*(n^2*beta + mu*(s - 1)))"
    with pytest.raises(Rejected):
        check(replaced(claim, ("setup", index, "holds"), text), proof_of(raw), premises(raw))
