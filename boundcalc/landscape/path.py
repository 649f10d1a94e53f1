"""Low paths between two weights of a network: a line, a Bézier curve, strings. All untrusted.

Every method ends in a polyline; what is compared is the largest loss at samples of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from boundcalc.landscape.activations import ACTIVATIONS
from boundcalc.landscape.network import Network, gradient, jacobian, loss, residual
from boundcalc.logs.log import Float

IMAGES = 32  # straight pieces of a string
FINEST = 256
SAMPLES = 8  # of the loss on each straight piece
STEPS = 300  # of gradient descent
RATE = 0.03  # of Adam, relative to the mean distance of a weight between the ends
DIGITS = 40  # binary, of the weights of inner vertices

Progress = Callable[..., None]


@dataclass(frozen=True)
class Attempt:
    """One method's path: vertices (K, p), its largest loss at samples, and how long it took."""

    method: str
    path: Float
    highest: float
    seconds: float


def losses(net: Network, path: Float, samples: int = SAMPLES) -> tuple[Float, Float]:
    """Places 0 ≤ s ≤ 1 along a polyline (by arc length) and the loss there."""
    points, places = [path[:1]], [np.zeros(1)]
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    ends = np.concatenate([[0.0], np.cumsum(lengths)]) / max(float(lengths.sum()), 1e-300)
    parts = np.arange(1, samples + 1) / samples
    for k in range(len(path) - 1):
        points.append(path[k] + parts[:, None] * (path[k + 1] - path[k]))
        places.append(ends[k] + parts * (ends[k + 1] - ends[k]))
    values = np.array([loss(net, w) for w in np.concatenate(points)])
    return np.concatenate(places), np.where(np.isfinite(values), values, np.inf)


def highest(net: Network, path: Float) -> float:
    """The largest loss at samples of a polyline."""
    return float(losses(net, path)[1].max())


def respaced(path: Float, pieces: int) -> Float:
    """A polyline with as many pieces of equal length, on the same line."""
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    places = np.concatenate([[0.0], np.cumsum(lengths)])
    if places[-1] == 0:
        return np.repeat(path[:1], pieces + 1, axis=0)
    wanted = np.linspace(0.0, places[-1], pieces + 1)
    at = np.clip(np.searchsorted(places, wanted, side="right") - 1, 0, len(lengths) - 1)
    share = (wanted - places[at]) / np.maximum(lengths[at], 1e-300)
    found = path[at] + share[:, None] * (path[at + 1] - path[at])
    found[0], found[-1] = path[0], path[-1]
    return np.asarray(found)


class _Adam:
    """Adam's step sizes for a whole array, falling to 0 like a cosine."""

    def __init__(self, shape: tuple[int, ...], rate: float, steps: int) -> None:
        self.mean, self.square = np.zeros(shape), np.zeros(shape)
        self.rate, self.steps, self.done = rate, steps, 0

    def step(self, slope: Float) -> Float:
        self.done += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.99 * self.square + 0.01 * slope**2
        mean = self.mean / (1 - 0.9**self.done)
        square = self.square / (1 - 0.99**self.done)
        rate = self.rate * 0.5 * (1 + np.cos(np.pi * self.done / self.steps))
        return np.asarray(-rate * mean / (np.sqrt(square) + 1e-300))


def _rate(a: Float, b: Float) -> float:
    return RATE * float(np.linalg.norm(b - a)) / math.sqrt(len(a))


def bezier(net: Network, a: Float, b: Float, until: float) -> Float:
    """(1−t)²a + 2t(1−t)c + t²b with c from gradient descent on the loss along the curve.

    High places weigh more: with the cube of their loss relative to the largest.
    """
    times = np.linspace(0.0, 1.0, 18)[1:-1]
    control = (a + b) / 2
    adam = _Adam(control.shape, _rate(a, b), STEPS)
    best, least = control, np.inf
    for _ in range(STEPS):
        points = _quadratic(a, control, b, times)
        values = np.array([loss(net, w) for w in points])
        if values.max() < least:
            best, least = control, float(values.max())
        if time.monotonic() > until:
            break
        weights = (values / max(float(values.max()), 1e-300)) ** 3 * 2 * times * (1 - times)
        slopes = np.array([gradient(net, w) for w in points])
        control = control + adam.step(weights @ slopes)
    return _quadratic(a, best, b, np.linspace(0.0, 1.0, 2 * IMAGES + 1))


