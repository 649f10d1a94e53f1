"""The largest loss along a polyline, enclosed: halve its pieces until the bounds are close.

The kernel's own enclosure is asked, so what is found here is what the checker will accept.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.analytic.paving import LEAF, packed
from boundcalc.kernel.claim import ClaimError, digest
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.path import (
    MAX_DEPTH,
    SCHEMA,
    Shape,
    Weights,
    least_loss,
    loss_bound,
    read_shape,
    verify,
)
from boundcalc.landscape.network import Network, require_data
from boundcalc.logs.log import Float

PRECISION = 106
SEARCH = 0.6  # of the time; the rest is for the check of what was found
MOST_PIECES = 20_000
LARGEST = Fraction(10) ** 300
MOST_PRODUCTS = 200_000  # parameters times points: some seconds for each piece

Progress = Callable[..., None]


@dataclass(frozen=True)
class Bounded:
    """lower ≤ the largest loss on any path between the ends; on this one it is at most upper.

    bounds : places 0 ≤ s ≤ 1 (by arc length) where pieces begin and end, and the proved bound of
    each piece. certificate : what `boundcalc verify` checks.
    """

    lower: float
    upper: float
    pieces: int
    bounds: tuple[Float, Float]
    certificate: dict[str, Any]


@dataclass(eq=False)
class _Piece:
    start: Weights
    end: Weights
    bound: Fraction
    span: tuple[float, float]
    depth: int = 0
    halves: tuple[_Piece, _Piece] | None = None


def _hex(values: Float) -> list[str]:
    return [float(value).hex() for value in np.ravel(values)]


def _network_json(net: Network) -> dict[str, Any]:
    x, y = require_data(net)
    return {
        "widths": list(net.widths),
        "activation": net.activation,
        "output": net.output,
        "bias": net.bias,
        "x": _hex(x),
        "y": _hex(y),
    }


def shape_of(net: Network) -> Shape:
    """The kernel's network. Raises InputError where it is too large to be followed."""
    with _followed():
        made = read_shape(_network_json(net))
    products = made.parameters * len(made.x)
    if products > MOST_PRODUCTS:
        found = f"{made.parameters} parameters and {len(made.x)} points"
        expected = f"at most {MOST_PRODUCTS} as their product"
        raise InputError(Fault(net.source, found, expected, "take fewer points"))
    return made


def floor_of(shape: Shape, a: Float, b: Float) -> float:
    """max(L(a), L(b)), rounded down."""
    with iv.precision(PRECISION), _followed():
        least = _shown(max(least_loss(shape, _exact(w)) for w in (a, b)))
    value = float(least)
    return value if Fraction(value) <= least else max(0.0, math.nextafter(value, -math.inf))


@contextmanager
def _followed() -> Iterator[None]:
    """Numbers that the kernel cannot enclose are no defect, but bad input."""
    try:
        yield
    except (ClaimError, iv.Undefined, OverflowError) as error:
        expected = "weights at which the kernel can enclose the loss"
        fix = "take weights that are not so large"
        raise InputError(Fault("weights", str(error), expected, fix)) from error


def _exact(w: Float) -> Weights:
    return tuple(Fraction(value) for value in w.tolist())


def bounded(
    net: Network,
    shape: Shape,
    path: Float,
    target: Fraction,
    seconds: float,
    progress: Progress | None = None,
) -> Bounded:
    """Enclose the largest loss along a polyline; stops at `target` or when the time is over.

    What is found is checked by the kernel. Raises InputError.
    """
    until = time.monotonic() + SEARCH * seconds
    with iv.precision(PRECISION), _followed():
        roots = _roots(shape, path, progress)
        heap = [(-piece.bound, k, piece) for k, piece in enumerate(roots)]
        heapq.heapify(heap)
        pieces = len(roots)
        while -heap[0][0] > target and pieces < MOST_PIECES and time.monotonic() < until:
            _, _, piece = heapq.heappop(heap)
            if piece.depth == MAX_DEPTH:
                heapq.heappush(heap, (-piece.bound, pieces, piece))
                break
            for half in _halved(shape, piece):
                pieces += 1
                heapq.heappush(heap, (-half.bound, pieces, half))
            if progress is not None and pieces % 32 == 0:
                progress("enclosing the loss along the path: pieces", pieces)
        highest = -heap[0][0]
        lower = floor_of(shape, path[0], path[-1])
    upper = _up(highest)
    certificate = _certificate(net, path, lower, upper, roots)
    try:
        verify(certificate)
    except Rejected as error:  # too many vertices, say
        fix = "take weights that are nearer"
        raise InputError(Fault("path", str(error), "a proof that is accepted", fix)) from error
    return Bounded(lower, upper, len(heap), _steps(roots), certificate)


def _shown(value: Fraction) -> Fraction:
    """A loss that floats can show. Raises InputError."""
    if value > LARGEST:
        found, fix = "a loss beyond 1e300", "take weights that are not so large"
        raise InputError(Fault("weights", found, "a loss that float64 can hold", fix))
    return value


def _up(value: Fraction) -> float:
    near = float(_shown(value))
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)


def _roots(shape: Shape, path: Float, progress: Progress | None) -> list[_Piece]:
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    places = np.concatenate([[0.0], np.cumsum(lengths)]) / max(float(lengths.sum()), 1e-300)
    made = []
    for k, (one, other) in enumerate(pairwise([_exact(w) for w in path])):
        span = (float(places[k]), float(places[k + 1]))
        made.append(_Piece(one, other, loss_bound(shape, one, other), span))
        if progress is not None:
            progress("enclosing the loss along the path: straight pieces", k + 1, len(path) - 1)
    return made


def _halved(shape: Shape, piece: _Piece) -> tuple[_Piece, _Piece]:
    middle = tuple((a + b) / 2 for a, b in zip(piece.start, piece.end, strict=True))
    centre = (piece.span[0] + piece.span[1]) / 2
    made = (
        _Piece(piece.start, middle, loss_bound(shape, piece.start, middle),
               (piece.span[0], centre), piece.depth + 1),
        _Piece(middle, piece.end, loss_bound(shape, middle, piece.end),
               (centre, piece.span[1]), piece.depth + 1),
    )  # fmt: skip
    piece.halves = made
    return made


def _leaves(roots: list[_Piece]) -> tuple[list[_Piece], bytes]:
    """Pieces in the order of the path, and the tree."""
    found, tree = [], bytearray()
    waiting = roots[::-1]
    while waiting:
        piece = waiting.pop()
        if piece.halves is None:
            found.append(piece)
            tree.append(LEAF)
        else:
            tree.append(0)
            waiting += piece.halves[::-1]
    return found, bytes(tree)


def _steps(roots: list[_Piece]) -> tuple[Float, Float]:
    pieces, _ = _leaves(roots)
    places = [piece.span[0] for piece in pieces] + [pieces[-1].span[1]]
    return np.array(places), np.array([_up(piece.bound) for piece in pieces])


def _certificate(
    net: Network, path: Float, lower: float, upper: float, roots: list[_Piece]
) -> dict[str, Any]:
    claim = {
        "network": _network_json(net),
        "start": _hex(path[0]),
        "end": _hex(path[-1]),
        "level": upper.hex(),
        "floor": lower.hex(),
    }
    return {
        "schema": SCHEMA,
        "claim": claim,
        "claim_sha256": digest(claim),
        "precision": PRECISION,
        "proof": {
            "vertices": [_hex(w) for w in path[1:-1]],
            "tree": packed(_leaves(roots)[1]),
        },
    }
