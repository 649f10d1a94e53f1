"""All facts of a certificate, those about minimisers that have no formula among them.

At most one of
    "minimisers" (facts.py), "enclosed", "zeros" (enclosed.py),
    "curve" (curve.py), "flats" (flats.py)
says where f is least.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from boundcalc.kernel.analytic.curve import curve
from boundcalc.kernel.analytic.enclosed import enclosed, zeros
from boundcalc.kernel.analytic.facts import KEYS, Facts, read_facts
from boundcalc.kernel.analytic.flats import flats
from boundcalc.kernel.analytic.statement import Statement
from boundcalc.kernel.analytic.terms import Node
from boundcalc.kernel.claim import ClaimError, Json, fields

Reader: TypeAlias = Callable[[Statement, Facts, Json], Facts]
READERS: dict[str, Reader] = {"enclosed": enclosed, "zeros": zeros, "curve": curve, "flats": flats}


def read_known(statement: Statement, data: Json, positive: tuple[Node, ...]) -> Facts:
    """The facts of a certificate. Raises ClaimError, Rejected."""
    raw = fields(data, "facts", set(), {*KEYS, *READERS})
    given = [key for key in READERS if key in raw]
    if len(given) + ("minimisers" in raw) > 1:
        raise ClaimError("facts: minimisers are either exact or enclosed")
    plain = {key: value for key, value in raw.items() if key not in READERS}
    facts = read_facts(statement, plain, positive)
    for key in given:
        facts = READERS[key](statement, facts, raw[key])
    return facts
