"""The tangent kernel along a run: spectra of its snapshots, and what they say of the path.

One snapshot is read and treated at a time, whole: no number depends on chunks or batches.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.landscape.enclosure import Enclosure, rescaled, scaled
from boundcalc.landscape.rounding import TINY, above, below, gamma, row_norms
from boundcalc.landscape.spectrum import kernel_spectrum
from boundcalc.logs.columns import RealColumn
from boundcalc.logs.log import Float, Log

Progress = Callable[[str, int], None]

_COPIES = 6  # arrays of the size of J, and of K, that are held at once
_SINGLE = {2: 2.0**-11, 4: 2.0**-24}  # bytes of a float -> its relative rounding error


@dataclass(frozen=True)
class Snapshot:
    """The kernel K = J Jᵀ at one w_t.

    least, largest : λ_min(K), λ_max(K); kappa : λ_max/λ_min, both in units of J² (kappa: none).
    pl_star : ‖Jᵀr‖²/‖r‖², the PL* ratio at this point (½‖∇L‖² = μ·L, L = ½‖r‖²); None where r = 0.
    loss : ½‖r‖². unrounded : the λ_min of any Jacobian that rounds to the stored one is at least
    this, where it is stored in less than float64.
    """

    row: int
    least: Enclosure
    largest: Enclosure
    kappa: Enclosure
    pl_star: Enclosure | None
    loss: float
    method: str
    note: str
    unrounded: float | None


@dataclass(frozen=True)
class Tangent:
    """What the snapshots of a log say, n residuals and m parameters each.

    least : the smallest λ_min of the path; its lower end is the μ of uniform conditioning.
    kappa : sup λ_max / inf λ_min over the snapshots. pl_star : the smallest PL* ratio.
    """

    source: str
    n: int
    m: int
    snapshots: tuple[Snapshot, ...]
    least: Enclosure
    kappa: Enclosure
    pl_star: Enclosure | None
    warnings: tuple[str, ...]

    @property
    def mu(self) -> float:
        """λ_min(K(w_t)) ≥ mu on every snapshot."""
        return self.least.lower

    @property
    def certified(self) -> bool:
        """Whether λ_min is shown to be positive on all snapshots, or to be 0 on one."""
        return self.mu > 0 or self.least.upper == 0


def tangent_spectra(log: Log, progress: Progress | None = None) -> Tangent:
    """Spectra of all snapshots of a log with jacobian (T, n, m) and residual (T, n).

    Raises: InputError for NaN, infinity, or snapshots beyond the memory of the machine.
    """
    jacobians, residuals = log.vectors["jacobian"], log.vectors["residual"]
    assert isinstance(jacobians, RealColumn)  # noqa: S101  # the reader of the tangent form
    _, n, m = jacobians.array.shape
    _check_size(log.source, n, m)
    _check_numbers(log)
    dtype = jacobians.array.dtype
    unit = _SINGLE.get(dtype.itemsize) if dtype.kind == "f" else None
    found = []
    for row in range(log.rows):
        jacobian, residual = jacobians.read(row, row + 1)[0], residuals.read(row, row + 1)[0]
        found.append(_snapshot(row, jacobian.astype(float), residual.astype(float), unit))
        if progress is not None:
            progress("snapshots", row + 1)
    warnings = list(log.warnings)
    if unit is not None:
        warnings.append(f"jacobian is {dtype.name}: enclosures are of the matrices as stored")
    return _path(log.source, n, m, found, warnings)


def _snapshot(row: int, jacobian: Float, residual: Float, unit: float | None) -> Snapshot:
    spectrum = kernel_spectrum(jacobian)
    with np.errstate(all="ignore"):
        ratio = pl_star_ratio(jacobian, residual)
        loss = float(residual @ residual) / 2
        before = None if unit is None else _unrounded(jacobian, spectrum.least.lower, unit)
    if ratio is not None:  # it is a Rayleigh quotient
        ratio = ratio.within(Enclosure(spectrum.least.lower, spectrum.largest.upper))
    return Snapshot(
        row=row,
        least=spectrum.least,
        largest=spectrum.largest,
        kappa=quotient(spectrum.largest, spectrum.least),
        pl_star=ratio,
        loss=loss,
        method=spectrum.method,
        note=spectrum.note,
        unrounded=before,
    )


def _path(source: str, n: int, m: int, found: list[Snapshot], warnings: list[str]) -> Tangent:
    least = Enclosure(min(s.least.lower for s in found), min(s.least.upper for s in found))
    largest = Enclosure(max(s.largest.lower for s in found), max(s.largest.upper for s in found))
    ratios = [s.pl_star for s in found if s.pl_star is not None]
    ratio = None
    if ratios:
        ratio = Enclosure(min(r.lower for r in ratios), min(r.upper for r in ratios))
    return Tangent(
        source, n, m, tuple(found), least, quotient(largest, least), ratio, tuple(warnings)
    )


def quotient(over: Enclosure, under: Enclosure) -> Enclosure:
    """over/under of nonnegative numbers; infinite ends where the denominator may be 0."""

    def ratio(a: float, b: float, toward: float) -> float:
        if b == 0:
            return math.inf
        return math.nextafter(a / b, toward)

    upper = ratio(over.upper, under.lower, math.inf)
    lower = ratio(over.lower, under.upper, 0.0)
    return Enclosure(max(1.0, lower), upper)


def pl_star_ratio(jacobian: Float, residual: Float) -> Enclosure | None:
    """‖Jᵀr‖²/‖r‖² for J (n, m), r (n,), in units of J²; None for r = 0."""
    n, m = jacobian.shape
    matrix, exponent = scaled(jacobian)
    vector, _ = scaled(residual)
    square = float(vector @ vector)
    if square == 0:
        return None
    image = vector @ matrix
    length = float(np.sqrt(image @ image))
    off = above(gamma(n) * float(np.abs(vector) @ row_norms(matrix)), n + 4) + TINY
    high = above(above(length, m + 4) + off, 2)
    low = max(0.0, below(below(length, m + 4) - off, 2))
    ends = Enclosure(below(low * low / square, n + 6), above(high * high / square, n + 6))
    return rescaled(ends, 2 * exponent)


def _unrounded(jacobian: Float, least: float, unit: float) -> float:
    """A lower bound of λ_min for every Jacobian whose entries round to these.

    Singular values move by at most the norm of the change: unit·‖J‖_F, and the smallest spacing.
    """
    n, m = jacobian.shape
    matrix, exponent = scaled(jacobian)
    norms = row_norms(matrix)
    frobenius = above(math.sqrt(float(norms @ norms)), n + 4)
    # Subnormal float32 numbers are 2^-149 apart, float16 ones 2^-24.
    spacing = 2.0 ** (-25 if unit > 2.0**-20 else -150)
    change = math.ldexp(above(unit * (1 + 2 * unit) * frobenius, 3), exponent)
    change = above(change + spacing * math.sqrt(n * m), 4)
    sigma = below(math.sqrt(least), 2) - change
    return below(sigma * sigma, 2) if sigma > 0 else 0.0


def _check_size(source: str, n: int, m: int) -> None:
    """InputError where a snapshot and its kernel do not fit in memory."""
    wanted = 8 * _COPIES * (n * m + min(n, m) ** 2)
    have = _memory()
    if have is not None and wanted > have:
        raise InputError(
            Fault(
                f"{source}: column jacobian",
                f"n = {n}, m = {m}: {wanted / 2**30:.3g} GiB to work on one snapshot",
                f"at most the memory of this machine, {have / 2**30:.3g} GiB",
                "log fewer outputs or parameters, or use Jacobian products in Python "
                "(boundcalc.landscape.products)",
            )
        )


def _memory() -> int | None:
    """Bytes of memory of this machine, if it says."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _check_numbers(log: Log) -> None:
    """InputError with one fault for every column that holds NaN or infinity."""
    faults = []
    for name, column in log.vectors.items():
        bad, first = 0, ""
        for row in range(log.rows):
            values = column.read(row, row + 1)[0]
            wrong = ~np.isfinite(values.astype(np.float64, copy=False))
            if wrong.any() and not bad:
                at = tuple(int(k) for k in np.argwhere(wrong)[0])
                first = f"{float(values[at])} at {(row, *at)}"
            bad += int(np.count_nonzero(wrong))
        if bad:
            more = f", the first of {bad} such entries" if bad > 1 else ""
            fix = "log snapshots before the run diverges; leave bad ones out"
            faults.append(
                Fault(f"{log.source}: column {name}", first + more, "finite numbers", fix)
            )
    if faults:
        raise InputError(*faults)
