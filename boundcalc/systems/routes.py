"""Ways to bound λ_min(K) from below on a ball, each with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from boundcalc.kernel.analytic import interval as iv
from boundcalc.kernel.system.formula_bounds import PRECISION, at_start, floor
from boundcalc.kernel.system.formulas import read_system
from boundcalc.landscape.ball_spectrum import floor as least_of
from boundcalc.landscape.ball_spectrum import root_below
from boundcalc.search.ball.constants import Search, Shown, rounded
from boundcalc.systems.start import Start

TINY = Fraction(1, 1 << 60)  # in the place of 0 where a positive bound is asked for


@dataclass(frozen=True)
class Route:
    """What one way to bound λ_min(K) on the ball gives.

    kernel : its name in kernel/system/closing.py; mu : shown there, or None, and then the reason;
    uses : constants beside L_F and H that it rests on, with proofs; root : below √λ_min at the
    start, where it uses that; theorem : of the catalogue.
    """

    name: str
    kernel: str
    mu: Fraction | None
    uses: tuple[Shown, ...] = ()
    root: Fraction = Fraction(0)
    theorem: str = ""
    reason: str = ""

    def closes(self, start: Start, radius: Fraction) -> bool:
        """Whether the path 2‖F(w0)‖/√μ of gradient descent is shorter than the radius."""
        return self.mu is not None and 4 * start.norm**2 < self.mu * radius**2


def routes(
    search: Search, start: Start, radius: Fraction, curved: Shown | None
) -> tuple[Route, ...]:
    """All of them. curved : H on the ball."""
    nearby = _nearby(search, root_below(start.floor or Fraction(0)), radius, curved)
    # where one route closes, the other is tried for comparison, and not for long
    found = search.show("mu", radius, most=3.0 if nearby.closes(start, radius) else 8.0)
    direct = found is not None and found.value > 0
    return (
        Route(
            "direct",
            "direct",
            found.value if found is not None and direct else None,
            (found,) if found is not None and direct else (),
            reason="" if direct else search.stopped.get("mu", "λ_min(K) seems to reach 0"),
        ),
        nearby,
        *_transformed(search, radius),
    )


def _nearby(search: Search, root: Fraction, radius: Fraction, curved: Shown | None) -> Route:
    """(√λ_0 − H·R)², the Hessian route."""
    name, theorem = "hessian", "uniform-conditioning-ball-sharp"
    if curved is None:
        return Route(name, name, None, theorem=theorem, reason=search.stopped.get("H", ""))
    left = root - max(curved.value, TINY) * radius
    if left <= 0:
        moved = float(curved.value * radius)
        why = f"H·R = {moved:.4g} is not below √λ_0 = {float(root):.4g}"
        return Route(name, name, None, theorem=theorem, reason=why)
    return Route(name, name, rounded(left**2, -1, 12), root=root, theorem=theorem)


def _transformed(search: Search, radius: Fraction) -> Iterator[Route]:
    """The theorems about how the map is made, where its file says that."""
    made = search.problem.made
    if made is None:
        return
    if made.kind == "output":
        yield from _output(search, radius)
        return
    if made.kind == "input":
        names, theorem = ["input.mu", "input.rho"], "input-map-conditioning"
    else:
        names = [f"part.{k}" for k in range(len(made.parts))]
        theorem = "kernel-sum-conditioning"
    shown = {name: search.show(name, radius) for name in names}
    used = tuple(one for one in shown.values() if one is not None)
    mu = floor({one.name: one.value for one in used})
    yield Route(
        made.kind, "direct", mu or None, used, theorem=theorem, reason=_missing(search, shown)
    )


def _output(search: Search, radius: Fraction) -> Iterator[Route]:
    """ρ²·λ_min of z before the output map, by both routes."""
    theorem, wanted = "output-map-conditioning", ("slope", "inner.L_F", "inner.H", "inner.mu")
    shown = {name: search.show(name, radius) for name in wanted}
    slope, steep, curved, least = shown.values()
    if slope is None or steep is None or curved is None:
        yield Route(
            "output", "output-direct", None, theorem=theorem, reason=_missing(search, shown)
        )
        return
    mu = None if least is None else slope.value**2 * least.value
    used = (slope, steep, curved)
    why = _missing(search, shown)
    more = used if least is None else (*used, least)
    yield Route("output", "output-direct", mu or None, more, theorem=theorem, reason=why)
    with iv.precision(PRECISION):
        system = read_system(search.data)
        _, kernel = at_start(system, system.inner)
    root = root_below(least_of(kernel) or Fraction(0))
    near = _nearby(search, root, radius, curved)
    if near.mu is not None:
        mu = rounded(slope.value**2 * near.mu, -1, 12) if slope.value else None
        yield Route("output-hessian", "output-hessian", mu, used, near.root, theorem)


def _missing(search: Search, shown: dict[str, Shown | None]) -> str:
    """Which constants were not proved, and why."""
    names = [name for name, one in shown.items() if one is None or not one.value]
    return "; ".join(f"{name}: {search.stopped.get(name, 'it seems to be 0')}" for name in names)
