"""`boundcalc verify`: one line for each certificate, with what it shows and what it costs."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from boundcalc.cli.app import app
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import decide
from boundcalc.search.tighten import frontier

COST = r" \((?P<checks>\d+) checks, \d+\.\d\d s, (?P<size>\d+ bytes|\d+\.\d kB)\)"


def verify(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["verify", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    band = frontier(problem_from(["x^2"]), 9, 300).band
    assert not isinstance(band, str)
    small = decide(problem_from(["x^2"]), "pl", {"mu": "1"}, 60).certificate
    done = CliRunner().invoke(app, ["prove", "gd-pl", "--certificates", str(folder)])
    assert done.exit_code == 0
    (folder / "pl.json").write_text(json.dumps(small))
    (folder / "band.json").write_text(json.dumps(band.certificate))
    (folder / "broken.json").write_text(json.dumps({**band.certificate, "lines": []}))
    (folder / "text.json").write_text("{")
    return {path.stem: path for path in folder.iterdir()}


def test_every_line_ends_with_checks_seconds_and_size(files: dict[str, Path]) -> None:
    names = ["gd-pl", "pl", "band"]
    lines = verify(*(files[name] for name in names)).splitlines()
    assert len(lines) == len(names)
    sizes = []
    for name, line in zip(names, lines, strict=True):
        found = re.search(COST + "$", line)
        assert found is not None, line
        number, unit = found["size"].split()
        size = files[name].stat().st_size
        sizes.append(unit)
        assert float(number) == pytest.approx(size if unit == "bytes" else size / 1_000, abs=0.06)
        assert int(found["checks"]) > 0
    assert set(sizes) == {"bytes", "kB"}
    assert lines[0].startswith(f"proved {files['gd-pl']}: axioms: smooth-quadratic-bounds, claim ")
    assert "(gd-pl)" in lines[0]


def test_json_has_checks_seconds_and_bytes(files: dict[str, Path]) -> None:
    rows = json.loads(verify(*files.values(), "--json", code=1))["certificates"]
    assert [row["certificate"] for row in rows] == list(map(str, files.values()))
    for row in rows:
        assert row["bytes"] == Path(row["certificate"]).stat().st_size
        assert row["seconds"] > 0
        assert ("checks" in row) == (row["verdict"] != "rejected")


def test_what_is_rejected_costs_too(files: dict[str, Path]) -> None:
    lines = verify(files["broken"], files["text"], code=1).splitlines()
    for line in lines:
        assert line.startswith("rejected ")
        assert re.search(r" \(\d+\.\d\d s, (\d+ bytes|\d+\.\d kB)\)$", line)
    assert "not the one that follows" in lines[0]


def test_a_frontier_says_its_band(files: dict[str, Path]) -> None:
    line = verify(files["band"])
    said = "beta*(alpha) for all alpha in [1/4, 10] in a band of width "
    assert line.startswith(f"enclosed {files['band']}: {said}")
    assert ", of alpha-beta of f = x^2 (" in line
    (row,) = json.loads(verify(files["band"], "--json"))["certificates"]
    assert row["verdict"] == "enclosed"
    parts = json.loads(files["band"].read_text())["certificates"]
    assert row["claim_sha256"] == [part["claim_sha256"] for part in parts]


def test_a_frontier_of_another_condition_is_none(files: dict[str, Path], tmp_path: Path) -> None:
    """The condition must be the catalogue's, word for word."""
    from boundcalc.kernel.claim import digest

    data = json.loads(files["band"].read_text())
    for part in data["certificates"]:
        part["claim"]["condition"]["where"] = []
        part["claim_sha256"] = digest(part["claim"])
    path = tmp_path / "strange.json"
    path.write_text(json.dumps(data))
    assert "is not the catalogue's" in verify(path, code=1)


def test_the_width_is_what_was_asked_for(files: dict[str, Path]) -> None:
    width = re.search(r"of width (\S+)", verify(files["band"]))
    assert width is not None
    assert Fraction(width[1]) <= Fraction(1, 100)
