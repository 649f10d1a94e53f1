"""Maps F(w) = M w + ε sin(N w) with bounds in closed form, for theorems about Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numeric import Array, Instance

INPUTS, OUTPUTS = 4, 2


def _norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2))


def square_loss(seed: int, share: float = 0.1) -> Instance:
    """f = |F(w) − t|²/2; constants L_F, H = beta_F (Lipschitz Jacobian), mu, lambda_0 at 0."""
    rng = np.random.default_rng(seed)
    M, N = rng.normal(size=(OUTPUTS, INPUTS)), rng.normal(size=(OUTPUTS, INPUTS))
    least = float(np.linalg.svd(M, compute_uv=False)[-1])
    t, eps = rng.normal(size=OUTPUTS), share * least / _norm(N)

    def res(w: Array) -> Array:
        return M @ w + eps * np.sin(N @ w) - t

    def J(w: Array, u: Array) -> Array:
        return M @ u + eps * np.cos(N @ w) * (N @ u)

    def JT(w: Array, v: Array) -> Array:
        return M.T @ v + eps * N.T @ (np.cos(N @ w) * v)

    part = (lambda w: float(res(w) @ res(w)) / 2, lambda w: JT(w, res(w)), 0.0)
    made = Instance("square loss of a map", INPUTS, [part], _solve(res, JT))
    made.maps = {"res": res, "J": J, "JT": JT}
    made.sizes = {"Y": OUTPUTS, "X": INPUTS}
    L_F, H = _norm(M) + eps * _norm(N), eps * _norm(N) ** 2
    start = np.array([JT(np.zeros(INPUTS), v) for v in np.eye(OUTPUTS)])
    lambda_0 = float(np.linalg.eigvalsh(start @ start.T)[0]) * (1 - 1e-9)
    made.constants = {"L_F": L_F, "H": H, "beta_F": H, "mu": (least - eps * _norm(N)) ** 2}
    made.constants |= {"lambda_0": lambda_0, "root": lambda_0**0.5, "lambda_max": L_F**2}
    made.constants["R"] = float(rng.uniform(0.05, 0.9)) * lambda_0**0.5 / H
    return made


def _solve(
    res: Callable[[Array], Array], JT: Callable[[Array, Array], Array]
) -> Callable[[Array], Array]:
    """A zero of the residual near a point (not the nearest: only its loss is asked for)."""

    def zero(w: Array) -> Array:
        for _ in range(60):
            rows = np.array([JT(w, v) for v in np.eye(OUTPUTS)])
            w = w - np.linalg.pinv(rows) @ res(w)
        return w

    return zero


def composed(id: str, seed: int) -> Instance:
    """The maps of a theorem about compositions and sums, with their exact constants."""
    rng, made = np.random.default_rng(seed), square_loss(seed)
    wide = rng.normal(size=(INPUTS, OUTPUTS))
    low = float(np.linalg.svd(wide, compute_uv=False)[-1]) ** 2 * (1 - 1e-9)
    if id == "input-map-conditioning":  # Q v = T B v, B: Y → X, T: X → Z
        T = rng.normal(size=(INPUTS + 1, INPUTS))
        rho = float(np.linalg.svd(T, compute_uv=False)[-1]) * (1 - 1e-9)
        matrices = {"B": wide, "T": T, "Q": T @ wide}
        made.constants = {"mu": low, "rho": rho}
    elif id == "output-map-conditioning":  # Q v = A T v, T: Y → Y
        T = rng.normal(size=(OUTPUTS, OUTPUTS))
        rho = float(np.linalg.svd(T, compute_uv=False)[-1]) * (1 - 1e-9)
        matrices = {"A": wide, "T": T, "Q": wide @ T}
        made.constants = {"mu": low, "rho": rho}
    else:  # the kernel of Q is that of A plus that of B
        other = rng.normal(size=(3, OUTPUTS))
        second = float(np.linalg.svd(other, compute_uv=False)[-1]) ** 2 * (1 - 1e-9)
        matrices = {"A": wide, "B": other, "Q": np.vstack([wide, other])}
        made.constants = {"mu_A": low, "mu_B": second}
    made.maps = {name: (lambda x, v, m=m: m @ v) for name, m in matrices.items()}
    return made
