"""Proofs found from hypotheses, algorithm and conclusion alone, and checked by the kernel."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from boundcalc.cli.prove import prove
from boundcalc.errors import InputError
from boundcalc.kernel.outcome import Undecided, is_genuine
from boundcalc.library.files import read
from boundcalc.library.proofs import prove_file
from boundcalc.report.proof import proof_table
from boundcalc.search.symbolic import Found
from boundcalc.search.theorem_file import proof_of_file, theorem_file

app = typer.Typer()
app.command()(prove)

STEPS = ["gd-pl", "gd-pl-medium", "gd-pl-long", "gd-nonconvex", "gd-convex", "gd-rsi-eb"]
STEPS += ["sgd-alpha-beta", "sgd-alpha-beta-sharp", "sgd-convex", "sgd-strongly-convex", "sgd-pl"]
STEPS += ["sgd-aiming", "sgd-nonconvex", "sgd-strongly-convex-sharp"]
ARROWS = ["rsi-eb", "rsi-pl", "eb-pl", "strongly-convex-pl", "strongly-convex-rsi", "aiming-qg-rsi"]
ARROWS += ["smooth-interpolation", "convex-alpha-beta", "star-convex-alpha-beta", "pl-star-pl"]
WITH_POINTS = ["quadratic-bounds-interpolation", "convex-smooth-interpolation"]


def stripped(id: str) -> dict[str, Any]:
    """A theorem's file without its proof."""
    return {key: value for key, value in read("theorems", id).items() if key != "proof"}


@pytest.mark.parametrize("id", [*STEPS, *ARROWS])
def test_a_proof_is_found_without_the_files_proof(id: str) -> None:
    raw = stripped(id)
    found = proof_of_file(raw)
    assert isinstance(found, Found), found
    assert is_genuine(found.proved)
    assert id not in found.premises
    pasted = tomllib.loads(proof_table(found.proof))
    again = prove_file({**raw, **pasted})  # what is printed reads back as the proof
    assert again.claim.sha256 == found.proved.claim.sha256
    assert again.axioms == found.proved.axioms


@pytest.mark.parametrize("id", WITH_POINTS)
def test_points_of_the_file_help(id: str) -> None:
    assert isinstance(proof_of_file(stripped(id)), Undecided)
    raw = read("theorems", id)
    points = {"proof": {"define": raw["proof"]["define"]}}
    assert isinstance(proof_of_file({**stripped(id), **points}), Found)


@pytest.mark.parametrize(
    ("id", "key", "old", "new"),
    [
        ("gd-pl", "rate", "(2 - L*gamma)", "(2 - 99/100*L*gamma)"),
        ("gd-rsi-eb", "rate", "2*gamma*mu", "201/100*gamma*mu"),
        ("sgd-strongly-convex", "floor", "2*gamma", "199/100*gamma"),
        ("sgd-convex", "bound", "sigma2*L", "99/100*sigma2*L"),
        ("gd-nonconvex", "bound", "2*gap0", "199/100*gap0"),
        ("gd-convex", "bound", "dist2/(2*", "dist2/(4001/1000*"),
    ],
)
def test_a_stronger_statement_gets_no_proof(id: str, key: str, old: str, new: str) -> None:
    """The rules give exactly these constants, and (for gd-convex) 1/4 is below the worst case."""
    raw = stripped(id)
    assert old in raw[key]
    assert isinstance(proof_of_file({**raw, key: raw[key].replace(old, new)}), Undecided)


def test_a_missing_hypothesis_leaves_it_undecided() -> None:
    raw = stripped("sgd-alpha-beta")
    found = proof_of_file({**raw, "hypotheses": ["alpha-beta(f_i)"]})
    assert isinstance(found, Undecided)
    assert "step" in found.reason
    assert isinstance(proof_of_file(read("theorems", "wide-networks")), Undecided)


def test_prove_find_prints_the_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'id = "mine"\nhypotheses = ["rsi(f)", "eb-upper(f)"]\nrate = "1 - mu^2/L^2"\n'
        'points = { x = "any", xp = "projection of x" }\nnext = { x = "y" }\n'
        '[constants]\nmu = "positive"\nL = "positive"\n[constraints]\norder = "mu <= L"\n'
        '[setup]\ny = "x - mu/L^2*grad(x)"\n'
        '[conclusion]\nrule = "contraction"\npotential = "dist2(x)"\nnoise = "0"\nfloor = "0"\n'
    )
    done = CliRunner().invoke(app, [str(path), "--find"])
    assert done.exit_code == 0, done.output
    whole = {**tomllib.loads(path.read_text()), **tomllib.loads(done.output)}
    assert prove_file(whole).checks >= 5
    done = CliRunner().invoke(app, ["gd-pl-short", "gd-pl", "--find", "--json"])
    assert done.exit_code == 3
    rows = json.loads(done.output)["theorems"]
    assert [row["verdict"] for row in rows] == ["undecided", "proved"]
    assert rows[0]["reason"]


@pytest.mark.parametrize("text", ["", "id = 3", 'id = "a"\nhypotheses = []\nconclusion = {}', "="])
def test_bad_files_are_bad_input(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InputError):
        proof_of_file(theorem_file(str(path)))
    with pytest.raises(InputError):
        theorem_file(str(tmp_path / "none.toml"))
