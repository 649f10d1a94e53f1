"""Several minimisers without a formula: carried over by symmetries, or zeros of a map."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from boundcalc.kernel.analytic.check import prepared, verify
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.identity import Rejected
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import decide

from .test_analytic_soundness import claim

Json = Any
CAMEL = "(4 - 21/10*x^2 + x^4/3)*x^2 + x*y + (4*y^2 - 4)*y^2"
NEAR = {"x": ["-2", "2"], "y": ["-1", "1"]}
VALLEYS = "(x^2 + y - 11)^2 + (x + y^2 - 7)^2"


def decided(formula: str, condition: str, constants: dict[str, str], verdict: str, **more: Any):
    found = decide(problem_from((formula,), **more), condition, constants, 30)
    assert found.verdict == verdict, (found.reason, found.attempts)
    return found.certificate


def camel() -> Json:
    return decided(CAMEL, "qg", {"mu": "1/10"}, "proved", domain="x=-2:2,y=-1:1")


def test_the_two_minimisers_of_the_camel_are_mirror_images() -> None:
    proof = camel()
    assert [entry["rows"] for entry in proof["facts"]["enclosed"]["images"]] == [
        [["-1", "0"], ["0", "-1"]]
    ]
    assert verify(proof).verdict == "proved"
    steep = decided(CAMEL, "qg", {"mu": "1"}, "refuted", domain="x=-2:2,y=-1:1")
    assert verify(steep).verdict == "refuted"


def test_a_certificate_names_every_minimiser() -> None:
    """One of the two alone, with its box: f is as small outside of the box."""
    proof = camel()
    only = {k: v for k, v in proof["facts"]["enclosed"].items() if k != "images"}
    with pytest.raises(Rejected):
        verify({**proof, "facts": {"enclosed": only}})


def test_minimisers_that_are_roots_of_equations() -> None:
    proof = decided(VALLEYS, "qg", {"mu": "1"}, "proved")
    assert len(proof["facts"]["zeros"]) == 4
    less = {**proof["facts"], "zeros": proof["facts"]["zeros"][1:]}
    with pytest.raises(Rejected):
        verify({**proof, "facts": less})
    swapped = {**proof["facts"], "zeros": proof["facts"]["zeros"][::-1]}
    with pytest.raises(Rejected):
        verify({**proof, "facts": swapped})


def test_at_a_tie_the_condition_fails_with_either_minimiser() -> None:
    """At 0 both minimisers of (x²−1)² are nearest, and the gradient is 0."""
    said = claim("(x^2 - 1)^2", "rsi", {"mu": "any"})
    body = {
        "schema": "boundcalc.analytic-certificate/1",
        "claim": said,
        "claim_sha256": _hash(said),
        "verdict": "refuted",
        "facts": {"minimisers": {"points": [["-1"], ["1"]]}},
        "proofs": {"minimisers.above": {"rule": "sturm"}},
        "witness": {"point": ["0"]},
    }
    assert verify(body).verdict == "refuted"
    with pytest.raises(Rejected, match="not shown to fail"):
        verify({**body, "witness": {"point": ["3/4"]}})


def _hash(said: Json) -> str:
    from boundcalc.kernel.claim import digest

    return digest(said)


WELL = "x^4 - 3*x^2 + cos(x)"
IMAGE = {"rows": [["-1"]], "shift": ["0"], "box": [["-2", "-1"]]}
ENCLOSED = {"point": ["13/10"], "box": [["1", "2"]], "convexity": "1/10", "images": [IMAGE]}


def images(**more: Any) -> Json:
    return {**ENCLOSED, "images": [{**IMAGE, **more}]}


REFUSED = {
    "rows": (images(rows=[["-1"], ["1"]]), "one row for each"),
    "row": (images(rows=[["-1", "0"]]), "one number for each"),
    "shift size": (images(shift=[]), "one number for each"),
    "not orthogonal": (images(rows=[["-2"]]), "not orthogonal"),
    "no symmetry": (images(shift=["1"]), "not the same there"),
    "box too large": (images(box=[["-3", "-1"]]), "do not map"),
    "box elsewhere": (images(box=[["-2", "-3/2"]]), "do not map"),
    "unbounded": (images(box=[["-oo", "-1"]]), "box: bounded"),
    "not constant": (images(shift=["x"]), "unknown name"),
    "convex": ({**ENCLOSED, "convex": True}, "no images"),
}


@pytest.mark.parametrize(("entry", "why"), REFUSED.values(), ids=REFUSED)
def test_images_that_are_refused(entry: Json, why: str) -> None:
    said = claim(WELL, "qg", {"mu": "1/10"})
    prepared(said, {"enclosed": ENCLOSED})
    with pytest.raises((ClaimError, Rejected), match=why):
        prepared(said, {"enclosed": entry})


def test_images_lie_inside_the_domain() -> None:
    said = claim(WELL, "qg", {"mu": "1/10"}, domain={"x": ["-2", "3"]})
    with pytest.raises(ClaimError, match="touches the boundary"):
        prepared(said, {"enclosed": ENCLOSED})


def test_a_shift_by_a_period() -> None:
    """The box of an image has rational ends; it maps into the first one."""
    said = claim("sin(x) + cos(2*x)/3", "qg", {"mu": "1/10"}, domain={"x": ["-20", "20"]})
    moved = {"rows": [["1"]], "shift": ["2*pi"], "box": [["9/2", "49/10"]]}
    first = {"point": ["-11/7"], "box": [["-2", "-1"]], "convexity": "1/100"}
    _, _, facts = prepared(said, {"enclosed": {**first, "images": [moved]}})
    assert len(facts.points) == 2
    off = {**moved, "box": [["9/2", "53/10"]]}
    with pytest.raises(Rejected, match="do not map"):
        prepared(said, {"enclosed": {**first, "images": [off]}})


ZERO = {"box": [["1", "2"]], "core": [["5/4", "3/2"]], "inverse": [["2/5"]]}
ROOTS = {
    "none": ([], "between 1 and 100"),
    "core": ([{**ZERO, "core": [["5/4", "3"]]}], "lies in its box"),
    "low core": ([{**ZERO, "core": [["1/4", "3/2"]]}], "lies in its box"),
    "no zero": ([{**ZERO, "box": [["5/4", "2"]], "core": [["3/2", "2"]]}], "not exactly one zero"),
    "inverse": ([{**ZERO, "inverse": [["0"]]}], "not exactly one zero"),
    "inverse size": ([{**ZERO, "inverse": []}], "square matrix"),
}


@pytest.mark.parametrize(("entries", "why"), ROOTS.values(), ids=ROOTS)
def test_zeros_that_are_refused(entries: Json, why: str) -> None:
    said = claim("(x^2 - 2)^2/2", "qg", {"mu": "1/10"})
    residual = {"residual": ["x^2 - 2"]}
    _, _, facts = prepared(said, {**residual, "zeros": [ZERO]})
    low, high = facts.parameters["@p0_0"]
    assert low**2 < 2 < high**2
    with pytest.raises((ClaimError, Rejected), match=why):
        prepared(said, {**residual, "zeros": entries})


def test_as_many_equations_as_variables() -> None:
    said = claim("(x^2 - 2)^2/2", "qg", {"mu": "1/10"})
    with pytest.raises(Rejected, match="as many residuals"):
        prepared(said, {"zeros": [ZERO]})


def test_two_zeros_in_one_box_are_not_taken_for_one() -> None:
    """F has the zeros ±1/100 in the box, whatever the matrix is."""
    said = claim("(x^2 - 1/10000)^2/2", "qg", {"mu": "1/10"})
    for c in (-50, -1, 1, 50, 1000):
        wide = {"box": [["-1", "1"]], "core": [["0", "1"]], "inverse": [[str(Fraction(c))]]}
        with pytest.raises(Rejected, match="not exactly one zero"):
            prepared(said, {"residual": ["x^2 - 1/10000"], "zeros": [wide]})


def test_one_account_of_the_minimisers() -> None:
    said = claim("(x^2 - 2)^2/2", "qg", {"mu": "1/10"})
    both = {"zeros": [ZERO], "enclosed": ENCLOSED, "residual": ["x^2 - 2"]}
    with pytest.raises(ClaimError, match="exact or enclosed"):
        prepared(said, both)


def test_images_lie_inside_a_ball() -> None:
    def within(radius: str) -> Json:
        return claim(WELL, "qg", {"mu": "1/10"}, ball={"center": ["0"], "radius": radius})

    assert len(prepared(within("3"), {"enclosed": ENCLOSED})[2].points) == 2
    with pytest.raises(ClaimError, match="inside the ball"):
        prepared(within("3/2"), {"enclosed": ENCLOSED})
