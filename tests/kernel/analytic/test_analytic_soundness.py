"""Ways to a false statement about given functions: the kernel refuses each of them."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import boundcalc
from boundcalc.kernel.analytic.check import SCHEMA, verify
from boundcalc.kernel.analytic.paving import LEAF, NATURAL, OUTSIDE, packed
from boundcalc.kernel.certificate import written
from boundcalc.kernel.claim import digest
from boundcalc.kernel.identity import Rejected
from boundcalc.library.analytic import claim_text
from boundcalc.library.conditions import load_condition

Json = dict[str, Any]
HERE = {"rule": "paving", "tree": packed(bytes([LEAF + NATURAL]))}
EMPTY = {"rule": "paving", "tree": packed(bytes([LEAF + OUTSIDE]))}
FORM = {"rule": "form"}
STURM = {"rule": "sturm"}
PL = {"mu": "1"}


def schema(known: str, **changes: Any) -> Json:
    own = {key: value for key, value in load_condition(known).schema.items() if value != ""}
    return {"id": known, **copy.deepcopy(own), **changes}


def claim(f: str | list[str], condition: str | Json, constants: Json, **more: Any) -> Json:
    """A claim about the components or, with residual=True, the residual map `f`."""
    written = [f] if isinstance(f, str) else f
    kind = "residual" if more.pop("residual", False) else "components"
    domain = more.pop("domain", {"x": ["-oo", "oo"]})
    return {
        "schema": "boundcalc.analytic/1",
        "variables": list(domain),
        kind: written,
        "domain": domain,
        "condition": schema(condition) if isinstance(condition, str) else condition,
        "constants": constants,
        **more,
    }


def certificate(said: Json, proofs: Json, facts: Json | None = None, **more: Any) -> Json:
    return {
        "schema": SCHEMA,
        "claim": said,
        "claim_sha256": digest(said),
        "verdict": "refuted" if "witness" in more else "proved",
        "facts": facts or {},
        "proofs": proofs,
        **more,
    }


def refused(said: Json, proofs: Json, facts: Json | None = None, **more: Any) -> str:
    """The reason for which a certificate is rejected; fails where it is accepted."""
    with pytest.raises(Rejected) as found:
        verify(certificate(said, proofs, facts, **more))
    return str(found.value)


def accepted(said: Json, proofs: Json, facts: Json | None = None, **more: Any) -> str:
    return verify(certificate(said, proofs, facts, **more)).verdict


SOME = {"infimum": {"lower": "0", "at": ["0"]}}


def test_an_imaginary_root_is_no_square() -> None:
    # sqrt(-1)^2 reduces to -1, so that any polynomial is a sum of such squares
    wrong = {"rule": "sos", "squares": [["1", "sqrt(0-1)"], ["1", "x"]]}
    refused(
        claim("x", "nonnegative", {}),
        {"condition.main0.0": {**wrong, "squares": [["1", "(x+1)/2"], ["1", "sqrt(0-1)*(x-1)/2"]]}},
    )
    inside = {"rule": "sos", "squares": [["1", "x"]]}
    assert accepted(claim("x^2", "nonnegative", {}), {"condition.main0.0": inside}) == "proved"
    negative = {"rule": "sos", "squares": [["1", "sqrt(x)"]]}
    refused(claim("x", "nonnegative", {}), {"condition.main0.0": negative})


def test_the_residual_of_a_claim_is_not_the_certificates() -> None:
    said = claim(["x", "x"], "uniform-conditioning", {"mu": "1"}, residual=True)
    refused(said, {"condition.kernel": HERE}, {"residual": ["sqrt(2)*x"]})
    said = claim("x^2", "uniform-conditioning", {"mu": "1"})
    refused(said, {"condition.kernel": HERE}, {"residual": ["sqrt(2)*x"]})
    # nor can a true claim be refuted with the kernel of another map
    said = claim(["x"], "uniform-conditioning", {"mu": "1"}, residual=True)
    witness = {"point": ["1"], "direction": ["1", "-1"]}
    more = {"residual": ["3/5*x", "4/5*x"]}
    refused(said, {}, more, witness=witness)
    via = claim("x^2", "pl-star", PL)
    proofs = {"condition.kernel": HERE}
    assert accepted(via, proofs, {"residual": ["sqrt(2)*x"]}, via="tangent-kernel") == "proved"


def test_a_residual_of_the_certificate_is_defined() -> None:
    # half the square is -x^2/2 by the rule sqrt(p)^2 = p
    said = claim("0 - x^2/2", "pl-star", {"mu": "1"})
    facts = {"residual": ["sqrt(0-1)*x"]}
    proof = {"rule": "minors", "proofs": {"0": {"rule": "sos", "squares": [["2", "sqrt(0-1)"]]}}}
    refused(said, {"condition.kernel": proof}, facts, via="tangent-kernel")
    facts = {"residual": ["sqrt(x)"]}
    refused(
        claim("x/2", "pl-star", {"mu": "1"}),
        {"condition.kernel": HERE},
        facts,
        via="tangent-kernel",
    )


def test_forms_hold_for_a_residual_entry_by_entry() -> None:
    # f = (a^2 + b^2)/2, but the map turns with c: at (0, 1, 1) its kernel is singular
    turn = ["a*cos(c*a) - b*sin(c*a)", "a*sin(c*a) + b*cos(c*a)"]
    domain = {name: ["-oo", "oo"] for name in "abc"}
    said = claim(turn, "uniform-conditioning", {"mu": "1"}, residual=True, domain=domain)
    minor = {"rule": "form", "form": "expanded"}
    proof = {"rule": "minors", "proofs": {"0": minor, "1": minor, "0,1": minor}}
    refused(said, {"condition.kernel": proof}, {"forms": [["1", "0", "0"], ["0", "1", "0"]]})


def test_forms_need_a_condition_about_differences() -> None:
    relation = {"main": "sqnorm(grad(x)) >= sqnorm(x)"}
    said = claim(
        "x^2",
        schema("pl", id="mine", relations=relation),
        PL,
        domain={"x": ["-oo", "oo"], "y": ["-oo", "oo"]},
    )
    refused(said, {"condition.main0.0": FORM}, {"forms": [["1", "0"]]})
    true = claim("x^2", "pl-star", PL, domain=said["domain"])
    assert accepted(true, {"condition.main0.0": FORM}, {"forms": [["1", "0"]]}) == "proved"


def test_a_singular_matrix_finds_no_stationary_point() -> None:
    said = claim("x^2", "pl", PL)
    witness = {"stationary": {"box": [["1", "2"]], "inverse": [["0"]]}}
    refused(said, {"infimum.0": FORM}, SOME, witness=witness)
    both = {"x": ["-oo", "oo"], "y": ["-oo", "oo"]}
    said = claim("x^2 + y^2", "pl", PL, domain=both)
    box = {"box": [["-1", "1"], ["1", "2"]], "inverse": [["1/2", "0"], ["0", "0"]]}
    facts = {"infimum": {"lower": "0", "at": ["0", "0"]}}
    refused(said, {"infimum.0": FORM}, facts, witness={"stationary": box})
    real = claim("(x^2 - 1)^2", "pl", PL)
    good = {"stationary": {"box": [["-1/10", "1/10"]], "inverse": [["-1/4"]]}}
    facts = {"infimum": {"lower": "0", "at": ["1"]}}
    proof = {"rule": "sturm"}
    assert accepted(real, {"infimum.0": proof}, facts, witness=good) == "refuted"


def test_a_domain_is_not_empty() -> None:
    away = {"center": ["5"], "radius": "1"}
    said = claim("0 - x^2", "nonnegative", {}, domain={"x": ["-1", "1"]}, ball=away)
    refused(said, {"condition.main0.0": EMPTY})
    # the only point is 1: nothing can be said of convexity there
    touching = {"center": ["0"], "radius": "1"}
    said = claim("0 - x^2", "convex", {}, domain={"x": ["1", "2"]}, ball=touching)
    refused(said, {}, witness={"point": ["1"], "direction": ["1"]})


@pytest.mark.parametrize(
    "lost", ["0*log(x)", "0/x", "(1/x)^0", "0*sqrt(x)", "0*x^(1/3)", "x*(0/x)", "log(x)*(1 - 1)"]
)
def test_what_is_multiplied_by_zero_is_defined(lost: str) -> None:
    refused(claim(f"x^2 + {lost}", "nonnegative", {}), {"condition.main0.0": FORM})
    refused(claim(["x", lost], "pl-star", PL, residual=True), {"condition.main0.0": FORM})


@pytest.mark.parametrize("mu", ["1 + 0*log(0 - 1)", "2 + sqrt(0 - 1)^2", "1 + 0/(pi - pi)"])
def test_constants_have_a_value(mu: str) -> None:
    refused(claim("x^2", "pl-star", {"mu": mu}), {"condition.main0.0": FORM})


def test_points_are_real() -> None:
    # the kernel would take i for the one minimiser: f(i) = 0 by the rule sqrt(p)^2 = p
    said = claim("x^2*(x^2 + 1)^2", "qg", {"mu": "2"})
    facts = {"minimisers": {"points": [["sqrt(0-1)"]]}}
    squares = [["1", "(x - sqrt(0-1))"]]
    proof = {"rule": "sos", "squares": squares}
    assert "defined" in refused(
        said, {"minimisers.above": STURM, "condition.main0.0": proof}, facts
    )
    low = {"infimum": {"lower": "0 - sqrt(0 - 1)", "at": ["0"]}}
    refused(claim("x^2", "pl", PL), {"infimum.0": FORM, "condition.main0.0": FORM}, low)


def test_consequences_are_those_of_the_catalogues_conditions() -> None:
    growth = schema("qg", slots=[["x", "point"], ["xp", "point"]])
    proofs = {"condition.convex0": HERE}
    refused(claim("x^2", growth, {"mu": "2"}), proofs, via="strong-convexity")
    negative = schema("eb", constants={"mu": "real"})
    refused(claim("x^2 - 2", negative, {"mu": "0-9"}), proofs, via="strong-convexity")
    signed = schema("smooth", constants={"L": "real"})
    witness = {"point": ["0"], "direction": ["1"]}
    refused(claim("x^2", signed, {"L": "0-9"}), {}, witness=witness)
    assert accepted(claim("x^2", "qg", {"mu": "2"}), proofs, via="strong-convexity") == "proved"


def test_a_condition_says_something() -> None:
    refused(claim("x^2", schema("pl", id="words", relations={}), PL), {})


def test_an_open_constant_keeps_the_sign_of_the_infimum() -> None:
    # with c = 3 the relation is about 0 - inf; at c = 1 it is about + inf
    relation = {"main": "(2 - mu)*inf >= (2 - mu)*f(x)"}
    said = claim("x^2", schema("pl", id="mine", relations=relation), {"mu": "any"})
    refused(said, {"infimum.0": FORM}, SOME, witness={"point": ["1"]})


def test_formulas_are_shown_as_they_are() -> None:
    refused(claim("9*x^4 +\rx^2", "nonnegative", {}), {"condition.main0.0": FORM})


@pytest.mark.parametrize("weight", ["1e999999999", "one", "1_0/0", "nan", "9" * 5_000])
def test_numbers_of_a_proof_are_bounded_rationals(weight: str) -> None:
    proof = {"rule": "sos", "squares": [[weight, "x"]]}
    refused(claim("x^2", "nonnegative", {}), {"condition.main0.0": proof})
    proof = {"rule": "parts", "shares": [weight], "proofs": [FORM]}
    refused(claim("x^2", "nonnegative", {}), {"condition.main0.0": proof})


def test_malformed_certificates_are_rejected_not_raised() -> None:
    refused(claim("1/(x - x)", "nonnegative", {}), {"defined.0": FORM, "condition.main0.0": FORM})
    missing = schema("smooth", constants={})
    refused(claim("x^2", missing, {}), {})
    inverse = schema("pl", relations={"main": "sqnorm(grad(x))/mu >= f(x) - inf"})
    refused(
        claim("x^2", inverse, {"mu": "any"}), {"infimum.0": FORM}, SOME, witness={"point": ["1"]}
    )


def replayed(tmp_path: Path, said: Json, proofs: Json, **more: Any) -> str:
    """What the checker prints where nothing is installed (no site-packages)."""
    place = tmp_path / "certificate.json"
    place.write_text(written(certificate(said, proofs, **more)))
    command = [sys.executable, "-S", "-m", "boundcalc.kernel", str(place)]
    root = Path(boundcalc.__file__).parents[1]
    found = subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr == ""
    return found.stdout


def test_algebraic_certificates_replay_on_the_standard_library(tmp_path: Path) -> None:
    bump = claim("x^2/(1 + x^2)", "pl", {"mu": "1/4"}, domain={"x": ["-1", "1"]})
    proofs = {"defined.0": FORM, "infimum.0": FORM, "condition.main0.0": STURM}
    assert replayed(tmp_path, bump, proofs, facts=SOME).startswith("proved: 3 checks")
    too_much = {**bump, "constants": {"mu": "1/2"}}
    assert "not shown by sturm" in replayed(tmp_path, too_much, proofs, facts=SOME)
    square = {"rule": "sos", "squares": [["1", "x - 1/3"]]}
    shown = replayed(
        tmp_path, claim("(x - 1/3)^2", "nonnegative", {}), {"condition.main0.0": square}
    )
    assert shown.startswith("proved")
    witness = {"point": ["1"]}
    shown = replayed(tmp_path, claim("x^4", "pl-star", {"mu": "9"}), {}, witness=witness)
    assert shown.startswith("refuted")
    paved = claim("x^2 + 1", "nonnegative", {})
    assert replayed(tmp_path, paved, {"condition.main0.0": HERE}).startswith("proved")
    wave = claim("2 + sin(x)", "nonnegative", {}, domain={"x": ["0", "1"]})
    assert replayed(tmp_path, wave, {"condition.main0.0": HERE}).startswith("rejected")
    assert accepted(wave, {"condition.main0.0": HERE}) == "proved"


def test_a_short_certificate_takes_no_hours() -> None:
    sums = ["*".join(f"{k}000000007*x^{d}" for d in (60, 60, k - 100)) for k in range(101, 161)]
    said = claim(f"1 + {' + '.join(sums)}", "nonnegative", {})
    assert "too large together" in refused(said, {"condition.main0.0": STURM})


def test_less_than_convexity_is_not_for_every_component() -> None:
    # at x = 1/10, f_1 has the product -0.18 with x, and theta*(f_1(x) - f_1(0)) is -0.095
    pair = ["(x - 1)^2", "(x + 1)^2"]
    said = claim(pair, "aiming", {"theta": "1/2"}, of="each")
    facts = {"minimisers": {"points": [["0"]]}}
    proofs = {"minimisers.above": FORM, "condition.convex0": HERE, "condition.convex1": HERE}
    refused(said, proofs, facts, via="convexity")
    said = claim(pair, "aiming", {"theta": "1"}, of="each")
    assert accepted(said, proofs, facts, via="convexity") == "proved"


def test_the_printed_line_says_what_was_checked() -> None:
    # 10 x^2 and x - 10 x^2 are not 1-smooth, their mean is
    pair = ["10*x^2", "x - 10*x^2"]
    said = claim(pair, "smooth", {"L": "1"}, of="mean")
    proofs = {"condition.above0": FORM, "condition.below0": FORM}
    forms = {name: {"rule": "minors", "proofs": {"0": proof}} for name, proof in proofs.items()}
    assert accepted(said, forms) == "proved"
    assert "of the mean f of" in claim_text(said)
    assert "every f_i" in claim_text({**said, "of": "each"})
    ratio = claim(pair, "alpha-beta", {"alpha": "1", "beta": "2"})
    assert "alpha > beta is not claimed" in claim_text(ratio)
    assert "is not claimed" not in claim_text({**ratio, "constants": {"alpha": "1", "beta": "any"}})
