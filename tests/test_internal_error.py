"""An error inside boundcalc is neither "refuted" (1) nor bad input (2)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMMAND = """
import sys
from boundcalc.cli import main
from boundcalc.library import conditions
def broken(*args, **named):
    raise {error}
if {error} is not None:
    conditions.load_condition = broken
sys.argv = ["boundcalc", "conditions", "pl"]
main()
"""


def run(error: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = COMMAND.format(error=error)
    env = {name: value for name, value in os.environ.items() if name != "BOUNDCALC_TRACEBACK"}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**env, **environment},
    )


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    done = run("None")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("error", ["ValueError('a\\nb')", "KeyError('a b')", "MemoryError()"])
def test_an_internal_error_is_one_line_and_exit_code_70(error: str) -> None:
    done = run(error)
    assert done.returncode == 70
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"internal error: {error.partition('(')[0]}: ")
    assert "report" in line
    assert "BOUNDCALC_TRACEBACK=1" in line


def test_the_traceback_is_there_for_those_who_ask() -> None:
    done = run("ValueError('odd')", BOUNDCALC_TRACEBACK="1")
    assert done.returncode == 70
    assert "Traceback (most recent call last)" in done.stderr
    assert "ValueError: odd" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("internal error: ")
    assert run("ValueError('odd')", BOUNDCALC_TRACEBACK="0").stderr.count("\n") == 1
