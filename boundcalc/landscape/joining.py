"""Join two weights of a network: search low paths, choose by measurement, enclose the best."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.landscape.network import Network, flatten, require_data, shapes
from boundcalc.landscape.network_file import read_weights
from boundcalc.landscape.path import Attempt, attempts, highest, shortened
from boundcalc.landscape.path_proof import LARGEST, Bounded, bounded, floor_of, shape_of
from boundcalc.logs.log import Float

SEARCH = 0.6  # of the time; the rest is for the proof
ROOM = 0.98  # of the level: a largest sample below this is good enough
LOWEST = 1 + 1e-6  # times the higher end: no path is lower than this in any way that matters
SLACK = 1.001  # of the largest sample: what the proved bound is to reach


@dataclass(frozen=True)
class Joining:
    """What was asked and what came of it.

    asked : the level, or None; chosen : the attempt whose path was enclosed.
    """

    net: Network
    asked: Fraction | None
    attempts: tuple[Attempt, ...]
    chosen: Attempt
    bounded: Bounded

    @property
    def connected(self) -> bool:
        """Whether the path stays below the level; without one, it is connected at its own."""
        return self.asked is None or Fraction(self.bounded.upper) <= self.asked


def weights_of(given: str | os.PathLike[str] | Sequence[Float], net: Network) -> tuple[Float, ...]:
    """Weights from a file or from arrays. Raises InputError with every fault."""
    if isinstance(given, (str, os.PathLike)):
        return read_weights(os.fspath(given), net)
    arrays = tuple(np.asarray(part, dtype=float) for part in given)
    wanted, found = shapes(net), tuple(part.shape for part in arrays)
    if found != wanted:
        fix = "W_l is (n_l, n_(l-1)) and b_l (n_l,)"
        raise InputError(Fault("weights", f"shapes {found}", f"{wanted}, by the widths", fix))
    if not all(np.isfinite(part).all() for part in arrays):
        raise InputError(Fault("weights", "NaN or an infinite number", "finite numbers", "fix it"))
    return arrays


def join(
    net: Network,
    ends: tuple[tuple[Float, ...], tuple[Float, ...]],
    asked: Fraction | None,
    seconds: float,
    progress: Callable[..., None] | None = None,
) -> Joining:
    """A path between two weights, with a proved bound of the loss along it.

    asked : stop when a path below it is found; None: go as low as the methods go.

    Raises InputError where the network has no data, is too large, or an end lies above the level.
    """
    require_data(net)
    shape = shape_of(net)
    a, b = (flatten(weights) for weights in ends)
    floor = floor_of(shape, a, b)
    if asked is not None and asked < Fraction(floor):
        found = f"{float(asked):.6g}, below the loss of an end"
        expected = f"at least {floor:.6g}: no path lies lower than its ends"
        raise InputError(Fault("--level", found, expected, "raise it"))
    begin = time.monotonic()
    tried = []
    low = max(LOWEST * floor, 0.0 if asked is None else ROOM * float(asked))
    with np.errstate(all="ignore"):  # a loss that overflows is infinite, and no path for us
        for one in attempts(net, a, b, SEARCH * seconds, progress):
            tried.append(one)
            if one.highest <= low:
                break
        best = min(tried, key=lambda one: one.highest)
        path = shortened(best.path)
        height = highest(net, path)
    chosen = Attempt(best.method, path, height, best.seconds)
    target = Fraction(max(floor, min(height, float(LARGEST)))) * Fraction(SLACK)
    if asked is not None and Fraction(height) < asked:
        target = min(target, asked)
    left = max(1.0, seconds - (time.monotonic() - begin))
    proved = bounded(net, shape, path, target, left, progress)
    return Joining(net, asked, tuple(tried), chosen, proved)
