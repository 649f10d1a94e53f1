"""The whole frontier beta*(alpha): its certified band in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from boundcalc.kernel.analytic.polygon import above
from boundcalc.library.analytic import claim_text
from boundcalc.report.tighten_digits import outward

_SHOWN = 8  # vertices that are printed
_DIGITS = 7

Chain = Sequence[tuple[Fraction, Fraction]]


class Bounded(Protocol):
    """A band, of the kernel or of the search."""

    @property
    def lower(self) -> Chain: ...

    @property
    def upper(self) -> Chain: ...

    @property
    def width(self) -> Fraction: ...

    @property
    def widest_at(self) -> Fraction: ...


class Found(Bounded, Protocol):
    """A band of the search: why it is not narrower."""

    @property
    def stopped(self) -> str: ...


def band_claim(band: Bounded, claim: Mapping[str, Any]) -> str:
    """What a certificate of a frontier says, in one line."""
    of = claim_text({**claim, "constants": {}}).partition(" of ")[2]
    return f"{_range(band)}, of alpha-beta of {of}"


def band_json(band: Found | str, path: Path | None) -> dict[str, Any]:
    """Exact vertices as text; {"reason": ...} where there is no band."""
    if isinstance(band, str):
        return {"reason": band}
    return {
        "lower": _exact(band.lower),
        "upper": _exact(band.upper),
        "width": outward(band.width, 1, _DIGITS),
        "widest_at": str(band.widest_at),
        "stopped": band.stopped,
        "certificate": None if path is None else str(path),
    }


def band_lines(band: Found | str, path: Path | None) -> list[str]:
    """The band's range, its width, and what it says at its vertices."""
    if isinstance(band, str):
        return [f"no band around beta*(alpha): {band}"]
    lines = [
        f"{_range(band)}: {band.stopped}",
        f"  vertices     {len(band.upper)} above, {len(band.lower)} below (--json lists them)",
    ]
    lines += [f"  alpha = {alpha}: beta in [{low}, {high}]" for alpha, low, high in _some(band)]
    return lines if path is None else [*lines, f"  certificate  {path}"]


def _range(band: Bounded) -> str:
    first, last = band.lower[0][0], band.lower[-1][0]
    return (
        f"beta*(alpha) for all alpha in [{first}, {last}] in a band of width "
        f"{outward(band.width, 1, 3)} (near alpha = {outward(band.widest_at, 1, 4)})"
    )


def _exact(chain: Chain) -> list[list[str]]:
    return [[str(alpha), str(beta)] for alpha, beta in chain]


def _some(band: Bounded) -> list[tuple[str, str, str]]:
    """At some vertices above, evenly chosen, the first and the last among them: both ends there."""
    count = len(band.upper)
    kept = (
        range(count)
        if count <= _SHOWN
        else (k * (count - 1) // (_SHOWN - 1) for k in range(_SHOWN))
    )
    found = []
    for alpha, high in (band.upper[k] for k in kept):
        low = outward(above(band.lower, alpha), -1, _DIGITS)
        found.append((_plain(alpha), low, outward(high, 1, _DIGITS)))
    return found


def _plain(value: Fraction) -> str:
    """A decimal where it is the number itself."""
    short = outward(value, 1, 15)
    return short if Fraction(short) == value else str(value)
