"""PL* on a ball of a given network: search of a radius on which gradient descent is shown to close.

Nothing here is trusted: what is found goes to the kernel as a certificate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from boundcalc.errors import Fault, InputError
from boundcalc.kernel.analytic.interval import Undefined
from boundcalc.kernel.claim import ClaimError
from boundcalc.kernel.identity import Rejected
from boundcalc.kernel.system.bounds import Bounds, Matrix
from boundcalc.kernel.system.check import BallProved, verify
from boundcalc.kernel.system.network_bounds import network_bounds
from boundcalc.kernel.system.spectrum import largest
from boundcalc.landscape.ball_spectrum import floor, root_below, spectrum
from boundcalc.landscape.enclosure import Enclosure
from boundcalc.landscape.network import Network, require_data, require_hessian, require_weights
from boundcalc.library.ball import Numbers, ball_certificate

SMALLEST = 2.0**-90  # a radius below it would be lost among the digits of the kernel's balls
_PARTS = (0.05, 0.1, 0.2, 0.3, 0.5)  # of the radius at which H·R = √λ_0, for the H near w0
_MARGINS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3)


@dataclass(frozen=True)
class Route:
    """One way to bound λ_min on the ball: name as in closing.py; mu, None where it gives none."""

    name: str
    mu: Fraction | None


@dataclass(frozen=True)
class Start:
    """Enclosures at w0 and bounds near it.

    outputs, parameters : n and p. least, largest : λ_min, λ_max of K(w0). residual : ≥ ‖F(w0) − y‖.
    root : below √λ_min. lipschitz : H, norm : L_F, on the ball of the radius looked at.
    """

    outputs: int
    parameters: int
    least: Enclosure
    largest: Enclosure
    residual: float
    root: float
    lipschitz: float
    norm: float

    @property
    def shortage(self) -> float:
        """8·H·‖r0‖/λ_0: R(√λ_0 − HR) ≥ 2‖r0‖ has a solution R iff this is at most 1."""
        if not self.root:
            return math.inf
        return 8 * self.lipschitz * self.residual / self.root**2


@dataclass(frozen=True)
class Ball:
    """What was found. radius : of the ball looked at. routes : both, at that radius.

    certificate, proved : where the statement is proved. fails : else which quantity; factor : by
    how much it would have to change. step_size : limit, where proved.
    """

    start: Start
    radius: float
    routes: tuple[Route, ...]
    numbers: Numbers | None
    certificate: dict[str, Any] | None
    proved: BallProved | None
    fails: str | None
    factor: float | None

    @property
    def best(self) -> Route:
        """The route with the larger mu."""
        return max(self.routes, key=lambda route: route.mu or 0)


def system_of(net: Network) -> dict[str, Any]:
    """The network and its data, exactly, as the kernel reads it. Raises InputError."""
    require_hessian(net)
    (x, y), w = require_data(net), require_weights(net)
    return {
        "widths": list(net.widths),
        "activation": net.activation,
        "output": net.output,
        "bias": net.bias,
        "x": [float(v).hex() for v in x.ravel()],
        "y": [float(v).hex() for v in y.ravel()],
        "weights": [float(v).hex() for v in w],
    }


def ball(net: Network, radius: float | None = None) -> Ball:
    """Prove PL* and convergence on the ball of this radius; by default on the smallest that closes.

    Raises InputError for a network without Hessian, data or weights.
    """
    system = system_of(net)
    try:
        return Search(system, net.output != "linear").run(radius)
    except (ClaimError, Undefined, OverflowError) as error:
        expected = "a network that the kernel can read, with numbers within float64"
        fix = "make it smaller, or its numbers" + (", or the radius" if radius else "")
        raise InputError(Fault(net.source, str(error), expected, fix)) from error


class Search:
    """Bounds of one system (see `system_of`) at several radii; mapped : it has an output map."""

    def __init__(self, system: dict[str, Any], mapped: bool) -> None:
        self.system, self.mapped = system, mapped
        bounds = self.at(SMALLEST)
        self.residual = Fraction(
            _above(math.sqrt(sum(max(lo * lo, hi * hi) for lo, hi in bounds.residual)))
        )
        least = floor(bounds.kernel)
        self.root = Fraction(0) if least is None else root_below(least)
        self.least, self.largest = spectrum(bounds.kernel, least)
        self.top = largest(bounds.kernel)
        self.inner_root = Fraction(0)
        if bounds.inner is not None and (inner := floor(bounds.inner.kernel)) is not None:
            self.inner_root = root_below(inner)

    def at(self, radius: float, *, direct: bool = False) -> Bounds:
        return network_bounds(self.system, Fraction(radius), on_ball=direct, inner=self.mapped)

    def run(self, radius: float | None) -> Ball:
        if radius is not None:
            return self.close(radius, self.at(radius, direct=True))
        found = self.by_hessian() or self.by_direct()
        if found is not None:
            return self.close(found, self.at(found, direct=True))
        return self.nearest()

    def nearest(self) -> Ball:
        """The ball, of a few, that comes closest: where R·√mu is largest against 2‖r0‖."""
        steep = max(_steep(self.at(SMALLEST), self.inner_root, self.root), 1e-300)
        widest = max(float(self.root) / steep, SMALLEST)
        reach = {}
        for part in _PARTS:
            radius = max(part * widest, SMALLEST)
            routes = self.routes(radius, self.at(radius))
            reach[radius] = radius * math.sqrt(max(route.mu or Fraction(0) for route in routes))
        radius = max(reach, key=lambda radius: reach[radius])
        return self.close(radius, self.at(radius, direct=True))

    def by_hessian(self) -> float | None:
        """The smallest R with 2‖r0‖ < R·√mu(R), where H, which grows with R, is taken as it is."""
        root, residual, radius = float(self.root), float(self.residual), SMALLEST
        for margin in _MARGINS:
            bounds = self.at(radius)
            h = max(_steep(bounds, self.inner_root, self.root), 1e-300)
            gap = root**2 - 8 * h * residual
            if gap <= 0:
                return None
            # the smaller root of H R² − root·R + 2 r0, without cancellation
            radius = max(4 * residual / (root + math.sqrt(gap)) * (1 + margin), SMALLEST)
            if self.closes(radius, self.at(radius)):
                return radius
        return None

    def by_direct(self) -> float | None:
        """R from the direct route, by the same iteration."""
        if not self.root:
            return None
        radius = 2 * float(self.residual) / float(self.root)
        for margin in _MARGINS[2:]:
            radius = max(radius * (1 + margin), SMALLEST)
            bounds = self.at(radius, direct=True)
            if self.closes(radius, bounds):
                return radius
            mu = max((route.mu or Fraction(0)) for route in self.routes(radius, bounds))
            if not mu:
                return None
            radius = max(radius, 2 * float(self.residual) / math.sqrt(mu))
        return None

    def closes(self, radius: float, bounds: Bounds) -> bool:
        mu = max((route.mu or Fraction(0)) for route in self.routes(radius, bounds))
        return mu > 0 and 2 * float(self.residual) * (1 + 1e-9) < radius * math.sqrt(mu)

    def routes(self, radius: float, bounds: Bounds) -> tuple[Route, ...]:
        found = [
            Route("hessian", _bent(self.root, bounds, radius)),
            Route("direct", _direct(bounds.kernel_on_ball)),
        ]
        if bounds.inner is not None and bounds.slope is not None:
            scale = bounds.slope**2
            for name, mu in (
                ("output-hessian", _bent(self.inner_root, bounds.inner, radius)),
                ("output-direct", _direct(bounds.inner.kernel_on_ball)),
            ):
                found.append(Route(name, None if mu is None or not scale else _short(mu * scale)))
        return tuple(found)

    def close(self, radius: float, bounds: Bounds) -> Ball:
        """A certificate for the ball of this radius, or what fails."""
        lipschitz = _positive(bounds.jacobian_lipschitz)
        norm = _above(
            min(
                float(bounds.jacobian_norm),
                math.sqrt(self.top) * (1 + 1e-12) + float(lipschitz) * radius * (1 + 1e-12),
            )
        )
        start = Start(
            len(bounds.kernel),
            len(self.system["weights"]),
            self.least,
            self.largest,
            float(self.residual),
            float(self.root),
            float(lipschitz),
            norm,
        )
        routes = self.routes(radius, bounds)
        ball = Ball(start, radius, routes, None, None, None, None, None)
        mu = ball.best.mu
        if mu is None:
            return _failed(ball, *self.unconditioned(start, radius))
        if not self.closes(radius, bounds):
            needed = 2 * float(self.residual) / math.sqrt(mu)
            return _failed(ball, "radius", needed / radius)
        steps = 1 / (Fraction(norm) ** 2 + lipschitz * self.residual)
        from_root = self.inner_root if ball.best.name.startswith("output") else self.root
        numbers = Numbers(
            Fraction(radius),
            mu,
            Fraction(_below(float(steps))),
            Fraction(0) if ball.best.name.endswith("direct") else from_root,
            self.residual,
            Fraction(norm),
            lipschitz,
        )
        certificate = ball_certificate("network", self.system, ball.best.name, numbers)
        try:
            proved = verify(certificate)
        except Rejected as error:
            return _failed(ball, f"the kernel: {error}", None)
        return Ball(start, radius, routes, numbers, certificate, proved, None, None)

    def unconditioned(self, start: Start, radius: float) -> tuple[str, float | None]:
        if not start.root:
            return "lambda_min", None
        return "jacobian_lipschitz", start.lipschitz * radius / start.root


def _failed(ball: Ball, fails: str, factor: float | None) -> Ball:
    return Ball(ball.start, ball.radius, ball.routes, None, None, None, fails, factor)


def _steep(bounds: Bounds, inner_root: Fraction, root: Fraction) -> float:
    """H of F, or what the inner map's comes to where that route is the better one."""
    found = float(bounds.jacobian_lipschitz)
    if bounds.inner is None or not inner_root or not root:
        return found
    return min(found, float(bounds.inner.jacobian_lipschitz) * float(root / inner_root))


def _bent(root: Fraction, bounds: Bounds, radius: float) -> Fraction | None:
    """(√λ_0 − H·R)², rounded down; None where H·R is as large as the root."""
    rest = root - _positive(bounds.jacobian_lipschitz) * Fraction(radius)
    return _short(rest**2) if rest > 0 else None


def _direct(matrix: Matrix | None) -> Fraction | None:
    return None if matrix is None else floor(matrix)


def _positive(value: Fraction) -> Fraction:
    """An upper bound as a float, exactly; that of 0 is small and positive."""
    return max(Fraction(_above(float(value))), Fraction(1, 1 << 100))


def _short(value: Fraction) -> Fraction:
    return Fraction(_below(float(value)))


def _above(value: float) -> float:
    return math.nextafter(value, math.inf) * (1 + 2**-50)


def _below(value: float) -> float:
    return math.nextafter(value, 0.0) * (1 - 2**-50)
