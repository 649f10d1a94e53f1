"""The catalogue: every file is sound, every theorem is proved, statements render."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boundcalc.errors import InputError
from boundcalc.kernel.__main__ import main
from boundcalc.kernel.certificate import read as read_certificate
from boundcalc.kernel.certificate import verify, written
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.outcome import Axiom, Proved
from boundcalc.library.conditions import condition_ids, load_condition
from boundcalc.library.files import read
from boundcalc.library.proofs import Cited, certificate_of, prove, prove_all
from boundcalc.library.statement import condition_lines, theorem_lines
from boundcalc.library.theorems import load_theorem, theorem_ids
from boundcalc.library.validate import faults

AXIOMS = {"smooth-quadratic-bounds", "pl-qg", "hessian-jacobian-lipschitz", "l0-l1-bounds"}
CITED = {"local-nonconvexity", "wide-networks"}


def test_everything_is_proved_but_the_listed_axioms() -> None:
    answers = prove_all()
    assert not [id for id, answer in answers.items() if isinstance(answer, Rejected)]
    assert {id for id, answer in answers.items() if isinstance(answer, Axiom)} == AXIOMS
    assert {id for id, answer in answers.items() if isinstance(answer, Cited)} == CITED
    assert set(answers) == set(theorem_ids())


def test_every_file_is_sound() -> None:
    assert faults() == []


@pytest.mark.parametrize("id", condition_ids())
def test_conditions_render(id: str) -> None:
    for in_latex in (False, True):
        lines = condition_lines(load_condition(id), in_latex)
        assert ("reference", load_condition(id).reference) in lines
        assert any(label == "holds" for label, _ in lines)


@pytest.mark.parametrize("id", theorem_ids())
def test_theorems_render(id: str) -> None:
    for in_latex in (False, True):
        lines = theorem_lines(load_theorem(id), in_latex)
        assert ("reference", load_theorem(id).reference) in lines
        assert all(words for _, words in lines)


def test_latex_of_the_sharp_bound() -> None:
    lines = dict(theorem_lines(load_theorem("sgd-alpha-beta-sharp"), in_latex=True))
    assert lines["step size below"] == r"\frac{\alpha - \beta}{L}"


@pytest.mark.parametrize("id", [id for id in theorem_ids() if "proof" in read("theorems", id)])
def test_certificates_stand_alone(id: str) -> None:
    data = json.loads(written(certificate_of(id)))
    proved, known = verify(data), prove(id)
    assert isinstance(known, Proved)
    assert proved.claim.sha256 == known.claim.sha256
    assert proved.axioms == known.axioms


def test_the_kernel_checks_certificates_with_nothing_installed(tmp_path: Path) -> None:
    path = tmp_path / "gd-pl.json"
    path.write_text(written(certificate_of("gd-pl")))
    command = [sys.executable, "-S", "-m", "boundcalc.kernel", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "axioms: smooth-quadratic-bounds" in done.stdout
    path.write_text(path.read_text().replace("2 - L*gamma", "3 - L*gamma"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hash" in done.stdout


def test_the_kernel_s_own_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rsi-eb.json"
    path.write_text(written(certificate_of("rsi-eb")))
    assert main([str(path)]) == 0
    assert "axioms: none" in capsys.readouterr().out
    path.write_text("{}")
    assert main([str(path)]) == 1
    assert "rejected" in capsys.readouterr().out


def test_an_unknown_id_names_its_neighbours() -> None:
    with pytest.raises(InputError, match="sgd-alpha-beta"):
        load_theorem("sgd-alpha-bet")


def test_certificate_numbers_are_text() -> None:
    with pytest.raises(Rejected, match="written as text"):
        read_certificate('{"x": 0.5}')
