"""A system of formulas at its start: enclosures of F(w0) and of the eigenvalues of K(w0)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.bounds import Matrix, Pair
from boundcalc.kernel.system.formula_bounds import PRECISION, at_start
from boundcalc.kernel.system.formulas import read_system, signed
from boundcalc.landscape.ball_spectrum import floor, spectrum
from boundcalc.landscape.enclosure import ZERO, Enclosure
from boundcalc.search.ball.constants import Search


@dataclass(frozen=True)
class Start:
    """The system at w0. residual, kernel : enclosures; norm ≥ ‖F(w0)‖; least, largest : of K."""

    residual: tuple[Pair, ...]
    kernel: Matrix
    norm: Fraction
    floor: Fraction | None
    least: Enclosure
    largest: Enclosure


def start_of(search: Search) -> Start:
    """Enclosures at w0. Raises Rejected, ValueError where F is not smooth there."""
    with iv.precision(PRECISION):
        system = read_system(search.data)
        signed(system)
        residual, kernel = at_start(system, system.residual)
    n, m = len(system.residual), len(system.variables)
    least = None if n > m else floor(kernel)
    nothing = not any(end for row in kernel for pair in row for end in pair)
    low, high = (ZERO, ZERO) if nothing else spectrum(kernel, least)
    squares = sum((max(lo * lo, hi * hi) for lo, hi in residual), Fraction(0))
    return Start(residual, kernel, root_above(squares), least, ZERO if n > m else low, high)


def root_above(value: Fraction) -> Fraction:
    """A number whose square is at least the value ≥ 0; near its root."""
    scale = 1 << (value.denominator.bit_length() // 2 + 100)
    whole = math.isqrt(value.numerator * scale * scale // value.denominator)
    return Fraction(whole + 1, scale) if value else Fraction(0)
