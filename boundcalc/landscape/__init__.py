"""Tangent kernels: rigorous enclosures of their spectra, and what follows along a run."""

from boundcalc.landscape.decay import Decay, decay
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.products import JacobianProducts, estimate, products_spectrum, rows_of
from boundcalc.landscape.snapshots import Snapshot, Tangent, tangent_spectra
from boundcalc.landscape.spectrum import Spectrum, kernel_spectrum

__all__ = [
    "Decay",
    "Enclosure",
    "JacobianProducts",
    "Snapshot",
    "Spectrum",
    "Tangent",
    "decay",
    "estimate",
    "kernel_spectrum",
    "products_spectrum",
    "rows_of",
    "tangent_spectra",
]
