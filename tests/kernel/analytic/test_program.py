"""The checker as a program, on certificates about given functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from boundcalc.kernel.__main__ import main
from boundcalc.kernel.certificate import written
from boundcalc.library.problem_text import problem_from
from boundcalc.search.decide import decide


def test_a_certificate_is_proved_or_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = decide(problem_from(["x^2"]), "pl", {"mu": "2"}, 10.0).certificate
    assert found is not None
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(written(found))
    bad.write_text(written({**found, "verdict": "refuted"}))
    assert main([str(good)]) == 0
    assert capsys.readouterr().out.startswith("proved: ")
    assert main([str(good), str(bad)]) == 1
    assert f"rejected {bad}: " in capsys.readouterr().out
