"""TOML files that users write: read within bounds, every failure one message."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.library.problem_formulas import shown

MOST_BYTES = 200_000
_LITERAL = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' r"|'''.*?'''" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'" r"|#[^\n]*",
    re.DOTALL,
)
_MOST_DOTS = 500  # in a line outside of strings: tomllib takes a minute for a.a.a. ... .a = 1


def read_toml(path: str | Path, expected: str) -> dict[str, Any]:
    """Keys and values; a number with a point stays text, so that 0.1 is 1/10.

    expected : what the file should be, in messages.

    Raises InputError.
    """
    return _toml(str(path), _text(Path(path), expected))


def _text(path: Path, expected: str) -> str:
    fix = "give the path of one"
    try:
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise InputError(Fault(str(path), found, expected, fix))
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            found = f"more than {MOST_BYTES:,} bytes"
            raise InputError(Fault(str(path), found, expected, "split it"))
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1}, which is not UTF-8"
        raise InputError(Fault(str(path), found, expected, "save it as UTF-8")) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        found = getattr(error, "strerror", None) or str(error)
        raise InputError(Fault(shown(str(path)), found, expected, fix)) from error


def _toml(where: str, text: str) -> dict[str, Any]:
    bare = _LITERAL.sub("", text)
    if any(line.count(".") > _MOST_DOTS for line in bare.splitlines()):
        raise InputError(Fault(where, "a key of too many parts", "a TOML file", "shorten it"))
    try:
        return tomllib.loads(text, parse_float=_decimal)
    except RecursionError:
        fault = Fault(where, "brackets nested too deeply", "a TOML file", "correct the file")
        raise InputError(fault) from None
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        fault = Fault(where, str(error)[:200], "a TOML file", "correct the file")
        raise InputError(fault) from error


def _decimal(written: str) -> str:
    return written.replace("_", "")
