"""A changed proof is no proof, unless sympy shows that it is one; a stronger claim is not proved.

A sample of each certificate's mutants. `make tamper` judges 2,000 of each.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import tamper
from oracle import confirm
from oracle_world import NotShownError
from tamper import PROVED, accepted, refuses, tamperer_of
from tampering import replaced, stronger

from boundcalc.kernel.check import check
from boundcalc.kernel.identity import Rejected
from boundcalc.library.certificates import claim_of, proof_of
from boundcalc.library.files import read

SAMPLE = 25  # mutants of each certificate


def both(id: str) -> tuple[Any, Any]:
    raw = read("theorems", id)
    return claim_of(raw), proof_of(raw)


@pytest.mark.parametrize("id", PROVED)
def test_mutants_are_rejected_or_are_proofs_still(id: str) -> None:
    tally = tamper.tamper(id, SAMPLE)
    assert tally.mutants == SAMPLE
    assert tally.wrong == []
    assert tally.rejected > SAMPLE // 2


@pytest.mark.parametrize("id", PROVED)
def test_what_the_kernel_accepts_the_oracle_accepts(id: str) -> None:
    """Two readings of docs/trust.md: each proof is one to both, and a mutant that the kernel takes
    is one to the oracle. The kernel refuses more: it asks for a form, too."""
    assert accepted(id, *both(id))
    assert refuses(id, *both(id)) == ""
    for _, claim, proof in tamperer_of(id).distinct(12):
        assert not accepted(id, claim, proof) or refuses(id, claim, proof) == ""


def test_mutants_are_distinct_and_the_same_at_every_run() -> None:
    drawn = [[json.dumps(m) for m in tamperer_of("gd-pl").distinct(300)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 300
    assert json.dumps(["", *both("gd-pl")]) not in drawn[0]


@pytest.mark.parametrize("id", PROVED)
def test_no_part_of_a_proof_can_be_left_out(id: str) -> None:
    claim, proof = both(id)
    for name in proof["show"]:
        less = {key: value for key, value in proof["show"].items() if key != name}
        assert not accepted(id, claim, {**proof, "show": less})


MORE_IS_PROVED = {  # the proof shows more than the theorem states: the oracle confirms each
    ("gd-pl-short", "limit: gamma <= 1/L"): "at 1/L its rate is gd-pl-medium's",
    ("gd-pl-star-residual", "adjoint on the ball"): "used at the iterates alone",
    ("sgd-pl-star", "mini-batch on the ball"): "used at the iterates alone",
    ("ngn-alpha-beta", "without infima"): "positive losses have it: it keeps the bound readable",
    ("ngn-alpha-beta", "infima: 2*(fstar ) >= sigma2"): "as above",
    ("ngn-alpha-beta", "infima: 101/100*(fstar ) >= sigma2"): "as above",
    (
        "mini-batch-expected-smoothness",
        "without size",
    ): "the moments are a hypothesis for any s > 0",
    ("mini-batch-expected-smoothness", "size: 2*(s ) >= 1"): "as above",
    ("mini-batch-expected-smoothness", "size: 101/100*(s ) >= 1"): "as above",
    ("sgd-pl-batch", "without size"): "as above",
    ("sgd-pl-batch", "without some"): "without it the limit would be a division by 0",
    ("sgd-pl-batch", "some: A + mu*(B + s - 1) >= 0"): "as above",
    ("sgd-pl-batch", "size: 2*(s ) >= 1"): "as above",
    ("sgd-pl-batch", "size: 101/100*(s ) >= 1"): "as above",
    ("uniform-conditioning-ball-sharp", "room: H*R <= root"): "at H*R = root the bound is 0",
}


@pytest.mark.parametrize("id", PROVED)
def test_a_stronger_statement_is_not_proved(id: str) -> None:
    """Each hypothesis dropped or weakened, each limit widened, each conclusion sharpened."""
    claim, proof = both(id)
    statements = list(stronger(claim))
    assert statements
    for label, said in statements:
        if (id, label) in MORE_IS_PROVED:
            assert accepted(id, said, proof), label
            assert refuses(id, said, proof) == ""
        else:
            assert not accepted(id, said, proof), label


def test_every_exception_is_a_statement_that_is_tried() -> None:
    tried = {(id, label) for id in PROVED for label, _ in stronger(both(id)[0])}
    assert tried >= MORE_IS_PROVED.keys()


STRONGER = [
    ("sgd-alpha-beta", ("setup", 0, "holds"), "gamma <= (alpha - beta)/L"),
    ("sgd-alpha-beta", ("conclusion", "bound"), "dist2/(2*steps*gamma*(alpha - beta))"),
    ("sgd-alpha-beta-sharp", ("setup", 1, "is"), "x - 2*gamma*grad_i(x)"),
    ("sgd-alpha-beta-sharp", ("conclusion", "noise"), "0"),
    ("gd-pl", ("conclusion", "rate"), "1 - 2*mu*gamma*(2 - L*gamma)"),
    ("gd-pl", ("setup", 0, "holds"), "gamma <= 2/L"),
    ("gd-pl-medium", ("setup", 1, "holds"), "L^2*gamma^2 <= 4"),
    ("gd-pl-short", ("conclusion", "rate"), "((mu*(1 - L*gamma) + s)/(2*L + mu))^3"),
    ("gd-convex", ("setup", 0, "holds"), "gamma <= 2/L"),
    ("gd-pl-star", ("conclusion", "radius"), "2*root0/root_mu"),
    ("sgd-pl-star", ("setup", 0, "holds"), "s >= 0"),
    ("sgd-pl-star", ("conclusion", "radius"), "n*root_loss/(mu*delta)"),
]


@pytest.mark.parametrize(("id", "path", "new"), STRONGER)
def test_a_stronger_claim_is_not_proved(id: str, path: tuple[Any, ...], new: str) -> None:
    claim, proof = both(id)
    assert not accepted(id, replaced(claim, path, new), proof)


def test_the_paper_s_step_size_limit_for_mini_batches_is_too_large() -> None:
    """n·mu/(beta·(n²·beta + mu·(s − 1))), as a seed has it, fails for s > 1."""
    claim, proof = both("sgd-pl-star")
    index = next(i for i, step in enumerate(claim["setup"]) if step["name"] == "limit")
    text = "gamma <= n*mu/(beta*(n^2*beta + mu*(s - 1)))"
    assert not accepted("sgd-pl-star", replaced(claim, ("setup", index, "holds"), text), proof)


def toy(holds: str, by: str) -> tuple[dict[str, Any], dict[str, Any]]:
    claim = {"schema": "boundcalc.claim/1", "parameters": {"a": "positive", "b": "real"}}
    claim |= {"conditions": {}, "hypotheses": [], "setup": [], "points": {"x": "any"}}
    claim |= {"conclusion": {"rule": "inequality", "holds": holds}}
    return claim, {"show": {"main": {"by": by}}}


@pytest.mark.parametrize(
    ("holds", "by", "true"),
    [
        ("a^2 + b^2 >= 2*a*b", "square(a - b)", True),
        ("a^2 + b^2 >= 2*a*b", "square(a + b)", False),
        ("a^2 + b^2 > 2*a*b", "square(a - b)", False),
        ("a + b >= 0", "a + b", False),  # b has no sign
        ("a/b >= 0", "a/b", False),
        ("f_i(x) >= inf_i", "here", True),
        ("f(x) >= fstar + 1", "here", False),
        ("E(f_i(x)) >= fstar - sigma2", "mean + sigma2", True),
        ("E(f_i(x)) >= fstar + sigma2", "mean + sigma2", False),
        ("1/b >= 1/b", "0", False),  # b may be 0
        ("1/(a + 1) <= 1", "a/(a + 1)", True),
    ],
)
def test_the_oracle_s_own_answers(holds: str, by: str, true: bool) -> None:
    claim, proof = toy(holds, by)
    proof["use"] = {"here": ["def.sample-lower", "x"], "mean": ["def.lower", "x"]}
    if true:
        confirm(claim, proof, {})
        assert check(claim, proof, {}).checks == 1
    else:
        with pytest.raises(NotShownError):
            confirm(claim, proof, {})
        with pytest.raises(Rejected):
            check(claim, proof, {})
