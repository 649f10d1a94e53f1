"""A system of formulas at its start: enclosures of F(w0) and of the eigenvalues of K(w0)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.bounds import Matrix, Pair
from boundcalc.kernel.system.formula_bounds import PRECISION, at_start
from boundcalc.kernel.system.formulas import read_system, signed
from boundcalc.kernel.value import sqrt_bounds
from boundcalc.landscape.ball_spectrum import floor, spectrum
from boundcalc.landscape.enclosure import ZERO, Enclosure
from boundcalc.search.ball.constants import Search

LARGE = Fraction(10) ** 140  # its square is a float


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
    _require_range(residual, kernel)
    n, m = len(system.residual), len(system.variables)
    least = None if n > m else floor(kernel)
    nothing = not any(end for row in kernel for pair in row for end in pair)
    low, high = (ZERO, ZERO) if nothing else spectrum(kernel, least)
    squares = sum((max(lo * lo, hi * hi) for lo, hi in residual), Fraction(0))
    norm = sqrt_bounds(squares, PRECISION)[1]
    return Start(residual, kernel, norm, least, ZERO if n > m else low, high)


def _require_range(residual: tuple[Pair, ...], kernel: Matrix) -> None:
    """Raises ArithmeticError where floating point cannot guide a search."""
    ends = [abs(end) for pairs in (residual, *kernel) for pair in pairs for end in pair]
    if max(ends) > LARGE or any(0 < end < 1 / LARGE for end in map(max, _pairs(kernel))):
        raise ArithmeticError("numbers of a size that floating point does not hold")


def _pairs(kernel: Matrix) -> list[Pair]:
    """The diagonal."""
    return [row[k] for k, row in enumerate(kernel)]
