"""`--map COLUMN=NAME`: which name of a file stands for which column of a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boundcalc.errors import Fault, InputError
from boundcalc.logs.array import Array, as_real
from boundcalc.logs.guard import listed, shown
from boundcalc.logs.schema import COLUMNS

_SQUARE = "^2"
_EXAMPLE = "--map loss=train/loss, --map grad_sqnorm=grad_norm^2 (^2: the file holds the norm)"


@dataclass(frozen=True)
class Asked:
    """What is looked for in a file: its columns by their own names, and those of a mapping.

    mapping : column of a log -> name in the file, with ^2 behind it where that is to be squared.
    """

    mapping: Mapping[str, str]

    @property
    def wanted(self) -> frozenset[str]:
        """Every name that is worth opening."""
        names = {*COLUMNS, *self.mapping.values()}
        return frozenset(names | {name.removesuffix(_SQUARE) for name in self.mapping.values()})

    def is_label(self, name: str) -> bool:
        """Whether the column that `name` stands for is step, sample or run."""
        columns = [c for c, n in self.mapping.items() if n == name] or [name]
        return all(column in COLUMNS and COLUMNS[column].kind == "label" for column in columns)


AS_NAMED = Asked({})


def parse_mapping(pairs: Iterable[str]) -> Asked:
    """The mapping that texts COLUMN=NAME or COLUMN=NAME^2 ask for.

    Raises InputError with every text that is none.
    """
    mapping: dict[str, str] = {}
    faults = []
    for pair in pairs:
        column, equals, name = pair.partition("=")
        if not equals or not name or not column:
            found, expected = shown(repr(pair)), "COLUMN=NAME"
        elif column not in COLUMNS:
            found, expected = f"{shown(column)}, no column of a log", f"one of {', '.join(COLUMNS)}"
        elif column in mapping:
            found, expected = f"{column} twice", "one name for each column"
        else:
            mapping[column] = name
            continue
        faults.append(Fault("--map", found, expected, f"for example {_EXAMPLE}"))
    if faults:
        raise InputError(*faults)
    return Asked(mapping)


def renamed(
    source: str, arrays: Mapping[str, Array], others: Iterable[str], asked: Asked
) -> tuple[dict[str, Array], list[str]]:
    """Columns of a log by their names, and the names in the file that stand for none.

    others : names in the file that were not opened. A mapped name takes the place of a column of
    that name; it may still serve another one.

    Raises InputError for mapped names that are not in the file.
    """
    columns: dict[str, Array] = {}
    used: set[str] = set()
    faults = []
    for column, text in asked.mapping.items():
        bare = text.removesuffix(_SQUARE)
        if text in arrays:
            columns[column], name = arrays[text], text
        elif bare != text and bare in arrays:
            columns[column], name = SquaredArray(arrays[bare]), bare
        else:
            found = f"no {shown(bare)} in the file, only {listed([*arrays, *others]) or 'nothing'}"
            fault = Fault(f"{source}: --map {column}", found, "a name in the file", _EXAMPLE)
            faults.append(fault)
            continue
        used.add(name)
    if faults:
        raise InputError(*faults)
    for name, array in arrays.items():
        if name in COLUMNS and name not in columns and name not in used:
            columns[name] = array
            used.add(name)
    return columns, [*(name for name in arrays if name not in used), *others]


@dataclass(frozen=True, eq=False)
class SquaredArray:
    """The squares of an array of norms, each rounded once to float64."""

    array: Array

    @property
    def where(self) -> str:
        return f"{self.array.where}, squared"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        number = self.array.dtype.kind in "iuf"
        return np.dtype(np.float64) if number else self.array.dtype

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        values = as_real(self.array.read(start, stop))
        with np.errstate(all="ignore"):  # overflow gives inf: a row fault, later
            # A negative number is no norm: it stays negative, and the row is refused for it.
            return np.where(values < 0, values, values * values)
