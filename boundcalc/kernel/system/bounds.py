"""What a kind of system (a network, formulas) must enclose, for the closing rule to use."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

Pair: TypeAlias = tuple[Fraction, Fraction]  # lower end, upper end
Matrix: TypeAlias = tuple[tuple[Pair, ...], ...]


@dataclass(frozen=True)
class Bounds:
    """Enclosures of r = F(w) − y, n numbers, and of its derivative DF (n × p), on a closed ball.

    residual : r(w0), n pairs. kernel : K(w0) = DF DFᵀ, n × n pairs, symmetric.
    jacobian_norm : ≥ ‖DF(w)‖₂ for every w of the ball B(w0, R).
    jacobian_lipschitz : H ≥ 0 with ‖DF(w) − DF(v)‖₂ ≤ H‖w − v‖ for all w, v of the ball.
    kernel_on_ball : K(w) for every w of the ball, entry by entry, where it was asked for.
    kernel_floor : ≤ λ_min(K(w)) for every w of the ball, where that was shown as a whole.
    inner : the same of the map z before an output map φ, F = φ(z) entry by entry, where there is
        one; slope : ρ ≥ 0 with |φ'| ≥ ρ at the values of z on the ball. (inner.residual is z(w0).)

    F is twice continuously differentiable on a neighbourhood of the ball: a kind of system for
    which this is not known must not make Bounds.
    """

    residual: tuple[Pair, ...]
    kernel: Matrix
    jacobian_norm: Fraction
    jacobian_lipschitz: Fraction
    kernel_on_ball: Matrix | None = None
    kernel_floor: Fraction | None = None
    inner: Bounds | None = None
    slope: Fraction | None = None
