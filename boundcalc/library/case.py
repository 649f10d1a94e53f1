"""Case files: a problem and what is claimed of it, in TOML. All faults of a file are collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from boundcalc.errors import Fault, InputError
from boundcalc.library.case_claims import claim_faults
from boundcalc.library.case_system import KEYS as SYSTEM_KEYS
from boundcalc.library.case_system import composed, read_made, read_start
from boundcalc.library.problem import Ball, CaseClaim, Problem, Side
from boundcalc.library.problem_formulas import read_formula, shown, variable_faults, variables_of
from boundcalc.library.problem_text import (
    MOST_FORMULAS,
    MOST_VARIABLES,
    UNBOUNDED,
    Faults,
    problem_from,
    read_ball,
    read_point,
    read_side,
    with_options,
)
from boundcalc.library.toml_file import read_toml

KEYS = {
    "name", "source", "variables", "components", "residual", "domain", "ball", "minimisers",
    "claims", "note", *SYSTEM_KEYS,
}  # fmt: skip
CLAIM_KEYS = {"condition", "constants", "expect", "published", "note"}
VERDICTS = ("proved", "refuted")
MOST_CLAIMS = 200
MOST_POINTS = 200
MOST_FAULTS = 20  # that are told; the rest are counted

T = TypeVar("T")


def read_case(path: str | Path) -> Problem:
    """The problem of a case file.

    Raises InputError with every fault of the file: unknown keys, formulas that do not parse,
    conditions that are not in the catalogue, constants of a wrong sign.
    """
    where = str(path)
    raw = read_toml(path, "a case file (TOML text)")
    try:
        return case_from(raw, where)
    except InputError as error:
        rest = len(error.faults) - MOST_FAULTS
        if rest <= 0:
            raise
        more = Fault(where, f"{rest} more faults", "none", "correct these first")
        raise InputError(*error.faults[:MOST_FAULTS], more) from None


def open_problem(
    words: Sequence[str],
    *,
    residual: bool = False,
    domain: str | None = None,
    ball: str | None = None,
    minimisers: Sequence[str] = (),
) -> Problem:
    """The problem of a command line: the path of one case file (.toml), or formulas.

    domain, ball, minimisers : as on the command line; they replace what a file says.

    Raises InputError with every fault.
    """
    files = [word for word in words if word.lower().endswith(".toml")]
    if not files:
        return problem_from(
            words, residual=residual, domain=domain, ball=ball, minimisers=minimisers
        )
    if len(words) > 1:
        found = f"{len(words)} arguments, {shown(files[0])} among them"
        raise InputError(Fault("problem", found, "one case file, or formulas", "choose one"))
    if residual:
        found = "--residual beside a case file"
        raise InputError(Fault("problem", found, "it with formulas only", "leave it out"))
    return with_options(read_case(files[0]), domain, ball, minimisers)


def case_from(raw: Mapping[str, Any], where: str) -> Problem:
    """The problem of the keys and values of a case file. Raises InputError with every fault."""
    reader = _Reader(where, raw)
    problem = reader.problem()
    reader.faults.settle()
    return problem


class _Reader:
    """One pass over a file's keys; faults are kept, and what is wrong is left out."""

    def __init__(self, where: str, raw: Mapping[str, Any]) -> None:
        self.where = where
        self.raw = raw
        self.faults = Faults()
        self.variables: tuple[str, ...] = ()

    def fault(self, key: str, found: str, expected: str, fix: str = "correct it") -> None:
        self.faults.append(Fault(f"{self.where}: {key}", found, expected, fix))

    def problem(self) -> Problem:
        for key in sorted(set(self.raw) - KEYS):
            expected = f"one of {', '.join(sorted(KEYS))}"
            self.fault(shown(key), "an unknown key", expected, "remove or correct it")
        self.variables = self._variables() or self._occurring()
        made = self.faults.attempt(read_made, self.where, self.raw, self.variables)
        names = tuple(name for name, _ in made.names) if made is not None else ()
        components = self._formulas("components", self.variables)
        residual = self._formulas("residual", names or self.variables)
        if ("components" in self.raw) == ("residual" in self.raw):
            found = "both" if "components" in self.raw else "neither"
            expected = "one of the two: a list of formulas"
            self.fault("components, residual", found, expected, "give f_1, ... or the map F")
        points, equations = self._minimisers()
        bare = Problem(
            name=self._words("name", self.raw.get("name"), Path(self.where).stem),
            source=self._words("source", self.raw.get("source"), ""),
            variables=self.variables,
            components=components,
            residual=residual if made is None else composed(made, residual),
            domain=self._domain(),
            ball=self._ball(),
            minimisers=points,
            equations=equations,
            start=self._start(),
            made=made,
        )
        self._words("note", self.raw.get("note"), "")
        return Problem(**{**bare.__dict__, "claims": self._claims(bare)})

    def _words(self, key: str, value: Any, otherwise: str) -> str:
        if value is None:
            return otherwise
        if not isinstance(value, str):
            self.fault(key, shown(value), "text in quotes")
            return otherwise
        return value

    def _list(self, key: str, value: Any, most: int) -> list[Any]:
        if isinstance(value, list) and 0 < len(value) <= most:
            return value
        found = f"{len(value)} entries" if isinstance(value, list) else shown(value)
        self.fault(key, found, f"a list of 1 to {most}")
        return []

    def _number(self, key: str, value: Any) -> str:
        """A number of the file as text: "1/2", 3, 0.5."""
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 4_000:
            return str(value)
        self.fault(key, shown(value), 'a number, or a formula in quotes such as "sqrt(2)/3"')
        return "1"

    def _variables(self) -> tuple[str, ...]:
        if "variables" not in self.raw:
            self.fault("variables", "nothing", 'a list such as ["x", "y"]', "add it")
            return ()
        given = self._list("variables", self.raw["variables"], MOST_VARIABLES)
        for value in given:
            if not isinstance(value, str):
                self.fault("variables", shown(value), "names in quotes")
        variables = tuple(value for value in given if isinstance(value, str))
        self.faults += variable_faults(f"{self.where}: variables", variables)
        return variables

    def _occurring(self) -> tuple[str, ...]:
        """Names in the formulas: without variables, each of them would be a fault of its own."""
        lists = (self.raw.get(key) for key in ("components", "residual"))
        found = (text for given in lists if isinstance(given, list) for text in given)
        return variables_of(text for text in found if isinstance(text, str))

    def _start(self) -> tuple[str, ...]:
        if "start" not in self.raw:
            return ()
        return self._try("start", read_start, self.raw["start"], self.variables) or ()

    def _formulas(self, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
        if key not in self.raw:
            return ()
        found = []
        for k, value in enumerate(self._list(key, self.raw[key], MOST_FORMULAS), start=1):
            place = f"{key}[{k}]"
            text = self._number(place, value)
            self._try(place, read_formula, text, names)
            found.append(text)
        return tuple(found)

    def _try(self, place: str, action: Callable[..., T], *arguments: object) -> T | None:
        return self.faults.attempt(action, f"{self.where}: {place}", *arguments)

    def _domain(self) -> tuple[Side, ...]:
        given = self.raw.get("domain", {})
        if isinstance(given, list) and len(given) == len(self.variables):
            given = dict(zip(self.variables, given, strict=True))
        if not isinstance(given, dict):
            fix = 'write domain = { x = ["-oo", "1/2"] }'
            self.fault("domain", shown(given), "a lower and an upper end per variable", fix)
            return (UNBOUNDED,) * len(self.variables)
        for name in given:
            if name not in self.variables:
                self.fault(f"domain {shown(name)}", "an unknown name", "a variable")
        return tuple(
            self._side(name, given[name]) if name in given else UNBOUNDED for name in self.variables
        )

    def _side(self, name: str, value: Any) -> Side:
        place = f"domain {name}"
        if not isinstance(value, list) or len(value) != 2:
            self.fault(place, shown(value), 'a lower and an upper end, such as ["-oo", "1/2"]')
            return UNBOUNDED
        low, high = (self._number(place, end) for end in value)
        return self._try(place, read_side, low, high) or UNBOUNDED

    def _ball(self) -> Ball | None:
        if "ball" not in self.raw:
            return None
        given = self.raw["ball"]
        if not isinstance(given, dict) or set(given) != {"center", "radius"}:
            self.fault("ball", shown(given), 'ball = { center = ["0", "0"], radius = "1/2" }')
            return None
        listed = self._list("ball center", given["center"], MOST_VARIABLES)
        center = [self._number("ball center", c) for c in listed]
        radius = self._number("ball radius", given["radius"])
        return self._try("ball", read_ball, center, radius, len(self.variables))

    def _minimisers(self) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        given = self.raw.get("minimisers")
        if given is None:
            return (), ()
        if not isinstance(given, dict) or set(given) not in ({"points"}, {"equations"}):
            self.fault("minimisers", shown(given), "points = [[..]] or equations = [..]")
            return (), ()
        if "equations" in given:
            return (), self._equations(given["equations"])
        points = self._list("minimisers points", given["points"], MOST_POINTS)
        found = [self._point(k, point) for k, point in enumerate(points, start=1)]
        return tuple(point for point in found if point is not None), ()

    def _equations(self, given: Any) -> tuple[str, ...]:
        """Formulas that vanish on the minimisers; "left = right" is their difference."""
        found = []
        for k, value in enumerate(self._list("minimisers equations", given, MOST_FORMULAS), 1):
            place = f"minimisers equations[{k}]"
            text = self._number(place, value)
            left, equals, right = text.partition("=")
            for part in (left, right) if equals else (text,):
                self._try(place, read_formula, part, self.variables)
            found.append(f"({left.strip()}) - ({right.strip()})" if equals else text)
        return tuple(found)

    def _point(self, k: int, given: Any) -> tuple[str, ...] | None:
        place = f"minimisers points[{k}]"
        if isinstance(given, dict) and set(given) == set(self.variables):
            given = [given[name] for name in self.variables]
        if not isinstance(given, list):
            self.fault(place, shown(given), "a list of coordinates, one per variable")
            return None
        coordinates = [self._number(place, value) for value in given]
        return self._try(place, read_point, coordinates, len(self.variables))

    def _claims(self, problem: Problem) -> tuple[CaseClaim, ...]:
        if "claims" not in self.raw:
            return ()
        given = self._list("claims", self.raw["claims"], MOST_CLAIMS)
        found = [self._claim(k, one, problem) for k, one in enumerate(given, start=1)]
        return tuple(claim for claim in found if claim is not None)

    def _claim(self, k: int, given: Any, problem: Problem) -> CaseClaim | None:
        place = f"claims[{k}]"
        if not isinstance(given, dict) or not isinstance(given.get("condition"), str):
            self.fault(place, shown(given), "a table with a condition", 'add condition = "pl"')
            return None
        constants = given.get("constants", {})
        if not isinstance(constants, dict):
            self.fault(f"{place} constants", shown(constants), 'constants = { mu = "1/32" }')
            return None
        beside = {key: value for key, value in given.items() if key not in CLAIM_KEYS}
        values = {
            name: self._number(f"{place} {name}", value)
            for name, value in {**constants, **beside}.items()
        }
        expect = given.get("expect")
        if expect is not None and expect not in VERDICTS:
            self.fault(f"{place} expect", shown(expect), " or ".join(VERDICTS))
            expect = None
        where = f"{self.where}: {place}"
        self.faults += claim_faults(where, given["condition"], values, problem)
        return CaseClaim(
            condition=given["condition"],
            constants=values,
            expect=expect,
            published=self._published(f"{place} published", given.get("published")),
            note=self._words(f"{place} note", given.get("note"), ""),
        )

    def _published(self, key: str, value: Any) -> str:
        return "" if value is None else self._number(key, value)
