"""The gallery: its page is that of its answers, and nothing in it contradicts the truths."""

from __future__ import annotations

import json
import math
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from boundcalc.kernel.analytic.formula import parse
from boundcalc.kernel.analytic.goal import evaluate
from boundcalc.kernel.analytic.terms import Terms

ROOT = Path(__file__).parents[2]
ANSWERS: dict[str, Any] = json.loads((ROOT / "docs" / "gallery.json").read_text(encoding="utf-8"))
CASES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "cases").glob("*.toml")
}
TRUTHS = tomllib.loads((ROOT / "cases/truth/values.toml").read_text(encoding="utf-8"))["value"]


def test_case_files_agree_with_independent_truths() -> None:
    """Formulas, domains, minimisers, infima and every `expect`, by sympy and mpmath."""
    done = subprocess.run(
        [sys.executable, "agree.py"],
        cwd=ROOT / "cases" / "truth",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().endswith("claims, 0 disagreements")


def test_page_is_up_to_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If this fails: python docs/gallery.py page"""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    gallery = runpy.run_path(str(ROOT / "docs" / "gallery.py"))
    gallery["page"](tmp_path / "gallery.md")
    written = (tmp_path / "gallery.md").read_text(encoding="utf-8")
    assert written == (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(CASES))
def test_answers_are_of_the_present_claims(name: str) -> None:
    """If this fails: python docs/gallery.py collect NAME"""
    asked = [(c["condition"], c.get("constants", {})) for c in CASES[name]["claims"]]
    answered = [(c["condition"], c["constants"]) for c in ANSWERS[name]["claims"]]
    assert answered == asked


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_verdict_contradicts_the_truth(name: str) -> None:
    for claim, answer in zip(CASES[name]["claims"], ANSWERS[name]["claims"], strict=True):
        assert answer["verdict"] in (claim["expect"], "undecided"), claim


@pytest.mark.parametrize("name", sorted(CASES))
def test_enclosures_hold_the_truth(name: str) -> None:
    """Independent tightest constants lie between the ends; none is enclosed where none is."""
    for row in ANSWERS[name]["tight"]:
        fixed = {key: _value(text) for key, text in row["fixed"].items()}
        for truth in TRUTHS:
            same = (truth["case"], truth["condition"]) == (name, row["condition"])
            if not same or any(
                _value(truth.get(k, "-1")) != pytest.approx(v) for k, v in fixed.items()
            ):
                continue
            no_beta = float(fixed.get("alpha", "inf")) <= _constant(truth)  # beta < alpha is asked
            if truth["constant"] == "none" or no_beta:
                assert row["verdict"] in ("refuted", "undecided"), row
                continue
            assert row["verdict"] != "refuted", row
            room = 1e-15 * abs(float(truth["constant"]))
            if row["lower"] is not None:
                assert float(row["lower"]) <= float(truth["constant"]) + room, row
            if row["upper"] is not None:
                assert float(row["upper"]) >= float(truth["constant"]) - room, row


def _constant(truth: dict[str, str]) -> float:
    return -math.inf if truth["constant"] == "none" else float(truth["constant"])


def _value(text: str) -> float:
    terms = Terms()
    return float(evaluate(terms, terms.read(parse(text), {}), {})[0])
