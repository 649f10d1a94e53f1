"""UNTRUSTED. Sums of squares: exact algebraic proofs that a polynomial is nonnegative."""

from boundcalc.search.sos.outcome import Failure, Largest
from boundcalc.search.sos.prover import sos, tightest

__all__ = ["Failure", "Largest", "sos", "tightest"]
