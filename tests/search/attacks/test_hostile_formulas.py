"""Hostile formulas: exit code 2, a message at the character, at once; nothing is executed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from boundcalc.cli import main

SECONDS = 15  # generous: the machine may be busy; each takes a fraction of a second
ENDS = {
    "check": ["--condition", "pl", "--mu", "1"],
    "tighten": ["--condition", "pl"],
}


def refused(capsys, monkeypatch, command: str, formulas: list[str], *options: str) -> str:
    """What is printed on stderr; the exit code is 2, stdout is empty, and it took no time."""
    words = ["boundcalc", command, *ENDS[command], *options, "--", *formulas]
    monkeypatch.setattr("sys.argv", words)
    start = time.perf_counter()
    with pytest.raises(SystemExit) as stopped:
        main()
    assert time.perf_counter() - start < SECONDS
    out, err = capsys.readouterr()
    assert stopped.value.code == 2, (formulas, out, err)
    assert out == ""
    assert err.startswith("error")
    return err


@pytest.fixture
def traps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What formulas brought about: they stand in an empty folder, and may call nothing of os."""
    sprung: list[str] = []
    for name in ("system", "popen", "remove"):
        monkeypatch.setattr(os, name, lambda *_, name=name: sprung.append(name))
    monkeypatch.chdir(tmp_path)
    yield sprung
    assert not sprung
    assert list(tmp_path.iterdir()) == []


SYNTAX = [
    ("__import__('os').system('true')", 12),
    ("x.__class__", 2),
    ("eval(x)", 1),
    ("open('made', 'w')", 6),
    ("exec(x)", 1),
    ("open(x)", 1),
    ("lambda x: x", 9),
    ("x if x else y", 3),
    ("x; y", 2),
    ("x\ny", None),
    ("x**y", 4),
    ("x^x", 3),
    ("x[0]", 2),
    ("'x'", 1),
    ("x == y", 3),
    ("f'{x}'", 2),
    ("x^999999999999", 2),
    ("x^(10^10)", 6),
    ("9" * 200_000 + "x", None),
    ("(" * 5_000 + "x" + ")" * 5_000, None),
    ("-" * 50_000 + "x", None),
    ("x" + "+x" * 100_000, None),
    ("sin(" * 3_000 + "x" + ")" * 3_000, None),
    ("x\x00", None),
    ("х^2", 1),
    ("x ^ 2 $", 7),
    ("", None),
    ("sin", None),
    ("abs(x)", 1),
    ("1/0*x", 2),
    ("x + 0^(-1)", None),
]


@pytest.mark.parametrize("command", ["check", "tighten"])
@pytest.mark.parametrize(("text", "character"), SYNTAX, ids=lambda v: str(v)[:24])
def test_formulas_are_refused_at_the_character(
    capsys, monkeypatch, traps, command: str, text: str, character: int | None
) -> None:
    said = refused(capsys, monkeypatch, command, [text])
    assert len(said) < 3_000
    if character is not None:
        assert f"character {character}:" in said


UNDEFINED = [
    ("1/x", None, "a division by 0", 2),
    ("x/(x^2 - 1/4)", "x=0:1", "a division by 0", 2),
    ("(x - 1)^(-2)", None, "a division by 0", 8),
    ("1/(x^2 + y^2)", None, "a division by 0", 2),
    ("log(x)", None, "a logarithm of what is not positive", 1),
    ("x^2 + log(x - 1/2)", "x=0:1", "a logarithm of what is not positive", 7),
    ("log(1 - x^2)", "x=-1/2:2", "a logarithm of what is not positive", 1),
    ("sqrt(x)", "x=-1:1", "a root of what is not positive", 1),
    ("sqrt(x^2)", None, "a root of what is not positive", 1),
    ("x + x^(1/3)", "x=-8:8", "a root of what is not positive", None),
    ("tan(x)", "x=0:3", "a tangent without a value", 1),
    ("x + 1/sin(x)", "x=1:4", "a division by 0", 6),
]


@pytest.mark.parametrize("command", ["check", "tighten"])
@pytest.mark.parametrize(("text", "domain", "what", "character"), UNDEFINED)
def test_no_value_on_the_domain(
    capsys, monkeypatch, command: str, text: str, domain: str | None, what: str, character
) -> None:
    options = [] if domain is None else ["--domain", domain]
    said = refused(capsys, monkeypatch, command, [text], *options)
    assert what in said
    if character is not None:
        assert f"character {character}:" in said


@pytest.mark.parametrize(
    ("text", "domain"),
    [("1/x", "x=1/2:2"), ("log(x)", "x=1:2"), ("sqrt(x)", "x=1:2"), ("tan(x)", "x=-1:1")],
)
def test_the_same_formulas_on_a_better_domain(monkeypatch, capsys, text: str, domain: str) -> None:
    words = ["boundcalc", "check", "--condition", "smooth", "--L", "100", "--domain", domain]
    monkeypatch.setattr("sys.argv", [*words, "--", text])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in (0, None)
    assert capsys.readouterr().out.startswith("proved")


def test_constants_are_no_place_to_hide(capsys, monkeypatch, traps) -> None:
    for words in (
        ["--condition", "pl", "--mu", "__import__('os')"],
        ["--condition", "pl", "--mu", "1/0"],
        ["--condition", "pl", "--mu", "x"],
        ["--condition", "pl", "--mu", "1", "--domain", "x=eval(1):2"],
        ["--condition", "pl", "--mu", "1", "--ball", "0;__import__('os')"],
        ["--condition", "pl", "--mu", "1", "--minimiser", "x=open(1)"],
    ):
        monkeypatch.setattr("sys.argv", ["boundcalc", "check", *words, "--", "x^2"])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        assert capsys.readouterr().err.startswith("error")