def _quadratic(a: Float, control: Float, b: Float, times: Float) -> Float:
    t = times[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * b


def string(net: Network, path: Float, until: float) -> Float:
    """Gradient descent of every vertex across the path, respaced as it moves (a string method)."""
    path = respaced(path, IMAGES)
    adam = _Adam(path[1:-1].shape, _rate(path[0], path[-1]), STEPS)
    best, least = path, highest(net, path)
    for done in range(STEPS):
        if time.monotonic() > until:
            break
        slopes = np.array([gradient(net, w) for w in path[1:-1]])
        path = path.copy()
        path[1:-1] += adam.step(_across(path, slopes))
        if done % 5 == 4:
            path = respaced(path, IMAGES)
            height = highest(net, path)
            if height < least:
                best, least = path, height
    return best


def _across(path: Float, slopes: Float) -> Float:
    """The part of vectors at inner vertices that is orthogonal to the path."""
    along = path[2:] - path[:-2]
    along = along / np.maximum(np.linalg.norm(along, axis=1), 1e-300)[:, None]
    return np.asarray(slopes - np.sum(slopes * along, axis=1)[:, None] * along)


def gauss_newton(net: Network, path: Float, pieces: int, until: float) -> Float:
    """Damped Gauss-Newton steps of every vertex to the zeros of the residual, respaced between."""
    path = respaced(path, pieces)
    best, least = path, highest(net, path)
    for _ in range(4):
        for _ in range(3):
            for k in range(1, len(path) - 1):
                if time.monotonic() > until:
                    return best
                path[k] = _newton(net, path[k])
        height = highest(net, path)
        if height < least:
            best, least = path.copy(), height
        path = respaced(path, pieces)
    return best


def _newton(net: Network, w: Float) -> Float:
    """One step that does not raise the loss, with as much damping as that takes."""
    r, slope = residual(net, w), jacobian(net, w)
    kernel = slope @ slope.T
    size = float(np.trace(kernel)) / len(r)
    for damping in (1e-9, 1e-6, 1e-4, 1e-2, 1.0):
        step = slope.T @ np.linalg.solve(kernel + (damping * size + 1e-300) * np.eye(len(r)), r)
        if np.all(np.isfinite(step)) and loss(net, w - step) <= loss(net, w):
            return w - step
    return w


def attempts(
    net: Network, a: Float, b: Float, seconds: float, progress: Progress | None = None
) -> Iterator[Attempt]:
    """Each method in turn, cheap ones first; each starts from what the best one left.

    The caller may stop when a path is low enough.
    """
    begin = time.monotonic()
    until = begin + seconds
    straight = np.stack([a, b])
    best = Attempt("straight line", straight, highest(net, respaced(straight, IMAGES)), 0.0)
    yield best
    plans: list[tuple[str, Callable[[Float, float], Float]]] = [
        ("Bézier curve", lambda path, stop: bezier(net, a, b, stop)),
        ("string", lambda path, stop: string(net, path, stop)),
    ]
    if all(ACTIVATIONS[name].smooth for name in (net.activation, net.output)):
        for pieces in (IMAGES, 2 * IMAGES, 4 * IMAGES, FINEST):
            plans.append((f"string of {pieces}, Gauss-Newton", _newton_plan(net, pieces)))
    for k, (name, plan) in enumerate(plans):
        now = time.monotonic()
        if now > until:
            return
        if progress is not None:
            progress(f"joining the weights: {name}, lowest so far {best.highest:.4g}")
        path = plan(best.path, now + (until - now) / (len(plans) - k))
        made = Attempt(name, path, highest(net, path), time.monotonic() - now)
        best = made if made.highest < best.highest else best
        yield made


def _newton_plan(net: Network, pieces: int) -> Callable[[Float, float], Float]:
    return lambda path, stop: gauss_newton(net, path, pieces, stop)


def shortened(path: Float) -> Float:
    """Inner vertices rounded to few binary digits, so that certificates stay short."""
    made = path.copy()
    made[1:-1] = np.rint(path[1:-1] * 2.0**DIGITS) / 2.0**DIGITS
    return made
