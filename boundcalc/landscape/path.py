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
ROUNDS = 12  # of three Gauss-Newton steps, at most
RATE = 0.03  # of Adam, relative to the mean distance of a weight between the ends
ENOUGH = 1e-3  # of the loss on the straight line: then descent has nothing to add
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


def string(
    net: Network, path: Float, until: float, pieces: int = IMAGES, springs: bool = False
) -> Float:
    """Gradient descent of every vertex across the path, which is respaced as it moves.

    springs : along the path they hold the vertices apart in place of respacing: a nudged elastic
    band. Reference: E, Ren, Vanden-Eijnden 2007 (string); Henkelman, Jónsson 2000 (band).
    """
    path = respaced(path, pieces)
    adam = _Adam(path[1:-1].shape, _rate(path[0], path[-1]), STEPS)
    best, least = path, highest(net, path)
    for done in range(STEPS):
        if time.monotonic() > until:
            break
        along = _along(path)
        slopes = np.array([gradient(net, w) for w in path[1:-1]])
        force = slopes - np.sum(slopes * along, axis=1)[:, None] * along
        if springs:
            gaps = np.linalg.norm(np.diff(path, axis=0), axis=1)
            strength = np.linalg.norm(force, axis=1).max() / max(float(gaps.max()), 1e-300)
            force -= strength * np.diff(gaps)[:, None] * along
        path = path.copy()
        path[1:-1] += adam.step(force)
        if done % 5 == 4:
            path = path if springs else respaced(path, pieces)
            height = highest(net, path)
            if height < least:
                best, least = path, height
    return best


def _along(path: Float) -> Float:
    """Directions of the path at its inner vertices, of length 1."""
    along = path[2:] - path[:-2]
    return np.asarray(along / np.maximum(np.linalg.norm(along, axis=1), 1e-300)[:, None])


def gauss_newton(net: Network, path: Float, pieces: int, until: float) -> Float:
    """Damped Gauss-Newton steps of every vertex to the zeros of the residual, respaced between."""
    path = respaced(path, pieces)
    best, least = path, highest(net, path)
    for _ in range(ROUNDS):
        before = least
        for _ in range(3):
            for k in range(1, len(path) - 1):
                if time.monotonic() > until:
                    return best
                path[k] = _newton(net, path[k])
        height = highest(net, path)
        if height < least:
            best, least = path.copy(), height
        if least > 0.9 * before:
            break
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
    """Methods in turn: curve and band start from the straight line, others from the lowest path.

    Where Gauss-Newton steps bring the line down to the zeros of the residual, descent is left out;
    where they do not, they are given up. The caller may stop when a path is low enough.
    """
    run = _Run(net, np.stack([a, b]), time.monotonic() + seconds, progress)
    line = run.path
    yield run.keep(Attempt("straight line", line, highest(net, respaced(line, IMAGES)), 0.0))
    smooth = all(ACTIVATIONS[name].smooth for name in (net.activation, net.output))
    top = run.height
    if smooth:
        yield from run.made(f"Gauss-Newton, {IMAGES} pieces", _newton_plan(net, IMAGES), 0.1)
    if run.height > ENOUGH * top:
        yield from run.made("Bézier curve", lambda path, stop: bezier(net, a, b, stop), 0.2)
        yield from run.made(
            "elastic band", lambda path, stop: string(net, line, stop, springs=True), 0.25
        )
        yield from run.made("string", lambda path, stop: string(net, path, stop), 0.3)
        yield from run.made(
            f"string, {2 * IMAGES} pieces",
            lambda path, stop: string(net, path, stop, 2 * IMAGES),
            0.5,
        )
    misses, pieces = 0, 2 * IMAGES
    while smooth and misses < 2 and pieces <= FINEST:
        before = run.height
        yield from run.made(f"Gauss-Newton, {pieces} pieces", _newton_plan(net, pieces), 0.7)
        misses += run.height >= before
        pieces *= 2


@dataclass
class _Run:
    """The lowest path so far, and the time there is."""

    net: Network
    path: Float
    until: float
    progress: Progress | None
    height: float = np.inf

    def keep(self, made: Attempt) -> Attempt:
        if made.highest < self.height:
            self.path, self.height = made.path, made.highest
        return made

    def made(
        self, name: str, plan: Callable[[Float, float], Float], share: float
    ) -> Iterator[Attempt]:
        """One method with a share of the time that is left; nothing where there is none."""
        now = time.monotonic()
        if now >= self.until:
            return
        if self.progress is not None:
            self.progress(f"joining the weights: {name}, lowest so far {self.height:.4g}")
        path = plan(self.path, now + share * (self.until - now))
        seconds = time.monotonic() - now
        yield self.keep(Attempt(name, path, highest(self.net, path), seconds))


def _newton_plan(net: Network, pieces: int) -> Callable[[Float, float], Float]:
    return lambda path, stop: gauss_newton(net, path, pieces, stop)


def shortened(path: Float) -> Float:
    """Inner vertices rounded to few binary digits, so that certificates stay short."""
    made = path.copy()
    made[1:-1] = np.rint(path[1:-1] * 2.0**DIGITS) / 2.0**DIGITS
    return made
