"""What a ball certificate states: one system, one ball, and what holds there; read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.claim import ClaimError, Json, digest, fields, text

SCHEMA = "boundcalc.ball-certificate/1"
MAX_DIGITS = 4_000  # of one number
_NUMBER = re.compile(r"-?[0-9]+(/[0-9]+)?", re.ASCII)
_HEX = re.compile(r"-?0x[01](\.[0-9a-f]{1,13})?p[+-][0-9]{1,4}", re.ASCII)


@dataclass(frozen=True)
class Statement:
    """On the closed ball of the radius R around the system's start w0, with L = ½‖F(w) − y‖²:

    λ_min(K(w)) ≥ mu; a zero of L lies in it; gradient descent with any step size 0 < η ≤ step_size
    stays in it, and L(w_t) ≤ (1 − η·mu)^t L(w0). All are exact rationals.

    kind : "network" or "formulas"; system : its data, read by the file of that kind.
    """

    kind: str
    system: Json
    radius: Fraction
    mu: Fraction
    step_size: Fraction
    sha256: str


def number(data: Json, where: str) -> Fraction:
    """An exact number: "p", "p/q", or a float as float.hex() writes it. Raises ClaimError."""
    said = text(data, where)
    if len(said) <= MAX_DIGITS and _HEX.fullmatch(said):
        try:
            value = float.fromhex(said)
        except OverflowError as error:
            raise ClaimError(f"{where}: {said} is beyond float64") from error
        if value.hex() != said:
            raise ClaimError(f"{where}: {said} is not written as float.hex() does")
        return Fraction(value)
    if len(said) > MAX_DIGITS or not _NUMBER.fullmatch(said):
        raise ClaimError(f"{where}: a number is p, p/q or a hexadecimal float")
    try:
        return Fraction(said)
    except ZeroDivisionError as error:
        raise ClaimError(f"{where}: division by zero") from error


def positive(data: Json, where: str) -> Fraction:
    """A positive exact number. Raises ClaimError."""
    value = number(data, where)
    if value <= 0:
        raise ClaimError(f"{where}: expected a positive number")
    return value


def read_statement(data: Json) -> Statement:
    """The statement of a claim {"system": {kind: ...}, "radius", "mu", "step_size"}.

    Raises ClaimError.
    """
    raw = fields(data, "claim", {"system", "radius", "mu", "step_size"}, set())
    if not isinstance(raw["system"], dict) or len(raw["system"]) != 1:
        raise ClaimError("system: either network or formulas")
    ((kind, system),) = raw["system"].items()
    if kind not in ("network", "formulas"):
        raise ClaimError("system: either network or formulas")
    return Statement(
        kind,
        system,
        positive(raw["radius"], "radius"),
        positive(raw["mu"], "mu"),
        positive(raw["step_size"], "step_size"),
        digest(raw),
    )
